r"""Fetching commits in one round trip, by version 2 of git's protocol or by the first.

See gitprotocol-v2(5), fetch, and gitprotocol-pack(5):

    command=fetch, agent=…, 0001, thin-pack, ofs-delta, no-progress, want <id> …, shallow <id> …, deepen 1,
                                                                                   have <id> …, done, 0000
    shallow-info\\n, shallow <id>\\n …, 0001, packfile\\n, then the pack on a side-band, 0000

    want <id> <capabilities> …, shallow <id> …, 0000, have <id> …, done                in a session that has listed
    NAK\\n or ACK <id>\\n, then the pack on a side-band, 0000

Rules:
  * `done` stands behind what we have, so the server negotiates no further and sends what is missing at once.
  * The commits whose parents were left out are named with each question: else a server takes for here what is behind
    them.
  * Tips alone are asked for by version 2: a server of another make that speaks the first alone (dulwich's) leaves out
    what came before, and then fails at what git pushes from such a copy, which names the boundaries.
  * Whatever else comes is `UnfamiliarError`: git asks again, and says what is wrong with the remote.

What this file does not know: how question and answer travel.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Final, NamedTuple

from gitcoord.remote.contract.protocol import Oid
from gitcoord.remote.http.pkt_line import DELIMITER, FLUSH, Bands, Mark, line, packets
from gitcoord.remote.http.unfamiliar import UnfamiliarError

BYTES_MAX: Final = 64 << 20  # a larger one is for git, which does not hold it in memory
HAVES_MAX: Final = 256  # of all refs of a place; those of what is wanted stand first, or a ledger would come whole
_BOUNDARY: Final = re.compile(rb"shallow ([0-9a-f]{40})\n?")


class Wanted(NamedTuple):
    """A question for commits, and for all that they need and `haves` do not.

    Attributes:
        haves: of these the first `HAVES_MAX` are named.
        boundaries: the commits of this clone whose parents were left out.
        tips_only: what the commits came from is left out, if the server can, by version 2.
    """

    oids: Sequence[Oid]
    haves: Iterable[Oid] = ()
    boundaries: Collection[Oid] = ()
    tips_only: bool = False

    def boundary_lines(self) -> Iterator[bytes]:
        """Yield what of the question says what was left out here."""
        return (line(f"shallow {oid}") for oid in sorted(self.boundaries))

    def have_lines(self) -> Iterator[bytes]:
        """Yield what of the question says what is here."""
        return (line(f"have {oid}") for oid in islice(self.haves, HAVES_MAX))


class Brought(NamedTuple):
    """A pack, and the commits of it whose parents the server says it left out."""

    pack: bytes
    boundaries: tuple[Oid, ...] = ()


def question(wanted: Wanted, offered: Mapping[str, str], agent: str) -> bytes:
    """Return the request for commits. `offered`: what the server says of itself; `agent`: ours, if it takes one."""
    lines = [line("command=fetch"), *([line(f"agent={agent}")] if "agent" in offered else []), DELIMITER]
    lines += [line(word) for word in ("thin-pack", "ofs-delta", "no-progress")]
    lines += [line(f"want {oid}") for oid in wanted.oids]
    if "shallow" in offered.get("fetch", "").split():
        lines += [*wanted.boundary_lines(), *([line("deepen 1")] if wanted.tips_only else [])]
    return b"".join([*lines, *wanted.have_lines(), line("done"), FLUSH])


def first_question(wanted: Wanted, offered: Mapping[str, str]) -> bytes:
    """Return the request of the first version, to a server that offers a side-band."""
    if "side-band-64k" not in offered:
        raise UnfamiliarError("it does not offer side-band-64k")
    words = [word for word in ("side-band-64k", "thin-pack", "ofs-delta", "no-progress") if word in offered]
    first, *others = wanted.oids
    lines = [line(" ".join([f"want {first}", *words])), *(line(f"want {oid}") for oid in others)]
    lines += wanted.boundary_lines() if "shallow" in offered else ()
    return b"".join([*lines, FLUSH, *wanted.have_lines(), line("done")])


def first_pack_in(body: bytes) -> Brought:
    """Return what is in an answer of the first version; see `pack_in`."""
    lines = packets(body)
    said = next(lines, b"")
    if isinstance(said, Mark) or not (said.startswith(b"ACK ") or said.rstrip(b"\n") == b"NAK"):
        raise UnfamiliarError("it sends no pack", lasts=False)
    return _brought(lines, ())


def pack_in(body: bytes) -> Brought:
    """Return what is in an answer.

    Raises:
        UnfamiliarError: there is no pack.
    """
    lines, boundaries = packets(body), list[Oid]()
    for each in lines:
        boundaries += _boundary_in(each)
        if isinstance(each, Mark):
            continue
        if each.rstrip(b"\n") == b"packfile":
            return _brought(lines, boundaries)
        if each.startswith(b"ERR "):
            raise UnfamiliarError(f"it says {each[4:204].decode('utf-8', 'replace').strip()!r}", lasts=False)
    raise UnfamiliarError("it sends no pack", lasts=False)


def _brought(lines: Iterable[bytes | Mark], boundaries: Iterable[Oid]) -> Brought:
    bands = Bands(lines)
    if not bands.is_whole:
        raise UnfamiliarError("the pack that it sends was cut short", lasts=False)
    return Brought(bands.data, tuple(boundaries))


def _boundary_in(said: bytes | Mark) -> list[Oid]:
    found = None if isinstance(said, Mark) else _BOUNDARY.fullmatch(said)
    return [Oid(found[1].decode())] if found else []
