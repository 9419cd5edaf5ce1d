"""What rides along in a swap: a beat, deletions of what is old. It never decides what becomes of the commands."""

import os
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from gitcoord.core.documents.json_text import canonical, time_text
from gitcoord.ledger.archive import history
from gitcoord.ledger.format import commits, trees
from gitcoord.ledger.leader import lost_swaps
from gitcoord.ledger.liveness import cleanup
from gitcoord.remote.contract.protocol import Oid, RefName, RefUpdate, SwapOutcome, SwapStatus, Transport
from tests.unit.ledger.fakes import (
    DENIED,
    REFS,
    SIGNATURE,
    START,
    UNKNOWN,
    UNREACHABLE,
    Lossy,
    World,
    Wrapped,
    add,
    code,
)


class Strict(Wrapped):
    """A remote that declines every swap of which `forbids` says so."""

    def __init__(self, inner: Transport, forbids: Callable[[RefUpdate], bool]) -> None:
        super().__init__(inner)
        self.forbids = forbids

    def send(self, updates: Sequence[RefUpdate]) -> SwapOutcome:
        return DENIED if any(map(self.forbids, updates)) else self.inner.swap(updates)


def old_beat(world: World, clone: str, *, days: int) -> RefName:
    transport = world.plain()
    tree = trees.write(transport.objects, trees.EMPTY, {"heartbeat.json": b"{}\n"}).oid
    tip = commits.write(transport.objects, tree or Oid(""), [], SIGNATURE, START - timedelta(days=days), "beat")
    assert transport.swap([RefUpdate(REFS.heartbeat(clone), None, tip)]).status is SwapStatus.WON
    return REFS.heartbeat(clone)


@pytest.mark.rule("LIVE-1")
def test_a_remote_that_declines_beats_takes_the_command_and_is_not_offered_one_at_once(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.clone("bob").create()
    ann = world.clone("ann", lambda inner: Strict(inner, lambda update: "/heartbeats/" in update.ref))
    session = ann.open_session()

    replies = [ann.claim(), ann.do(add(7)), ann.do(add(8))]

    assert [code(reply) for reply in replies] == ["step_claimed", "steps_added", "steps_added"]
    assert isinstance(ann.transport, Strict)
    assert len(ann.transport.swaps) == 4
    session.forget()


@pytest.mark.rule("LIVE-1")
def test_a_remote_that_declines_deletions_takes_the_command(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.clone("bob").create()
    gone = old_beat(world, "gone", days=8)
    ann = world.clone("ann", lambda inner: Strict(inner, lambda update: update.new is None))

    assert code(ann.claim()) == "step_claimed"
    assert gone in world.remote.refs


def test_any_swap_deletes_a_few_refs_that_nobody_has_touched_for_a_week(tmp_path: Path) -> None:
    world = World(tmp_path)
    old = [old_beat(world, f"gone{at}", days=8) for at in range(7)]
    young = old_beat(world, "young", days=6)
    ann = world.clone("ann")

    ann.create()
    after_one = [ref for ref in old if ref in world.remote.refs]
    ann.claim()

    assert len(after_one) == len(old) - cleanup.A_SWAP_MAX
    assert [ref for ref in old if ref in world.remote.refs] == []
    assert young in world.remote.refs


def test_a_deletion_that_loses_its_race_costs_the_command_nothing(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.clone("bob").create()
    old = old_beat(world, "back", days=8)
    ann = world.clone("ann", lambda inner: Lossy(inner, [SwapOutcome(SwapStatus.LOST, "it moved")]))

    assert code(ann.claim()) == "step_claimed"
    assert old in world.remote.refs
    assert lost_swaps.counted(ann.setting.clone.folder) == 0


@pytest.mark.parametrize("answer", [DENIED, UNREACHABLE, UNKNOWN])
def test_only_a_race_counts_as_a_lost_swap(tmp_path: Path, answer: SwapOutcome) -> None:
    world = World(tmp_path)
    world.clone("bob").create()
    ann = world.clone("ann", lambda inner: Lossy(inner, [answer]))

    ann.claim()

    assert (ann.transactions.lost_swaps, lost_swaps.counted(ann.setting.clone.folder)) == (0, 0)


def test_contended_says_how_long_it_tried(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.clone("bob").create()
    ann = world.clone("ann", lambda inner: Lossy(inner, [], then=SwapOutcome(SwapStatus.LOST)))

    reply = ann.claim()

    assert reply.failure is not None
    slept = sum(ann.clock.slept)
    assert f"{len(ann.clock.slept)} attempts in {slept:.1f} s" in reply.failure.message


# --- files of this clone


def aged(path: Path, days: float) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("{}", "utf-8")
    moment = (START - timedelta(days=days)).timestamp()
    os.utime(path, (moment, moment))
    os.utime(path.parent, (moment, moment))
    return path


def test_replies_and_fences_that_nobody_will_ask_for_are_removed_with_the_next_swap(tmp_path: Path) -> None:
    world = World(tmp_path)
    ann = world.clone("ann")
    folder = ann.setting.clone.folder
    session = ann.open_session()
    key = ann.setting.place_folder.name
    gone = [aged(folder / f"places/{place}/replies/a.json", 8) for place in (key, "another")]
    gone += [aged(folder / name, 8) for name in ("replies/b.json", "home/spool/1-c.json", "pending.json")]  # of before
    gone += [aged(folder / "fences/s-gone/app@1.json", 8), aged(folder / "fences/cli-old/app@1.json", 31)]
    kept = [aged(folder / "fences/s-ann/app@1.json", 8), aged(folder / "fences/cli-young/app@1.json", 8)]
    kept += [aged(folder / "fences/s-late/app@1.json", 6), aged(folder / f"places/{key}/replies/d.json", 6)]

    ann.create()

    assert [path for path in gone if path.exists()] == []
    assert [path for path in kept if not path.exists()] == []
    assert not (folder / "fences/s-gone").exists()
    session.forget()


# --- a tip that is far ahead


@pytest.mark.rule("TIME-1")
def test_a_tip_that_is_far_ahead_is_told_and_recorded_and_not_believed(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.clone("bob").create()
    state, transport = world.state(), world.plain()
    assert state.tip
    transport.fetch([state.tip])
    ahead = START + timedelta(minutes=11)
    meta = canonical(state.meta.evolve(at=ahead).dump())
    folder = trees.write(transport.objects, state.folder, {"meta.json": meta})
    tip = commits.write(transport.objects, folder.oid or Oid(""), [state.tip], SIGNATURE, ahead, "from the future")
    transport.swap([RefUpdate(state.ref, state.tip, tip)])
    ann = world.clone("ann")

    first, second = ann.claim(), ann.do(add(7))

    [notice] = first.notices
    assert (notice.notice, notice.extra["tip_at"]) == ("clock_ahead", time_text(ahead))
    assert second.notices == ()
    objects = world.remote.objects
    claimed = commits.read(objects, commits.read(objects, world.remote.refs[REFS.steps("app")]).parents[0])
    assert f'"ahead":"{time_text(ahead)}"' in history.record_of(objects, claimed)
    assert world.step(1).claimed_at == START
