"""A proxy that makes the line longer: bytes arrive half a round trip later, and a new connection costs a whole one.

It counts connections, and the requests and bytes that go over them.
"""

import queue
import re
import socket
import threading
import time
from contextlib import suppress

_REQUEST = re.compile(rb"(?:GET|POST) \S+ HTTP/1\.1\r\n")
_TIMEOUT_S = 60.0  # A bound for a hang.


class DelayingProxy:
    """Listens on loopback and forwards to `port` there."""

    def __init__(self, port: int, round_trip_s: float) -> None:
        self.requests = self.connections = self.size_bytes = 0
        self.round_trip_s = round_trip_s
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
                self.connections += 1
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        time.sleep(self.round_trip_s)  # what TCP takes to connect
        with client, socket.create_connection(("127.0.0.1", self._target), timeout=_TIMEOUT_S) as server:
            for side in (client, server):
                side.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                side.settimeout(_TIMEOUT_S)
            back = threading.Thread(target=self._carry, args=(server, client, False), daemon=True)
            back.start()
            self._carry(client, server, counts=True)
            back.join(_TIMEOUT_S)

    def _carry(self, source: socket.socket, target: socket.socket, counts: bool) -> None:
        """Read at once, and deliver each piece when it is due."""
        waiting: queue.SimpleQueue[tuple[float, bytes]] = queue.SimpleQueue()
        sender = threading.Thread(target=_deliver, args=(waiting, target), daemon=True)
        sender.start()
        with suppress(OSError):
            while data := source.recv(65536):
                self.size_bytes += len(data)
                if counts:
                    self.requests += len(_REQUEST.findall(data))
                waiting.put((time.monotonic() + self.round_trip_s / 2, data))
        waiting.put((time.monotonic() + self.round_trip_s / 2, b""))
        sender.join(_TIMEOUT_S)


def _deliver(waiting: "queue.SimpleQueue[tuple[float, bytes]]", target: socket.socket) -> None:
    with suppress(OSError):
        while True:
            due, data = waiting.get(timeout=_TIMEOUT_S)
            time.sleep(max(0.0, due - time.monotonic()))
            if not data:
                target.shutdown(socket.SHUT_WR)
                return
            target.sendall(data)
