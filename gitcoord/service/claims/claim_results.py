"""Answers about claims: from an outcome of the rules to a result, the same for MCP, CLI and JSON.

    granted   {"granted": true,  "claim": …,    "warnings": [], "next_step": …}
    waiting   {"granted": false, "claim": null, "waiting": true, "queue_id": …, "position": …, "conflicts": [], …}
    refused   {"granted": false, "claim": null, "refused": …, "why": …, "conflicts": [], "next_step": …}

Rules:
  * A conflict names the tracked files in both, sorted, at most 20; where there are none, a path that both would match.

What this file does not know: how commands are carried out.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime

from gitcoord.core.claims.queue_entry import QueueEntry
from gitcoord.core.documents.call import Call, Sentence, sentence
from gitcoord.core.documents.conflict import ALWAYS, Conflict
from gitcoord.core.documents.json_text import Json
from gitcoord.core.documents.liveness import span_text
from gitcoord.core.documents.names import shown as quoted
from gitcoord.core.patterns import symbols
from gitcoord.core.patterns.path_pattern import Pattern, PatternError, Reading
from gitcoord.core.patterns.resolve import OVERLAP_FILES_MAX, overlapping_files
from gitcoord.core.patterns.tracked_paths import Tracked
from gitcoord.ledger.format.entry import Reply
from gitcoord.service.session import results
from gitcoord.source.checkout.default_branch import is_ancestor
from gitcoord.source.checkout.repository import Repository

OVERLAPS_MAX = 60  # files that all conflicts of a result name together: an answer has a few kilobytes
DESCRIPTION_CHARS = 200  # of someone else's claim
Readings = Mapping[str, Reading | None]
"""How the last segment of each pattern that was asked for is read, where its text does not say."""


def of_claim(
    reply: Reply, tracked: Tracked, readings: Readings, repository: Repository, now: datetime
) -> dict[str, Json]:
    """Return the result of a call that claims."""
    outcome = reply.outcome
    if outcome is None:
        return {"granted": False, "claim": None}
    if not outcome.is_done:
        refusal = results.refusal("claim", outcome)
        if "conflicts" in refusal:
            refusal["conflicts"] = shown(outcome.conflicts, tracked, readings)
        return {"granted": False, **refusal}
    facts = outcome.facts
    if facts.get("waiting"):
        waiting: dict[str, Json] = {"granted": False, "claim": None, "waiting": True}
        waiting |= {name: facts[name] for name in ("queue_id", "position", "behind", "until") if name in facts}
        waiting["conflicts"] = shown(outcome.conflicts, tracked, readings)
        entry = _table(reply.docs.get("entry"))  # none where it was served, or dropped, before the call was answered
        again = sentence("See what became of it: ", Call.of("claim_files", queue_id=str(facts.get("queue_id"))), ".")
        return {**waiting, "next_step": _going_on(QueueEntry.parse(entry), now) if entry else again}
    warnings = [*_list(facts.get("warnings")), *_barriers(facts.get("barriers"), repository)]
    result: dict[str, Json] = {"granted": True, "claim": reply.docs.get("claim")}
    result |= {name: facts[name] for name in ("already", "carved", "barriers", "queue_id") if name in facts}
    claims = _list(facts.get("claims"))
    if len(claims) > 1:
        result["claims"] = claims
    release = Call.of("release_claims", claim_ids=[*map(str, claims or [facts.get("claim")])])
    return {**result, "warnings": warnings, "next_step": sentence("When the work is in: ", release, ".")}


def _going_on(entry: QueueEntry, now: datetime) -> Sentence:
    """Say how to go on waiting, and until when that is of use: it makes no wait longer than its caller asked for."""
    left = span_text((entry.ends_at - now).total_seconds())
    go_on = Call.of("claim_files", queue_id=entry.id)
    if entry.ends_at == entry.expires_at:
        return sentence(f"Still waiting. The wait that you asked for ends in {left}; until then go on: ", go_on, ".")
    return sentence(f"Still waiting. Go on within {left}, or the call loses its place: ", go_on, ".")


def shown(conflicts: Sequence[Conflict], tracked: Tracked, readings: Readings) -> list[Json]:
    """Return conflicts as a caller sees them."""
    most = max(1, min(OVERLAP_FILES_MAX, OVERLAPS_MAX // max(1, len(conflicts))))
    return [_shown(conflict, tracked, readings, most) for conflict in conflicts]


def floating(conflicts: Json, known: Collection[str]) -> list[Json]:
    """Return what to write for names that meet only where no such file is; `known`: the caller's that were shown."""
    rows = [row for row in conflicts if isinstance(row, dict)] if isinstance(conflicts, list) else []
    real = {str(row.get("your_pattern")) for row in rows if row.get("overlap")}
    names = dict.fromkeys(str(row.get("your_pattern")) for row in rows if str(row.get("your_pattern")) not in real)
    own = [name for name in names if _floats(name) and name not in known]
    any_depth = "has no slash and matches at any depth"
    said: list[Json] = [f"{quoted(name)} {any_depth}; the one at the root is {quoted('/' + name)}." for name in own]
    held = dict.fromkeys((str(row.get("agent")), str(row.get("item"))) for row in rows if not row.get("overlap"))
    keep = "and is in your way where no such file is. Its holder may answer a request with narrowed, and keep"
    said += [
        f"{quoted(name)} of {agent} {any_depth}, {keep} {quoted('/' + name)}." for agent, name in held if _floats(name)
    ]
    return said


