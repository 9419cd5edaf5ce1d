"""What this clone's own swaps have put at a place: so that what was listed before is not taken for news.

    places/<key>/acknowledged.json    each ledger's newest tip of ours: its id, its `seq`, and when its swap was won

Rules:
  * SAFE-7: what was seen is ordered against what this clone wrote. A listing that began before a swap of ours was won
    may lack it; where its tip has a lower `seq` than ours, ours is what was there last.
  * A listing that began later is returned as it is, also where it has less: then the ledger itself went back, which
    is not for this file to judge (`lookback`).
  * Only where one process lists for another is it noted. In a place that every session reads itself, a read that
    begins now has everything.

What this file does not know: who listed, and what the ledgers say.
"""

import contextlib
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from gitcoord.core.documents.json_text import Json, time_text
from gitcoord.errors import DocumentError, MissingObjectError, StorageError
from gitcoord.ledger.clone import files
from gitcoord.remote.contract.protocol import Oid, RefName

if TYPE_CHECKING:  # hooks of git read these notes, and load no documents
    from gitcoord.ledger.kinds.ledger import LedgerState
    from gitcoord.ledger.readers.reader import Reader


class OwnTip(NamedTuple):
    """A tip that a swap of this clone has put there. `at`: when the answer came."""

    tip: Oid
    seq: int
    at: datetime


def note(folder: Path, states: "Iterable[LedgerState[Any]]", now: datetime, unique: str) -> None:
    """Note ledgers as a swap of ours left them. Under the clone's lock. `folder`: of the place."""
    found = {ref: _as_json(own) for ref, own in newest(folder).items()}
    for state in states:
        if state.tip is not None:
            found[state.ref] = _as_json(OwnTip(state.tip, state.meta.seq, now))
    with contextlib.suppress(StorageError):  # a full disk must not decide what became of a swap
        files.write_json(folder / "acknowledged.json", {**found}, unique)


def newest(folder: Path) -> dict[RefName, OwnTip]:
    """Return the newest tip of ours of each ledger of a place."""
    rows = files.read_json(folder / "acknowledged.json").items()
    return {RefName(ref): own for ref, row in rows if isinstance(row, dict) and (own := _parsed(row)) is not None}


def ordered(folder: Path, seen: Mapping[RefName, Oid], began: datetime, reader: "Reader") -> Mapping[RefName, Oid]:
    """Return a listing that began at a moment, with what this clone has put there since."""
    since = {ref: own for ref, own in newest(folder).items() if own.at >= began}
    return {**seen, **{ref: own.tip for ref, own in since.items() if _is_older(seen.get(ref), own, reader)}}


def _is_older(tip: Oid | None, own: OwnTip, reader: "Reader") -> bool:
    if tip == own.tip:
        return False
    try:
        return reader.seq_at(tip) < own.seq
    except (DocumentError, MissingObjectError):  # a command that needs that ledger reports what is wrong with it
        return False


def _as_json(own: OwnTip) -> Json:
    return {"tip": own.tip, "seq": own.seq, "at": time_text(own.at)}


def _parsed(row: Mapping[str, Json]) -> OwnTip | None:
    tip, seq, at = row.get("tip"), row.get("seq"), files.time_in(row, "at")
    return OwnTip(Oid(tip), seq, at) if isinstance(tip, str) and isinstance(seq, int) and at is not None else None
