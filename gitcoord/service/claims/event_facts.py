"""Facts of events: what a claim or a call that waits is about, and what a step is called, as it was then.

Rules:
  * It is read from the commit in which something happened to it, or from the one before, where it ended with it.
  * Where some items of a claim ended and others stay, the event is about those that ended; its record names them.
  * What is damaged, or cut off from the history, is shown without its facts.

What this file does not know: which events there are.
"""

import contextlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from gitcoord.core.claims.claim import Claim
from gitcoord.core.claims.queue_entry import QueueEntry
from gitcoord.core.claims.register import check_texts
from gitcoord.core.documents.json_text import Json, load_object
from gitcoord.core.patterns import path_pattern
from gitcoord.core.patterns.path_pattern import Pattern, PatternError
from gitcoord.errors import CoordError
from gitcoord.ledger.format import claims_layout, commits, trees
from gitcoord.remote.contract.protocol import Objects, Oid
from gitcoord.service.session.memo import Memo

PATTERNS_SHOWN = 20
SYMBOLS_SHOWN = 20
Row = dict[str, Json]
Titles = Callable[[str], str]
FactsMemo = Memo[tuple[str, ...], Row]
"""Facts by the commit, the claim or the call in it, and the patterns of its items where only some are meant."""


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
            of_first = {name: fact for name, fact in self._of_first(row).items() if name not in row}
            yield {**row, **of_first, **of_step}

    def _of_first(self, row: Row) -> Row:
        """Return the facts of the claim, or the call, that an event names first."""
        named = row.get("claims")
        first = str(named[0]) if isinstance(named, list) and named else ""
        if not first.startswith(("c-", "q-")):
            return {}
        ended = row.get("patterns")
        patterns = [str(pattern) for pattern in ended] if isinstance(ended, list) else []
        key = (str(row.get("commit")), first, *patterns)
        known = self.known.get(key) or next(self._found(Oid(key[0]), first, patterns), None)
        return self.known.keep(key, known) if known else {}

    def _found(self, commit: Oid, doc_id: str, ended: Collection[str]) -> Iterator[Row]:
        """Yield the facts of a document, as it was before where only some of its items `ended`."""
        is_claim = doc_id.startswith("c-")
        path = claims_layout.path_of_claim(doc_id) if is_claim else claims_layout.path_of_entry(doc_id)
        with contextlib.suppress(CoordError, ValueError):
            here = commits.read(self.objects, commit)
            before = [commits.read(self.objects, parent) for parent in here.parents[:1] if self.objects.has(parent)]
            for place_commit in (*before, here) if ended else (here, *before):
                oid = trees.find(self.objects, place_commit.tree, path)
                if oid is not None:
                    doc = load_object(self.objects.read(oid)[1])
                    found = Claim.parse(doc) if is_claim else QueueEntry.parse(doc)
                    check_texts(found)
                    about = found if isinstance(found, Claim) else found.call
                    every = about.items if isinstance(about, Claim) else about.wishes
                    items = [item for item in every if not ended or item.pattern in ended]
                    facts: Row = {"patterns": [item.pattern for item in items[:PATTERNS_SHOWN]]}
                    symbols: list[Json] = [symbol for item in items[:PATTERNS_SHOWN] for symbol in item.symbols]
                    if symbols:
                        facts["symbols"] = symbols[:SYMBOLS_SHOWN]
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
