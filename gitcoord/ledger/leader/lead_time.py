"""The time of one leader: how long it may go on for a batch, and how long it waits between two tries.

    begin ──LEAD_S without an answer──> over
      └──a lost race: the remote answers, others are quicker──> LEAD_S from then, up to the deadline of its own caller

Rules:
  * LIVE-1: who loses races goes on until its caller's deadline; until then no command fails because of others.
  * Nothing is begun that will not fit: a push that is cut off leaves a question behind.
  * After a lost race the wait is bounded, with full jitter, which spreads losers best (AWS architecture blog,
    "Exponential backoff and jitter"): each waits a random part of a bound that doubles.
  * Where a try itself takes long, all clones begin the next one at about the same moment, and a clone that lost ten
    times is no better off than who has just come. So the bound goes by what a try takes there, and shrinks again: who
    has lost little waits for longer, who has lost most tries again at once, and who has just won lets others go first.

What this file does not know: what is tried. Clock, sleep and chance come with the host.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

from gitcoord.core.documents.doc import Struct
from gitcoord.errors import CoordError
from gitcoord.ledger.clone.host import Host
from gitcoord.ledger.leader import failures
from gitcoord.remote.contract.deadline import LEFT_MIN_S
from gitcoord.remote.contract.protocol import SwapOutcome, SwapStatus

LEAD_S = 15.0  # one network timeout: as long as others of the clone wait for the lock
PATIENCE_S = 40.0  # of a caller over a network: with the last push on its way, within the minute that clients give
FIND_OUT_S = 5.0  # for one more look at the remote, before a caller learns that the outcome is unknown
CROWDED_S = 10.0  # for so long after a lost race others are taken to be in the way
FIRST_S = 0.01  # a swap in process takes 2 ms, over a network 50: the first retry is soon enough for both
LONGEST_S = 2.0
ATTEMPTS_MAX = 24  # in process: about 20 s of waiting on average: longer than any batch of 64 clones measured
SLOW_S = 0.1  # a try over a network, or a machine so busy that it might as well be one
SLOW_ATTEMPTS_MAX = 200  # there the caller's deadline ends it; a try takes 0.2 s at least, and 40 s are waited
YOUNG = 3  # lost tries after which the others shall wait: eight clones are then through in twice as many rounds
_NONE = SwapOutcome(SwapStatus.LOST)


class LeadTime:
    """What is left of a leader's time; begun anew for each batch, and remembers what the last try took."""

    def __init__(self, host: Host) -> None:
        """Begin with nothing known of the remote."""
        self._host = host
        self._end = 0.0
        self._latest = 0.0
        self.took_s = 0.0  # the last try
        self._lost_at: float | None = None

    def begin(self, left_s: float, until: datetime | None, *, waits: bool = True) -> None:
        """Begin a batch: `left_s` without an answer, and until that moment while the remote answers.

        `waits`: where a race was lost a moment ago, others go first.
        """
        now = self._host.monotonic()
        self._end = now + left_s
        self._latest = now + (until - self._host.now()).total_seconds() if until else self._end
        if waits and self.is_crowded():
            self._host.sleep(self._host.chance() * min(2 * self.took_s, left_s / 4))

    def is_crowded(self) -> bool:
        """Whether a race was lost a moment ago."""
        return self._lost_at is not None and self._host.monotonic() - self._lost_at < CROWDED_S

    def left_s(self) -> float:
        """Return how many seconds are left."""
        return self._end - self._host.monotonic()

    def fits(self) -> bool:
        """Whether another try has time to end by itself."""
        return self.left_s() >= max(LEFT_MIN_S, self.took_s)

    def tried(self, began: float, *, lost: bool, is_race: bool = True) -> None:
        """Note a try that began then. One that was lost shows that the remote is there.

        `is_race`: it was lost to who wrote at the same time, not for what it was decided on was old.
        """
        now = self._host.monotonic()
        self.took_s = now - began
        if lost:
            self._lost_at = now if is_race else self._lost_at
            self._end = max(self._end, min(now + LEAD_S, self._latest))

    def find_out(self) -> None:
        """Take the time for one more look."""
        self._end = self._host.monotonic() + FIND_OUT_S

    def delays(self) -> Iterator[float]:
        """Yield how long to wait after each lost try."""
        return delays(self._host.chance, lambda: self.took_s)


def delays(
    chance: Callable[[], float], took_s: Callable[[], float] = lambda: 0.0, attempts_max: int = ATTEMPTS_MAX
) -> Iterator[float]:
    """Yield the delays, one for each lost try.

    Args:
        chance: returns a number from 0 to 1.
        took_s: what the last try took.
        attempts_max: so many tries, where one takes no time to speak of.
    """
    bound = FIRST_S
    for lost in range(SLOW_ATTEMPTS_MAX):
        slow = took_s() >= SLOW_S
        if not slow and lost >= attempts_max:
            return
        yield chance() * (took_s() * (2.0 ** (min(lost, YOUNG - 1) - 2 * max(0, lost - YOUNG + 1))) if slow else bound)
        bound = min(bound * 2, LONGEST_S)


class Tries(Struct):
    """The tries since a moment.

    Attributes:
        began_s: that moment.
        count: so many were begun.
        lost: so many swaps were not won, though the remote was there.
        last: what became of the last swap.
    """

    began_s: float
    count: int = 0
    lost: int = 0
    last: SwapOutcome = _NONE

    def note(self, swaps: Sequence[SwapOutcome]) -> None:
        """Take note of the swaps of one try."""
        for swap in swaps:
            self.lost += swap.status in {SwapStatus.LOST, SwapStatus.UNKNOWN}
            self.last = swap

    def failure(self, now_s: float, *, sent: bool) -> CoordError:
        """Say why a command did not land; `sent`: it still may."""
        tried = f"{self.count} attempts in {now_s - self.began_s:.1f} s"
        if sent:
            return failures.unknown(self.last.message)
        return failures.contended(self.last, tried) if self.lost else failures.too_slow(tried)
