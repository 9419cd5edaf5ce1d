"""Many clones at a remote that takes its time: nobody fails because of others, and slow is not called gone."""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from filelock import FileLock

from gitcoord.ledger.clone.remote_folder import key_of
from gitcoord.ledger.format.entry import Entry, Failure
from gitcoord.ledger.leader import lead_time
from gitcoord.ledger.leader.lead_time import LEAD_S, PATIENCE_S
from gitcoord.ledger.leader.spool import Spool
from gitcoord.ledger.transactions.combiner import Combiner
from gitcoord.ledger.transactions.transactions import Transactions
from gitcoord.remote.contract.deadline import TooSlowError, bounded
from gitcoord.remote.contract.protocol import Oid, RefName, RefUpdate, SwapOutcome, SwapStatus, Transport
from tests.unit.ledger.fakes import LOST, REFS, UNKNOWN, Clock, Member, World, Wrapped, add, code, host_of

TRY_S = 1.0  # half of what a try took over http with 16 servers on two cores


class Crowded(Wrapped):
    """A remote where a call takes half a try, and others write first so many times; `before` runs at each swap."""

    def __init__(
        self, inner: Transport, clock: Clock, losses: int, before: Callable[[int], None] = lambda _: None
    ) -> None:
        super().__init__(inner)
        self.clock, self.losses, self.before = clock, losses, before
        self.given: list[float] = []

    def call(self) -> None:
        self.given.append(bounded(LEAD_S))
        self.clock.advance(seconds=TRY_S / 2)

    def read(self, prefixes: Sequence[str]) -> Mapping[RefName, Oid]:
        self.call()
        return self.inner.read(prefixes)

    def send(self, updates: Sequence[RefUpdate]) -> SwapOutcome:
        self.before(len(self.swaps))
        try:
            self.call()
        except TooSlowError as error:
            return SwapOutcome(SwapStatus.UNREACHABLE, str(error), error)
        return LOST if len(self.swaps) <= self.losses else self.inner.swap(updates)


def crowded(world: World, losses: int, before: Callable[[int], None] = lambda _: None) -> Member:
    world.clone("bob").create()
    return world.clone("ann", lambda inner: Crowded(inner, world.clock, losses, before))


def combiner_of(member: Member) -> Combiner:
    return Combiner(member.setting.clone.folder, host_of(member.clock), member.transactions)


def waiting(member: Member, num: int, wait_s: float) -> Entry:
    """Return a command of another process that waits for so long."""
    entry = member.entry(add(num), "app", uid=f"waits-{num}")
    place = key_of("", REFS.namespace)
    return entry.evolve(place=place, deadline=member.clock.now + timedelta(seconds=wait_s))


def failure_of(member: Member, entry: Entry) -> Failure:
    reply = combiner_of(member).submit(entry)
    assert reply.failure is not None
    return reply.failure


@pytest.mark.rule("LIVE-1")
def test_who_loses_races_for_longer_than_a_timeout_goes_on_to_its_deadline(tmp_path: Path) -> None:
    world = World(tmp_path)
    ann = crowded(world, losses=20)  # each takes a second, and some of waiting

    reply = combiner_of(ann).submit(ann.entry(add(7), "app"))

    assert code(reply) == "steps_added"
    assert world.clock.monotonic_s > LEAD_S


@pytest.mark.rule("TXN-4", "LIVE-1")
def test_contended_is_said_when_the_caller_s_own_deadline_is_over_and_no_push_is_cut_off(tmp_path: Path) -> None:
    world = World(tmp_path)
    ann = crowded(world, losses=1000)
    assert isinstance(ann.transport, Crowded)

    failure = failure_of(ann, ann.entry(add(7), "app"))

    assert failure.code == "contended"
    assert PATIENCE_S - 3 * TRY_S <= world.clock.monotonic_s <= PATIENCE_S
    assert min(ann.transport.given) >= TRY_S / 2


@pytest.mark.rule("TXN-3", "LIVE-1")
def test_each_try_of_a_leader_is_for_all_who_wait_by_then(tmp_path: Path) -> None:
    world = World(tmp_path)
    spool: list[Spool] = []

    def arrive(swaps: int) -> None:
        if swaps == 2:
            spool[0].put(waiting(ann, 8, PATIENCE_S))

    ann = crowded(world, losses=4, before=arrive)
    spool.append(Spool(ann.setting.place_folder, ann.setting.host))

    own = combiner_of(ann).submit(ann.entry(add(7), "app"))

    theirs = spool[0].reply("waits-8")
    assert theirs is not None
    assert (code(own), code(theirs)) == ("steps_added", "steps_added")
    assert len(world.events()) == 3  # the project, and two commands
    assert ann.transactions.won_swaps == 1


