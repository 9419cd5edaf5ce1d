"""Cleanup: deleting what was not touched for a week, a few with each swap: refs, and files of this clone.

Every `git push` by anyone receives the whole list of refs, so heartbeats of clones that are gone, left-over probes
and posts of clones that died must not gather. A post is over after a minute, and its name says how old it is. Each
deletion is a compare-and-delete; under `refs/heads/` nothing is deleted.

    places/<key>/replies/<uid>.json   whose author is gone: it waits for seconds; so are entries in its spool
    fences/<session>/                 of a session that is gone: its lock is free
    held/<branch>~…                   whose fence is gone
    notices/<session>…                of a session that is gone; the ledger keeps notices for a day

What versions of before had outside of `places` is swept as well.
"""

import contextlib
from collections.abc import Container, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

from gitcoord.core.documents.json_text import Json
from gitcoord.core.documents.liveness import FREE_SESSION
from gitcoord.errors import CoordError
from gitcoord.ledger.clone import files, held_branches, remote_folder, snapshot_files
from gitcoord.ledger.clone.sessions import Sessions
from gitcoord.ledger.format import commits
from gitcoord.ledger.format.refs import Refs
from gitcoord.remote.contract.protocol import Objects, Oid, RefName, RefUpdate

UNTOUCHED = timedelta(days=7)
UNTOUCHED_FREE = timedelta(days=30)  # whose session has no lock is gone only after a long enough wait
UNTOUCHED_POST = timedelta(hours=1)  # nothing of it is carried out any more; a clock may be wrong meanwhile
A_SWAP_MAX = 5
LOOK_EVERY = timedelta(minutes=10)  # reading every heartbeat's commit costs 20 µs each: too much for every claim


def sweep(objects: Objects, refs: Refs, listed: Mapping[RefName, Oid], now: datetime) -> list[RefUpdate]:
    """Return the deletions that one swap carries, oldest names first."""
    return [*islice(untouched(objects, refs, listed, now), A_SWAP_MAX)]


def untouched(objects: Objects, refs: Refs, listed: Mapping[RefName, Oid], now: datetime) -> Iterator[RefUpdate]:
    """Yield the deletions of all heartbeats and probes that are a week old, and of posts; under `refs/heads/` none."""
    for ref in () if refs.under_heads else sorted(listed):
        post = refs.post_at(ref)
        if post is not None:
            is_old = now.timestamp() - post.posted_ms / 1000 > UNTOUCHED_POST.total_seconds()
        else:
            is_litter = refs.clone_of(ref) or refs.is_probe(ref) or refs.is_inbox(ref)
            is_old = bool(is_litter) and _is_old(objects, listed[ref], now)
        if is_old:
            yield RefUpdate(ref, listed[ref], None)


def _is_old(objects: Objects, tip: Oid, now: datetime) -> bool:
    try:
        return now - commits.read(objects, tip).committed_at > UNTOUCHED
    except CoordError:
        return False  # not here, or not a commit: its writer, or a person, removes it


class Sweeper:
    """Looks for something to sweep once in a while; of several times in a row only where there is more."""

    def __init__(self, refs: Refs, sessions: Sessions, folder: Path) -> None:
        """Look at the next chance."""
        self._refs = refs
        self._sessions = sessions
        self._folder = folder
        self._next_refs: datetime | None = None
        self._next_files: datetime | None = None

    def deletions(
        self, objects: Objects, listed: Mapping[RefName, Oid], now: datetime, keep: Container[RefName]
    ) -> list[RefUpdate]:
        """Return what the next swap deletes beside what it writes; nothing of `keep`."""
        if self._next_refs is not None and self._next_refs - LOOK_EVERY <= now < self._next_refs:
            return []
        found = sweep(objects, self._refs, {ref: tip for ref, tip in listed.items() if ref not in keep}, now)
        if len(found) < A_SWAP_MAX:
            self.rest(now)
        return found

    def rest(self, now: datetime) -> None:
        """Look again after a while only: nothing is there, or the remote does not let us."""
        self._next_refs = now + LOOK_EVERY

    def sweep_files(self, now: datetime) -> None:
        """Remove old files of this clone; looked for once a day."""
        if self._next_files is None or now >= self._next_files:
            self._next_files = now + timedelta(days=1)
            for path in self.untouched_files(now):
                files.remove(path)

    def untouched_files(self, now: datetime) -> Iterator[Path]:
        """Yield the files of this clone that may go."""
        places = (*remote_folder.folders_in(self._folder), self._folder, self._folder / "home")
        left = [path for place in places for name in ("replies", "spool") for path in _files_in(place / name)]
        left.append(self._folder / "pending.json")
        yield from (path for path in left if _is_untouched(path, now, UNTOUCHED))
        for path in _files_in(self._folder / held_branches.HELD):
            if _is_untouched(path, now, UNTOUCHED) and not self._is_given(files.read_json(path)):
                yield path
        for path in _files_in(self._folder / snapshot_files.NOTICES):
            is_old = path.name != snapshot_files.LOCK and _is_untouched(path, now, UNTOUCHED)
            if is_old and not self._sessions.state(path.stem).locked:
                yield path
        for folder in _files_in(self._folder / "fences"):
            limit = UNTOUCHED_FREE if folder.name.startswith(FREE_SESSION) else UNTOUCHED
            notes = _files_in(folder)
            gone = all(_is_untouched(path, now, limit) for path in (folder, *notes))
            if gone and not self._sessions.state(folder.name).locked:
                yield from notes
                with contextlib.suppress(OSError):  # a session has just noted something in it
                    folder.rmdir()

    def _is_given(self, held: Mapping[str, Json]) -> bool:
        """Whether the session that held a step on a branch still has its fence."""
        name = str(held.get("step")).lower().replace("/", "@")
        return (self._folder / "fences" / str(held.get("session")) / f"{name}.json").exists()


def _files_in(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def _is_untouched(path: Path, now: datetime, limit: timedelta) -> bool:
    try:
        return now - datetime.fromtimestamp(path.stat().st_mtime, UTC) > limit
    except OSError:
        return False  # another process removed it
