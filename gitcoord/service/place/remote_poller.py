"""The lookout: of all sessions of a clone one asks the remote what is new, the others read what it saw.

    watch/<place>.lock    held by the session that asks, for as long as it lives; the next one to look takes it over
    watch/<place>.json    what it saw, and when (`watched_at`)
    watch/waiting.json    until when a session of the clone waits for news

Rules:
  * Who does not ask still asks when nothing was seen for two intervals: the one that should may hang or be suspended.
  * A session that waits for what it has just written asks until another saw something since: what was seen before lacks
    that.
  * The interval is POLL_S; while a session waits, POLL_WAITED_S, growing to POLL_S, because news is rarely quick.
  * What was seen before this clone wrote is put right by what it wrote: see `ledger/readers/own_swaps`.
  * This is for watching. A command that decides something reads the remote itself.
"""

import contextlib
import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path

from filelock import FileLock, Timeout

from gitcoord.core.documents.json_text import Json, time_text
from gitcoord.errors import StorageError
from gitcoord.ledger.clone import files
from gitcoord.ledger.clone.host import Host
from gitcoord.ledger.clone.remote_folder import without_credentials
from gitcoord.ledger.readers import own_swaps
from gitcoord.remote.contract.protocol import Oid, RefName
from gitcoord.service.session.workspace import Workspace

POLL_S = 15.0  # between the 10 and 30 s of the design
POLL_WAITED_S = 3.0  # a person or an agent looks on
GROWTH = 1.5  # 3, 4.5, 6.75, 10.1, 15: half a minute of attention
_WAITING = "waiting.json"


class Lookout:
    """One session's part in watching one place."""

    def __init__(self, workspace: Workspace, since: datetime | None = None) -> None:
        """Look at nothing yet; what was seen before `since` does not count."""
        setting = workspace.setting
        self.place = place_of(workspace)
        self._workspace = workspace
        self._since = since
        self._folder = setting.clone.folder / "watch"
        self._file = self._folder / f"{self.place}.json"
        self._lock = FileLock(self._folder / f"{self.place}.lock", timeout=0, thread_local=False)
        self._last: Mapping[RefName, Oid] = {}
        self._began = workspace.setting.host.now()
        self._next = 0.0
        self._pause_s = POLL_WAITED_S
        self._is_waited = False

    def look(self) -> Mapping[RefName, Oid]:
        """Return every ref, as the asking session saw it last, and as this clone has written it since.

        Raises:
            CoordError: the remote cannot be read, and this session is the one to ask, or no other did.
        """
        asks = self._is_elected()
        seen = None if asks else self._seen_by_another()
        if seen is not None:
            setting = self._workspace.setting
            self._began, self._last = seen
            beats = setting.refs.heartbeats_in(self._last)
            setting.watchfulness.observe(beats, self._workspace.reader.beat_of)
        elif self._is_due():
            host = self._workspace.setting.host
            at = host.now()  # before it is read: what was written meanwhile may not be in it
            self._began, self._last = at, self._workspace.listed()
            self._next = host.monotonic() + (self._pause_s if self._is_waited else POLL_S)
            self._pause_s = min(self._pause_s * GROWTH, POLL_S)
            if asks:
                refs: dict[str, Json] = {ref: tip for ref, tip in self._last.items()}  # noqa: C416 - other types
                with contextlib.suppress(StorageError):  # the others will ask for themselves
                    files.write_json(self._file, {"watched_at": time_text(at), "refs": refs}, host.unique)
        with self._workspace.lock:
            place = self._workspace.setting.place_folder
            return own_swaps.ordered(place, self._last, self._began, self._workspace.reader)

    def close(self) -> None:
        """Let another session ask."""
        self._lock.release()

    def _is_elected(self) -> bool:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            if not self._lock.is_locked:
                self._lock.acquire()
        except (Timeout, OSError):  # on a disk that cannot be written each session asks for itself
            return False
        return True

    def _seen_by_another(self) -> tuple[datetime, Mapping[RefName, Oid]] | None:
        data = files.read_json(self._file)
        at, refs = files.time_in(data, "watched_at"), data.get("refs")
        if at is None or not isinstance(refs, dict) or (self._since is not None and at < self._since):
            return None
        is_fresh = abs(self._workspace.setting.host.now() - at) <= timedelta(seconds=2 * POLL_S)
        return (at, {RefName(ref): Oid(tip) for ref, tip in refs.items() if isinstance(tip, str)}) if is_fresh else None

    def _is_due(self) -> bool:
        host = self._workspace.setting.host
        is_waited = is_waited_for(self._folder.parent, host.now())
        if is_waited and not self._is_waited:
            self._pause_s = POLL_WAITED_S
            self._next = min(self._next, host.monotonic() + POLL_WAITED_S)
        self._is_waited = is_waited
        return host.monotonic() >= self._next


def place_of(workspace: Workspace) -> str:
    """Return a name for where a workspace coordinates, that can be a file's."""
    place = f"{without_credentials(str(workspace.remote_url))} {workspace.setting.refs.namespace}"
    return hashlib.sha256(place.encode("utf-8", "surrogateescape")).hexdigest()[:16]


def wait_for_news(folder: Path, host: Host, seconds: float) -> None:
    """Say that a session of the clone waits, for at most so long; call it again to wait for longer.

    Raises:
        StorageError: the disk cannot be written.
    """
    until = host.now() + timedelta(seconds=seconds)
    known = files.time_in(files.read_json(folder / "watch" / _WAITING), "until")
    if known is None or known < until:
        (folder / "watch").mkdir(parents=True, exist_ok=True)
        files.write_json(folder / "watch" / _WAITING, {"until": time_text(until)}, host.unique)


def is_waited_for(folder: Path, now: datetime) -> bool:
    """Whether a session of the clone waits for news."""
    until = files.time_in(files.read_json(folder / "watch" / _WAITING), "until")
    return until is not None and now < until
