r"""Listing refs by version 2 of git's protocol. See gitprotocol-v2(5), ls-refs.

    command=ls-refs, agent=…, 0001, ref-prefix <prefix> …, 0000
    <id> <ref>\\n … 0000

Rules:
  * A prefix is a hint to the server, which may list more: what is not under a prefix is passed over.
  * A ref that names another, or no object, is a fault, as far as the server says so.

What a line says, and how many refs there may be, is the same in version 1 (`advertisement`).

What this file does not know: how question and answer travel.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from gitcoord.remote.contract.protocol import FaultKind, Oid, RefFault, RefName, is_under
from gitcoord.remote.http.pkt_line import DELIMITER, FLUSH, Mark, line, packets
from gitcoord.remote.http.unfamiliar import UnfamiliarError

BYTES_MAX: Final = 16 << 20  # 100,000 refs
REFS_MAX: Final = 100_000  # more than any place of coordination has; a ref of each clone and project
_LINE: Final = re.compile(r"([0-9a-f]{40}) (\S+)((?: \S+)*)")


def question(prefixes: Sequence[str], agent: str) -> bytes:
    """Return the request that lists refs under `prefixes`."""
    asked = [line(f"ref-prefix {prefix}") for prefix in prefixes]
    head = [line("command=ls-refs"), *([line(f"agent={agent}")] if agent else [])]
    return b"".join([*head, DELIMITER, line("symrefs"), *asked, FLUSH])


class ListedRef(NamedTuple):
    """A ref as it is listed. `fault`: what is wrong with it, as far as the server says so."""

    ref: RefName
    oid: Oid
    fault: FaultKind | None


def listed(text: str) -> ListedRef:
    """Return what a line of a listing says, in any version.

    Raises:
        UnfamiliarError: it is no such line.
    """
    found = _LINE.fullmatch(text)
    if found is None:
        raise UnfamiliarError("its listing of refs is not as expected", lasts=False)
    fault = None
    if "symref-target:" in found[3]:
        fault = FaultKind.SYMBOLIC
    elif not found[1].strip("0"):
        fault = FaultKind.NO_OBJECT
    return ListedRef(RefName(found[2]), Oid(found[1]), fault)


def under(prefixes: Sequence[str], rows: Iterable[ListedRef]) -> tuple[Mapping[RefName, Oid], Sequence[RefFault]]:
    """Return the refs under `prefixes`, and what is wrong with some.

    Raises:
        UnfamiliarError: there are too many.
    """
    refs: dict[RefName, Oid] = {}
    faults: list[RefFault] = []
    for ref, oid, fault in rows:
        if not is_under(ref, prefixes):
            continue
        if len(refs) + len(faults) >= REFS_MAX:
            raise UnfamiliarError("its listing of refs is not as expected", lasts=False)
        if fault is None:
            refs[ref] = oid
        else:
            faults.append(RefFault(ref, fault))
    return refs, faults


def parsed(body: bytes, prefixes: Sequence[str]) -> tuple[Mapping[RefName, Oid], Sequence[RefFault]]:
    """Return the refs under `prefixes`, and what is wrong with some.

    Raises:
        UnfamiliarError: it is no listing, or not a whole one.
    """
    rows: list[ListedRef] = []
    is_whole = False
    for each in packets(body):
        if isinstance(each, Mark):
            is_whole = each is Mark.FLUSH
            continue
        rows.append(listed(each.decode("utf-8", "replace").rstrip("\n")))
    if not is_whole:
        raise UnfamiliarError("its listing of refs was cut short", lasts=False)
    return under(prefixes, rows)
