"""The journal of a home store as the truth: a swap is one record, appended and flushed. Bytes: see `unwritten_tips`.

    appended ──> seen by every process at once ──> in the repository, a moment later (`write_out`)

Rules:
  * STORE-1: a record is appended under the journal's lock (flock), after the refs were compared with all records
    before it; what it is acknowledged for is on the disk then.
  * A record that is torn or damaged counts for nothing, what was appended behind it counts. A torn one at the end is
    cut off by the next process that appends, and so is what a full disk took of a record.
  * A journal that is begun anew has a higher generation, and takes the place of the old one by a rename, so that a
    reader sees the one or the other.

What this file does not know: ledgers, the repository.
"""

import json
import os
import zlib
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, NamedTuple, cast

from gitcoord.remote.contract.protocol import Oid, RefName, RefUpdate
from gitcoord.remote.journal.loose_journal import RecordLeftError
from gitcoord.remote.journal.pack_files import PackedObject
from gitcoord.remote.journal.unwritten_tips import (
    CRC_BYTES,
    HEAD,
    HEADER,
    HEADER_MARK,
    RECORD,
    RECORD_MARK,
    ROW,
    next_record,
    payload_at,
    read_header,
)

try:
    import fcntl
except ImportError:  # no flock on this system: its stores have loose refs
    fcntl = None

BEGIN: Final = HEADER.size
NAME: Final = "journal"


class Record(NamedTuple):
    """One swap: its updates, and the objects that it needs, as they stand in it. `begin`, `end`: where it stands."""

    updates: tuple[RefUpdate, ...]
    table: bytes
    packed: bytes
    begin: int = 0
    end: int = 0

    @classmethod
    def of(cls, updates: Sequence[RefUpdate], objects: Sequence[PackedObject]) -> "Record":
        """Make one."""
        rows = (ROW.pack(bytes.fromhex(item.oid), item.number, item.size, len(item.packed)) for item in objects)
        return cls(tuple(updates), b"".join(rows), b"".join(item.packed for item in objects))

    def objects(self) -> Iterator[PackedObject]:
        """Yield the objects. Who only asks where refs are does not pay for it."""
        position = 0
        for raw, number, size, length in ROW.iter_unpack(self.table):
            yield PackedObject(Oid(raw.hex()), number, size, self.packed[position : position + length])
            position += length


class Header(NamedTuple):
    """`written`: up to where the repository has everything, in that boot of the machine."""

    generation: int
    written: int
    boot: str


class Stamp(NamedTuple):
    """What changes when the journal does."""

    inode: int
    size_bytes: int
    modified_ns: int


class OpenJournal:
    """An open journal."""

    def __init__(self, handle: int) -> None:
        """Read its header; one that is damaged says that nothing of it is in the repository."""
        self.handle = handle
        header = Header(*(read_header(handle) or (0, BEGIN, "")))
        self.header = header if header.written <= self.size_bytes else header._replace(written=BEGIN)

    @property
    def size_bytes(self) -> int:
        """How long it is now."""
        return os.fstat(self.handle).st_size

    def stamp(self) -> Stamp:
        """Return what changes when it does."""
        return _stamp(os.fstat(self.handle))

    def records(self, begin: int, size_bytes: int) -> Iterator[Record]:
        """Yield the whole records between two places."""
        data = os.pread(self.handle, max(size_bytes - begin, 0), begin)
        position = next_record(data, 0)
        while position >= 0:
            payload = payload_at(data, position) or b""
            end = position + RECORD.size + len(payload)
            yield _record(payload, begin + position, begin + end)
            position = next_record(data, end)

    def head_at(self, begin: int) -> bytes:
        """Return what tells one record from another."""
        return os.pread(self.handle, RECORD.size, begin)

    def cut(self, size_bytes: int) -> None:
        """Take out what stands behind a place. Under the lock."""
        os.ftruncate(self.handle, size_bytes)

    def append(self, record: Record) -> Record:
        """Write a record at the end, flush it, and return it with its place. Under the lock.

        Raises:
            OSError: the disk is full or cannot be written; nothing of the record is left.
            RecordLeftError: the same, but the record may be there.
        """
        begin = self.size_bytes
        payload = _payload(record)
        data = RECORD.pack(RECORD_MARK, len(payload), zlib.crc32(payload)) + payload
        position = begin
        try:
            while data:  # a disk that fills takes a part and says so only to the next write
                written = os.pwrite(self.handle, data, position)
                data, position = data[written:], position + written
            getattr(os, "fdatasync", os.fsync)(self.handle)
        except OSError as error:
            try:
                self.cut(begin)
            except OSError:
                raise RecordLeftError(error.strerror or str(error)) from error
            raise
        return record._replace(begin=begin, end=position)

    def note(self, header: Header) -> None:
        """Replace the header. By who writes out."""
        os.pwrite(self.handle, _header(header), 0)
        self.header = header


