"""The end of a socket at a set time, whatever it is waiting for: its own timeout begins anew with every byte.

What this file does not know: what is said.
"""

import socket
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress


@contextmanager
def ended_after(limit_s: float, connected: Callable[[], socket.socket | None]) -> Generator[threading.Event]:
    """Within the block, shut a socket down when the time is over, and say so; `connected` returns it then."""
    is_over = threading.Event()

    def end() -> None:
        is_over.set()
        open_socket = connected()
        if open_socket is not None:
            with suppress(OSError):  # it was not connected yet, or is no more
                open_socket.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(limit_s, end)
    timer.daemon = True
    timer.start()
    try:
        yield is_over
    finally:
        timer.cancel()
