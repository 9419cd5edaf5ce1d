"""Packs of a home store, written and joined in this process. See gitformat-pack(5).

    objects/pack/pack-<checksum>.pack    "PACK", version 2, count; of each object a header, the deflated content; SHA-1
    objects/pack/pack-<checksum>.idx     version 2: where in the pack each id is
    objects/pack/pack-<checksum>.keep    `git gc`, which may have listed the refs before they moved, leaves the pack

Rules:
  * A pack is whole and flushed before it is there: files of another name are renamed, the index last. What a process
    that died has left has no index, counts for nothing and is removed later.
  * One of a copy of a remote's is not flushed: what a power cut damages in it counts for nothing, and is brought again.
  * Objects are never deltas here, so that packs are joined by copying; `git gc` finds deltas.
  * Joined are packs of about one size, when eight are: so their number grows with the logarithm of what was written.

What this file does not know: refs, and when it is time to write.
"""

import hashlib
import itertools
import os
import struct
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from gitcoord.remote.contract.protocol import ObjectKind, Oid

if TYPE_CHECKING:
    from io import FileIO

LEVEL_PACKS: Final = 8
KEPT_S: Final = 600.0  # `git gc` of the largest store takes seconds
_LEVEL_BYTES: Final = 16 * 1024  # one claim has 3 KB
_JOINED_BYTES_MAX: Final = 64 * 1024 * 1024  # what is larger is for `git gc`, which finds deltas
# A window of 4 KB leaves nothing out of an object of that size, and its tables are made in a tenth of the 0.05 to
# 0.1 ms that those of zlib's usual 32 KB take: most of what it takes to deflate a claim.
_WINDOW_BITS: Final = 12
_MEMORY_LEVEL: Final = 5
# A tree is mostly ids, which do not become shorter: it is stored as it is, in a fiftieth of the time, for a sixth more.
_SMALLEST_WINDOW_BITS: Final = 9
_SMALLEST_MEMORY_LEVEL: Final = 1
_NUMBERS: Final = {ObjectKind.COMMIT: 1, ObjectKind.TREE: 2, ObjectKind.BLOB: 3}
KINDS: Final = {number: kind for kind, number in _NUMBERS.items()}
_DRAFT: Final = "tmp_gitcoord_"  # git counts, and removes, what begins with `tmp_`
_KEEP: Final = b"gitcoord\n"
_ID_BYTES: Final = 20
_UNFLUSHED_BYTES_MAX: Final = 1024 * 1024  # of an index: 5,000 objects at once, the most that a buffer has, are 141 KB
_INDEX_HEAD: Final = b"\xfftOc\0\0\0\2"
PACK_FILES: Final = (".idx", ".rev", ".pack", ".keep")  # the index first, since without that a pack is nothing
_LEFT_ALONE: Final = (".promisor", ".bitmap", ".mtimes")  # packs that mean more than their objects


class PackedObject(NamedTuple):
    """One object as a pack has it. `size`: bytes of the content; `packed`: its header and the deflated content."""

    oid: Oid
    number: int
    size: int
    packed: bytes

    @classmethod
    def of(cls, oid: Oid, kind: ObjectKind, data: bytes) -> "PackedObject":
        """Pack an object."""
        number = _NUMBERS[kind]
        return cls(oid, number, len(data), _entry_header(number, len(data)) + _deflated(kind, data))

    def content(self) -> tuple[ObjectKind, bytes]:
        """Return the kind and content."""
        return KINDS[self.number], zlib.decompress(self.packed[len(_entry_header(self.number, self.size)) :])


def _deflated(kind: ObjectKind, data: bytes) -> bytes:
    if kind is ObjectKind.TREE:
        deflate = zlib.compressobj(0, zlib.DEFLATED, _SMALLEST_WINDOW_BITS, _SMALLEST_MEMORY_LEVEL)
    elif len(data) <= 1 << _WINDOW_BITS:
        deflate = zlib.compressobj(1, zlib.DEFLATED, _WINDOW_BITS, _MEMORY_LEVEL)
    else:
        deflate = zlib.compressobj(1)
    return deflate.compress(data) + deflate.flush()


def oid_of(kind: ObjectKind, data: bytes) -> Oid:
    """Return the id of an object."""
    return Oid(hashlib.sha1(b"%s %d\0" % (kind.encode(), len(data)) + data, usedforsecurity=False).hexdigest())


def write_pack(objects: Path, new: Iterable[PackedObject], *, is_copy: bool = False) -> Path | None:
    """Write a pack and return it. `objects`: the folder of that name.

    `is_copy`: a remote has all of it. Else it is flushed, and `git gc` leaves it alone, since no ref may have it yet.

    Raises:
        OSError: the disk is full or cannot be written; there is no pack then.
    """
    packed = {bytes.fromhex(item.oid): item.packed for item in new}
    return _write(objects / "pack", packed, keeps=not is_copy, flushes=not is_copy)


