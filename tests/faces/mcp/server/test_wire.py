"""The wire: what becomes of lines, whatever their size and the pieces in which they come."""

import fcntl
import json
import os
import resource
from collections.abc import Iterator
from contextlib import suppress
from threading import Thread

import pytest

from gitcoord.faces.mcp.server.wire import LINE_BYTES_MAX, Wire

SENT_S = 60  # a bound for a hang


class Pipes:
    """A wire whose other ends are ours."""

    def __init__(self, descriptor_min: int = 0) -> None:
        source, self.to_wire = os.pipe()
        source, low = fcntl.fcntl(source, fcntl.F_DUPFD_CLOEXEC, descriptor_min), source
        os.close(low)
        self.from_wire, target = os.pipe()
        interrupts, self.interrupt = os.pipe()
        self.wire = Wire(source, target, interrupts)
        self._writer: Thread | None = None
        self._all = (source, self.from_wire, target, interrupts, self.interrupt)

    def read(self, *pieces: bytes) -> list[bytes]:
        """Return the lines that come of these pieces."""
        self._writer = Thread(target=self._write, args=(pieces,))
        self._writer.start()
        lines = list(self.wire.lines(lambda: None))
        self._writer.join()
        return lines

    def answer(self) -> object:
        """Return what the wire wrote; it has to be one message."""
        return json.loads(os.read(self.from_wire, 1 << 16))

    def close(self) -> None:
        """Close all, which ends the writing where the reading has failed: nothing is left for the next test."""
        for descriptor in self._all:
            os.close(descriptor)
        if self._writer is not None:
            self._writer.join()

    def _write(self, pieces: tuple[bytes, ...]) -> None:
        with suppress(BrokenPipeError), os.fdopen(self.to_wire, "wb", buffering=0) as pipe:
            for piece in pieces:
                rest = memoryview(piece)
                while rest:
                    rest = rest[pipe.write(rest) or 0 :]


@pytest.fixture
def pipes() -> Iterator[Pipes]:
    """Return a wire, and close it in the end."""
    made = Pipes()
    yield made
    made.close()


@pytest.fixture
def with_high_descriptor() -> Iterator[Pipes]:
    """Return a wire whose source has a number that a process with a thousand open files would give it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    made = Pipes(descriptor_min=1500)
    yield made
    made.close()
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_lines_are_whole_in_whatever_pieces_they_come(pipes: Pipes) -> None:
    """Blank lines are none, and the last may lack its end."""
    assert pipes.read(b'{"a"', b':1}\n\n \n{"b":2', b"}\n", b"{}") == [b'{"a":1}', b'{"b":2}', b"{}"]


def test_a_process_with_many_open_files_reads_its_lines(with_high_descriptor: Pipes) -> None:
    """`select` takes no descriptor over 1023."""
    assert with_high_descriptor.read(b"{}\n") == [b"{}"]


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (b'{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"text":"%s"}}', 7),
        (b'{"method":"tools/call","params":{"text":"%s","id":8},"jsonrpc":"2.0","id":"a-9"}', "a-9"),
        (b'{"method":"tools/call","params":{"text":"%s","id":8}}', None),
        (b"%s", None),
    ],
)
def test_a_line_over_the_limit_is_answered_and_dropped(pipes: Pipes, message: bytes, expected: object) -> None:
    """The request gets an error under its id, wherever that stands; the next line is read as ever."""
    lines = pipes.read(message % (b"x" * (LINE_BYTES_MAX + 1)), b"\n{}\n")

    answer = pipes.answer()
    assert lines == [b"{}"]
    assert isinstance(answer, dict)
    assert (expected, -32600) == (answer["id"], answer["error"]["code"])
    assert str(LINE_BYTES_MAX) in answer["error"]["message"]


def test_sending_does_not_wait_for_the_reader_and_every_line_stays_whole(pipes: Pipes) -> None:
    """Several threads send more than the pipe takes before anyone reads."""
    texts = [[f"{sender}.{number}." + "x" * 5000 for number in range(30)] for sender in range(4)]

    def send(mine: list[str]) -> None:
        for text in mine:
            pipes.wire.send({"text": text})

    senders = [Thread(target=send, args=(mine,), daemon=True) for mine in texts]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join(SENT_S)
    assert not [sender for sender in senders if sender.is_alive()]

    with os.fdopen(os.dup(pipes.from_wire), "rb") as lines:
        found = [json.loads(next(lines))["text"] for _ in range(4 * 30)]
    assert [[text for text in found if text.startswith(f"{at}.")] for at in range(4)] == texts


def test_what_the_reader_has_not_taken_is_waited_for_in_the_end(pipes: Pipes) -> None:
    pipes.wire.send({"text": "x" * (1 << 18)})

    pipes.wire.flush(0)
    with os.fdopen(os.dup(pipes.from_wire), "rb") as lines:
        reader = Thread(target=lines.readline)
        reader.start()
        pipes.wire.flush(SENT_S)
        pipes.wire.send({"text": "next"})
        reader.join()

        assert json.loads(lines.readline()) == {"text": "next"}


def test_a_reader_that_is_gone_is_no_error_and_nothing_is_kept_for_it(pipes: Pipes) -> None:
    pipes.wire.send({"text": "x" * (1 << 18)})

    os.dup2(pipes.interrupt, pipes.from_wire)  # the only end that reads is closed
    pipes.wire.flush(SENT_S)
    pipes.wire.send({"text": "next"})
    pipes.wire.flush(SENT_S)

    assert not pipes.wire._unwritten
