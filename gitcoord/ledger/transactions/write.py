"""Writing: from what a batch decided for one ledger to the commit that says so. No ref moves here.

Rules:
  * SAFE-8: each document is looked at as its readers will, before the commit is made.

What this file does not know: whether the swap lands.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from gitcoord.core.documents import limits
from gitcoord.core.documents.decision import Gone
from gitcoord.core.documents.json_text import Json
from gitcoord.errors import LimitError
from gitcoord.ledger.clone.host import Clone
from gitcoord.ledger.format import commits, trees
from gitcoord.ledger.format.meta import APPLIED_KEPT, META, RECORD, applied_path
from gitcoord.ledger.format.records import RecordHead, message_of, record_lines, subject
from gitcoord.ledger.kinds.ledger import LedgerState
from gitcoord.ledger.readers.reader import Reader
from gitcoord.ledger.transactions.plan import Plan
from gitcoord.remote.contract.protocol import Objects, Oid

EXPIRY_EVERY = 64  # commands between two looks at every clone's counter


def write(objects: Objects, reader: Reader, clone: Clone, plan: Plan, read: RecordHead) -> LedgerState[Any]:
    """Write the documents, the record and the commit; return the ledger as it will be.

    Raises:
        LimitError: no reader would take one of the documents, or there are too many.
    """
    state, now = plan.state, plan.now
    kind = state.kind
    last = reader.applied(state, clone.id)
    plan.done[:] = [
        done._replace(command_id=f"{last.clone}.{last.counter + offset}")
        for offset, done in enumerate(plan.done, start=1)
    ]
    outcomes: dict[str, Json] = {uid: outcome.dump() for uid, outcome in plan.before.items()}
    outcomes |= {done.entry.uid: done.decision.outcome.dump() for done in plan.done}
    applied = last.evolve(counter=last.counter + len(plan.done), at=plan.now, outcomes=outcomes)
    meta = kind.meta(state.content, state.meta.evolve(seq=state.meta.seq + len(plan.done), at=now))
    lines = record_lines(plan.done, read, [*plan.refusals.values()])
    message, record = message_of(subject(kind.title(state.content, state.ref), plan.done), lines)
    documents = _documents(plan)
    size_bytes = _size_after(state, documents, reader)
    bookkeeping = {META: meta.encode(), applied_path(applied.clone): applied.encode()}
    if state.meta.seq % EXPIRY_EVERY:
        expired = []
    else:
        expired = [
            applied_path(applied.clone)
            for applied in reader.all_applied(state)
            if applied.at is not None and now - applied.at > APPLIED_KEPT and applied.clone != clone.id
        ]
    edits: dict[str, bytes | None] = {
        **documents,
        **bookkeeping,
        **dict.fromkeys(expired),
    }
    if plan.refusals and kind.postscript is not None:
        edits |= kind.postscript.counters(objects, state.folder, plan.refusals.values(), now)
    if record is not None or state.folder.file(RECORD):
        edits[RECORD] = record
    folder = trees.write(objects, state.folder, edits)
    parents = [state.tip] if state.tip else []
    tip = commits.write(objects, folder.oid or Oid(""), parents, clone.signature, now, message)
    return replace(state, tip=tip, folder=folder, meta=meta, size_bytes=size_bytes)


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


def _documents(plan: Plan) -> dict[str, bytes | None]:
    kind = plan.state.kind
    edits: dict[str, bytes | None] = {}
    for done in plan.done:
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
