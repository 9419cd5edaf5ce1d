r"""Fetching commits by version 2 of git's protocol, in one round trip. See gitprotocol-v2(5), fetch.

    command=fetch, agent=…, 0001, thin-pack, ofs-delta, no-progress, want <id> …, have <id> …, done, 0000
    packfile\\n, then the pack on a side-band, 0000

Rules:
  * `done` stands behind what we have, so the server negotiates no further and sends what is missing at once.
  * Whatever else comes is `UnfamiliarError`: git asks again, and says what is wrong with the remote.

What this file does not know: how question and answer travel.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from gitcoord.remote.contract.protocol import Oid
from gitcoord.remote.http.pkt_line import DELIMITER, FLUSH, Bands, Mark, line, packets
from gitcoord.remote.http.unfamiliar import UnfamiliarError

HAVES_MAX: Final = 256  # refs of a place; of more the server sends a little that is here already


def question(wants: Sequence[Oid], haves: Iterable[Oid], agent: str) -> bytes:
    """Return the request for commits, and all that they need and `haves` do not."""
    lines = [line("command=fetch"), *([line(f"agent={agent}")] if agent else []), DELIMITER]
    lines += [line(word) for word in ("thin-pack", "ofs-delta", "no-progress")]
    lines += [line(f"want {oid}") for oid in wants]
    lines += [line(f"have {oid}") for oid in sorted(haves)[:HAVES_MAX]]
    return b"".join([*lines, line("done"), FLUSH])


def pack_in(body: bytes) -> bytes:
    """Return the pack in an answer.

    Raises:
        UnfamiliarError: there is none.
    """
    lines = packets(body)
    for each in lines:
        if isinstance(each, Mark):
            continue
        if each.rstrip(b"\n") == b"packfile":
            bands = Bands(lines)
            if not bands.is_whole:
                raise UnfamiliarError("the pack that it sends was cut short", lasts=False)
            return bands.data
        if each.startswith(b"ERR "):
            raise UnfamiliarError(f"it says {each[4:204].decode('utf-8', 'replace').strip()!r}", lasts=False)
    raise UnfamiliarError("it sends no pack", lasts=False)
