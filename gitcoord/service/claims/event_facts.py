"""Facts of events: what a claim or a call that waits is about, and what a step is called, as it was then.

Rules:
  * It is read from the commit in which something happened to it, or from the one before, where it ended with it.
  * What is damaged, or cut off from the history, is shown without its facts.

What this file does not know: which events there are.
"""

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from gitcoord.core.claims.claim import Claim
from gitcoord.core.claims.queue_entry import QueueEntry
from gitcoord.core.documents.json_text import Json, load_object
from gitcoord.core.patterns import path_pattern
from gitcoord.core.patterns.path_pattern import Pattern, PatternError
from gitcoord.errors import CoordError
from gitcoord.ledger.format import claims_layout, commits, trees
from gitcoord.remote.contract.protocol import Objects, Oid
from gitcoord.service.session.memo import Memo

PATTERNS_SHOWN = 20
Row = dict[str, Json]
Titles = Callable[[str], str]
FactsMemo = Memo[tuple[str, str], Row]
"""Facts by the commit, and the claim or the call in it."""


@dataclass(frozen=True, slots=True)
class EventFacts:
    """Reads facts of events. `title_of`: of a step, by its id; `known`: what was read before."""

    objects: Objects
    title_of: Titles
    known: FactsMemo = field(default_factory=FactsMemo)

    def complete(self, rows: Iterable[Row]) -> Iterator[Row]:
        """Yield rows with what they are about."""
        for row in rows:
            title = self.title_of(str(row["step"])) if row.get("step") else ""
            of_step = {"title": title} if title else {}
            yield {**row, **self._of_first(row), **of_step}

    def _of_first(self, row: Row) -> Row:
        """Return the facts of the claim, or the call, that an event names first."""
        named = row.get("claims")
        first = str(named[0]) if isinstance(named, list) and named else ""
        if row.get("patterns") or not first.startswith(("c-", "q-")):
            return {}
        key = (str(row.get("commit")), first)
        known = self.known.get(key) or next(self._found(Oid(key[0]), first), None)
        return self.known.keep(key, known) if known else {}

    def _found(self, commit: Oid, doc_id: str) -> Iterator[Row]:
        is_claim = doc_id.startswith("c-")
        path = claims_layout.path_of_claim(doc_id) if is_claim else claims_layout.path_of_entry(doc_id)
        with contextlib.suppress(CoordError):
            here = commits.read(self.objects, commit)
            before = [commits.read(self.objects, parent) for parent in here.parents[:1] if self.objects.has(parent)]
            for place_commit in (here, *before):
                oid = trees.find(self.objects, place_commit.tree, path)
                if oid is not None:
                    doc = load_object(self.objects.read(oid)[1])
                    about = Claim.parse(doc) if is_claim else QueueEntry.parse(doc).call
                    items = about.items if isinstance(about, Claim) else about.wishes
                    facts: Row = {"patterns": [item.pattern for item in items[:PATTERNS_SHOWN]]}
                    yield {**facts, "description": about.description} if about.description else facts


def is_about(row: Mapping[str, Json], wanted: Pattern) -> bool:
    """Whether an event is about files that a pattern matches."""
    named = row.get("patterns")
    return any(_overlaps(str(pattern), wanted) for pattern in (named if isinstance(named, list) else ()))


def _overlaps(text: str, wanted: Pattern) -> bool:
    try:
        return path_pattern.overlaps(Pattern.of(text), wanted)
    except PatternError:
        return False
