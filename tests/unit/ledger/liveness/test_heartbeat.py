"""Beats: one document a clone, in time, replaced and not chained; a stranger's is not touched."""

import contextlib
import re
from datetime import timedelta
from pathlib import Path

import pytest

from gitcoord.core.documents.json_text import time_text
from gitcoord.core.documents.liveness import SessionBeat
from gitcoord.errors import ContendedError, CoordError, DeniedError, UnknownOutcomeError, UnreachableError
from gitcoord.ledger.clone import clone_id, files
from gitcoord.ledger.clone.host import Clone
from gitcoord.ledger.clone.remote_folder import folder_of
from gitcoord.ledger.clone.sessions import Sessions
from gitcoord.ledger.format import commits
from gitcoord.ledger.format.refs import Refs
from gitcoord.ledger.liveness.heartbeat import Beats
from gitcoord.ledger.transactions.combiner import Combiner
from gitcoord.ledger.transactions.send_heartbeat import beat_now
from gitcoord.remote.contract.protocol import Oid, SwapOutcome, SwapStatus
from gitcoord.remote.transports.memory import MemoryObjects
from tests.unit.ledger.fakes import (
    DENIED,
    REFS,
    SIGNATURE,
    UNREACHABLE,
    Clock,
    Lossy,
    Member,
    World,
    host_of,
)

HEARTBEAT = REFS.heartbeat("ann")
HINDERED = SwapOutcome(SwapStatus.LOST, "the lock 'ann.lock' is older than 60 s", lock_path="ann.lock")


def beat(member: Member, *, force: bool = False) -> bool:
    combiner = Combiner(member.setting.clone.folder, member.setting.host, member.transactions)
    return beat_now(member.setting, combiner, force=force)


def tip_of(world: World) -> Oid:
    return world.remote.refs[HEARTBEAT]


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_a_clone_beats_once_an_interval(world: World) -> None:
    ann = world.clone("ann")
    session = ann.open_session()

    first = beat(ann)
    world.clock.advance(seconds=59)
    early = beat(ann)
    world.clock.advance(seconds=1)
    due = beat(ann)

    assert (first, early, due) == (True, False, True)
    session.forget()


def test_a_clock_that_was_set_back_makes_a_beat_due(world: World) -> None:
    ann = world.clone("ann")
    session = ann.open_session()
    assert beat(ann)

    world.clock.now -= timedelta(hours=2)

    assert ann.setting.beats.is_due(world.clock.now)
    assert [beat(ann), beat(ann)] == [True, False]
    session.forget()


def test_a_beat_replaces_the_one_before_and_is_not_chained(world: World) -> None:
    ann = world.clone("ann")
    session = ann.open_session()
    beat(ann)
    before = tip_of(world)

    beat(ann, force=True)

    commit = commits.read(world.remote.objects, tip_of(world))
    assert tip_of(world) != before
    assert commit.parents == ()
    assert commit.message == "beat of ann: 1 sessions\n"
    session.forget()


def test_under_heads_beats_are_chained_since_nothing_may_be_rewound_there(tmp_path: Path) -> None:
    refs = Refs("refs/heads/ann/coord")
    sessions = Sessions(tmp_path, "1")
    session = sessions.open(SessionBeat(id="s", agents=("ann",)))
    clock, objects = Clock(), MemoryObjects()
    beats = Beats(host_of(clock), Clone("ann", tmp_path, SIGNATURE), refs, sessions, 60)

    first = beats.prepare(objects, {}, clock.now)
    assert first.new
    beats.sent(first, clock.now)
    second = beats.prepare(objects, {first.ref: first.new}, clock.now)

    assert second.new
    assert commits.read(objects, first.new).parents == ()
    assert commits.read(objects, second.new).parents == (first.new,)
    session.forget()


def test_a_swap_carries_a_beat_when_the_last_is_older_than_half_an_interval(world: World) -> None:
    ann = world.clone("ann", lambda inner: Lossy(inner, []))
    session = ann.open_session()
    assert isinstance(ann.transport, Lossy)

    ann.create()
    world.clock.advance(seconds=29)
    ann.claim(agent="ann/1")
    world.clock.advance(seconds=1)
    ann.claim(agent="ann/2")

    carried = [HEARTBEAT in {update.ref for update in swap} for swap in ann.transport.swaps]
    assert carried == [True, False, True]
    assert not beat(ann)
    session.forget()


