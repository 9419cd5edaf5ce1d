"""The clone's lock is held for one network timeout: every call to the remote gets what is left of it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

import pytest

from gitcoord.core.documents.doc import replace
from gitcoord.core.steps.step import StepDefinition
from gitcoord.core.steps.step_commands import CreateProject
from gitcoord.errors import CoordError, UnreachableError
from gitcoord.ledger.leader.lead_time import LEAD_S
from gitcoord.remote.contract.deadline import LEFT_MIN_S, bounded, until
from gitcoord.remote.contract.protocol import Oid, RefName, RefUpdate, SwapOutcome, SwapStatus, Transport
from gitcoord.remote.git.git_process import clean_env, run_git
from tests.unit.ledger.fakes import BASE_COMMIT, DENIED, LOST, Clock, World, Wrapped, add, code


class Slow(Wrapped):
    """A remote that takes its time, but for no more than it is given: as git does with `run_git`."""

    def __init__(self, inner: Transport, clock: Clock, call_s: float, answer: SwapOutcome | None = None) -> None:
        super().__init__(inner)
        self.clock, self.call_s, self.answer = clock, call_s, answer
        self.given: list[float] = []

    def call(self) -> None:
        self.given.append(bounded(15))
        self.clock.advance(seconds=min(self.call_s, self.given[-1]))

    def read(self, prefixes: Sequence[str]) -> Mapping[RefName, Oid]:
        self.call()
        return self.inner.read(prefixes)

    def fetch(self, oids: Iterable[Oid]) -> None:
        self.call()
        self.inner.fetch(oids)

    def send(self, updates: Sequence[RefUpdate]) -> SwapOutcome:
        try:
            self.call()
        except CoordError as error:
            return SwapOutcome(SwapStatus.UNREACHABLE, str(error))
        return self.answer or self.inner.swap(updates)


def slow(world: World, call_s: float, answer: SwapOutcome | None = None) -> tuple[Callable[[], float], Slow]:
    made: list[Slow] = []

    def wrap(inner: Transport) -> Slow:
        made.append(Slow(inner, world.clock, call_s, answer))
        return made[0]

    ann = world.clone("ann", wrap)

    def run(commands: int = 3) -> float:
        begin = world.clock.monotonic_s
        replies = ann.run(*(ann.entry(add(10 + at), "app") for at in range(commands)))
        assert {code(reply) for reply in replies} <= {"contended", "unreachable", "denied", "unknown_outcome"}
        return world.clock.monotonic_s - begin

    return run, made[0]


@pytest.mark.parametrize("answer", [LOST, DENIED], ids=["lost for ever", "denied one by one"])
@pytest.mark.parametrize("call_s", [1.0, 4.0, 20.0])
def test_all_calls_of_a_transaction_together_take_no_longer_than_one_timeout(
    tmp_path: Path, answer: SwapOutcome, call_s: float
) -> None:
    world = World(tmp_path)
    world.clone("bob").create()
    run, transport = slow(world, call_s, answer)

    took_s = run()

    assert took_s <= LEAD_S + 2  # 2 s is the longest pause between two attempts, in which nobody is called
    assert min(transport.given) >= LEFT_MIN_S


def test_a_process_gets_what_is_left_and_is_not_started_for_nothing(tmp_path: Path) -> None:
    env = clean_env({"PATH": "/nowhere"})

    with until(lambda: 3.5):
        assert (bounded(15), bounded(2)) == (3.5, 2)
    with until(lambda: 0.1), pytest.raises(UnreachableError):
        run_git(["--version"], cwd=tmp_path, env=env, timeout_s=15)

    assert bounded(15) == 15


def test_the_branches_of_all_silent_holders_are_looked_at_in_one_call(tmp_path: Path) -> None:
    world = World(tmp_path)
    steps = tuple(StepDefinition(step_num=num, branch=f"feat/{num}") for num in range(1, 9))
    bob = world.clone("bob")
    bob.do(CreateProject(name="app", base_commit=BASE_COMMIT, steps=steps))
    for num in range(1, 9):
        bob.claim(agent=f"bob/{num}")
    world.clock.advance(minutes=30)
    asked: list[list[str]] = []

    def look(branches: Iterable[str], *, here: bool) -> dict[str, tuple[Oid, datetime]]:
        assert not here
        asked.append(sorted(branches))
        return {}

    ann = world.clone("ann")
    ann.setting = replace(ann.setting, branch_look=look)
    reply = ann.restarted().claim()

    assert code(reply) == "nothing_available"  # bob never beat: he is given an hour
    assert asked == [[f"feat/{num}" for num in range(1, 9)]]