@pytest.mark.rule("TXN-3", "LIVE-1")
def test_a_leader_that_gives_up_leaves_to_the_next_one_who_can_wait_for_longer(tmp_path: Path) -> None:
    world = World(tmp_path)
    ann = crowded(world, losses=1000)
    spool = Spool(ann.setting.place_folder, ann.setting.host)
    spool.put(waiting(ann, 8, 2 * PATIENCE_S))
    assert failure_of(ann, ann.entry(add(7), "app")).code == "contended"
    assert spool.reply("waits-8") is None
    assert isinstance(ann.transport, Crowded)
    ann.transport.losses = 0

    own = combiner_of(ann).submit(ann.entry(add(9), "app"))

    theirs = spool.reply("waits-8")
    assert theirs is not None
    assert (code(own), code(theirs)) == ("steps_added", "steps_added")


class SlowToTell(Wrapped):
    """A remote whose answer to the first push never comes, though it lands once it is not waited for any more."""

    def __init__(self, inner: Transport, clock: Clock, lands: str) -> None:
        super().__init__(inner)
        self.clock, self.lands = clock, lands
        self.on_its_way: list[Sequence[RefUpdate]] = []

    def read(self, prefixes: Sequence[str]) -> Mapping[RefName, Oid]:
        bounded(LEAD_S)
        for updates in self.on_its_way if self.lands == "late" else ():
            self.inner.swap(updates)
        return self.inner.read(prefixes)

    def send(self, updates: Sequence[RefUpdate]) -> SwapOutcome:
        self.on_its_way.append(updates)
        if self.lands == "at once":
            self.inner.swap(updates)
        self.clock.advance(seconds=bounded(LEAD_S))
        return UNKNOWN


@pytest.mark.rule("SAFE-3", "TXN-4")
@pytest.mark.parametrize(
    ("lands", "expected"), [("at once", "steps_added"), ("late", "steps_added"), ("never", "unknown_outcome")]
)
def test_a_push_that_was_cut_off_is_looked_for_before_nobody_knows(tmp_path: Path, lands: str, expected: str) -> None:
    world = World(tmp_path)
    world.clone("bob").create()
    ann = world.clone("ann", lambda inner: SlowToTell(inner, world.clock, lands))

    reply = combiner_of(ann).submit(ann.entry(add(7), "app"))

    assert code(reply) == expected
    assert len(world.events()) == (1 if lands == "never" else 2)


def test_a_remote_that_leaves_no_time_to_write_is_called_slow(tmp_path: Path) -> None:
    world = World(tmp_path)
    ann = crowded(world, losses=0)
    assert isinstance(ann.transport, Crowded)
    entry = ann.entry(add(7), "app")

    reply = ann.transactions.run([entry], left_s=0.9 * TRY_S)[entry.uid]

    assert reply.failure is not None
    assert reply.failure.code == "unreachable"  # as it was before there were two
    assert reply.failure.message.startswith("The remote answers too slowly: nothing was written, ")
    assert "gitcoord doctor" in reply.failure.hint
    assert reply.failure.as_error().exit_status == 5


@pytest.mark.rule("TXN-4")
def test_a_waiter_whose_time_is_over_is_answered_by_who_took_its_command(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.clone("bob").create()
    ann = world.clone("ann")
    spool = Spool(ann.setting.place_folder, ann.setting.host)
    leader = ann.restarted()

    class Late(Clock):
        """While somebody sleeps, its command is taken at once, and carried out after its time."""

        def sleep(self, seconds: float) -> None:
            super().sleep(seconds)
            taken = spool.take() if self.monotonic_s < 1 else []
            self.taken = taken or getattr(self, "taken", [])
            if self.monotonic_s > PATIENCE_S + 3 and self.taken:
                spool.deliver(self.taken, leader.transactions.run([one.entry for one in self.taken]))
                self.taken = []

    clock = Late(world.clock.now)
    ours = Combiner(ann.setting.clone.folder, host_of(clock), Transactions(ann.setting))

    with FileLock(tmp_path / "ann" / "lock"):
        reply = ours.submit(ann.entry(add(7), "app"))

    assert code(reply) == "steps_added"


def test_over_a_network_who_has_lost_most_tries_again_soonest() -> None:
    bounds = list(lead_time.delays(lambda: 1.0, lambda: TRY_S))

    assert bounds[:6] == [TRY_S, 2 * TRY_S, 4 * TRY_S, TRY_S, TRY_S / 4, TRY_S / 16]
    assert len(bounds) == lead_time.SLOW_ATTEMPTS_MAX


@pytest.mark.rule("LIVE-1")
def test_who_has_just_won_a_race_lets_others_go_first(tmp_path: Path) -> None:
    world = World(tmp_path)
    ann = crowded(world, losses=2)
    combiner = combiner_of(ann)
    combiner.submit(ann.entry(add(7), "app"))
    before = len(world.clock.slept)

    combiner.submit(ann.entry(add(8), "app"))
    world.clock.advance(minutes=1)
    later = len(world.clock.slept)
    combiner.submit(ann.entry(add(9), "app"))

    assert world.clock.slept[before:later] == [TRY_S]  # a random part, here half, of two tries
    assert world.clock.slept[later:] == []
