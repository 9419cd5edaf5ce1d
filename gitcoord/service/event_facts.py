"""Facts of events: what a claim covered and was for, and what a step is called, by the ledgers as they were then.

Rules:
  * A claim is read from the commit in which something happened to it, or from the one before, where it ended with it.
  * What somebody damaged, and what is cut off from the history, is told without its facts.

What this file does not know: which events there are.
"""

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from gitcoord.core import patterns
from gitcoord.core.claims import Claim
from gitcoord.core.doc import Json, load_object
from gitcoord.core.patterns import Pattern, PatternError
from gitcoord.errors import CoordError
from gitcoord.ledger import commits, places, trees
from gitcoord.remote.protocol import Objects, Oid

PATTERNS_SHOWN = 20
Row = dict[str, Json]
Titles = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class EventFacts:
    """Reads facts of events. `title_of`: of a step, by its id."""

    objects: Objects
    title_of: Titles
    _claims: dict[tuple[str, str], Claim | None] = field(default_factory=dict[tuple[str, str], Claim | None])

    def complete(self, rows: Iterable[Row]) -> Iterator[Row]:
        """Yield rows with what they are about."""
        for row in rows:
            yield {**row, **self._of_claim(row), **self._of_step(row)}

    def _of_claim(self, row: Row) -> Row:
        named = row.get("claims")
        first = named[0] if isinstance(named, list) and named else None
        if row.get("patterns") or not isinstance(first, str) or not first.startswith("c-"):
            return {}
        claim = self._claim(str(row.get("commit")), first)
        if claim is None:
            return {}
        facts: Row = {"patterns": [item.pattern for item in claim.items[:PATTERNS_SHOWN]]}
        return {**facts, "description": claim.description} if claim.description else facts

    def _of_step(self, row: Row) -> Row:
        title = self.title_of(str(row["step"])) if row.get("step") else ""
        return {"title": title} if title else {}

    def _claim(self, commit: str, claim: str) -> Claim | None:
        key = (commit, claim)
        if key not in self._claims:
            self._claims[key] = next(self._found(Oid(commit), claim), None)
        return self._claims[key]

    def _found(self, commit: Oid, claim: str) -> Iterator[Claim]:
        with contextlib.suppress(CoordError):
            here = commits.read(self.objects, commit)
            before = [commits.read(self.objects, one) for one in here.parents[:1] if self.objects.has(one)]
            for at in (here, *before):
                oid = trees.find(self.objects, at.tree, places.path_of_claim(claim))
                if oid is not None:
                    yield Claim.parse(load_object(self.objects.read(oid)[1]))


def is_about(row: Mapping[str, Json], wanted: Pattern) -> bool:
    """Whether an event is about files that a pattern matches."""
    named = row.get("patterns")
    return any(_overlaps(str(one), wanted) for one in (named if isinstance(named, list) else ()))


def _overlaps(text: str, wanted: Pattern) -> bool:
    try:
        return patterns.overlaps(Pattern.of(text), wanted)
    except PatternError:
        return False
