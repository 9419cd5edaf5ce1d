"""The holder of a lock: which process it is, what it runs, and whether it is suspended.

    /proc/locks            1: FLOCK  ADVISORY  WRITE 4711 08:02:1835027 0 EOF
    /proc/4711/fd/…        shows that it is this file: numbers of devices differ there on some file systems
    /proc/4711/stat        4711 (python3) T …

Rules:
  * It is looked at when a process waited in vain, so holding a lock costs nothing.
  * Where the kernel does not tell (not Linux, another container, another user) nothing is said.
  * SEC-2: what it runs is shown without credentials, and shortened.

What this file does not know: what is locked.
"""

import contextlib
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from gitcoord.core.documents.names import shown

_LOCKS_BYTES_MAX = 1 << 20  # ten thousand locks
_STOPPED = frozenset({"T", "t"})  # by a signal, or by a debugger
_LOCK = re.compile(r"\d+: FLOCK +ADVISORY +WRITE +(\d+) +[0-9a-f]+:[0-9a-f]+:(\d+) ")


class LockHolder(NamedTuple):
    """The process that holds a lock."""

    pid: int
    command: str
    is_suspended: bool

    @property
    def sentence(self) -> str:
        """Return who it is, as a part of a sentence."""
        state = ", which is suspended" if self.is_suspended else ""
        return f"process {self.pid} ({shown(self.command)}){state}"

    @property
    def hint(self) -> str:
        """Return what to do about it."""
        if self.is_suspended:
            return f"Let it go on (`kill -CONT {self.pid}`, or `fg` in its terminal) or end it; then try again."
        return f"Try again; if it hangs, end process {self.pid}."


def holder_of(path: Path, proc: Path = Path("/proc")) -> LockHolder | None:
    """Return which process holds the lock of a file, as far as the kernel tells."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        status = path.stat()
        for pid in _pids(proc, status.st_ino):
            folder = proc / str(pid)
            if _has_open(folder, status):
                words = (folder / "cmdline").read_bytes().rstrip(b"\0").split(b"\0")
                state = (folder / "stat").read_text("ascii", "replace").rpartition(")")[2].split()[0]
                return LockHolder(pid, b" ".join(words).decode("utf-8", "replace"), state in _STOPPED)
    return None


def _pids(proc: Path, inode: int) -> Iterator[int]:
    with (proc / "locks").open("rb") as file:
        for pid, number in _LOCK.findall(file.read(_LOCKS_BYTES_MAX).decode("ascii", "replace")):
            if int(number) == inode:
                yield int(pid)


def _has_open(folder: Path, wanted: os.stat_result) -> bool:
    with contextlib.suppress(OSError):
        for handle in (folder / "fd").iterdir():
            with contextlib.suppress(OSError):
                if os.path.samestat(handle.stat(), wanted):
                    return True
    return False
