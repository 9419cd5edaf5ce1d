"""Ending a lease by silence: carried out only if the heartbeat that it was judged by is still the last one."""

import contextlib
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from gitcoord.core.documents.json_text import canonical
from gitcoord.core.steps.step_commands import ClaimStep
from gitcoord.errors import StorageError, UnknownOutcomeError
from gitcoord.ledger.clone import clone_id
from gitcoord.ledger.format import commits, trees
from gitcoord.ledger.transactions.combiner import Combiner
from gitcoord.ledger.transactions.send_heartbeat import beat_now
from gitcoord.remote.contract.protocol import RefUpdate, SwapOutcome, SwapStatus, half_landed
from tests.unit.ledger.fakes import (
    LOST,
    REFS,
    SIGNATURE,
    Clock,
    Interleaved,
    Lossy,
    Member,
    World,
    Wrapped,
    code,
    create,
    fact,
)


def beat(member: Member) -> bool:
    combiner = Combiner(member.setting.clone.folder, member.setting.host, member.transactions)
    return beat_now(member.setting, combiner, force=True)


def stored_by_an_older_version(world: World, *, stale_minutes: int) -> None:
    """Give the project a limit that this version would not take."""
    objects, ref = world.remote.objects, REFS.steps("app")
    state = world.state()
    assert state.content is not None
    project = canonical(state.content.project.evolve(stale_minutes=stale_minutes).dump())
    tree = trees.write(objects, state.folder, {"project.json": project}).oid
    assert tree is not None
    parents = [state.tip] if state.tip else []
    world.remote.refs[ref] = commits.write(objects, tree, parents, SIGNATURE, world.clock.now, "by 0.1.0")


@pytest.mark.rule("SAFE-7")
def test_a_beat_between_judging_and_swap_saves_the_holder(tmp_path: Path) -> None:
    world = World(tmp_path)
    bob = world.clone("bob")
    session = bob.open_session()
    bob.create(steps=1)
    bob.claim()
    assert beat(bob)
    world.clock.advance(minutes=16)
    ann = world.clone("ann", lambda inner: Interleaved(inner, [lambda: beat(bob)]))

    reply = ann.claim()

    assert code(reply) == "nothing_available"
    assert (world.step(1).agent_id, world.step(1).fence) == ("bob", 1)
    assert isinstance(ann.transport, Interleaved)
    assert ann.transport.before == []
    session.forget()


@pytest.mark.rule("SAFE-7")
def test_a_first_beat_between_judging_and_swap_saves_the_holder(tmp_path: Path) -> None:
    world = World(tmp_path)
    bob = world.clone("bob")
    bob.create(steps=1)
    bob.claim()  # its clone has no heartbeat: the check is that it is absent
    session = bob.open_session()
    world.clock.advance(minutes=61)
    ann = world.clone("ann", lambda inner: Interleaved(inner, [lambda: beat(bob)]))

    reply = ann.claim()

    assert code(reply) == "nothing_available"
    assert world.step(1).agent_id == "bob"
    session.forget()


@pytest.mark.rule("LIVE-2")
def test_a_silent_holder_is_taken_over_with_a_check_of_its_heartbeat(tmp_path: Path) -> None:
    world = World(tmp_path)
    bob = world.clone("bob")
    session = bob.open_session()
    bob.create(steps=1)
    bob.claim()
    beat(bob)
    world.clock.advance(minutes=16)
    ann = world.clone("ann", lambda inner: Lossy(inner, []))
    tip = world.remote.refs[REFS.heartbeat("bob")]

    reply = ann.claim()

    assert (code(reply), fact(reply, "fence"), fact(reply, "recovered")) == ("step_claimed", 2, True)
    assert isinstance(ann.transport, Lossy)
    assert RefUpdate(REFS.heartbeat("bob"), tip, tip) in ann.transport.swaps[-1]
    judged = world.events()[-1].record.line["judged"]
    assert isinstance(judged, list)
    assert tip in str(judged)
    session.forget()


@pytest.mark.rule("LIVE-2", "SAFE-7")
@pytest.mark.parametrize(
    ("sends_checks", "atomic", "minutes"), [(True, True, 15), (False, True, 15), (False, False, 30)]
)
def test_a_transport_that_cannot_compare_the_heartbeat_doubles_the_limit(
    tmp_path: Path, sends_checks: bool, atomic: bool, minutes: int
) -> None:
    world = World(tmp_path, sends_checks=sends_checks, atomic=atomic)
    bob = world.clone("bob")
    session = bob.open_session()
    bob.create(steps=1)
    bob.claim()
    beat(bob)
    ann = world.clone("ann")

    world.clock.advance(minutes=minutes)
    before = ann.claim()
    world.clock.advance(minutes=1)
    after = ann.claim()

    assert (code(before), code(after)) == ("nothing_available", "step_claimed")
    session.forget()


