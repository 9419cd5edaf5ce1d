"""History: what happened, read back from the records in the ledgers' commits, newest first."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from gitcoord.errors import DocumentError, MissingObjectError
from gitcoord.ledger.format import commits, trees
from gitcoord.ledger.format.commits import WALK_MAX, Commit
from gitcoord.ledger.format.meta import RECORD
from gitcoord.ledger.format.records import Record, parse_lines, parse_refusals
from gitcoord.remote.contract.protocol import Objects, Oid


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
    return [*reversed(list(parse_lines(lines))), *reversed(list(parse_refusals(lines)))]


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
