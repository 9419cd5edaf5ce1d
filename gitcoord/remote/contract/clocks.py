"""How a transport tells the time and waits: all of it passed in, so that tests need neither clock nor patience.

This module must not read a clock itself.
"""

from collections.abc import Callable
from typing import NamedTuple


class Clocks(NamedTuple):
    """Filled in by the composition root.

    Attributes:
        wall_ns: nanoseconds since the epoch, by the clock that stamps files.
        monotonic: seconds, never going back.
        sleep: waits for that many seconds.
        jitter: returns a random number between 0 and 1.
    """

    wall_ns: Callable[[], int]
    monotonic: Callable[[], float]
    sleep: Callable[[float], None]
    jitter: Callable[[], float]