@pytest.mark.rule("LIFE-3", "SAFE-7")
@pytest.mark.parametrize(
    ("sends_checks", "atomic", "minutes"), [(True, True, 10), (False, True, 10), (False, False, 20)]
)
def test_a_transport_that_cannot_compare_the_heartbeat_doubles_the_grace(
    tmp_path: Path, sends_checks: bool, atomic: bool, minutes: int
) -> None:
    world = World(tmp_path, sends_checks=sends_checks, atomic=atomic)
    bob = world.clone("bob")
    session = bob.open_session()
    bob.create(steps=1)
    bob.claim()
    session.close(world.clock.now)
    beat(bob)
    ann = world.clone("ann")

    world.clock.advance(minutes=minutes, seconds=-1)
    before = ann.claim()
    world.clock.advance(seconds=1)
    after = ann.claim()

    assert (code(before), code(after)) == ("nothing_available", "step_claimed")


@pytest.mark.rule("LIFE-1", "SAFE-7")
@pytest.mark.parametrize(("watched", "limit"), [(True, 10), (False, 13)])
def test_a_limit_of_before_that_is_too_short_takes_no_live_holder_for_gone(
    tmp_path: Path, watched: bool, limit: int
) -> None:
    world = World(tmp_path)
    bob = world.clone("bob")
    session = bob.open_session()
    bob.do(create(steps=1).evolve(stale_minutes=10))
    stored_by_an_older_version(world, stale_minutes=1)
    bob.claim()
    beat(bob)
    ann = world.clone("ann")
    if watched:
        ann.claim()
        beat(bob)
        ann.claim()

    found: list[str] = []
    for minutes in (limit, 0.02):
        world.clock.advance(minutes=minutes)
        found.append(code(ann.claim()))

    assert found == ["nothing_available", "step_claimed"]
    session.forget()


@pytest.mark.rule("LIFE-3", "SAFE-7")
def test_a_session_of_the_same_agent_that_closed_makes_nobody_stale_who_works_without_one(tmp_path: Path) -> None:
    world = World(tmp_path)
    bob = world.clone("bob")
    session = bob.open_session()
    bob.create(steps=1)
    session.close(world.clock.now)
    world.clock.advance(minutes=9)
    beat(bob)
    cli = bob.entry(ClaimStep(), "app")
    bob.run(cli.evolve(actor=cli.actor.evolve(session="cli-bob")))
    world.clock.advance(minutes=2)

    assert code(world.clone("ann").claim()) == "nothing_available"


@pytest.mark.rule("TIME-1")
@pytest.mark.parametrize("minutes_off", [-5, -4, 0, 4, 5])
def test_a_clock_that_is_off_by_up_to_five_minutes_shifts_the_limit_by_no_more(
    tmp_path: Path, minutes_off: int
) -> None:
    world = World(tmp_path)
    bob = world.clone("bob")
    session = bob.open_session()
    bob.create(steps=1)
    bob.claim()
    beat(bob)
    ann = world.clone("ann", clock=Clock(now=world.clock.now))
    ann.clock.advance(minutes=minutes_off)
    world.place_time = lambda: ann.clock.now - timedelta(minutes=minutes_off)

    ann.clock.advance(minutes=15 - max(minutes_off, 0))
    before = ann.claim()
    ann.clock.advance(minutes=1 + abs(minutes_off))
    after = ann.claim()

    assert (code(before), code(after)) == ("nothing_available", "step_claimed")
    session.forget()


@pytest.mark.rule("TIME-1", "SAFE-2")
@pytest.mark.parametrize("minutes_off", [-10, -4, 4, 10])
def test_clocks_that_differ_break_no_fence_and_no_order(tmp_path: Path, minutes_off: int) -> None:
    world = World(tmp_path)
    bob = world.clone("bob")
    ann = world.clone("ann", clock=Clock(now=world.clock.now))
    ann.clock.advance(minutes=minutes_off)
    bob.create(steps=4)

    for member in (ann, bob, ann, bob):
        reply = member.claim()
        assert code(member.complete(int(str(fact(reply, "step_num"))), 1)) == "step_completed"

    times = [event.record.now for event in world.events()]
    assert {step.status for step in world.board().steps.values()} == {"completed"}
    assert abs(minutes_off) == 10 or times == sorted(times)


@pytest.mark.rule("TIME-1")
def test_a_tip_far_ahead_is_not_believed(tmp_path: Path) -> None:
    world = World(tmp_path)
    ann = world.clone("ann", clock=Clock(now=world.clock.now))
    ann.clock.advance(hours=5)
    ann.create()
    bob = world.clone("bob")

    bob.claim()

    assert world.events()[-1].record.now == world.clock.now


@pytest.mark.rule("LIVE-1")
def test_a_swap_whose_beat_alone_is_stale_is_sent_again_without_it(tmp_path: Path) -> None:
    world = World(tmp_path)
    ann = world.clone("ann", lambda inner: Interleaved(inner, [lambda: beat(twin)]))
    twin = world.clone("ann")  # another process of the same clone, that beats meanwhile
    session = ann.open_session()

    reply = ann.create()

    assert code(reply) == "project_created"
    assert isinstance(ann.transport, Interleaved)
    assert [len(swap) for swap in ann.transport.swaps] == [2, 1]
    session.forget()


