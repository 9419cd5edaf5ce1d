"""Objects of a remote on a path, kept in memory for as long as someone else's `git gc --prune=now` may take them away.

    write ──> kept ──swap won──> looked for, written again where they are gone ──the next swap──> looked for once more

A gc that listed what is reachable before a swap does not know what the swap made reachable. With its usual grace of two
weeks it takes nothing that is new; with `--prune=now` it does, and the ref that was just moved names nothing [seen].

A repository that is away as a whole (a disk that was taken out, a share that is not mounted) is read from a copy of it,
if there is one. Nothing can be written there then, so that no copy is ever taken for what the repository has.

What this file does not know: refs.
"""

import os
from collections.abc import Callable
from pathlib import Path

from gitcoord.errors import CoordError, UnreachableError
from gitcoord.remote.contract.protocol import ObjectKind, Objects, Oid
from gitcoord.remote.store.pygit_objects import PygitObjects

_Written = list[tuple[Oid, ObjectKind, bytes]]


class KeptObjects(PygitObjects):
    """Objects that remember what was written for the last two swaps."""

    def __init__(self, path: Path, copy: Callable[[], Objects] | None = None) -> None:
        """Remember nothing yet. `copy` opens what is read while the repository is not there at all."""
        super().__init__(path, UnreachableError)
        self._copy = copy
        self._root = f"{path}/objects"
        self._new: _Written = []
        self._last: _Written = []

    def read(self, oid: Oid) -> tuple[ObjectKind, bytes]:
        """Return the kind and content of an object; see `PygitObjects.read`."""
        try:
            return super().read(oid)
        except CoordError:
            if self._copy is None or not self._is_gone():
                raise
            return self._copy().read(oid)

    def has(self, oid: Oid) -> bool:
        """Whether the object is here; only of a repository that is gone what was copied counts."""
        if self._copy is not None and self._is_gone():
            return self._copy().has(oid)
        return super().has(oid)

    def _is_gone(self) -> bool:
        return not Path(self._root).is_dir()

    def write(self, kind: ObjectKind, data: bytes) -> Oid:
        """Store an object and keep it."""
        oid = super().write(kind, data)
        self._new.append((oid, kind, data))
        return oid

    def look_after(self) -> int:
        """Write again what is gone of the swap that was just won, and of the one before; return how much that was.

        Raises:
            StorageError: the disk is full or read-only.
        """
        gone = [
            (kind, data)
            for oid, kind, data in (*self._last, *self._new)
            if not os.path.exists(f"{self._root}/{oid[:2]}/{oid[2:]}")  # noqa: PTH110 - 2 µs each
            and not self.has(oid)
        ]
        self._last, self._new = self._new, []
        if gone:
            self.reopen()
        for kind, data in gone:
            super().write(kind, data)
        return len(gone)
