"""Questions to the API of a forge (GitHub, GitLab), and what its answers mean.

    2xx, JSON                      the value                  401, 403, other 4xx    DeniedError
    429, or 403 with no calls left RateLimitError             404                    NotFoundError
    5xx, no answer, too slow       UnreachableError           2xx, no JSON of it     InvalidError

Rules:
  * SEC-2: the token is in one header, and in no URL, message or log. Of what a forge answers a message has the status
    alone.
  * A forge that asks for a pause gets it: the next question is its caller's, after that.
  * Lists are read page by page, up to a bound; no address that an answer names is asked.

What this file does not know: which forge it is, what is asked.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import cast

from gitcoord.core.documents.json_text import Json, compact
from gitcoord.core.relay.schedule import RETRY_AFTER_MAX_S
from gitcoord.errors import DeniedError, InvalidError, NotFoundError, RateLimitError, UnreachableError
from gitcoord.remote.git.bounded_http import ANSWER_S, HttpAnswer, HttpPlace
from gitcoord.service.relay.receiver import pause_s

PER_PAGE = 100  # the most that both take
PAGES_MAX = 30  # of the comments of one pull request
_PAUSE_S = 60.0  # what GitHub asks for at least, where it says nothing of a time
_SUCCESSES = range(200, 300)


@dataclass(frozen=True, slots=True)
class ForgeClient:
    """The API at a place. `headers`: with the token; `needs`: what a token must be allowed, for a hint."""

    place: HttpPlace
    headers: Mapping[str, str] = field(repr=False)
    now: Callable[[], datetime]
    needs: str
    within_s: float = ANSWER_S

    def ask(self, method: str, path: str, value: Json = None) -> Json:
        """Ask for something, or have it changed; return the value that is answered, `None` for an empty answer.

        Raises:
            DeniedError, InvalidError, NotFoundError, RateLimitError, UnreachableError: as the head of this file says.
        """
        return self._asked(method, path, value)[0]

    def rows(self, path: str, query: str) -> list[Mapping[str, Json]]:
        """Return the rows of the first page. What is no object is left out.

        Raises:
            InvalidError: the answer is no list; and as `ask`.
        """
        return self._page(path, query, 1)[0]

    def pages(self, path: str, query: str = "") -> Iterator[Mapping[str, Json]]:
        """Yield the rows of all pages, in order.

        Raises:
            InvalidError: there are more than can be looked at; and as `ask`.
        """
        for page in range(1, PAGES_MAX + 1):
            rows, has_next = self._page(path, query, page)
            yield from rows
            if not has_next:
                return
        message = f"{self.place.url} lists more than {PAGES_MAX * PER_PAGE} comments of one pull request."
        raise InvalidError(message, hint="Nothing was changed there. Close what is that long, and go on in a new one.")

    def _page(self, path: str, query: str, page: int) -> tuple[list[Mapping[str, Json]], bool]:
        """Return the rows of a page, and whether there is another: a page may be short because some are hidden."""
        words = f"{query}&" if query else ""
        found, headers = self._asked("GET", f"{path}?{words}per_page={PER_PAGE}&page={page}", None)
        if not isinstance(found, list):
            raise self._odd()
        says = headers.get("x-next-page", "").strip() or 'rel="next"' in headers.get("link", "")
        knows = "x-next-page" in headers or "link" in headers
        return [row for row in found if isinstance(row, dict)], bool(says if knows else len(found) >= PER_PAGE)

    def _asked(self, method: str, path: str, value: Json) -> tuple[Json, Mapping[str, str]]:
        body = None if value is None else compact(value).encode()
        given = {"User-Agent": "gitcoord", **self.headers} | ({"Content-Type": "application/json"} if body else {})
        answer = self.place.ask(method, path, given, body, within_s=self.within_s)
        if answer.status not in _SUCCESSES:
            raise self._error(answer)
        if not answer.body.strip():
            return None, answer.headers
        try:
            return cast("Json", json.loads(answer.body)), answer.headers
        except (ValueError, RecursionError):
            raise self._odd() from None

    def _error(self, answer: HttpAnswer) -> Exception:
        status, url = answer.status, self.place.url
        pause = self._pause(answer)
        if pause is not None:
            message = f"{url} takes no more requests now (HTTP {status})."
            return RateLimitError(message, after_s=pause, hint=f"Try again in {int(pause)} seconds.")
        if status == 401:  # noqa: PLR2004 - of HTTP
            return DeniedError(f"{url} does not take the token (HTTP 401).", hint="Give one that has not expired.")
        if status == 403:  # noqa: PLR2004
            return DeniedError(f"{url} does not allow that with this token (HTTP 403).", hint=self.needs)
        if status == 404:  # noqa: PLR2004
            hint = f"See whether --repo is right, and what the token may see. {self.needs}"
            return NotFoundError(f"{url} knows no such repository or comment (HTTP 404).", hint=hint)
        if status >= 500:  # noqa: PLR2004
            return UnreachableError(f"{url} fails now (HTTP {status}).", hint="Try again later.")
        return DeniedError(f"{url} declines what is asked (HTTP {status}).")

    def _pause(self, answer: HttpAnswer) -> float | None:
        """Return for how long an answer asks to be left alone; `None`: it does not.

        Source: docs.github.com, "Best practices for using the REST API"; docs.gitlab.com, "Rate limits".
        """
        if answer.status not in (403, 429, 503):
            return None
        now, headers = self.now(), answer.headers
        asked = pause_s(headers.get("retry-after"), now)
        if (
            asked is None
            and headers.get("x-ratelimit-remaining", headers.get("ratelimit-remaining", "")).strip() == "0"
        ):
            reset = headers.get("x-ratelimit-reset", headers.get("ratelimit-reset", "")).strip()[:12]
            asked = max(0.0, int(reset) - now.timestamp()) if reset.isascii() and reset.isdigit() else _PAUSE_S
        if asked is None and answer.status == 429:  # noqa: PLR2004
            asked = _PAUSE_S
        return None if asked is None else min(max(asked, 1.0), RETRY_AFTER_MAX_S)

    def _odd(self) -> InvalidError:
        message = f"{self.place.url} answers with what is no answer of its API."
        return InvalidError(message, hint="Give the address of the API as --url, like https://git.example.com/api/v4.")
