"""Beats of a clone that goes to several places, or to one by several names; and for how long one holds the lock."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from gitcoord.core.documents.liveness import SessionBeat
from gitcoord.ledger.clone.host import Clone
from gitcoord.ledger.clone.sessions import Sessions
from gitcoord.ledger.format.refs import Refs
from gitcoord.ledger.leader.lead_time import LEAD_S
from gitcoord.ledger.liveness.heartbeat import Beats
from gitcoord.ledger.transactions.combiner import Combiner
from gitcoord.ledger.transactions.send_heartbeat import beat_now
from gitcoord.remote.contract.deadline import bounded
from gitcoord.remote.contract.protocol import Oid, RefName
from gitcoord.remote.transports.memory import MemoryObjects
from tests.unit.ledger.fakes import REFS, SIGNATURE, Clock, World, Wrapped, host_of

HEARTBEAT = REFS.heartbeat("ann")


def test_each_place_has_a_note_of_its_own(tmp_path: Path) -> None:
    clock, objects, sessions = Clock(), MemoryObjects(), Sessions(tmp_path, "1")
    session = sessions.open(SessionBeat(id="s", agents=("ann",)))
    clone = Clone("ann", tmp_path, SIGNATURE)
    here, there = (Beats(host_of(clock), clone, REFS, sessions, 60, place=place) for place in ("here", "there"))
    first = here.prepare(objects, {}, clock.now)
    here.sent(first, clock.now)
    assert first.new

    for _ in range(40):  # more than are noted
        there.sent(there.prepare(objects, {}, clock.now), clock.now)

    assert not here.moved_by_stranger(objects, {HEARTBEAT: first.new})
    assert here.unknown_tip({HEARTBEAT: first.new}) is None
    assert Beats(host_of(clock), clone, Refs("refs/heads/x/coord"), sessions, 60, place="here").is_due(clock.now)
    session.forget()


@pytest.mark.rule("SAFE-7")
@pytest.mark.parametrize("boots", [("boot", "boot"), ("boot", "later")], ids=["one boot", "another boot"])
def test_what_was_sent_by_another_spelling_of_the_remote_is_ours(tmp_path: Path, boots: tuple[str, str]) -> None:
    clock, objects, sessions = Clock(), MemoryObjects(), Sessions(tmp_path, "1")
    session = sessions.open(SessionBeat(id="s", agents=("ann",)))
    clone, places, listed = Clone("ann", tmp_path, SIGNATURE), ("/r.git", "file:///r.git"), dict[RefName, Oid]()
    hosts = [host_of(clock, boot=boot) for boot in boots]
    spelled = [Beats(host, clone, REFS, sessions, 60, place=place) for host, place in zip(hosts, places, strict=True)]
    suspected: list[bool] = []

    for at, times in enumerate((1, 40, 1, 3, 40, 1)):  # also more than are noted
        beats = spelled[at % 2]
        for _ in range(times):
            suspected.append(beats.moved_by_stranger(objects, listed))
            update = beats.prepare(objects, listed, clock.now)
            beats.sent(update, clock.now)
            listed[update.ref] = update.new or Oid("")

    assert not any(suspected)
    session.forget()


class Slow(Wrapped):
    """A remote that takes ten seconds to list its refs, and asks for how long the next call may last."""

    clock = Clock()
    allowed_s: tuple[float, ...] = ()

    def read(self, prefixes: Sequence[str]) -> Mapping[RefName, Oid]:
        self.clock.advance(seconds=10)
        self.allowed_s = (*self.allowed_s, bounded(60))
        return super().read(prefixes)


@pytest.mark.rule("LIVE-1")
def test_a_beat_holds_the_lock_for_no_longer_than_a_transaction(tmp_path: Path) -> None:
    world = World(tmp_path)
    ann = world.clone("ann", Slow)
    session = ann.open_session()
    assert isinstance(ann.transport, Slow)
    ann.transport.clock = world.clock

    assert beat_now(ann.setting, Combiner(ann.setting.clone.folder, ann.setting.host, ann.transactions))

    assert ann.transport.allowed_s == (LEAD_S - 10,)
    session.forget()
