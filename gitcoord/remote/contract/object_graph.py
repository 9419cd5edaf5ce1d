"""What objects name: a commit its tree and its parents, a tree its entries.

What this file does not know: where objects are.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from gitcoord.remote.contract.protocol import ObjectKind, Oid

_COMMIT_LINE: Final = re.compile(rb"^(?:tree|parent) ([0-9a-f]{40}(?:[0-9a-f]{24})?)$", re.MULTILINE)
_PARENT_LINE: Final = re.compile(rb"^parent ([0-9a-f]{40}(?:[0-9a-f]{24})?)$", re.MULTILINE)


def parents_in(data: bytes) -> list[Oid]:
    """Return the parents that a commit names."""
    return [Oid(oid.decode()) for oid in _PARENT_LINE.findall(data.partition(b"\n\n")[0])]


def referred_oids(kind: ObjectKind, data: bytes, object_format: str = "sha1") -> Iterator[Oid]:
    """Yield the ids that an object names: a commit's tree and parents, a tree's entries."""
    if kind is ObjectKind.COMMIT:
        header = data.partition(b"\n\n")[0]
        yield from (Oid(oid.decode()) for oid in _COMMIT_LINE.findall(header))
    elif kind is ObjectKind.TREE:
        oid_bytes = 20 if object_format == "sha1" else 32
        # An entry is `<mode> SP <name> NUL <raw id>`. See git's Documentation/technical/pack-format.
        start = 0
        while (end_of_name := data.find(b"\0", start)) >= 0:
            start = end_of_name + 1 + oid_bytes
            yield Oid(data[end_of_name + 1 : start].hex())


def reachable(tips: Iterable[Oid], read: Callable[[Oid], tuple[ObjectKind, bytes] | None]) -> frozenset[Oid]:
    """Return which of the objects that `read` finds are reachable from these through them alone."""
    found: set[Oid] = set()
    waiting = [*tips]
    while waiting:
        oid = waiting.pop()
        content = None if oid in found else read(oid)
        if content is not None:
            found.add(oid)
            waiting += referred_oids(*content)
    return frozenset(found)
