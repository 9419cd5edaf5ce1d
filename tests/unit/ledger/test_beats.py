"""Beats: one document a clone, in time, replaced and not chained; a stranger's is not touched."""

from pathlib import Path

import pytest

from gitcoord.core.presence import SessionBeat
from gitcoord.ledger import commits
from gitcoord.ledger.beating import beat_now
from gitcoord.ledger.beats import Beats
from gitcoord.ledger.combining import Combiner
from gitcoord.ledger.host import Clone
from gitcoord.ledger.refs import Refs
from gitcoord.ledger.sessions import Sessions
from gitcoord.remote.memory import MemoryObjects
from gitcoord.remote.protocol import Oid
from tests.unit.ledger.fakes import REFS, SIGNATURE, Clock, Lossy, Member, World, host_of

HEARTBEAT = REFS.heartbeat("ann")


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


@pytest.mark.rule("SAFE-2")
def test_a_beat_that_a_stranger_sent_is_found_out_and_not_replaced(world: World, tmp_path: Path) -> None:
    ann = world.clone("ann")
    session = ann.open_session()
    beat(ann)
    twin = World(tmp_path / "copy")
    twin.remote, twin.clock = world.remote, world.clock
    stranger = twin.clone("ann")  # a copy of a running machine: the same id, another disk
    theirs = stranger.open_session()
    world.clock.advance(minutes=5)
    beat(stranger)
    moved = tip_of(world)
    again = ann.setting.beats.moved_by_stranger(world.remote.refs)

    assert again
    assert not beat(ann, force=True)
    assert tip_of(world) == moved
    session.forget()
    theirs.forget()


def test_the_last_beats_of_this_clone_are_its_own_whether_they_were_answered_or_not(world: World) -> None:
    ann = world.clone("ann")
    session = ann.open_session()
    sent = [ann.setting.beats.prepare(ann.transport.objects, {}, world.clock.now) for _ in range(4)]

    assert not any(ann.setting.beats.moved_by_stranger({HEARTBEAT: one.new}) for one in sent if one.new)
    assert ann.setting.beats.moved_by_stranger({HEARTBEAT: Oid("1" * 40)})
    assert not ann.setting.beats.moved_by_stranger({})
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
