"""The record is enough: every commit of a ledger is what its recorded commands give on the commit before it.

Histories are made through real transactions by several clones; the replay knows the commits and the rules only.
"""

from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gitcoord.core.documents.actor import Actor
from gitcoord.core.steps.board import Board
from gitcoord.core.steps.step import StepDefinition
from gitcoord.core.steps.step_commands import (
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
from gitcoord.ledger.audit.ledger_audit import LedgerAudit
from gitcoord.ledger.format.entry import Entry
from gitcoord.ledger.kinds.table import LEDGERS
from gitcoord.remote.contract.protocol import Objects, Transport
from tests.unit.ledger.fakes import REFS, Clock, Interleaved, Member, World, create

STEPS = 3
REF = REFS.steps("app")


class Slow(Interleaved):
    """A transport on which everything takes a millisecond."""

    def __init__(self, inner: Transport, clock: Clock) -> None:
        super().__init__(inner, [])
        self.clock = clock

    @property
    def objects(self) -> Objects:
        self.clock.advance(milliseconds=1)
        return self.inner.objects


def check(world: World) -> int:
    """Audit the project in a clone that has seen nothing; return how many commits there were."""
    auditor = world.clone("auditor")
    listed = auditor.transport.read(REFS.everything)
    report = LedgerAudit(auditor.setting, listed).run(REF, None)
    assert (report.finding, report.warnings, report.taken) == (None, [], {})
    return report.replayed


def some_command(data: st.DataObject, board: Board) -> Command:
    num = data.draw(st.integers(1, STEPS + 1))
    fence = board.steps[num].fence if num in board.steps else 1
    hands_in = CompleteStep(step_num=num, fence=fence, commit_hash="c" * 40)
    kinds: list[Command] = [
        ClaimStep(),
        ClaimStep(step_num=num),
        StartStep(step_num=num, fence=fence, worktree="wt"),
        BeatStep(step_num=num, fence=fence),
        hands_in,
        FailStep(step_num=num, fence=fence, reason="red"),
        RecoverStep(step_num=num, force=data.draw(st.booleans())),
        SkipStep(step_num=num, reason="not needed"),
        UpdateStep(step_num=num, title="x", priority=2),
        AddSteps(steps=(StepDefinition(step_num=9, depends_on=(num,)),)),
    ]
    return data.draw(st.sampled_from([ClaimStep(), ClaimStep(), hands_in, *kinds]))


def some_entry(data: st.DataObject, world: World, member: Member) -> Entry:
    agent = data.draw(st.sampled_from([member.name, f"{member.name}/tests"]))
    actor = Actor(agent=agent, clone=member.name, session=f"s-{member.name}")
    return LEDGERS.entry_of(f"{member.name}-{member.clock.draw()}", some_command(data, world.board()), actor, "app")


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_every_commit_of_a_random_history_can_be_repeated_from_its_record(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    world = World(tmp_path_factory.mktemp("world"))
    members = [world.clone(name, lambda inner: Slow(inner, world.clock)) for name in ("ann", "bob", "cat")]
    sessions = [members[0].open_session(), members[1].open_session()]
    members[0].create(steps=STEPS)

    for _ in range(data.draw(st.integers(1, 12))):
        member, other = data.draw(st.permutations(members))[:2]
        world.clock.advance(minutes=data.draw(st.sampled_from([0, 1, 16, 61])))
        transport = member.transport
        if data.draw(st.integers(0, 3)) == 0:
            assert isinstance(transport, Interleaved)
            late = some_entry(data, world, other)
            transport.before.append(lambda other=other, late=late: other.run(late))
        member.run(*(some_entry(data, world, member) for _ in range(data.draw(st.integers(1, 3)))))
    for session in sessions:
        session.forget()

    assert check(world) >= 1


@pytest.mark.rule("TIME-1")
def test_the_time_in_the_record_is_the_one_that_was_decided_by(tmp_path: Path) -> None:
    world = World(tmp_path)
    ann = world.clone("ann", lambda inner: Slow(inner, world.clock))

    ann.create()
    ann.claim()

    assert check(world) == 2


@pytest.mark.rule("SAFE-7")
def test_a_take_over_that_could_carry_no_check_is_repeated_by_its_doubled_limit(tmp_path: Path) -> None:
    world = World(tmp_path, sends_checks=False, atomic=False)
    ann, bob, cat = (world.clone(name) for name in ("ann", "bob", "cat"))
    ann.create(steps=2)
    bob.claim(step_num=2)
    world.clock.advance(minutes=90)
    ann.claim(step_num=1)
    world.clock.advance(minutes=61)

    taken = cat.claim()

    assert taken.outcome is not None
    assert taken.outcome.facts["step_num"] == 2
    assert check(world) == 4


def test_a_take_over_right_after_a_wake_up_is_repeated_though_silence_was_not_judged(tmp_path: Path) -> None:
    world = World(tmp_path)
    ann, bob = world.clone("ann"), world.clone("bob")
    ann.create(steps=2)
    ann.claim(step_num=1)
    session = bob.open_session("bob/tests")
    bob.claim(step_num=2, agent="bob/tests")
    session._lock.release()
    world.clock.now += timedelta(hours=3)

    taken = bob.claim()

    assert taken.outcome is not None
    assert taken.outcome.facts["step_num"] == 2
    assert check(world) == 4


@pytest.mark.rule("TIME-1")
def test_a_clone_with_a_slow_clock_beats_on_though_the_ledger_is_ahead_of_it(tmp_path: Path) -> None:
    world = World(tmp_path)
    slow = world.clone("slow", clock=Clock(world.clock.now - timedelta(minutes=4)))
    world.clone("right").create()
    session = slow.open_session()

    slow.claim()
    slow.clock.advance(minutes=2)

    assert slow.setting.beats.is_due(slow.clock.now)
    session.forget()


def test_a_record_that_is_too_long_for_a_message_is_repeated_from_the_tree(tmp_path: Path) -> None:
    world = World(tmp_path)
    ann = world.clone("ann")

    ann.do(create(steps=200))
    ann.claim()

    assert check(world) == 2
