"""Overlapping: active claims of different holders that no rule would have granted beside each other (SAFE-1).

Rules:
  * Two claims may overlap where something was carved out of one for the other, or was agreed: both say so.
  * Claims that are over, that only read, or that confer nothing overlap nobody's.

What this file does not know: how they came about; a ledger that nobody wrote by hand has none.
"""

from collections.abc import Callable
from datetime import datetime

from gitcoord.core import conflicts
from gitcoord.core.claims import Claim, Mode
from gitcoord.core.commands import Actor
from gitcoord.core.conflicts import ALLOWANCE, Ask, Asker
from gitcoord.core.meeting import Result
from gitcoord.core.register import Register


def overlapping(
    register: Register, now: datetime, disregards: Callable[[Claim], bool] = lambda _: False
) -> list[tuple[Claim, Claim]]:
    """Return each pair once, the older claim first."""
    pairs: dict[tuple[str, str], tuple[Claim, Claim]] = {}
    for claim in sorted(register.claims.values(), key=lambda one: (one.fence, one.id)):
        if disregards(claim):
            continue
        for other in _against(register, claim, now, disregards):
            first, second = sorted((claim, other), key=lambda one: (one.fence, one.id))
            pairs.setdefault((first.id, second.id), (first, second))
    return list(pairs.values())


def _against(register: Register, claim: Claim, now: datetime, disregards: Callable[[Claim], bool]) -> list[Claim]:
    items = [item for item in claim.items if item.mode is Mode.WRITE and now < item.expires_at + ALLOWANCE]
    asker = Asker(Actor(agent=claim.agent, clone=claim.clone, session=claim.session or ""), claim.repo)
    found = conflicts.find(register, asker, [Ask(item.area) for item in items], now, disregards=disregards)
    return [
        one.claim
        for one in found
        if one.item.mode is Mode.WRITE
        and one.meeting.result in (Result.CONFLICT, Result.CARVE)
        and not _are_partners(one.claim, claim)
    ]


def _are_partners(one: Claim, other: Claim) -> bool:
    named = {part.claim for part in one.partners}, {part.claim for part in other.partners}
    return other.id in named[0] and one.id in named[1]
