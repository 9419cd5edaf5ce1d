"""Objects of a clone's copy of a remote: what is damaged is not here, since the remote has it and it is brought again.

Rules:
  * SAFE-6: git takes any object that has a file for one that is whole, and fetches it no more. So before an object is
    brought again, what is damaged is set aside (`damaged_files`); what else a damaged pack has is kept in another one.
  * A pack of which only the index is damaged loses nothing: git makes its index again. Until then libgit2 reads
    nothing, for it believes an index, and 1.9.7 ends the process where one points behind its pack. So it does where a
    ref is made, for it reads what that names: who makes one there asks `indexes_again` first.

What this file does not know: refs, and where the remote is.
"""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from math import inf
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

from gitcoord.errors import CoordError, DocumentError, MissingObjectError
from gitcoord.remote.contract.protocol import CorruptError, ObjectKind, Oid
from gitcoord.remote.copies.damaged_files import DamagedFiles
from gitcoord.remote.git.git_process import run_git
from gitcoord.remote.journal.pack_files import PACK_FILES, PackedObject, damaged_packs, has_damaged_index, write_pack
from gitcoord.remote.journal.plain_packs import PlainPacks
from gitcoord.remote.store.pygit_objects import PygitObjects, read_loose
from gitcoord.remote.store.store import Store, StoreMode

if TYPE_CHECKING:
    import pygit2

INDEX_S: Final = 60.0  # git takes 1 s for 60 MB


def objects_of(store: Store) -> PygitObjects:
    """Open the objects of a clone's store as what it is: a copy, or the truth."""
    return CopiedObjects(store.path) if store.mode is StoreMode.CACHE else PygitObjects(store.path)


class CopiedObjects(PygitObjects):
    """The objects of one store that is a copy."""

    def __init__(self, path: Path) -> None:
        """Read nothing yet."""
        super().__init__(path)
        self._folder = path / "objects"
        self._beside = PlainPacks(self._folder, reads_max=inf)
        self._damaged = DamagedFiles(path)
        self._can_open: bool | None = None

    def read(self, oid: Oid) -> tuple[ObjectKind, bytes]:
        """Return the kind and content of an object; see `PygitObjects.read`. One that is damaged is not here."""
        try:
            return super().read(oid)
        except CorruptError as error:  # libgit2 stops at a damaged pack, or index, where another one has it
            found = self._beside.find(oid)
            if found is None:
                raise MissingObjectError(str(error)) from None
            return found

    def has(self, oid: Oid) -> bool:
        """Whether the object is here and whole."""
        with suppress(CorruptError):
            if not super().has(oid):  # an index that lists it says nothing of the pack
                return False
        try:
            self.read(oid)
        except MissingObjectError:
            return False
        except DocumentError:  # of another kind, or too large
            return True
        return True

    def _is_openable(self) -> bool:
        if self._can_open is None:  # what a power cut damages was there when this process began
            self._can_open = not has_damaged_index(self._folder)
        return self._can_open

    def indexes_again(self, env: Mapping[str, str]) -> bool:
        """Set aside what is damaged, where an index is; return whether libgit2 may make refs now. `env`: of git."""
        if not self._is_openable():
            self.set_aside_damaged(env)
        return self._is_openable()

    def _database(self) -> "pygit2.Odb":
        if not self._is_openable():
            message = f"The store {str(self._path)!r} has a pack with a damaged index."
            raise CorruptError(message)
        return super()._database()

    def set_aside_damaged(self, env: Mapping[str, str]) -> None:
        """Move what is damaged out of git's way, as far as that works. `env`: that of git's commands."""
        for path in _damaged_loose(self._folder):
            self._set_aside(path)
        for pack, oids in damaged_packs(self._folder):
            if self._is_indexed_again(pack, env):
                continue
            whole = list[PackedObject]()
            for oid in oids:
                with suppress(CoordError):  # in a pack that is cut short libgit2 finds nothing
                    whole.append(PackedObject.of(oid, *(self._beside.find(oid) or self.read(oid))))
            with suppress(OSError):  # where there is no room it stays, and is passed over when it is read
                made = write_pack(self._folder, whole, is_copy=True)
                for suffix in PACK_FILES if made is None or made.name != pack.stem else ():
                    self._set_aside(pack.with_suffix(suffix))
        self._damaged.trim()
        self._can_open = None
        self._beside = PlainPacks(self._folder, reads_max=inf)
        self.reopen()

    def _is_indexed_again(self, pack: Path, env: Mapping[str, str]) -> bool:
        """Have git index a pack that is whole; return whether it is."""
        with suppress(OSError, CoordError), TemporaryDirectory(prefix="tmp_gitcoord_", dir=self._path) as folder:
            index, draft = pack.with_suffix(".idx"), Path(folder, "idx")
            # Not as one of this repository: there git compares with what the damaged index says of the same objects.
            words = [f"--git-dir={folder}", "index-pack", "--no-rev-index", "-o", str(draft), str(pack)]
            if run_git(words, cwd=self._path, env=env, timeout_s=INDEX_S).rc == 0:
                self._damaged.take(index, leaves=True)  # so that the pack is never without one
                draft.replace(index)
                return True
        return False

    def _set_aside(self, path: Path) -> None:
        with suppress(OSError):  # another process did, or it does not go
            self._damaged.take(path)


def _damaged_loose(objects: Path) -> Iterator[Path]:
    """Find the loose objects whose content is not what their name says."""
    for path in objects.glob("[0-9a-f][0-9a-f]/" + "[0-9a-f]" * 38):
        try:
            read_loose(str(objects), Oid(path.parent.name + path.name))
        except CorruptError:
            yield path
        except DocumentError:  # of another kind, or too large
            continue
