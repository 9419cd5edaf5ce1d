"""The bell: a pipe by which a hook wakes the server of its session at once, instead of at its next look.

    sessions/<id>.bell    open for reading as long as the server lives; a byte means that there is something to do

Where there are no named pipes, or the folder cannot have one, no one rings and the server looks when it is time to.

What this file does not know: what there is to do.
"""

import contextlib
import os
import selectors
import threading
from collections.abc import Generator
from pathlib import Path

_MANY = 4096  # bytes that are taken at once: rung often is rung once


class Bell:
    """One session's bell. Any thread may ring it; one thread waits."""

    def __init__(self, path: Path) -> None:
        """Hang it up; a pipe that a process left behind is taken over."""
        self._path = path
        self._rung = threading.Event()
        self._guard = threading.Lock()
        self._users = 0
        self._is_down = False
        self._handle = _opened(path)

    def wait(self, seconds: float) -> None:
        """Wait until it is rung, or for so long; no longer than until it is taken down."""
        with self._used() as handle:
            if handle is None or self._is_down:
                self._rung.wait(seconds)
                if not self._is_down:
                    self._rung.clear()
            elif _is_readable(handle, seconds):
                with contextlib.suppress(OSError):
                    os.read(handle, _MANY)

    def is_rung(self) -> bool:
        """Whether it was rung and no one has waited since."""
        with self._used() as handle:
            return self._rung.is_set() if handle is None else _is_readable(handle, 0)

    def ring(self) -> None:
        """Wake the thread that waits."""
        with self._used() as handle:
            if handle is None:
                self._rung.set()
                return
            with contextlib.suppress(OSError):  # full: it is being rung
                os.write(handle, b"!")

    def close(self) -> None:
        """Take it down, and wake the thread that waits; the pipe is closed as soon as no thread uses it."""
        with self._used() as handle:
            self._is_down = True
            self._rung.set()
            if handle is not None:
                with contextlib.suppress(OSError):
                    self._path.unlink()
                with contextlib.suppress(OSError):  # full: it is being rung
                    os.write(handle, b"!")

    @contextlib.contextmanager
    def _used(self) -> Generator[int | None]:
        """Keep the pipe open for as long as it is used: its number may be another file's after that."""
        with self._guard:
            self._users += 1
            handle = self._handle
        try:
            yield handle
        finally:
            with self._guard:
                self._users -= 1
                if self._is_down and self._users == 0 and self._handle is not None:
                    os.close(self._handle)
                    self._handle = None


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
