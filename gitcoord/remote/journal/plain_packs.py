"""Objects that stand whole in the packs of a repository, read without a library: libgit2 takes nine Pythons to load.

Rules:
  * What is not found here is for libgit2 to judge: a delta, a large pack, damage, what is not there at all.
  * A content counts only if it has the id that was asked for; a pack that is damaged hides no other.

What this file does not know: loose objects, the journal.
"""

import os
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

from gitcoord.remote.contract.protocol import ObjectKind, Oid
from gitcoord.remote.journal.pack_files import KINDS, oid_of

READS_MAX: Final = 500  # of 40 µs each; more is worth loading libgit2
_INDEX_BYTES_MAX: Final = 4 * 1024 * 1024
_CONTENT_BYTES_MAX: Final = 1024 * 1024
_CHUNK_BYTES: Final = 8 * 1024
_HEAD_BYTES: Final = 8 + 256 * 4


class _Index(NamedTuple):
    pack: str
    data: bytes
    total: int

    def offset(self, raw: bytes) -> int | None:
        first = int.from_bytes(self.data[4 + raw[0] * 4 : 8 + raw[0] * 4], "big") if raw[0] else 0
        last = int.from_bytes(self.data[8 + raw[0] * 4 : 12 + raw[0] * 4], "big")
        while first < last:
            middle = (first + last) // 2
            found = self.data[_HEAD_BYTES + middle * 20 : _HEAD_BYTES + middle * 20 + 20]
            if found == raw:
                begin = _HEAD_BYTES + self.total * 24 + middle * 4
                offset = int.from_bytes(self.data[begin : begin + 4], "big")
                return offset if offset < 1 << 31 else None
            first, last = (middle + 1, last) if found < raw else (first, middle)
        return None


class PlainPacks:
    """The packs of one repository."""

    def __init__(self, objects: Path, *, reads_max: float = READS_MAX) -> None:
        """Read nothing yet. `objects`: the folder of that name; `reads_max`: how often something is looked for."""
        self._folder = f"{objects}/pack"
        # When the folder was looked at, and the indexes in it. Replaced as one: several threads look.
        self._seen: tuple[int, dict[str, _Index | None]] = (0, {})
        self._left = reads_max

    def find(self, oid: Oid) -> tuple[ObjectKind, bytes] | None:
        """Return the kind and content of an object; `None`: ask libgit2."""
        if self._left <= 0:
            return None
        self._left -= 1
        with suppress(OSError):
            self._look()
        raw = bytes.fromhex(oid)
        for index in self._seen[1].values():
            offset = index.offset(raw) if index is not None else None
            if index is not None and offset is not None:
                with suppress(OSError, zlib.error, IndexError):  # it is gone, damaged, or cut short
                    found = _read(index.pack, offset)
                    if found is not None and oid_of(*found) == oid:
                        return found
        return None

    def _look(self) -> None:
        """Read the indexes that came since the last look."""
        stamp = os.stat(self._folder).st_mtime_ns
        seen_at, before = self._seen
        if stamp == seen_at:
            return
        names = {name for name in os.listdir(self._folder) if name.startswith("pack-") and name.endswith(".idx")}
        indexes = {name: index for name, index in before.items() if name in names}
        for name in names - indexes.keys():
            try:
                with open(f"{self._folder}/{name}", "rb") as file:
                    data = file.read(_INDEX_BYTES_MAX)
            except OSError:  # it went; else the next look finds it
                stamp = 0
                continue
            total = int.from_bytes(data[_HEAD_BYTES - 4 : _HEAD_BYTES], "big")
            is_whole = data[:8] == b"\xfftOc\0\0\0\2" and len(data) >= _HEAD_BYTES + total * 28 + 40
            pack = f"{self._folder}/{name.removesuffix('.idx')}.pack"
            indexes[name] = _Index(pack, data, total) if is_whole else None
        self._seen = stamp, indexes


def _read(pack: str, offset: int) -> tuple[ObjectKind, bytes] | None:
    with open(pack, "rb", buffering=0) as file:
        file.seek(offset)
        data = file.read(_CHUNK_BYTES)
        kind, size, position = (data[0] >> 4) & 7, data[0] & 15, 1
        while data[position - 1] & 0x80:
            size |= (data[position] & 0x7F) << (4 + 7 * (position - 1))
            position += 1
        if kind not in KINDS or size > _CONTENT_BYTES_MAX:
            return None
        inflater = zlib.decompressobj()
        content = inflater.decompress(data[position:])
        while not inflater.eof and (data := file.read(_CHUNK_BYTES)):
            content += inflater.decompress(data)
    return KINDS[kind], content
