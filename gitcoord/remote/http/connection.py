"""Connections to one server: kept alive, through a proxy, with TLS; each question to it has a time as a whole.

Rules:
  * One question, one answer, and nothing is sent twice but what a kept connection swallowed: its server had closed it.
    `Question.sends` says so, and the caller of a write takes anything but a win for unknown then.
  * `was_sent` is false as long as no byte of a question can have reached the server.
  * SEC-4: an answer has a size, and is never unpacked.
  * Names are looked up in a thread: the system's own time for that is up to half a minute.

What this file does not know: git, and what credentials are.
"""

import http.client
import select
import socket
import threading
import weakref
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from gitcoord.errors import UnreachableError
from gitcoord.remote.contract.clocks import Clocks
from gitcoord.remote.contract.time_left import TimeLeft
from gitcoord.remote.git.git_process import clean_text
from gitcoord.remote.http.timed_socket import TimedSocket
from gitcoord.remote.http.unfamiliar import UnfamiliarError

if TYPE_CHECKING:
    import ssl

KEPT_S: Final = 60.0  # nginx keeps an idle connection for 75 s
_ADDRESS_S: Final = 4.0  # for one of several addresses of a server
_SWITCHED, _OK = 101, 200
_CHECK: Final = "Check the URL (`git remote -v`) and the network, then try again."
_FRAME_BYTES: Final = 256 * 1024  # what an answer may have beside its body: status, headers, and lines of chunks
_Failure = (OSError, http.client.HTTPException, ValueError)  # the last: sizes that are none


class Proxy(NamedTuple):
    """An http proxy, and what is sent to it to be let through."""

    host: str
    port: int
    authorization: str = ""


