r"""Listing refs by version 2 of git's protocol. See gitprotocol-v2(5), ls-refs.

    command=ls-refs, agent=…, 0001, ref-prefix <prefix> …, 0000
    <id> <ref>\\n … 0000

Rules:
  * A prefix is a hint to the server, which may list more: what is not under a prefix is passed over.
  * A ref that names another, or no object, is a fault, as far as the server says so.

What this file does not know: how question and answer travel.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Final

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


def parsed(body: bytes, prefixes: Sequence[str]) -> tuple[Mapping[RefName, Oid], Sequence[RefFault]]:
    """Return the refs under `prefixes`, and what is wrong with some.

    Raises:
        UnfamiliarError: it is no listing, or not a whole one.
    """
    refs: dict[RefName, Oid] = {}
    faults: list[RefFault] = []
    is_whole = False
    for each in packets(body):
        if isinstance(each, Mark):
            is_whole = each is Mark.FLUSH
            continue
        text = each.decode("utf-8", "replace").rstrip("\n")
        found = _LINE.fullmatch(text)
        if found is None or len(refs) >= REFS_MAX:
            raise UnfamiliarError("its listing of refs is not as expected", lasts=False)
        ref, oid = RefName(found[2]), Oid(found[1])
        if not is_under(ref, prefixes):
            continue
        if "symref-target:" in found[3]:
            faults.append(RefFault(ref, FaultKind.SYMBOLIC))
        elif not oid.strip("0"):
            faults.append(RefFault(ref, FaultKind.NO_OBJECT))
        else:
            refs[ref] = oid
    if not is_whole:
        raise UnfamiliarError("its listing of refs was cut short", lasts=False)
    return refs, faults
