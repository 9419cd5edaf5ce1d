"""Writing: from what a batch decided for one ledger to the commit that says so. No ref moves here.

Rules:
  * SAFE-8: each document is looked at as its readers will, before the commit is made.

What this file does not know: whether the swap lands.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from gitcoord.core.documents import limits
from gitcoord.core.documents.decision import Gone
from gitcoord.core.documents.doc import replace
from gitcoord.core.documents.json_text import Json
from gitcoord.core.documents.outcomes import Outcome
from gitcoord.errors import LimitError
from gitcoord.ledger.clone.host import Clone
from gitcoord.ledger.format import commits, trees
from gitcoord.ledger.format.meta import APPLIED_KEPT, META, RECORD, Applied, Meta, applied_path
from gitcoord.ledger.format.records import Done, RecordHead, message_of, record_lines, subject
from gitcoord.ledger.kinds.ledger import Ledger, LedgerState
from gitcoord.ledger.readers.reader import Reader
from gitcoord.ledger.readers.team_rules import Damage
from gitcoord.ledger.transactions.plan import Plan
from gitcoord.remote.contract.protocol import Objects, Oid, RefName

EXPIRY_EVERY = 64  # commands between two looks at every clone's counter


def head_of(
    plan: Plan, checks: Mapping[RefName, Oid | None], config: Oid | None, damage: Damage | None, writer: str
) -> RecordHead:
    """Return what the first line of a record says; see there."""
    return RecordHead(
        now=plan.now,
        checks=checks,
        config=config,
        limit_factor=plan.vantage.limit_factor,
        may_judge=plan.vantage.may_judge,
        may_sweep=not plan.doubt,
        over_by=plan.over_by,
        ahead=plan.ahead,
        beat_s=plan.vantage.beat_s,
        is_damaged=damage is not None,
        counts=damage.counts if damage else None,
        before=[*plan.before],
        writer=writer,
    )


class Decided(NamedTuple):
    """What the tree of a commit follows from, beside the commit before.

    Attributes:
        state: the ledger as it was, but for its content, which is the one after all commands.
        clone: that writes it. The counter of each clone whose commands it has goes on.
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

    Further parents are the posts of other clones that it carries out, which have their authors and signatures. What
    this clone has posted itself is none: it may be older than a policy that its commands are written by now.

    Raises:
        LimitError: no reader would take one of the documents, or there are too many.
    """
    state, now = plan.state, plan.now
    _number(reader, clone, plan)
    refusals = [*plan.refusals.values()]
    message, record = message_of(
        subject(state.kind.title(state.content, state.ref), plan.done), record_lines(plan.done, read, refusals)
    )
    edits = edits_of(objects, reader, Decided(state, clone.id, now, plan.done, plan.before, refusals))
    if record is not None or state.folder.file(RECORD):
        edits.files[RECORD] = record
    folder = trees.write(objects, state.folder, edits.files)
    parents = [state.tip, *(post.tip for post in plan.carried())] if state.tip else []
    tip = commits.write(objects, folder.oid or Oid(""), parents, clone.signature, now, message)
    return replace(state, tip=tip, folder=folder, meta=edits.meta, size_bytes=edits.size_bytes)


def edits_of(objects: Objects, reader: Reader, decided: Decided) -> Edits:
    """Return what commands change in the tree of their ledger.

    Raises:
        LimitError: no reader would take one of the documents, or there are too many.
    """
    state, now, count = decided.state, decided.now, len(decided.done)
    kind = state.kind
    counters = {applied_path(applied.clone): applied.encode() for applied in _counters(reader, decided)}
    meta = kind.meta(state.content, state.meta.evolve(seq=state.meta.seq + count, at=now))
    documents = _documents(kind, decided.done)
    size_bytes = _size_after(state, documents, reader)
    files: dict[str, bytes | None] = {**documents, META: meta.encode(), **counters}
    if state.meta.seq % EXPIRY_EVERY == 0:
        files |= {
            applied_path(applied.clone): None
            for applied in reader.all_applied(state)
            if applied.at is not None
            and now - applied.at > APPLIED_KEPT
            and applied_path(applied.clone) not in counters
        }
    if decided.refusals and kind.postscript is not None:
        files |= kind.postscript.counters(objects, state.folder, decided.refusals, now)
    return Edits(files, meta, size_bytes)


def _number(reader: Reader, clone: Clone, plan: Plan) -> None:
    """Give each command the next id of its clone: ours, or the one that has posted it."""
    counters: dict[str, int] = {}
    for index, done in enumerate(plan.done):
        author = plan.posts[done.entry.uid].said.clone if done.entry.uid in plan.posts else clone.id
        counters.setdefault(author, reader.applied(plan.state, author).counter)
        counters[author] += 1
        plan.done[index] = done._replace(command_id=f"{author}.{counters[author]}")


def _counters(reader: Reader, decided: Decided) -> Iterator[Applied]:
    """Yield the counters as they are after a commit: of each clone whose commands it has, and of its writer.

    That of the writer has its time in any case: by that a clone knows what it has written itself.
    """
    for clone in dict.fromkeys([decided.clone, *(done.clone for done in decided.done)]):
        last = reader.applied(decided.state, clone)
        own = [done for done in decided.done if done.clone == clone]
        before = decided.before if clone == decided.clone else dict[str, Outcome]()
        outcomes: dict[str, Json] = {uid: outcome.dump() for uid, outcome in before.items()}
        outcomes |= {done.entry.uid: done.decision.outcome.dump() for done in own}
        yield last.evolve(counter=last.counter + len(own), at=decided.now, outcomes=outcomes if own else last.outcomes)


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
