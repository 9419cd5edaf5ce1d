"""Objects of a bare repository on disk, read and written by libgit2 in this process.

Rules:
  * Content goes in and out as bytes; nothing here parses it.
  * Every read is verified against the object's id by libgit2; damage is a `DocumentError` that names the id.
  * The size is looked at before the content is loaded.
  * A repository that is repacked by another process while we have it open is opened again, once per call; other
    threads may be using it meanwhile.
  * A write that failed where the disk takes the same bytes is tried again: `git gc` removes empty folders of objects.
  * libgit2 is loaded when it is needed: it takes longer to load than nine Pythons, and a loose object does without.

What this file does not know: refs, remotes or what a document is.
"""

import hashlib
import os
import zlib
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from gitcoord.errors import (
    CoordError,
    DocumentError,
    MissingObjectError,
    StorageError,
    StoreDamagedError,
    unwritable,
)
from gitcoord.remote.contract.protocol import CorruptError, ObjectKind, Oid

if TYPE_CHECKING:
    import pygit2

OBJECT_BYTES_MAX = 16 * 1024 * 1024  # the contract of `Objects.read`; our largest real tree has 25 kB
_HEADER_BYTES_MAX: Final = 32 * 1024  # "commit 12345\0" before it is deflated, and what deflating random bytes adds
_WRITES_MAX: Final = 4  # with `git gc` in a loop, 2 of 3,551 calls met a folder that it had just removed

# git's own numbers, as in gitformat-pack(5) and libgit2.
_TYPES: Final = {ObjectKind.COMMIT: 1, ObjectKind.TREE: 2, ObjectKind.BLOB: 3}
_KINDS: Final = {number: kind for kind, number in _TYPES.items()}


def libgit2_errors() -> tuple[type[Exception], ...]:
    """Return what libgit2 raises. pygit2 picks by the code and category of an error; a full disk is an OSError.

    A damaged delta may ask for more memory than there is.
    """
    from pygit2 import GitError

    return GitError, OSError, KeyError, ValueError, MemoryError


# Else libgit2 keeps each pack open that it ever read, those that were joined and removed since, too. It closes none
# that it has only looked into, so after so many changes of the packs the repository is opened anew.
PACKS_OPEN_MAX: Final = 32
_POINTING_BACK: Final = ("branches", "references", "remotes", "submodules")  # they keep a repository until Python's gc
_CHANGES_MAX: Final = 4  # each may be ten packs


def open_repository(path: Path, failure: type[CoordError] = StoreDamagedError) -> "pygit2.Repository":
    """Open a repository with libgit2.

    Raises:
        CoordError: the `failure`: it is missing, damaged, someone else's, or of a format that libgit2 cannot read.
    """
    from pygit2 import Repository, settings

    settings.mwindow_file_limit = PACKS_OPEN_MAX
    try:
        return Repository(str(path))
    except libgit2_errors() as error:
        message = f"The repository {str(path)!r} cannot be opened: {error}."
        raise failure(message) from error


