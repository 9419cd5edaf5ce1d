"""Overlapping: active claims of different holders that no rule would have granted beside each other (SAFE-1).

Rules:
  * Two claims may overlap where something was carved out of one for the other, or was agreed: both say so.
  * Claims that are over, that only read, or that confer nothing overlap no claim.
  * The items of one party (`party`) do not block each other there. A holder's own are never compared, and of others'
    about PAIRS_MAX pairs; what is left is counted.

What this file does not know: how they came about; a ledger that was not written by hand has none.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from gitcoord.core.claims.claim import Claim, Item, Mode
from gitcoord.core.claims.conflicts import ALLOWANCE
from gitcoord.core.claims.overlap_table import Result, meet
from gitcoord.core.claims.register import Register
from gitcoord.core.documents import party
from gitcoord.core.patterns.index import PatternIndex
from gitcoord.core.patterns.path_pattern import Pattern

PAIRS_MAX = 200_000  # ten seconds; files, folders and endings that people claim make a few for each item
_Key = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Overlapping:
    """Each pair once, the older claim first. `left`: how many items were not compared with all others."""

    pairs: list[tuple[Claim, Claim]]
    left: int = 0


def overlapping(
    register: Register,
    repo: str | None,
    now: datetime,
    disregards: Callable[[Claim], bool] = lambda _: False,
    pairs_max: int = PAIRS_MAX,
) -> Overlapping:
    """Compare the claims of one repository, each item with those of the holders before its own."""
    holders: dict[tuple[str, str], list[Claim]] = {}
    for claim in sorted(register.claims.values(), key=_age):
        if claim.repo == repo and not disregards(claim):
            holders.setdefault(claim.holder, []).append(claim)
    index: PatternIndex[_Key] = PatternIndex()
    pairs: dict[tuple[str, str], tuple[Claim, Claim]] = {}
    looked_at, left = 0, 0
    for claims in holders.values():
        added: list[tuple[_Key, Pattern]] = []
        for claim, own_number, item in _active(claims, now):
            added.append(((claim.id, own_number), item.area.pattern))
            if looked_at > pairs_max:
                left += 1
                continue
            for claim_id, number in index.candidates(item.area.pattern):
                looked_at += 1
                first, second = sorted((register.claims[claim_id], claim), key=_age)
                if (first.id, second.id) not in pairs and _collide(register.claims[claim_id], number, claim, item):
                    pairs[first.id, second.id] = (first, second)
        index = index.with_changes(added=added)
    return Overlapping(sorted(pairs.values(), key=lambda pair: (_age(pair[0]), _age(pair[1]))), left)


def _age(claim: Claim) -> tuple[int, str]:
    return (claim.fence, claim.id)


def _active(claims: list[Claim], now: datetime) -> Iterator[tuple[Claim, int, Item]]:
    for claim in claims:
        for number, item in enumerate(claim.items):
            if item.mode is Mode.WRITE and now < item.expires_at + ALLOWANCE:
                yield claim, number, item


def _collide(held: Claim, number: int, claim: Claim, item: Item) -> bool:
    if party.is_one(held.holder, claim.holder):
        return False
    result = meet(held.items[number], item.mode, item.area).result
    are_partners = claim.id in (part.claim for part in held.partners) and held.id in (
        part.claim for part in claim.partners
    )
    return result in (Result.CONFLICT, Result.CARVE) and not are_partners
