"""A project to play with in the tests of rules: give a command, get its outcome, look at the board.

Whatever the rules do not carry out must leave the same board object; every `do` checks that.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from gitcoord.core.documents.actor import Actor
from gitcoord.core.documents.decision import Decision
from gitcoord.core.documents.liveness import Held, Sighting
from gitcoord.core.documents.outcomes import Outcome
from gitcoord.core.documents.policy import Policy
from gitcoord.core.steps import step_table
from gitcoord.core.steps.board import Board, StepContext
from gitcoord.core.steps.project import Project
from gitcoord.core.steps.step import Step, StepDefinition
from gitcoord.core.steps.step_commands import (
    ClaimStep,
    Command,
    CompleteStep,
    CreateProject,
    FailStep,
    SkipStep,
    StartStep,
)

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
BASE = "b" * 40
COMMIT = "c" * 40
OTHER_COMMIT = "d" * 40
ANN = Actor(agent="ann/cli/wt-1", clone="laptop", session="s-ann")
ANN_AGAIN = Actor(agent="ann/cli/wt-1", clone="laptop", session="s-ann-2")
ANN_TESTS = Actor(agent="ann/cli/wt-1/tests", clone="laptop", session="s-ann")
BOB = Actor(agent="bob/cli/wt-2", clone="desktop", session="s-bob")
CAT = Actor(agent="cat/cli/wt-3", clone="cloud", session="s-cat")


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


def project(**fields: object) -> Project:
    return Project(name="app", base_commit=BASE, created_at=NOW, created_by=ANN.agent).evolve(**fields)


def step(num: int, **fields: object) -> Step:
    return Step(id=f"app/{num}", step_num=num).evolve(**fields)


def steps(*wanted: Step) -> dict[int, Step]:
    return {one.step_num: one for one in wanted}


def defined(num: int, *depends_on: int, **fields: object) -> StepDefinition:
    return StepDefinition(step_num=num, depends_on=depends_on).evolve(**fields)


def creation(*definitions: StepDefinition, name: str = "app") -> CreateProject:
    return CreateProject(name=name, base_commit=BASE, steps=definitions)


def context_of(
    now: datetime,
    actor: Actor,
    policy: Policy,
    look: Callable[[Held], Sighting],
    *,
    limit_factor: int = 1,
    may_judge: bool = True,
) -> StepContext:
    """Return what a command on a step is decided by, where its paths are free."""
    return StepContext(
        now=now,
        actor=actor,
        policy=policy,
        look=look,
        limit_factor=limit_factor,
        may_judge=may_judge,
        over_by=now,
        beat_s=60,
        paths=lambda _: None,
    )


def claim(num: int | None = None, scope: str | None = None) -> ClaimStep:
    return ClaimStep(step_num=num, scope=scope)


@dataclass
class Play:
    """One project, a clock, and what is known of each session.

    Attributes:
        sightings: what a judge sees of a session; a session that is not here never beat.
        last: the last decision.
        see: who looks with other eyes than `sightings`.
    """

    board: Board | None = None
    now: datetime = NOW
    policy: Policy = field(default_factory=Policy)
    sightings: dict[str, Sighting] = field(default_factory=dict)
    last: Decision[Board | None] | None = None
    see: Callable[[Step], Sighting] | None = None

    def do(self, command: Command, by: Actor = ANN) -> Outcome:
        self.last = step_table.decide(self.board, command, self.context(by))
        after = self.last.after
        if not self.last.outcome.is_done:
            assert self.last.changes == ()
        if not self.last.changes:
            assert after is self.board
        self.board = after
        return self.last.outcome

    def context(self, by: Actor) -> StepContext:
        return context_of(self.now, by, self.policy, self.look)

    def look(self, one: Held) -> Sighting:
        return (
            self.see(one)
            if self.see and isinstance(one, Step)
            else self.sightings.get(one.session_id or "", Sighting())
        )

    def tick(self, count: float) -> None:
        self.now += minutes(count)

    def hear(self, who: Actor, minutes_ago: float) -> None:
        """Let the last heartbeat of somebody's clone be so old, and their last command older."""
        self.tick(100)
        self.sightings[who.session] = seen(minutes_ago, self.now)

    def __getitem__(self, num: int) -> Step:
        return self.whole.steps[num]

    @property
    def whole(self) -> Board:
        assert self.board is not None
        return self.board

    @property
    def available(self) -> list[int]:
        return [rank[2] for rank in self.whole.available]

    # Ways to reach a state.

    def claimed(self, num: int, by: Actor = ANN) -> int:
        """Claim a step and return the fence."""
        outcome = self.do(claim(num), by)
        assert outcome.is_done, outcome
        return self[num].fence

    def started(self, num: int, by: Actor = ANN) -> int:
        fence = self.claimed(num, by)
        assert self.do(StartStep(step_num=num, fence=fence), by).is_done
        return fence

    def completed(self, num: int, by: Actor = ANN, commit: str = COMMIT) -> int:
        fence = self.claimed(num, by)
        assert self.do(CompleteStep(step_num=num, fence=fence, commit_hash=commit), by).is_done
        return fence

    def failed(self, num: int, by: Actor = ANN, reason: str = "the tests are red") -> int:
        fence = self.claimed(num, by)
        assert self.do(FailStep(step_num=num, fence=fence, reason=reason), by).is_done
        return fence

    def skipped(self, num: int) -> None:
        assert self.do(SkipStep(step_num=num, reason="not needed")).is_done


def play(*definitions: StepDefinition, policy: Policy | None = None) -> Play:
    """Return a project of these steps."""
    game = Play(policy=policy or Policy())
    outcome = game.do(creation(*definitions))
    assert outcome.is_done, outcome
    return game


def chain(count: int) -> Iterable[StepDefinition]:
    """Yield steps of which each depends on the one before."""
    return (defined(num, *([num - 1] if num > 1 else [])) for num in range(1, count + 1))


def seen(minutes_ago: float, now: datetime = NOW, **fields: object) -> Sighting:
    """Return the sighting of somebody in another clone whose heartbeat is so old."""
    found = Sighting(clone_beats=True, heartbeat="e" * 40, beaten_at=now - minutes(minutes_ago))
    return found.evolve(**fields)
