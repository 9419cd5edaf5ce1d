"""One session of ssh: a service of git at the other end, asked in packets, each answer up to its flush.

Rules:
  * Writing and reading go on at the same time, so that neither side waits for the other for ever.
  * SEC-4: an answer has a size. What the other end complains of is kept up to a bound.
  * A session that is not asked ends by itself, so that none waits at the server for ever, and so does a forgotten one.

What this file does not know: what is asked.
"""

import os
import selectors
import subprocess
import threading
import weakref
from collections.abc import Callable
from contextlib import suppress
from typing import IO, Final, cast

from gitcoord.errors import CoordError
from gitcoord.remote.contract.time_left import TimeLeft
from gitcoord.remote.http.unfamiliar import UnfamiliarError
from gitcoord.remote.ssh.ssh_process import ended, failure

_READ_BYTES: Final = 64 * 1024
_COMPLAINT_BYTES: Final = 64 * 1024
_FLUSH: Final = b"0000"
_SIZE_MIN: Final = 4
_END_S: Final = 1.0  # between the end of its output and its own


class SshSession:
    """A session that was begun.

    Attributes:
        is_fresh: it was begun for the call that asks now.
        end: ends it; what is called then is in `at_end`.
    """

    def __init__(self, process: "subprocess.Popen[bytes]", shown: str, waits_s: float) -> None:
        """Take over a process with three pipes. `shown`: the remote; `waits_s`: how long it is kept for a question."""
        self._process = process
        self._shown = shown
        self._in, self._out, self._errors = (
            cast("IO[bytes]", pipe) for pipe in (process.stdin, process.stdout, process.stderr)
        )
        for pipe in (self._in, self._out, self._errors):
            os.set_blocking(pipe.fileno(), False)
        self._heard = bytearray()
        self._start = 0  # of the first packet that was not looked at
        self._complaint = bytearray()
        self._is_over = False
        self._waiting = memoryview(b"")
        self.is_fresh = True
        self.at_end: list[Callable[[], object]] = [lambda: ended(process)]
        self.end = weakref.finalize(self, _end, self.at_end)
        self._timer: threading.Timer | None = None
        self.wait(waits_s)

    def wait(self, waits_s: float | None) -> None:
        """Keep it for a question for so long from now; `None`: one is on its way."""
        if self._timer is not None:
            self._timer.cancel()
            self.at_end.remove(self._timer.cancel)
        self._timer = None
        if waits_s is not None and self.end.alive:
            self._timer = threading.Timer(waits_s, self.end)
            self._timer.daemon = True
            self.at_end.append(self._timer.cancel)
            self._timer.start()

    def is_open(self) -> bool:
        """Whether the other end waits, as far as is known here."""
        with suppress(BlockingIOError):
            while self.end.alive and not self._is_over and len(self._heard) < _READ_BYTES:
                self._take(self._out)
        return self.end.alive and not self._is_over

    def answer(self, left: TimeLeft, bytes_max: int, sent: bytes = b"") -> bytes:
        """Send packets, and return those that come back, with their flush.

        Raises:
            UnfamiliarError: it does not answer in packets, or in too many.
            CoordError: the session ended before, or takes too long. What was sent may have arrived.
        """
        if sent:
            self.wait(None)
        self._waiting = memoryview(sent)
        with selectors.DefaultSelector() as selector:
            for pipe in (self._out, self._errors):
                selector.register(pipe, selectors.EVENT_READ)
            if sent:
                selector.register(self._in, selectors.EVENT_WRITE)
            while not (whole := self._whole()):
                if len(self._heard) > bytes_max:
                    raise UnfamiliarError("its answer is too large", lasts=False)
                if self._is_over:
                    raise self._broken(left)
                for key, _ in selector.select(left.wait_s()):
                    pipe = cast("IO[bytes]", key.fileobj)
                    if not (self._give() if pipe is self._in else self._take(pipe)):
                        selector.unregister(pipe)
        return whole

    def _give(self) -> bool:
        """Send on; tell whether anything is left."""
        with suppress(BlockingIOError):
            try:
                self._waiting = self._waiting[os.write(self._in.fileno(), self._waiting[:_READ_BYTES]) :]
            except BrokenPipeError:  # the other end has gone; what it said may tell why
                return False
        return len(self._waiting) > 0

    def _take(self, pipe: IO[bytes]) -> bool:
        """Read what is there; tell whether more may come."""
        data = os.read(pipe.fileno(), _READ_BYTES)
        if pipe is self._out:
            self._heard += data
            self._is_over = not data
        else:
            self._complaint += data[: max(_COMPLAINT_BYTES - len(self._complaint), 0)]
        return bool(data)

    def _whole(self) -> bytes:
        """Take the packets up to a flush out of what was heard; nothing as long as it has not come."""
        heard = self._heard
        while len(heard) >= self._start + _SIZE_MIN:
            digits = bytes(heard[self._start : self._start + _SIZE_MIN])
            try:
                size = int(digits, 16)
            except ValueError:
                raise UnfamiliarError("it does not answer in git's packets") from None
            self._start += max(size, _SIZE_MIN)
            if digits == _FLUSH:
                whole = bytes(heard[: self._start])
                del heard[: self._start]
                self._start = 0
                return whole
        return b""

    def _broken(self, left: TimeLeft) -> CoordError:
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(min(_END_S, left.whole_s()))
        with suppress(BlockingIOError):
            while self._take(self._errors):
                pass
        said = bytes(self._heard[_SIZE_MIN:])
        if said.startswith(b"ERR "):
            return UnfamiliarError(f"it says {said[4:204].decode('utf-8', 'replace').strip()!r}", lasts=False)
        return failure(self._process.poll(), bytes(self._complaint), self._shown)


def _end(at_end: list[Callable[[], object]]) -> None:
    for each in [*at_end]:
        each()
