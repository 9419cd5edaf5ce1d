"""Locks of files: who holds one lives. The kernel frees it when its process ends, however that ends.

Rules:
  * Alive is who holds a lock, never who has a process id: agents in containers that mount one folder have ids of
    their own, and ids are given again.
  * No holder counts as dead because a file system has no locks.
  * A look takes a shared lock where there is such a thing, so that two looks do not see each other.

What this file does not know: what is locked.
"""

import contextlib
import errno
import os
import sys
from collections.abc import Callable
from pathlib import Path

from gitcoord.ledger.clone import files

hold: Callable[[int], None] | None


def _taken_by_library(path: files.StrPath) -> Callable[[], None] | None:
    from filelock import FileLock, Timeout

    lock = FileLock(path, timeout=0, thread_local=False)
    try:
        lock.acquire()
    except Timeout:
        return None
    return lock.release


if sys.platform == "win32":
    from filelock import FileLock, Timeout

    take = _taken_by_library
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
        except OSError:
            return unsure
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:
            return unsure
        finally:
            os.close(handle)
        return False

    def take(path: files.StrPath) -> Callable[[], None] | None:
        """Take the lock of a file, which is made if need be; return what frees it, or `None` while another has it.

        It is filelock's lock, which takes a hundred times as long to take and to free: 0.2 ms.

        Raises:
            OSError: it cannot be made.
        """
        flags = os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
        try:
            handle, is_made = os.open(path, flags), False
        except FileNotFoundError:
            try:
                handle, is_made = os.open(path, flags | os.O_CREAT | os.O_EXCL, 0o644), True
            except FileExistsError:
                return None
        is_ours = False
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # A folder that was deleted and made again has another file by that name, which others lock.
            is_ours = os.fstat(handle).st_nlink > 0
        except OSError as error:
            if error.errno == errno.ENOSYS:  # the library knows what to do without; a file there is a lock to it
                if is_made:
                    Path(path).unlink()
                return _taken_by_library(path)
            if error.errno not in (errno.EACCES, errno.EAGAIN):
                raise
        finally:
            if not is_ours:
                os.close(handle)

        def free() -> None:
            fcntl.flock(handle, fcntl.LOCK_UN)  # also for a child that is about to run another program
            os.close(handle)

        return free if is_ours else None

    def _hold(handle: int) -> None:
        """Hold the lock of an open file until it is closed; where the file system has none, it proves nothing."""
        with contextlib.suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)

    hold = _hold
