"""Watchfulness: what this clone saw with its own clock, for judging others whose clocks may be wrong.

    clocks.json    what both clocks said a while ago, in which boot, until when no holder is judged, when moments that
                   were still to come were first heard of, what it saw last, and what time others have reached

Rules:
  * Who watches for long judges another clone by *when it saw its heartbeat change*, on its own monotonic clock;
    the times that the heartbeat states count only until the first change was seen. That others judged a clone
    (`judgements`) moves its ref and is no change.
  * After a wake-up (the wall clock jumped against the monotonic one) no holder is judged for one interval: the
    others' beats of the meantime have to arrive first. Both clocks are noted for the clone, so that a process that
    begins after the wake-up finds out too. A reboot is no wake-up: its monotonic clock begins anew.
  * A beat that came between two looks of ours was made between them: what it states then tells how far our clock is
    from its clone's (`clock_offset`). The last look is noted for the clone, since a command looks once. After a jump
    nothing of that counts.
  * A time that another clone states shows that so much has passed, and from then on our steady clock counts. So what
    time others have reached at least is known whatever our own clock says, from one command to the next. A reboot
    takes the time away from the last note to the first look.
  * A moment that is still to come counts as when this clone first heard of it; else a beat or a commit with a wrong
    date would be as good as new until that date.
"""

import contextlib
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from gitcoord.core.documents.doc import Struct, field
from gitcoord.core.documents.json_text import Json, parse_time, time_text
from gitcoord.errors import StorageError
from gitcoord.ledger.clone import files
from gitcoord.ledger.clone.host import Host
from gitcoord.remote.contract.protocol import Oid, oid

JUMP = timedelta(seconds=30)  # clocks are set by less in normal times; a suspended machine sleeps for longer
NOTED_EVERY_S = 60.0  # small corrections of the wall clock must not add up to a jump
AHEAD_MAX = timedelta(minutes=5)  # TIME-1: a clock that is wrong by so much does no harm
WITNESS_S = 1800.0  # three of the longest intervals; who has not beaten for so long is no witness of our clock
HEARD_MAX = 64  # moments to come that are noted: clones whose clock is wrong are few


class _Look(NamedTuple):
    """Where a heartbeat was when we looked last, and our clock then."""

    tip: Oid
    at: datetime


class _Came(NamedTuple):
    """A beat that came between two looks: our clock at both, and the steady one at the second."""

    tip: Oid
    after: datetime
    before: datetime
    ticks: float


