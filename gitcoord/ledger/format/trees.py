r"""Trees of documents: read once, compared by id, written only where something changed.

Rules:
  * A folder is a value that knows its id; a folder whose id is known is never read again.
  * SEC-4: a folder that lies in many places is read once, and counted at each: a few kB that unfold to billions of
    paths are refused at once.
  * Only plain files and folders with plain names are accepted; anything else in a tree is damage.
  * SAFE-8: a folder or a file that would be refused when it is read is not written.
  * What this version does not know (paths of a newer one) stays as it is.

The format is git's: `<mode> <name>\0<id>`, folders sorted as if their name ended in `/`. See gitformat-pack(5)
and `git help mktree`.
"""

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from gitcoord.core.documents import limits
from gitcoord.core.documents.doc import Struct, field
from gitcoord.errors import DocumentError, LimitError
from gitcoord.remote.contract.protocol import ObjectKind, Objects, Oid

DEPTH_MAX = 8  # ours need three
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,200}")
_FILE, _FOLDER = b"100644", b"40000"


class Folder(Struct, frozen=True):
    """One tree and all below it. `oid` is `None` only for the empty one that nothing was written of."""

    oid: Oid | None = None
    files: Mapping[str, Oid] = field(default_factory=dict[str, Oid])
    folders: Mapping[str, "Folder"] = field(default_factory=dict[str, "Folder"])

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing in it."""
        return not self.files and not self.folders

    def file(self, path: str) -> Oid | None:
        """Return the id of the file at a path."""
        *parents, name = path.split("/")
        folder: Folder | None = self
        for parent in parents:
            folder = folder.folders.get(parent) if folder else None
        return folder.files.get(name) if folder else None


EMPTY = Folder()


def load(objects: Objects, oid: Oid, previous: Folder | None = None) -> Folder:
    """Read a tree, taking from `previous` what has not changed.

    Raises:
        DocumentError: it is not a tree of ours.
        MissingObjectError: part of it is not here.
    """
    return _Walk(objects).load(oid, previous, 0)


class _Read(NamedTuple):
    """A folder that was read whole: how many entries are in it and below, and how many levels of folders."""

    folder: Folder
    entries: int
    levels: int


class _Walk(Struct):
    """One reading of a tree. `count`: entries so far."""

    objects: Objects
    count: int = 0
    known: dict[Oid, _Read] = field(default_factory=dict[Oid, _Read])

    def load(self, oid: Oid, previous: Folder | None, depth: int) -> Folder:
        if previous is not None and previous.oid == oid:
            return previous
        again = self.known.get(oid)
        if depth + (again.levels if again else 0) > DEPTH_MAX:
            raise _damage(oid, "it is too deep")
        if again is None:
            return self._read(oid, previous, depth)
        self._add(oid, again.entries)
        return again.folder

    def _read(self, oid: Oid, previous: Folder | None, depth: int) -> Folder:
        kind, data = self.objects.read(oid)
        if kind is not ObjectKind.TREE:
            raise _damage(oid, f"it is a {kind}")
        files: dict[str, Oid] = {}
        folders: dict[str, Folder] = {}
        before = self.count
        for mode, name, child in _entries(oid, data):
            self._add(oid, 1)
            if mode == _FILE:
                files[name] = child
            else:
                folders[name] = self.load(child, previous.folders.get(name) if previous else None, depth + 1)
        folder = Folder(oid, files, folders)
        inner = [self.known.get(below.oid or oid) for below in folders.values()]
        if all(inner):  # else some of it is as it was before, and was not counted
            levels = max((1 + below.levels for below in inner if below), default=0)
            self.known[oid] = _Read(folder, self.count - before, levels)
        return folder

    def _add(self, oid: Oid, entries: int) -> None:
        self.count += entries
        if self.count > limits.LEDGER_FILES:
            raise _damage(oid, "it is too large")


def find(objects: Objects, tree: Oid, path: str) -> Oid | None:
    """Return the id of the file at a path, reading only the folders on the way.

    Raises:
        DocumentError: one of them is not a tree of ours.
        MissingObjectError: one of them is not here.
    """
    tree_oid: Oid | None = tree
    for name in path.split("/"):
        if tree_oid is None:
            return None
        kind, data = objects.read(tree_oid)
        if kind is not ObjectKind.TREE:
            return None
        tree_oid = next((child for _, entry, child in _entries(tree_oid, data) if entry == name), None)
    return tree_oid


def changes(old: Folder, new: Folder, prefix: str = "") -> Iterator[tuple[str, Oid | None]]:
    """Yield (path, id) for each file that differs; the id is `None` where it is gone."""
    if old.oid == new.oid and old.oid is not None:
        return
    for name, oid in new.files.items():
        if old.files.get(name) != oid:
            yield prefix + name, oid
    for name in old.files:
        if name not in new.files:
            yield prefix + name, None
    for name, folder in new.folders.items():
        yield from changes(old.folders.get(name, EMPTY), folder, f"{prefix}{name}/")
    for name, folder in old.folders.items():
        if name not in new.folders:
            yield from changes(folder, EMPTY, f"{prefix}{name}/")


def write(objects: Objects, folder: Folder, edits: Mapping[str, bytes | None]) -> Folder:
    """Write files (`None` removes one) and return the changed folder. A folder left empty is removed.

    Raises:
        LimitError: a file, or a folder, would be larger than any reader takes.
    """
    files, folders = dict(folder.files), dict(folder.folders)
    below: dict[str, dict[str, bytes | None]] = {}
    for path, data in edits.items():
        name, slash, rest = path.partition("/")
        if slash:
            below.setdefault(name, {})[rest] = data
        elif data is None:
            files.pop(name, None)
        elif len(data) > limits.RECORD_BYTES:
            raise _too_large(f"{name} would have {len(data)} bytes; {limits.RECORD_BYTES} is the most")
        else:
            files[name] = objects.write(ObjectKind.BLOB, data)
    for name, inner in below.items():
        changed = write(objects, folders.get(name, EMPTY), inner)
        if changed.files or changed.folders:
            folders[name] = changed
        else:
            folders.pop(name, None)
    if len(files) + len(folders) > limits.FOLDER_ENTRIES:
        raise _too_large(f"a folder of a ledger would have {len(files) + len(folders)} entries")
    rows = [(name.encode(), _FILE, name, oid) for name, oid in files.items()]
    rows += [(name.encode() + b"/", _FOLDER, name, folder.oid) for name, folder in folders.items() if folder.oid]
    rows.sort()
    data = b"".join(mode + b" " + name.encode() + b"\0" + bytes.fromhex(oid) for _, mode, name, oid in rows)
    return Folder(objects.write(ObjectKind.TREE, data), files, folders)


def children(data: bytes, width: int) -> list[Oid]:
    """Return the ids that a tree names, whatever they are of; `width`: bytes of an id.

    Raises:
        DocumentError: it is cut off.
    """
    children: list[Oid] = []
    position = 0
    while position < len(data):
        end = data.find(b"\0", position)
        position = end + 1 + width
        if end < 0 or position > len(data):
            message = "A tree is cut off."
            raise DocumentError(message)
        children.append(Oid(data[end + 1 : position].hex()))
    return children


def _entries(oid: Oid, data: bytes) -> Iterator[tuple[bytes, str, Oid]]:
    width = len(oid) // 2
    position, count = 0, 0
    while position < len(data):
        end = data.find(b"\0", position)
        mode, _, name = data[position:end].partition(b" ")
        raw = data[end + 1 : end + 1 + width]
        count += 1
        if end < 0 or len(raw) < width or count > limits.FOLDER_ENTRIES:
            raise _damage(oid, "it is cut off or too large")
        text = name.decode("ascii", "replace")
        if mode not in (_FILE, _FOLDER) or not _NAME.fullmatch(text):
            raise _damage(oid, f"it has an entry of mode {mode[:6].decode('ascii', 'replace')} that is not ours")
        yield mode, text, Oid(raw.hex())
        position = end + 1 + width


def _too_large(why: str) -> LimitError:
    return LimitError(f"Nothing was written, because no client could read it: {why}.", hint="Ask for less in one call.")


def _damage(oid: Oid, why: str) -> DocumentError:
    return DocumentError(f"Object {oid} is not a tree of a ledger: {why}.", where=oid)
