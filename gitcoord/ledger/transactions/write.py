"""Writing: from what a batch decided for one ledger to the commit that says so. No ref moves here.

Rules:
  * SAFE-8: each document is looked at as its readers will, before the commit is made.

What this file does not know: whether the swap lands.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple

from gitcoord.core.documents import limits
from gitcoord.core.documents.decision import Gone
from gitcoord.core.documents.json_text import Json
from gitcoord.core.documents.outcomes import Outcome
from gitcoord.errors import LimitError
from gitcoord.ledger.clone.host import Clone
from gitcoord.ledger.format import commits, trees
from gitcoord.ledger.format.meta import APPLIED_KEPT, META, RECORD, Meta, applied_path
from gitcoord.ledger.format.records import Done, RecordHead, message_of, record_lines, subject
from gitcoord.ledger.kinds.ledger import Ledger, LedgerState
from gitcoord.ledger.readers.reader import Reader
from gitcoord.ledger.transactions.plan import Plan
from gitcoord.remote.contract.protocol import Objects, Oid

EXPIRY_EVERY = 64  # commands between two looks at every clone's counter


class Decided(NamedTuple):
    """What the tree of a commit follows from, beside the commit before.

    Attributes:
        state: the ledger as it was, but for its content, which is the one after all commands.
        clone: whose counter goes on.
        now: the time that the commands were decided by.
        done: the commands that change something, in order.
        before: the outcomes of commands that were applied before; see `Plan`.
        refusals: what the commit carries of the clone's earlier refusals.
    """

    state: LedgerState[Any]
    clone: str
    now: datetime
    done: Sequence[Done]
    before: Mapping[str, Outcome]
    refusals: Sequence[Mapping[str, Json]]


class Edits(NamedTuple):
    """What a commit changes in the tree, its record aside: by path the content, `None` for a file that goes."""

    files: dict[str, bytes | None]
    meta: Meta
    size_bytes: int


def write(objects: Objects, reader: Reader, clone: Clone, plan: Plan, read: RecordHead) -> LedgerState[Any]:
    """Write the documents, the record and the commit; return the ledger as it will be.

    Raises:
        LimitError: no reader would take one of the documents, or there are too many.
    """
    state, now = plan.state, plan.now
    last = reader.applied(state, clone.id)
    plan.done[:] = [
        done._replace(command_id=f"{last.clone}.{last.counter + offset}")
        for offset, done in enumerate(plan.done, start=1)
    ]
    refusals = [*plan.refusals.values()]
    message, record = message_of(
        subject(state.kind.title(state.content, state.ref), plan.done), record_lines(plan.done, read, refusals)
    )
    edits = edits_of(objects, reader, Decided(state, clone.id, now, plan.done, plan.before, refusals))
    if record is not None or state.folder.file(RECORD):
        edits.files[RECORD] = record
    folder = trees.write(objects, state.folder, edits.files)
    parents = [state.tip] if state.tip else []
    tip = commits.write(objects, folder.oid or Oid(""), parents, clone.signature, now, message)
    return replace(state, tip=tip, folder=folder, meta=edits.meta, size_bytes=edits.size_bytes)


def edits_of(objects: Objects, reader: Reader, decided: Decided) -> Edits:
    """Return what commands change in the tree of their ledger.

    Raises:
        LimitError: no reader would take one of the documents, or there are too many.
    """
    state, now, count = decided.state, decided.now, len(decided.done)
    kind, last = state.kind, reader.applied(state, decided.clone)
    outcomes: dict[str, Json] = {uid: outcome.dump() for uid, outcome in decided.before.items()}
    outcomes |= {done.entry.uid: done.decision.outcome.dump() for done in decided.done}
    applied = last.evolve(counter=last.counter + count, at=now, outcomes=outcomes)
    meta = kind.meta(state.content, state.meta.evolve(seq=state.meta.seq + count, at=now))
    documents = _documents(kind, decided.done)
    size_bytes = _size_after(state, documents, reader)
    files: dict[str, bytes | None] = {**documents, META: meta.encode(), applied_path(applied.clone): applied.encode()}
    if state.meta.seq % EXPIRY_EVERY == 0:
        files |= {
            applied_path(applied.clone): None
            for applied in reader.all_applied(state)
            if applied.at is not None and now - applied.at > APPLIED_KEPT and applied.clone != decided.clone
        }
    if decided.refusals and kind.postscript is not None:
        files |= kind.postscript.counters(objects, state.folder, decided.refusals, now)
    return Edits(files, meta, size_bytes)


def _size_after(state: LedgerState[Any], documents: Mapping[str, bytes | None], reader: Reader) -> int:
    """Return how many bytes the ledger's documents will have."""
    added = sum(len(data or b"") - reader.size_of(state.folder.file(path)) for path, data in documents.items())
    after = state.size_bytes + added
    if added > 0 and after > limits.LEDGER_BYTES:
        message = (
            f"Nothing was written, because no client could read it: {state.ref} would have {after} bytes of documents"
        )
        hint = "Let claims and steps end, or begin another project."
        raise LimitError(f"{message}; {limits.LEDGER_BYTES} is the most.", hint=hint)
    return after


def _documents(kind: Ledger[Any, Any], commands: Sequence[Done]) -> dict[str, bytes | None]:
    edits: dict[str, bytes | None] = {}
    for done in commands:
        for change in done.decision.changes:
            if isinstance(change, Gone):
                edits[kind.path_of(change.doc)] = None
            else:
                path = kind.path_of(change)
                try:
                    kind.check(change, path)
                except ValueError as error:
                    message = f"Nothing was written, because no client could read it: {path} {error}."
                    raise LimitError(message, hint="Ask for something else, and please report this.") from None
                edits[path] = change.encode()
    return edits
