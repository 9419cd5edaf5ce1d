"""Virtual time: threads that take turns, and share processors as an operating system shares them among processes.

    thread ──spend(s of a processor)──> waits among those that compute ──its share is done──> goes on
       └──sleep(s)──> waits for a moment ──┘                        └ one thread at a time goes on, the others wait

Rules:
  * What a thread does between two calls takes no time at all; what it is taken to cost is spent.
  * Of n threads that compute on P processors each gets min(1, P/n) of one.
  * The order depends on nothing but what was spent and slept: the same threads do the same again.
  * So many threads are admitted at once, as a server has so many processes; the others wait in line.
  * A thread that `run` did not start prepares, alone: time goes on by what it spends and sleeps.

What this file does not know: clones, remotes, costs.
"""

import heapq
import itertools
import threading
from collections import deque
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager


class VirtualTime:
    """The clock and the processors of one run."""

    def __init__(self, processors: int, admitted_max: int) -> None:
        """Begin at 0, with nobody admitted."""
        self.now_s = 0.0
        self.busy_s = 0.0  # of all processors together
        self._processors = processors
        self._places = admitted_max
        self._line: deque[int] = deque()  # those that wait for a place, in order
        self._left: dict[int, float] = {}  # what each thread that computes still needs, in seconds of a processor
        self._sleepers: list[tuple[float, int, int]] = []  # until when, in which order, which thread
        self._order = itertools.count()
        self._turns: list[threading.Semaphore] = []
        self._errors: list[BaseException] = []
        self._own = threading.local()

    def run(self, works: Sequence[Callable[[], object]]) -> None:
        """Let these begin at one moment, and return when all have ended; raise the first error of any."""
        self._turns = [threading.Semaphore(0) for _ in works]
        for number in range(len(works)):
            self._wake_at(self.now_s, number)
        threads = [threading.Thread(target=self._work, args=pair, daemon=True) for pair in enumerate(works)]
        for thread in threads:
            thread.start()
        self._pass_on()
        for thread in threads:
            thread.join()
        if self._errors:
            raise self._errors[0]

    def spend(self, seconds: float) -> None:
        """Compute for so long."""
        number = self._number
        if number is None:
            self.now_s += seconds
        elif seconds > 0:
            self._left[number] = seconds
            self._wait(number)

    def sleep(self, seconds: float) -> None:
        """Let so much time pass."""
        number = self._number
        if number is None:
            self.now_s += max(0.0, seconds)
        else:
            self._wake_at(self.now_s + max(0.0, seconds), number)
            self._wait(number)

    @contextmanager
    def admitted(self) -> Generator[None]:
        """Wait in line for one of the places, and have it within the block."""
        number = self._number
        if number is not None and not self._places:
            self._line.append(number)
            self._wait(number)
        elif number is not None:
            self._places -= 1
        try:
            yield
        finally:
            if number is not None and self._line:
                self._wake_at(self.now_s, self._line.popleft())
            elif number is not None:
                self._places += 1

    @property
    def _number(self) -> int | None:
        return getattr(self._own, "number", None)

    def _work(self, number: int, work: Callable[[], object]) -> None:
        self._own.number = number
        self._turns[number].acquire()
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - raised by `run`, in the thread that waits for this one
            self._errors.append(error)
        finally:
            self._pass_on()

    def _wake_at(self, moment_s: float, number: int) -> None:
        heapq.heappush(self._sleepers, (moment_s, next(self._order), number))

    def _wait(self, number: int) -> None:
        self._pass_on()
        self._turns[number].acquire()

    def _pass_on(self) -> None:
        """Let time pass until the next thread can go on, and give it its turn; none is left when all have ended."""
        computing = len(self._left)
        share = min(1.0, self._processors / computing) if computing else 1.0
        first = min(self._left, key=lambda number: (self._left[number], number)) if computing else None
        if first is not None and (not self._sleepers or self.now_s + self._left[first] / share < self._sleepers[0][0]):
            self._pass(self._left[first] / share, share)
            del self._left[first]
            self._turns[first].release()
        elif self._sleepers:
            moment_s, _, number = heapq.heappop(self._sleepers)
            self._pass(max(0.0, moment_s - self.now_s), share)
            self._turns[number].release()

    def _pass(self, seconds: float, share: float) -> None:
        for number in self._left:
            self._left[number] -= seconds * share
        self.now_s += seconds
        self.busy_s += seconds * share * len(self._left)
