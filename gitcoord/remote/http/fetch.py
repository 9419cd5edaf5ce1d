r"""Fetching commits in one round trip, by version 2 of git's protocol or by the first.

See gitprotocol-v2(5), fetch, and gitprotocol-pack(5):

    command=fetch, agent=…, 0001, thin-pack, ofs-delta, no-progress, want <id> …, have <id> …, done, 0000
    packfile\\n, then the pack on a side-band, 0000

    want <id> <capabilities> …, 0000, have <id> …, done              in a session that has listed its refs
    NAK\\n or ACK <id>\\n, then the pack on a side-band, 0000

Rules:
  * `done` stands behind what we have, so the server negotiates no further and sends what is missing at once.
  * Whatever else comes is `UnfamiliarError`: git asks again, and says what is wrong with the remote.

What this file does not know: how question and answer travel.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from gitcoord.remote.contract.protocol import Oid
from gitcoord.remote.http.pkt_line import DELIMITER, FLUSH, Bands, Mark, line, packets
from gitcoord.remote.http.unfamiliar import UnfamiliarError

BYTES_MAX: Final = 64 << 20  # a larger one is for git, which does not hold it in memory
HAVES_MAX: Final = 256  # refs of a place; of more the server sends a little that is here already


def question(wants: Sequence[Oid], haves: Iterable[Oid], agent: str) -> bytes:
    """Return the request for commits, and all that they need and `haves` do not."""
    lines = [line("command=fetch"), *([line(f"agent={agent}")] if agent else []), DELIMITER]
    lines += [line(word) for word in ("thin-pack", "ofs-delta", "no-progress")]
    lines += [line(f"want {oid}") for oid in wants]
    lines += [line(f"have {oid}") for oid in sorted(haves)[:HAVES_MAX]]
    return b"".join([*lines, line("done"), FLUSH])


def first_question(wants: Sequence[Oid], haves: Iterable[Oid], offered: Mapping[str, str]) -> bytes:
    """Return the request of the first version, to a server that offers a side-band."""
    if "side-band-64k" not in offered:
        raise UnfamiliarError("it does not offer side-band-64k")
    words = [word for word in ("side-band-64k", "thin-pack", "ofs-delta", "no-progress") if word in offered]
    first, *others = wants
    lines = [line(" ".join([f"want {first}", *words])), *(line(f"want {oid}") for oid in others), FLUSH]
    return b"".join([*lines, *(line(f"have {oid}") for oid in sorted(haves)[:HAVES_MAX]), line("done")])


def first_pack_in(body: bytes) -> bytes:
    """Return the pack in an answer of the first version; see `pack_in`."""
    lines = packets(body)
    said = next(lines, b"")
    if isinstance(said, Mark) or not (said.startswith(b"ACK ") or said.rstrip(b"\n") == b"NAK"):
        raise UnfamiliarError("it sends no pack", lasts=False)
    bands = Bands(lines)
    if not bands.is_whole:
        raise UnfamiliarError("the pack that it sends was cut short", lasts=False)
    return bands.data


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
