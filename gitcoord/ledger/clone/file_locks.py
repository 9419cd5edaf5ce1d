"""Locks of files: who holds one lives. The kernel frees it when its process ends, however that ends.

Rules:
  * Alive is who holds a lock, never who has a process id: agents in containers that mount one folder have ids of
    their own, and ids are given again.
  * No holder counts as dead because a file system has no locks.
  * A look takes a shared lock where there is such a thing, so that two looks do not see each other.

What this file does not know: what is locked.
"""

import contextlib
import os
import sys
from collections.abc import Callable

from gitcoord.ledger.clone import files

hold: Callable[[int], None] | None
if sys.platform == "win32":
    from filelock import FileLock, Timeout

    hold = None  # a file that is open cannot be renamed there, so no holder is judged by the lock of one

    def is_held(path: files.StrPath, *, unsure: bool = True) -> bool:
        """Whether a process holds the lock; two who look at once may see each other."""
        lock = FileLock(path, timeout=0, thread_local=False)
        try:
            lock.acquire()
        except Timeout:
            return True
        except OSError:
            return unsure
        lock.release()
        return False


else:
    import fcntl

    def is_held(path: files.StrPath, *, unsure: bool = True) -> bool:
        """Whether a process holds the lock (filelock takes an exclusive flock); `unsure` if that is unknown."""
        try:
            handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:
            return unsure
        finally:
            os.close(handle)
        return False

    def _hold(handle: int) -> None:
        """Hold the lock of an open file until it is closed; where the file system has none, it proves nothing."""
        with contextlib.suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)

    hold = _hold
