"""A socket that is used by `http.client`, whose every read and write ends at one moment.

A timeout of the socket alone begins anew with every byte, so a server that sends one now and then is never over.

SEC-4: how much is read of one answer has a bound; `http.client` reads a chunk of size -1 up to the end.

This module must not read a clock itself, nor know what is sent.
"""

import io
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from gitcoord.remote.http.unfamiliar import UnfamiliarError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_HEAD_BYTES: Final = 64 * 1024
_WRITE_BYTES: Final = 256 * 1024  # TLS packs a whole write at once; the time is looked at between two


class TimedSocket:
    """A connected socket.

    Attributes:
        wait_s: says how long the next wait may be, and raises where no time is left.
        bytes_left: how much may still be read.
    """

    def __init__(self, connected: socket.socket, wait_s: Callable[[], float]) -> None:
        """Take over a socket."""
        self.plain = connected
        self.wait_s = wait_s
        self.bytes_left = _HEAD_BYTES
        self._files = 0
        self._is_closed = False

    def sendall(self, data: bytes) -> None:
        """Send all, or raise."""
        view = memoryview(data)
        while view:
            self.plain.settimeout(self.wait_s())
            try:
                view = view[self.plain.send(view[:_WRITE_BYTES]) :]
            except TimeoutError:
                continue  # whether any is left `wait_s` says

    def makefile(self, _mode: str) -> io.BufferedReader:
        """Return what an answer is read from; it closes nothing that is still in use."""
        self._files += 1
        return io.BufferedReader(_Reading(self))

    def close(self) -> None:
        """Close it, once no answer is read from it any more."""
        self._is_closed = True
        self._close_if_unused()

    def let_go(self) -> None:
        """Count one reader less."""
        self._files -= 1
        self._close_if_unused()

    def _close_if_unused(self) -> None:
        if self._is_closed and self._files <= 0:
            self.plain.close()


class _Reading(io.RawIOBase):
    def __init__(self, of: TimedSocket) -> None:
        self._of = of

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        while True:
            self._of.plain.settimeout(self._of.wait_s())
            try:
                count = self._of.plain.recv_into(buffer)
            except TimeoutError:
                continue  # whether any is left `wait_s` says
            self._of.bytes_left -= count
            if self._of.bytes_left < 0:
                raise UnfamiliarError("its answer is too large", lasts=False)
            return count

    def close(self) -> None:
        if not self.closed:
            self._of.let_go()
        super().close()
