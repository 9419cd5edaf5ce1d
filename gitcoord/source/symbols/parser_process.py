"""The parser's process: one child that parses, kept for all files, started when the first is asked for.

Rules:
  * SEC-4: whatever a file does to it, the caller gets an answer within `seconds` and WAIT_S, and the next file a new
    child. What such files may take together is bounded, too: then the next ones are not parsed.
  * It imports what this process would, in the same order, and nothing else: no working folder, no variable of the
    environment decides (`-I`), and so no checkout. `-m` would not find a gitcoord that is installed for one user.
  * It has pipes for input and output, and nothing else of ours; it ends when they do.

What this file does not know: what a file is called, what its declarations are for.
"""

import json
import os
import selectors
import struct
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from gitcoord.source.symbols.parser import Answer, Request

WAIT_S: Final = 4.0  # beside a file's own seconds: the child starts in 0.1 s, and its own limits end it within 3 s
# What files that cannot be parsed may take of a process: ten slow ones, or four that end the child. It comes back.
LOST_S_MAX: Final = 10.0
LOST_SHARE: Final = 0.1  # of the time since
_ANSWER_BYTES_MAX: Final = 16 * 1024 * 1024  # the parser sends a quarter of that; more is not from it
_HEAD: Final = struct.Struct(">I")
_PROGRAM: Final = "import sys; sys.path[:] = sys.argv[1:]; from gitcoord.source.symbols.parser import main; main()"
_LOADER: Final = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")  # without which some Pythons do not start
_FAILURES: Final = {
    "late": "takes more than {seconds:g} s to parse",
    "grammar": "is {language}, whose grammar is not installed here",
    "large": "declares more than can be compared",
    "ended": "cannot be parsed within the limits of memory and time",
    "lost": "comes after too many files that cannot be parsed",
}


class ParserError(Exception):
    """A file is not parsed, and why: the end of a sentence that begins with the file."""


def parser_command(folders: Sequence[str]) -> list[str]:
    """Return the command that starts a parser which imports from these folders."""
    return [sys.executable, "-I", "-S", "-c", _PROGRAM, *(folder for folder in folders if Path(folder).is_absolute())]


class ParserProcess:
    """One child at a time. Threads may share it: files are parsed one after the other."""

    def __init__(self, command: Sequence[str] | None = None, *, wait_s: float = WAIT_S) -> None:
        """Start nothing yet. `command`: what is started, if not the parser of this very program."""
        self._command = command
        self._wait_s = wait_s
        self._process: subprocess.Popen[bytes] | None = None
        self._end: Callable[[], object] = lambda: None
        self._lost_s = self._lost_at = 0.0
        self._lock = threading.Lock()

    def ask(self, request: "Request", data: bytes, monotonic: Callable[[], float], env: Mapping[str, str]) -> "Answer":
        """Return what the parser found in a file.

        Raises:
            ParserError: nothing, and why.
        """
        with self._lock:
            begin = monotonic()
            back = max(0.0, begin - self._lost_at) * LOST_SHARE
            self._lost_s, self._lost_at = max(0.0, self._lost_s - back), begin
            failure: str | None = "lost"
            if self._lost_s <= LOST_S_MAX:
                end = begin + request["seconds"] + self._wait_s
                answer = self._asked(request, data, lambda: end - monotonic(), env)
                failure = answer.get("failure")
                if failure is None:
                    return answer
                self._lost_s += monotonic() - begin
        raise ParserError(_FAILURES[failure].format(**request))

    def _asked(self, request: "Request", data: bytes, left_s: Callable[[], float], env: Mapping[str, str]) -> "Answer":
        head = json.dumps(request).encode("ascii") + b"\n"
        try:
            if self._process is None or self._process.poll() is not None:
                self._end()
                self._process = process = _started(self._command or parser_command(sys.path), env)
                self._end = weakref.finalize(self, _ended, process)  # at the latest when this process ends
            return json.loads(_exchange(self._process, head + data, left_s))
        except BaseException as error:
            self._end()  # a late answer would be taken for the next file's
            if isinstance(error, OSError | ValueError):
                return {"failure": "late" if isinstance(error, TimeoutError) else "ended"}
            raise


PARSER: Final = ParserProcess()
"""The one of this process."""


def _started(command: Sequence[str], env: Mapping[str, str]) -> "subprocess.Popen[bytes]":
    process = subprocess.Popen(
        list(command),
        cwd="/",
        env={name: env[name] for name in _LOADER if name in env},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # an interrupt from the terminal is ours to deal with
        bufsize=0,
    )
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            os.set_blocking(stream.fileno(), False)
    return process


def _exchange(process: "subprocess.Popen[bytes]", request: bytes, left_s: Callable[[], float]) -> bytes:
    """Write a request and read its answer, whichever the child is ready for.

    Raises:
        OSError: it ended, or is none of ours.
        TimeoutError: it did not answer.
    """
    stdin, stdout = process.stdin, process.stdout
    if stdin is None or stdout is None:
        raise BrokenPipeError
    rest, heard, size = memoryview(request), bytearray(), _HEAD.size
    with selectors.DefaultSelector() as selector:
        selector.register(stdout, selectors.EVENT_READ)
        selector.register(stdin, selectors.EVENT_WRITE)
        while len(heard) < size:
            ready = selector.select(max(0.0, left_s()))
            if not ready:
                raise TimeoutError
            if any(key.fileobj is stdin for key, _ in ready):
                rest = rest[os.write(stdin.fileno(), rest) :]
                if not rest:
                    selector.unregister(stdin)
            if any(key.fileobj is stdout for key, _ in ready):
                data = os.read(stdout.fileno(), 1024 * 1024)
                heard += data
                if len(heard) >= _HEAD.size:
                    size = _HEAD.size + _HEAD.unpack_from(heard)[0]
                if not data or size > _ANSWER_BYTES_MAX:
                    raise BrokenPipeError
    return bytes(heard[_HEAD.size :])


def _ended(process: "subprocess.Popen[bytes]") -> None:
    process.kill()
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            with suppress(OSError):
                stream.close()
    process.wait()
