"""What the holder of the clone's lock waits for: the cause that who waits for the lock is told."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock

from gitcoord.errors import ContendedError, UnreachableError
from gitcoord.ledger.leader.lock_wait import STOPPED_S, UNANSWERED_S, Asking
from gitcoord.ledger.transactions.combiner import Combiner
from gitcoord.ledger.transactions.transactions import Transactions
from tests.unit.ledger.fakes import Clock, World, add, code, host_of


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def waiter(tmp_path: Path, clock: Clock) -> Asking:
    return Asking(tmp_path, host_of(clock, pid=8))


@pytest.fixture
def holder(tmp_path: Path, clock: Clock) -> Iterator[Asking]:
    """A process that asks the remote, for as long as the test does not end that."""
    asking = Asking(tmp_path, host_of(clock, pid=77))
    with asking.noted():
        yield asking


def test_a_holder_that_the_remote_does_not_answer_is_why_a_waiter_does_not_reach_it(
    holder: Asking, waiter: Asking, clock: Clock
) -> None:
    clock.advance(seconds=UNANSWERED_S)

    error = waiter.cause(15, waiter.folder / "lock")

    assert isinstance(error, UnreachableError)
    assert "process 77" in str(error)
    assert "make the same call again" in error.hint


def test_a_holder_that_gets_answers_is_contention(holder: Asking, waiter: Asking, clock: Clock) -> None:
    clock.advance(seconds=UNANSWERED_S)
    holder.answered()
    clock.advance(seconds=UNANSWERED_S / 2)

    assert isinstance(waiter.cause(15, waiter.folder / "lock"), ContendedError)


def test_a_holder_that_asks_for_longer_than_any_may_is_stopped_and_named(
    holder: Asking, waiter: Asking, clock: Clock
) -> None:
    clock.advance(seconds=STOPPED_S)

    error = waiter.cause(40, waiter.folder / "lock")

    assert isinstance(error, ContendedError)
    assert "process 77" in str(error)


def test_the_note_of_a_process_that_is_gone_does_not_count(tmp_path: Path, waiter: Asking, clock: Clock) -> None:
    with Asking(tmp_path, host_of(clock)).noted():
        pass
    clock.advance(seconds=UNANSWERED_S)

    assert isinstance(waiter.cause(15, waiter.folder / "lock"), ContendedError)


def test_a_note_that_says_nothing_does_not_count(tmp_path: Path, holder: Asking, waiter: Asking, clock: Clock) -> None:
    (tmp_path / "asking").write_bytes(b"")
    clock.advance(seconds=UNANSWERED_S)

    assert isinstance(waiter.cause(15, waiter.folder / "lock"), ContendedError)


def test_a_folder_that_cannot_be_written_stops_no_holder(tmp_path: Path, clock: Clock) -> None:
    folder = tmp_path / "nowhere"

    with Asking(folder, host_of(clock)).noted():
        held = not folder.exists()

    assert held


@pytest.mark.rule("TXN-4")
def test_who_waits_for_a_lock_whose_holder_waits_for_the_remote_says_that_it_is_away(tmp_path: Path) -> None:
    world = World(tmp_path)
    ann = world.clone("ann")
    ann.create()
    folder, host = ann.setting.clone.folder, ann.setting.host

    with FileLock(folder / "lock"), Asking(folder, host_of(world.clock, pid=77)).noted():
        reply = Combiner(folder, host, Transactions(ann.setting)).submit(ann.entry(add(10), "app"), 15)

    assert code(reply) == "unreachable"
    assert world.did().count("add_steps") == 0