class Server(NamedTuple):
    """Where connections go. `tls` makes what checks the certificate."""

    scheme: str
    host: str
    port: int
    shown: str
    proxy: Proxy | None = None
    tls: "Callable[[], ssl.SSLContext] | None" = None

    @property
    def netloc(self) -> str:
        """Return the host, with its port where that is not the usual one."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == {"http": 80, "https": 443}[self.scheme] else f"{host}:{self.port}"


@dataclass(slots=True)
class Question:
    """One request. `target`: path and query. `bytes_max`: of the answer. `sends`: how often it was sent."""

    method: str
    target: str
    headers: Sequence[tuple[str, str]]
    body: bytes = b""
    bytes_max: int = 4 << 20
    sends: int = 0
    heard: bool = False

    @property
    def was_sent(self) -> bool:
        """Whether the server may have got it."""
        return self.sends > 0

    def again(self) -> None:
        """Forget that it was sent now: the server said that it did nothing with it. Of an earlier try it did not."""
        self.sends, self.heard = self.sends - 1, False


class Answer(NamedTuple):
    """What came back. `headers`: names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def kind(self) -> str:
        """Return its media type, without parameters."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def words(self) -> str:
        """Return what one that is no success says: its status, and its words where they are plain text."""
        is_text = self.kind == "text/plain"
        said = clean_text(self.body[:2000].decode("utf-8", "replace"), chars_max=300) if is_text else ""
        words = f"it answers {self.status}"
        return f"{words}: {said.rstrip('.')}" if said else words

    @property
    def retry_hint(self) -> str:
        """Return when to ask again, as the end of a hint."""
        value = self.headers.get("retry-after", "")
        return f" Try again in {value} s." if value.isdecimal() and len(value) < 6 else ""  # noqa: PLR2004 - a day


class _Line(NamedTuple):
    """A connection. `idle_since`: when its last answer came."""

    http: http.client.HTTPConnection
    socket: TimedSocket
    idle_since: float


class Connections:
    """The connections of one clone to one server."""

    def __init__(self, server: Server, clocks: Clocks, timeout_s: float) -> None:
        """Open none yet. `timeout_s`: for each question, with its answer."""
        self._server = server
        self._clocks = clocks
        self._timeout_s = timeout_s
        self._idle: list[_Line] = []
        weakref.finalize(self, _close, self._idle)  # a transport is let go of, not closed
        self._context: ssl.SSLContext | None = None

    def ask(self, question: Question) -> Answer:
        """Send a question and read the answer.

        Raises:
            NoAnswerError: it took too long; to this remote nothing more is sent, if that is wished (`asking_once`).
            TooSlowError: the time of the transaction that this is part of is over.
            UnreachableError: there is no server, or the connection broke.
            UnfamiliarError: only git can talk to it.
        """
        shown = self._server.shown
        left = TimeLeft(self._timeout_s, shown, self._clocks.monotonic)
        line = self._kept()
        if line is not None:
            line.socket.wait_s = left.wait_s
            with suppress(*_Failure):
                return self._converse(line, question)
            if question.heard:
                raise UnreachableError(f"The remote {shown!r} broke off its answer.", hint="Try again.")
        try:
            return self._converse(self._opened(left), question)
        except _Failure as error:
            words = str(getattr(error, "strerror", None) or error) or type(error).__name__
            text = f"The remote {shown!r} was not reached: {clean_text(words, chars_max=120).rstrip('.')}."
            raise UnreachableError(text, hint=_CHECK) from None

    def close(self) -> None:
        """Close what is idle."""
        _close(self._idle)

    def _kept(self) -> _Line | None:
        """Return a connection that the server has not closed."""
        while self._idle:
            with suppress(IndexError):  # another thread took it
                line = self._idle.pop()
                is_young = self._clocks.monotonic() - line.idle_since < KEPT_S
                poll = select.poll()
                poll.register(line.socket.plain, select.POLLIN)
                if is_young and not poll.poll(0):  # of an idle connection only its end can be read
                    return line
                line.http.close()
        return None

    def _converse(self, line: _Line, question: Question) -> Answer:
        try:
            question.sends += 1
            line.socket.bytes_left = 2 * question.bytes_max + _FRAME_BYTES
            with suppress(BrokenPipeError, ConnectionResetError):  # it answered before it had all: that may say why
                self._send(line.http, question)
            with line.http.getresponse() as response:
                question.heard = True
                answer = _read(response, question.bytes_max)
                is_kept = not response.will_close and response.isclosed()
        except BaseException:
            line.http.close()
            raise
        if is_kept:
            self._idle.append(line._replace(idle_since=self._clocks.monotonic()))
        else:
            line.http.close()
        return answer

    def _send(self, http: http.client.HTTPConnection, question: Question) -> None:
        proxy = self._server.proxy if self._server.scheme == "http" else None
        target = f"http://{self._server.netloc}{question.target}" if proxy else question.target
        http.putrequest(question.method, target, skip_host=True, skip_accept_encoding=True)
        http.putheader("Host", self._server.netloc)
        http.putheader("Accept-Encoding", "identity")
        if proxy and proxy.authorization:
            http.putheader("Proxy-Authorization", proxy.authorization)
        if question.method == "POST":
            http.putheader("Content-Length", str(len(question.body)))
        for name, value in question.headers:
            http.putheader(name, value)
        http.endheaders(question.body or None)

    def _opened(self, left: "TimeLeft") -> _Line:
        server = self._server
        host, port = server.proxy[:2] if server.proxy else (server.host, server.port)
        plain = _dialed(host, port, left)
        try:
            if server.scheme == "https":
                if server.proxy:
                    _tunnel(TimedSocket(plain, left.wait_s), server, server.proxy)
                plain = self._wrapped(plain, left)
        except BaseException:
            plain.close()
            raise
        timed = TimedSocket(plain, left.wait_s)
        connection = http.client.HTTPConnection(server.host, server.port)
        connection.auto_open = 0  # a new connection is a decision of ours
        connection.response_class = _Response
        connection.sock = cast("Any", timed)
        return _Line(connection, timed, 0.0)

    def _wrapped(self, plain: socket.socket, left: "TimeLeft") -> socket.socket:
        import ssl

        if self._context is None and self._server.tls is not None:
            self._context = self._server.tls()
        if self._context is None:
            raise UnfamiliarError("no certificate of its could be checked")
        plain.settimeout(left.whole_s())
        try:
            return self._context.wrap_socket(plain, server_hostname=self._server.host)
        except TimeoutError:
            raise left.over() from None
        except ssl.SSLCertVerificationError as error:  # git may trust other authorities than Python does
            raise UnfamiliarError(f"its certificate is not trusted: {error.verify_message}") from None


def _close(idle: list[_Line]) -> None:
    while idle:
        idle.pop().http.close()


class _Response(http.client.HTTPResponse):
    """An answer behind those that only say that there will be one; of those the library passes over 100 alone."""

    def begin(self) -> None:
        """Read up to the body. See RFC 9110, Informational 1xx."""
        super().begin()
        while _SWITCHED < self.status < _OK:  # else the answer would be taken for that to the next question
            self.headers = cast("Any", None)
            super().begin()


def _read(response: http.client.HTTPResponse, bytes_max: int) -> Answer:
    headers = {name.lower(): value for name, value in response.getheaders()}
    headers["www-authenticate"] = "\n".join(response.headers.get_all("www-authenticate", []))  # one line each
    body = response.read(bytes_max + 1)
    if len(body) > bytes_max:
        raise UnfamiliarError("its answer is too large", lasts=False)
    if response.length:
        raise http.client.IncompleteRead(b"", response.length)
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise UnfamiliarError(f"it encodes its answers ({headers['content-encoding'][:20]!r})")
    return Answer(response.status, headers, body)


def _dialed(host: str, port: int, left: TimeLeft) -> socket.socket:
    """Connect to the first address that answers."""
    found = _addresses(host, port, left)
    last: OSError = OSError("it has no address")
    for count, (family, kind, protocol, _, address) in enumerate(found, 1):
        plain = socket.socket(family, kind, protocol)
        try:
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            plain.settimeout(left.whole_s() if count == len(found) else min(left.whole_s(), _ADDRESS_S))
            plain.connect(address)
        except OSError as error:
            plain.close()
            last = error
        except BaseException:
            plain.close()
            raise
        else:
            return plain
    left.whole_s()  # where the time was over, that is what it was
    raise last


_Address = tuple[socket.AddressFamily, socket.SocketKind, int, str, Any]


def _addresses(host: str, port: int, left: TimeLeft) -> list[_Address]:
    found: list[_Address] = []
    failed: list[OSError] = []

    def look() -> None:
        try:
            found.extend(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as error:
            failed.append(error if isinstance(error, OSError) else OSError(str(error)))

    with suppress(OSError, ValueError):
        socket.inet_pton(socket.AF_INET6 if ":" in host else socket.AF_INET, host)
        look()
    if not found and not failed:
        thread = threading.Thread(target=look, daemon=True)
        thread.start()
        thread.join(left.whole_s())
    if failed:
        raise failed[0]
    return [*found]


def _tunnel(line: TimedSocket, server: Server, proxy: Proxy) -> None:
    """Ask a proxy for a way to the server. See RFC 9110, CONNECT."""
    place = f"{f'[{server.host}]' if ':' in server.host else server.host}:{server.port}"
    words = [f"CONNECT {place} HTTP/1.1", f"Host: {place}"]
    words += [f"Proxy-Authorization: {proxy.authorization}"] if proxy.authorization else []
    line.sendall("".join(f"{word}\r\n" for word in [*words, ""]).encode("latin-1"))
    response = http.client.HTTPResponse(cast("Any", line), method="CONNECT")
    try:
        response.begin()
        if response.status != _OK:
            raise UnfamiliarError(f"its proxy answers {response.status} {clean_text(response.reason, chars_max=60)}")
    finally:
        response.close()
