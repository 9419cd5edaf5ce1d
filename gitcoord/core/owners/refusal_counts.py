"""Hot files: what was refused, counted by day, pattern and agent, and what follows from it.

    counters/2026-11-21/4.json    {"counts": {"src/auth/**": {"ann/cli/wt": 3}}, "told": {"<uid>": 3}}
    counters/repos/<name>/…       those of each of several repositories on one remote: their files are not each other's

Rules:
  * A counter holds one day of one shard; the pattern decides the shard. It has at most 32 KB: what is least refused
    gives way, and `left_out` says how often something did.
  * The same refusal reported twice is one: `told` has how often each was counted, by its unique id.
  * A counter is kept for 90 days.

What this file does not know: where the documents lie, how refusals travel, YAML.
"""

import re
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple, TypeGuard

from gitcoord.core.documents.doc import EMPTY, Doc, Number
from gitcoord.core.documents.json_text import Json, canonical
from gitcoord.core.documents.names import repo_folder
from gitcoord.core.documents.outcomes import Outcome, Verdict
from gitcoord.core.owners.owner_rules import NO_RULES, Rules
from gitcoord.core.patterns.path_pattern import Pattern, PatternError

KEPT_DAYS = 90
BYTES_MAX = 32 * 1024
SHARDS = 16
AGENTS_MAX = 20  # of one pattern and day; more of them do not change what is suggested
TOLD_MAX = 64  # a refusal is reported again by the next commit or never
PATTERN_CHARS_MAX = 256  # longer ones are seldom refused twice
NAMED_MAX = 5  # patterns of one refusal
SHARE_AT, SPLIT_AT = 20, 50
OTHERS = "(others)"

_PATH = re.compile(r"counters/(?:repos/[^/]+/)?(\d{4}-\d\d-\d\d)/([0-9a-f])\.json")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")


class Counter(Doc, frozen=True, kw_only=True):
    """One day of one shard.

    Attributes:
        counts: how often each agent was refused, by pattern.
        told: how often each refusal was counted, by its unique id, oldest first.
        left_out: how many refusals are counted no more, because there is no room for their pattern.
    """

    counts: Mapping[str, Json] = EMPTY
    told: Mapping[str, Json] = EMPTY
    left_out: Number = 0

    def of(self, pattern: str) -> dict[str, int]:
        """Return how often each agent was refused a pattern."""
        found = self.counts.get(pattern)
        return {agent: count for agent, count in found.items() if _is_count(count)} if isinstance(found, dict) else {}


Counters = Mapping[str, Counter]
"""Counters by their paths."""


@dataclass(frozen=True, slots=True)
class RefusalCount:
    """One kind of refusal of a day, and how often it happened so far."""

    uid: str
    day: str
    agent: str
    patterns: tuple[str, ...]
    count: int = 1
    repo: str | None = None


class Hotspot(NamedTuple):
    """A pattern that was refused often."""

    pattern: str
    refusals: int
    agents: tuple[str, ...]
    suggestion: str = ""

    def as_json(self) -> dict[str, Json]:
        base: dict[str, Json] = {"pattern": self.pattern, "refusals": self.refusals, "agents": len(self.agents)}
        return {**base, "suggestion": self.suggestion} if self.suggestion else base


def patterns_of(outcome: Outcome) -> tuple[str, ...]:
    """Return the patterns of a call that was refused because of a claim; none of any other outcome."""
    if outcome.verdict is not Verdict.REFUSED or outcome.code != "conflict":
        return ()
    named = dict.fromkeys(conflict.your_pattern for conflict in outcome.conflicts)
    return tuple(pattern for pattern in named if 0 < len(pattern) <= PATTERN_CHARS_MAX)[:NAMED_MAX]


def refusal_of(noted: Mapping[str, Json]) -> RefusalCount | None:
    """Return a refusal as a clone noted it, if it counts here; what others wrote may be anything."""
    uid, day, agent, count = (noted.get(name) for name in ("uid", "day", "by", "count"))
    asked = noted.get("patterns")
    if not (isinstance(uid, str) and isinstance(day, str) and isinstance(agent, str) and isinstance(asked, list)):
        return None
    named = tuple(pattern for pattern in asked if isinstance(pattern, str) and 0 < len(pattern) <= PATTERN_CHARS_MAX)[
        :NAMED_MAX
    ]
    if not named or not _is_count(count) or _day(day) is None:
        return None
    repo = noted.get("repo")
    return RefusalCount(uid, day, agent, named, count, repo if isinstance(repo, str) and repo else None)


def path_of(day: str, pattern: str, repo: str | None = None) -> str:
    """Return where a pattern's refusals of a day are counted."""
    return f"{_folder_of(repo)}{day}/{zlib.crc32(pattern.encode()) % SHARDS:x}.json"


def is_of(path: str, repo: str | None) -> bool:
    """Whether a path is that of a counter of a repository."""
    day, folder = day_of(path), _folder_of(repo)
    return day is not None and path.startswith(f"{folder}{day}/")


def _folder_of(repo: str | None) -> str:
    return f"counters/repos/{repo_folder(repo)}/" if repo is not None else "counters/"


def paths_of(refusal: RefusalCount) -> set[str]:
    """Return which counters a refusal is counted in."""
    return {path_of(refusal.day, pattern, refusal.repo) for pattern in refusal.patterns}


