"""What a swap carries beside what it is for: a beat that is due, deletions of old refs.

Rules:
  * Only an atomic remote takes several refs at once; to another one nothing is carried.
  * Where the remote declines what rides along it is left for a while: the commands would need two swaps each time.

What this file does not know: what the swap is for.
"""

from collections.abc import Container, Mapping
from datetime import datetime, timedelta

from gitcoord.ledger.liveness.cleanup import Sweeper
from gitcoord.ledger.liveness.heartbeat import Beats
from gitcoord.remote.contract.protocol import Oid, RefName, RefUpdate, Transport

REST = timedelta(minutes=10)  # a remote's rule changes rarely; a beat of its own is sent meanwhile


class Carrier:
    """Finds what may ride along."""

    def __init__(self, transport: Transport, beats: Beats, sweeper: Sweeper) -> None:
        """Begin with a remote that declines nothing."""
        self._transport = transport
        self._beats = beats
        self._sweeper = sweeper
        self._from: datetime | None = None

    def cargo(
        self, listed: Mapping[RefName, Oid], now: datetime, checks: Mapping[RefName, Oid | None]
    ) -> tuple[RefUpdate | None, list[RefUpdate]]:
        """Return the beat, if one is due, and the deletions."""
        resting = self._from is not None and now < self._from <= now + REST
        if resting or not self._transport.atomic:
            return None, []
        keep = {*checks, self._beats.ref}
        return self._beat(listed, now, checks), self._sweeper.deletions(self._transport.objects, listed, now, keep)

    def rest(self, now: datetime) -> None:
        """Note that the remote declines what rides along."""
        self._from = now + REST
        self._sweeper.rest(now)

    def _beat(self, listed: Mapping[RefName, Oid], now: datetime, checks: Container[RefName]) -> RefUpdate | None:
        beats, objects = self._beats, self._transport.objects
        if beats.ref in checks or not beats.is_due(now, 0.5) or not beats.has_news(now):
            return None
        return None if beats.moved_by_stranger(objects, listed) else beats.prepare(objects, listed, now)
