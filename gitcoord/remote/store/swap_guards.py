"""Guards: how a swap in a shared repository shows that it lives, so that the locks of one that died are taken over.

    <git dir>/gitcoord-swaps/2f         a guard: held by flock for as long as a swap of one of its refs goes on
    <git dir>/gitcoord-swaps/2f.new     the next content of a ref, written by the process that holds the guard
    <git dir>/refs/coord/claims.lock    git's own lock; a hard link of the guard where a swap of ours made it

Rules:
  * Git's own lock alone keeps others out, git included. A guard is only evidence: a lock file that is the guard's inode
    was made by a swap that held the guard; the process that holds the guard now knows that this swap died, and goes on
    with the lock as its own. The kernel frees a guard when its process dies, never when it is only stopped.
  * A lock file that is another inode belongs to git, or to a version without guards: it is never touched.
  * There are no guards where a lock may not hold for all (`mounts`), or where they cannot be made or linked (another
    user's file, a file system without links): a swap then takes git's lock alone, as git does.
  * A guard is never deleted: a process that waits for a deleted file waits in vain.

What this file does not know: refs, or what is swapped.
"""

import errno
import os
import zlib
from collections.abc import Generator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Final

from gitcoord.remote.contract.mounts import is_on_own_disk, read_mounts

try:
    import fcntl
except ImportError:  # no flock on this system
    fcntl = None

FOLDER: Final = "gitcoord-swaps"
_COUNT: Final = 64  # a few hundred refs of live clones share them; two refs of one guard only wait for each other
_UNLINKABLE: Final = frozenset({errno.EPERM, errno.EACCES, errno.EXDEV, errno.EMLINK, errno.EOPNOTSUPP, errno.ENOSYS})


class GuardHeldError(Exception):
    """A swap of another process, which goes on or is stopped, holds the guard."""

    def __init__(self, pid: int | None) -> None:
        """Keep the number that the holder wrote; in another pid namespace it means another process."""
        super().__init__(pid)
        self.pid = pid


class Guard:
    """One guard, held."""

    def __init__(self, path: str, status: os.stat_result) -> None:
        """Remember which file it is."""
        self.draft = f"{path}.new"
        self._path = path
        self._inode = (status.st_dev, status.st_ino)

    def made(self, lock: str) -> bool:
        """Whether a lock file is of a swap that held this guard before us, and so of one that died."""
        try:
            status = os.lstat(lock)
        except OSError:
            return False
        return (status.st_dev, status.st_ino) == self._inode

    def link(self, lock: str) -> bool:
        """Make a lock file; return False where this guard cannot be linked.

        Raises:
            OSError: it cannot be made for another reason: `FileExistsError` where it is taken.
        """
        try:
            os.link(self._path, lock)
        except OSError as error:
            if error.errno in _UNLINKABLE:
                return False
            raise
        return True


class SwapGuards:
    """The guards of one git directory."""

    def __init__(self, git_dir: Path) -> None:
        """Make nothing yet."""
        self._git_dir = git_dir
        self._refs = f"{git_dir}/refs"
        self._folder = f"{git_dir}/{FOLDER}"

    def path_of(self, name: str) -> str:
        """Return the file of a ref's guard."""
        return f"{self._folder}/{zlib.crc32(name.encode()) % _COUNT:02x}"

    @contextmanager
    def held(self, path: str) -> Generator[Guard | None]:
        """Hold a guard, or none where it cannot be held.

        Raises:
            GuardHeldError: another process holds it.
        """
        handle = self._open(path)
        if fcntl is None or handle is None:
            yield None
            return
        try:
            yield Guard(path, os.fstat(handle)) if _locks(handle) else None
        finally:
            with suppress(OSError):
                fcntl.flock(handle, fcntl.LOCK_UN)  # a child that is being started has a copy of the handle
            os.close(handle)

    def is_left(self, lock: str) -> bool:
        """Whether a lock file is of a swap of ours that died, so that the next swap there takes it over.

        Raises:
            GuardHeldError: the swap goes on, or its process is stopped.
        """
        with self._held_for(lock) as guard:
            return guard is not None and guard.made(lock)

    def clear(self, lock: str) -> None:
        """Remove a lock file of a swap of ours that died: git, which knows no guards, would wait for it for ever."""
        if os.path.lexists(lock):
            with suppress(GuardHeldError, OSError), self._held_for(lock) as guard:
                if guard and guard.made(lock):
                    os.unlink(lock)

    def _held_for(self, lock: str) -> AbstractContextManager[Guard | None]:
        return self.held(self.path_of(os.path.relpath(lock, self._git_dir).removesuffix(".lock")))

    def _open(self, path: str) -> int | None:
        flags = os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW
        try:
            with suppress(FileNotFoundError):
                return os.open(path, flags)
            mode = os.stat(self._refs).st_mode
            with suppress(FileExistsError):
                os.mkdir(self._folder)
                os.chmod(self._folder, mode & 0o7777)
            handle = os.open(path, flags | os.O_CREAT, 0o600)
            # Who may write refs may link and lock the guard; Linux refuses links of files that one may not write.
            os.fchmod(handle, 0o444 | mode & 0o222)
        except OSError:
            return None
        return handle


def _locks(handle: int) -> bool:
    """Take the lock of an open guard and leave our number; return False where the file system has no locks."""
    if fcntl is None:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise GuardHeldError(_pid_in(handle)) from None
    except OSError:
        return False
    os.pwrite(handle, b"%-20d\n" % os.getpid(), 0)  # also makes the lock as young as it is
    return True


def _pid_in(handle: int) -> int | None:
    with suppress(OSError, ValueError):
        return int(os.pread(handle, 20, 0))
    return None


def guards_of(git_dir: Path) -> SwapGuards | None:
    """Return the guards of a repository on a disk of this machine, else none."""
    return SwapGuards(git_dir) if is_on_own_disk(git_dir, read_mounts()) else None
