"""Watchfulness: what this process saw with its own clock, for judging others whose clocks may be wrong.

Rules:
  * Who watches for long judges another clone by *when it saw its heartbeat change*, on its own monotonic clock;
    the times that the heartbeat states count only until the first change was seen.
  * After a wake-up (the wall clock jumped against the monotonic one) nobody is judged for one interval: the
    others' beats of the meantime have to arrive first.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from gitcoord.ledger.host import Host
from gitcoord.remote.protocol import Oid

JUMP = timedelta(seconds=30)  # clocks are set by less in normal times; a suspended machine sleeps for longer


@dataclass(slots=True)
class Watchfulness:
    """What one process saw. Use from any thread; the worst of a race is an observation one poll late."""

    host: Host
    rest_s: float
    _seen: dict[str, tuple[Oid, float | None]] = field(default_factory=dict[str, tuple[Oid, float | None]])
    _clocks: tuple[datetime, float] | None = None
    _rests_until: float = 0.0

    def observe(self, tips: Mapping[str, Oid]) -> None:
        """Note the heartbeats (by clone) that a listing has."""
        self._notice_wake_up()
        now = self.host.monotonic()
        for clone, tip in tips.items():
            known = self._seen.get(clone)
            if known is None:
                self._seen[clone] = (tip, None)
            elif known[0] != tip:
                self._seen[clone] = (tip, now)

    def beaten_at(self, clone: str, tip: Oid, stated: datetime) -> datetime:
        """Return when a clone beat last, by our own reckoning where we saw it happen."""
        known = self._seen.get(clone)
        if known is None or known[0] != tip or known[1] is None:
            return stated
        return self.host.now() - timedelta(seconds=self.host.monotonic() - known[1])

    def may_judge(self) -> bool:
        """Whether silence may be judged now."""
        self._notice_wake_up()
        return self.host.monotonic() >= self._rests_until

    def _notice_wake_up(self) -> None:
        now, ticks = self.host.now(), self.host.monotonic()
        if self._clocks is not None:
            passed = timedelta(seconds=ticks - self._clocks[1])
            if abs((now - self._clocks[0]) - passed) > JUMP:
                self._rests_until = ticks + self.rest_s
        self._clocks = (now, ticks)
