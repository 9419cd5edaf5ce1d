"""A bridge from HTTP to `gitcoord mcp` over stdio, for test programs that speak to servers by URL only.

One process for each session of the handshake era, and one for all requests of 2026-07-28, which have no session.
Answers are single JSON bodies; there is no stream from the server, which the protocol allows.
"""

import itertools
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.faces.mcp.process import META, Message, ServerProcess, envelope

_SESSION = "Mcp-Session-Id"
_METHOD_NOT_FOUND = -32601


class Bridge:
    """The processes behind one URL."""

    def __init__(self, cwd: Path) -> None:
        self._cwd = cwd
        self._lock = threading.Lock()
        self._ids = itertools.count(1)
        self._servers: dict[str, ServerProcess] = {}

    def exchange(self, message: Message, session: str) -> tuple[Message | None, str]:
        """Pass a message on; return the answer, if there is one, and the session."""
        with self._lock:
            if message.get("method") == "initialize":
                session = f"session-{next(self._ids)}"
            if session not in self._servers:
                self._servers[session] = ServerProcess(self._cwd)
            server = self._servers[session]
            if "id" not in message:
                server.send(message)
                return None, session
            passed = f"bridge-{next(self._ids)}"
            server.send({**message, "id": passed})
            answer = server.receive_until(lambda one: one.get("id") == passed)
            return {**answer, "id": message["id"]}, session

    def load(self) -> None:
        """Have the server of no session ready: the programs give a request ten seconds, which loading may take."""
        params = {"uri": "coord://status", "_meta": envelope()}
        self.exchange({"jsonrpc": "2.0", "id": 0, "method": "resources/read", "params": params}, "")

    def is_known(self, session: str) -> bool:
        return session in self._servers

    def drop(self, session: str) -> None:
        with self._lock:
            if server := self._servers.pop(session, None):
                server.stop()

    def stop(self) -> None:
        for session in list(self._servers):
            self.drop(session)


def _is_modern(message: Message) -> bool:
    return f"{META}protocolVersion" in message.get("params", {}).get("_meta", {})


def _handler(bridge: Bridge) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            message: Message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            session = "" if _is_modern(message) else self.headers.get(_SESSION, "")
            if session and not bridge.is_known(session):
                self._answer(404)
                return
            answer, session = bridge.exchange(message, session)
            # What the protocol asks of a server that speaks HTTP: a method that does not exist is a page that does not.
            missing = _is_modern(message) and (answer or {}).get("error", {}).get("code") == _METHOD_NOT_FOUND
            self._answer(202 if answer is None else 404 if missing else 200, answer, session)

        def do_GET(self) -> None:
            self._answer(405)

        def do_DELETE(self) -> None:
            bridge.drop(self.headers.get(_SESSION, ""))
            self._answer(200)

        def _answer(self, status: int, body: Message | None = None, session: str = "") -> None:
            data = b"" if body is None else json.dumps(body).encode()
            self.send_response(status)
            if session:
                self.send_header(_SESSION, session)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name in the base class
            """Say nothing."""

    return Handler


@contextmanager
def bridged(cwd: Path) -> Iterator[str]:
    """Serve a folder at a URL on the loopback."""
    bridge = Bridge(cwd)
    bridge.load()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(bridge))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/mcp"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
        bridge.stop()
