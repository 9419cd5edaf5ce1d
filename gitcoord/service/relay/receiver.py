"""The receiver of a relay: what is sent to it, and what its answer means.

    POST ──200 to 299──> delivered
     └──anything else, or nothing──> failed

Rules:
  * A status from 200 to 299 is a yes, whatever else the answer says; anything else, and none, is a failure.

What this file does not know: when to send, and in which format.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from gitcoord.core.relay.relay import Delivery
from gitcoord.core.relay.schedule import Response
from gitcoord.errors import UnreachableError
from gitcoord.remote.git.bounded_http import HttpPlace
from gitcoord.service.relay.formats import FORMATS

ANSWER_S = 10.0  # receivers of webhooks are asked to answer within ten seconds by those who send the most of them
_WORDS_MAX = 200


@dataclass(frozen=True, slots=True)
class Receiver:
    """A service that takes posts. `repo`: what its events are said to be of; `within_s`: for one answer."""

    place: HttpPlace
    secret: str = field(repr=False)
    repo: str = ""
    format: str = "webhook"
    within_s: float = ANSWER_S

    def send(self, delivery: Delivery, now: datetime) -> Response:
        """Send one delivery."""
        body, headers = FORMATS[self.format](delivery, self.secret, self.repo)
        given = {"Content-Type": "application/json", "User-Agent": "gitcoord", **headers}
        return answer_to(self.place, body, given, now, self.within_s)


def answer_to(place: HttpPlace, body: bytes, headers: Mapping[str, str], now: datetime, within_s: float) -> Response:
    """Post a body and return the answer. `now`: what a date in it is compared with."""
    try:
        posted = place.post(body, headers, within_s=within_s)
    except UnreachableError as error:
        return Response(None, str(error)[:_WORDS_MAX])
    words = f"HTTP {posted.status}"
    if posted.status in range(300, 400):
        words += ", a redirect, which is not followed"
    return Response(posted.status, words, pause_s(posted.retry_after, now))


def pause_s(text: str | None, now: datetime) -> float | None:
    """Return for how long a `Retry-After` asks to be left alone: seconds, or until a date. See RFC 9110, 10.2.3."""
    if text is None:
        return None
    if text.strip().isascii() and text.strip().isdigit():
        return float(text.strip()[:9])
    try:
        until = parsedate_to_datetime(text)
        return max(0.0, (until.replace(tzinfo=until.tzinfo or UTC) - now).total_seconds())
    except (ValueError, OverflowError):
        return None