def readings_of(wishes: Json) -> dict[str, Reading | None]:
    """Return how the patterns of an entry's call are read."""
    rows = [row for row in wishes if isinstance(row, dict)] if isinstance(wishes, list) else []
    return {str(row.get("pattern")): _reading(row.get("reading")) for row in rows}


def _shown(conflict: Conflict, tracked: Tracked, readings: Readings, most: int) -> dict[str, Json]:
    own_pattern, row = conflict.your_pattern, conflict.shown(ALWAYS)
    files, more = _overlap(
        own_pattern, readings.get(own_pattern), conflict.item, _reading(conflict.reading), tracked, most
    )
    yours, theirs = conflict.your_symbols, conflict.symbols
    out = {name: row[name] for name in ("your_pattern", "your_symbols", "agent", "claim_id", "item", "items", "branch")}
    out["description"] = (
        conflict.description
        if len(conflict.description) <= DESCRIPTION_CHARS
        else f"{conflict.description[:DESCRIPTION_CHARS]}…"
    )
    out |= {"expires_at": conflict.expires_at, "overlap": [*files]}
    out |= {name: row[name] for name in ("holder_life", "holder_seen", "free_at") if name in row}
    if more:
        out["overlap_more"] = more
    if not files and conflict.example:
        out["example"] = conflict.example
    return {**out, "symbol_overlap": [*(symbols.meeting(theirs, yours) if yours and theirs else theirs or yours)]}


def _overlap(
    own_pattern: str, reading: Reading | None, held: str, held_reading: Reading | None, tracked: Tracked, most: int
) -> tuple[tuple[str, ...], int]:
    with suppress(PatternError):
        return overlapping_files(Pattern.of(own_pattern, reading), Pattern.of(held, held_reading), tracked, most)
    return (), 0


def _barriers(barriers: Json, repository: Repository) -> Iterable[Json]:
    """Yield what to have first, for the commits that the checkout does not have in its history."""
    for row in _list(barriers):
        commit = str(row.get("commit")) if isinstance(row, dict) else ""
        if isinstance(row, dict) and commit and not is_ancestor(repository, commit, "HEAD"):
            branch = f" of branch {row['branch']}" if row.get("branch") else ""
            yield f"{row.get('agent')} pushed changes here: have commit {commit[:12]}{branch} in your history first."


def _floats(name: str) -> bool:
    return "/" not in name[:-1]


def _reading(value: Json) -> Reading | None:
    return next((reading for reading in Reading if reading == value), None)


def _table(value: Json) -> Mapping[str, Json]:
    return value if isinstance(value, dict) else {}


def _list(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []
