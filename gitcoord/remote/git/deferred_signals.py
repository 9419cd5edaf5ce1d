"""Signals that come while a process is started wait until it is known: else no one could end it.

A handler runs between two instructions of Python. One that raises while `Popen` still waits to hear that its child has
begun would leave a child behind that this program does not know.
"""

import signal
import threading
from collections.abc import Generator
from contextlib import contextmanager

_NUMBERS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


@contextmanager
def deferred() -> Generator[None]:
    """Keep signals that handlers of Python would take until the end of this block; there they are raised."""
    if threading.current_thread() is not threading.main_thread():  # no other one runs handlers
        yield
        return
    came: list[int] = []
    handlers = {
        number: signal.signal(number, lambda number, _frame: came.append(number))
        for number in _NUMBERS
        if callable(signal.getsignal(number))
    }
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        for number in came:
            signal.raise_signal(number)
