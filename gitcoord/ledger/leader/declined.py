"""Declined: that a remote did not take what this clone sent last, for who looks at the clone later.

    places/<key>/declined.json    when, and the remote's words

Rules:
  * It is of the last swap whose outcome is known: one that is won, or lost to another, takes the note away.

What this file does not know: what was sent.
"""

import contextlib
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from gitcoord.core.documents.json_text import time_text
from gitcoord.errors import StorageError
from gitcoord.ledger.clone import files
from gitcoord.redaction import redact
from gitcoord.remote.contract.protocol import SwapOutcome, SwapStatus

FILE = "declined.json"
WORDS_MAX = 500  # of a remote's answer; a hook may say pages


class Declined(NamedTuple):
    """When a remote declined, and in which words; "" for none."""

    at: datetime
    words: str


def note(folder: Path, outcome: SwapOutcome, now: datetime, unique: str) -> None:
    """Note what became of a swap in the folder of its place."""
    if outcome.status in (SwapStatus.WON, SwapStatus.LOST):
        files.remove(folder / FILE)
    elif outcome.status is SwapStatus.DENIED:
        words = redact(outcome.message or "")[:WORDS_MAX]
        with contextlib.suppress(StorageError):  # the caller of the swap gets the error
            files.write_json(folder / FILE, {"at": time_text(now), "words": words}, unique)


def noted(folder: Path) -> Declined | None:
    """Return what is noted of a place."""
    known = files.read_json(folder / FILE)
    at, words = files.time_in(known, "at"), known.get("words")
    return Declined(at, words if isinstance(words, str) else "") if at is not None else None
