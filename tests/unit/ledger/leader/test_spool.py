"""The spool and combining: one carries out what all wait for; whoever dies on the way loses nothing of others."""

import os
import sys
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from filelock import FileLock

from gitcoord.core.documents import outcomes
from gitcoord.core.documents.actor import Actor
from gitcoord.core.steps.step_commands import ClaimStep
from gitcoord.errors import InvalidError
from gitcoord.ledger.clone import files
from gitcoord.ledger.clone.remote_folder import key_of
from gitcoord.ledger.format.entry import Entry, Reply
from gitcoord.ledger.kinds.table import LEDGERS
from gitcoord.ledger.leader.crowd import Crowd
from gitcoord.ledger.leader.lead_time import PATIENCE_S
from gitcoord.ledger.leader.spool import TAKEN_MAX, Spool, Waiting
from gitcoord.ledger.transactions.combiner import COLD_AFTER, COMBINE_S, FREE_LOOKS_COLD, POLL_FAR_S, Combiner
from gitcoord.ledger.transactions.transactions import Joining, Transactions
from gitcoord.remote.contract.protocol import Transport
from tests.unit.ledger.fakes import REFS, Clock, Lossy, Member, World, Wrapped, add, code, fact, host_of


def entry(uid: str, clock: Clock, *, pid: int = 7, wait_s: float = 15) -> Entry:
    actor = Actor(agent=f"ann/{uid}", clone="k", session=f"s-{uid}")
    made = LEDGERS.entry_of(uid, ClaimStep(), actor, "app", pid=pid)
    return made.evolve(deadline=clock.now + timedelta(seconds=wait_s), place=key_of("", REFS.namespace))


def uids(waiting: list[Waiting]) -> list[str]:
    return [one.entry.uid for one in waiting]


DONE = Reply(outcome=outcomes.done("step_claimed", step_num=1))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def spool(tmp_path: Path, clock: Clock) -> Spool:
    return Spool(tmp_path, host_of(clock))


@pytest.mark.rule("TXN-3")
def test_entries_are_taken_in_the_order_of_their_arrival(spool: Spool, clock: Clock) -> None:
    for uid in ("c", "a", "b"):
        spool.put(entry(uid, clock))
        clock.advance(seconds=1)

    assert uids(spool.take()) == ["c", "a", "b"]


@pytest.mark.rule("SAFE-3")
def test_what_a_dead_taker_left_is_taken_again(spool: Spool, clock: Clock, tmp_path: Path) -> None:
    spool.put(entry("a", clock))
    spool.take()  # and dies

    again = Spool(tmp_path, host_of(clock)).take()

    assert uids(again) == ["a"]
    assert not spool.is_empty()


def test_a_delivered_reply_is_read_once_and_the_entry_is_gone(spool: Spool, clock: Clock, tmp_path: Path) -> None:
    spool.put(entry("a", clock))
    taken = spool.take()
    assert spool.reply("a") is None

    spool.deliver(taken, {"a": DONE})

    assert spool.is_empty()
    assert spool.reply("a") == DONE
    assert spool.reply("a") is None
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


@pytest.mark.rule("SAFE-3")
def test_an_entry_without_a_reply_stays(spool: Spool, clock: Clock) -> None:
    spool.put(entry("a", clock))

    spool.deliver(spool.take(), {})

    assert uids(spool.take()) == ["a"]


@pytest.mark.rule("TXN-4")
def test_a_withdrawn_entry_is_never_taken_and_a_taken_one_cannot_be_withdrawn(spool: Spool, clock: Clock) -> None:
    first, second = spool.put(entry("a", clock)), spool.put(entry("b", clock))

    assert spool.withdraw(first)
    assert uids(spool.take()) == ["b"]
    assert not spool.withdraw(second)
    assert not spool.withdraw(first)


NOBODYS_PID = 2**22 + 1  # beyond what Linux gives


def test_the_entry_of_a_dead_author_is_dropped(spool: Spool, clock: Clock) -> None:
    spool.put(entry("a", clock))
    spool.put(entry("b", clock))

    spool.leave("a")  # as the kernel does when the author's process ends

    assert uids(spool.take()) == ["b"]
    assert uids(spool.take()) == ["b"]


