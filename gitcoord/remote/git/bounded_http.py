"""One question to an HTTP service, with gloves on: another tool's claims are read, events posted, comments kept.

Rules:
  * It ends: each answer has a time as a whole and a size, and a body is never unpacked.
  * It goes where it was sent: a redirect is an error, or an answer like any other, and no proxy is asked. Only `ask`
    follows one, a few times, and never to another scheme, host or port.
  * SEC-2: a token travels in a header, never in a URL; a URL with a user or a password is refused.

What this file does not know: what is asked, or sent.
"""

import http.client
import re
import socket
import ssl
import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Final, NamedTuple
from urllib.parse import SplitResult, urljoin, urlsplit, urlunsplit

from gitcoord.errors import InvalidError, UnreachableError
from gitcoord.redaction import redact
from gitcoord.remote.git.git_process import clean_text
from gitcoord.remote.git.socket_end import ended_after

ANSWER_BYTES_MAX: Final = 4 << 20  # as of a document here; 5,000 claims of coord have 2 MB
ANSWER_S: Final = 30.0  # for a whole answer: a claim service answers in milliseconds
_CONNECT_S: Final = 10.0
_LEGAL: Final = re.compile(r"[!-~]+")
_REDIRECTS: Final = range(300, 400)
_REDIRECTS_MAX: Final = 3  # a repository that was renamed is one
_KEEP_METHOD: Final = (307, 308)  # after another one a question that changes something would be a different one
_MAY_MOVE: Final = (301, 302, 303, *_KEEP_METHOD)


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """What a service answered. `body`: whole; `headers`: by their names in lower case."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


class Posted(NamedTuple):
    """What a receiver answered. `retry_after`: the header, as it came."""

    status: int
    retry_after: str | None


@dataclass(frozen=True, slots=True)
class HttpPlace:
    """Where a service is: a URL that was looked at. `is_clear`: others on the way could read what is sent."""

    url: str
    parts: SplitResult
    is_clear: bool

    @classmethod
    def of(cls, url: str) -> "HttpPlace":
        """Look at a URL.

        Raises:
            InvalidError: it is none of an HTTP service, or there are credentials in it.
        """
        try:
            parts = urlsplit(url)
            good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        except ValueError:
            good, parts = False, urlsplit("")
        if not good or not _LEGAL.fullmatch(url) or parts.query or parts.fragment:
            message = f"{clean_text(url, chars_max=200)!r} is not the URL of a service."
            raise InvalidError(message, hint="Give it like https://coord.example.com or http://127.0.0.1:8080.")
        if parts.username is not None or parts.password is not None:
            raise InvalidError(
                "The URL has a user or a password in it, and command lines are seen by others.",
                hint="Leave it out: a token is read from the environment, or from git's credential helper.",
            )
        clear = parts.scheme == "http" and not _is_loopback(parts.hostname or "")
        return cls(redact(url.rstrip("/")), parts, clear)

    @classmethod
    def of_receiver(cls, url: str) -> "HttpPlace":
        """Look at the URL of what takes posts, whose path and query may be secrets: `url` has neither of them.

        Raises:
            InvalidError: it is none of an HTTP service, or there is a user or a password in it. It is not shown.
        """
        try:
            is_clear = cls.of(url.partition("?")[0]).is_clear
            parts = urlsplit(url if _LEGAL.fullmatch(url) else "")
            if parts.hostname:
                return cls(f"{parts.scheme}://{parts.netloc}", parts, is_clear)
        except (InvalidError, ValueError):
            pass
        message = "That is not the URL of a receiver: it is no http or https, or there is a user or a password in it."
        raise InvalidError(message, hint="Give it like https://hooks.example.com/gitcoord.")

    def get(self, path: str, token: str | None, *, within_s: float = ANSWER_S) -> HttpAnswer:
        """Ask for something below the URL; `path` is ours.

        Raises:
            UnreachableError: there was no answer, or not a whole one in time.
            InvalidError: it redirects, or the answer is too large.
        """
        headers = {"Accept": "application/json, text/yaml"}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        answer = self._exchange("GET", self.parts.path.rstrip("/") + path, headers, None, within_s, ANSWER_BYTES_MAX)
        if answer.status in _REDIRECTS:
            raise self._redirected(answer)
        return answer

    def ask(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: bytes | None = None,
        *,
        within_s: float = ANSWER_S,
        bytes_max: int = ANSWER_BYTES_MAX,
    ) -> HttpAnswer:
        """Ask for something below the URL, or have it changed; `path` is ours, and may have a query.

        A redirect is followed within the same scheme, host and port: there the token belongs.

        Raises:
            UnreachableError: there was no answer, or not a whole one in time.
            InvalidError: it redirects elsewhere, or without end, or the answer is too large.
        """
        target = self.parts.path.rstrip("/") + path
        moves = 0
        while True:
            answer = self._exchange(method, target, headers, body, within_s, bytes_max)
            if answer.status not in (_MAY_MOVE if method == "GET" else _KEEP_METHOD):
                return answer
            moves += 1
            moved = self._moved(target, answer.headers.get("location", ""))
            if moved is None or moves > _REDIRECTS_MAX:
                raise self._redirected(answer)
            target = moved

    def _moved(self, target: str, location: str) -> str | None:
        """Return what to ask for after a redirect; `None`: that is not here."""
        try:
            where = urlsplit(urljoin(urlunsplit((*self.parts[:2], target, "", "")), location))
        except ValueError:
            return None
        is_here = where[:2] == self.parts[:2] and _LEGAL.fullmatch(where.geturl())
        return urlunsplit(("", "", where.path or "/", where.query, "")) if is_here else None

    def _exchange(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes | None, within_s: float, bytes_max: int
    ) -> HttpAnswer:
        """Send one question and read the whole answer."""
        given = {"Accept-Encoding": "identity", "Connection": "close", **headers}
        with self._connection() as connection, ended_after(within_s, connection.open_socket) as over:
            try:
                connection.connect_before(over)
                connection.request(method, target, body=body, headers=given)
                with connection.getresponse() as response:
                    says_its_length = response.chunked or response.length is not None
                    received = response.read(bytes_max + 1)
                    whole = says_its_length and response.length in (0, None)
                    said = {name.lower(): value for name, value in response.headers.items()}
            except (OSError, http.client.HTTPException, ValueError) as error:
                raise self._unreachable("it took too long" if over.is_set() else error) from None
        if len(received) > bytes_max:
            raise InvalidError(f"{self.url} answers with more than {bytes_max >> 20} MB.")
        if over.is_set() or not whole:  # what ends with the connection may have been cut short, and looks like a whole
            raise self._unreachable("it took too long" if over.is_set() else "the answer was cut short")
        return HttpAnswer(response.status, received, said)

    def _redirected(self, answer: HttpAnswer) -> InvalidError:
        where = clean_text(answer.headers.get("location") or "nowhere", chars_max=200)
        message = f"{self.url} redirects to {where!r}, and the token is not taken elsewhere."
        return InvalidError(message, hint="If that is the service, give its URL instead.")

    def post(self, body: bytes, headers: Mapping[str, str], *, within_s: float) -> Posted:
        """Send a body; of the answer only the head is read, since nothing in its body counts.

        Raises:
            UnreachableError: there was no answer, or none in time.
        """
        given = {"Connection": "close", **headers}
        target = urlunsplit(("", "", self.parts.path or "/", self.parts.query, ""))
        with self._connection() as connection, ended_after(within_s, connection.open_socket) as over:
            try:
                connection.connect_before(over)
                connection.request("POST", target, body=body, headers=given)
                with connection.getresponse() as response:
                    posted = Posted(response.status, response.headers.get("Retry-After"))
            except (OSError, http.client.HTTPException, ValueError) as error:
                raise self._unreachable("it took too long" if over.is_set() else error, "posted to") from None
        if over.is_set():  # a head that was cut off looks like a whole one
            raise self._unreachable("it took too long", "posted to")
        return posted

    @contextmanager
    def _connection(self) -> Generator["_Connection | _TlsConnection"]:
        host, port = self.parts.hostname or "", self.parts.port
        if self.parts.scheme == "https":
            context = ssl.create_default_context()
            connection = _TlsConnection(host, port, timeout=_CONNECT_S, context=context)
        else:
            connection = _Connection(host, port, timeout=_CONNECT_S)
        try:
            yield connection
        finally:
            connection.close()

    def _unreachable(self, error: object, what: str = "read") -> UnreachableError:
        text = clean_text(str(error) or type(error).__name__, chars_max=120)
        return UnreachableError(f"{self.url} cannot be {what}: {text}.", hint="Look whether it runs, then try again.")


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class _Connection(http.client.HTTPConnection):
    """A connection that still knows its socket when the answer is the last one, and only that reads from it."""

    _opened: socket.socket | None = None

    def connect(self) -> None:
        """Connect."""
        super().connect()
        self._opened = self.sock

    def connect_before(self, over: threading.Event) -> None:
        """Connect in time: what was over before there was a socket has ended none.

        Raises:
            OSError: it does not connect, or only now.
        """
        self.connect()
        if over.is_set():
            raise TimeoutError

    def open_socket(self) -> socket.socket | None:
        """Return the socket that is waited for."""
        return self.sock or self._opened


class _TlsConnection(_Connection, http.client.HTTPSConnection):
    """The same over TLS."""