@pytest.mark.rule("SAFE-3")
def test_half_of_a_swap_that_is_not_atomic_is_found_out_and_done_once(tmp_path: Path) -> None:
    world = World(tmp_path)
    ann = world.clone("ann", Pretends)
    session = ann.open_session()

    reply = ann.create()

    assert code(reply) == "project_created"
    assert world.did() == ["create_project"]
    assert isinstance(ann.transport, Pretends)
    assert len(ann.transport.swaps[0]) == 2
    session.forget()


class Pretends(Wrapped):
    """A remote that offers `atomic` and lands the first ref of the first swap alone."""

    def send(self, updates: Sequence[RefUpdate]) -> SwapOutcome:
        if len(self.swaps) > 1:
            return self.inner.swap(updates)
        landed, failed = updates
        assert self.inner.swap([landed]).status is SwapStatus.WON
        return half_landed([landed.ref], failed.ref, LOST)


@pytest.mark.rule("SAFE-3")
def test_of_what_landed_by_half_nobody_is_told_that_nothing_was_written(tmp_path: Path) -> None:
    world = World(tmp_path)
    ann = world.clone("ann", IsFull)
    session = ann.open_session()
    entry = ann.entry(create(), "app")

    reply = ann.transactions.run([entry], spooled=False)[entry.uid]

    assert reply.failure is not None
    assert reply.failure.code == "unknown_outcome"
    session.forget()


class IsFull(Wrapped):
    """A repository on this machine whose disk is full after it has written one ref of two: not that of the command."""

    is_far = False

    def send(self, updates: Sequence[RefUpdate]) -> SwapOutcome:
        full = SwapOutcome(SwapStatus.UNREACHABLE, "no space left", StorageError("No space left."))
        if len(self.swaps) > 1:
            return full
        failed, landed = updates
        assert self.inner.swap([landed]).status is SwapStatus.WON
        return half_landed([landed.ref], failed.ref, full)


@pytest.mark.rule("SAFE-7")
def test_a_beat_that_lands_late_does_not_silence_its_clone(tmp_path: Path) -> None:
    world = World(tmp_path)
    ann = world.clone("ann", lambda inner: Lossy(inner, ["later", "late"]))
    session = ann.open_session()
    ann.create()  # the first try carries a beat, and lands after the second was prepared

    world.clock.advance(minutes=2)

    assert beat(ann)
    session.forget()


@pytest.mark.rule("SAFE-7")
def test_a_clone_that_forgot_its_beats_goes_on_beating(tmp_path: Path) -> None:
    world = World(tmp_path)
    ann = world.clone("ann")
    session = ann.open_session()
    beat(ann)
    (tmp_path / "ann" / "beat.json").unlink()

    assert beat(ann)
    session.forget()


@pytest.mark.rule("SAFE-7")
@pytest.mark.parametrize("word", ["landed", "gone", "later"])
def test_a_beat_whose_answer_is_lost_does_not_silence_its_clone(tmp_path: Path, word: str) -> None:
    world = World(tmp_path)
    ann = world.clone("ann", lambda inner: Lossy(inner, [word, word, "late"]))
    session = ann.open_session()
    for _ in range(2):
        with contextlib.nullcontext() if word == "landed" else pytest.raises(UnknownOutcomeError):
            assert beat(ann)

    beat(ann)  # may lose to the one that arrives late

    assert beat(ann)
    session.forget()


@pytest.mark.rule("SAFE-7")
def test_a_clone_without_a_session_does_not_beat(tmp_path: Path) -> None:
    world = World(tmp_path)
    ann = world.clone("ann")

    ann.create()

    assert REFS.heartbeat("ann") not in world.remote.refs


@pytest.mark.rule("SAFE-7")
def test_a_clone_that_comes_back_after_a_fortnight_beats_and_is_not_swept_by_itself(tmp_path: Path) -> None:
    world = World(tmp_path)
    ann = world.clone("ann")
    session = ann.open_session()
    beat(ann)
    old = world.remote.refs[REFS.heartbeat("ann")]
    world.clock.advance(days=14)

    assert beat(ann)
    assert world.remote.refs.get(REFS.heartbeat("ann")) not in (None, old)
    session.forget()


@pytest.mark.rule("SAFE-7")
def test_a_beat_under_the_newer_id_of_its_clone_saves_the_holder(tmp_path: Path) -> None:
    world = World(tmp_path)
    bob = world.clone("bob")
    session = bob.open_session()
    bob.create(steps=1)
    bob.claim()
    assert beat(bob)
    clone_id.redraw(bob.setting.clone.folder, "bob", lambda: "bob-2", "1")
    assert beat(bob)
    world.clock.advance(minutes=16)
    ann = world.clone("ann", lambda inner: Interleaved(inner, [lambda: beat(bob)]))

    reply = ann.claim()

    assert REFS.heartbeat("bob-2") in world.remote.refs
    assert code(reply) == "nothing_available"
    assert world.step(1).agent_id == "bob"
    session.forget()
