"""Promotion: which shared files machines add to `auto.yaml` and take away again, from what was refused.

    refused N times in 7 days ──> a line with its day ──three in one folder──> one line for the folder
                                        └── refused less than N times in 14 days ──> gone

Rules:
  * Only lines that a machine marked are taken away; a pinned one and those without a mark are people's.
  * What another line covers already is not added; nor is a pattern that covers everything.
  * Files at the root stay single: a line for the root would be one for the whole repository.

What this file does not know: YAML, where the lines are kept.
"""

from dataclasses import dataclass
from datetime import date

from gitcoord.core.owners.owner_rules import Rules, Shared
from gitcoord.core.owners.refusal_counts import Counters, totals
from gitcoord.core.patterns import segment
from gitcoord.core.patterns.path_pattern import Pattern, PatternError, shape_of

PROMOTE_DAYS, DEMOTE_DAYS = 7, 14
_EVERYTHING = Pattern.of("**")


@dataclass(frozen=True, slots=True)
class Plan:
    """Which lines come and go. What is `folded` went into the line of a folder, what is `demoted` cooled down."""

    added: tuple[Pattern, ...] = ()
    demoted: tuple[Pattern, ...] = ()
    folded: tuple[Pattern, ...] = ()

    @property
    def removed(self) -> tuple[Pattern, ...]:
        return (*self.demoted, *self.folded)

    def __bool__(self) -> bool:
        return bool(self.added or self.removed)


def plan(
    *, counters: Counters, people: Rules, auto: Rules, today: date, threshold: int, subtree_min_files: int
) -> Plan:
    """Return the changes of `auto.yaml`; once they are carried out, the next plan of the day is empty."""
    if threshold <= 0:
        return Plan()
    demoted = demotions(counters, auto, today, threshold)
    left = [line for line in auto.shared_files if line.pattern not in demoted]
    added = promotions(counters, [*people.shared_files, *left], today, threshold)
    folders, folded = _folded(left, added, subtree_min_files)
    stays = tuple(pattern for pattern in added if pattern not in folded)
    gone = tuple(line.pattern for line in left if line.pattern in folded and _is_ours(line))
    return Plan((*stays, *folders), demoted, gone)


def promotions(counters: Counters, lines: list[Shared], today: date, threshold: int) -> tuple[Pattern, ...]:
    """Return the patterns that were refused often enough recently and that no line covers."""
    found = totals(counters, today, PROMOTE_DAYS)
    hot = sorted(pattern for pattern, agents in found.items() if sum(agents.values()) >= threshold)
    places = [place for place in map(_place, hot) if place is not None and not Shared(place).covers(_EVERYTHING)]
    fresh = [place for place in places if not any(line.covers(place) for line in lines)]
    others = {place: [Shared(other) for other in fresh if other != place] for place in fresh}
    return tuple(
        place
        for place in dict.fromkeys(fresh)
        if not any(
            line.covers(place) and not (Shared(place).covers(line.pattern) and place.text < line.pattern.text)
            for line in others[place]
        )
    )


def demotions(counters: Counters, auto: Rules, today: date, threshold: int) -> tuple[Pattern, ...]:
    """Return the lines that machines added and whose places were refused too seldom recently."""
    ours = [line for line in auto.shared_files if _is_ours(line)]
    if not ours:
        return ()
    found = totals(counters, today, DEMOTE_DAYS)
    by_place = {at: agents for text, agents in found.items() if (at := _place(text)) is not None}
    sums = {place: sum(agents.values()) for place, agents in by_place.items()}
    cool = (line for line in ours if sum(n for place, n in sums.items() if line.covers(place)) < threshold)
    return tuple(line.pattern for line in cool)


def _is_ours(line: Shared) -> bool:
    return bool(line.promoted_on) and not line.is_pinned


def _folded(left: list[Shared], added: tuple[Pattern, ...], least: int) -> tuple[list[Pattern], set[Pattern]]:
    """Return the folders that get a line of their own, and the files that this line covers."""
    if least <= 0:
        return [], set()
    known = {line.pattern for line in left}
    by_folder: dict[str, list[Pattern]] = {}
    for pattern in (*(line.pattern for line in left), *added):
        path = shape_of(pattern).path
        if path is not None and "/" in path:
            by_folder.setdefault(path.rpartition("/")[0], []).append(pattern)
    full = {
        Pattern.of(f"/{segment.escaped(folder)}/**"): files
        for folder, files in by_folder.items()
        if len(files) >= least
    }
    folded = {pattern for files in full.values() for pattern in files}
    return [folder for folder in sorted(full, key=str) if folder not in known], folded


def _place(text: str) -> Pattern | None:
    try:
        return Pattern.of(text)
    except PatternError:
        return None
