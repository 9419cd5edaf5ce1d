"""The time of one leader: how long it may go on for a batch, and how long it waits between two tries.

    begin ──LEAD_S without an answer──> over
      └──a lost race: the remote answers, others are quicker──> LEAD_S from then, up to the deadline of its own caller

Rules:
  * LIVE-1: who loses races goes on until its caller's deadline; until then no command fails because of others.
  * Nothing is begun that will not fit: a push that is cut off leaves a question behind.
  * Over a network a try takes as long as many other clones' do, so waits go by what the last one took: who has lost
    little waits for longer, who has lost most tries again at once, and who has just won lets others go first.

What this file does not know: what is tried. Clock, sleep and chance come with the host.
"""

from collections.abc import Iterator
from datetime import datetime

from gitcoord.ledger.clone.host import Host
from gitcoord.ledger.leader.retry import delays
from gitcoord.remote.contract.deadline import LEFT_MIN_S

LEAD_S = 15.0  # one network timeout: as long as others of the clone wait for the lock
FIND_OUT_S = 5.0  # for one more look at the remote, before a caller learns that the outcome is unknown
CROWDED_S = 10.0  # for so long after a lost race others are taken to be in the way


class LeadTime:
    """What is left of a leader's time; begun anew for each batch, and remembers what the last try took."""

    def __init__(self, host: Host) -> None:
        """Begin with nothing known of the remote."""
        self._host = host
        self._end = 0.0
        self._latest = 0.0
        self._took_s = 0.0
        self._lost_at: float | None = None

    def begin(self, left_s: float, until: datetime | None) -> None:
        """Begin a batch: `left_s` without an answer, and until that moment while the remote answers."""
        now = self._host.monotonic()
        self._end = now + left_s
        self._latest = now + (until - self._host.now()).total_seconds() if until else self._end
        if self._lost_at is not None and now - self._lost_at < CROWDED_S:
            self._host.sleep(self._host.chance() * min(2 * self._took_s, left_s / 4))

    def left_s(self) -> float:
        """Return how many seconds are left."""
        return self._end - self._host.monotonic()

    def fits(self) -> bool:
        """Whether another try has time to end by itself."""
        return self.left_s() >= max(LEFT_MIN_S, self._took_s)

    def tried(self, began: float, *, lost: bool) -> None:
        """Note a try that began then. A race that was lost shows that the remote is there."""
        now = self._host.monotonic()
        self._took_s = now - began
        if lost:
            self._lost_at = now
            self._end = max(self._end, min(now + LEAD_S, self._latest))

    def find_out(self) -> None:
        """Take the time for one more look."""
        self._end = self._host.monotonic() + FIND_OUT_S

    def delays(self) -> Iterator[float]:
        """Yield how long to wait after each lost try."""
        return delays(self._host.chance, lambda: self._took_s)
