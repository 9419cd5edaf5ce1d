r"""Reads refs from git's files ref storage without git: loose files, then `packed-refs`.

Rules:
  * A loose ref wins over a packed one. Loose files are listed first and `packed-refs` second, because
    `git pack-refs` writes the packed file before it removes a loose one.
  * A file is trusted to be unchanged by its (mtime, inode, size) only if its mtime was already RACY_NS old
    when it was read; otherwise a second write within one tick of the file system's clock would stay unseen.
  * What is not a plain ref (symbolic, damaged, a name git would not accept) is skipped and named in `faults`;
    lock files that a listing meets are named in `locks`.

    <git dir>/refs/coord/claims     "<oid>\n"
    <git dir>/packed-refs           "# pack-refs with: …\n"  "<oid> <ref>\n"  "^<peeled oid>\n"

It writes nothing. What this file does not know: objects, swaps.
"""

import errno
import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, NamedTuple, TypeAlias

from gitcoord.errors import StorageError
from gitcoord.remote.contract.protocol import FaultKind, Oid, RefFault, RefName

RACY_NS: Final = 50_000_000  # Linux stamps files with the time of the last tick, up to 10 ms old; five ticks
PACKED_BYTES_MAX: Final = 64 * 1024 * 1024  # a million refs
LOOSE_BYTES_MAX: Final = 4096  # a loose ref is one line; a symbolic one at most a path

_OID_LINE = re.compile(rb"([0-9a-f]{40}(?:[0-9a-f]{24})?)\s*")
# What git-check-ref-format(1) accepts of one path component, less what we never write (so `.lock` is out as well).
_COMPONENT = re.compile(r"(?!\.)(?!.*\.\.)(?!.*@\{)(?!.*\.lock$)[^\x00-\x20\x7f-\x9f~^:?*\[\\/\ud800-\udfff]+(?<!\.)")

_Stamp: TypeAlias = tuple[int, int, int]


class _Seen(NamedTuple):
    stamp: _Stamp
    oid: Oid | None  # None: a fault, read again each time


