"""An http server between a client and the real one, which answers as a test says and forwards what it says nothing of.

with meddling(servers.http().port) as server:
    server.answers("git-receive-pack", Meddled(429))    in place of the real answer, until `clear`; of several each
                                                        once, in their order, and then the last
    server.asked                                        method and path of each request, in order
"""

import http.client
import socket
import struct
import threading
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ssl import SSLContext

_RESET = struct.pack("ii", 1, 0)  # close at once, and say that it was no orderly end; see socket(7), SO_LINGER
_WAIT_S = 30.0  # A bound for a hang; the tests' requests take milliseconds.


@dataclass(frozen=True)
class Meddled:
    """An answer.

    `body`: `None` for that of the real server, which then carries the request out. With `works` it does so anyway, and
    this is answered instead. `resets`: the connection is reset. `stalls`: there is no answer until the client goes.
    """

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    body: bytes | None = b""
    change: Callable[[bytes], bytes] = lambda body: body
    says_length: bool = True
    drops: bool = False
    works: bool = False
    resets: bool = False
    stalls: bool = False


@dataclass
class Server:
    """What it was asked, and what it does."""

    port: int = 0
    asked: list[str] = field(default_factory=list[str])
    headers: list[Mapping[str, str]] = field(default_factory=list[Mapping[str, str]])
    connections: int = 0
    rules: dict[str, list[Meddled]] = field(default_factory=dict[str, list[Meddled]])

    def answers(self, tail: str, *how: Meddled) -> None:
        """Answer so what ends with this."""
        self.rules[tail] = [*how]

    def rule(self, path: str) -> Meddled:
        """Return how a request is answered now."""
        rules = next((rules for tail, rules in self.rules.items() if path.endswith(tail)), [Meddled(body=None)])
        return rules.pop(0) if len(rules) > 1 else rules[0]

    def clear(self) -> None:
        """Forward everything, and forget what was asked."""
        self.rules.clear()
        self.asked.clear()
        self.headers.clear()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = _WAIT_S
    place: Server
    target: int

    def setup(self) -> None:
        super().setup()
        self.place.connections += 1

    def do_GET(self) -> None:
        self._answer(b"")

    def do_POST(self) -> None:
        self._answer(self.rfile.read(int(self.headers["Content-Length"])))

    def _answer(self, body: bytes) -> None:
        self.place.asked.append(f"{self.command} {self.path}")
        self.place.headers.append({name.lower(): value for name, value in self.headers.items()})
        how = self.place.rule(self.path)
        real = how.body is None
        status, headers, answer = self._forwarded(body) if real else (how.status, {}, how.body or b"")
        if how.works:
            self._forwarded(body)
        if how.stalls:
            self.connection.settimeout(_WAIT_S)
            with suppress(OSError):
                self.connection.recv(1)
        if how.resets:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            self.connection.close()
        if how.drops or how.stalls or how.resets:
            self.close_connection = True
            return
        answer = how.change(answer)
        ending = ("Content-Length", str(len(answer))) if how.says_length else ("Connection", "close")
        self.send_response(status)
        for name, value in dict([*headers.items(), *how.headers.items(), ending]).items():
            self.send_header(name, value)
        self.end_headers()
        with suppress(BrokenPipeError, ConnectionResetError):
            self.wfile.write(answer)

    def _forwarded(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.target, timeout=_WAIT_S)
        passed = ("content-type", "git-protocol", "content-encoding", "authorization", "accept")
        headers = {name: value for name, value in self.headers.items() if name.lower() in passed}
        path = self.path[self.path.index("/", 8) :] if self.path.startswith("http://") else self.path
        try:
            connection.request(self.command, path, body or None, headers)
            response = connection.getresponse()
            kept = ("content-type", "www-authenticate", "date")
            named = {name: value for name, value in response.getheaders() if name.lower() in kept}
            return response.status, named, response.read()
        finally:
            connection.close()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as the class has it
        pass


@contextmanager
def meddling(target: int, context: SSLContext | None = None) -> Generator[Server]:
    """Serve on the loopback until the block ends. `target`: the port of the real server there."""
    server = Server()
    handler = type("Handler", (_Handler,), {"place": server, "target": target})
    listener = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    listener.daemon_threads = True
    if context:
        listener.socket = context.wrap_socket(listener.socket, server_side=True)
    thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    server.port = int(listener.server_address[1])
    try:
        yield server
    finally:
        listener.shutdown()
        listener.server_close()
        thread.join(_WAIT_S)
