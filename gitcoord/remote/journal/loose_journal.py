"""The journal of a home store: one flush makes a whole transaction survive a power cut.

    journal        records, appended: what a swap writes, flushed before the refs move
    journal.boot   the boot in which the store was last known to be whole

libgit2 would flush every object and its folder, and the ref: on the machine of the first measurements 4 of 8 ms of
a claim. Instead the objects and the ref are written without, and the record with one `fdatasync` before them. After
a power cut (another boot) the journal is replayed: its objects are written again where they are missing or
damaged, and each ref is put where its last record says.

Rules:
  * STORE-1: a record is appended while the swap holds the locks of its refs and has compared them, so the last record
    of a ref is the truth, or a step beyond it that no caller knows of.
  * A record that is cut off or damaged is passed over: its swap never began to move a ref. What was appended
    behind it, by a process that did not know, counts.
  * A journal over 16 MB is begun anew after everything older was flushed (`sync`).

What this file does not know: ledgers or locks; the caller holds the clone's lock.
"""

import json
import os
import struct
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from gitcoord.remote.contract.protocol import ObjectKind, Oid, RefName, RefUpdate

SIZE_BYTES_MAX: Final = 16 * 1024 * 1024  # about 8,000 claims; replaying it takes two seconds
_HEADER: Final = struct.Struct(">4sII")  # mark, length, crc32 of the compressed payload
_MARK: Final = b"GCJ1"
_HEAD_BYTES: Final = 4096  # the first line of a claim's record has 400


class JournalRecord(NamedTuple):
    """One swap: its updates, and the objects that it needs."""

    updates: tuple[RefUpdate, ...]
    objects: tuple[tuple[ObjectKind, bytes], ...]


class RecordLeftError(Exception):
    """A record whose swap did not happen cannot be taken out: a replay may still carry it out."""


class Journal:
    """The journal of one store."""

    def __init__(self, folder: Path) -> None:
        """Use `<folder>/journal`."""
        self._path = folder / "journal"
        self._boot = folder / "journal.boot"

    def append(self, record: JournalRecord) -> int:
        """Write a record and flush it; return how long the journal was without it.

        Raises:
            OSError: the disk is full or cannot be written; nothing of the record is left.
            RecordLeftError: the same, but the record may be there.
        """
        head = {
            "updates": [[update.ref, update.old, update.new] for update in record.updates],
            "objects": [[kind, len(data)] for kind, data in record.objects],
        }
        body = json.dumps(head).encode() + b"\n" + b"".join(data for _, data in record.objects)
        payload = zlib.compress(body, 1)
        data = _HEADER.pack(_MARK, len(payload), zlib.crc32(payload)) + payload
        handle = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
        try:
            if os.fstat(handle).st_size > SIZE_BYTES_MAX:
                if hasattr(os, "sync"):
                    os.sync()
                os.ftruncate(handle, 0)
            size_bytes = os.fstat(handle).st_size
            try:
                while data:  # a disk that fills takes a part and says so only to the next write
                    data = data[os.write(handle, data) :]
                getattr(os, "fdatasync", os.fsync)(handle)
            except OSError as error:
                try:
                    os.ftruncate(handle, size_bytes)
                except OSError:
                    raise RecordLeftError(error.strerror or str(error)) from error
                raise
        finally:
            os.close(handle)
        return size_bytes

    def cut(self, size_bytes: int) -> None:
        """Take back what was appended since the journal was so long: its swap moved no ref.

        Raises:
            RecordLeftError: the disk does not allow it.
        """
        try:
            os.truncate(self._path, size_bytes)
        except OSError as error:
            raise RecordLeftError(error.strerror or str(error)) from error

    def records(self) -> Iterator[JournalRecord]:
        """Yield the whole records, oldest first."""
        for payload in self._payloads():
            head, _, rest = zlib.decompress(payload).partition(b"\n")
            fields = json.loads(head)
            objects: list[tuple[ObjectKind, bytes]] = []
            position = 0
            for kind, size in fields["objects"]:
                objects.append((ObjectKind(kind), rest[position : position + size]))
                position += size
            yield JournalRecord(_updates(head), tuple(objects))

    def last_tips(self) -> dict[RefName, Oid | None]:
        """Return where each ref was last put, without unpacking the objects: a full journal is read in 0.1 s."""
        return last_tips([JournalRecord(_updates(_head(payload)), ()) for payload in self._payloads()])

    def _payloads(self) -> Iterator[bytes]:
        data = self._path.read_bytes() if self._path.exists() else b""
        position = 0
        while position >= 0:
            payload = _payload_at(data, position)
            if payload is None:
                position = data.find(_MARK, position + 1)
            else:
                yield payload
                position += _HEADER.size + len(payload)

    def last_boot(self) -> str:
        """Return the boot in which the store was last known to be whole."""
        try:
            return self._boot.read_text("ascii").strip()
        except (OSError, UnicodeDecodeError):
            return ""

    def note_boot(self, boot: str) -> None:
        """Say that the store is whole in this boot."""
        self._boot.write_text(boot + "\n", "ascii")


def last_tips(records: Sequence[JournalRecord]) -> dict[RefName, Oid | None]:
    """Return where each ref was last put."""
    return {update.ref: update.new for record in records for update in record.updates if not update.is_check}


def _payload_at(data: bytes, position: int) -> bytes | None:
    if position + _HEADER.size > len(data):
        return None
    mark, length, crc = _HEADER.unpack_from(data, position)
    payload = data[position + _HEADER.size : position + _HEADER.size + length]
    is_whole = mark == _MARK and 0 < length == len(payload) and zlib.crc32(payload) == crc  # of nothing it is 0
    return payload if is_whole else None


def _head(payload: bytes) -> bytes:
    """Unpack as much of a record as its first line takes."""
    inflater = zlib.decompressobj()
    head = inflater.decompress(payload, _HEAD_BYTES)
    while b"\n" not in head and inflater.unconsumed_tail:
        head += inflater.decompress(inflater.unconsumed_tail, _HEAD_BYTES)
    return head.partition(b"\n")[0]


def _updates(head: bytes) -> tuple[RefUpdate, ...]:
    return tuple(RefUpdate(*update) for update in json.loads(head)["updates"])