class JournalFile:
    """The journal of one store."""

    def __init__(self, folder: Path) -> None:
        """Use `<folder>/journal`."""
        self.path = folder / NAME
        self._path = str(self.path)

    def stamp(self) -> Stamp | None:
        """Return what changes when it does; `None` while there is none.

        Raises:
            OSError: it cannot be looked at.
        """
        try:
            return _stamp(os.stat(self._path))  # noqa: PTH116 - 2 of 8 µs, at each look
        except FileNotFoundError:
            return None

    @contextmanager
    def opened(self, *, to_write: bool = False) -> Generator[OpenJournal | None]:
        """Open it, without its lock; `None` while there is none.

        Raises:
            OSError: it cannot be read.
        """
        try:
            handle = os.open(self._path, (os.O_RDWR if to_write else os.O_RDONLY) | os.O_CLOEXEC)
        except FileNotFoundError:
            yield None
            return
        try:
            yield OpenJournal(handle)
        finally:
            os.close(handle)

    @contextmanager
    def locked(self, generation: int) -> Generator[OpenJournal]:
        """Hold its lock. One that is not there is made, and a damaged header made anew, as this generation.

        Raises:
            OSError: it cannot be made, read or locked.
        """
        while True:
            try:
                handle = os.open(self._path, os.O_RDWR | os.O_CLOEXEC)
            except FileNotFoundError:
                self.begin(Header(generation, BEGIN, ""), is_new=True)
                continue
            try:
                if fcntl is not None:
                    fcntl.flock(handle, fcntl.LOCK_EX)
                if os.fstat(handle).st_ino != getattr(self.stamp(), "inode", 0):
                    continue  # it was begun anew while we waited
                if read_header(handle) is None:
                    os.pwrite(handle, _header(Header(generation, BEGIN, "")), 0)
                yield OpenJournal(handle)
                return
            finally:
                os.close(handle)

    def begin(self, header: Header, *, is_new: bool = False) -> None:
        """Begin it anew, or make the first one; of processes that make the first at once, one does.

        Raises:
            OSError: the disk is full or cannot be written; the old one is there still.
        """
        draft = self.path.with_name(f"{NAME}.new-{os.getpid()}")
        try:
            handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o666)
            try:
                os.pwrite(handle, _header(header), 0)
                os.fsync(handle)
            finally:
                os.close(handle)
            if is_new:
                with suppress(FileExistsError):
                    os.link(draft, self.path)
            else:
                draft.replace(self.path)
            folder = os.open(self.path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        finally:
            with suppress(OSError):
                draft.unlink()


def _stamp(status: os.stat_result) -> Stamp:
    return Stamp(status.st_ino, status.st_size, status.st_mtime_ns)


def _header(header: Header) -> bytes:
    data = HEADER.pack(HEADER_MARK, header.generation, header.written, header.boot.encode("ascii", "replace")[:40], 0)
    return data[:-CRC_BYTES] + zlib.crc32(data[:-CRC_BYTES]).to_bytes(CRC_BYTES, "big")


def _payload(record: Record) -> bytes:
    text = json.dumps(record.updates, separators=(",", ":")).encode()
    return b"".join([HEAD.pack(len(text), len(record.table)), text, record.table, record.packed])


def _record(payload: bytes, begin: int, end: int) -> Record:
    text_bytes, table_bytes = HEAD.unpack_from(payload)
    table = HEAD.size + text_bytes
    rows = cast("list[tuple[RefName, Oid | None, Oid | None]]", json.loads(payload[HEAD.size : table]))
    updates = tuple(RefUpdate(*row) for row in rows)
    return Record(updates, payload[table : table + table_bytes], payload[table + table_bytes :], begin, end)
