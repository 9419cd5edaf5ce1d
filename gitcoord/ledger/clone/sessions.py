"""Sessions of this clone: which are alive, as locks show.

    sessions/<id>.lock   held by the process of the session for as long as it lives
    sessions/<id>.json   its agents, tool, worktree; when it said good-bye
    sessions/<id>.over   when its crash was first seen
    sessions/<id>.called   of the time of its agent's last call of a tool

Rules:
  * A lock that is held is a live session; nothing else is needed, and an agent never has to remember to beat.
  * A free lock without a good-bye is a crash: the session is over. The lock is looked at first and the good-bye read
    after it: who says good-bye writes it before the lock is free.
  * A session without any lock (`cli-…`: one command at a time) is not judged here.
  * What is over is known for a week, so that its steps are not taken for those of a session without a lock.
"""

import contextlib
import os
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from gitcoord.core.documents.json_text import time_text
from gitcoord.core.documents.liveness import GRACE, SessionBeat
from gitcoord.errors import DocumentError, StorageError
from gitcoord.ledger.clone import files

KEPT = timedelta(days=7)  # the longest `stale_minutes`: until then its agent may ask for it
HOOKED_S = 150.0  # the longest interval between two beats
CALLED_EVERY = timedelta(
    seconds=30
)  # how exactly the time of the last call is kept; a beat is sent each minute or less


class SessionState(NamedTuple):
    """What is known of a session here. `locked` is `None` for one that never had a lock in this clone."""

    locked: bool | None
    closed_at: datetime | None = None
    hooked_at: datetime | None = None
    called_at: datetime | None = None


class OpenSession:
    """A session that this process is; ends with `close`, or with the process."""

    def __init__(self, folder: Path, beat: SessionBeat, unique: str) -> None:
        """Take the lock and say who we are.

        Raises:
            Timeout: another process is that session.
        """
        from filelock import FileLock

        self._folder = folder
        self._unique = unique
        self._called_at: datetime | None = None
        self._guard = threading.RLock()  # the threads of one server name sub-agents at the same time
        # A judge holds the lock for a moment to see whether it is free, hence the second.
        self._lock = FileLock(folder / f"{beat.id}.lock", timeout=1, thread_local=False)
        self._lock.acquire()
        self._locked = _inode(folder / f"{beat.id}.lock")
        self.beat = beat
        self._save()
        files.remove(folder / f"{beat.id}.over")

    def is_here(self) -> bool:
        """Whether our lock is the one that others look at: not if the folder was deleted, even if it was made again."""
        return self._locked is not None and _inode(self._folder / f"{self.beat.id}.lock") == self._locked

    @property
    def names(self) -> tuple[str, ...]:
        """Return every id by which the session is known, also those that a hook of it found out."""
        found = (name.removesuffix(".alias") for name in _pointing_at(self._folder, self.beat.id))
        return (self.beat.id, *self.beat.aliases, *found)

    def add_agent(self, agent: str) -> bool:
        """List one more agent of this session; tell whether it was new."""
        with self._guard:
            if agent in self.beat.agents:
                return False
            self.beat = self.beat.evolve(agents=(*self.beat.agents, agent))
            self._save()
        return True

    def add_alias(self, session: str) -> None:
        """Know the session by one more id."""
        with self._guard:
            if not self.beat.is_named(session):
                self.beat = self.beat.evolve(aliases=(*self.beat.aliases, session))
                self._save()

    def note_call(self, now: datetime) -> None:
        """Note that the agent calls, for the next beat, whichever process sends it."""
        if self._called_at is not None and abs(now - self._called_at) < CALLED_EVERY:
            return
        self._called_at = now
        with contextlib.suppress(OSError):  # a disk that cannot be written ends no session
            file = self._folder / f"{self.beat.id}.called"
            file.touch()
            os.utime(file, (now.timestamp(), now.timestamp()))

    def close(self, now: datetime) -> None:
        """Say good-bye: the grace begins."""
        self.beat = self.beat.evolve(closed_at=now)
        with contextlib.suppress(StorageError):  # without the good-bye the others see a crash, and no grace
            self._save()
        self._lock.release()

    def let_go(self) -> None:
        """Give the lock up without a word: its file was deleted, and the session takes another one."""
        self._lock.release()

    def forget(self) -> None:
        """End for good: no grace."""
        self._lock.release()
        files.remove(self._folder / f"{self.beat.id}.json")

    def _save(self) -> None:
        files.write_json(self._folder / f"{self.beat.id}.json", self.beat.dump(), self._unique)


