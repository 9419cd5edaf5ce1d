"""Counting refusals in the claims ledger, in the commit that carries them along.

    refused ──> `carried` (on disk) ──> carried by the next commit: its record, and these counters

What this file does not know: what a counter holds (`core/owners/refusal_counts`), when a commit is made.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime

from gitcoord.core.documents.json_text import Json
from gitcoord.core.owners import refusal_counts
from gitcoord.core.owners.refusal_counts import Counter
from gitcoord.errors import DocumentError
from gitcoord.ledger.format import trees
from gitcoord.ledger.format.trees import Folder
from gitcoord.remote.contract.protocol import Objects, Oid

_FOLDER = "counters"


def edits(
    objects: Objects, folder: Folder, carried: Iterable[Mapping[str, Json]], now: datetime
) -> dict[str, bytes | None]:
    """Return what a commit changes of the counters in its tree: those of the refusals that it carries, and old ones.

    A damaged counter begins again.
    """
    refusals = [refusal for refusal in map(refusal_counts.refusal_of, carried) if refusal is not None]
    if not refusals:
        return {}
    paths = {path for refusal in refusals for path in refusal_counts.paths_of(refusal)}
    known = {path: counter for path in paths if (counter := _read(objects, folder.file(path))) is not None}
    today = now.date()
    changed = refusal_counts.merge(known, refusals, today)
    below = folder.folders.get(_FOLDER, trees.EMPTY)
    gone = refusal_counts.outdated((path for path, _ in trees.changes(trees.EMPTY, below, f"{_FOLDER}/")), today)
    written: dict[str, bytes | None] = {path: counter.encode() for path, counter in changed.items()}
    return {**written, **dict.fromkeys(gone)}


def _read(objects: Objects, oid: Oid | None) -> Counter | None:
    try:
        return Counter.decode(objects.read(oid)[1]) if oid else None
    except DocumentError:
        return None
