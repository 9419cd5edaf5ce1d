"""A proxy that loses answers: a push goes through to the server and lands, but the client never hears of it.

While `dropping` is set, the proxy waits for the first bytes of the answer to a push and then cuts the connection,
after sending the client the first `answer_bytes` of it.
"""

import socket
import threading
from contextlib import suppress

_PUSH = b"POST "
_TIMEOUT_S = 30.0  # A bound for a hang; the tests' pushes take milliseconds.


class DroppingProxy:
    """Listens on loopback and forwards to `port` there."""

    def __init__(self, port: int) -> None:
        self.dropping = False
        self.answer_bytes = 0
        self.dropped = 0
        self._target = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(_TIMEOUT_S)

    def _accept(self) -> None:
        with suppress(OSError):  # the listener was closed
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, socket.create_connection(("127.0.0.1", self._target), timeout=_TIMEOUT_S) as server:
            client.settimeout(_TIMEOUT_S)
            pushed = threading.Event()
            pump = threading.Thread(target=_forward, args=(client, server, pushed), daemon=True)
            pump.start()
            with suppress(OSError):
                self._answer(client, server, pushed)
            for side in (client, server):
                with suppress(OSError):
                    side.shutdown(socket.SHUT_RDWR)
            pump.join(_TIMEOUT_S)

    def _answer(self, client: socket.socket, server: socket.socket, pushed: threading.Event) -> None:
        while data := server.recv(65536):
            if self.dropping and pushed.is_set():
                self.dropped += 1
                client.sendall(data[: self.answer_bytes])
                return
            client.sendall(data)


def _forward(client: socket.socket, server: socket.socket, pushed: threading.Event) -> None:
    with suppress(OSError):
        while data := client.recv(65536):
            if _PUSH in data and b"/git-receive-pack " in data:
                pushed.set()
            server.sendall(data)
        server.shutdown(socket.SHUT_WR)
