"""The parser: a process that reads files for another one, within limits of memory and processor time.

    stdin     a line of JSON (language, seconds, size), then the file     again and again, until it ends
    stdout    the length of the answer in four bytes, then it in JSON     a file that is too much: this process ends

Rules:
  * SEC-4: a grammar is C code that some files keep busy for hours or feed with gigabytes (64 KB of `%q(` in C: 4 GB).
    What such a file can end is this process, which knows nothing but the file.
  * The limits are set here, before the first byte of a file is read, and need no watcher.
  * Time is the processor's, so that a busy machine does not decide what can be parsed.

What this file does not know: files' names, who asks; see `parser_process`. It is the only one that imports grammars.
"""

import json
import os
import resource
import struct
import sys
import threading
import time
from contextlib import suppress
from math import ceil
from pathlib import Path
from typing import BinaryIO, Final, TypedDict

from gitcoord.source.symbols.declarations import find
from gitcoord.source.symbols.languages import LANGUAGES, load

# Of addresses: 512 KB of source take 220 to 350 MB of them, of which 160 are Python's and the stack.
MEMORY_BYTES_MAX: Final = 512 * 1024 * 1024
# The library calls itself once a level of nesting: 16 MB were enough for 512 KB of `{a:`, the deepest file that was
# found, where 8 MB were not. It is reserved, and takes memory where it is used.
STACK_BYTES: Final = 64 * 1024 * 1024
ANSWER_BYTES_MAX: Final = 4 * 1024 * 1024  # ten times that of the largest ordinary file; names within names make more
_LOOK_S = 0.05  # a file that takes all memory takes 50 MB in that time
_GRACE_S = 1.0  # of processor, for a grammar that does not look at the time
_LANGUAGES = {language.name: language for language in LANGUAGES}


class Request(TypedDict):
    """A request; the file follows."""

    language: str
    seconds: float
    size: int


class Answer(TypedDict, total=False):
    """What was found.

    Attributes:
        items: path, first line and last line of each declaration.
        owners: the different owners of lines, as places in `items`.
        lines: for each line, its place in `owners`.
        doubtful: first and last lines in which a syntax error leaves open what is declared.
        error_line: where the first syntax error is; 0: nowhere.
        failure: why there is nothing: `late`, `grammar` or `large`.
    """

    items: list[tuple[str, int, int]]
    owners: list[tuple[int, ...]]
    lines: list[int]
    doubtful: list[tuple[int, int]]
    error_line: int
    failure: str


def main() -> None:
    """Serve, on a stack that is deep enough, until no caller asks any more."""
    limit(resource.RLIMIT_CORE, 0)
    limit(resource.RLIMIT_AS, MEMORY_BYTES_MAX)
    threading.stack_size(STACK_BYTES)
    busy = threading.Event()
    threading.Thread(target=_serve_all, args=(busy,), daemon=True).start()
    watch(busy, MEMORY_BYTES_MAX)


def watch(busy: threading.Event, growth_bytes_max: int) -> None:
    """End this process when it grows too much: macOS takes a limit of addresses and does not keep it."""
    begin = _resident_bytes()
    while busy.wait():
        if _resident_bytes() - begin > growth_bytes_max:
            os._exit(1)
        time.sleep(_LOOK_S)


def limit(what: int, value: int) -> None:
    """Set a limit of this process, as far as the system has it and a narrower one does not hold already."""
    _, hard = resource.getrlimit(what)
    with suppress(ValueError, OSError):
        resource.setrlimit(what, (value if hard == resource.RLIM_INFINITY else min(value, hard), hard))


def _resident_bytes() -> int:
    if sys.platform == "darwin":
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Linux counts into ru_maxrss what the parent was before this program began.
    return int(Path("/proc/self/statm").read_bytes().split()[1]) * resource.getpagesize()


def _serve_all(busy: threading.Event) -> None:
    try:
        while serve(sys.stdin.buffer, sys.stdout.buffer, busy):
            pass
    finally:
        os._exit(0)  # whatever it was, the caller sees that no answer comes


def serve(asked: BinaryIO, answered: BinaryIO, busy: threading.Event) -> bool:
    """Answer one question; return whether there was one."""
    line = asked.readline()
    if not line:
        return False
    busy.set()
    request: Request = json.loads(line)
    data = asked.read(request["size"])
    text = json.dumps(_answer(request, data)).encode("ascii")
    if len(text) > ANSWER_BYTES_MAX:
        text = json.dumps(Answer(failure="large")).encode("ascii")
    answered.write(struct.pack(">I", len(text)) + text)
    answered.flush()
    busy.clear()
    return True


def _answer(request: Request, data: bytes) -> Answer:
    end = time.process_time() + request["seconds"]
    limit(resource.RLIMIT_CPU, ceil(end + _GRACE_S))
    loaded = load(_LANGUAGES[request["language"]])
    if loaded is None:
        return Answer(failure="grammar")
    found = find(*loaded, data, lambda: time.process_time() > end)
    if found is None:
        return Answer(failure="late")
    owners = list(dict.fromkeys(found.owners))
    places = {numbers: place for place, numbers in enumerate(owners)}
    return Answer(
        items=list(found.items),
        owners=owners,
        lines=[places[numbers] for numbers in found.owners],
        doubtful=list(found.doubtful),
        error_line=found.error_line,
    )
