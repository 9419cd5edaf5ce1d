"""Quiet time: a server that asked for fewer requests is left alone until the moment that it named.

Rules:
  * It holds for every process of the clone: the moment is kept with what is known of the server.
  * It is at most QUIET_S_MAX away, whatever the server says, and over where the clock was set back.

What this file does not know: what was asked.
"""

import re
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from typing import Final

from gitcoord.errors import UnreachableError
from gitcoord.remote.http.known_server import KnownServers

QUIET_S_MAX: Final = 15 * 60  # as long as others wait for a beat of ours before they take a step over


class QuietTime:
    """The quiet time of one server. `shown`: its URL without credentials; `now_s`: seconds since the epoch."""

    def __init__(self, kept: KnownServers, shown: str, now_s: Callable[[], int]) -> None:
        """Ask nothing yet."""
        self._kept = kept
        self._shown = shown
        self._now_s = now_s
        self.until_s = 0

    def check(self) -> None:
        """Let nothing be asked while the server wants to be left alone.

        Raises:
            UnreachableError: it does.
        """
        now_s = self._now_s()
        left_s = self._kept.load(now_s).quiet_until - now_s
        if 0 < left_s <= QUIET_S_MAX:
            text = f"The remote {self._shown!r} asked for fewer requests, and is not asked now."
            raise UnreachableError(text, hint=f"Try again in {left_s} s.")

    def note(self, retry_after: str) -> bool:
        """Take in what a server says; tell whether it named a moment: `until_s`."""
        now_s = self._now_s()
        seconds = min(_seconds(retry_after.strip(), now_s), QUIET_S_MAX)
        self.until_s = now_s + seconds
        return seconds > 0


def _seconds(value: str, now_s: int) -> int:
    """Return for how long, in seconds or until a date (RFC 9110, 10.2.3)."""
    if re.fullmatch(r"[0-9]{1,9}", value):
        return int(value)
    try:
        return int(parsedate_to_datetime(value).timestamp()) - now_s
    except (ValueError, OverflowError, TypeError):
        return 0
