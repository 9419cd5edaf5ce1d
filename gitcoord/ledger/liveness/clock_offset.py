"""How far this clone's clock is off, as far as anything shows: one that is ahead ends nothing of others by time.

    witnesses    the place (the date of an http server, the stamp of a file on a path remote), and each other clone
                 whose heartbeat was seen to come between two looks of ours
    reached      the latest time that another clone stated in a heartbeat or a ledger, or that the place tells,
                 counted on by our steady clock (`clocks`)

Rules:
  * CLAIM-22: what others hold is over by our clock where it is within five minutes of the time that others are known
    to have reached; else by that time. So a clock that is ahead ends nothing early, whether or not another clone is
    there to show it, and a clone that sees no other write any more ends it at last, after as long as it was granted for
    (LIVE-2).
  * Who is more than five minutes ahead, by at least half of the witnesses and itself, goes by none of the times that
    others stated that is later than what each witness allows. One other clone with a mad clock is outvoted by the
    place, or by a third; a clock that is behind ends things late, and may.
  * What was written long ago is no witness against a clock that is ahead: perhaps no clone has written since. So for
    that only what came while we looked counts, and for a while.
  * The same holds for silence by the times that others stated. Silence since a beat that we saw come needs none of
    this: it is counted by our own steady clock. Nor does what this clone itself holds.
  * Where no other clone ever stated a time, there is nothing of others.

What this file does not know: what is over, and how the place tells its time.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from gitcoord.core.documents.doc import Struct
from gitcoord.core.documents.liveness import Heartbeat
from gitcoord.ledger.clone.host import Clone, Host
from gitcoord.ledger.liveness.clocks import AHEAD_MAX, JUMP, Watchfulness
from gitcoord.remote.contract import deadline
from gitcoord.remote.contract.protocol import Oid

OFF_MAX = AHEAD_MAX + timedelta(seconds=2)  # an http date has whole seconds, a file's stamp whole ticks of a system
PLACE_KEPT_S = 600.0  # a clock drifts by milliseconds in that time; asking an http server costs a connection


class Belief(NamedTuple):
    """How far our clock is believed. `doubt`: why not wholly, as a sentence; "": it is.

    `over_by`: where it is doubted, the time by which what others hold is over; `None`: by our own.
    """

    doubt: str = ""
    over_by: datetime | None = None


BELIEVED = Belief()


class _Asked(NamedTuple):
    """What the place said when it was asked: by how much we are ahead of it."""

    at: datetime
    ticks: float
    lead: timedelta | None


class ClockOffset(Struct):
    """What is known of one clone's clock. `place_time`: what time it is where the refs are kept, if that tells."""

    host: Host
    watchfulness: Watchfulness
    place_time: Callable[[], datetime | None]
    _asked: _Asked | None = None

    def off_by(self, others: Mapping[str, tuple[Oid, Heartbeat]]) -> timedelta | None:
        """Return by how much this clock is ahead at least, negative if behind; `None`: it may be right."""
        return _majority(self._leads(others))

    def belief(self, others: Mapping[str, tuple[Oid, Heartbeat]]) -> Belief:
        """Return by which time what others hold is over."""
        now, lead, leads = self.host.now(), self._lead_over_place(), self._leads(others)
        known = (self.watchfulness.reached, None if lead is None else now - lead)
        reached = max((moment for moment in known if moment), default=now)
        off = _majority(leads)
        if off is not None and off > timedelta():
            text = f"{said(off)}, so claims of other clones expire by their time, not by its own."
            return Belief(text, min(reached, now - max(leads)))
        if now - reached <= OFF_MAX:
            return BELIEVED
        shows = f"Nothing shows that it is later than {reached:%Y-%m-%d %H:%M} UTC elsewhere"
        return Belief(f"{shows}, so what other clones hold for longer is not ended by this machine's clock.", reached)

    def observe(self, beats: Mapping[str, tuple[Oid, Heartbeat]], clone: Clone) -> None:
        """Take note of the times that the heartbeats of a listing state, this clone's own left out."""
        stated = [
            beat.beaten_at for clone_id, (_, beat) in beats.items() if clone_id not in (*clone.ids, *clone.earlier)
        ]
        if stated:
            self.watchfulness.hear(max(stated))

    def _leads(self, others: Mapping[str, tuple[Oid, Heartbeat]]) -> list[timedelta]:
        """Return by how much each witness says that we are ahead."""
        seen = [self.watchfulness.lead_over(clone, tip, beat.beaten_at) for clone, (tip, beat) in others.items()]
        return [lead for lead in (self._lead_over_place(), *seen) if lead is not None]

    def _lead_over_place(self) -> timedelta | None:
        now, ticks, asked = self.host.now(), self.host.monotonic(), self._asked
        if deadline.asked_for(PLACE_KEPT_S) is None:  # no time to ask, which says nothing of the place
            return asked.lead if asked else None
        passed = ticks - asked.ticks if asked else 0.0
        has_jumped = asked is not None and abs((now - asked.at) - timedelta(seconds=passed)) > JUMP
        if asked is None or passed > PLACE_KEPT_S or has_jumped:
            there = self.place_time()  # later than our `now`, so that we are ahead by so much at least
            asked = self._asked = _Asked(now, ticks, None if there is None else now - there)
        return asked.lead


def said(off: timedelta) -> str:
    """Say how far off this clock is."""
    minutes = abs(off).total_seconds() / 60
    return (
        f"This machine's clock is at least {minutes:.0f} min {'ahead of' if off > timedelta() else 'behind'} the others"
    )


def _majority(leads: list[timedelta]) -> timedelta | None:
    """Return the least that is agreed on by half of the witnesses and ourselves; `None`: we may be right."""
    for sign in (1, -1):
        off = [lead for lead in leads if lead * sign > OFF_MAX]
        if 2 * len(off) > len(leads):
            return min(off, key=abs)
    return None
