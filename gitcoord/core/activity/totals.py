"""Totals: what happened in a span of time, summed up, by day (UTC) and by agent.

Rules:
  * A wait is from the moment a call stands in line to its grant. One that began before the span has no time.
  * The same call goes on waiting as the same entry, so an entry waits once, from its first moment on.

What this file does not know: where occurrences are read, how long the span is.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from gitcoord.core.activity.occurrence import QUEUED, Occurrence
from gitcoord.core.documents.events import Event
from gitcoord.core.documents.json_text import Json
from gitcoord.core.steps.metrics import spread

OF_STEPS: Sequence[str] = (
    Event.STEP_CLAIMED.value,
    Event.STEP_COMPLETED.value,
    Event.STEP_FAILED.value,
    Event.STEP_RECOVERED.value,
    Event.STEP_SKIPPED.value,
)
OF_CLAIMS: Sequence[str] = (
    Event.CLAIM_GRANTED.value,
    Event.CLAIM_REFUSED.value,
    Event.CLAIM_RELEASED.value,
    Event.CLAIM_EXPIRED.value,
    Event.AUTO_COEXIST.value,
    Event.AUTO_NARROW.value,
    Event.REQUEST_FILED.value,
    Event.REQUEST_ANSWERED.value,
    QUEUED,
    Event.QUEUE_GRANT.value,
    Event.QUEUE_CANCEL.value,
)


def totals(occurrences: Iterable[Occurrence], kinds: Sequence[str] = (*OF_STEPS, *OF_CLAIMS)) -> dict[str, Json]:
    """Return how often each of these kinds happened, in all, by day and by agent, and what is known of waits."""
    sums: Counter[str] = Counter()
    days: dict[str, Counter[str]] = defaultdict(Counter)
    agents: dict[str, Counter[str]] = defaultdict(Counter)
    reasons: dict[str, Counter[str]] = defaultdict(Counter)
    begun: dict[str, datetime] = {}
    granted: dict[str, datetime] = {}
    for occurrence in _waits_once(occurrences, begun):
        kind = occurrence.kind
        if kind not in kinds:
            continue
        for counts in (sums, days[occurrence.at.date().isoformat()], agents[occurrence.agent]):
            counts[kind] += occurrence.times
        reasons[kind][occurrence.reason] += occurrence.times
        if kind == Event.QUEUE_GRANT:
            granted[occurrence.subject] = occurrence.at
    waits = [(at - begun[entry]).total_seconds() for entry, at in granted.items() if entry in begun]
    return {
        "totals": {kind: sums[kind] for kind in kinds},
        "by_day": [{"day": day, **{kind: counts[kind] for kind in kinds}} for day, counts in sorted(days.items())],
        "by_agent": [
            {"agent": agent, **{kind: counts[kind] for kind in kinds}} for agent, counts in sorted(agents.items())
        ],
        "refusals": {**reasons[Event.CLAIM_REFUSED]},
        "left_the_line": {**reasons[Event.QUEUE_CANCEL]},
        "waited_seconds": spread([max(0.0, wait) for wait in waits]),
    }


def by_day(occurrences: Iterable[Occurrence]) -> Counter[tuple[str, str]]:
    """Return how often each kind happened on each day (UTC): what can be added up, ledger by ledger."""
    days: Counter[tuple[str, str]] = Counter()
    for occurrence in occurrences:
        days[occurrence.at.date().isoformat(), occurrence.kind] += occurrence.times
    return days


def with_days(counted: Mapping[str, Json], days: Mapping[tuple[str, str], int]) -> dict[str, Json]:
    """Return totals with more of what happened, by day and kind; kinds that they do not count are left out."""
    sums, rows = _record(counted.get("totals")), dict[str, dict[str, Json]]()
    before = counted.get("by_day")
    for row in before if isinstance(before, list) else ():
        rows[str(_record(row).get("day"))] = {**_record(row)}
    for (day, kind), count in sorted(days.items()):
        if kind in sums:
            row = rows.setdefault(day, {"day": day, **dict.fromkeys(sums, 0)})
            row[kind], sums[kind] = _count(row[kind]) + count, _count(sums[kind]) + count
    return {**counted, "totals": sums, "by_day": [row for _, row in sorted(rows.items())]}


def _record(value: Json) -> dict[str, Json]:
    return {**value} if isinstance(value, dict) else {}


def _count(value: Json) -> int:
    return value if isinstance(value, int) else 0


def _waits_once(occurrences: Iterable[Occurrence], begun: dict[str, datetime]) -> Iterable[Occurrence]:
    """Yield occurrences, each wait at its beginning; `begun` gets these."""
    first: dict[str, Occurrence] = {}
    for occurrence in occurrences:
        if occurrence.kind != QUEUED:
            yield occurrence
        elif occurrence.subject not in first or occurrence.at < first[occurrence.subject].at:
            first[occurrence.subject] = occurrence
    begun.update({entry: occurrence.at for entry, occurrence in first.items()})
    yield from first.values()
