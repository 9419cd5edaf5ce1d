"""Sees to it that the repository of a home store follows its journal: within a second, and at the end of the process.

Rules:
  * One thread for all stores of a process, begun at the first swap. It holds no lock while it waits, and keeps no
    process alive.
  * What cannot be done (a full disk, a folder that was deleted) stays in the journal, which is the truth. It is tried
    again after the next swap, by any process.

What this file does not know: what a swap is.
"""

import atexit
import os
import threading
from contextlib import suppress
from pathlib import Path
from typing import Final

from gitcoord.errors import CoordError
from gitcoord.remote.contract.clocks import Clocks
from gitcoord.remote.store.write_out import write_out

DELAY_S: Final = 0.5  # after the first swap that waits; plain git is to be at most a second behind


class IdleWriter:
    """The thread of one process, with what waits for it."""

    def __init__(self, clocks: Clocks) -> None:
        """Begin nothing yet."""
        self._clocks = clocks
        self._guard = threading.Lock()
        self._waiting: set[Path] = set()
        self._rung = threading.Event()
        self._pid = 0

    def note(self, folder: Path) -> None:
        """Write out soon what waits in the journal in a clone's folder."""
        if folder in self._waiting and self._pid == os.getpid():
            return
        with self._guard:
            self._waiting.add(folder)
            if self._pid != os.getpid():  # the first, or a process that was forked: it has no thread of ours
                self._pid = os.getpid()
                threading.Thread(target=self._run, name="gitcoord-write-out", daemon=True).start()
                atexit.register(self._finish, self._pid)
        self._rung.set()

    def _run(self) -> None:
        while True:
            self._rung.wait()
            self._rung.clear()
            threading.Event().wait(DELAY_S)
            self._write_all(0)

    def _finish(self, pid: int) -> None:
        if pid == os.getpid():
            self._write_all(1)

    def _write_all(self, wait_s: float) -> None:
        with self._guard:
            folders, self._waiting = self._waiting, set()
        for folder in folders:
            with suppress(OSError, CoordError):
                if (folder / "store.git" / "refs").is_dir():
                    write_out(folder, self._clocks, wait_s=wait_s)
