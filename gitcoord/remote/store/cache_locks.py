"""The lock of a cache's packed refs that a killed fetch left: removed by its age, as `stale_locks` says.

    <store>/gitcoord.lock    the guard (file lock) of the process that removes the store's packed-refs.lock

Apart from `stale_locks`, since hooks of git have no time to load a library.
"""

from pathlib import Path

from filelock import FileLock, Timeout

from gitcoord.remote.contract.clocks import Clocks
from gitcoord.remote.store.stale_locks import LOCK_WAIT_S, STALE_LOCK_S, look_at, remove_same


def remove_if_stale(path: str, store: Path, clocks: Clocks) -> bool:
    """Remove a lock file of a cache that is older than STALE_LOCK_S now and after a wait; tell whether it is gone."""
    seen = look_at(path)
    if seen is None or seen.age_s(clocks.wall_ns()) <= STALE_LOCK_S:
        return False
    clocks.sleep(LOCK_WAIT_S)
    try:
        with FileLock(store / "gitcoord.lock", timeout=0):  # of several that remove at once, one does
            return remove_same(seen)
    except (OSError, Timeout, NotImplementedError):  # the last: a file system without file locks
        return False
