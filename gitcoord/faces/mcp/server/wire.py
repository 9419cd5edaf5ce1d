"""The wire: lines of JSON on the standard input and output that the server was started with.

While the server runs, descriptor 0 is empty and descriptor 1 is the standard error, so that neither a child process
nor a stray `print` can disturb the protocol. Standard library only: the front uses it.

Rules:
  * A line costs what it is long, however small the pieces are in which it comes; of one over LINE_BYTES_MAX only the
    beginning and the end are kept, and its request gets an error.
  * Lines are written whole, in the order in which they were sent. To send one never waits for the reader: who sends may
    hold a lock, or be the thread that sees a signal and the end of the input. What the pipe does not take at once, a
    thread writes.

Signals end the reading. They come as a byte in a pipe that the reader waits for as well, not as an exception: a handler
runs between two instructions of Python, so one that comes just before a blocking read would be seen after it.
"""

import json
import os
import re
import select
import signal
import threading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

_CHUNK_BYTES = 1 << 16
LINE_BYTES_MAX = 16 << 20  # twice the largest command that the ledger takes, for what JSON escapes
_KEPT_BYTES = 1024  # of either end of a longer line: clients write the id of a request first or last
_ID = re.compile(
    rb'\A\s*\{\s*"jsonrpc":\s*"2\.0",\s*"id":\s*(\d{1,15}|"[^"\\]*")|"id":\s*(\d{1,15}|"[^"\\]*")\s*\}\s*\Z'
)
PAUSE_MS = 50  # Clients that were watched send their whole opening within 10 ms.


class Wire:
    """Reads lines in one thread; writes lines from any."""

    def __init__(self, source: int, target: int, interrupts: int) -> None:
        self._source = source
        self._target = target
        self._interrupts = interrupts
        self._writable = select.poll()
        self._writable.register(target, select.POLLOUT)
        self._written = threading.Condition()  # guards what follows
        self._unwritten = bytearray()
        self._is_behind = False  # whether a thread writes it
        self.interrupted = False

    @classmethod
    def claim(cls) -> "Wire":
        """Take the standard input and output for the protocol alone, and signals for their end."""
        interrupts, woken = os.pipe()
        os.set_blocking(woken, False)
        signal.set_wakeup_fd(woken, warn_on_full_buffer=False)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda _number, _frame: None)
        source, target = os.dup(0), os.dup(1)
        empty = os.open(os.devnull, os.O_RDONLY)
        os.dup2(empty, 0)
        os.dup2(2, 1)
        os.close(empty)
        return cls(source, target, interrupts)

    def lines(self, on_pause: "Callable[[], None]") -> "Iterator[bytes]":
        """Yield each line as soon as it is there; the last may lack its end. Call `on_pause` at the first pause."""
        line = _Line()
        poll = select.poll()  # select() takes no descriptor over 1023
        poll.register(self._source, select.POLLIN)
        poll.register(self._interrupts, select.POLLIN)
        pause_ms: int | None = PAUSE_MS
        while True:
            ready = [descriptor for descriptor, _ in poll.poll(pause_ms)]
            if self._interrupts in ready:
                self.interrupted = True
                return
            if not ready:
                pause_ms = None
                on_pause()
                continue
            chunk = os.read(self._source, _CHUNK_BYTES)
            part, *parts = chunk.split(b"\n")
            line.add(part)
            for part in parts:
                yield from self._whole(line)
                line = _Line()
                line.add(part)
            if not chunk:
                yield from self._whole(line)
                return

    def _whole(self, line: "_Line") -> "Iterator[bytes]":
        text = line.text
        if line.is_too_long:
            found = _ID.search(text)
            message = f"A message of {line.size_bytes} bytes is longer than {LINE_BYTES_MAX}. Send less in one call."
            request = json.loads(found[1] or found[2]) if found else None
            self.send({"jsonrpc": "2.0", "id": request, "error": {"code": -32600, "message": message}})
        elif text.strip():
            yield text

    def send(self, message: "dict[str, Any]") -> None:
        """Write a message."""
        self.send_line(json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode())

    def send_line(self, line: bytes) -> None:
        """Write a line; nothing happens when no one reads any more, which the reading side will notice as well."""
        with self._written:
            self._unwritten += line + b"\n"
            if self._is_behind:
                return
            while self._unwritten and self._writable.poll(0):
                # A pipe that is ready takes this much without waiting; see select.PIPE_BUF.
                self._forget(_write(self._target, self._unwritten[: select.PIPE_BUF]))
            if self._unwritten:
                self._is_behind = True
                threading.Thread(target=self._catch_up, name="writer", daemon=True).start()

    def flush(self, patience_s: float) -> None:
        """Wait until everything is written, for so long at most."""
        with self._written:
            self._written.wait_for(lambda: not self._unwritten, patience_s)

    def _catch_up(self) -> None:
        while self._is_behind:
            with self._written:
                piece = self._unwritten[:_CHUNK_BYTES]
            count = _write(self._target, piece)
            with self._written:
                self._forget(count)
                self._is_behind = bool(self._unwritten)
                self._written.notify_all()

    def _forget(self, count: int | None) -> None:
        """Take off what was written; `None`: no one reads any more."""
        del self._unwritten[:count]


def _write(target: int, piece: bytearray) -> int | None:
    try:
        return os.write(target, piece)
    except OSError:
        return None


class _Line:
    """A line that comes in pieces."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self.size_bytes = 0

    @property
    def is_too_long(self) -> bool:
        return self.size_bytes > LINE_BYTES_MAX

    @property
    def text(self) -> bytes:
        """The line; of one that is too long its beginning and its end."""
        return b"".join(self._parts)

    def add(self, part: bytes) -> None:
        self._parts.append(part)
        self.size_bytes += len(part)
        if self.is_too_long:
            text = self.text
            self._parts = [text[:_KEPT_BYTES], text[_KEPT_BYTES:][-_KEPT_BYTES:]]
