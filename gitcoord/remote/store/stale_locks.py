"""Lock files of refs that a process left behind: how long a swap waits for one, and when one is removed by its age.

    <git dir>/refs/coord/claims.lock    taken by a swap of ours, or by git, for milliseconds
    <git dir>/packed-refs.lock          taken to remove a ref that is packed, and by `git pack-refs`

Rules:
  * Where others swap, too (a remote on a path), no lock is removed because of its age: no one can tell a process that
    died from one that is stopped (a machine that sleeps, a frozen container), and one that goes on writes into the ref
    of the process that took the lock since. That of a swap of ours shows by its guard (`swap_guards`); any other is
    waited for, then named.
  * In the clone's own store a ref's lock is removed that stays the same for OWN_WAIT_S: who swaps there holds the
    clone's lock, so a swap of ours has died. The wait is for a person's `git gc` in there.
  * `packed-refs.lock` of a home is named, too: only a person packs there. That of a cache, which a fetch that was
    killed leaves (it prunes), is removed when it was older than STALE_LOCK_S at a first look and is the same file
    LOCK_WAIT_S later (`cache_locks`): the refs there are copies, and what a fetch that was only stopped does to them,
    the next one repairs.
  * What cannot be removed is waited for and named, as one that is in use.

What this file does not know: what is swapped.
"""

import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

from gitcoord.remote.contract.clocks import Clocks
from gitcoord.remote.store.ref_locks import PACKED_LOCK

LOCK_WAIT_S: Final = 1.0  # git itself waits up to 1 s for `packed-refs` (core.packedRefsTimeout)
LOCK_PAUSE_S: Final = 0.004  # the mean of the first pause; a swap holds its locks for about 2 ms on ext4
# A try costs 20 µs. Of a lock taken for 4 ms and free for 0.5, a swap took 53 ms at 0.1 s here, and 7 ms at this.
LOCK_PAUSE_MAX_S: Final = 0.02
OWN_WAIT_S: Final = 0.2  # git holds the lock of one ref for less than a millisecond while it packs
STALE_LOCK_S: Final = 60.0  # the slowest swap measured took 0.2 s


class LockFile(NamedTuple):
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


def remove_same(seen: LockFile) -> bool:
    """Remove a lock file unless it is another by now; tell whether it is gone."""
    if look_at(seen.path) != seen:
        return False
    with suppress(OSError):
        os.unlink(seen.path)  # noqa: PTH108 - paths are strings here, as libgit2 says them
        return True
    return False


class LockWaits:
    """What one swap does about the locks that it meets."""

    def __init__(self, clocks: Clocks, *, own_store: bool) -> None:
        """Begin to wait now."""
        self._clocks = clocks
        self._own_store = own_store
        self._deadline = clocks.monotonic() + LOCK_WAIT_S
        self._pause_s = LOCK_PAUSE_S
        self._first: dict[str, tuple[LockFile, float]] = {}

    def goes_on(self, path: str) -> bool:
        """Remove the lock that was met if no process owns it, or wait a moment; tell whether to try again."""
        if self._removes(path):
            # A swap that died leaves the locks of all its refs.
            self._deadline = self._clocks.monotonic() + LOCK_WAIT_S
            return True
        if self._clocks.monotonic() >= self._deadline:
            return False
        self._clocks.sleep(2 * self._pause_s * self._clocks.jitter())
        self._pause_s = min(2 * self._pause_s, LOCK_PAUSE_MAX_S)
        return True

    def is_stale(self, path: str) -> bool:
        """Whether the lock is so old that a process must have left it, or is stopped."""
        seen = look_at(path)
        return seen is not None and seen.age_s(self._clocks.wall_ns()) > STALE_LOCK_S

    def _removes(self, path: str) -> bool:
        if not self._own_store or path.endswith(f"/{PACKED_LOCK}"):
            return False
        seen, now_s = look_at(path), self._clocks.monotonic()
        if seen is None:
            return False
        first, since_s = self._first.get(path, (None, now_s))
        if first != seen:
            self._first[path] = (seen, now_s)
            return False
        return now_s - since_s >= OWN_WAIT_S and remove_same(seen)


def left_in(git_dir: Path, namespace: str) -> list[LockFile]:
    """Return the lock files of refs of a namespace, and that of the packed refs, whichever process has them."""
    folder = git_dir / namespace
    paths = [*folder.rglob("*.lock"), folder.with_name(f"{folder.name}.lock"), git_dir / PACKED_LOCK]
    return [found for path in paths if (found := look_at(str(path))) is not None]
