"""The checker of histories accepts what a ledger may do, and catches ledgers that are broken in one way each."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from gitcoord.core.claims.claim_commands import ClaimFiles, Wish
from gitcoord.core.steps.step import StepDefinition
from gitcoord.core.steps.step_commands import ClaimStep, Command, CompleteStep, CreateProject, FailStep, RecoverStep
from gitcoord.ledger.format.meta import Applied
from gitcoord.ledger.kinds.ledger import LedgerState
from gitcoord.ledger.readers.reader import Reader
from gitcoord.remote.contract.protocol import Oid, RefName, RefUpdate, SwapOutcome
from tests.race.linearizable import FOREVER, Call, is_linearizable
from tests.race.specification import Answer, State, answer_of
from tests.unit.ledger.fakes import BASE_COMMIT, REFS, WON, Interleaved, Lossy, Member, World, Wrapped, add


class Recorder:
    """Gives commands and notes them with a clock that counts events."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self._ticks = 0

    def tick(self) -> int:
        self._ticks += 1
        return self._ticks

    def give(
        self, member: Member, command: Command | ClaimFiles, agent: str | None = None, project: str | None = "app"
    ) -> Answer | None:
        entry = member.entry(command, project, agent)
        called = self.tick()
        reply = member.run(entry)[0]
        answer = None
        if reply.outcome is not None:
            answer = answer_of(reply.outcome.verdict, reply.outcome.code, reply.outcome.facts)
        returned = self.tick() if answer else FOREVER
        self.calls.append(Call(entry.actor, command, called, returned, answer))
        return answer


def claimed(step: int) -> Answer:
    return answer_of("done", "step_claimed", {"step_num": step, "fence": 1})


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path)
    world.clone("planner").create("app", 2)
    return world


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


def test_commands_one_after_another_are_linearizable(world: World, recorder: Recorder) -> None:
    start, ann, bob = State(world.board()), world.clone("ann"), world.clone("bob")
    for member in (ann, bob, ann, bob):
        recorder.give(member, ClaimStep())
    recorder.give(ann, CompleteStep(step_num=1, commit_hash="c" * 40, fence=1))

    assert is_linearizable(start, recorder.calls)


@pytest.mark.rule("SAFE-2", "TXN-1")
def test_a_lost_race_that_is_done_again_is_linearizable(world: World, recorder: Recorder) -> None:
    start, bob = State(world.board()), world.clone("bob")
    ann = world.clone("ann", lambda inner: Interleaved(inner, [lambda: recorder.give(bob, ClaimStep())]))

    recorder.give(ann, ClaimStep())

    assert [call.answer for call in recorder.calls] == [claimed(1), claimed(2)]
    assert is_linearizable(start, recorder.calls)


@pytest.mark.parametrize("landed", [True, False])
def test_a_command_without_an_answer_may_have_landed_or_not(world: World, recorder: Recorder, landed: bool) -> None:
    start = State(world.board())
    ann = world.clone("ann", lambda inner: Lossy(inner, [], then="later"))
    recorder.give(ann, ClaimStep())
    assert isinstance(ann.transport, Lossy)
    if landed:
        ann.transport.arrive()

    assert recorder.give(world.clone("bob"), ClaimStep()) == claimed(2 if landed else 1)
    assert recorder.calls[0].answer is None
    assert is_linearizable(start, recorder.calls)


def test_of_two_commands_at_once_either_may_be_the_first_also_where_only_fences_tell(
    world: World, recorder: Recorder
) -> None:
    """Else a ledger is found to be broken that is not: the one that was answered first is tried first."""
    carl, ann, bob = (world.clone(name) for name in ("carl", "ann", "bob"))
    steps = tuple(StepDefinition(step_num=num, paths=(f"src/{num}.py",)) for num in (1, 2))
    carl.do(CreateProject(name="paths", base_commit=BASE_COMMIT, steps=steps), "paths")
    start = State(world.board("paths"))
    wish = ClaimFiles(claim_id="c-again", wishes=(Wish(pattern="src/1.py"),))

    recorder.give(ann, ClaimStep(step_num=1, claim_id="c-ann"), project="paths")
    recorder.give(bob, ClaimStep(step_num=2, claim_id="c-bob"), project="paths")
    recorder.give(ann, wish, project=None)
    first, second, again = recorder.calls
    calls = [first._replace(called=2, returned=4), second._replace(called=1, returned=3), again]

    assert again.answer is not None
    assert (again.answer.code, again.answer.fence) == ("claim_granted", 1)
    assert is_linearizable(start, calls)


