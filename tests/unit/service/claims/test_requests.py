"""Asking for a release and answering, as the use cases see it."""

from pathlib import Path
from typing import Any

import pytest

from gitcoord.core.claims.claim_commands import Answer
from gitcoord.errors import CoordError
from gitcoord.service.claims.claims import claim_files, extend_claims, list_claims, release_claims
from gitcoord.service.claims.requests import (
    my_requests,
    pending_requests,
    request_release,
    respond_to_request,
    wait_for_request,
)
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.watch.notices import take_notices
from gitcoord.service.watch.watch import tick
from tests.unit.service.claims.test_claim_wait import Waiter, until
from tests.unit.service.world import Agents, says, tips


@pytest.fixture
def bob(agents: Agents, repo: Path) -> Workspace:
    return agents(repo, "bob/cli/wt")


@pytest.fixture
def held(ann: Workspace) -> str:
    """A claim of ann's."""
    granted: Any = claim_files(ann, patterns=["src/**"])
    return granted["claim"]["id"]


def ask(workspace: Workspace, claim: str, **given: Any) -> dict[str, Any]:  # noqa: ANN401
    """File a request without waiting."""
    return dict(request_release(workspace, claim_id=claim, reason="the release waits", wait_seconds=0, **given))


def test_a_request_shortens_the_claim_and_the_holder_is_told_with_every_reply(
    ann: Workspace, bob: Workspace, held: str
) -> None:
    before: Any = list_claims(ann)["claims"]

    filed = ask(bob, held)
    told = [take_notices(ann) for _ in range(2)]
    after: Any = list_claims(ann)["claims"]

    one = filed["request"]["id"]
    assert (filed["request"]["decision"], filed["request"]["reason"]) == ("pending", "the release waits")
    assert f"wait_for_request(request_id='{one}')" in filed["next_step"]
    assert after[0]["expires_at"] < before[0]["expires_at"] == after[0]["items"][0]["clamped_from"]
    assert [[row["notice"] for row in rows] for rows in told] == [["request_pending"], ["request_pending"]]
    assert told[0][0]["message"] == f"bob/cli/wt asks for your claim {held} (src/**): 'the release waits'."
    assert f"respond_to_request(request_id='{one}'" in str(told[0][0]["next_step"])


def test_asking_again_is_the_same_request(bob: Workspace, held: str) -> None:
    first, second = ask(bob, held), ask(bob, held)

    assert first["request"]["id"] == second["request"]["id"]
    assert second["already"] is True


def test_who_looks_at_what_is_asked_has_seen_it(ann: Workspace, bob: Workspace, held: str) -> None:
    filed = ask(bob, held)

    pending: Any = pending_requests(ann)

    (row,) = pending["pending"]
    assert (row["id"], row["claim"], row["agent"], row["requested"]) == (
        filed["request"]["id"],
        held,
        "bob/cli/wt",
        ["src/**"],
    )
    assert "seen_at" in row
    assert pending_requests(bob) == {"pending": [], "count": 0}


def test_approval_gives_the_claim_to_who_asked_at_once(ann: Workspace, bob: Workspace, held: str) -> None:
    filed = ask(bob, held)["request"]["id"]

    answered: Any = respond_to_request(ann, request_id=filed, decision="approved", note="go ahead")
    result: Any = wait_for_request(bob, request_id=filed, timeout=0)

    assert (answered["request"]["decision"], answered["request"]["note"]) == ("approved", "go ahead")
    assert result["claim"]["agent"] == "bob/cli/wt"
    assert result["next_step"] == f"You hold {result['claim']['id']}: go ahead."
    assert [one["notice"] for one in take_notices(bob)] == ["request_answered"]


def test_an_approval_that_grants_nothing_says_so_to_both(
    agents: Agents, repo: Path, ann: Workspace, bob: Workspace, held: str
) -> None:
    claim_files(agents(repo, "cy/cli/wt"), patterns=["docs/a.md"])
    filed = ask(bob, held, requested_scope=["src/a.py", "docs/a.md"])["request"]["id"]

    answered: Any = respond_to_request(ann, request_id=filed, decision="approved")
    result: Any = wait_for_request(bob, request_id=filed, timeout=0)
    listed: Any = my_requests(bob)
    claim_files(bob, patterns=["src/a.py"])

    assert (answered["request"]["decision"], answered["request"].get("granted")) == ("approved", None)
    assert answered["next_step"].startswith("Your claim ended; bob/cli/wt was granted nothing: ")
    assert result["next_step"] == listed["next_step"]
    assert "nothing was granted" in result["next_step"]
    assert "claim_files(patterns=['src/a.py', 'docs/a.md'], wait_seconds=300)" in result["next_step"]
    assert "next_step" not in dict[str, Any](my_requests(bob))