def day_of(path: str) -> str | None:
    """Return the day of a counter's path; `None`: it is no counter's."""
    match = _PATH.fullmatch(path)
    return match[1] if match else None


def outdated(paths: Iterable[str], today: date) -> list[str]:
    """Return which counters are kept no longer."""
    first = (today - timedelta(days=KEPT_DAYS)).isoformat()
    return [path for path in paths if (day := day_of(path)) is not None and day < first]


def merge(counters: Counters, refusals: Iterable[RefusalCount], today: date) -> dict[str, Counter]:
    """Count refusals; return the counters that changed, by path. Days that are not kept, or still to come, are not."""
    changed: dict[str, Counter] = {}
    first = (today - timedelta(days=KEPT_DAYS)).isoformat()
    last = (today + timedelta(days=1)).isoformat()  # clocks differ, and so do midnights
    for refusal in refusals:
        if not first <= refusal.day <= last:
            continue
        out: dict[str, list[str]] = {}
        for pattern in refusal.patterns:
            out.setdefault(path_of(refusal.day, pattern, refusal.repo), []).append(pattern)
        for path, named in out.items():
            known = changed.get(path) or counters.get(path) or Counter()
            counted = _counted(known, refusal, named)
            if counted is not known:
                changed[path] = counted
    return {path: _bounded(counter) for path, counter in changed.items()}


def totals(counters: Counters, today: date, days: int) -> dict[str, dict[str, int]]:
    """Return how often each agent was refused each pattern within the last days, today among them."""
    first = (today - timedelta(days=days - 1)).isoformat()
    out: dict[str, dict[str, int]] = {}
    for path, counter in counters.items():
        day = day_of(path)
        if day is None or day < first:
            continue
        for pattern in counter.counts:
            agents = out.setdefault(pattern, {})
            for agent, count in counter.of(pattern).items():
                agents[agent] = agents.get(agent, 0) + count
    return out


def hotspots(counters: Counters, today: date, days: int = 30, least: int = 5, rules: Rules = NO_RULES) -> list[Hotspot]:
    """Return the patterns that were refused at least so often, most refused first, with suggestions."""
    rows: list[Hotspot] = []
    for pattern, agents in totals(counters, today, days).items():
        refusals = sum(agents.values())
        if refusals >= least and _place(pattern) is not None:
            rows.append(Hotspot(pattern, refusals, tuple(sorted(agents)), suggestion(pattern, refusals, rules)))
    return sorted(rows, key=lambda row: (-row.refusals, row.pattern))


def suggestion(pattern: str, refusals: int, rules: Rules = NO_RULES) -> str:
    """Return what a person may do about a hot pattern; "" where nothing is left to suggest."""
    place = _place(pattern)
    if place is None:
        return ""
    if refusals >= SPLIT_AT and place not in rules.suggested_splits:
        return f"Refused {refusals} times: split it, so that work does not collide; `{_promote(pattern, 'split')}`."
    if refusals >= SHARE_AT and not rules.is_shared(place):
        return f"Refused {refusals} times: everyone needs it; `{_promote(pattern, 'shared_file')}`."
    return ""


def _place(pattern: str) -> Pattern | None:
    """Return a counted text as a pattern; `None`: it is none, so that no writer of ours counted it (SEC-1)."""
    try:
        return Pattern.of(pattern)
    except PatternError:
        return None


def _promote(pattern: str, what: str) -> str:
    plain = re.fullmatch(r"[\w./@+-]+", pattern, re.ASCII)
    quoted = pattern if plain else "'" + pattern.replace("'", "'\\''") + "'"
    return f"gitcoord promote {'-- ' if pattern.startswith('-') else ''}{quoted} {what}"


def _counted(counter: Counter, refusal: RefusalCount, named: list[str]) -> Counter:
    before = counter.told.get(refusal.uid)
    more = refusal.count - (before if _is_count(before) else 0)
    if more <= 0:
        return counter
    counts = dict(counter.counts)
    for pattern in named:
        agents = counter.of(pattern)
        who = refusal.agent if refusal.agent in agents or len(agents) < AGENTS_MAX else OTHERS
        raised: dict[str, Json] = {**agents, who: agents.get(who, 0) + more}
        counts[pattern] = raised
    others = {uid: count for uid, count in counter.told.items() if uid != refusal.uid}
    kept = dict([*others.items(), (refusal.uid, refusal.count)][-TOLD_MAX:])
    return counter.evolve(counts=counts, told=kept)


def _bounded(counter: Counter) -> Counter:
    """Leave out what was refused least until the document is small enough."""
    if len(canonical(counter.dump())) <= BYTES_MAX:
        return counter
    ranked = sorted(counter.counts, key=lambda pattern: (-sum(counter.of(pattern).values()), pattern))
    while ranked and len(canonical(counter.dump())) > BYTES_MAX:
        drop, ranked = ranked[-max(1, len(ranked) // 20) :], ranked[: -max(1, len(ranked) // 20)]
        lost = sum(sum(counter.of(pattern).values()) for pattern in drop)
        counts = {pattern: counter.counts[pattern] for pattern in ranked}
        counter = counter.evolve(counts=counts, left_out=counter.left_out + lost)
    return counter


def _is_count(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if _DAY.fullmatch(text) else None
    except ValueError:
        return None
