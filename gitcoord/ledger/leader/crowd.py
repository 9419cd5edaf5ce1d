"""Crowd: whether other clones write to a place at this moment, and for how long one takes to carry out what all posted.

    places/<key>/crowd.json    when others were met last, and what a fold of theirs takes; until when none posts;
                               when a fold of this clone has left which posts alone

Rules:
  * What one process of the clone has met holds for all of them: each leads only now and then.
  * Nor does one process ask a remote again that has declined a post of the clone a moment ago.
  * A post that a fold has left alone may be of a clone that died, or of one that still gets its turn. So it is waited
    for again, but not at once: at most once in LASTS.
  * It is a guess. Where it is wrong, a command costs a post and a fold instead of one swap, or a swap that is lost.

What this file does not know: what is posted.
"""

import contextlib
from collections.abc import Collection, Mapping
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
_RESTS_UNTIL, _LEFT_ALONE = "rests_until", "left_alone"
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
        said = files.read_json(self._file)
        kept = {name: said[name] for name in (_RESTS_UNTIL, _LEFT_ALONE) if name in said}
        if not kept:
            files.remove(self._file)
        elif kept != said:
            self._save(kept)

    @property
    def left_alone(self) -> frozenset[str]:
        """Posts that a fold of this clone could not carry out a moment ago, by their refs."""
        return frozenset(self._left_alone(files.read_json(self._file)))

    def leave_alone(self, posts: Collection[str]) -> None:
        """Note posts that a fold of this clone could not carry out just now."""
        if posts:
            said, now = files.read_json(self._file), time_text(self._host.now())
            self._save({**said, _LEFT_ALONE: {**self._left_alone(said), **dict.fromkeys(posts, now)}})

    def _left_alone(self, said: Mapping[str, Json]) -> dict[str, Json]:
        noted, now = said.get(_LEFT_ALONE), self._host.now()
        rows = noted if isinstance(noted, dict) else {}
        ages = ((ref, files.time_in(rows, ref)) for ref in rows)
        return {ref: rows[ref] for ref, at in ages if at is not None and now - LASTS < at <= now}

    def _save(self, said: Mapping[str, Json]) -> None:
        with contextlib.suppress(StorageError):
            files.write_json(self._file, dict(said), self._host.unique)
