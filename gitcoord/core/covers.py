"""Covers: the claims that somebody had in a stretch of time, and what they covered.

    branch leaves ──── claim made ──── claim ended ──── push
                          └── its items were one's own from here on, for what was pushed

Rules:
  * What was covered at any time of the stretch was one's own: the work was done under the claim.
  * Only what is written under counts, not what is read.
  * What had been carved out for others by then, or outdated, was not covered.

What this file does not know: where the past is read, whose claims count.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from gitcoord.core.areas import Area
from gitcoord.core.claims import Claim, Mode
from gitcoord.core.conflicts import Ask, Asker, own_cover
from gitcoord.core.pattern_index import PatternIndex

_Key = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Cover:
    """A claim as it was from a moment on."""

    claim: Claim
    since: datetime


@dataclass(frozen=True, slots=True)
class Covers:
    """Everything that was claimed in the stretch, whoever had it, with an index of where."""

    rows: tuple[Cover, ...] = ()
    index: PatternIndex[_Key] = field(default_factory=PatternIndex[_Key])

    @classmethod
    def of(cls, covers: Iterable[Cover], begin: datetime) -> "Covers":
        """Keep what was still claimed at the beginning of the stretch, or later."""
        rows = tuple(sorted(covers, key=lambda one: (one.since, one.claim.fence, one.claim.id)))
        added = [
            ((number, at), item.area.pattern)
            for number, row in enumerate(rows)
            for at, item in enumerate(row.claim.items)
            if item.mode is Mode.WRITE and item.expires_at > begin
        ]
        return cls(rows, PatternIndex[_Key]().with_changes(added=added))

    def since(self, asker: Asker, area: Area) -> datetime | None:
        """Return when an area was first somebody's own; `None`: it never was."""
        for number, at in sorted(self.index.candidates(area.pattern)):
            row = self.rows[number]
            if row.claim.repo != asker.repo or not asker.owns(row.claim):
                continue
            begin = min(row.since, row.claim.created_at)
            if own_cover([(row.claim, at)], Ask(area, auto=True), begin) is not None:
                return begin
        return None

    def touches(self, asker: Asker, area: Area) -> bool:
        """Whether anything in an area was somebody's own."""
        own = (self.rows[number] for number, _ in self.index.candidates(area.pattern))
        return any(row.claim.repo == asker.repo and asker.owns(row.claim) and _meets(row.claim, area) for row in own)

    def has_symbols(self, repo: str | None, area: Area) -> bool:
        """Whether anybody had symbols, or a part carved out, in an area."""
        near = ((self.rows[number].claim, at) for number, at in self.index.candidates(area.pattern))
        return any(
            claim.repo == repo
            and (claim.items[at].symbols or claim.items[at].carved)
            and claim.items[at].area.overlaps(area)
            for claim, at in near
        )


def _meets(claim: Claim, area: Area) -> bool:
    return any(item.mode is Mode.WRITE and item.area.overlaps(Area(area.pattern)) for item in claim.items)
