"""The time that a transaction has left, for every process that is started meanwhile: it bounds each one's timeout.

A transaction of several calls (list, fetch, look at branches, push) holds the clone's lock for all of them, and may
hold it for one network timeout only. What is left is looked at before each call, and is that call's timeout.

This module must not read a clock itself.
"""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

from gitcoord.errors import UnreachableError

LEFT_MIN_S: Final = 0.5  # with less, a push would be cut off on its way, and nobody could say what became of it
SLOW_HINT: Final = "It is slow, not gone: try again. `gitcoord doctor` says how long it takes."
_left: ContextVar[Callable[[], float] | None] = ContextVar("left", default=None)


class TooSlowError(UnreachableError):
    """No time is left for a call; the remote may well be there. To callers of commands it is as if it were not."""


@contextmanager
def until(left_s: Callable[[], float]) -> Generator[None]:
    """Bound what this thread calls within the block by what `left_s` says is left."""
    token = _left.set(left_s)
    try:
        yield
    finally:
        _left.reset(token)


def bounded(timeout_s: float) -> float:
    """Return a call's timeout: its usual one, or what is left.

    Raises:
        TooSlowError: nothing worth beginning is left.
    """
    left = _left.get()
    if left is None:
        return timeout_s
    left_s = left()
    if left_s < LEFT_MIN_S:
        raise TooSlowError("The remote answers too slowly: no time is left to ask it.", hint=SLOW_HINT)
    return min(timeout_s, left_s)
