"""Objects of a clone's copy of a remote: what this process writes stays in memory until the remote has it.

    write ──> buffer ──swap WON or UNKNOWN──> one pack, or with the next      keep
                └──────any other, and a later one WON──> gone                 lose, discard_lost
    fetch ────────────────────────────────────> one pack                      put

Rules:
  * SAFE-3: what was acknowledged is at the remote. A process that dies before its pack is there leaves nothing that
    names it, and the next look brings it.
  * SAFE-6: nothing on disk names an object that only a buffer has; who asks whether it is here to say so on disk asks
    `is_buffered` as well.
  * A file for each of ten objects takes several times as long, and one that a power cut left empty stops a reader.
  * What landed and found no room on the disk stays, and goes with the next pack.
  * A buffer has a bound; what is more becomes a pack, whatever becomes of its swap.
  * What was kept last is read from memory: the next swap needs it, and who fetched it reads it at once.

What this file does not know: refs, swaps.
"""

from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

from gitcoord.errors import unwritable
from gitcoord.remote.contract.protocol import ObjectKind, Oid
from gitcoord.remote.copies.copied_objects import CopiedObjects
from gitcoord.remote.journal.pack_files import (
    LEVEL_PACKS,
    PackedObject,
    oid_of,
    tidy_packs,
    write_pack,
)
from gitcoord.remote.journal.plain_packs import PlainPacks

Made = tuple[Oid, ObjectKind, bytes]

BUFFER_OBJECTS: Final = 5_000  # a claim has ten; a home that is published more
BUFFER_BYTES: Final = 8 * 1024 * 1024
RECENT_BYTES: Final = 2 * 1024 * 1024
_LOCK: Final = "packs.lock"


class BufferedObjects(CopiedObjects):
    """The objects of one store, with those of this process that are not on disk yet."""

    def __init__(self, path: Path, now_ns: Callable[[], int]) -> None:
        """Buffer nothing yet."""
        super().__init__(path)
        self._now_ns = now_ns
        self._packs = PlainPacks(self._folder)
        self._buffer: dict[Oid, tuple[ObjectKind, bytes]] = {}
        self._buffered_bytes = 0
        self._landed: set[Oid] = set()
        self._lost: set[Oid] = set()
        self._recent: dict[Oid, tuple[ObjectKind, bytes]] = {}
        self._recent_bytes = 0

    def read(self, oid: Oid) -> tuple[ObjectKind, bytes]:
        """Return the kind and content of an object; see `CopiedObjects.read`."""
        return self._buffer.get(oid) or self._recent.get(oid) or self._plain(oid) or super().read(oid)

    def has(self, oid: Oid) -> bool:
        """Whether the object is here and whole, on disk or in the buffer."""
        return oid in self._buffer or self._plain(oid) is not None or super().has(oid)

    def is_buffered(self, oid: Oid) -> bool:
        """Whether the object is here for this process alone."""
        return oid in self._buffer

    def buffered(self, oid: Oid) -> tuple[ObjectKind, bytes] | None:
        """Return the kind and content of an object that is here for this process alone."""
        return self._buffer.get(oid)

    def write(self, kind: ObjectKind, data: bytes) -> Oid:
        """Buffer an object and return its id.

        Raises:
            StorageError: the buffer is full, and the disk is, too, or cannot be written.
        """
        oid = oid_of(kind, data)
        self._lost.discard(oid)
        if oid not in self._buffer:
            self._buffer[oid] = kind, data
            self._buffered_bytes += len(data)
        if len(self._buffer) > BUFFER_OBJECTS or self._buffered_bytes > BUFFER_BYTES:
            self.flush()
        return oid

    def flush(self, oids: Iterable[Oid] | None = None) -> None:
        """Write those of these objects that are in the buffer as one pack, or all that is in it.

        Raises:
            StorageError: the disk is full or cannot be written; they stay in the buffer.
        """
        wanted = [*self._buffer] if oids is None else oids
        found = [(oid, *made) for oid in wanted if (made := self._buffer.get(oid)) is not None]
        self.put(found)
        self.discard(oid for oid, _, _ in found)

    def keep(self, oids: Iterable[Oid]) -> None:
        """Write what has landed of the buffer as one pack, with what found no room before.

        Raises:
            StorageError: the disk is full or cannot be written; they stay in the buffer until the next time.
        """
        self._landed.update(oids)
        landed = [*self._landed]  # another thread may be adding to it
        self.flush(landed)
        self._landed.difference_update(landed)

    def lose(self, oids: Iterable[Oid]) -> None:
        """Note that a swap with these did not land: the next win discards them, unless they are written again."""
        self._lost.update(oids)

    def discard_lost(self) -> None:
        """Forget the objects of swaps that did not land."""
        lost = {*self._lost}
        self.discard(lost - self._landed)
        self._lost -= lost

    def discard(self, oids: Iterable[Oid]) -> None:
        """Forget objects that are in the buffer."""
        for oid in oids:
            made = self._buffer.pop(oid, None)
            if made is not None:
                self._buffered_bytes -= len(made[1])

    def put(self, objects: Iterable[Made]) -> None:
        """Keep objects as one pack.

        Raises:
            StorageError: the disk is full or cannot be written.
        """
        made = [*objects]
        try:
            pack = write_pack(self._folder, (PackedObject.of(*each) for each in made), is_copy=True)
        except OSError as error:
            raise unwritable(f"The repository {str(self._path)!r}", error) from error
        size_bytes = sum(len(data) for _, _, data in made)
        if self._recent_bytes + size_bytes > RECENT_BYTES:
            self._recent, self._recent_bytes = {}, 0
        if size_bytes <= RECENT_BYTES:
            self._recent.update({oid: (kind, data) for oid, kind, data in made})
            self._recent_bytes += size_bytes
        if pack is not None and len([*pack.parent.glob("*.pack")]) % LEVEL_PACKS == 0:
            from filelock import FileLock, Timeout  # seldom needed, and what only reads loads this module

            with suppress(OSError, Timeout), FileLock(self._path / _LOCK, timeout=0):  # of several, one does
                tidy_packs(self._folder, self._now_ns() / 1e9)

    def _plain(self, oid: Oid) -> tuple[ObjectKind, bytes] | None:
        """Look into the packs as long as libgit2 is not loaded for more."""
        return self._packs.find(oid) if self._repository is None else None
