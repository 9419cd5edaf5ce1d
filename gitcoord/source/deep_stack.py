"""A thread whose stack is deep enough for a parser that descends into its own trees.

The library of tree-sitter calls itself once a level of nesting, and a stack that is full ends the process: 512 KB of
`{a:{a:…` end one of 8 MB, which is what the first thread has; those of macOS have half a megabyte. A thread's stack is
only reserved, and costs memory where it is used.

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


def call(work: Callable[[], T], size: int) -> T:
    """Return what `work` returns, which looks at so many bytes.

    Raises:
        MemoryError: the system has no room for such a thread.
    """
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
    thread.join()
    if failed:
        raise failed[0]
    return done[0]
