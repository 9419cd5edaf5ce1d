"""A thread whose stack is deep enough for a parser that descends into its own trees.

The library of tree-sitter calls itself once a level of nesting, and a stack that is full ends the process: 512 KB of
`{a:{a:…` end one of 8 MB, which is what the first thread has; those of macOS have half a megabyte. A thread's stack is
only reserved, and costs memory where it is used.

Nor does every grammar look at the time: a row of 512 KB of `#` keeps that of Swift busy for a quarter of an hour.
Such a thread is left behind; the parser lets others run, and ends with the process.

What this file does not know: what is parsed.
"""

import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

_BYTES_MIN = 4 * 1024 * 1024
_BYTES_EACH = 256  # a byte of the file; of the deepest file that was found each needs between 16 and 32
_PAGE = 64 * 1024  # what every system takes a multiple of
_SETTING = threading.Lock()
_LEFT_MAX = 2  # threads that are left behind and still busy: each takes a processor
_LOOK_S = 0.05
_left: list[threading.Thread] = []


def call(work: Callable[[], T], size: int, patience_s: float, is_late: Callable[[], bool]) -> T:
    """Return what `work` returns, which looks at so many bytes.

    `patience_s`: how long to wait before `is_late` is asked at all.

    Raises:
        MemoryError: the system has no room for such a thread.
        TimeoutError: it is late and the work is not done, or too much of earlier calls is not.
    """
    _left[:] = [one for one in _left if one.is_alive()]
    if len(_left) >= _LEFT_MAX:
        raise TimeoutError
    done: list[T] = []
    failed: list[BaseException] = []

    def run() -> None:
        try:
            done.append(work())
        except BaseException as error:  # noqa: BLE001 - raised again where it belongs
            failed.append(error)

    thread = threading.Thread(target=run, name="parser", daemon=True)
    with _SETTING:  # the size is one of the process
        before = threading.stack_size((_BYTES_MIN + _BYTES_EACH * size) // _PAGE * _PAGE)
        try:
            thread.start()
        except RuntimeError as error:
            raise MemoryError from error
        finally:
            threading.stack_size(before)
    thread.join(patience_s)
    while thread.is_alive():
        if is_late():
            _left.append(thread)
            raise TimeoutError
        thread.join(_LOOK_S)
    if failed:
        raise failed[0]
    return done[0]