def tidy_packs(objects: Path, now_s: float) -> None:
    """Join packs of one size where there are many, give to `git gc` what is older, remove what was left half-way.

    Raises:
        OSError: the disk is full or cannot be read; nothing is lost.
    """
    folder = objects / "pack"
    with os.scandir(folder) as listing:
        found = {entry.name: entry.stat() for entry in listing}
    levels: dict[int, list[str]] = {}
    for name, status in found.items():
        stem, dot, kind = name.partition(".")
        is_left = name.startswith(_DRAFT) or (kind in {"pack", "keep"} and f"{stem}.idx" not in found)
        is_old = now_s - status.st_mtime > KEPT_S
        if is_old and (is_left or kind == "keep") and (is_left or _is_ours(folder / name)):
            _remove(folder / name)
        elif kind == "pack" and not is_left and status.st_size < _JOINED_BYTES_MAX:
            levels.setdefault((status.st_size // _LEVEL_BYTES).bit_length() // 3, []).append(f"{folder}/{stem}{dot}")
    for stems in levels.values():
        if len(stems) >= LEVEL_PACKS:
            _join(folder, [Path(stem[:-1]) for stem in sorted(stems)])


def damaged_packs(objects: Path) -> Iterator[tuple[Path, Sequence[Oid]]]:
    """Find the packs that are not as their index says, or whose index is damaged; each with what that lists."""
    for index in [*(objects / "pack").glob("pack-*.idx")]:
        with suppress(OSError):  # another process has removed it, or it cannot be read
            listed, pack = index.read_bytes(), index.with_suffix(".pack")
            data = pack.read_bytes() if pack.exists() else b""
            is_whole = _sha1(data[:-_ID_BYTES]) == data[-_ID_BYTES:] == listed[-2 * _ID_BYTES : -_ID_BYTES]
            if not is_whole or not _is_sealed(listed):
                count = int.from_bytes(listed[8 + 255 * 4 : 8 + 256 * 4], "big")
                raw = listed[8 + 256 * 4 :][: count * _ID_BYTES]
                yield pack, [Oid(raw[at : at + _ID_BYTES].hex()) for at in range(0, len(raw), _ID_BYTES)]


def has_damaged_index(objects: Path) -> bool:
    """Whether an index is damaged that may not have been flushed, as no large one is."""
    for index in (objects / "pack").glob("pack-*.idx"):
        with suppress(OSError):  # another process has removed it, or it cannot be read
            if index.stat().st_size <= _UNFLUSHED_BYTES_MAX and not _is_sealed(index.read_bytes()):
                return True
    return False


def _is_sealed(index: bytes) -> bool:
    return _sha1(index[:-_ID_BYTES]) == index[-_ID_BYTES:]


def remove_pack(pack: Path) -> None:
    """Remove a pack, as far as that works."""
    for suffix in PACK_FILES:
        _remove(pack.with_suffix(suffix))


def _join(folder: Path, packs: Sequence[Path]) -> None:
    objects: dict[bytes, bytes] = {}
    joined: list[Path] = []
    for pack in packs:
        alone = any(pack.with_suffix(suffix).exists() for suffix in _LEFT_ALONE)
        entries = None if alone or not _is_ours(pack.with_suffix(".keep"), absent=True) else _entries(pack)
        if entries is not None:
            objects |= entries
            joined.append(pack)
    if len(joined) < LEVEL_PACKS // 2:
        return
    keeps = any(pack.with_suffix(".keep").exists() for pack in joined)
    made = _write(folder, objects, keeps=keeps)
    _flush_folder(folder)
    for pack in joined:
        if pack != made:
            remove_pack(pack)


def _entries(pack: Path) -> dict[bytes, bytes] | None:
    """Return the objects of a pack as they stand in it; `None` where it is damaged, gone, unreadable, or has deltas."""
    try:
        index = pack.with_suffix(".idx").read_bytes()
        with pack.with_suffix(".pack").open("rb", buffering=0) as file:
            return _entries_in(file, index)
    except OSError:  # a bad sector is no reason to join none of the others
        return None


def _entries_in(file: "FileIO", index: bytes) -> dict[bytes, bytes] | None:
    count = int.from_bytes(index[8 + 255 * 4 : 8 + 256 * 4], "big")
    ids, crcs = 8 + 256 * 4, 8 + 256 * 4 + count * _ID_BYTES
    offsets = crcs + count * 4
    is_known = index[:8] == _INDEX_HEAD and len(index) == offsets + count * 4 + 2 * _ID_BYTES
    end = file.seek(0, os.SEEK_END) - _ID_BYTES
    if not is_known or end < 0 or index[-2 * _ID_BYTES : -_ID_BYTES] != _read_at(file, end, _ID_BYTES):
        return None
    begins = struct.unpack(f">{count}I", index[offsets : offsets + count * 4])
    sums = struct.unpack(f">{count}I", index[crcs:offsets])
    if max(begins, default=0) > end:
        return None
    ends = dict(itertools.pairwise([*sorted(begins), end]))
    found: dict[bytes, bytes] = {}
    for number, begin in enumerate(begins):
        packed = _read_at(file, begin, ends[begin] - begin)
        if not packed or zlib.crc32(packed) != sums[number] or (packed[0] >> 4) & 7 not in KINDS:
            return None
        found[index[ids + number * _ID_BYTES : ids + (number + 1) * _ID_BYTES]] = packed
    return found


def _read_at(file: "FileIO", begin: int, size: int) -> bytes:
    """Read a part of a file. Not mapped: there a bad sector, or a file that is cut meanwhile, ends the process."""
    file.seek(begin)
    return file.read(size)


def _write(folder: Path, objects: dict[bytes, bytes], *, keeps: bool, flushes: bool = True) -> Path | None:
    if not objects:
        return None
    ids, begins, position = sorted(objects), list[int](), 12
    for raw in ids:
        begins.append(position)
        position += len(objects[raw])
    # Never in one piece: eight packs that are joined may have hundreds of megabytes.
    pieces = [b"PACK" + struct.pack(">II", 2, len(ids)), *(objects[raw] for raw in ids)]
    sum_of_all = hashlib.sha1(usedforsecurity=False)
    for piece in pieces:
        sum_of_all.update(piece)
    checksum = sum_of_all.digest()
    pack = folder / f"pack-{checksum.hex()}"
    if pack.with_suffix(".idx").exists() and _entries(pack) == objects:
        return pack  # else a power cut has damaged it
    counts = [0] * 256
    for raw in ids:
        counts[raw[0]] += 1
    fanout = struct.pack(">256I", *itertools.accumulate(counts))
    sums = struct.pack(f">{len(ids)}I", *(zlib.crc32(objects[raw]) for raw in ids))
    index = b"".join([_INDEX_HEAD, fanout, *ids, sums, struct.pack(f">{len(ids)}I", *begins), checksum])
    folder.mkdir(exist_ok=True)
    content_of = {".keep": [_KEEP], ".pack": [*pieces, checksum], ".idx": [index, _sha1(index)]}
    drafts: dict[str, Path] = {}
    placed: list[Path] = []
    try:
        for suffix in (*((".keep",) if keeps else ()), ".pack", ".idx"):
            drafts[suffix] = _draft(folder, content_of[suffix], flushes=flushes)
        for suffix, draft in drafts.items():
            placed.append(draft.replace(pack.with_suffix(suffix)))
    except OSError:
        for path in (*drafts.values(), *(() if pack.with_suffix(".idx").exists() else placed)):
            _remove(path)
        raise
    return pack


def _draft(folder: Path, pieces: Iterable[bytes], *, flushes: bool) -> Path:
    """Write a file under a name of its own, for another process may be writing the same pack."""
    from tempfile import mkstemp

    # Git reads every file there that ends as an index does, whatever it is called.
    handle, name = mkstemp(prefix=_DRAFT, dir=folder)
    try:
        with os.fdopen(handle, "wb") as file:
            file.writelines(pieces)
            file.flush()
            Path(name).chmod(0o444)
            if flushes:
                os.fsync(handle)
    except OSError:
        _remove(Path(name))
        raise
    return Path(name)


def _entry_header(number: int, size: int) -> bytes:
    """Return what stands before a deflated object: its kind, and its size in groups of 4 and then 7 bits."""
    octet, size, made = number << 4 | size & 15, size >> 4, bytearray()
    while size:
        made.append(octet | 0x80)
        octet, size = size & 0x7F, size >> 7
    made.append(octet)
    return bytes(made)


def _sha1(data: bytes) -> bytes:
    return hashlib.sha1(data, usedforsecurity=False).digest()


def _is_ours(keep: Path, *, absent: bool = False) -> bool:
    try:
        return keep.read_bytes() == _KEEP
    except FileNotFoundError:
        return absent
    except OSError:  # so we leave it alone
        return False


def _remove(path: Path) -> None:
    with suppress(OSError):  # another process did, or the next one does
        path.unlink()


def _flush_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
