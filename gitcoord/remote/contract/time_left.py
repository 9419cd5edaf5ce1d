"""How long one question to a remote may still take, as its asker and the transaction around it bound it (`deadline`).

This module must not read a clock itself.
"""

from collections.abc import Callable

from gitcoord.errors import UnreachableError
from gitcoord.remote.contract.deadline import (
    SLOW_HINT,
    TOLD_AFTER_S,
    NoAnswerError,
    TooSlowError,
    asked_for,
    bounded,
    is_silence,
    teller,
    unanswered,
)


class TimeLeft:
    """How long one question may still take."""

    def __init__(self, timeout_s: float, shown: str, monotonic: Callable[[], float]) -> None:
        """Begin now. `timeout_s`: for the question, as far as nothing bounds it further; `shown`: the remote.

        Raises:
            NoAnswerError: the remote did not answer an earlier one; nothing is sent.
            TooSlowError: no time is left.
        """
        usual_s = asked_for(timeout_s, shown)
        if usual_s is None:
            raise NoAnswerError(f"The remote {shown!r} did not answer in time; nothing was sent.")
        limit_s = bounded(usual_s)
        self._end = monotonic() + limit_s
        self._tell_at = monotonic() + TOLD_AFTER_S
        self._tell = teller()
        self._silent = is_silence(limit_s, usual_s)
        self._shown = shown
        self._monotonic = monotonic

    def wait_s(self) -> float:
        """Return how long the next wait may be; a person at the terminal sees what is waited for.

        Raises:
            NoAnswerError, TooSlowError: the time is over.
        """
        left_s = self.whole_s()
        if self._tell is None:
            return left_s
        until_told = self._tell_at - self._monotonic()
        if until_told > 0:
            return min(left_s, until_told)
        self._tell(self._shown)
        self._tell = None
        return left_s

    def whole_s(self) -> float:
        """Return how long it may take; see `wait_s`."""
        left_s = self._end - self._monotonic()
        if left_s > 0:
            return left_s
        raise self.over()

    def over(self) -> UnreachableError:
        """Return what it means that the time is over."""
        text = f"The remote {self._shown!r} did not answer in time."
        if not self._silent:
            return TooSlowError(text, hint=SLOW_HINT)
        unanswered(self._shown)
        return NoAnswerError(text, hint="It is slow or gone: try again. `gitcoord doctor` says which.")
