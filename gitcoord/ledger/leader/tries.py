"""Tries: how often a batch was sent, and what that says to callers who cannot wait any longer.

What this file does not know: how it is sent.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from gitcoord.errors import CoordError
from gitcoord.ledger.leader import failures
from gitcoord.remote.contract.protocol import SwapOutcome, SwapStatus

_NONE = SwapOutcome(SwapStatus.LOST)


@dataclass(slots=True)
class Tries:
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
