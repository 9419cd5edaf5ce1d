"""Questions to the API of a forge (GitHub, GitLab), and what its answers mean.

    2xx, JSON                  the value                 another status   as `http_refusal` says
    no answer, or too slow     UnreachableError          2xx, no JSON     InvalidError

Rules:
  * SEC-2: the token is in one header, and in no URL, message or log.
  * Lists are read page by page, up to a bound; no address that an answer names is asked.

What this file does not know: which forge it is, what is asked.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import cast

from gitcoord.core.documents.json_text import Json, compact
from gitcoord.errors import InvalidError
from gitcoord.remote.git.bounded_http import ANSWER_S, HttpPlace
from gitcoord.service.relay.http_refusal import SUCCESSES, Needs, refusal

PER_PAGE = 100  # the most that both take
_BYTES_MAX = 16 << 20  # of a page: a pull request of GitHub has 25 KB beside its text, which may have 65,536 characters
PAGES_MAX = 30  # of the comments of one pull request


@dataclass(frozen=True, slots=True)
class ForgeClient:
    """The API at a place. `headers`: with the token."""

    place: HttpPlace
    headers: Mapping[str, str] = field(repr=False)
    now: Callable[[], datetime]
    needs: Needs
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
        answer = self.place.ask(method, path, given, body, within_s=self.within_s, bytes_max=_BYTES_MAX)
        if answer.status not in SUCCESSES:
            raise refusal(answer, self.place.url, self.now(), self.needs)
        if not answer.body.strip():
            return None, answer.headers
        try:
            return cast("Json", json.loads(answer.body)), answer.headers
        except (ValueError, RecursionError):
            raise self._odd() from None

    def _odd(self) -> InvalidError:
        message = f"{self.place.url} answers with what is no answer of its API."
        return InvalidError(message, hint="Give the address of the API as --url, like https://git.example.com/api/v4.")
