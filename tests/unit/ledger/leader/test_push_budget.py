"""The budget of pushes: a burst goes at once, who goes on waits, and all that wait become one push."""

import json
import threading
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from gitcoord.core.documents.doc import replace
from gitcoord.core.steps.step_commands import ClaimStep
from gitcoord.ledger.clone.host import Host
from gitcoord.ledger.leader.push_budget import KEPT, NAME, PushBudget, per_minute_of
from gitcoord.ledger.transactions.equipment import Setting
from gitcoord.ledger.transactions.transactions import Transactions
from gitcoord.remote.contract.protocol import RefUpdate, SwapOutcome, SwapStatus
from gitcoord.runtime import make_host
from gitcoord.service.claims.claims import claim_files
from tests.conftest import Git
from tests.unit.ledger.fakes import REFS, Clock, Interleaved, World, Wrapped, code, host_of
from tests.unit.service.world import Agents, Shared
from tests.unit.service.world import agents as agents  # noqa: PLC0414 - a fixture, exported to pytest
from tests.unit.service.world import shared as shared  # noqa: PLC0414 - a fixture, exported to pytest


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def budget(tmp_path: Path, clock: Clock) -> PushBudget:
    return PushBudget(tmp_path, host_of(clock), 6)


def test_a_burst_of_a_minute_is_free_and_then_each_push_waits_for_its_part(budget: PushBudget, clock: Clock) -> None:
    waits: list[float] = []
    for _ in range(8):
        waits.append(budget.wait_s())
        clock.advance(seconds=waits[-1])
        budget.note()

    assert [round(wait_s) for wait_s in waits] == [0, 0, 0, 0, 0, 0, 10, 10]


def test_an_hour_has_sixty_minutes_of_pushes_and_its_burst_is_among_them(budget: PushBudget, clock: Clock) -> None:
    end, pushes = clock.now.timestamp() + 3600, 0
    while clock.now.timestamp() + budget.wait_s() < end:
        clock.advance(seconds=budget.wait_s())
        budget.note()
        pushes += 1

    assert 355 <= pushes <= 360


def test_what_can_wait_leaves_some_for_calls(budget: PushBudget) -> None:
    budget.note(6 - KEPT)

    assert (budget.wait_s(), round(budget.wait_s(KEPT))) == (0.0, 10)


@pytest.mark.parametrize("content", ["", "[]", '{"left": "many", "at": 0}', '{"left": -6, "at": 9e12}'])
def test_a_file_that_says_nothing_is_a_full_budget(budget: PushBudget, content: str) -> None:
    (budget.folder / NAME).write_text(content)

    assert budget.wait_s(KEPT) == 0.0


def test_where_no_limit_is_known_nothing_is_counted(tmp_path: Path, clock: Clock) -> None:
    budget = PushBudget(tmp_path, host_of(clock), None)
    budget.note(100)

    assert (budget.wait_s(KEPT), [*tmp_path.iterdir()]) == (0.0, [])


@pytest.mark.parametrize(
    ("url", "wanted", "expected"),
    [
        ("git@github.com:team/app.git", "", 6),
        ("https://ann@www.github.com/team/app", "", 6),
        ("https://gitlab.com/team/app", "", None),
        ("ssh://git.example/app", "", None),
        ("/srv/app.git", "", None),
        (None, "", None),
        ("https://github.com/team/app", "0", None),
        ("https://github.com/team/app", "30", 30),
        ("/srv/app.git", "3", 3),
        ("https://github.com/team/app", "many", 6),
    ],
)
def test_the_host_says_how_many_unless_a_person_does(url: str | None, wanted: str, expected: int | None) -> None:
    assert per_minute_of(url, wanted) == expected


@pytest.mark.parametrize("status", SwapStatus)
def test_what_was_sent_is_one_push_whatever_became_of_it(tmp_path: Path, status: SwapStatus) -> None:
    class Answering(Wrapped):
        def swap(self, updates: Sequence[RefUpdate]) -> SwapOutcome:  # noqa: ARG002 - as of any transport
            return SwapOutcome(status)

    setting = replace(World(tmp_path).clone("ann", Answering).setting, pushes_per_minute=6)

    outcome = setting.push([RefUpdate(REFS.claims, None, None), RefUpdate(REFS.steps("app"), None, None)])

    assert outcome.status is status
    assert left_in(setting) == (6 if status is SwapStatus.UNREACHABLE else 5)


def test_each_swap_of_a_transaction_is_counted_once(tmp_path: Path) -> None:
    world = World(tmp_path)
    bob = world.clone("bob")
    bob.create()
    ann = world.clone("ann", lambda inner: Interleaved(inner, [bob.claim]))  # so that one is lost
    setting = replace(ann.setting, pushes_per_minute=20)

    replies = Transactions(setting).run([ann.entry(ClaimStep(), "app")])

    assert isinstance(ann.transport, Interleaved)
    assert [*map(code, replies.values())] == ["step_claimed"]
    assert len(ann.transport.swaps) > 1
    assert round(left_in(setting)) == 20 - len(ann.transport.swaps)


def left_in(setting: Setting) -> float:
    """Return how many pushes the budget of a place still has."""
    file = setting.place_folder / NAME
    return json.loads(file.read_text())["left"] if file.exists() else float(setting.pushes_per_minute or 0)


def test_calls_that_wait_for_the_budget_become_one_push(agents: Agents, shared: Shared, git: Git) -> None:
    git(shared.one, "config", "gitcoord.remote", f"file://{shared.remote}")
    git(shared.one, "config", "gitcoord.pushesPerMinute", "6")
    names = [f"file{number}.zig" for number in range(4)]
    passed = [timedelta()]
    all_wait = threading.Barrier(len(names), lambda: passed.insert(0, timedelta(seconds=10)), timeout=60)

    def host() -> Host:
        """Return this machine; once all callers wait, the time has passed that they wait for."""
        real, waited = make_host(), list[float]()

        def sleep(seconds: float) -> None:
            waited.append(seconds)
            if len(waited) == 1:
                all_wait.wait()
            real.sleep(seconds)

        return replace(real, now=lambda: real.now() + passed[0], sleep=sleep)

    callers = [agents(shared.one, f"ann/cli/wt{number}", host=host()) for number in range(len(names))]
    callers[0].setting.push_budget.note(6)
    threads = [
        threading.Thread(target=claim_files, args=(caller,), kwargs={"patterns": [name]})
        for caller, name in zip(callers, names, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert not any(thread.is_alive() for thread in threads)
    assert git(shared.remote, "rev-list", "--count", "refs/coord/claims") == "1"
    assert git(shared.remote, "show", "refs/coord/claims:meta.json").count('"seq": 4') == 1
