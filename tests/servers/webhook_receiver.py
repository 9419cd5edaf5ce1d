"""A receiver of webhooks on the loopback, which does as a test says: fail, hang, answer odd things, end early.

with received() as hook:
hook.answers(503, 200)      the first request, then the second; the last answer stays
hook.posts                  what came, in order
"""

import hashlib
import json
import ssl
import threading
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

SECRET = "s3cret-of-the-test"  # noqa: S105 - of a receiver that lives as long as a test
Odd = Callable[[BaseHTTPRequestHandler], None]


@dataclass(frozen=True)
class Post:
    """One request: its path, its headers in lower case, and its body."""

    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def value(self) -> dict[str, Any]:
        return json.loads(self.body)

    @property
    def id(self) -> str:
        return self.headers["x-coord-delivery-id"]

    @property
    def event(self) -> str:
        return self.headers["x-coord-event-type"]

    def is_signed_with(self, secret: str) -> bool:
        """Whether the signature is right: HMAC as RFC 2104 writes it, with a hash function alone."""
        key = secret.encode().ljust(64, b"\0")
        inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in key) + self.body).digest()
        outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in key) + inner).hexdigest()
        return self.headers.get("x-coord-signature") == outer


@dataclass
class Hook:
    """The receiver. `over` ends what hangs."""

    url: str = ""
    posts: list[Post] = field(default_factory=list[Post])
    over: threading.Event = field(default_factory=threading.Event)
    script: list[int | Odd] = field(default_factory=lambda: [200])
    news: threading.Condition = field(default_factory=threading.Condition)

    def wait_for(self, count: int) -> None:
        """Wait until so many posts came; fail where they do not come."""
        with self.news:
            assert self.news.wait_for(lambda: len(self.posts) >= count, timeout=60), self.events

    @property
    def ids(self) -> list[str]:
        return [post.id for post in self.posts]

    @property
    def events(self) -> list[str]:
        return [post.event for post in self.posts]

    def answers(self, *script: int | Odd) -> None:
        """Answer so from now on; the last answer stays."""
        with self.news:
            self.script = [*script]

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers["Content-Length"]))
        headers = {name.lower(): value for name, value in request.headers.items()}
        with self.news:
            self.posts.append(Post(request.path, headers, body))
            self.news.notify_all()
            how = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        if isinstance(how, int):
            reply(how)(request)
        else:
            how(request)

    def hang(self, _request: BaseHTTPRequestHandler) -> None:
        """Answer nothing until the test is over."""
        self.over.wait()

    def drip(self, request: BaseHTTPRequestHandler) -> None:
        """Begin an answer, and never come to its end."""
        request.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        while not self.over.wait(0.02):
            request.wfile.write(b"x")


def reply(status: int, body: str = "", **headers: str) -> Odd:
    """Return what answers with a status, a body and headers."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        for name, value in headers.items():
            request.send_header(name.replace("_", "-"), value)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body.encode())

    return answer


def end_early(request: BaseHTTPRequestHandler) -> None:
    """Close the connection without a word."""
    request.close_connection = True


def garbage(request: BaseHTTPRequestHandler) -> None:
    """Answer with what is no HTTP."""
    request.wfile.write(b"\x00\x01 not HTTP at all\r\n\r\n")


def lie(request: BaseHTTPRequestHandler) -> None:
    """Say yes, and promise a body that never comes."""
    request.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n<html>")


@contextmanager
def received(certificate: Path | None = None, key: Path | None = None) -> Generator[Hook]:
    """Serve on the loopback until the block ends; with a certificate, https."""
    hook = Hook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            with suppress(BrokenPipeError, ConnectionResetError):
                hook.answer(self)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as the class has it
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    hook.url = f"http{'s' * bool(certificate)}://127.0.0.1:{server.server_address[1]}"
    try:
        yield hook
    finally:
        hook.over.set()
        server.shutdown()
        server.server_close()
        thread.join()
