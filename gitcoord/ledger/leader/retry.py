"""How long to wait after a lost race: bounded, full jitter, as an iterator of seconds.

The sleeping and the chance are passed in. Full jitter spreads losers best (AWS architecture blog, "Exponential
backoff and jitter"): each waits a random part of a bound that doubles.

Where a try itself takes long, all clones begin the next one at about the same moment, and a clone that lost ten times
is no better off than who has just come. So the bound goes by what a try takes there, and shrinks again: it is the
others who wait while the oldest loser tries.
"""

from collections.abc import Callable, Iterator

FIRST_S = 0.01  # a swap in process takes 2 ms, over a network 50: the first retry is soon enough for both
LONGEST_S = 2.0
ATTEMPTS_MAX = 24  # in process: about 20 s of waiting on average: longer than any batch of 64 clones measured
SLOW_S = 0.1  # a try over a network, or a machine so busy that it might as well be one
SLOW_ATTEMPTS_MAX = 200  # there the caller's deadline ends it; a try takes 0.2 s at least, and 40 s are waited
YOUNG = 3  # lost tries after which the others shall wait: eight clones are then through in twice as many rounds


def delays(
    chance: Callable[[], float], took_s: Callable[[], float] = lambda: 0.0, attempts_max: int = ATTEMPTS_MAX
) -> Iterator[float]:
    """Yield the delays, one for each lost try.

    Args:
        chance: returns a number from 0 to 1.
        took_s: what the last try took.
        attempts_max: so many tries, where one takes no time to speak of.
    """
    bound = FIRST_S
    for lost in range(SLOW_ATTEMPTS_MAX):
        slow = took_s() >= SLOW_S
        if not slow and lost >= attempts_max:
            return
        yield chance() * (took_s() * (2.0 ** (min(lost, YOUNG - 1) - 2 * max(0, lost - YOUNG + 1))) if slow else bound)
        bound = min(bound * 2, LONGEST_S)
