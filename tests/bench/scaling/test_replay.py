"""Real clones in virtual time take what their requests cost, and do the same again."""

import pytest

from gitcoord.remote.contract.protocol import Oid, RefName, RefUpdate
from tests.bench.scaling.replay import Cost, Costs, Kind, Line, kind_of, on_and_on, together

_REQUEST = Cost(Line(0.004), Line(0.01, 0.001), spread=0.3)
COSTS = Costs(_REQUEST, _REQUEST, _REQUEST, _REQUEST, end=Line(0.003, 0.0001), call_s=0.002)
OID = Oid("1" * 40)
POST = RefName("refs/coord/inbox/claims/1700000000000-clone-id")


def test_a_lone_claim_is_a_call_one_write_and_its_end() -> None:
    alone = COSTS._replace(write=Cost(Line(0.01, 0.002), Line(0.02, 0.001), wait_s=0.1))

    result = together(1, "a file", alone)

    assert (result.latencies, result.pushes) == ([pytest.approx(0.002 + 0.012 + 0.021 + 0.1 + 0.003)], 1)


@pytest.mark.parametrize("what", ["a file", "a step"])
def test_each_claim_of_a_crowd_is_done_and_the_processors_are_busy(what: str) -> None:
    result = together(8, what, COSTS)

    assert len(result.latencies) == 8
    assert 8 < result.pushes <= 2.5 * 8
    assert 0.5 < result.busy <= 1
    assert max(result.latencies) == pytest.approx(result.took_s)


def test_the_processes_of_a_clone_share_pushes() -> None:
    result = on_and_on(2, 3, 1.0, COSTS)

    assert result.pushes < len(result.latencies)


def test_a_process_that_waits_for_another_of_its_clone_pays_for_its_looks() -> None:
    free, paid = (on_and_on(1, 3, 1.0, COSTS._replace(look_s=look_s)) for look_s in (0.0, 0.002))

    assert paid.client_s > free.client_s


def test_a_replay_is_repeated_exactly_and_another_seed_is_another_run() -> None:
    first, again, other = (together.__wrapped__(8, "a file", COSTS, seed) for seed in (1, 1, 2))

    assert first == again
    assert first != other


def test_twice_the_processors_have_a_crowd_done_sooner() -> None:
    two, four = (together(8, "a file", COSTS._replace(processors=processors)) for processors in (2, 4))

    assert four.took_s < two.took_s


@pytest.mark.parametrize(
    ("updates", "kind"),
    [
        ([RefUpdate(POST, None, OID)], Kind.POST),
        ([RefUpdate(RefName("refs/coord/config"), OID, OID), RefUpdate(POST, None, OID)], Kind.POST),
        ([RefUpdate(POST, OID, None)], Kind.WRITE),
        ([RefUpdate(RefName("refs/coord/claims"), None, OID), RefUpdate(POST, OID, None)], Kind.WRITE),
    ],
)
def test_a_push_that_only_posts_is_told_from_a_write(updates: list[RefUpdate], kind: Kind) -> None:
    assert kind_of(updates) is kind