class Watchfulness(Struct):
    """What one process saw, and its clone. Use from any thread; the worst of a race is an observation one poll late.

    `file`: where the clone notes it; none where there is only this process.
    """

    host: Host
    rest_s: float
    file: Path | None = None
    _seen: dict[str, tuple[Oid, float | None]] = field(default_factory=dict[str, tuple[Oid, float | None]])
    _clocks: tuple[datetime, float] | None = None
    _rests_until: float = 0.0
    _noted_at: float | None = None
    _heard: dict[str, datetime] = field(default_factory=dict[str, datetime])
    _looks: dict[str, _Look] = field(default_factory=dict[str, "_Look"])
    _came: dict[str, _Came] = field(default_factory=dict[str, "_Came"])
    _reached: tuple[datetime, float] | None = None
    _looks_noted: float | None = None

    def observe(self, tips: Mapping[str, Oid], beat_of: Callable[[Oid], Oid | None]) -> None:
        """Note the heartbeats (by clone) that a listing has. `beat_of`: the beat that a tip stands for."""
        self._notice_wake_up()
        now, wall = self.host.monotonic(), self.host.now()
        looks, self._looks = self._looks, {clone: _Look(tip, wall) for clone, tip in tips.items()}
        for clone, tip in tips.items():
            look, known = looks.get(clone), self._seen.get(clone)
            if look is not None and look.tip != tip and beat_of(tip) not in (None, beat_of(look.tip)):
                self._came[clone] = _Came(tip, look.at, wall, now)
            if known is None:
                self._seen[clone] = (tip, None)
            elif known[0] != tip:
                is_news = beat_of(tip) not in (None, beat_of(known[0]))
                self._seen[clone] = (tip, now if is_news else known[1])
        if self._looks_noted is None or now - self._looks_noted >= NOTED_EVERY_S:
            self._looks_noted = now
            self._note(wall, now)

    def hear(self, stated: datetime) -> None:
        """Take note of a time that another clone stated: by its clock, so much has passed."""
        reached, now, ticks = self.reached, self.host.now(), self.host.monotonic()
        stated = min(stated, now)  # one that is still to come is as good as this moment
        if reached is None or stated > reached:
            self._reached = (stated, ticks)
        if reached is None or stated - reached > JUMP:
            self._note(now, ticks)

    @property
    def reached(self) -> datetime | None:
        """Return what time others have reached at least; `None`: no other clone ever stated one."""
        self._notice_wake_up()
        return _counted_on(self._reached, self.host.monotonic())

    def lead_over(self, clone: str, tip: Oid, stated: datetime) -> timedelta | None:
        """Return by how much our clock is ahead of a clone's at least, negative if behind; `None`: that is not known.

        Its beat was made after we had looked without finding it, and before we found it.
        """
        came = self._came.get(clone)
        if came is None or came.tip != tip or self.host.monotonic() - came.ticks > WITNESS_S:
            return None
        return max(came.after - stated, timedelta()) or min(came.before - stated, timedelta())

    def beaten_at(self, clone: str, tip: Oid, stated: datetime) -> datetime:
        """Return when a clone beat last, by our own reckoning where we saw it happen."""
        known = self._seen.get(clone)
        if known is None or known[0] != tip or known[1] is None:
            return self.believed(tip, stated)
        return self.host.now() - timedelta(seconds=self.host.monotonic() - known[1])

    def has_watched(self, clone: str, tip: Oid) -> bool:
        """Whether we saw that beat come, so that no other clock has a say in when that was."""
        known = self._seen.get(clone)
        return known is not None and known[0] == tip and known[1] is not None

    def believed(self, what: Oid, stated: datetime) -> datetime:
        """Return when a commit was made that says so; for one that is still to come, when it was first heard of."""
        self._notice_wake_up()
        now = self.host.now()
        if what not in self._heard and stated - now > AHEAD_MAX:
            self._heard[what] = now
            self._note(now, self.host.monotonic())
        return min(stated, self._heard.get(what, stated))

    def may_judge(self) -> bool:
        """Whether silence may be judged now."""
        self._notice_wake_up()
        return self.host.monotonic() >= self._rests_until

    def _notice_wake_up(self) -> None:
        now, ticks = self.host.now(), self.host.monotonic()
        if self._clocks is None:
            self._recall(ticks)
        passed = timedelta() if self._clocks is None else timedelta(seconds=ticks - self._clocks[1])
        has_jumped = self._clocks is not None and abs((now - self._clocks[0]) - passed) > JUMP
        if has_jumped:
            self._rests_until = ticks + self.rest_s
            self._looks, self._came = {}, {}
        self._clocks = (now, ticks)
        if has_jumped or self._noted_at is None or ticks - self._noted_at >= NOTED_EVERY_S:
            self._note(now, ticks)

    def _recall(self, ticks: float) -> None:
        """Take over what earlier processes of this clone noted in this boot."""
        if self.file is None:
            return
        known = files.read_json(self.file)
        self._heard = _heard_in(known)
        self._reached = _reached_in(known, self.host.boot, ticks)
        wall, noted, rest = files.time_in(known, "wall"), known.get("ticks"), known.get("rests_until")
        if wall is None or known.get("boot") != self.host.boot or not isinstance(noted, int | float):
            return
        if 0 <= noted <= ticks:  # else it is from another boot, where there is no other sign of that
            self._clocks, self._noted_at = (wall, noted), noted
            self._rests_until = min(ticks + self.rest_s, rest) if isinstance(rest, int | float) else 0.0
            looks, found = known.get("looks"), dict[str, _Look]()
            for clone, look in looks.items() if isinstance(looks, dict) else ():
                with contextlib.suppress(ValueError):
                    tip, at = look if isinstance(look, list) and len(look) == len(("tip", "at")) else ("", "")
                    found[clone] = _Look(oid(str(tip)), parse_time(str(at)))
            self._looks, self._looks_noted = found, noted

    def _note(self, now: datetime, ticks: float) -> None:
        self._noted_at = ticks
        if self.file is None:
            return
        before = files.read_json(self.file)
        heard = [*{**_heard_in(before), **self._heard}.items()][-HEARD_MAX:]
        known = (_counted_on(count, ticks) for count in (_reached_in(before, self.host.boot, ticks), self._reached))
        reached = max((moment for moment in known if moment), default=None)
        note: dict[str, Json] = {
            "boot": self.host.boot,
            "wall": time_text(now),
            "ticks": ticks,
            "rests_until": self._rests_until,
            "heard": {what: time_text(at) for what, at in heard},
            **({"reached": time_text(reached)} if reached else {}),
            "looks": {clone: [look.tip, time_text(look.at)] for clone, look in [*self._looks.items()][-HEARD_MAX:]},
        }
        with contextlib.suppress(StorageError):  # then only this process knows
            files.write_json(self.file, note, self.host.unique)


def _reached_in(known: Mapping[str, Json], boot: str, ticks: float) -> tuple[datetime, float] | None:
    """Return what time others had reached when that was noted, and our steady clock then; now after a reboot."""
    at, noted = files.time_in(known, "reached"), known.get("ticks")
    is_of_boot = known.get("boot") == boot and isinstance(noted, int | float) and 0 <= noted <= ticks
    return None if at is None else (at, float(noted) if is_of_boot and isinstance(noted, int | float) else ticks)


def _counted_on(reached: tuple[datetime, float] | None, ticks: float) -> datetime | None:
    return None if reached is None else reached[0] + timedelta(seconds=ticks - reached[1])


def _heard_in(known: Mapping[str, Json]) -> dict[str, datetime]:
    heard = known.get("heard")
    if not isinstance(heard, dict):
        return {}
    return {what: at for what in heard if (at := files.time_in(heard, what)) is not None}
