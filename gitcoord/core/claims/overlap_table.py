"""The overlap table: what happens where a held item and a wanted item overlap. One table for all.

    held                 asked      result
    file                 file       CONFLICT
    symbols              symbols    CONFLICT where they are related, else COEXIST
    file, narrowable     symbols    CARVE
    file                 symbols    CONFLICT
    symbols              file       CONFLICT
    read                 read       NOTHING
    read                 write      OUTDATE: the reader loses that part      (strict_read: CONFLICT)
    write                read       WARN                                     (strict_read: CONFLICT)

Rules:
  * CLAIM-3: what was carved out of the held item for one claim is carved again for the next: each claim has its own
    part, so that what one of them releases is not released for the other.
  * What a writer outdated for a reader is not the reader's any more: it does not meet here.
  * CLAIM-2: claiming, checking, the hooks and CI all ask here, so they can never disagree.

What this file does not know: holders, partners, time, the index.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from gitcoord.core.claims.claim import Item, Mode, Part
from gitcoord.core.patterns import path_pattern, symbols
from gitcoord.core.patterns.area import Area


class Result(StrEnum):
    """What a meeting comes to. AGREED: the holders agreed to share it; see `conflicts`."""

    NOTHING = "nothing"
    COEXIST = "auto_coexist"
    AGREED = "agreed"
    CARVE = "auto_narrow"
    OUTDATE = "outdate"
    WARN = "warn"
    CONFLICT = "conflict"


@dataclass(frozen=True, slots=True)
class Meeting:
    """The result of one pair. `symbols`: of those asked for, the ones that collide, or that are carved."""

    result: Result
    symbols: tuple[str, ...] = ()


NOTHING = Meeting(Result.NOTHING)


def meet(held: Item, mode: Mode, asked: Area, *, strict_read: bool = False) -> Meeting:
    """Judge one pair: an item that a holder has, and what a caller wants to do where."""
    if held.mode is Mode.READ and mode is Mode.READ:
        return NOTHING
    if not path_pattern.overlaps(held.area.pattern, asked.pattern):
        return NOTHING
    left = _not_stale(held.carved, asked) if held.mode is Mode.READ else asked
    if left is None:
        return NOTHING
    if held.symbols and left.symbols:
        colliding = symbols.meeting(left.symbols, held.symbols)
        meeting = Meeting(Result.CONFLICT, colliding) if colliding else Meeting(Result.COEXIST)
    elif left.symbols and held.may_be_narrowed:
        meeting = Meeting(Result.CARVE, left.symbols)
    else:
        meeting = Meeting(Result.CONFLICT, left.symbols)
    if held.mode is Mode.WRITE and mode is Mode.WRITE:
        return meeting
    if meeting.result is Result.COEXIST:
        return NOTHING
    if strict_read:
        return Meeting(Result.CONFLICT, meeting.symbols)
    return Meeting(Result.OUTDATE if held.mode is Mode.READ else Result.WARN, meeting.symbols)


def _not_stale(stale: Sequence[Part], asked: Area) -> Area | None:
    """Return what of the asked the reader still has; `None`: nothing."""
    wanted = asked.symbols
    for part in stale:
        area = part.area
        if not part.symbols and area.surely_contains(asked):
            return None
        if wanted and part.symbols and Area(area.pattern).surely_contains(Area(asked.pattern)):
            wanted = tuple(symbol for symbol in wanted if not symbols.is_within(symbol, part.symbols))
    return None if asked.symbols and not wanted else Area(asked.pattern, wanted)