@pytest.mark.rule("TXN-3", "LIVE-1")
@pytest.mark.parametrize("pid", [NOBODYS_PID, 1, os.getpid()], ids=["of nobody here", "of another", "the taker's"])
def test_an_author_lives_by_the_lock_of_its_entry_whatever_its_process_id_means_here(
    clock: Clock, tmp_path: Path, pid: int
) -> None:
    author, taker = Spool(tmp_path, host_of(clock, pid=pid)), Spool(tmp_path, host_of(clock, pid=pid))
    author.put(entry("a", clock, pid=pid))
    author.put(entry("b", clock, pid=pid))
    author.leave("b")

    assert uids(taker.take()) == ["a"]
    assert uids(taker.take()) == ["a"]


def test_the_entry_of_a_version_that_holds_no_lock_is_carried_out(spool: Spool, clock: Clock, tmp_path: Path) -> None:
    files.write_json(tmp_path / "spool" / "00000000000000-old.json", entry("old", clock).dump(), "x")

    assert uids(spool.take()) == ["old"]


def test_an_entry_past_its_deadline_is_dropped(spool: Spool, clock: Clock) -> None:
    spool.put(entry("a", clock, wait_s=15))
    clock.advance(seconds=15)
    on_time = uids(spool.take())
    clock.advance(seconds=1)

    assert (on_time, uids(spool.take())) == (["a"], [])
    assert spool.is_empty()


@pytest.mark.rule("SAFE-6")
@pytest.mark.parametrize("damage", [b"", b"{", b"{}", b"[]", b'{"uid":7}', b"\0" * 50])
def test_a_damaged_entry_is_dropped_and_others_go_on(spool: Spool, clock: Clock, tmp_path: Path, damage: bytes) -> None:
    spool.put(entry("a", clock))
    (tmp_path / "spool" / "00000000000000-x.json").write_bytes(damage)

    assert uids(spool.take()) == ["a"]
    assert [path.name.rpartition(".")[2] for path in (tmp_path / "spool").iterdir()] == ["taken"]


def test_one_batch_is_bounded(spool: Spool, clock: Clock) -> None:
    for at in range(TAKEN_MAX + 5):
        spool.put(entry(f"{at:03d}", clock))

    assert len(spool.take()) == TAKEN_MAX


def combiner_of(member: Member) -> Combiner:
    return Combiner(member.setting.clone.folder, host_of(member.clock), member.transactions)


@pytest.mark.rule("TXN-3")
def test_who_has_the_lock_carries_out_all_that_wait_with_one_commit(tmp_path: Path) -> None:
    world = World(tmp_path)
    ann = world.clone("ann")
    ann.create("app", 5)
    combiner = combiner_of(ann)
    combiner.submit(entry("first", world.clock))
    spool = Spool(ann.setting.place_folder, ann.setting.host)
    for at in range(3):
        spool.put(entry(f"w{at}", world.clock))

    reply = combiner.submit(entry("own", world.clock))

    assert (code(reply), fact(reply, "step_num")) == ("step_claimed", 5)
    waiting = [spool.reply(f"w{at}") for at in range(3)]
    assert [fact(one, "step_num") for one in waiting if one] == [2, 3, 4]
    assert len({event.commit for event in world.events()}) == 3


@pytest.mark.rule("SAFE-3", "TXN-2")
def test_a_command_that_landed_before_its_taker_died_is_answered_and_not_done_again(tmp_path: Path) -> None:
    world = World(tmp_path)
    ann = world.clone("ann")
    ann.create("app", 5)
    spool = Spool(ann.setting.place_folder, ann.setting.host)
    spool.put(entry("w", world.clock))
    ann.transactions.run([one.entry for one in spool.take()])  # it landed; the taker dies before it could say so

    combiner_of(ann.restarted()).submit(entry("own", world.clock))

    reply = spool.reply("w")
    assert reply is not None
    assert (code(reply), fact(reply, "step_num")) == ("step_claimed", 1)
    assert world.did().count("claim_step") == 2
    assert len(set(world.uids())) == 3


@pytest.mark.rule("TXN-4")
def test_who_waits_too_long_for_the_lock_withdraws_and_nothing_of_it_can_land(tmp_path: Path) -> None:
    world = World(tmp_path)
    ann = world.clone("ann")
    ann.create()

    with FileLock(tmp_path / "ann" / "lock"):
        reply = combiner_of(ann).submit(entry("own", world.clock))

    assert code(reply) == "contended"
    assert PATIENCE_S <= sum(ann.clock.slept) < PATIENCE_S + 1
    combiner_of(ann).submit(entry("next", world.clock))
    assert "own" not in world.uids()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells who holds a lock")
