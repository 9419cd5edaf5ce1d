"""One question and its answer, byte by byte: what a server may send that git's servers do not."""

import random
import socket
import threading
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from ssl import create_default_context

import pytest

from gitcoord.errors import UnreachableError
from gitcoord.remote.contract.clocks import Clocks
from gitcoord.remote.contract.deadline import NoAnswerError
from gitcoord.remote.http.connection import Connections, Question, Server
from gitcoord.remote.http.unfamiliar import UnfamiliarError

CLOCKS = Clocks(time.time_ns, time.monotonic, time.sleep, random.Random(1).random)
ENDLESS = b"x" * 65536


@contextmanager
def saying(*answers: bytes, endless: bool = False) -> Generator[tuple[int, list[int]]]:
    """Accept connections one after another and say these answers on each, one for each request.

    Yields the port, and how many bytes the clients took of what is `endless`.
    """
    listener = socket.create_server(("127.0.0.1", 0))
    taken: list[int] = []

    def serve() -> None:
        with suppress(OSError):
            while True:
                line, _ = listener.accept()
                with line, suppress(OSError):
                    for answer in answers:
                        if not line.recv(65536):
                            break
                        line.sendall(answer)
                    while endless:
                        taken.append(line.send(ENDLESS))
                    while line.recv(65536):
                        pass

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield int(listener.getsockname()[1]), taken
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(30)


def connections(port: int) -> Connections:
    return Connections(Server("http", "127.0.0.1", port, "the remote"), CLOCKS, 30)


def question(bytes_max: int = 1000) -> Question:
    return Question("GET", "/x", [], bytes_max=bytes_max)


def answer(body: str, *headers: str) -> bytes:
    lines = ["HTTP/1.1 200 OK", f"Content-Length: {len(body)}", *headers, "", body]
    return "\r\n".join(lines).encode()


@pytest.mark.parametrize(
    "before",
    [
        [b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"],
        [b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 102 Processing\r\n\r\n", b"HTTP/1.1 103 Early Hints\r\n\r\n"],
    ],
)
@pytest.mark.rule("SAFE-3")
def test_what_only_announces_an_answer_is_none(before: Sequence[bytes]) -> None:
    """Taken for the answer, it would leave the real one to the next question on the connection."""
    with saying(b"".join(before) + answer("one"), answer("two")) as (port, _):
        lines = connections(port)

        found = [lines.ask(question()) for _ in range(2)]
        lines.close()

    assert [(each.status, each.body) for each in found] == [(200, b"one"), (200, b"two")]


@pytest.mark.rule("SEC-4")
@pytest.mark.parametrize("size", [b"-1", b"7fffffffffff"])
def test_an_answer_without_end_is_not_held_in_memory(size: bytes) -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + size + b"\r\n"
    with saying(head, endless=True) as (port, taken), pytest.raises(UnfamiliarError, match="too large"):
        connections(port).ask(question())

    assert sum(taken) < 16 << 20  # what lies in the sockets on both sides is a few megabytes


@pytest.mark.parametrize("chunk", [b"-5\r\nhello", b"zz\r\nhello"])
def test_chunks_that_are_none_are_a_broken_answer(chunk: bytes) -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    with saying(head + chunk) as (port, _), pytest.raises(UnreachableError):
        connections(port).ask(question())


def test_chunks_with_trailers_leave_the_connection_usable() -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n"
    with saying(head + b"3;a=b\r\none\r\n0\r\nX-Sum: 1\r\n\r\n", answer("two")) as (port, _):
        lines = connections(port)

        found = [lines.ask(question()).body for _ in range(2)]
        lines.close()

    assert found == [b"one", b"two"]


def test_all_ways_to_sign_in_that_a_server_names_are_heard() -> None:
    named = ("WWW-Authenticate: Basic realm=x", "www-authenticate: Negotiate")
    with saying(answer("", *named)) as (port, _):
        found = connections(port).ask(question())

    assert found.headers["www-authenticate"] == "Basic realm=x\nNegotiate"


def test_a_server_that_is_silent_within_tls_did_not_answer_in_time() -> None:
    with saying() as (port, _):
        server = Server("https", "127.0.0.1", port, "the remote", tls=create_default_context)
        with pytest.raises(NoAnswerError):
            Connections(server, CLOCKS, 0.6).ask(question())
