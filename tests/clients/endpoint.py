"""A model that says what a script tells it to: the part of an endpoint on loopback that every client's API shares.

    client ── POST /v1/… ──> Endpoint: records the request, answers the next line of the script as a stream of events

It is the client's proxy as well, one that connects to nowhere, so that a client under test reaches nobody.
"""

import json
import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

Body = dict[str, Any]
Event = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Say:
    """The model ends its turn with a text."""

    text: str = "Done."


@dataclass(frozen=True, slots=True)
class Call:
    """The model calls one of our tools; `tool` is the name that the server gave it."""

    tool: str
    arguments: dict[str, object] = field(default_factory=dict[str, object])


@dataclass(frozen=True, slots=True)
class Use:
    """The model calls a tool of the client's own, by its name there; `arguments` may be one text."""

    tool: str
    arguments: dict[str, object] | str


@dataclass(frozen=True, slots=True)
class Look:
    """Something is looked at before the model says its next line, while the client waits for it."""

    at: Callable[[], object]


Line = Say | Call | Use
Script = Sequence[Line | Look]


@dataclass(frozen=True, slots=True)
class Request:
    """What the model was sent, and when."""

    body: Body
    at: float


class Endpoint:
    """A server in a thread; a subclass knows one API."""

    path = ""  # of the requests that the model answers; a pattern

    def __init__(self, script: Script) -> None:
        """Serve at once; when the script is at its end, the model has nothing more to say."""
        self.turns: list[Request] = []
        self.failure: BaseException | None = None  # of what was looked at
        self._script = [*script]
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def is_turn(self, body: Body) -> bool:
        """Return whether it is the agent that asks, not the client for a title or the like."""
        raise NotImplementedError

    def events(self, line: Line, number: int) -> Iterator[Event]:
        """Return the answer to the turn of this number."""
        raise NotImplementedError

    def encoded(self, events: Iterator[Event]) -> Iterator[str]:
        """Return the stream, as this API frames it."""
        for event in events:
            yield f"event: {event['type']}\ndata: {json.dumps(event)}\n\n"

    def shown_tools(self, body: Body) -> set[str]:
        """Return the names of our tools, as the server gave them, that this request tells the model."""
        raise NotImplementedError

    def shown_results(self, body: Body) -> list[str]:
        """Return what the model is shown of its calls."""
        raise NotImplementedError

    def _take(self, body: Body) -> Iterator[Event]:
        if not self.is_turn(body):
            return self.events(Say("A title"), 0)
        with self._lock:
            self.turns.append(Request(body, time.monotonic()))
            return self.events(self._next(), len(self.turns))

    def _next(self) -> Line:
        while self._script:
            line = self._script.pop(0)
            if not isinstance(line, Look):
                return line
            try:
                line.at()
            except BaseException as error:  # noqa: BLE001 - the test that waits for the client raises it
                self.failure = self.failure or error
        return Say()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                if not re.fullmatch(endpoint.path, self.path.partition("?")[0]):
                    self._refuse()
                    return
                self.send_response(200)
                self.send_header("Content-Type", "text/event-stream")
                self.send_header("Connection", "close")
                self.end_headers()
                for part in endpoint.encoded(endpoint._take(json.loads(content))):
                    self.wfile.write(part.encode())
                self.close_connection = True

            def _refuse(self) -> None:
                self.send_response(404)
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_GET = do_HEAD = do_CONNECT = do_PUT = do_DELETE = _refuse  # noqa: N815 - as the base class asks

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
                """Say nothing."""

        return Handler
