"""Series: how often something happened in each repository on each day (UTC), as other tools draw it.

A day without any has no row. What this file does not know: where occurrences are read, how many days there are.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable

from gitcoord.core.activity.occurrence import AUTOMATIC, Occurrence
from gitcoord.core.documents.events import Event
from gitcoord.core.documents.json_text import Json

Key = tuple[str, str]
"""Repository ("" while it has no name) and day."""


def automatic(occurrences: Iterable[Occurrence]) -> list[Json]:
    """Return the automatic resolutions: a count for each kind, by repository and day."""
    counts: dict[Key, Counter[str]] = defaultdict(Counter)
    for occurrence in occurrences:
        if occurrence.kind in AUTOMATIC:
            counts[_key(occurrence)][occurrence.kind] += occurrence.times
    return [{**_named(key), **{kind.value: found[kind] for kind in AUTOMATIC}} for key, found in sorted(counts.items())]


def refused(occurrences: Iterable[Occurrence]) -> list[Json]:
    """Return what was refused because of a claim: how often, and to how many agents, by repository, day and pattern.

    The pattern that was refused most on a day comes first.
    """
    counts: dict[tuple[Key, str], Counter[str]] = defaultdict(Counter)
    for occurrence in occurrences:
        if occurrence.kind == Event.CLAIM_REFUSED:
            for pattern in occurrence.patterns:
                counts[_key(occurrence), pattern][occurrence.agent] += occurrence.times
    ranked = sorted(counts.items(), key=lambda row: (row[0][0], -row[1].total(), row[0][1]))
    return [
        {**_named(key), "pattern": pattern, "refusals": agents.total(), "agents": len(agents)}
        for (key, pattern), agents in ranked
    ]


def _key(occurrence: Occurrence) -> Key:
    return (occurrence.repo or "", occurrence.at.date().isoformat())


def _named(key: Key) -> dict[str, Json]:
    return {"repo": key[0] or None, "day": key[1]}
