"""The bell: a pipe by which a hook wakes the server of its session at once, instead of at its next look.

    sessions/<id>.bell    open for reading as long as the server lives; a byte means that there is something to do

Where there are no named pipes, or the folder cannot have one, nobody rings and the server looks when it is time to.

What this file does not know: what there is to do.
"""

import contextlib
import os
import selectors
import threading
from pathlib import Path

_MANY = 4096  # bytes that are taken at once: rung often is rung once


class Bell:
    """One session's bell. Any thread may ring it; one thread waits."""

    def __init__(self, path: Path) -> None:
        """Hang it up; a pipe that a process left behind is taken over."""
        self._path = path
        self._rung = threading.Event()
        self._handle = _opened(path)

    def wait(self, seconds: float) -> None:
        """Wait until it is rung, or for so long."""
        if self._handle is None:
            self._rung.wait(seconds)
            self._rung.clear()
            return
        if _is_readable(self._handle, seconds):
            with contextlib.suppress(OSError):
                os.read(self._handle, _MANY)

    def is_rung(self) -> bool:
        """Whether somebody has rung and nobody has waited since."""
        if self._handle is None:
            return self._rung.is_set()
        return _is_readable(self._handle, 0)

    def ring(self) -> None:
        """Wake who waits."""
        if self._handle is None:
            self._rung.set()
            return
        with contextlib.suppress(OSError):  # full: it is being rung
            os.write(self._handle, b"!")

    def close(self) -> None:
        """Take it down. Whoever still waits for it waits for the end of its time."""
        if self._handle is not None:
            with contextlib.suppress(OSError):
                self._path.unlink()


def _is_readable(handle: int, seconds: float) -> bool:
    with selectors.DefaultSelector() as selector:  # not select(): a process may have more than 1,024 files open
        selector.register(handle, selectors.EVENT_READ)
        return bool(selector.select(seconds))


def ring(folder: Path, session: str) -> None:
    """Ring the bell of another session, if it has one that is heard."""
    if not session or "/" in session or not hasattr(os, "O_NONBLOCK"):
        return
    with contextlib.suppress(OSError):
        handle = os.open(folder / f"{session}.bell", os.O_WRONLY | os.O_NONBLOCK)
        try:
            os.write(handle, b"!")
        finally:
            os.close(handle)


def _opened(path: Path) -> int | None:
    """Open a pipe for both directions: then it has a reader until we close it, and never an end."""
    if not hasattr(os, "mkfifo"):
        return None
    try:
        with contextlib.suppress(FileNotFoundError):
            path.unlink()
        os.mkfifo(path)
        return os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
