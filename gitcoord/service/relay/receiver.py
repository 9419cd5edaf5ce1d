"""The receiver of a relay: what is sent to it, and what its answer means.

    POST  {"delivery_id": …, "detail": {…}, "event_type": …, "repo": …, "timestamp": …}
          X-Coord-Event-Type, X-Coord-Delivery-Id, X-Coord-Signature: HMAC-SHA256 of the body, in hexadecimal

Rules:
  * The body is canonical: keys sorted, UTF-8, no blanks; the same delivery is the same bytes.
  * A status from 200 to 299 is a yes, whatever else the answer says; anything else, and none, is a failure.
  * RELAY-3: the secret is in the signature and nowhere else.

What this file does not know: when to send.
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from gitcoord.core.documents.json_text import Json, compact, time_text
from gitcoord.core.relay.relay import Delivery
from gitcoord.core.relay.schedule import Response
from gitcoord.errors import UnreachableError
from gitcoord.remote.git.bounded_http import HttpPlace

ANSWER_S = 10.0  # receivers of webhooks are asked to answer within ten seconds by those who send the most of them
_WORDS_MAX = 200


@dataclass(frozen=True, slots=True)
class Receiver:
    """A service that takes webhooks. `repo`: what its events are said to be of; `within_s`: for one answer."""

    place: HttpPlace
    secret: str = field(repr=False)
    repo: str = ""
    within_s: float = ANSWER_S

    def send(self, delivery: Delivery, now: datetime) -> Response:
        """Send one delivery."""
        body = self.body(delivery)
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "gitcoord",
            "X-Coord-Event-Type": delivery.event,
            "X-Coord-Delivery-Id": delivery.id,
            "X-Coord-Signature": hmac.new(self.secret.encode(), body, "sha256").hexdigest(),
        }
        return answer_to(self.place, body, headers, now, self.within_s)

    def body(self, delivery: Delivery) -> bytes:
        """Return the body for a delivery."""
        value: dict[str, Json] = {
            "delivery_id": delivery.id,
            "event_type": delivery.event,
            "timestamp": time_text(delivery.at),
            "repo": self.repo,
            "detail": dict(delivery.detail),
        }
        return compact(value).encode()


def answer_to(place: HttpPlace, body: bytes, headers: Mapping[str, str], now: datetime, within_s: float) -> Response:
    """Post a body and return the answer. `now`: what a date in it is compared with."""
    try:
        posted = place.post(body, headers, within_s=within_s)
    except UnreachableError as error:
        return Response(None, str(error)[:_WORDS_MAX])
    words = f"HTTP {posted.status}"
    if posted.status in range(300, 400):
        words += ", a redirect, which is not followed"
    return Response(posted.status, words, _pause_s(posted.retry_after, now))


def _pause_s(text: str | None, now: datetime) -> float | None:
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
