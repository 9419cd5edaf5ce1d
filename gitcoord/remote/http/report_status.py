r"""What a push asks for, and what the server reports of it. See gitprotocol-pack(5), Reference Update Request.

    <old> <new> <ref>\\0 <capabilities>, <old> <new> <ref> …, 0000, pack
    unpack ok\\n, ok <ref>\\n, ng <ref> <reason>\\n …, 0000         version 2 has `option …` lines behind an `ok`

Rules:
  * A line that is not known is passed over, and what it would have been of is missing then: never a success.
  * A ref of which a hook says that it put something else there is missing, too.
  * The report may come on a side-band, beside what the server's hooks say.

What this file does not know: what a reason means.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from gitcoord.remote.contract.protocol import RefUpdate
from gitcoord.remote.http.pkt_line import FLUSH, Bands, Mark, packet, packets
from gitcoord.remote.http.unfamiliar import UnfamiliarError

_ABSENT: Final = "0" * 40
# Both versions of the report: an old server answers nothing at all to the second alone.
_WANTED: Final = ("report-status", "report-status-v2", "side-band-64k", "quiet")
_CHANGED: Final = re.compile(r"option (?:refname|old-oid|new-oid) ")
_RESULT: Final = re.compile(r"(ok|ng) (\S+)(?: (.*))?", re.DOTALL)


class Report(NamedTuple):
    """What the server says became of a push.

    Attributes:
        unpacked: what it says of the pack; `ok`, an error, or nothing where no report came.
        ok: refs that it has written, or compared.
        failed: why it has not, by ref.
        said: what else it said, to people.
    """

    unpacked: str
    ok: frozenset[str]
    failed: Mapping[str, str]
    said: str


def commands(updates: Sequence[RefUpdate], offered: Mapping[str, str], agent: str) -> bytes:
    """Return what stands before the pack; of the capabilities only those that the server offers are asked for."""
    wanted = [name for name in (*_WANTED, *(["atomic"] if len(updates) > 1 else [])) if name in offered]
    wanted += [f"object-format={offered['object-format']}"] if "object-format" in offered else []
    wanted += [f"agent={agent}"] if "agent" in offered else []
    lines = [f"{update.old or _ABSENT} {update.new or _ABSENT} {update.ref}" for update in updates]
    first, *more = [line.encode() for line in lines]
    return b"".join([packet(first + b"\0 " + " ".join(wanted).encode()), *map(packet, more), FLUSH])


def parsed(body: bytes, *, banded: bool) -> Report:
    """Return the report in an answer.

    Raises:
        UnfamiliarError: it is none. What became of the push is not known then.
    """
    said = b""
    if banded:
        bands = Bands(packets(body))
        body, said = bands.data, bands.said
    lines: list[str] = []
    is_whole = False
    for each in packets(body):
        if isinstance(each, Mark):
            is_whole = each is Mark.FLUSH
            break
        lines.append(each.decode("utf-8", "replace").rstrip("\n"))
    if lines and not is_whole:
        raise UnfamiliarError("its report was cut short", lasts=False)
    unpacked = lines[0].removeprefix("unpack ") if lines and lines[0].startswith("unpack ") else ""
    results = [found for found in map(_RESULT.fullmatch, lines[1:]) if found]
    # A hook of the server has put something else there, or elsewhere (`proc-receive`): whatever it is, no win of ours.
    changed, ref = set[str](), ""
    for each in lines[1:]:
        result = _RESULT.fullmatch(each)
        if result:
            ref = result[2]
        elif _CHANGED.match(each):  # it may stand behind other options of its ref
            changed.add(ref)
    return Report(
        unpacked,
        frozenset(found[2] for found in results if found[1] == "ok" and found[2] not in changed),
        {found[2]: found[3] or "" for found in results if found[1] == "ng"},
        said.decode("utf-8", "replace"),
    )