def test_an_answer_from_before_the_command_was_given_is_not_linearizable(world: World, recorder: Recorder) -> None:
    start, ann, bob = State(world.board()), world.clone("ann"), world.clone("bob")
    recorder.give(ann, ClaimStep())
    recorder.give(bob, ClaimStep())
    first, second = recorder.calls
    swapped = [
        Call(first.actor, first.command, first.called, first.returned, second.answer),
        Call(second.actor, second.command, second.called, second.returned, first.answer),
    ]

    assert is_linearizable(start, [first, second])
    assert not is_linearizable(start, swapped)


class NoCompare(Interleaved):
    """Mutant: writes whatever the ref is at."""

    def send(self, updates: Sequence[RefUpdate]) -> SwapOutcome:
        if self.before:
            self.before.pop(0)()
        listed = self.inner.read(["refs/"])
        return self.inner.swap([RefUpdate(one.ref, listed.get(one.ref), one.new) for one in updates])


class LostRetry(Interleaved):
    """Mutant: takes a lost swap for a won one."""

    def send(self, updates: Sequence[RefUpdate]) -> SwapOutcome:
        super().send(updates)
        return WON


@pytest.mark.rule("SAFE-2")
@pytest.mark.parametrize("mutant", [NoCompare, LostRetry])
def test_a_ledger_that_does_not_compare_or_does_not_retry_is_caught(
    world: World, recorder: Recorder, mutant: type[Interleaved]
) -> None:
    start, bob = State(world.board()), world.clone("bob")
    between: list[Callable[[], object]] = [lambda: recorder.give(bob, ClaimStep())]
    ann = world.clone("ann", lambda inner: mutant(inner, between))

    recorder.give(ann, ClaimStep())

    assert not is_linearizable(start, recorder.calls)


class StaleRead(Wrapped):
    """Mutant: lists refs once and believes it for ever."""

    listed: Mapping[RefName, Oid] | None = None

    def read(self, prefixes: Sequence[str]) -> Mapping[RefName, Oid]:
        self.listed = self.listed if self.listed is not None else self.inner.read(prefixes)
        return self.listed


@pytest.mark.rule("SAFE-2")
def test_a_ledger_that_reads_what_is_stale_is_caught(world: World, recorder: Recorder) -> None:
    start, ann = State(world.board()), world.clone("ann")
    for agent in ("ann/1", "ann/2"):
        recorder.give(ann, ClaimStep(), agent)
    bob = world.clone("bob", StaleRead)
    refused = recorder.give(bob, ClaimStep())
    recorder.give(ann, FailStep(step_num=1, reason="no time", fence=1), "ann/1")
    recorder.give(ann, RecoverStep(step_num=1))

    again = recorder.give(bob, ClaimStep())

    assert refused == again
    assert not is_linearizable(start, recorder.calls)
    assert is_linearizable(start, recorder.calls[:-1])


class Forgetful(Reader):
    """Mutant: does not remember what was applied."""

    def applied(self, state: LedgerState[Any], clone: str) -> Applied:
        return super().applied(state, clone).evolve(outcomes={})


@pytest.mark.rule("SAFE-3", "TXN-2")
@pytest.mark.parametrize("forgets", [False, True])
def test_a_ledger_that_applies_twice_is_caught(world: World, recorder: Recorder, forgets: bool) -> None:
    start = State(world.board())
    ann = world.clone("ann", lambda inner: Lossy(inner, ["landed"]))
    if forgets:
        mutant = Forgetful(ann.transport, REFS)
        ann.transactions.reader = ann.transactions.decider.reader = mutant

    recorder.give(ann, add(3))

    assert is_linearizable(start, recorder.calls) is not forgets
