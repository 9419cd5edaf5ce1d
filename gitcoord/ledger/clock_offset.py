"""How far this clone's clock is off, as far as anything shows: one that is ahead ends nothing of others by time.

    witnesses    the place (the date of an http server, the stamp of a file on a path remote), and each other clone
                 whose heartbeat was seen to come between two looks of ours

Rules:
  * CLAIM-22: who is more than five minutes ahead, by at least half of the witnesses and itself, ends nothing by time.
    One other clone with a mad clock is outvoted by the place, or by a third; a clock that is behind ends things late,
    and may.
  * What was written long ago proves nothing of a clock that is ahead: nobody may have written since. So only what
    came while we looked counts, and for a while (`watchfulness`).
  * While no witness has spoken and another clone has a session, nothing ends by time until that clone has had the
    time of two beats. Who stays silent is no witness, and the doubt is over: nobody is waited for for ever (LIVE-2).
  * The same holds for silence by the times that others stated. Silence since a beat that we saw come needs none of
    this: it is counted by our own steady clock.

What this file does not know: what is over, and how the place tells its time.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from gitcoord.core.presence import INTERVAL_MAX_S, Heartbeat
from gitcoord.ledger.host import Host
from gitcoord.ledger.watchfulness import AHEAD_MAX, JUMP, Watchfulness
from gitcoord.remote.protocol import Oid

OFF_MAX = AHEAD_MAX + timedelta(seconds=2)  # an http date has whole seconds, a file's stamp whole ticks of a system
PLACE_KEPT_S = 600.0  # a clock drifts by milliseconds in that time; asking an http server costs a connection
BEATS_WAITED = 2  # the first may come right after we began to look, or get lost


@dataclass(frozen=True, slots=True)
class _Asked:
    """What the place said when it was asked: by how much we are ahead of it."""

    at: datetime
    ticks: float
    lead: timedelta | None


@dataclass(slots=True)
class ClockOffset:
    """What is known of one clone's clock. `place_time`: what time it is where the refs are kept, if that tells."""

    host: Host
    watchfulness: Watchfulness
    place_time: Callable[[], datetime | None]
    _asked: _Asked | None = field(default=None, init=False)

    def off_by(self, others: Mapping[str, tuple[Oid, Heartbeat]]) -> timedelta | None:
        """Return by how much this clock is ahead at least, negative if behind; `None`: it may be right."""
        return _majority(self._leads(others))

    def doubt(self, others: Mapping[str, tuple[Oid, Heartbeat]]) -> str:
        """Return why nothing is ended by time now, as a sentence; "" if it may be."""
        leads = self._leads(others)
        off = _majority(leads)
        if off is not None and off > timedelta():
            return f"{said(off)}, so it ends nothing of others by time."
        waits_s = _waits_s(beat for _, beat in others.values())
        if not leads and self.watchfulness.watched_s < waits_s:
            shows = f"Whether this machine's clock is right shows within {waits_s / 60:.0f} min"
            return f"{shows}; until then it ends nothing of others by time."
        return ""

    def _leads(self, others: Mapping[str, tuple[Oid, Heartbeat]]) -> list[timedelta]:
        """Return by how much each witness says that we are ahead."""
        seen = [self.watchfulness.lead_over(clone, tip, beat.beaten_at) for clone, (tip, beat) in others.items()]
        return [lead for lead in (self._lead_over_place(), *seen) if lead is not None]

    def _lead_over_place(self) -> timedelta | None:
        now, ticks, asked = self.host.now(), self.host.monotonic(), self._asked
        if asked is None or ticks - asked.ticks > PLACE_KEPT_S or _has_jumped(asked, now, ticks):
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


def _waits_s(beats: Iterable[Heartbeat]) -> float:
    """Return how long it may take until another clone that has a session shows itself."""
    live = [
        min(beat.interval_s, INTERVAL_MAX_S) for beat in beats if any(one.closed_at is None for one in beat.sessions)
    ]
    return BEATS_WAITED * max(live, default=0)


def _has_jumped(asked: _Asked, now: datetime, ticks: float) -> bool:
    return abs((now - asked.at) - timedelta(seconds=ticks - asked.ticks)) > JUMP
