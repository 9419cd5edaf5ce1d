"""Judgements: where a remote compares only writes, ending by silence moves the heartbeat that it was judged by."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import pytest

from gitcoord.core.documents.doc import replace
from gitcoord.ledger.clone.sessions import OpenSession
from gitcoord.ledger.format import commits
from gitcoord.ledger.liveness import judgements
from gitcoord.ledger.transactions.combiner import Combiner
from gitcoord.ledger.transactions.send_heartbeat import beat_now
from gitcoord.remote.contract.protocol import Oid, RefUpdate
from gitcoord.remote.transports.memory import MemoryObjects
from tests.unit.ledger.fakes import REFS, START, Interleaved, Member, World, code
from tests.unit.left_out import LeftOut

HEARTBEAT = REFS.heartbeat("bob")


def beat(member: Member) -> bool:
    combiner = Combiner(member.setting.clone.folder, member.setting.host, member.transactions)
    return beat_now(member.setting, combiner, force=True)


class Holder(Protocol):
    """Let bob hold the one step there is, in a session that stays open, and beat or not."""

    def __call__(self, *, beats: bool = True) -> Member: ...


@pytest.fixture
def of_bob(world: World) -> Iterator[Holder]:
    sessions: list[OpenSession] = []

    def hold(*, beats: bool = True) -> Member:
        bob = world.clone("bob")
        bob.create(steps=1)
        bob.claim()
        sessions.append(bob.open_session())
        assert not beats or beat(bob)
        return bob

    yield hold
    for session in sessions:
        session.forget()


def rebooted(member: Member) -> Member:
    """Return the same clone after its machine has started anew."""
    setting = replace(member.setting, host=replace(member.setting.host, boot="another"))
    setting = replace(setting, beats=type(setting.beats)(setting.host, setting.clone, REFS, setting.sessions, 60))
    return dataclasses.replace(member, setting=setting)


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A remote that compares writes and no checks, as git over http and ssh does."""
    return World(tmp_path, sends_checks=False)


@pytest.mark.rule("SAFE-7", "LIVE-2")
@pytest.mark.parametrize("reboots", [False, True])
def test_a_judged_heartbeat_moves_to_a_child_that_its_owner_takes_for_its_own(
    world: World, of_bob: Holder, reboots: bool
) -> None:
    bob = of_bob()
    judged_by = world.remote.refs[HEARTBEAT]
    world.clock.advance(minutes=16)

    reply = world.clone("ann").claim()

    moved = commits.read(world.remote.objects, world.remote.refs[HEARTBEAT])
    before = commits.read(world.remote.objects, judged_by)
    assert code(reply) == "step_claimed"
    assert (moved.parents, moved.tree, moved.message) == ((judged_by,), before.tree, "judged silent by ann\n")
    bob = rebooted(bob) if reboots else bob
    assert beat(bob)
    assert (bob.setting.clone.id, bob.setting.clone.former) == ("bob", [])


@pytest.mark.rule("SAFE-7")
@pytest.mark.parametrize("beats", [True, False], ids=["a-beat", "a-first-beat"])
def test_a_beat_that_lands_first_saves_the_holder(world: World, of_bob: Holder, beats: bool) -> None:
    bob = of_bob(beats=beats)
    world.clock.advance(minutes=61)
    ann = world.clone("ann", lambda inner: AtTheServer(inner, [lambda: beat(bob)]))

    reply = ann.claim()

    assert code(reply) == "nothing_available"
    assert (world.step(1).agent_id, world.step(1).fence) == ("bob", 1)
    assert (bob.setting.clone.id, bob.setting.clone.former) == ("bob", [])


class AtTheServer(Interleaved):
    """Lets others write after a remote's checks were read and before its server compares the writes."""

    def send(self, updates: object) -> object:  # pyright: ignore[reportIncompatibleMethodOverride]
        assert isinstance(updates, list)
        writes = [update for update in updates if not update.is_check]
        return super().send(writes)


@pytest.mark.rule("LIVE-2")
def test_a_judgement_is_no_sign_of_life_to_who_watches(world: World, of_bob: Holder) -> None:
    of_bob()
    cat = world.clone("cat")
    ann = world.clone("ann")
    ann.create("other", steps=1)
    world.clone("bob").claim("other", agent="bob")
    cat.claim("app")
    world.clock.advance(minutes=16)
    assert code(ann.claim("app")) == "step_claimed"

    reply = cat.claim("other")

    assert code(reply) == "step_claimed"


@pytest.mark.rule("LIVE-2")
def test_a_clone_that_was_judged_before_its_first_beat_beats_under_its_own_id(world: World, of_bob: Holder) -> None:
    bob = of_bob(beats=False)
    world.clock.advance(minutes=61)

    assert code(world.clone("ann").claim()) == "step_claimed"

    tip = world.remote.refs[HEARTBEAT]
    assert judgements.judged(world.remote.objects, tip) is None
    assert beat(bob)
    assert (bob.setting.clone.id, bob.setting.clone.former) == ("bob", [])


@pytest.mark.rule("SAFE-2")
@pytest.mark.parametrize(("days", "strange"), [(6, True), (8, False)])
def test_a_clone_is_judged_by_having_no_beat_only_where_its_last_one_may_be_swept(
    world: World, of_bob: Holder, days: int, strange: bool
) -> None:
    bob = of_bob()
    objects, tip = world.remote.objects, world.remote.refs[HEARTBEAT]
    assert beat(bob)
    world.clock.advance(days=days)

    none = judgements.moved(objects, RefUpdate(HEARTBEAT, None, tip), bob.setting.clone, START).new

    assert none is not None
    assert bob.setting.beats.moved_by_stranger(objects, {HEARTBEAT: none}) is strange


def test_judgements_on_judgements_stand_for_the_one_beat(world: World, of_bob: Holder) -> None:
    bob = of_bob()
    objects, tip = world.remote.objects, world.remote.refs[HEARTBEAT]

    again = tip
    for _ in range(3):
        again = judgements.moved(objects, RefUpdate(HEARTBEAT, again, again), bob.setting.clone, START).new or tip

    assert again != tip
    assert judgements.judged(objects, again) == tip
    assert not bob.setting.beats.moved_by_stranger(objects, {HEARTBEAT: again})


@pytest.mark.rule("SAFE-6")
def test_a_heartbeat_that_cannot_be_read_is_checked_and_not_moved(world: World) -> None:
    check = RefUpdate(HEARTBEAT, Oid("1" * 40), Oid("1" * 40))

    assert judgements.moved(MemoryObjects("sha1"), check, world.clone("ann").setting.clone, START) == check


def test_a_judgement_whose_beat_was_left_out_of_the_clone_stands_for_it(
    world: World, of_bob: Holder, tmp_path: Path
) -> None:
    bob, objects = of_bob(), world.remote.objects
    tip = world.remote.refs[HEARTBEAT]
    moved = judgements.moved(objects, RefUpdate(HEARTBEAT, tip, tip), bob.setting.clone, START).new or tip
    left_out = LeftOut(objects, {tip}, is_away=True)
    tips = left_out.objects(tmp_path, [moved])

    assert (judgements.judged(tips, moved), left_out.asked) == (moved, [])
    assert not bob.setting.beats.moved_by_stranger(tips, {HEARTBEAT: moved})
