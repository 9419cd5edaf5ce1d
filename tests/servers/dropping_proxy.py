"""A proxy that loses answers: a push goes through to the server and lands, but the client never hears of it.

While `dropping` is set, the proxy waits for the first bytes of the answer to a push and then cuts the connection,
after sending the client the first `answer_bytes` of it.
"""

import socket
import threading
from contextlib import suppress

from tests.servers.loopback_proxy import TIMEOUT_S, LoopbackProxy

_PUSH = b"POST "


class DroppingProxy(LoopbackProxy):
    """Forwards, and drops the answers to pushes when it is told to."""

    def __init__(self, target: int) -> None:
        self.dropping = False
        self.answer_bytes = 0
        self.dropped = 0
        super().__init__(target)

    def carry(self, client: socket.socket, server: socket.socket) -> None:
        client.settimeout(TIMEOUT_S)
        pushed = threading.Event()
        pump = threading.Thread(target=_forward, args=(client, server, pushed), daemon=True)
        pump.start()
        with suppress(OSError):
            self._answer(client, server, pushed)
        for side in (client, server):
            with suppress(OSError):
                side.shutdown(socket.SHUT_RDWR)
        pump.join(TIMEOUT_S)

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
