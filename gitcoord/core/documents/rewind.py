"""Rewinds: whether a ledger is back before what a clone saw of it, or gone.

    mark (what this clone saw) + what the remote has now ──> nothing, BACK or GONE

Rules:
  * SAFE-9: a ledger is *back* when its sequence number is below the one that was seen, when the clone's own counter is
    below what was acknowledged, or when the tip does not descend from the one that was seen. It is *gone* when it was
    seen and is not there.
  * What another clone says that it saw is a hint, no proof: no more of it is believed than writers can have made since
    the ledger's last commit (`is_possible`).

What this file does not know: where marks are kept, how descent is found out, what was decided (`ledger/rewinds`). Hooks
judge by it, so it loads no documents.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from gitcoord.core.documents.limits import MOMENT_FIRST

RATE_MAX = 10_000  # commands a second in one ledger: ten times the most that was measured, 702 on one disk
SLACK = timedelta(minutes=10)  # two clocks, each wrong by the five minutes of TIME-1; as many commands as 6,000 repairs


class Rewind(StrEnum):
    """The two ways in which a ledger loses what was acknowledged."""

    BACK = "back"
    GONE = "gone"


class Mark(NamedTuple):
    """What a clone saw of a ledger, at most.

    Attributes:
        tip, seq: of the commit with the highest sequence number.
        clone, counter: the own id, and how many of its commands were acknowledged under it.
        at_s: when the last of these was acknowledged, in seconds of the epoch.
    """

    tip: str
    seq: int
    clone: str = ""
    counter: int = 0
    at_s: int = 0


class Present(NamedTuple):
    """What a ledger says of itself now.

    `counter`: that of the mark's clone; `None` where it has none. `at`: of its last commit, where that is known.
    """

    seq: int
    counter: int | None = None
    at: datetime | None = None


def is_behind(mark: Mark, present: Present, *, counter_is_kept: bool) -> bool:
    """Whether the numbers alone show that a ledger is back.

    `counter_is_kept`: a counter that is not there was never dropped; after 30 days of silence it is.
    """
    if present.seq < mark.seq:
        return True
    if present.counter is None:
        return mark.counter > 0 and counter_is_kept
    return present.counter < mark.counter


def is_possible(seen: int, present: Present | None, now: datetime) -> bool:
    """Whether a clone can have seen a sequence number of a ledger that is this now, or is not there."""
    since = (present.at if present else None) or MOMENT_FIRST
    passed = max(now - since, timedelta()) + SLACK
    return seen - (present.seq if present else 0) <= passed.total_seconds() * RATE_MAX


def judge(
    mark: Mark | None, present: Present | None, *, descends: bool | None, counter_is_kept: bool = True
) -> Rewind | None:
    """Judge what a ledger is by what was seen of it. `descends`: `None` where the history between is not here."""
    if mark is None:
        return None
    if present is None:
        return Rewind.GONE
    is_back = descends is False or is_behind(mark, present, counter_is_kept=counter_is_kept)
    return Rewind.BACK if is_back else None
