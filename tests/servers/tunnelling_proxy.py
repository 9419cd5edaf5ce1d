"""An http proxy that opens tunnels (CONNECT), and remembers to where and with which authorization."""

import socket
import threading
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

_TIMEOUT_S = 30.0  # A bound for a hang; the tests' connections take milliseconds.


@dataclass
class Tunnels:
    """Where tunnels were opened to, with what authorized them."""

    port: int = 0
    asked: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])


@contextmanager
def tunnelling() -> Generator[Tunnels]:
    """Listen on the loopback until the block ends."""
    tunnels = Tunnels()
    listener = socket.create_server(("127.0.0.1", 0))
    tunnels.port = int(listener.getsockname()[1])

    def serve(client: socket.socket) -> None:
        with client, suppress(OSError):
            client.settimeout(_TIMEOUT_S)
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                data = client.recv(1)
                if not data:  # it has gone, and would be read for ever
                    return
                head += data
            first, *lines = head.decode().split("\r\n")
            place = first.split(" ")[1]
            headers = dict(line.split(": ", 1) for line in lines if line)
            tunnels.asked.append((place, headers.get("Proxy-Authorization", "")))
            host, _, port = place.partition(":")
            with socket.create_connection((host, int(port)), timeout=_TIMEOUT_S) as server:
                client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                back = threading.Thread(target=_pump, args=(server, client), daemon=True)
                back.start()
                _pump(client, server)
                back.join(_TIMEOUT_S)

    def accept() -> None:
        with suppress(OSError):  # the listener was closed
            while True:
                threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield tunnels
    finally:
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(_TIMEOUT_S)


def _pump(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
