"""Objects of a home store: those of its repository, of its journal, and those that no swap has carried yet.

    write ──> noted ──the next swap──> journal ──a moment later──> a pack of the repository

Rules:
  * What was written since the last swap that was won is noted, and rides with the next: a retry may use it again.
  * Where the journal is the truth nothing is written before the swap; where it is not, a loose object is.

What this file does not know: refs.
"""

import os
import zlib
from contextlib import suppress
from pathlib import Path

from gitcoord.errors import MissingObjectError
from gitcoord.remote.contract.protocol import ObjectKind, Oid
from gitcoord.remote.journal.pack_files import PackedObject, oid_of
from gitcoord.remote.journal.plain_packs import PlainPacks
from gitcoord.remote.journal.unwritten import Unwritten
from gitcoord.remote.store.pygit_objects import PygitObjects, open_repository


class HomeObjects(PygitObjects):
    """The objects of one home store. `unwritten`: what its journal has, while that is the truth."""

    def __init__(self, path: Path) -> None:
        """Remember nothing yet."""
        super().__init__(path)
        self.path = path
        self.unwritten: Unwritten | None = None
        self._packs = PlainPacks(path / "objects")
        self._noted: dict[Oid, tuple[ObjectKind, bytes]] = {}

    def read(self, oid: Oid) -> tuple[ObjectKind, bytes]:
        """Return the kind and content of an object; see `PygitObjects.read`."""
        found = self._here(oid) or self._plain(oid)
        if found is not None:
            return found
        try:
            return super().read(oid)
        except MissingObjectError:
            if self.unwritten is None or not self.unwritten.look():
                raise
        return self._here(oid) or super().read(oid)

    def has(self, oid: Oid) -> bool:
        """Whether the object is here."""
        if self.unwritten is not None and self.unwritten.has_tip(oid):
            return True
        if self._here(oid) is not None or self._plain(oid) is not None or super().has(oid):
            return True
        return self.unwritten is not None and self.unwritten.look() and self.unwritten.find(oid) is not None

    def write(self, kind: ObjectKind, data: bytes) -> Oid:
        """Store an object and note it for the journal; see `PygitObjects.write`."""
        oid = super().write(kind, data) if self.unwritten is None else oid_of(kind, data)
        self._noted[oid] = (kind, data)
        return oid

    def write_again(self, kind: ObjectKind, data: bytes) -> None:
        """Store an object in the repository, also where a damaged one is in its place.

        Raises:
            OSError: the disk is full or cannot be written.
        """
        oid = oid_of(kind, data)
        path = self.path / "objects" / oid[:2] / oid[2:]
        path.parent.mkdir(exist_ok=True)
        draft = path.with_name(f"tmp_obj_{os.getpid()}")
        with suppress(FileNotFoundError):
            draft.unlink()
        draft.write_bytes(zlib.compress(b"%s %d\0" % (kind.encode(), len(data)) + data, 1))
        draft.chmod(0o444)
        draft.replace(path)

    def delete_ref(self, ref: str) -> None:
        """Remove a ref, loose or packed, if it is there."""
        repository = open_repository(self.path)
        if ref in repository.references:
            repository.references.delete(ref)

    @property
    def noted(self) -> tuple[tuple[ObjectKind, bytes], ...]:
        """The noted objects that were not taken yet."""
        return tuple(self._noted.values())

    def packed(self) -> tuple[PackedObject, ...]:
        """Return the noted objects as a pack has them."""
        return tuple(PackedObject.of(oid, kind, data) for oid, (kind, data) in self._noted.items())

    def forget_noted(self) -> None:
        """Forget the noted objects: a swap has carried them."""
        self._noted = {}

    def _plain(self, oid: Oid) -> tuple[ObjectKind, bytes] | None:
        """Look into the packs as long as libgit2 is not loaded for more."""
        return self._packs.find(oid) if self._repository is None and self.unwritten is not None else None

    def _here(self, oid: Oid) -> tuple[ObjectKind, bytes] | None:
        noted = self._noted.get(oid)
        if noted is None and self.unwritten is not None:
            packed = self.unwritten.find(oid)
            return packed.content() if packed is not None else None
        return noted