class Sessions:
    """All sessions of this clone."""

    def __init__(self, folder: Path, unique: str) -> None:
        """Use `<folder>/sessions`."""
        self._folder = folder / "sessions"
        self._unique = unique

    def open(self, beat: SessionBeat) -> OpenSession:
        """Become a session; see `OpenSession`. Nothing is waited for where another process is that session already."""
        from filelock import Timeout

        if self._is_locked(beat.id):
            raise Timeout(str(self._folder / f"{beat.id}.lock"))
        self._folder.mkdir(parents=True, exist_ok=True)
        return OpenSession(self._folder, beat, self._unique)

    def join(self, beat: SessionBeat) -> SessionBeat:
        """Know a session that has hooks and no server; return it as it is known."""
        known = self.known(beat.id)
        if known is not None:
            return known
        self._folder.mkdir(parents=True, exist_ok=True)
        (self._folder / f"{beat.id}.hook").touch()
        files.write_json(self._folder / f"{beat.id}.json", beat.dump(), self._unique)
        return beat

    def known(self, session: str) -> SessionBeat | None:
        """Return a session of this clone by any of its ids."""
        name = self._name_of(session)
        return self._read(name) if name else None

    def end(self, session: str) -> None:
        """Forget a session that ended for good."""
        for alias in [*_pointing_at(self._folder, session), f"{session}.alias"]:
            files.remove(self._folder / alias)
        for ending in ("json", "lock", "over", "hook", "called", "bell"):
            files.remove(self._folder / f"{session}.{ending}")

    def state(self, session: str | None) -> SessionState:
        """Tell whether a session of this clone lives. One without a lock, which has hooks only, is judged by time."""
        name = self._name_of(session) if session else None
        if name is None:
            return SessionState(locked=None)
        if self._is_locked(name):
            return SessionState(locked=True, called_at=self._called_at(name))
        closed = files.time_in(files.read_json(self._folder / f"{name}.json"), "closed_at")
        is_unknown = self._has_hooks_only(name)
        return SessionState(None if is_unknown else False, closed, self._hooked_at(name), self._called_at(name))

    def named(self, session: str) -> list[SessionBeat]:
        """Return every session of this clone that has this id, its own or its tool's; several servers may share one."""
        return [beat for beat in self._all() if beat.is_named(session)]

    def is_live(self, session: str, agent: str) -> bool:
        """Whether a session of that id is at work here under that name, whatever id its clone had before."""
        beat = self._read(session)
        return beat is not None and agent in beat.agents and self._is_locked(session)

    def has_live(self) -> bool:
        """Whether any session is surely alive in this folder: a copy of the folder has no lock that is held."""
        from gitcoord.ledger.clone.file_locks import is_held

        return any(is_held(f"{self._folder}/{name}", unsure=False) for name in files.names_in(self._folder, ".lock"))

    def beats(self, now: datetime) -> tuple[SessionBeat, ...]:
        """Return the sessions for the heartbeat: the live ones, and those within their grace."""
        live: list[SessionBeat] = []
        for before in self._all():
            if self._is_locked(before.id) or self._is_hooked(before.id, now):
                live.append(before.evolve(closed_at=None, called_at=self._called_at(before.id)))
                continue
            beat = self._read(before.id) or before
            if beat.closed_at and now - beat.closed_at < GRACE:
                live.append(beat)
            elif (beat.closed_at or self._over_since(beat.id, now)) < now - KEPT:
                self.end(beat.id)
        return tuple(live)

    def over(self, now: datetime) -> list[tuple[datetime, SessionBeat]]:
        """Return the sessions that had a lock and are over, with when each ended or was first seen to have crashed."""
        found: list[tuple[datetime, SessionBeat]] = []
        for before in self._all():
            if (self._folder / f"{before.id}.lock").exists() and not self._is_locked(before.id):
                beat = self._read(before.id) or before
                found.append((beat.closed_at or self._over_since(beat.id, now), beat))
        return found

    def _over_since(self, name: str, now: datetime) -> datetime:
        """Return when a crash was seen first. It was not written down when it happened."""
        note = self._folder / f"{name}.over"
        at = files.time_in(files.read_json(note), "at")
        if at is None:
            with contextlib.suppress(StorageError):  # a disk that cannot be written: nothing is removed there either
                files.write_json(note, {"at": time_text(now)}, self._unique)
        return at or now

    def at_work(self, now: datetime) -> Iterator[tuple[SessionBeat | None, SessionState, str]]:
        """Yield each session that lives or may be resumed, with its state and id; `None`: what it is cannot be read.

        Nothing is written, and nothing that is over is forgotten.

        Raises:
            OSError: the folder cannot be read.
        """
        endings = (".lock", ".hook", ".json")
        for name in sorted({name.rpartition(".")[0] for name in files.names_in(self._folder, endings)}):
            state = self.state(name)
            may_return = state.closed_at is not None and now - state.closed_at < GRACE
            if state.locked or may_return or self._is_hooked(name, now):
                yield self._read(name), state, name

    def live_agents(self) -> dict[str, str]:
        """Return each agent of a live session, with the session."""
        return {agent: beat.id for beat in self._all() if self._is_locked(beat.id) for agent in beat.agents}

    def _all(self) -> Iterator[SessionBeat]:
        for name in files.names_in(self._folder, ".json"):
            beat = self._read(name.removesuffix(".json"))
            if beat is not None:
                yield beat

    def _read(self, name: str) -> SessionBeat | None:
        known = files.read_json(f"{self._folder}/{name}.json")
        try:
            return SessionBeat.parse(known) if known else None
        except DocumentError:
            return None

    def _name_of(self, session: str) -> str | None:
        if os.path.exists(f"{self._folder}/{session}.lock"):  # noqa: PTH110 - asked for each holder; a Path costs five times as much
            return session
        return next((beat.id for beat in self._all() if beat.is_named(session)), None)

    def _is_locked(self, name: str) -> bool:
        from gitcoord.ledger.clone.file_locks import is_held

        return is_held(self._folder / f"{name}.lock")

    def _has_hooks_only(self, name: str) -> bool:
        return (self._folder / f"{name}.hook").exists() and not (self._folder / f"{name}.lock").exists()

    def _hooked_at(self, name: str) -> datetime | None:
        return _changed_at(self._folder / f"{name}.hook")

    def _called_at(self, name: str) -> datetime | None:
        """Return when the agent of a session was last seen to do something: to call a tool, or to run a hook."""
        called = _changed_at(self._folder / f"{name}.called")
        hooked = self._hooked_at(name)
        return max(called, hooked) if called and hooked else called or hooked

    def _is_hooked(self, name: str, now: datetime) -> bool:
        """Whether a hook of a session without server ran a moment ago."""
        at = self._hooked_at(name)
        return at is not None and self._has_hooks_only(name) and abs((now - at).total_seconds()) < HOOKED_S


def _pointing_at(folder: Path, session: str) -> Iterator[str]:
    """Yield the files by which hooks said that other ids are this session's."""
    for name in files.names_in(folder, ".alias"):
        with contextlib.suppress(OSError):
            if (folder / name).read_text("utf-8", "replace").strip() == session:
                yield name


def _changed_at(path: Path) -> datetime | None:
    try:
        return datetime.fromtimestamp(path.stat().st_mtime, UTC)
    except OSError:
        return None


def _inode(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino
