"""Lock files of refs: how long a swap waits for one, and when one that a dead process left behind is removed.

    <git dir>/refs/coord/claims.lock    taken by a swap of ours, or by git, for milliseconds
    <git dir>/packed-refs.lock          taken to remove a ref that is packed, and by `git pack-refs`
    <git dir>/gitcoord.lock             the guard (file lock) of whoever removes one of the others

Rules:
  * In the clone's own store a ref's lock that is met has no owner: who swaps there holds the clone's lock. It is
    removed at once. `packed-refs.lock` may be git's (a fetch that prunes); it is removed after LOCK_WAIT_S.
  * Elsewhere a lock is removed when it was older than STALE_LOCK_S at a first look, and is the same file LOCK_WAIT_S
    later by the monotonic clock. One look is not enough: after a machine slept, the lock of a swap that goes on at
    this very moment looks hours old, and a clock may be wrong by minutes.
  * Of several that remove at once, the guard lets one at it, which looks again: a lock that somebody made since is
    another file. What is then taken away by renaming is looked at once more, and put back if it is another after
    all: its owner would have had to end, and a third to begin, between two system calls.
  * What cannot be removed is waited for and named, as one that is in use.

This module must not know what is swapped.
"""

import os
import stat
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout

from gitcoord.remote.waiting import Waiting

LOCK_WAIT_S: Final = 1.0  # git itself waits up to 1 s for `packed-refs` (core.packedRefsTimeout)
LOCK_PAUSE_S: Final = 0.004  # the mean of the first pause; a swap holds its locks for about 2 ms on ext4
STALE_LOCK_S: Final = 60.0  # the slowest swap measured took 0.2 s
PACKED_LOCK: Final = "packed-refs.lock"


@dataclass(frozen=True, slots=True)
class LockFile:
    """One lock file, as it was seen: another of the same name has another inode or time."""

    path: str
    inode: int
    modified_ns: int

    def age_s(self, now_ns: int) -> float:
        """Return how old it is, by the wall clock."""
        return (now_ns - self.modified_ns) / 1e9


def look_at(path: str) -> LockFile | None:
    """Return the lock file at a path; `None` if there is none, or something that no process of ours or git made."""
    try:
        status = os.lstat(path)
    except OSError:
        return None
    return LockFile(path, status.st_ino, status.st_mtime_ns) if stat.S_ISREG(status.st_mode) else None


def remove(seen: LockFile, git_dir: Path) -> bool:
    """Remove a lock file that nobody owns, unless it is another by now; tell whether it is gone."""
    try:
        with FileLock(git_dir / "gitcoord.lock", timeout=0):
            return look_at(seen.path) == seen and _take_away(seen, f"{git_dir}/gitcoord-left.lock")
    except (OSError, Timeout, NotImplementedError):  # the last: a file system without file locks
        return False


def _take_away(seen: LockFile, aside: str) -> bool:
    """Rename and look before it is removed. `aside` is outside refs/, where it would be taken for a ref."""
    os.rename(seen.path, aside)  # noqa: PTH104 - paths are strings here, as libgit2 says them
    taken = look_at(aside)
    is_it = taken is not None and (taken.inode, taken.modified_ns) == (seen.inode, seen.modified_ns)
    if not is_it:
        with suppress(FileExistsError):
            os.link(aside, seen.path)
    os.unlink(aside)  # noqa: PTH108 - as above
    return is_it


def remove_if_stale(path: str, git_dir: Path, waiting: Waiting) -> bool:
    """Remove a lock file that is older than STALE_LOCK_S now and after a wait; tell whether it is gone."""
    seen = look_at(path)
    if seen is None or seen.age_s(waiting.wall_ns()) <= STALE_LOCK_S:
        return False
    waiting.sleep(LOCK_WAIT_S)
    return remove(seen, git_dir)


class LockWaits:
    """What one swap does about the locks that it meets."""

    def __init__(self, git_dir: Path, waiting: Waiting, *, own_store: bool) -> None:
        """Begin to wait now."""
        self._git_dir = git_dir
        self._waiting = waiting
        self._own_store = own_store
        self._deadline = waiting.monotonic() + LOCK_WAIT_S
        self._pause_s = LOCK_PAUSE_S
        self._first: dict[str, tuple[LockFile, float, bool]] = {}
        self._removed: set[str] = set()

    def goes_on(self, path: str) -> bool:
        """Remove the lock that was met if nobody owns it, or wait a moment; tell whether to try again."""
        if path not in self._removed and self._removes(path):
            self._removed.add(path)
            self._deadline = (
                self._waiting.monotonic() + LOCK_WAIT_S
            )  # a swap that died leaves the locks of all its refs
            return True
        if self._waiting.monotonic() >= self._deadline:
            return False
        self._waiting.sleep(2 * self._pause_s * self._waiting.jitter())
        self._pause_s = min(2 * self._pause_s, LOCK_WAIT_S / 10)
        return True

    def is_stale(self, path: str) -> bool:
        """Whether the lock is so old that a process must have left it."""
        seen = look_at(path)
        return seen is not None and seen.age_s(self._waiting.wall_ns()) > STALE_LOCK_S

    def _removes(self, path: str) -> bool:
        seen = look_at(path)
        if seen is None:
            return False
        if self._own_store and not path.endswith(f"/{PACKED_LOCK}"):
            with suppress(OSError):
                os.unlink(path)  # noqa: PTH108 - as above
                return True
        now_s = self._waiting.monotonic()
        first, since_s, was_left = self._first.get(path, (None, now_s, False))
        if first != seen:
            self._first[path] = (seen, now_s, self._own_store or self.is_stale(path))
            return False
        return was_left and now_s - since_s >= LOCK_WAIT_S and remove(seen, self._git_dir)
