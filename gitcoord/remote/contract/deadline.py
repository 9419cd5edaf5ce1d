"""The time that a transaction or a read has left: it bounds the timeout of each process that is started meanwhile.

A transaction of several calls (list, fetch, look at branches, push) holds the clone's lock for all of them, and may
hold it for one network timeout only. What is left is looked at before each call, and is that call's timeout.

A read has a caller that waits, and what it asks of a remote may take a few seconds altogether (`asking_until`); what
git does here alone is not bounded by it. A write asks until a remote has not answered once (`asking_once`): whatever
else it wants of that remote counts as unanswered at once. Where the transaction's time was over first, that is said of
a remote only after UNANSWERED_S. A caller with a terminal sees what is waited for (`telling`).

This module must not read a clock itself.
"""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

from gitcoord.errors import UnreachableError

LEFT_MIN_S: Final = 0.5  # with less, a push would be cut off on its way, and no one could say what became of it
UNANSWERED_S: Final = 3.0  # a remote that answers does so sooner: a push over a slow line takes a second
SLOW_HINT: Final = "It is slow, not gone: try again. `gitcoord doctor` says how long it takes."
TOLD_AFTER_S: Final = 2.0  # a person begins to wonder; a fetch over a slow line takes less
_ASKED_MIN_S: Final = 0.05  # less is no time for any answer
_left: ContextVar[Callable[[], float] | None] = ContextVar("left", default=None)
_asking_left: ContextVar[Callable[[], float] | None] = ContextVar("asking_left", default=None)
_silent: ContextVar[set[str] | None] = ContextVar("silent", default=None)
_tell: ContextVar[Callable[[str], None] | None] = ContextVar("tell", default=None)


class TooSlowError(UnreachableError):
    """No time is left for a call; the remote may well be there. To callers of commands it is as if it were not."""


class NoAnswerError(UnreachableError):
    """A remote was waited for, and did not answer in time."""


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


@contextmanager
def asking_until(left_s: Callable[[], float] | None) -> Generator[None]:
    """Bound what this thread asks of remotes within the block, altogether; `None`: each call has its usual timeout."""
    token = _asking_left.set(left_s)
    try:
        yield
    finally:
        _asking_left.reset(token)


@contextmanager
def asking_once() -> Generator[None]:
    """Within the block, ask no remote again that did not answer in time. Within another such block: one with it."""
    if _silent.get() is not None:
        yield
        return
    token = _silent.set(set())
    try:
        yield
    finally:
        _silent.reset(token)


@contextmanager
def asking_again() -> Generator[None]:
    """Within the block, ask although a remote has not answered: it may by now."""
    token = _silent.set(None)
    try:
        yield
    finally:
        _silent.reset(token)


def unanswered(remote: str) -> None:
    """Note that a remote did not answer in time."""
    silent = _silent.get()
    if silent is not None and remote:
        silent.add(remote)


def is_silence(waited_s: float, usual_s: float) -> bool:
    """Whether a remote is silent that was waited for so long, or our own time was over before it had its usual time."""
    return waited_s >= min(usual_s, UNANSWERED_S)


def asked_for(timeout_s: float, remote: str = "") -> float | None:
    """Return the timeout of a call that asks a remote; `None`: no time is left, and it counts as one without answer."""
    if remote in (_silent.get() or ()):
        return None
    left = _asking_left.get()
    if left is None:
        return timeout_s
    left_s = left()
    return min(timeout_s, left_s) if left_s >= _ASKED_MIN_S else None


@contextmanager
def telling(tell: Callable[[str], None]) -> Generator[None]:
    """Within the block, say the name of a remote once it has been waited for for TOLD_AFTER_S."""
    token = _tell.set(tell)
    try:
        yield
    finally:
        _tell.reset(token)


def teller() -> Callable[[str], None] | None:
    """Return what says the name of a remote that is waited for; `None`: there is no terminal."""
    return _tell.get()
