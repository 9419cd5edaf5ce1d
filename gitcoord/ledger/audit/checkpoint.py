"""Checkpoints: up to which commit a ledger was audited in this clone, so that the next audit goes on from there.

    <the clone's folder of the place>/audited.json      {ref: checkpoint}

Rules:
  * Only what was replayed from the first commit that is here, or from a checkpoint before, becomes one.
  * A checkpoint that was changed on disk, or is half of one, counts for nothing: its digest is of all that it says.
  * A history that was rolled out may go (`gc`) once a checkpoint is behind it (`has_passed`).

What this file does not know: how a commit is audited.
"""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from gitcoord.core.documents.doc import Doc, Number, Text
from gitcoord.core.documents.json_text import Json, canonical
from gitcoord.errors import DocumentError
from gitcoord.ledger.clone import files
from gitcoord.ledger.rewinds.lookback import descends
from gitcoord.remote.contract.protocol import Objects, Oid, RefName

FILE = "audited.json"


class Checkpoint(Doc, frozen=True, kw_only=True):
    """A commit up to which a ledger is what its records give.

    Attributes:
        tip, tree: the commit, and its tree, by which a roll of it is known.
        seq: the ledger's sequence number there.
        rules: the version of the rules that it was audited by.
        at: when.
    """

    ref: Text
    tip: Text
    tree: Text
    seq: Number
    rules: Number
    at: datetime
    digest: Text = ""

    @property
    def sealed(self) -> "Checkpoint":
        """Return the same with its digest."""
        plain = self.evolve(digest="")
        return plain.evolve(digest=hashlib.sha256(canonical(plain.dump())).hexdigest())


def load(folder: Path) -> dict[RefName, Checkpoint]:
    """Return the checkpoints of a place by their ledgers."""
    found: dict[RefName, Checkpoint] = {}
    for ref, value in files.read_json(folder / FILE).items():
        try:
            checkpoint = Checkpoint.parse(value) if isinstance(value, dict) else None
        except DocumentError:
            continue
        if checkpoint is not None and checkpoint.ref == ref and checkpoint == checkpoint.sealed:
            found[RefName(ref)] = checkpoint
    return found


def save(folder: Path, checkpoints: Mapping[RefName, Checkpoint], unique: str) -> None:
    """Keep the checkpoints of a place.

    Raises:
        StorageError: the disk cannot be written.
    """
    rows: dict[str, Json] = {ref: checkpoint.sealed.dump() for ref, checkpoint in checkpoints.items()}
    files.write_json(folder / FILE, rows, unique)


def has_passed(objects: Objects, folder: Path, ref: RefName, tip: Oid) -> bool:
    """Whether an audit of this clone has passed a commit of a ledger: the history up to it is not needed for one."""
    checkpoint = load(folder).get(ref)
    return checkpoint is not None and descends(objects, Oid(checkpoint.tip), tip) is True
