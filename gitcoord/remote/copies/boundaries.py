"""The commits of a store whose parents were left out when they were brought: git's `shallow` file. See gitshallow(5).

    <store>/shallow         one id a line
    <store>/shallow.lock    of who writes it anew, git or this
    <store>/deepen.lock     held (file lock) while commits are brought without their parents, or with them
    <store>/left-out-gone   what was left out and a remote no longer has, each with when it was asked, and which one

Rules:
  * git takes each of them for a first commit, so that it packs, checks and fetches without what is behind it. So the
    file names a commit before that one is here, and before a ref names it. A process may end in between: what the file
    names and is not here was never brought, or went, and git deepens nothing before it is taken out [seen, git 2.39].
  * What git has brought since it takes out itself, as far as the server says of what it is. JGit's says so only of what
    is above what was asked for [7.8]. A line that stays makes git drop what is behind it once the store is packed, so
    who brings that takes the line out.

What this file does not know: what commits are of, and how the rest comes.
"""

import hashlib
import os
import re
from collections.abc import Generator, Iterable
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from gitcoord.errors import CoordError, StorageError, unwritable
from gitcoord.remote.contract.clocks import Clocks
from gitcoord.remote.contract.object_graph import parents_in
from gitcoord.remote.contract.protocol import Objects, Oid
from gitcoord.remote.http.unfamiliar import UnfamiliarError
from gitcoord.remote.store.cache_locks import remove_if_stale
from gitcoord.remote.store.home_tips import write_whole

LOCK_TRIES: Final = 20
LOCK_LOOK_S: Final = 0.05
WAIT_S: Final = 15.0  # one network timeout
BELIEVED_S: Final = 24 * 3600
_LOCK: Final = "deepen.lock"
_GONE: Final = "left-out-gone"
_BYTES_MAX: Final = 4 << 20  # 100,000 of them
_LINE: Final = re.compile(rb"^[0-9a-f]{40}$", re.MULTILINE)
_GONE_LINE: Final = re.compile(rb"^([0-9a-f]{40}) ([0-9]{1,12}) ([0-9a-f]{12})$", re.MULTILINE)


def key_of(shown_url: str) -> str:
    """Return what tells a remote apart in the files and refs of a store."""
    return hashlib.sha256(shown_url.encode()).hexdigest()[:12]


class Boundaries:
    """Those of one store, whose rest is asked of one remote."""

    def __init__(self, store: Path, clocks: Clocks, shown_url: str) -> None:
        """Read nothing yet."""
        self.store = store
        self._clocks = clocks
        self._key = key_of(shown_url)
        self._path = f"{store}/shallow"
        # When the file was looked at, and what was in it. Replaced as one: several threads look.
        self._seen: tuple[tuple[int, int, int], frozenset[Oid]] | None = None

    def read(self) -> frozenset[Oid]:
        """Return them as they are now."""
        try:
            status = os.stat(self._path)  # noqa: PTH116 - on the way of what is not here
        except OSError:
            return frozenset()
        stamp = (status.st_mtime_ns, status.st_ino, status.st_size)
        seen = self._seen
        if seen is None or seen[0] != stamp:
            self._seen = seen = stamp, self._on_disk()
        return seen[1]

    def _on_disk(self) -> frozenset[Oid]:
        try:
            with Path(self._path).open("rb") as file:
                data = file.read(_BYTES_MAX)
        except OSError:
            return frozenset()
        return frozenset(Oid(line.decode()) for line in _LINE.findall(data))

    def gone(self) -> frozenset[Oid]:
        """Return what was left out and the remote did not have when it was asked, which is believed for a day."""
        return frozenset(oid for oid, key in self._gone() if key == self._key)

    def _gone(self) -> dict[tuple[Oid, str], int]:
        now_s = self._clocks.wall_ns() // 10**9
        try:
            with (self.store / _GONE).open("rb") as file:
                rows = _GONE_LINE.findall(file.read(_BYTES_MAX))
        except OSError:
            return {}
        noted = {(Oid(oid.decode()), key.decode()): int(at_s) for oid, at_s, key in rows}
        return {each: at_s for each, at_s in noted.items() if 0 <= now_s - at_s < BELIEVED_S}

    def note_gone(self, oid: Oid) -> None:
        """Note that the remote does not have what was left out. Called under the lock."""
        noted = {**self._gone(), (oid, self._key): self._clocks.wall_ns() // 10**9}
        with suppress(OSError):  # then it is asked again
            write_whole(self.store / _GONE, "".join(f"{oid} {at_s} {key}\n" for (oid, key), at_s in noted.items()))

    @contextmanager
    def lock(self, wait_s: float = WAIT_S) -> Generator[None]:
        """Be the one of this clone that brings commits with or without their parents.

        Raises:
            UnfamiliarError: another process is at it for too long.
        """
        from filelock import FileLock, Timeout  # seldom needed, and what only reads loads this module

        lock = FileLock(self.store / _LOCK, thread_local=False)
        try:
            lock.acquire(timeout=wait_s)
        except (Timeout, OSError, NotImplementedError):  # the last: a file system without file locks
            raise UnfamiliarError("another process of this clone brings the history", lasts=False) from None
        try:
            yield
        finally:
            lock.release()

    def add(self, oids: Iterable[Oid]) -> None:
        """Note more of them, on disk when this returns; see `_write` for what it raises. Called under the lock."""
        self._write(self._on_disk().union(oids))

    def tidy(self, objects: Objects) -> None:
        """Take out those that are none any more; see `_write` for what it raises. Called under the lock."""
        named = self._on_disk()
        kept = frozenset(oid for oid in named if _is_boundary(objects, oid))
        if kept != named:
            self._write(kept)

    def tidy_soon(self, objects: Objects) -> None:
        """Do it now if no other process is at it; else the next one does."""
        with suppress(UnfamiliarError, StorageError), self.lock(0):
            self.tidy(objects)

    def _write(self, oids: Iterable[Oid]) -> None:
        """Write the file anew.

        Raises:
            UnfamiliarError: git writes the file for too long.
            StorageError: the disk is full or cannot be written.
        """
        lock = f"{self._path}.lock"
        try:
            handle = self._locked(lock)
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write("".join(f"{oid}\n" for oid in sorted(oids)).encode())
                    file.flush()
                    os.fsync(file.fileno())  # a store whose file came out empty is damaged to git
                os.replace(lock, self._path)  # noqa: PTH105 - a name of git's, not a path of ours
            except BaseException:
                with suppress(OSError):
                    os.unlink(lock)  # noqa: PTH108 - as above
                raise
        except OSError as error:
            raise unwritable(f"The repository {str(self.store)!r}", error) from error

    def _locked(self, lock: str) -> int:
        for _ in range(LOCK_TRIES):
            with suppress(FileExistsError):
                return os.open(lock, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
            remove_if_stale(lock, self.store, self._clocks)
            self._clocks.sleep(LOCK_LOOK_S)
        raise UnfamiliarError("git is at what was left out of it", lasts=False)


def _is_boundary(objects: Objects, oid: Oid) -> bool:
    with suppress(CoordError):  # it never came, or went
        return not all(map(objects.has, parents_in(objects.read(oid)[1])))
    return False
