"""Removing what cannot be read from a ledger: one commit, whose record names each file and its object.

Rules:
  * SAFE-6: only files that the reader leaves out are removed, and only once each that can be read lies in a folder of
    this clone.
  * The commit before has them still; a race that is lost changes nothing.

What this file does not know: who decided it.
"""

from contextlib import suppress
from pathlib import Path
from typing import Any

from gitcoord.core.documents.actor import Actor
from gitcoord.core.documents.json_text import Json, compact
from gitcoord.core.documents.outcomes import done
from gitcoord.errors import DocumentError, MissingObjectError, unwritable
from gitcoord.ledger.format import commits, trees
from gitcoord.ledger.format.commits import Signature
from gitcoord.ledger.format.meta import META, RECORD
from gitcoord.ledger.format.records import RecordHead, head_line, message_of
from gitcoord.ledger.kinds.ledger import LedgerState
from gitcoord.remote.contract.protocol import Objects, Oid, RefUpdate


def keep(objects: Objects, state: LedgerState[Any], folder: Path) -> list[Path]:
    """Write the files that are left out of a ledger into a folder, each under the name of its object.

    Raises:
        StorageError: the disk cannot be written.
    """
    kept: list[Path] = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path in sorted(state.left_out):
            oid = state.folder.file(path)
            data: bytes | None = None
            with suppress(DocumentError, MissingObjectError):  # it is too large, or gone
                data = objects.read(oid)[1] if oid else None
            if data is not None:
                kept.append(folder / f"{oid}-{path.rpartition('/')[2][-100:]}")
                kept[-1].write_bytes(data)
    except OSError as error:
        raise unwritable(str(folder), error.strerror) from error
    return kept


def prepare(objects: Objects, state: LedgerState[Any], actor: Actor, by: Signature, read: RecordHead) -> RefUpdate:
    """Write the commit without what is left out of a ledger, and return the line for the swap.

    Raises:
        SchemaError: only a newer version may write this ledger.
    """
    state.check_writable()
    removed: list[Json] = [{"path": path, "object": state.folder.file(path)} for path in sorted(state.left_out)]
    args: dict[str, Json] = {"removed": removed}
    outcome = done("damage_removed", count=len(removed))
    line = compact({"do": "remove_damage", "by": actor.dump(), "args": args, "outcome": outcome.dump()})
    title = f"remove {len(removed)} files that cannot be read for {actor.agent}"
    message, record = message_of(title, f"{head_line(read)}\n{line}")
    edits: dict[str, bytes | None] = dict.fromkeys(state.left_out)
    if record is not None or state.folder.file(RECORD):
        edits[RECORD] = record
    edits[META] = state.meta.evolve(at=max(read.now, state.meta.at or read.now)).encode()
    tree = trees.write(objects, state.folder, edits).oid or Oid("")
    parents = [state.tip] if state.tip else []
    return RefUpdate(state.ref, state.tip, commits.write(objects, tree, parents, by, read.now, message))
