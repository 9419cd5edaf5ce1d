r"""Packets: the lines that git's protocols are made of. See gitprotocol-common(5), pkt-line Format.

    000bhello\\n      four hexadecimal digits count the packet, themselves included; then its bytes
    0000 0001 0002   flush, delimiter, end of the response: they have no bytes

Rules:
  * SEC-4: a body is held whole, and its size was bounded before; what is no packet is `UnfamiliarError`, never a guess.

What this file does not know: connections, and what packets say.
"""

import re
from collections.abc import Iterable, Iterator
from enum import Enum
from typing import Final

from gitcoord.remote.http.unfamiliar import UnfamiliarError

DATA_MAX: Final = 65516  # LARGE_PACKET_DATA_MAX of git's pkt-line.h
_LENGTH: Final = re.compile(rb"[0-9a-fA-F]{4}")


class Mark(Enum):
    """A packet without bytes."""

    FLUSH = 0
    DELIMITER = 1
    END = 2


def packet(data: bytes) -> bytes:
    """Return one packet with these bytes, at most `DATA_MAX`."""
    return b"%04x" % (len(data) + 4) + data


def line(text: str) -> bytes:
    """Return one packet with a line of text."""
    return packet(f"{text}\n".encode())


FLUSH: Final = b"0000"
DELIMITER: Final = b"0001"


def packets(body: bytes) -> Iterator[bytes | Mark]:
    """Yield the packets of a body, to its end.

    Raises:
        UnfamiliarError: it is no sequence of packets, or was cut short.
    """
    start = 0
    while start < len(body):
        digits = body[start : start + 4]
        if not _LENGTH.fullmatch(digits):
            raise UnfamiliarError("it does not answer in git's packets")
        size = int(digits, 16)
        if size < 4:  # noqa: PLR2004 - less than its own digits
            if size > Mark.END.value:
                raise UnfamiliarError("it answers with a packet of a kind that is not known")
            start += 4
            yield Mark(size)
            continue
        if start + size > len(body):
            raise UnfamiliarError("its answer was cut short", lasts=False)
        yield body[start + 4 : start + size]
        start += size


class Bands:
    """What came on the three bands of a side-band: the answer, what is said to people, and what went wrong.

    See gitprotocol-pack(5): 1 is data, 2 is progress, 3 is a fatal error.
    """

    def __init__(self, lines: Iterable[bytes | Mark]) -> None:
        """Read up to the flush, or the end.

        Raises:
            UnfamiliarError: a packet is of no band.
        """
        data: list[bytes] = []
        said: list[bytes] = []
        self.is_whole = False
        for each in lines:
            if isinstance(each, Mark):
                self.is_whole = each is Mark.FLUSH
                break
            band, rest = each[:1], each[1:]
            if band == b"\x01":
                data.append(rest)
            elif band in {b"\x02", b"\x03"}:
                said.append(rest)
            else:
                raise UnfamiliarError("it answers on a side-band that is not known")
        self.data = b"".join(data)
        self.said = b"".join(said)
