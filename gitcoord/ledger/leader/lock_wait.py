"""A note that the holder of the clone's lock waits for a remote, so that processes that wait for the lock can say so.

    <folder>/asking    "<pid> <seconds since the epoch>", locked by the holder of the clone's lock while it may wait

Rules:
  * A note counts while its lock is held: the kernel frees that when the holder ends, however it ends (`file_locks`).
  * A holder that is suspended does not wait for the remote (`lock_holder`), nor does one that asks for longer than any
    may, where the kernel does not tell.
  * Nothing is decided by it; it is the cause that a waiter's error names.

What this file does not know: what is asked.
"""

import os
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gitcoord.errors import ContendedError, CoordError, UnreachableError
from gitcoord.ledger.clone import file_locks, files
from gitcoord.ledger.clone.host import Host
from gitcoord.ledger.clone.lock_holder import holder_of
from gitcoord.ledger.leader.lead_time import FIND_OUT_S, LEAD_S
from gitcoord.remote.contract.deadline import UNANSWERED_S

STOPPED_S = LEAD_S + 2 * FIND_OUT_S  # no holder waits for longer, with room for a busy machine
_NOTE_BYTES_MAX = 64


@dataclass(slots=True)
class Asking:
    """The note of one clone, as one process writes and reads it."""

    folder: Path
    host: Host
    _handle: int = -1

    @contextmanager
    def noted(self) -> Generator[None]:
        """Note, within the block, that this process holds the clone's lock and asks the remote."""
        if file_locks.hold is None:  # where an open file cannot be judged by its lock
            yield
            return
        try:
            self._handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        except OSError:  # a disk that cannot be written must not decide what becomes of a command
            yield
            return
        file_locks.hold(self._handle)
        self.answered()
        try:
            yield
        finally:
            files.close(self._handle)
            self._handle = -1

    def answered(self) -> None:
        """Note that the remote has just answered, and is asked again."""
        if self._handle >= 0:
            note = f"{self.host.pid} {self.host.now().timestamp():.3f}".encode().ljust(_NOTE_BYTES_MAX)
            os.pwrite(self._handle, note, 0)

    def cause(self, waited_s: float, lock: Path) -> CoordError:
        """Say why a lock was not free for so long."""
        holder, (pid, since_s) = holder_of(lock), self._by_another() or (0, 0.0)
        is_stopped = holder.is_suspended if holder else since_s >= STOPPED_S
        if since_s >= UNANSWERED_S and not is_stopped:
            text = f"The remote has not answered process {pid} of this clone for {since_s:.0f} s"
            return UnreachableError(f"{text}, which holds the lock meanwhile; nothing was sent.", hint=AWAY_HINT)
        who = f": {holder.sentence}" if holder else f": process {pid}" if pid else ""
        message = f"Another process of this clone held the lock for all of {waited_s:.0f} s{who}; nothing was changed."
        return ContendedError(message, hint=holder.hint if holder else "Try again; or look for a process that hangs.")

    def _by_another(self) -> tuple[int, float] | None:
        """Return which process asks, and for how long it has had no answer."""
        if not file_locks.is_held(self._path, unsure=False):
            return None
        try:
            with Path(self._path).open("rb") as file:
                pid, at = file.read(_NOTE_BYTES_MAX).decode("ascii").split()
            return int(pid), self.host.now().timestamp() - float(at)
        except (OSError, ValueError):
            return None

    @property
    def _path(self) -> str:
        return f"{self.folder}/asking"


AWAY_HINT = "Check the network and the remote (`gitcoord doctor`), then make the same call again."
