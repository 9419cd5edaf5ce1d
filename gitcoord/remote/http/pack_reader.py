"""A pack as a server sends it: small ones are read here, larger ones by `git index-pack`. See gitformat-pack(5).

    PACK, version 2, count; then each object: type and size, of a delta its base, and deflated bytes; then a sha1

Rules:
  * SEC-4: how many objects a pack may have, and what each and all of them unfold to, has a bound.
  * Nothing is returned of a pack that is not whole: its checksum is compared, and no byte is left over.
  * Objects come so that what others need is first: blobs, trees, commits, each behind its parents. Who is interrupted
    while it writes them leaves no tip of which a part is missing.

What this file does not know: where objects are kept.
"""

import hashlib
import zlib
from collections.abc import Callable, Iterator, Sequence
from graphlib import TopologicalSorter
from typing import Final, NamedTuple

from gitcoord.remote.contract.object_graph import parents_in
from gitcoord.remote.contract.protocol import ObjectKind, Oid
from gitcoord.remote.http.deltas import applied
from gitcoord.remote.http.unfamiliar import UnfamiliarError

OBJECTS_MAX: Final = 200  # of a pack that is read here; as git does, more are kept as they came
_OBJECT_BYTES_MAX: Final = 16 * 1024 * 1024  # the contract of `Objects.read`
_ALL_BYTES_MAX: Final = 64 * 1024 * 1024
_HEAD: Final = 12
_CHECKSUM: Final = 20
_KINDS: Final = {1: ObjectKind.COMMIT, 2: ObjectKind.TREE, 3: ObjectKind.BLOB}
_BY_OFFSET, _BY_OID = 6, 7


class Packed(NamedTuple):
    """One object of a pack."""

    oid: Oid
    kind: ObjectKind
    data: bytes


Base = Callable[[Oid], tuple[ObjectKind, bytes]]


def count_of(pack: bytes) -> int:
    """Return how many objects a pack has.

    Raises:
        UnfamiliarError: it is no pack, or not a whole one.
    """
    if pack[:8] != b"PACK\0\0\0\x02" or len(pack) < _HEAD + _CHECKSUM:
        raise UnfamiliarError("what it sends is no pack", lasts=False)
    if hashlib.sha1(pack[:-_CHECKSUM], usedforsecurity=False).digest() != pack[-_CHECKSUM:]:
        raise UnfamiliarError("the pack that it sends is damaged", lasts=False)
    return int.from_bytes(pack[8:_HEAD], "big")


def objects_in(pack: bytes, base: Base) -> Sequence[Packed]:
    """Return the objects of a pack of at most `OBJECTS_MAX`, in an order in which they can be written.

    Args:
        pack: all of it.
        base: reads an object that is here already, for a delta may be of one.

    Raises:
        UnfamiliarError: it is damaged, or unfolds to more than it may.
        MissingObjectError: a delta is of an object that is not here.
    """
    made: dict[int, Packed] = {}
    by_oid: dict[Oid, Packed] = {}
    late: list[_Raw] = []
    left = _ALL_BYTES_MAX
    for raw in _raw_objects(pack):
        found = _made(raw, made, by_oid, base, may_be_later=True)
        left = _less(left, raw.data, found)
        if found is None:
            late.append(raw)
        else:
            made[raw.start] = by_oid[found.oid] = found
    for raw in late:  # a base may follow its delta, or be here
        found = _made(raw, made, by_oid, base, may_be_later=False)
        left = _less(left, b"", found)
        if found is not None:
            made[raw.start] = by_oid[found.oid] = found
    commits = {packed.oid: packed for packed in made.values() if packed.kind is ObjectKind.COMMIT}
    needed = [packed for packed in made.values() if packed.kind is not ObjectKind.COMMIT]
    parents = {oid: commits.keys() & parents_in(commit.data) for oid, commit in commits.items()}
    in_order = TopologicalSorter(parents).static_order()
    return [*sorted(needed, key=lambda packed: packed.kind is ObjectKind.TREE), *(commits[oid] for oid in in_order)]


