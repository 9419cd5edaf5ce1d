"""A proxy that makes the line longer: bytes arrive half a round trip later, and a new connection costs a whole one.

It counts connections, and the requests and bytes that go over them.
"""

import queue
import re
import socket
import threading
import time
from contextlib import suppress

from tests.servers.loopback_proxy import TIMEOUT_S, LoopbackProxy

_REQUEST = re.compile(rb"(?:GET|POST) \S+ HTTP/1\.1\r\n")


class DelayingProxy(LoopbackProxy):
    """Delays what it forwards."""

    def __init__(self, target: int, round_trip_s: float) -> None:
        self.requests = self.size_bytes = 0
        self.round_trip_s = round_trip_s
        super().__init__(target)

    def _serve(self, client: socket.socket) -> None:
        time.sleep(self.round_trip_s)  # what TCP takes to connect
        super()._serve(client)

    def carry(self, client: socket.socket, server: socket.socket) -> None:
        for side in (client, server):
            side.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            side.settimeout(TIMEOUT_S)
        back = threading.Thread(target=self._carry, args=(server, client, False), daemon=True)
        back.start()
        self._carry(client, server, counts=True)
        back.join(TIMEOUT_S)

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
        sender.join(TIMEOUT_S)


def _deliver(waiting: "queue.SimpleQueue[tuple[float, bytes]]", target: socket.socket) -> None:
    with suppress(OSError):
        while True:
            due, data = waiting.get()  # the reader puts an end, also when nothing comes for its time
            time.sleep(max(0.0, due - time.monotonic()))
            if not data:
                target.shutdown(socket.SHUT_WR)
                return
            target.sendall(data)
