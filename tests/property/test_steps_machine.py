"""Random histories of one project: the rules and a naive model agree after every command.

Every accepted decision is also made again from what the record keeps: board, command and sightings as JSON.
"""

from collections import Counter
from datetime import datetime, timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from gitcoord.core.documents.actor import Actor
from gitcoord.core.documents.json_text import canonical, load_object
from gitcoord.core.documents.liveness import Heartbeat, SessionBeat, Sighting, sighting_of
from gitcoord.core.documents.policy import Policy
from gitcoord.core.steps import step_table
from gitcoord.core.steps.board import make_board
from gitcoord.core.steps.step import Step
from gitcoord.core.steps.step_commands import (
    AbortProject,
    AddSteps,
    BeatStep,
    ClaimStep,
    Command,
    CompleteStep,
    FailStep,
    RecoverStep,
    SkipStep,
    StartStep,
    UpdateStep,
)
from tests.property.length import EXAMPLES, examples
from tests.property.naive import GRACE, HELD, Beat, Item, Naive, Session, Who
from tests.unit.core.play import NOW, Play, context_of, creation, defined

STEPS_MAX = 6
PEOPLE = [
    Who("ann", "laptop", "s-1"),
    Who("ann", "laptop", "s-2"),
    Who("ann/tests", "laptop", "s-1"),
    Who("dan", "laptop", "s-3"),
    Who("bob", "desktop", "s-4"),
    Who("zed", "desktop", "cli-zed", locks=False),
    Who("eve", "cloud", "s-5", locks=False),  # a clone that never beats
]
SESSIONS = {"s-1": ["ann", "ann/tests"], "s-2": ["ann"], "s-3": ["dan"], "s-4": ["bob"]}
NUMS = st.integers(1, STEPS_MAX + 1)
BOUNDARIES = st.sampled_from([1, 9, 10, 15, 16, 60, 61])
COMMITS = st.sampled_from(["a" * 40, "b" * 40])


class Steps(RuleBasedStateMachine):
    """Commands of several holders, with the right fences, old ones and wrong ones."""

    def __init__(self) -> None:
        super().__init__()
        self.winners: dict[tuple[int, int], str] = {}
        self.tickets: list[tuple[Who, int, int]] = []
        self.completed: set[int] = set()

    @initialize(
        edges=st.lists(st.lists(st.integers(1, STEPS_MAX), max_size=2), min_size=2, max_size=4),
        scopes=st.lists(st.sampled_from([None, "api"]), min_size=4, max_size=4),
        priorities=st.lists(st.integers(0, 1), min_size=4, max_size=4),
        auto_recover=st.booleans(),
    )
    def create(
        self, edges: list[list[int]], scopes: list[str | None], priorities: list[int], auto_recover: bool
    ) -> None:
        backward = [[dep for dep in deps if dep < num] for num, deps in enumerate(edges, start=1)]
        self.model = Naive({}, auto_recover)
        self.game = Play(policy=Policy(auto_recover=auto_recover))
        definitions = []
        for num, deps in enumerate(backward, start=1):
            scope, priority = scopes[num - 1], priorities[num - 1]
            self.model.items[num] = Item(deps, priority, scope)
            definitions.append(defined(num, *deps, scope=scope, priority=priority))
        self.model.sessions = {who.session: Session(who) for who in PEOPLE if who.locks}
        assert self.game.do(creation(*definitions)).is_done

    # --- the world ---

    @rule(minutes=BOUNDARIES)
    def tick(self, minutes: int) -> None:
        self.pass_time(minutes)

    def pass_time(self, minutes: int) -> None:
        self.model.minute += minutes
        self.game.tick(minutes)

    @rule(session=st.sampled_from(sorted(SESSIONS)), how=st.sampled_from(["crash", "close", "open"]))
    def end_or_open(self, session: str, how: str) -> None:
        known = self.model.sessions[session]
        if how == "open":
            known.closed, known.crashed = None, False
        elif known.is_open:
            known.closed, known.crashed = (self.model.minute, False) if how == "close" else (None, True)

    @rule(clone=st.sampled_from(["laptop", "desktop"]))
    def beat(self, clone: str) -> None:
        here = [(name, one) for name, one in self.model.sessions.items() if one.who.clone == clone]
        closed = [(name, one.closed) for name, one in here if one.closed is not None]
        recent = [(name, at) for name, at in closed if self.model.minute - at < GRACE]
        self.model.beats[clone] = Beat(
            self.model.minute,
            open=[(name, agent) for name, one in here if one.is_open for agent in SESSIONS[name]],
            closed=[(name, agent, at) for name, at in recent for agent in SESSIONS[name]],
        )

    def sighting(self, step: Step, judge: Who) -> Sighting:
        """Return what a judge would see of the holder of a step in this world."""
        session = self.model.sessions.get(step.session_id or "")
        if step.clone == judge.clone and session:
            closed = None if session.closed is None else self.moment(session.closed)
            return Sighting(locked=session.is_open, closed_at=closed, clone_beats=True)
        beat = self.model.beats.get(step.clone or "")
        if beat is None:
            return Sighting()
        entries = [SessionBeat(id=name, agents=(agent,)) for name, agent in beat.open]
        entries += [SessionBeat(id=name, agents=(who,), closed_at=self.moment(at)) for name, who, at in beat.closed]
        heartbeat = Heartbeat(clone=step.clone or "", beaten_at=self.moment(beat.minute), sessions=tuple(entries))
        return sighting_of(step, heartbeat, "e" * 40)

    def moment(self, minute: int) -> datetime:
        return NOW + timedelta(minutes=minute)

    # --- commands ---

    def do(self, command: Command, who: Who, expected: str) -> None:
        before = self.game.board
        self.game.see = lambda step: self.sighting(step, who)
        actor = Actor(agent=who.agent, clone=who.clone, session=who.session)

        outcome = self.game.do(command, actor)

        assert outcome.verdict == expected, (outcome, command)
        decision = self.game.last
        assert decision is not None
        seen = {held.id: life.sighting for held, life in decision.judged}
        recorded = {one_id: Sighting.parse(load_object(canonical(one.dump()))) for one_id, one in seen.items()}
        context = context_of(self.game.now, actor, self.game.policy, lambda held: recorded.get(held.id, Sighting()))
        read = type(command).parse(load_object(canonical(command.dump())))
        if decision.changes:
            again = step_table.decide(before, read, context)
            assert (again.outcome, again.changes) == (outcome, decision.changes)

    @rule(who=st.sampled_from(PEOPLE), num=st.none() | NUMS, scope=st.sampled_from([None, None, "api"]))
    def claim(self, who: Who, num: int | None, scope: str | None) -> None:
        self.ask(who, num, scope)

    @rule(minutes=BOUNDARIES, who=st.sampled_from(PEOPLE), num=st.none() | st.none() | NUMS)
    def claim_later(self, minutes: int, who: Who, num: int | None) -> None:
        self.pass_time(minutes)
        self.ask(who, num, None)

    def ask(self, who: Who, num: int | None, scope: str | None) -> None:
        expected = self.model.claim(who, num, scope)
        self.do(ClaimStep(step_num=num, scope=scope), who, expected)

        if expected == "done":
            (held,) = self.model.held_by(who)
            fence = self.game[held].fence
            assert held not in self.completed  # SAFE-2
            assert self.winners.setdefault((held, fence), who.session) == who.session  # SAFE-2
            self.tickets.append((who, held, fence))

    def ticket(self, data: st.DataObject) -> tuple[Who, int, int]:
        """Draw a fence that was given out, mostly to who it was given to; or one that never was."""
        if not self.tickets or data.draw(st.integers(0, 5)) == 0:
            return data.draw(st.sampled_from(PEOPLE)), data.draw(NUMS), data.draw(st.integers(0, 3))
        who, num, fence = self.tickets[-1] if data.draw(st.booleans()) else data.draw(st.sampled_from(self.tickets))
        return (data.draw(st.sampled_from(PEOPLE)) if data.draw(st.integers(0, 4)) == 0 else who), num, fence

    @rule(data=st.data(), begins=st.booleans())
    def work(self, data: st.DataObject, begins: bool) -> None:
        who, num, fence = self.ticket(data)
        if begins:
            self.do(StartStep(step_num=num, fence=fence), who, self.model.start(who, num, fence))
        else:
            self.do(BeatStep(step_num=num, fence=fence), who, self.model.beat(who, num, fence))

    @rule(data=st.data(), commit=COMMITS)
    def complete(self, data: st.DataObject, commit: str) -> None:
        who, num, fence = self.ticket(data)
        expected = self.model.complete(who, num, fence, commit)
        self.do(CompleteStep(step_num=num, fence=fence, commit_hash=commit), who, expected)
        self.completed |= {num for num in self.game.whole.steps if self.game[num].status == "completed"}

    @rule(data=st.data())
    def fail(self, data: st.DataObject) -> None:
        who, num, fence = self.ticket(data)
        self.do(FailStep(step_num=num, fence=fence, reason="red"), who, self.model.fail(who, num, fence))

    @rule(data=st.data(), force=st.booleans(), knows=st.booleans())
    def recover(self, data: st.DataObject, force: bool, knows: bool) -> None:
        who, num, fence = self.ticket(data)
        given = fence if knows else None
        expected = self.model.recover(who, num, given, force=force)
        self.do(RecoverStep(step_num=num, fence=given, force=force), who, expected)

    @rule(
        how=st.sampled_from(["skip", "update", "update", "add", "abort"]),
        num=NUMS,
        depends_on=st.lists(st.integers(1, STEPS_MAX), max_size=2),
        priority=st.integers(0, 2),
        sure=st.integers(0, 4),
    )
    def plan(self, how: str, num: int, depends_on: list[int], priority: int, sure: int) -> None:
        if how == "update":
            expected = self.model.update(num, depends_on, priority)
            self.do(UpdateStep(step_num=num, depends_on=tuple(depends_on), priority=priority), PEOPLE[0], expected)
        elif how == "add":
            expected = self.model.add(num, depends_on)
            self.do(AddSteps(steps=(defined(num, *depends_on),)), PEOPLE[0], expected)
        elif how == "skip" and sure < 2:
            self.do(SkipStep(step_num=num, reason="not needed"), PEOPLE[4], self.model.skip(num))
        elif how == "abort" and sure == 0:
            self.do(AbortProject(reason="no budget"), PEOPLE[0], self.model.abort())

    # --- what holds after each of them ---

    @invariant()
    def the_board_is_the_model(self) -> None:
        for num, item in self.model.items.items():
            step = self.game[num]
            assert (step.status, step.fence, step.attempts) == (item.status, item.fence, item.attempts), num
            assert (set(step.depends_on), step.priority) == (set(item.depends_on), item.priority)
            assert step.checkpoint.get("agent_id") == item.left_by
            if item.status in HELD:
                who = item.who
                assert who
                assert (step.agent_id, step.clone, step.session_id) == (who.agent, who.clone, who.session)
        assert len(self.game.whole.steps) == len(self.model.items)
        assert self.game.whole.project.status == self.model.status

    @invariant()
    def what_is_available_is_what_the_model_finds(self) -> None:
        assert self.game.available == self.model.free()

    @invariant()
    def nobody_holds_two_steps_and_no_step_has_two_holders(self) -> None:
        held = [step for step in self.game.whole.steps.values() if step.status in HELD]
        assert all(count == 1 for count in Counter((step.agent_id, step.clone) for step in held).values())
        assert sorted(num for nums in self.game.whole.held.values() for num in nums) == [
            step.step_num for step in sorted(held, key=lambda one: one.step_num)
        ]
        assert all(self.winners[step.step_num, step.fence] == step.session_id for step in held)

    @invariant()
    def the_counts_are_right_and_the_index_is_as_if_made_anew(self) -> None:
        board = self.game.whole
        counted = Counter(item.status for item in self.model.items.values())
        assert {status.value: count for status, count in board.counts.items() if count} == counted
        anew = make_board(board.project, dict(board.steps))
        assert (board.waiting, board.available, board.held) == (anew.waiting, anew.available, anew.held)


Steps.TestCase.settings = settings(max_examples=examples(150), stateful_step_count=40, deadline=None)


@pytest.mark.rule("SAFE-2", "SAFE-4", "STEP-2", "STEP-3", "STEP-5", "STEP-7", "STEP-8", "STEP-9", "STEP-11", "LIFE-1")
class TestSteps(Steps.TestCase):
    """Run the machine."""


class LongSteps(Steps):
    """The same, for longer."""


LongSteps.TestCase.settings = settings(max_examples=EXAMPLES, stateful_step_count=80, deadline=None)


@pytest.mark.torture
@pytest.mark.timeout(1800)
@pytest.mark.rule("SAFE-2", "SAFE-4")
class TestStepsAtLength(LongSteps.TestCase):
    """Run the machine for minutes."""
