"""How long to wait after a lost race: bounded, full jitter, as an iterator of seconds.

The sleeping and the chance are passed in. Full jitter spreads losers best (AWS architecture blog, "Exponential
backoff and jitter"): each waits a random part of a bound that doubles.
"""

from collections.abc import Callable, Iterator

FIRST_S = 0.01  # a swap in process takes 2 ms, over a network 50: the first retry is soon enough for both
LONGEST_S = 2.0
ATTEMPTS_MAX = 24  # about 20 s of waiting on average: longer than any batch of 64 clones measured


def delays(chance: Callable[[], float], attempts_max: int = ATTEMPTS_MAX) -> Iterator[float]:
    """Yield `attempts_max` delays. `chance` returns a number from 0 to 1."""
    bound = FIRST_S
    for _ in range(attempts_max):
        yield chance() * bound
        bound = min(bound * 2, LONGEST_S)
