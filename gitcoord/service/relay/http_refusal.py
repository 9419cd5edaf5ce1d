"""What it means that a service does not take a request: an error of ours for each status.

    429, or 403 with no calls left  RateLimitError      401, 403, other 4xx, a redirect  DeniedError
    5xx                             UnreachableError    404                              NotFoundError

Rules:
  * SEC-2: of what a service answers a message has the status alone.
  * A service that asks for a pause is asked again by the caller alone, after that.

What this file does not know: what was asked.
"""

from datetime import datetime
from typing import Final, NamedTuple

from gitcoord.core.relay.schedule import RETRY_AFTER_MAX_S
from gitcoord.errors import CoordError, DeniedError, NotFoundError, RateLimitError, UnreachableError
from gitcoord.remote.git.bounded_http import HttpAnswer
from gitcoord.service.relay.receiver import pause_s

SUCCESSES: Final = range(200, 300)
_PAUSE_S: Final = 60.0  # what GitHub asks for at least, where it says nothing of a time
_NO_TOKEN, _FORBIDDEN, _MISSING, _TOO_MANY, _BUSY = 401, 403, 404, 429, 503
_FAILURES: Final = range(500, 600)


class Needs(NamedTuple):
    """Hints. `token`: what a token must be allowed; `missing`: what may be wrong where nothing is found."""

    token: str
    missing: str


def refusal(answer: HttpAnswer, url: str, now: datetime, needs: Needs) -> CoordError:
    """Return the error of an answer that is no success. `url`: of the service, without secrets."""
    status = answer.status
    pause = _pause(answer, now)
    if pause is not None:
        message = f"{url} takes no more requests now (HTTP {status})."
        return RateLimitError(message, after_s=pause, hint=f"Try again in {int(pause)} seconds.")
    if status == _NO_TOKEN:
        return DeniedError(f"{url} does not take the token (HTTP 401).", hint="Give one that has not expired.")
    if status == _FORBIDDEN:
        return DeniedError(f"{url} does not allow that with this token (HTTP 403).", hint=needs.token)
    if status == _MISSING:
        return NotFoundError(f"{url} knows nothing there (HTTP 404).", hint=needs.missing)
    if status in _FAILURES:
        return UnreachableError(f"{url} fails now (HTTP {status}).", hint="Try again later.")
    return DeniedError(f"{url} declines what is asked (HTTP {status}).")


def _pause(answer: HttpAnswer, now: datetime) -> float | None:
    """Return for how long an answer asks to be left alone; `None`: it does not.

    Source: docs.github.com, "Best practices for using the REST API"; docs.gitlab.com, "Rate limits".
    """
    if answer.status not in (_FORBIDDEN, _TOO_MANY, _BUSY):
        return None
    headers = answer.headers
    asked = pause_s(headers.get("retry-after"), now)
    if asked is None and headers.get("x-ratelimit-remaining", headers.get("ratelimit-remaining", "")).strip() == "0":
        reset = headers.get("x-ratelimit-reset", headers.get("ratelimit-reset", "")).strip()[:12]
        asked = max(0.0, int(reset) - now.timestamp()) if reset.isascii() and reset.isdigit() else _PAUSE_S
    if asked is None and answer.status == _TOO_MANY:
        asked = _PAUSE_S
    return None if asked is None else min(max(asked, 1.0), RETRY_AFTER_MAX_S)
