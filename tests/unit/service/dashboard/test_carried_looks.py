"""A look that carries on what the one before made says what a look says that begins with nothing."""

import contextlib
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from gitcoord.core.documents.doc import replace
from gitcoord.errors import CoordError
from gitcoord.ledger.clone.host import Host
from gitcoord.ledger.transactions.send_heartbeat import beat_now
from gitcoord.runtime import make_host
from gitcoord.service.claims.claims import claim_files, extend_claims, release_claims
from gitcoord.service.claims.requests import request_release
from gitcoord.service.dashboard.dashboard import EVENTS_SHOWN, Dashboard
from gitcoord.service.session.memo import Memo
from gitcoord.service.session.patience import Patience
from gitcoord.service.session.workspace import ClaimViews, Workspace
from gitcoord.service.steps.step_work import claim_step, complete_step, fail_step, recover_step, start_step
from tests.unit.service.world import Agents, Result, Shared, project, seen

STEPS, FILES, TURNS = 6, 5, 40
LINE_S = 300
MINUTES = (0.1, 0.5, 1, 2, 6, 11, 20, 70)  # below and above what makes a holder quiet or silent, and a claim end


@dataclass
class Clock:
    """A clock that stands until it is moved."""

    now: datetime = datetime(2026, 11, 29, 9, 30, tzinfo=UTC)
    ticks: float = 1_000.0

    def move(self, minutes: float) -> None:
        self.now += timedelta(minutes=minutes)
        self.ticks += 60 * minutes

    def host(self) -> Host:
        return replace(make_host(), now=lambda: self.now, monotonic=lambda: self.ticks)


def ended(workspace: Workspace, chance: random.Random, end: Callable[..., object]) -> None:
    """Release or extend a claim of this agent, if it has one."""
    own = [claim.id for claim in workspace.register().claims.values() if claim.agent == workspace.agent]
    if own:
        end(workspace, claim_ids=[chance.choice(sorted(own))])


def asked(workspace: Workspace, chance: random.Random) -> None:
    """Ask another agent for a claim."""
    other = [claim.id for claim in workspace.register().claims.values() if claim.agent != workspace.agent]
    if other:
        request_release(workspace, claim_id=chance.choice(sorted(other)), reason="mine", wait_seconds=0)


def commands(workspace: Workspace, chance: random.Random) -> list[Callable[[], object]]:
    """Return what an agent may do next."""
    pattern, step = f"docs/{chance.randrange(FILES)}.md", f"app/{chance.randint(1, STEPS)}"
    patience = Patience(most_s=0)
    return [
        partial(claim_files, workspace, patterns=[pattern], description=f"edit {pattern}"),
        partial(claim_files, workspace, patterns=[pattern], wait_seconds=LINE_S, patience=patience),
        partial(ended, workspace, chance, release_claims),
        partial(ended, workspace, chance, partial(extend_claims, ttl_hours=8)),
        partial(asked, workspace, chance),
        partial(claim_step, workspace),
        partial(start_step, workspace, step_id=step),
        partial(complete_step, workspace, step_id=step, commit_hash="HEAD"),
        partial(fail_step, workspace, step_id=step, reason="the tests fail"),
        partial(recover_step, workspace, step_id=step),
        partial(beat_now, workspace.setting, workspace.combiner, force=True),
    ]


def cold(workspace: Workspace) -> Result:
    """Return what a look says that knows nothing of any before."""
    workspace.claim_views = ClaimViews()
    return seen(Dashboard(workspace).panels())


@pytest.mark.parametrize("seed", range(3))
def test_after_each_command_and_each_wait_a_warm_look_equals_a_cold_one(
    agents: Agents, shared: Shared, seed: int
) -> None:
    chance, clock = random.Random(seed), Clock()
    team = [
        agents(shared.one, "ann/cli/wt", host=clock.host()),
        agents(shared.one, "bob/codex/wt", tool="codex", serve=True, host=clock.host()),
        agents(shared.two, "bob/claude/two", tool="claude", serve=True, host=clock.host()),
        agents(shared.two, "ann/cli/two", host=clock.host()),
    ]
    ann = team[0]
    project(ann, *((), (), (1,), (2,), (3, 4), ()), name="app")
    warm = Dashboard(ann)
    states = list[str]()

    for _ in range(TURNS):
        if chance.random() < 0.5:
            clock.move(chance.choice(MINUTES))
        else:
            with contextlib.suppress(CoordError):
                chance.choice(commands(chance.choice(team), chance))()
        carried = seen(warm.panels())

        views = ann.claim_views
        assert carried == cold(ann)
        ann.claim_views = views
        states.append(repr(carried))

    assert len({*states}) > TURNS / 2  # it did not compare one state with itself


def test_a_memo_knows_what_the_last_answer_used_and_nothing_of_before() -> None:
    memo = Memo[str, int]()
    for name, value in {"often": 1, "once": 2}.items():
        memo.keep(name, value)
    memo.begin()
    memo.get("often")
    memo.begin()

    assert {name: memo.get(name) for name in ("often", "once")} == {"often": 1, "once": None}


def test_what_is_kept_of_claims_and_events_does_not_grow(agents: Agents, shared: Shared) -> None:
    ann = agents(shared.one, "ann/cli/wt")
    looked = Dashboard(ann)
    for number in range(3):
        held: Result = claim_files(ann, patterns=[f"src/{number}.py"])
        looked.panels()
        release_claims(ann, claim_ids=[held["claim"]["id"]])
        looked.panels()
    looked.panels()

    views, known = ann.claim_views, looked._events
    assert [*views._used, *views._before] == []
    assert len(known.commits._used) <= EVENTS_SHOWN