def _less(left: int, raw: bytes, found: Packed | None) -> int:
    """Return how many bytes may still be unfolded."""
    left -= len(raw) + (len(found.data) if found else 0)
    if left < 0:
        raise UnfamiliarError("the pack that it sends unfolds to too much", lasts=False)
    return left


class _Raw(NamedTuple):
    """An object as it stands in the pack. `of`: of a delta, its base: where it starts, or its id."""

    start: int
    number: int
    of: int | Oid | None
    data: bytes


def _raw_objects(pack: bytes) -> Iterator[_Raw]:
    end, start = len(pack) - _CHECKSUM, _HEAD
    for _ in range(count_of(pack)):
        begin = start
        try:
            number, size, start = _type_and_size(pack, start)
            of, start = _base_of(pack, start, begin, number)
        except IndexError:
            raise UnfamiliarError("the pack that it sends was cut short", lasts=False) from None
        data, start = _inflated(pack, start, end, size)
        yield _Raw(begin, number, of, data)
    if start != end:
        raise UnfamiliarError("the pack that it sends has something behind its objects", lasts=False)


def _type_and_size(pack: bytes, start: int) -> tuple[int, int, int]:
    byte, start = pack[start], start + 1
    number, size, shift = byte >> 4 & 7, byte & 15, 4
    while byte & 0x80:
        byte, start = pack[start], start + 1
        size |= (byte & 0x7F) << shift
        shift += 7
        if shift > 63:  # noqa: PLR2004 - no size is that long
            raise IndexError
    if size > _OBJECT_BYTES_MAX:
        raise UnfamiliarError("the pack that it sends has an object that is too large", lasts=False)
    return number, size, start


def _base_of(pack: bytes, start: int, begin: int, number: int) -> tuple[int | Oid | None, int]:
    if number == _BY_OID:
        return Oid(pack[start : start + 20].hex()), start + 20
    if number != _BY_OFFSET:
        return None, start
    byte, start = pack[start], start + 1
    back = byte & 0x7F
    while byte & 0x80:
        byte, start = pack[start], start + 1
        back = (back + 1) << 7 | byte & 0x7F
        if back > begin:
            raise IndexError
    return begin - back, start


def _inflated(pack: bytes, start: int, end: int, size: int) -> tuple[bytes, int]:
    inflater = zlib.decompressobj()
    try:
        data = inflater.decompress(memoryview(pack)[start:end], size + 1)
        while not inflater.eof and len(data) <= size:  # the last bytes may be no more than a checksum
            more = inflater.decompress(inflater.unconsumed_tail, size + 1)
            if not more and not inflater.eof:
                break
            data += more
    except zlib.error:
        raise UnfamiliarError("the pack that it sends is damaged", lasts=False) from None
    if len(data) != size or not inflater.eof:
        raise UnfamiliarError("an object of its pack has another size than it says", lasts=False)
    return data, end - len(inflater.unused_data)


def _made(
    raw: _Raw, made: dict[int, Packed], by_oid: dict[Oid, Packed], base: Base, *, may_be_later: bool
) -> Packed | None:
    """Return the object; `None`: it is a delta of one that may follow."""
    if raw.of is None:
        kind = _KINDS.get(raw.number)
        if kind is None:
            raise UnfamiliarError("the pack that it sends has an object that is no document", lasts=False)
        return Packed(_oid(kind, raw.data), kind, raw.data)
    known = made.get(raw.of) if isinstance(raw.of, int) else by_oid.get(raw.of)
    if known is None and (may_be_later or isinstance(raw.of, int)):
        if may_be_later:
            return None
        raise UnfamiliarError("a delta of its pack is of nothing", lasts=False)
    kind, data = (known.kind, known.data) if known else base(Oid(str(raw.of)))
    result = applied(data, raw.data, _OBJECT_BYTES_MAX)
    return Packed(_oid(kind, result), kind, result)


def _oid(kind: ObjectKind, data: bytes) -> Oid:
    return Oid(hashlib.sha1(f"{kind} {len(data)}\0".encode() + data, usedforsecurity=False).hexdigest())