def test_who_waited_too_long_is_told_which_process_held_the_lock(tmp_path: Path) -> None:
    ann = World(tmp_path).clone("ann")
    ann.create()

    with FileLock(tmp_path / "ann" / "lock"):
        reply = combiner_of(ann).submit(entry("own", ann.clock))

    assert reply.failure is not None
    assert f"s: process {os.getpid()} (" in reply.failure.message
    assert f"process {os.getpid()}" in reply.failure.hint


@pytest.mark.rule("TXN-4")
def test_who_is_being_carried_out_when_its_time_is_over_says_unknown(tmp_path: Path) -> None:
    world = World(tmp_path)
    ann = world.clone("ann")
    ann.create()
    taker = Spool(ann.setting.place_folder, ann.setting.host)
    clock = Takes(world.clock.now, taker=taker)
    waiter = Combiner(tmp_path / "ann", host_of(clock), ann.transactions)

    with FileLock(tmp_path / "ann" / "lock"):
        reply = waiter.submit(entry("own", clock))

    assert code(reply) == "unknown_outcome"


class Takes(Clock):
    """While somebody sleeps, another process takes what waits."""

    def __init__(self, now: object, *, taker: Spool) -> None:
        super().__init__(now)  # pyright: ignore[reportArgumentType]
        self._taker = taker

    def sleep(self, seconds: float) -> None:
        self._taker.take()
        super().sleep(seconds)


@pytest.mark.rule("LIVE-2")
def test_a_waiter_leads_itself_once_the_lock_is_free(tmp_path: Path) -> None:
    world = World(tmp_path)
    ann = world.clone("ann")
    ann.create()
    lock = FileLock(tmp_path / "ann" / "lock")
    lock.acquire()
    clock = Releases(world.clock.now, lock=lock)

    reply = Combiner(tmp_path / "ann", host_of(clock), ann.transactions).submit(entry("own", clock))

    assert code(reply) == "step_claimed"
    assert sum(clock.slept) < 15


@pytest.mark.rule("SAFE-3", "LIVE-2")
def test_a_waiter_that_leads_itself_is_answered_though_no_reply_can_be_written(tmp_path: Path) -> None:
    world = World(tmp_path)
    ann = world.clone("ann")
    ann.create()
    lock = FileLock(tmp_path / "ann" / "lock")
    lock.acquire()
    clock = Releases(world.clock.now, lock=lock)
    combiner = Combiner(tmp_path / "ann", host_of(clock), ann.transactions)
    replies = ann.setting.place_folder / "replies"
    replies.rmdir()
    replies.touch()  # as on a full disk, no file can be made there

    reply = combiner.submit(entry("own", clock))

    assert code(reply) == "step_claimed"
    assert [*(ann.setting.place_folder / "spool").iterdir()] == []


@pytest.mark.rule("LIVE-1")
def test_nobody_is_taken_in_once_the_leaders_own_caller_can_be_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    ann = World(tmp_path).clone("ann")
    spool = Spool(ann.setting.place_folder, host_of(clock))
    taken: list[list[str]] = []

    def run(entries: Sequence[Entry], *, joining: Joining, **_: object) -> dict[str, Reply]:
        for late, replies in (("before", {}), ("after", {"own": DONE}), ("later", {})):
            spool.put(entry(late, clock))
            taken.append([one.uid for one in joining(replies)])
        return {one.uid: DONE for one in entries}

    monkeypatch.setattr(ann.transactions, "run", run)

    reply = Combiner(tmp_path / "ann", host_of(clock), ann.transactions).submit(entry("own", clock))

    assert code(reply) == "step_claimed"
    assert taken == [["before"], [], []]


@pytest.mark.parametrize("early", [[], ["early"]])
def test_in_a_crowd_a_leader_lets_others_of_its_clone_come_where_there_were_any(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, early: list[str]
) -> None:
    ann = World(tmp_path).clone("ann")
    clock = Clock()
    spool, batches = Spool(ann.setting.place_folder, host_of(clock)), list[list[str]]()

    def run(entries: Sequence[Entry], **_: object) -> dict[str, Reply]:
        batches.append([one.uid for one in entries])
        return {one.uid: DONE for one in entries}

    def come(seconds: float) -> None:
        clock.slept.append(seconds)
        if seconds == 0.05:
            spool.put(entry("late", clock))

    monkeypatch.setattr(ann.transactions, "run", run)
    monkeypatch.setattr(Transactions, "asks_remote", True)
    Crowd(ann.setting.place_folder, host_of(clock)).meet(0.2)
    monkeypatch.setattr(clock, "sleep", come)
    combiner = Combiner(tmp_path / "ann", host_of(clock), ann.transactions)
    for uid in early:
        spool.put(entry(uid, clock))
    combiner.submit(entry("first", clock))
    batches.clear()

    combiner.submit(entry("own", clock))

    assert batches[0] == (["late", "own"] if early else ["own"])
    assert clock.slept.count(0.05) == len(early)