class PygitObjects:
    """The object database of one repository, opened on first use."""

    object_format = "sha1"  # libgit2 1.9 as wheels build it refuses sha256 repositories when it opens them

    def __init__(self, path: Path, failure: type[CoordError] = StoreDamagedError) -> None:
        """Remember where the repository is. `failure`: what it means that it cannot be opened."""
        self._path = path
        self._failure = failure
        self._repository: pygit2.Repository | None = None
        self._odb: pygit2.Odb | None = None
        self._packs_at = 0
        self._changes = 0

    def read(self, oid: Oid) -> tuple[ObjectKind, bytes]:
        """Return the kind and content of an object.

        Raises:
            MissingObjectError: it is not here.
            DocumentError: it is larger than 16 MiB, not a blob, tree or commit, or corrupt.
        """
        loose = read_loose(f"{self._path}/objects", oid)
        if loose is not None:  # else it is in a pack, or nowhere; libgit2 says which
            return loose
        try:
            return _read_once(self._database(), oid)
        except libgit2_errors():
            self.reopen()
        try:
            return _read_once(self._database(), oid)
        except KeyError:
            message = f"Object {oid} is not in the object store."
            raise MissingObjectError(message) from None
        except libgit2_errors() as error:
            message = f"Object {oid} is corrupt: {error}."
            raise CorruptError(message, where=oid) from error

    def has(self, oid: Oid) -> bool:
        """Whether the object is here; libgit2 looks for new packs before it says no."""
        is_loose = os.path.exists(f"{self._path}/objects/{oid[:2]}/{oid[2:]}")
        return is_loose or _raw(oid) in self._database()

    def write(self, kind: ObjectKind, data: bytes) -> Oid:
        """Store an object and return its id.

        Raises:
            StorageError: the disk is full or read-only.
        """
        words = ""
        for _ in range(_WRITES_MAX):
            try:
                return Oid(str(self._opened().write(_TYPES[kind], data)))
            except libgit2_errors() as error:
                words = str(error)
            self._try_disk(data)
            self.reopen()
        message = f"The repository {str(self._path)!r} cannot be written: {words.rstrip('.:')}."
        raise StorageError(message, hint="Try again; if it stays so, run `git fsck` in that repository.")

    def _try_disk(self, data: bytes) -> None:
        """Write the same bytes by ourselves: libgit2 has words for what went wrong, the system a number.

        Raises:
            StorageError: they cannot be written, for this reason.
        """
        import tempfile

        try:
            with tempfile.NamedTemporaryFile(prefix="tmp_obj_", dir=self._path / "objects") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise unwritable(f"The repository {str(self._path)!r}", error) from error

    def reopen(self) -> None:
        """Forget the open repository, so that the next call sees it as it is on disk."""
        repository, self._repository, self._odb = self._repository, None, None
        for part in _POINTING_BACK if repository is not None else ():
            vars(repository).pop(part, None)
        self._changes = 0

    def _opened(self) -> "pygit2.Repository":
        repository = self._repository
        if repository is None:
            repository = self._repository = open_repository(self._path, self._failure)
        return repository

    def _database(self) -> "pygit2.Odb":
        with suppress(OSError):
            changed_at = os.stat(f"{self._path}/objects/pack").st_mtime_ns
            self._changes += changed_at != self._packs_at
            self._packs_at = changed_at
        if self._changes > _CHANGES_MAX:
            self.reopen()
        odb = self._odb
        if odb is None:
            odb = self._odb = self._opened().odb
        return odb


def read_loose(objects: str, oid: Oid) -> tuple[ObjectKind, bytes] | None:
    """Return the kind and content of a loose object; `None`: there is none. `objects`: the folder of that name.

    Not by libgit2: of one that is cut short, as a power cut leaves it, 1.9.7 reads for ever.

    Raises:
        DocumentError: see `PygitObjects.read`.
    """
    try:
        with open(f"{objects}/{oid[:2]}/{oid[2:]}", "rb", buffering=0) as file:
            content = file.read(OBJECT_BYTES_MAX + _HEADER_BYTES_MAX)
    except OSError:
        return None
    inflater = zlib.decompressobj()
    try:
        inflated = inflater.decompress(content, OBJECT_BYTES_MAX + _HEADER_BYTES_MAX)
    except zlib.error as error:
        message = f"Object {oid} is corrupt: {error}."
        raise CorruptError(message, where=oid) from error
    header, _, data = inflated.partition(b"\0")
    word, _, size = header.partition(b" ")
    if size.isdigit() and int(size) > OBJECT_BYTES_MAX:
        message = f"Object {oid} has {int(size)} bytes; at most {OBJECT_BYTES_MAX} are read."
        raise DocumentError(message, where=oid)
    if not inflater.eof or hashlib.sha1(inflated, usedforsecurity=False).hexdigest() != oid:
        message = f"Object {oid} is corrupt: it is cut short, or its content is another object's."
        raise CorruptError(message, where=oid)
    if word.decode("ascii", "replace") not in _TYPES:
        message = f"Object {oid} is a tag; a ledger is made of blobs, trees and commits."
        raise DocumentError(message, where=oid)
    return ObjectKind(word.decode()), data


def _raw(oid: Oid) -> "pygit2.Oid":
    from pygit2 import Oid as Raw

    return Raw(hex=oid)


def _read_once(odb: "pygit2.Odb", oid: Oid) -> tuple[ObjectKind, bytes]:
    raw = _raw(oid)
    number, size_bytes = odb.read_header(raw)
    if size_bytes > OBJECT_BYTES_MAX:
        message = f"Object {oid} has {size_bytes} bytes; at most {OBJECT_BYTES_MAX} are read."
        raise DocumentError(message, where=oid)
    kind = _KINDS.get(int(number))
    _, data = odb.read(raw)  # which is held against its id, so that a damaged header is no tag
    if kind is None:
        message = f"Object {oid} is a tag; a ledger is made of blobs, trees and commits."
        raise DocumentError(message, where=oid)
    return kind, data
