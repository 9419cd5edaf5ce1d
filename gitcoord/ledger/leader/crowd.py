"""Crowd: whether other clones write to a place at this moment, and for how long one takes to carry out what all posted.

    places/<key>/crowd.json    when others were met last, and what a fold of theirs takes; until when none posts

Rules:
  * What one process of the clone has met holds for all of them: each leads only now and then.
  * Nor does one process ask a remote again that has declined a post of the clone a moment ago.
  * It is a guess. Where it is wrong, a command costs a post and a fold instead of one swap, or a swap that is lost.

What this file does not know: what is posted.
"""

import contextlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path

from gitcoord.core.documents.json_text import Json, time_text
from gitcoord.errors import StorageError
from gitcoord.ledger.clone import files
from gitcoord.ledger.clone.host import Host

FILE = "crowd.json"
REST = timedelta(minutes=10)  # a remote's rule changes rarely
LASTS = timedelta(seconds=10)
FOLD_MAX_S = 8.0
_RESTS_UNTIL = "rests_until"
_NOTED = timedelta(seconds=1)  # a note is as good as one that is so much newer


class Crowd:
    """The file `crowd.json` of a place. Used only under the clone's lock."""

    def __init__(self, folder: Path, host: Host) -> None:
        """Use the file in the folder of the place."""
        self._file = folder / FILE
        self._host = host
        self._rests_until: datetime | None = None  # also where the disk is full

    @property
    def is_resting(self) -> bool:
        """Whether the remote has declined a post so recently that the clone sends none."""
        now, noted = self._host.now(), files.time_in(files.read_json(self._file), _RESTS_UNTIL)
        return any(until is not None and now < until <= now + REST for until in (self._rests_until, noted))

    def rest(self, *, is_declined: bool) -> None:
        """Note that posts are of no use now; where the remote declines them, that holds for all processes."""
        self._rests_until = self._host.now() + REST
        if is_declined:
            self._save({**files.read_json(self._file), _RESTS_UNTIL: time_text(self._rests_until)})

    @property
    def fold_s(self) -> float | None:
        """What a fold takes, in seconds; `None`: no other clone was met lately."""
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
        known = [took for took in (last, fold_s) if took]  # 0: others were met, and no fold of theirs
        took_s = sum(known) / len(known) if known else 0.0
        self._save({**said, "at": time_text(now), "fold_s": round(took_s, 3)})

    def leave(self) -> None:
        """Note that no other clone was there."""
        rests_until = files.read_json(self._file).get(_RESTS_UNTIL)
        if rests_until is None:
            files.remove(self._file)
        else:
            self._save({_RESTS_UNTIL: rests_until})

    def _save(self, said: Mapping[str, Json]) -> None:
        with contextlib.suppress(StorageError):
            files.write_json(self._file, dict(said), self._host.unique)
