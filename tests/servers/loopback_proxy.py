"""A proxy on loopback: it accepts, and what it forwards, and how, its kind says."""

import socket
import threading
from abc import ABC, abstractmethod
from contextlib import suppress

TIMEOUT_S = 60.0  # A bound for a hang.


class LoopbackProxy(ABC):
    """Listens on loopback and forwards to `target` there."""

    def __init__(self, target: int) -> None:
        self.target = target
        self.connections = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(TIMEOUT_S)

    def _accept(self) -> None:
        with suppress(OSError):  # the listener was closed
            while True:
                client, _ = self._listener.accept()
                self.connections += 1
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with (
            suppress(OSError),  # the server, or the client, has gone: an error of this thread would be the test's
            client,
            socket.create_connection(("127.0.0.1", self.target), timeout=TIMEOUT_S) as server,
        ):
            self.carry(client, server)

    @abstractmethod
    def carry(self, client: socket.socket, server: socket.socket) -> None:
        """Carry what one connection has, until it ends."""
