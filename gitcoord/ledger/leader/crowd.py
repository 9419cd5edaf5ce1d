"""Crowd: whether other clones write to a place at this moment, and for how long one takes to carry out what all posted.

    places/<key>/crowd.json    when others were met last, and what a fold of theirs takes

Rules:
  * What one process of the clone has met holds for all of them: each leads only now and then.
  * It is a guess. Where it is wrong, a command costs a post and a fold instead of one swap, or a swap that is lost.

What this file does not know: what is posted.
"""

import contextlib
from datetime import timedelta
from pathlib import Path

from gitcoord.core.documents.json_text import time_text
from gitcoord.errors import StorageError
from gitcoord.ledger.clone import files
from gitcoord.ledger.clone.host import Host

FILE = "crowd.json"
LASTS = timedelta(seconds=10)
FOLD_MAX_S = 8.0
_NOTED = timedelta(seconds=1)  # a note is as good as one that is so much newer


class Crowd:
    """The file `crowd.json` of a place. Used only under the clone's lock."""

    def __init__(self, folder: Path, host: Host) -> None:
        """Use the file in the folder of the place."""
        self._file = folder / FILE
        self._host = host

    @property
    def fold_s(self) -> float | None:
        """What a fold takes, in seconds; `None`: nobody was met lately."""
        said = files.read_json(self._file)
        at, took = files.time_in(said, "at"), said.get("fold_s")
        now = self._host.now()
        if at is None or not isinstance(took, int | float) or not now - LASTS < at <= now:
            return None
        return min(max(took, 0.0), FOLD_MAX_S)

    def meet(self, fold_s: float | None = None) -> None:
        """Note that others are at work. `fold_s`: what a fold was seen to take."""
        said, now = files.read_json(self._file), self._host.now()
        at, last = files.time_in(said, "at"), self.fold_s
        if fold_s is None and last is not None and at is not None and now - at < _NOTED:
            return
        mean_s = fold_s if last is None or fold_s is None else (last + fold_s) / 2
        with contextlib.suppress(StorageError):
            files.write_json(
                self._file, {"at": time_text(now), "fold_s": round(mean_s or last or 0.0, 3)}, self._host.unique
            )

    def leave(self) -> None:
        """Note that nobody else was there."""
        files.remove(self._file)
