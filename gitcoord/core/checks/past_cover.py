"""Covers: the claims that a party had in a stretch of time, and what they covered.

    branch leaves ──── claim made ──── claim ended ──── push
                          └── from here on the work was done under a claim

Rules:
  * What was covered at any time of the stretch was one's own.
  * Only what is written under counts, not what is read.
  * What had been carved out for others by then, or outdated, was not covered.

What this file does not know: where the past is read.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from gitcoord.core.claims.claim import Claim, Mode
from gitcoord.core.claims.conflicts import Ask, Asker, own_cover
from gitcoord.core.patterns.area import Area
from gitcoord.core.patterns.index import PatternIndex

_Key = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Covers:
    """Everything that was claimed in the stretch, by whomever, each claim as it was between two changes of it."""

    claims: tuple[Claim, ...] = ()
    index: PatternIndex[_Key] = field(default_factory=PatternIndex[_Key])

    @classmethod
    def of(cls, claims: Iterable[Claim], begin: datetime) -> "Covers":
        """Keep the claims that had not expired when the stretch began."""
        rows = tuple(claims)
        added = [
            ((number, index), item.area.pattern)
            for number, claim in enumerate(rows)
            for index, item in enumerate(claim.items)
            if item.mode is Mode.WRITE and item.expires_at > begin
        ]
        return cls(rows, PatternIndex[_Key]().with_changes(added=added))

    def had(self, asker: Asker, area: Area) -> bool:
        """Whether the party itself had claimed an area."""
        return any(
            own_cover([(claim, index)], Ask(area, auto=True), claim.created_at) is not None
            for claim, index in self._near(area)
            if claim.repo == asker.repo and asker.owns(claim)
        )

    def touches(self, asker: Asker, area: Area) -> bool:
        """Whether the party itself had claimed anything in the files of an area."""
        files = Area(area.pattern)
        return any(
            claim.repo == asker.repo and asker.owns(claim) and claim.items[index].area.overlaps(files)
            for claim, index in self._near(area)
        )

    def has_symbols(self, repo: str | None, area: Area) -> bool:
        """Whether any holder had symbols, or a part carved out, in an area."""
        return any(
            claim.repo == repo and bool(item.symbols or item.carved) and item.area.overlaps(area)
            for claim, item in ((claim, claim.items[index]) for claim, index in self._near(area))
        )

    def _near(self, area: Area) -> list[tuple[Claim, int]]:
        return [(self.claims[number], index) for number, index in sorted(self.index.candidates(area.pattern))]
