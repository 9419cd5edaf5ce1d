"""History: what happened, read back from the records in the ledgers' commits, newest first.

Rules:
  * SEC-1: a record is text of any client that can push. One whose names, words and numbers are not one line each,
    or are tables, is no record of ours, and left out; only a `note` is what someone said, and may have several lines.

What this file does not know: what is made of it.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from gitcoord.core.documents import limits
from gitcoord.core.documents.json_text import Json
from gitcoord.core.documents.names import is_line
from gitcoord.core.patterns.segment import UNWRITABLE
from gitcoord.errors import DocumentError, MissingObjectError
from gitcoord.ledger.format import commits, trees
from gitcoord.ledger.format.commits import WALK_MAX, Commit
from gitcoord.ledger.format.meta import RECORD
from gitcoord.ledger.format.records import Record, parse_lines, parse_refusals
from gitcoord.remote.contract.protocol import Objects, Oid

# What is shown of each; the arguments of a call are its caller's own words.
_OF_REFUSAL = frozenset({"at", "by", "event", "code", "count", "patterns", "uid", "repo"})
_OF_OUTCOME = frozenset({"code", "verdict"})
_FACTS = frozenset({"step_num", "fence", "from", "claim", "request", "queue_id", "pattern", "name"})
_BY_NAME = frozenset({"released", "claims", "value"})  # tables: what became of each claim, and some settings
_PATTERNS = frozenset({"pattern", "patterns", "items"})


@dataclass(frozen=True, slots=True)
class Event:
    """One command of one commit, or a refusal that it carries, which happened before."""

    commit: Oid
    record: Record


class CommitEvents(NamedTuple):
    """What one commit did, and the commit before it, also behind a roll."""

    events: tuple[Event, ...]
    before: Oid | None


def events_of(objects: Objects, oid: Oid) -> CommitEvents | None:
    """Return what one commit did; `None` where history was cut off.

    Raises:
        DocumentError: it is not a commit.
    """
    if not objects.has(oid):
        return None
    commit = commits.read(objects, oid)
    found = tuple(Event(oid, record) for record in records_of(objects, commit))
    return CommitEvents(found, commits.before(objects, commit))


def events(
    objects: Objects, tip: Oid, read: Callable[[Objects, Oid], CommitEvents | None] = events_of
) -> Iterator[Event]:
    """Return what happened in a ledger; ends quietly where history was cut off.

    `read`: reads a commit, or knows what it did.
    """
    oid: Oid | None = tip
    for _ in range(WALK_MAX):
        commit = read(objects, oid) if oid else None
        if commit is None:
            return
        yield from commit.events
        oid = commit.before


def records_of(objects: Objects, commit: Commit) -> list[Record]:
    """Return what one commit did, the last of it first, then the refusals that it carries."""
    lines = record_of(objects, commit)
    done = [record for record in parse_lines(lines) if all(map(_is_plain, _tables(record.line)))]
    refused = [record for record in parse_refusals(lines) if _is_plain(_picked(record.line, _OF_REFUSAL))]
    return [*reversed(done), *reversed(refused)]


def _tables(line: Mapping[str, Json]) -> Iterator[Mapping[str, Json]]:
    """Yield the tables of a command's line that say what it did, and to whom."""
    outcome, happened = _table(line.get("outcome")), line.get("events")
    facts = _table(outcome.get("facts"))
    yield _table(line.get("by"))
    yield _picked(outcome, _OF_OUTCOME)
    yield _picked(facts, _FACTS)
    yield {name: _flat(fact) for name, fact in _picked(facts, _BY_NAME).items()}
    for event in map(_table, happened if isinstance(happened, list) else ()):
        barriers = event.get("barriers")  # of a grant: tables, too
        yield from map(_table, barriers if isinstance(barriers, list) else ())
        yield {name: fact for name, fact in event.items() if name != "barriers"}


def _is_plain(table: Mapping[str, Json]) -> bool:
    """Whether a table has words and numbers only, or lists of these, and a note at most."""
    for name, value in table.items():
        if name == "note" and isinstance(value, str) and len(value) <= limits.TEXT_CHARS:
            continue
        is_one = _is_pattern if name in _PATTERNS else is_line
        for item in value if isinstance(value, list) else (value,):
            if isinstance(item, list | dict) or (isinstance(item, str) and not is_one(item)):
                return False
    return True


def _is_pattern(text: str) -> bool:
    """Whether a text is on one line, as paths are: git has names of files with what cannot be printed."""
    return len(text) <= limits.LINE_CHARS and not UNWRITABLE.search(text)


def _picked(table: Mapping[str, Json], names: Collection[str]) -> dict[str, Json]:
    return {name: value for name, value in table.items() if name in names}


def _flat(value: Json) -> list[Json]:
    """Return the names in a table and what they are of; what is deeper stays as it is, and is no word."""
    if isinstance(value, dict):
        return [*value, *(item for each in value.values() for item in (each if isinstance(each, list) else [each]))]
    return value if isinstance(value, list) else [value]


def _table(value: Json) -> Mapping[str, Json]:
    return value if isinstance(value, dict) else {}


def record_of(objects: Objects, commit: Commit) -> str:
    """Return the lines of a commit's record, from its message or from its tree."""
    _, _, body = commit.message.partition("\n\n")
    if not body.startswith(f'{{"record":"{RECORD}"}}'):
        return body
    try:
        oid = trees.load(objects, commit.tree).file(RECORD)
        return objects.read(oid)[1].decode("utf-8", "replace") if oid else ""
    except (DocumentError, MissingObjectError):
        return ""