def test_a_beat_says_which_sessions_and_agents_live(world: World) -> None:
    ann = world.clone("ann")
    session = ann.open_session()
    session.add_agent("ann/tests")

    beat(ann)

    reader = world.reader()
    reader.prefetch(world.remote.refs)
    _, read = reader.heartbeats(world.remote.refs)["ann"]
    assert [(one.id, one.agents) for one in read.sessions] == [("s-ann", ("ann", "ann/tests"))]
    assert (read.clone, read.seq, read.boot) == ("ann", 1, "boot")
    session.forget()


def copy_of(world: World, tmp_path: Path) -> Member:
    """Return a copy of ann's running machine: the same id and boot, another disk."""
    twin = World(tmp_path / "copy")
    twin.remote, twin.clock = world.remote, world.clock
    return twin.clone("ann")


@pytest.mark.rule("SAFE-2")
def test_a_beat_that_a_stranger_sent_is_not_replaced_and_this_clone_goes_on_under_a_new_id(
    world: World, tmp_path: Path
) -> None:
    ann = world.clone("ann")
    session = ann.open_session()
    beat(ann)
    stranger = copy_of(world, tmp_path)
    theirs = stranger.open_session()
    for _ in range(3):
        beat(stranger, force=True)
    moved = tip_of(world)

    assert beat(ann, force=True)
    assert tip_of(world) == moved
    assert (stranger.setting.clone.id, ann.setting.clone.former) == ("ann", ["ann"])
    assert ann.setting.beats.ref in world.remote.refs
    assert ann.setting.clone.id != "ann"
    assert clone_id.current(ann.setting.clone.folder) == ann.setting.clone.id
    session.forget()
    theirs.forget()


@pytest.mark.rule("SAFE-2")
def test_of_two_copies_exactly_one_keeps_the_id(world: World, tmp_path: Path) -> None:
    ann, copy = world.clone("ann"), copy_of(world, tmp_path)
    sessions = [one.open_session() for one in (ann, copy)]

    for _ in range(4):
        for one in (ann, copy):
            assert beat(one, force=True)

    ids = [one.setting.clone.id for one in (ann, copy)]
    assert ids.count("ann") == 1
    assert len(set(ids)) == 2
    assert len(ann.setting.clone.former + copy.setting.clone.former) == 1
    for session in sessions:
        session.forget()


@pytest.mark.rule("SAFE-2")
def test_another_process_of_the_clone_goes_by_the_new_id_and_draws_none_of_its_own(
    world: World, tmp_path: Path
) -> None:
    ann, second = world.clone("ann"), world.clone("ann")
    session = ann.open_session()
    beat(ann)
    stranger = copy_of(world, tmp_path)
    theirs = stranger.open_session()
    for _ in range(3):
        beat(stranger, force=True)
    beat(ann, force=True)

    beat(second)

    assert second.setting.clone.id == ann.setting.clone.id
    assert second.setting.clone.former == ["ann"]
    session.forget()
    theirs.forget()


def test_two_processes_that_find_a_stranger_at_once_agree_on_one_id(tmp_path: Path) -> None:
    files.write_json(tmp_path / "clone.json", {"id": "ann", "path": "kept"}, "1")

    drawn = [clone_id.redraw(tmp_path, "ann", Clock(drawn=at).draw, "1") for at in (10**13, 2 * 10**13)]

    assert drawn == [drawn[0]] * 2
    assert drawn[0] != "ann"
    assert files.read_json(tmp_path / "clone.json") == {"id": drawn[0], "path": "kept"}


def test_what_was_sent_under_an_old_id_is_not_noted_of_the_new_one(world: World) -> None:
    ann = world.clone("ann")
    session = ann.open_session()
    beat(ann)

    ann.setting.clone.rename("new")

    assert ann.setting.beats.is_due(world.clock.now)
    assert ann.setting.beats.unknown_tip({ann.setting.beats.ref: Oid("1" * 40)}) is None
    session.forget()


@pytest.mark.rule("TXN-2")
@pytest.mark.parametrize("of_place", [("", "refs/coord"), ("another", "refs/coord")], ids=["here", "elsewhere"])
def test_the_id_stays_while_a_command_of_it_is_answered(
    world: World, tmp_path: Path, of_place: tuple[str, str]
) -> None:
    ann = world.clone("ann")
    session = ann.open_session()
    beat(ann)
    world.remote.refs[HEARTBEAT] = Oid("1" * 40)
    taken = folder_of(tmp_path / "ann", *of_place) / "spool" / "1-x.taken"
    taken.parent.mkdir(parents=True, exist_ok=True)
    files.write_json(taken, {"deadline": time_text(world.clock.now + timedelta(seconds=15))}, "1")

    before = beat(ann, force=True)
    world.clock.advance(seconds=16)  # its author has given up
    after = beat(ann, force=True)

    assert (before, after, ann.setting.clone.former) == (False, True, ["ann"])
    session.forget()


def test_a_beat_of_ours_that_is_not_newer_than_what_we_noted_is_ours(world: World, tmp_path: Path) -> None:
    ann = world.clone("ann")
    session = ann.open_session()
    beat(ann)
    old = tip_of(world)
    note = tmp_path / "ann" / "beat.json"
    known = files.read_json(note)
    places = known["places"]
    assert isinstance(places, dict)
    files.write_json(note, {"clone": "ann", "seq": 1, "places": {key: {} for key in places}}, "1")  # the rest is lost

    assert beat(ann, force=True)
    assert (ann.setting.clone.former, tip_of(world) == old) == ([], False)
    session.forget()


# --- a beat that fails is said


@pytest.mark.rule("LIVE-2")
@pytest.mark.parametrize(
    ("outcome", "error"), [(DENIED, DeniedError), (UNREACHABLE, UnreachableError), (HINDERED, ContendedError)]
)
def test_a_beat_that_cannot_be_sent_is_said(world: World, outcome: SwapOutcome, error: type[CoordError]) -> None:
    ann = world.clone("ann", lambda inner: Lossy(inner, [outcome, outcome]))
    session = ann.open_session()

    with pytest.raises(error, match=re.escape(outcome.message)) as caught:
        beat(ann)

    assert caught.value.hint
    session.forget()


@pytest.mark.parametrize(("word", "lands"), [("landed", True), ("gone", False)])
def test_a_beat_without_an_answer_is_read_and_not_sent_again(world: World, word: str, lands: bool) -> None:
    old = world.clone("old")
    left = old.open_session()
    beat(old)
    world.clock.advance(days=8)  # its heartbeat is swept with the next beat of anybody
    ann = world.clone("ann", lambda inner: Lossy(inner, [word]))
    ann.transport.fetch([world.remote.refs[REFS.heartbeat("old")]])
    session = ann.open_session()
    assert isinstance(ann.transport, Lossy)

    with contextlib.nullcontext() if lands else pytest.raises(UnknownOutcomeError, match="cut"):
        assert beat(ann)

    assert [len(swap) for swap in ann.transport.swaps] == [2]
    assert (HEARTBEAT in world.remote.refs) is lands
    for one in (session, left):
        one.forget()


def test_the_last_beats_of_this_clone_are_its_own_whether_they_were_answered_or_not(world: World) -> None:
    ann = world.clone("ann")
    session = ann.open_session()
    sent = [ann.setting.beats.prepare(ann.transport.objects, {}, world.clock.now) for _ in range(4)]

    beats, objects = ann.setting.beats, ann.transport.objects
    assert not any(beats.unknown_tip({HEARTBEAT: one.new}) for one in sent if one.new)
    assert beats.moved_by_stranger(objects, {HEARTBEAT: Oid("1" * 40)})
    assert not beats.moved_by_stranger(objects, {})
    session.forget()


@pytest.mark.rule("SAFE-6")
@pytest.mark.parametrize("damage", ["", "{", "[]", '{"at":7}', '{"at":"soon","seq":"x","sent":7}'])
def test_a_damaged_note_of_the_last_beat_stops_no_beat(world: World, tmp_path: Path, damage: str) -> None:
    ann = world.clone("ann")
    session = ann.open_session()
    (tmp_path / "ann" / "beat.json").write_text(damage)

    assert ann.setting.beats.is_due(world.clock.now)
    assert beat(ann)
    session.forget()


def test_who_is_writing_is_not_disturbed_by_a_beat(world: World) -> None:
    ann = world.clone("ann")
    session = ann.open_session()
    combiner = Combiner(ann.setting.clone.folder, ann.setting.host, ann.transactions)

    with combiner.lock():
        sent = beat(ann, force=True)

    assert not sent
    assert HEARTBEAT not in world.remote.refs
    session.forget()
