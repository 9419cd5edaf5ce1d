"""History: what happened, read back from the records in the ledgers' commits, newest first."""

from collections.abc import Iterator
from dataclasses import dataclass

from gitcoord.errors import DocumentError, MissingObjectError
from gitcoord.ledger import commits, trees
from gitcoord.ledger.commits import Commit
from gitcoord.ledger.layout import RECORD
from gitcoord.ledger.records import Record, parse_lines, parse_refusals
from gitcoord.remote.protocol import Objects, Oid

WALK_MAX = 20_000  # a ledger is rolled before it has more commits


@dataclass(frozen=True, slots=True)
class Event:
    """One command of one commit, or a refusal that it carries, which happened before."""

    commit: Oid
    record: Record


def events(objects: Objects, tip: Oid) -> Iterator[Event]:
    """Walk a ledger's commits from its tip; ends quietly where history was cut off."""
    at: Oid | None = tip
    for _ in range(WALK_MAX):
        if at is None or not objects.has(at):
            return
        commit = commits.read(objects, at)
        lines = record_of(objects, commit)
        for record in (*reversed(list(parse_lines(lines))), *reversed(list(parse_refusals(lines)))):
            yield Event(at, record)
        at = commit.parents[0] if commit.parents else None


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