class Releases(Clock):
    """After the third sleep the holder of the lock is gone."""

    def __init__(self, now: object, *, lock: FileLock) -> None:
        super().__init__(now)  # pyright: ignore[reportArgumentType]
        self._lock = lock

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        if len(self.slept) == 3:
            self._lock.release()


class Breaks(Wrapped):
    """A remote whose reading breaks once in a way that nobody expects."""

    broken = True

    def read(self, prefixes: object) -> dict[object, object]:  # pyright: ignore[reportIncompatibleMethodOverride]
        if self.broken:
            self.broken = False
            raise KeyboardInterrupt
        return super().read(prefixes)  # pyright: ignore[reportArgumentType, reportReturnType]


@pytest.mark.rule("SAFE-3", "LIVE-2")
def test_a_leader_that_is_interrupted_leaves_the_lock_free_and_the_entries_in_place(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.clone("bob").create()
    ann = world.clone("ann", Breaks)  # pyright: ignore[reportArgumentType]
    spool = Spool(ann.setting.place_folder, ann.setting.host)
    spool.put(entry("w", world.clock))

    with pytest.raises(KeyboardInterrupt):
        combiner_of(ann).submit(entry("x", world.clock))
    combiner_of(ann.restarted()).submit(entry("y", world.clock))

    reply = spool.reply("w")
    assert reply is not None
    assert fact(reply, "step_num") == 1
    assert world.did().count("claim_step") == len(set(world.uids())) - 1


@pytest.mark.rule("TXN-2")
def test_an_entry_whose_outcome_stays_unknown_is_answered_so_and_not_taken_again(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.clone("bob").create()
    ann = world.clone("ann", lambda inner: Lossy(inner, [], then="gone"))
    spool = Spool(ann.setting.place_folder, ann.setting.host)
    spool.put(entry("w", world.clock, wait_s=3600))

    combiner_of(ann).submit(entry("own", world.clock, wait_s=3600))

    reply = spool.reply("w")
    assert reply is not None
    assert code(reply) == "unknown_outcome"
    assert spool.is_empty()


@pytest.mark.rule("SAFE-3", "TXN-2")
def test_what_landed_is_known_though_two_takers_in_a_row_died_before_they_could_say_so(tmp_path: Path) -> None:
    world = World(tmp_path)
    ann = world.clone("ann")
    ann.create()
    first, second = ann.entry(add(7), "app"), ann.entry(add(8), "app")
    ann.run(first)
    ann.restarted().run(first, second)

    replies = ann.restarted().run(first, second)

    assert [code(reply) for reply in replies] == ["steps_added", "steps_added"]
    assert world.did() == ["create_project", "add_steps", "add_steps"]


def test_a_command_that_no_taker_would_read_is_refused_at_its_author(tmp_path: Path) -> None:
    world = World(tmp_path)
    ann = world.clone("ann")
    ann.create()
    combiner = Combiner(ann.setting.clone.folder, ann.setting.host, ann.transactions)
    texts = ["x" * 60_000] * (files.FILE_BYTES_MAX // 60_000 + 1)
    large = ann.entry(add(7), "app").evolve(arguments={"steps": [{"description": text} for text in texts]})

    with FileLock(tmp_path / "ann" / "lock"), pytest.raises(InvalidError, match="too large") as caught:
        combiner.submit(large)

    assert caught.value.hint.startswith("Shorten")
    assert world.clock.slept == []
    assert Spool(ann.setting.place_folder, ann.setting.host).is_empty()


def test_who_waits_for_the_lock_in_vain_is_told_for_how_long(tmp_path: Path) -> None:
    world = World(tmp_path)
    ann = world.clone("ann")
    combiner = Combiner(ann.setting.clone.folder, ann.setting.host, ann.transactions)

    with FileLock(tmp_path / "ann" / "lock"):
        reply = combiner.submit(ann.entry(add(7), "app"), wait_s=4)

    assert reply.failure is not None
    assert "for all of 4 s" in reply.failure.message


class Served(Clock):
    """While somebody sleeps, another process carries out what waits; else it has the lock."""

    def __init__(self, now: object, *, lock: FileLock, leader: Combiner) -> None:
        super().__init__(now)  # pyright: ignore[reportArgumentType]
        self._lock = lock
        self._leader = leader
        self.busy = 0.0  # so many seconds nothing is carried out
        self.until_s = float("inf")  # after so many more the lock is free

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        self.busy -= seconds
        self.until_s -= seconds
        if self.busy <= 0:
            self._lock.release()
            self._leader._lead_others(entry("leads", self))
            self._lock.acquire()
        elif self.until_s <= 0:
            self._lock.release()


def test_who_was_served_by_others_for_a_while_leaves_the_next_command_to_them(tmp_path: Path) -> None:
    world = World(tmp_path)
    ann = world.clone("ann")
    ann.create("app", 20)
    lock = FileLock(tmp_path / "ann" / "lock", thread_local=False)
    clock = Served(world.clock.now, lock=lock, leader=combiner_of(ann.restarted()))
    ours = Combiner(tmp_path / "ann", host_of(clock), ann.transactions)
    ours.submit(entry("own", clock))
    with lock:
        for at in range(COLD_AFTER):
            ours.submit(entry(f"served{at}", clock))
    Spool(ann.setting.place_folder, ann.setting.host).put(entry("somebody", clock))

    reply = ours.submit(entry("late", clock))  # the lock is free

    assert code(reply) == "step_claimed"
    assert ours.leads == 1


def test_who_is_cold_takes_the_lead_at_once_when_no_process_leads_any_more(tmp_path: Path) -> None:
    world = World(tmp_path)
    ann = world.clone("ann")
    ann.create("app", 20)
    lock = FileLock(tmp_path / "ann" / "lock", thread_local=False)
    clock = Served(world.clock.now, lock=lock, leader=combiner_of(ann.restarted()))
    clock.busy = 1.0
    ours = Combiner(tmp_path / "ann", host_of(clock), ann.transactions)
    with lock:
        ours.submit(entry("served", clock))
    usual_s, before_s = sum(clock.slept), sum(clock.slept)
    clock.busy = float("inf")
    Spool(ann.setting.place_folder, ann.setting.host).put(entry("somebody", clock))
    with lock:
        clock.until_s = 2 * usual_s  # the leader dies then

        reply = ours.submit(entry("late", clock))

    assert code(reply) == "step_claimed"
    assert (ours.leads, usual_s >= 1) == (1, True)
    assert 2 * usual_s <= sum(clock.slept) - before_s < 2 * usual_s + (FREE_LOOKS_COLD + 1) * 1.5 * POLL_FAR_S


class Slow(Wrapped):
    """A remote that takes longer to read than a leader goes on for others."""

    clock: Clock | None = None

    def read(self, prefixes: object) -> dict[object, object]:  # pyright: ignore[reportIncompatibleMethodOverride]
        if self.clock is not None:
            self.clock.advance(seconds=10 * COMBINE_S)
            self.clock = None
        return super().read(prefixes)  # pyright: ignore[reportArgumentType, reportReturnType]


def test_a_leader_that_had_to_read_long_goes_on_for_those_who_came_meanwhile(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.clone("bob").create()
    remotes: list[Slow] = []

    def slow(inner: Transport) -> Slow:
        remotes.append(Slow(inner))
        return remotes[-1]

    ann = world.clone("ann", slow)  # pyright: ignore[reportArgumentType]
    spool = Spool(ann.setting.place_folder, ann.setting.host)
    clock = Arrives(world.clock.now, spool=spool)
    combiner = Combiner(tmp_path / "ann", host_of(clock), ann.transactions)
    combiner.submit(entry("first", clock))
    remotes[-1].clock = clock
    spool.put(entry("w", clock))

    combiner.submit(entry("own", clock))

    assert spool.reply("late") is not None


class Arrives(Clock):
    """While somebody sleeps, one more command comes."""

    def __init__(self, now: object, *, spool: Spool) -> None:
        super().__init__(now)  # pyright: ignore[reportArgumentType]
        self._spool = spool

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        if len(self.slept) == 1:
            self._spool.put(entry("late", self))