def test_denial_gives_the_old_end_back(ann: Workspace, bob: Workspace, held: str) -> None:
    before: Any = list_claims(ann)["claims"]
    filed = ask(bob, held)["request"]["id"]

    respond_to_request(ann, request_id=filed, decision="denied")
    result: Any = wait_for_request(bob, request_id=filed)

    assert result["request"]["decision"] == "denied"
    assert "Take another part" in result["next_step"]
    after: Any = list_claims(ann)["claims"]
    assert after[0]["expires_at"] == before[0]["expires_at"]


def test_a_part_may_be_kept_or_shared(ann: Workspace, bob: Workspace, held: str) -> None:
    shared = ask(bob, held)["request"]["id"]
    coexist: Any = respond_to_request(ann, request_id=shared, decision="coexist", pattern="src/a.py")
    kept = ask(bob, held)["request"]["id"]
    narrowed: Any = respond_to_request(ann, request_id=kept, decision="narrowed", pattern="src/api/**")
    rows: Any = list_claims(ann, agent="ann")["claims"]

    assert (coexist["request"]["decision"], narrowed["request"]["decision"]) == ("coexist", "narrowed")
    assert [item["pattern"] for item in rows[0]["items"]] == ["src/api/**"]
    free = claim_files(bob, patterns=["src/b.py"])
    assert free["granted"] is True


def test_only_a_part_may_be_asked_for(ann: Workspace, bob: Workspace, held: str) -> None:
    filed: Any = ask(bob, held, requested_scope=["src/a.py"])["request"]
    respond_to_request(ann, request_id=filed["id"], decision="approved")

    result: Any = wait_for_request(bob, request_id=filed["id"], timeout=0)

    assert filed["requested"] == ["src/a.py"]
    assert [item["pattern"] for item in result["claim"]["items"]] == ["src/a.py"]


def test_an_answer_by_the_wrong_side_and_a_late_one_change_nothing(
    agents: Agents, ann: Workspace, bob: Workspace, held: str, repo: Path
) -> None:
    filed = ask(bob, held)["request"]["id"]
    stranger = agents(repo, "bob/cli/other")

    wrong = [respond_to_request(one, request_id=filed, decision="approved") for one in (bob, stranger)]
    unknown = respond_to_request(ann, request_id="r-00000000", decision="approved")
    respond_to_request(ann, request_id=filed, decision="denied")
    late = respond_to_request(ann, request_id=filed, decision="approved")

    assert [one["refused"] for one in (*wrong, unknown)] == ["not_yours", "not_yours", "not_found"]
    assert late["late"] is True
    assert dict[str, Any](late)["request"]["decision"] == "denied"
    assert list_claims(ann, agent="ann")["count"] == 1


def test_a_claim_that_ended_answers_for_its_holder(ann: Workspace, bob: Workspace, held: str) -> None:
    filed = ask(bob, held)["request"]["id"]
    release_claims(ann)

    result: Any = wait_for_request(bob, request_id=filed)
    gone = ask(bob, held)

    assert result["request"]["decision"] == "resolved"
    assert "Claim now" in result["next_step"]
    assert gone["refused"] == "ended"


def test_what_was_asked_for_cannot_be_extended(ann: Workspace, bob: Workspace, held: str) -> None:
    ask(bob, held)

    extended = extend_claims(ann, ttl_hours=8)

    assert extended["clamped"] == [held]
    assert "pending_requests" in str(extended["next_step"])


def test_my_requests_are_listed_by_decision(ann: Workspace, bob: Workspace, held: str) -> None:
    filed = ask(bob, held)["request"]["id"]

    assert [row["id"] for row in dict[str, Any](my_requests(bob))["requests"]] == [filed]
    assert my_requests(bob, decision="denied")["requests"] == []
    assert "queued" not in my_requests(bob, queued=False)
    assert my_requests(ann)["requests"] == []


def test_the_watch_of_the_holder_sees_a_request_and_what_it_was_told_leaves(
    agents: Agents, bob: Workspace, repo: Path
) -> None:
    ann = agents(repo, "ann/claude/wt", serve=True)
    granted: Any = claim_files(ann, patterns=["src/**"])
    tick(ann)
    filed = ask(bob, granted["claim"]["id"])["request"]["id"]
    seen_before = ann.register().requests[filed].seen_at

    changed = tick(ann).changed

    assert seen_before is None
    assert ann.register().requests[filed].seen_at is not None
    assert "coord://claims" in changed


def test_a_waiter_for_an_answer_gets_it_when_it_comes(ann: Workspace, bob: Workspace, held: str) -> None:
    waiter = Waiter(bob, call=lambda patience: request_release(bob, claim_id=held, reason="now", patience=patience))
    until(lambda: bool(dict[str, Any](pending_requests(ann))["pending"]))
    (row,) = dict[str, Any](pending_requests(ann))["pending"]

    respond_to_request(ann, request_id=row["id"], decision="approved")

    assert waiter.result()["request"]["decision"] == "approved"


BAD: list[dict[str, Any]] = [
    {"decision": "maybe"},
    {"decision": "narrowed"},
    {"decision": "coexist"},
    {"decision": "approved", "pattern": "src/a.py"},
    {"decision": "narrowed", "pattern": "docs/**"},
    {"decision": "narrowed", "pattern": "!x"},
    {"decision": "coexist", "symbols": ["a::"]},
    {"decision": "narrowed", "pattern": "src/a.py", "item": "docs/**"},
    {"decision": "denied", "note": "x" * 3000},
    {"decision": "denied", "request_id": "c-00000000"},
]


@pytest.mark.parametrize("given", BAD, ids=[str(one)[:50] for one in BAD])
def test_an_answer_that_makes_no_sense_is_told_and_decides_nothing(
    ann: Workspace, bob: Workspace, held: str, given: dict[str, Any]
) -> None:
    filed = ask(bob, held)["request"]["id"]
    pending_requests(ann)
    before = tips(ann)

    with pytest.raises(CoordError) as caught:
        respond_to_request(ann, **{"request_id": filed, **given})

    assert says(caught.value)[:2] == (2, "invalid")
    assert tips(ann) == before


BAD_ASKS: list[dict[str, Any]] = [
    {"claim_id": "nonsense"},
    {"reason": " "},
    {"reason": "x" * 3000},
    {"wait_seconds": -1},
    {"wait_seconds": 10**9},
    {"requested_scope": ["!x"]},
    {"requested_scope": []},
]


@pytest.mark.parametrize("given", BAD_ASKS, ids=[str(one)[:50] for one in BAD_ASKS])
def test_a_request_that_makes_no_sense_is_told_and_shortens_nothing(
    bob: Workspace, held: str, given: dict[str, Any]
) -> None:
    before = tips(bob)

    with pytest.raises(CoordError) as caught:
        request_release(bob, **{"claim_id": held, "reason": "please", "wait_seconds": 0, **given})

    assert says(caught.value)[:2] == (2, "invalid")
    assert tips(bob) == before


def test_one_s_own_claim_is_not_asked_for_and_unknown_requests_are_told(ann: Workspace, held: str) -> None:
    with pytest.raises(CoordError) as own:
        ask(ann, held)
    with pytest.raises(CoordError) as unknown:
        wait_for_request(ann, request_id="r-00000000")
    with pytest.raises(CoordError) as bad:
        my_requests(ann, decision="soon")

    assert [says(one.value)[1] for one in (own, unknown, bad)] == ["invalid", "not_found", "invalid"]
    assert [*Answer] == ["approved", "denied", "narrowed", "coexist"]


def test_narrowed_keeps_its_symbols_and_says_so_where_others_are_named(
    ann: Workspace, bob: Workspace, held: str
) -> None:
    one = ask(bob, held)["request"]["id"]

    with pytest.raises(CoordError, match="not its symbols"):
        respond_to_request(ann, request_id=one, decision="narrowed", pattern="src/a/**", symbols=["f"])
