"""The pack of a push: what is reachable from the new tips and not from the tips that were read. See gitformat-pack(5).

    new tip ──> its commits, down to one that was read ──> trees, beside those of that one ──> what differs

Rules:
  * What the remote has is known by what was read of it, never by what is here.
  * A tree or text that was at the same place in a tip that was read is sent as a delta of it, where that is shorter:
    the receiver has that object. With 10,000 claims this is a third of what the objects would take.
  * A walk has a bound: who is further away than that needs git, which asks the server what it has.

What this file does not know: how a pack travels.
"""

import hashlib
import re
import zlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from gitcoord.errors import MissingObjectError
from gitcoord.remote.contract.protocol import ObjectKind, Objects, Oid
from gitcoord.remote.http.deltas import of_text, of_tree
from gitcoord.remote.http.unfamiliar import UnfamiliarError

COMMITS_MAX: Final = 256  # of a step back in history; a claim has one, a repair a few
OBJECTS_MAX: Final = 50_000  # of a home that is published: 10,000 steps and their folders
BYTES_MAX: Final = 32 * 1024 * 1024
_NUMBERS: Final = {ObjectKind.COMMIT: 1, ObjectKind.TREE: 2, ObjectKind.BLOB: 3}
_BY_OID: Final = 7
_COMMIT_LINE: Final = re.compile(rb"^(tree|parent) ([0-9a-f]{40})$", re.MULTILINE)
_TREE_MODE: Final = b"40000"


class _New(NamedTuple):
    kind: ObjectKind
    data: bytes
    base: Oid | None


class PackWriter:
    """Finds what is new, and packs it."""

    def __init__(self, objects: Objects, known: Iterable[Oid]) -> None:
        """`known`: commits that the remote has, with all they need."""
        self._objects = objects
        self._known = frozenset(known)
        self._new: dict[Oid, _New] = {}
        self._bytes = 0
        self._contents: dict[Oid, tuple[ObjectKind, bytes]] = {}

    def add(self, tip: Oid, old: Oid | None) -> None:
        """Add what a new tip needs; `old` is what its ref was.

        Raises:
            UnfamiliarError: it is too much, or a part of it is not here.
        """
        waiting, count = [tip], 0
        while waiting:
            oid = waiting.pop()
            if oid in self._known or oid in self._new:
                continue
            count += 1
            if count > COMMITS_MAX:
                raise UnfamiliarError("more commits are new than are sent at once", lasts=False)
            data = self._read(oid, ObjectKind.COMMIT)
            tree, parents = _names_in(data)
            self._keep(oid, _New(ObjectKind.COMMIT, data, None))
            near = [parent for parent in parents if parent in self._known] or ([old] if old in self._known else [])
            here = [commit for commit in near if commit and self._objects.has(commit)]  # one may be listed, never read
            self._add_tree(tree, [_names_in(self._read(commit, ObjectKind.COMMIT))[0] for commit in here])
            waiting += parents

    def add_alone(self, oid: Oid) -> None:
        """Add a commit that the remote has, so that it has it for certain while it compares.

        Raises:
            UnfamiliarError: it is not here.
        """
        self._keep(oid, _New(ObjectKind.COMMIT, self._read(oid, ObjectKind.COMMIT), None))

    @property
    def is_empty(self) -> bool:
        """Whether nothing is new."""
        return not self._new

    def pack(self, *, with_deltas: bool = True) -> bytes:
        """Return the pack. `with_deltas`: of objects that the receiver has, where that is shorter."""
        head = b"PACK\0\0\0\x02" + len(self._new).to_bytes(4, "big")
        rows = self._new.values() if with_deltas else [new._replace(base=None) for new in self._new.values()]
        body = b"".join([head, *map(self._packed, rows)])
        return body + hashlib.sha1(body, usedforsecurity=False).digest()

    def _packed(self, new: _New) -> bytes:
        number, prefix, data = _NUMBERS[new.kind], b"", new.data
        if new.base is not None:
            of = of_tree if new.kind is ObjectKind.TREE else of_text
            delta, base = of(self._read(new.base, new.kind), data), bytes.fromhex(new.base)
            if len(base + delta) < len(data) and len(base + zlib.compress(delta)) < len(zlib.compress(data)):
                number, prefix, data = _BY_OID, base, delta
        return _head(number, len(data)) + prefix + zlib.compress(data)

    def _add_tree(self, tree: Oid, beside: Sequence[Oid]) -> None:
        """Add a tree and what is below it, but for what stands at the same place in one `beside` it."""
        waiting = [(tree, tuple(beside))]
        while waiting:
            oid, bases = waiting.pop()
            if oid in self._new or oid in bases:
                continue
            data = self._read(oid, ObjectKind.TREE)
            self._keep(oid, _New(ObjectKind.TREE, data, bases[0] if bases else None))
            there = [_entries(self._read(base, ObjectKind.TREE)) for base in bases]
            for name, (mode, child) in _entries(data).items():
                below = tuple(found[1] for found in (known.get(name) for known in there) if found and found[0] == mode)
                if mode == _TREE_MODE:
                    waiting.append((child, below))
                elif child not in below and child not in self._new:
                    blob = self._read(child, ObjectKind.BLOB)
                    self._keep(child, _New(ObjectKind.BLOB, blob, below[0] if below else None))

    def _keep(self, oid: Oid, new: _New) -> None:
        self._bytes += len(new.data)
        if len(self._new) >= OBJECTS_MAX or self._bytes > BYTES_MAX:
            raise UnfamiliarError("more is new than is sent at once", lasts=False)
        self._new[oid] = new

    def _read(self, oid: Oid, kind: ObjectKind) -> bytes:
        try:
            found, data = self._contents[oid] if oid in self._contents else self._objects.read(oid)
        except MissingObjectError as error:
            raise UnfamiliarError(f"a part of what is sent is not here: {error}", lasts=False) from None
        self._contents[oid] = found, data  # a base is read when it is compared, and when the delta is made
        if found is not kind:
            raise UnfamiliarError(f"object {oid} is a {found}, not a {kind}", lasts=False)
        return data


def _names_in(commit: bytes) -> tuple[Oid, list[Oid]]:
    """Return the tree and the parents of a commit."""
    found = _COMMIT_LINE.findall(commit.partition(b"\n\n")[0])
    trees = [Oid(name.decode()) for word, name in found if word == b"tree"]
    return trees[0] if trees else Oid("0" * 40), [Oid(name.decode()) for word, name in found if word == b"parent"]


def _entries(tree: bytes) -> Mapping[bytes, tuple[bytes, Oid]]:
    """Return mode and id by name."""
    found: dict[bytes, tuple[bytes, Oid]] = {}
    start = 0
    while (end := tree.find(b"\0", start)) >= 0:
        mode, _, name = tree[start:end].partition(b" ")
        start = end + 21
        found[name] = (mode, Oid(tree[end + 1 : start].hex()))
    return found


def _head(number: int, size: int) -> bytes:
    byte, size = number << 4 | size & 15, size >> 4
    out = bytearray()
    while size:
        out.append(byte | 0x80)
        byte, size = size & 0x7F, size >> 7
    return bytes([*out, byte])