class FilesRefs:
    """The refs of one git directory (the common one, where there are linked worktrees)."""

    def __init__(self, git_dir: Path, *, now_ns: Callable[[], int]) -> None:
        """`now_ns` is the wall clock that stamps files, in nanoseconds since the epoch."""
        self.faults: list[RefFault] = []
        self.locks: list[str] = []
        self._root = str(git_dir)
        self._now_ns = now_ns
        self._loose: dict[str, _Seen] = {}
        self._packed_stamp: _Stamp | None = None
        self._packed: dict[str, dict[str, Oid]] = {}

    def read(self, prefixes: Sequence[str]) -> dict[RefName, Oid]:
        """List the refs that are, or lie under, one of `prefixes`, as they are on disk now.

        Raises:
            StorageError: the directory cannot be read.
        """
        self.faults, self.locks = [], []
        now_ns = self._now_ns()
        loose: dict[str, Oid | None] = {}
        try:
            for prefix in prefixes:
                self._read_loose(prefix, now_ns, loose)
            found = self._read_packed(prefixes, now_ns)
        except OSError as error:
            message = f"The refs of {self._root!r} cannot be read: {error.strerror}."
            raise StorageError(message) from error
        found.update(loose)
        return {RefName(ref): oid for ref, oid in found.items() if oid is not None}

    def read_fresh(self, ref: str) -> Oid | None:
        """Read one ref and trust no cache. The caller holds its lock."""
        self._loose.pop(ref, None)
        self._packed_stamp = None
        return self.read([ref]).get(RefName(ref))

    def is_packed(self, ref: str) -> bool:
        """Whether `packed-refs` has this ref, as it is on disk now; a loose one may hide it."""
        self.read_fresh(ref)
        return bool(self._packed.get(ref))

    def _read_loose(self, prefix: str, now_ns: int, found: dict[str, Oid | None]) -> None:
        if not prefix.endswith("/"):
            self._read_file(prefix, now_ns, found)
            return
        waiting = [prefix.rstrip("/")]
        while waiting:
            folder = waiting.pop()
            try:
                with os.scandir(f"{self._root}/{folder}") as listing:
                    entries = list(listing)
            except (FileNotFoundError, NotADirectoryError):
                continue  # removed, or replaced by a ref, since it was listed
            for entry in entries:
                if entry.name.endswith(".lock"):
                    self.locks.append(entry.path)
                    continue
                ref = f"{folder}/{entry.name}"
                if not _COMPONENT.fullmatch(entry.name):
                    self.faults.append(RefFault(ref, FaultKind.NO_NAME))
                elif entry.is_dir(follow_symlinks=False):
                    waiting.append(ref)
                else:
                    self._read_file(ref, now_ns, found)

    def _read_file(self, ref: str, now_ns: int, found: dict[str, Oid | None]) -> None:
        path = f"{self._root}/{ref}"
        try:
            stamp = _stamp(os.lstat(path))
            seen = self._loose.get(ref)
            if seen is None or seen.stamp != stamp:
                content = _content(path, LOOSE_BYTES_MAX)
                line = _OID_LINE.fullmatch(content)
                if line:
                    oid = Oid(line[1].decode())
                else:
                    kind = FaultKind.SYMBOLIC if content.startswith(b"ref:") else FaultKind.NO_OBJECT
                    self.faults.append(RefFault(ref, kind))
                    oid = None
                seen = _Seen(stamp, oid)
                if seen.oid is not None and now_ns - seen.stamp[0] > RACY_NS:
                    self._loose[ref] = seen
                else:
                    self._loose.pop(ref, None)
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            self._loose.pop(ref, None)
            return
        except OSError as error:  # one file that cannot be read hides no other
            self._loose.pop(ref, None)
            self.faults.append(RefFault(ref, FaultKind.UNREADABLE, error.strerror or ""))
            found[ref] = None
            return
        found[ref] = seen.oid

    def _read_packed(self, prefixes: Sequence[str], now_ns: int) -> dict[str, Oid | None]:
        path = f"{self._root}/packed-refs"
        try:
            stamp = _stamp(os.lstat(path))
            if stamp != self._packed_stamp:
                self._packed = {}
            data = b"" if all(prefix in self._packed for prefix in prefixes) else _content(path, PACKED_BYTES_MAX)
        except FileNotFoundError:
            self._packed, self._packed_stamp = {}, None
            return {}
        self._packed_stamp = stamp if now_ns - stamp[0] > RACY_NS else None
        found: dict[str, Oid | None] = {}
        for prefix in prefixes:
            if prefix not in self._packed:
                tail = rb"[^\n]+" if prefix.endswith("/") else b""
                line = re.compile(
                    rb"^([0-9a-f]{40}(?:[0-9a-f]{24})?) (" + re.escape(prefix.encode()) + tail + rb")$", re.MULTILINE
                )
                self._packed[prefix] = {
                    ref.decode(errors="replace"): Oid(oid.decode()) for oid, ref in line.findall(data)
                }
            found.update(self._packed[prefix])
        return found


def is_ref_name(name: str) -> bool:
    """Whether a whole name, below `refs/`, is one that git would accept. See git-check-ref-format(1)."""
    head, *rest = name.split("/")
    return head == "refs" and bool(rest) and all(_COMPONENT.fullmatch(part) for part in rest)


def packed_without(data: bytes, ref: str) -> bytes:
    """Return the content of `packed-refs` without one ref, and without what it is peeled to."""
    line = rb"^[0-9a-f]{40}(?:[0-9a-f]{24})? " + re.escape(ref.encode()) + rb"\n(?:\^[0-9a-f]+\n)?"
    return re.sub(line, b"", data, flags=re.MULTILINE)


def _stamp(status: os.stat_result) -> _Stamp:
    return status.st_mtime_ns, status.st_ino, status.st_size


def _content(path: str, size_bytes_max: int) -> bytes:
    # O_NONBLOCK: a named pipe in the place of a ref must not stop us; O_NOFOLLOW: nor may a link lead us elsewhere.
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
    except FileNotFoundError:
        raise
    except OSError as error:
        if error.errno == errno.ELOOP:
            return b"ref: (a symbolic link)"
        raise
    try:
        with os.fdopen(handle, "rb", closefd=False) as file:  # of a folder it raises, and closes nothing
            return file.read(size_bytes_max)
    finally:
        os.close(handle)
