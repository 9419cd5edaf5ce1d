"""The tips that are in the journal of a home store and not in its repository yet, read with the standard library alone.

    journal    the header (64 bytes), then records
    header     "GCH2", generation, how much of the journal is in the repository, boot, crc32
    record     "GCJ2", length and crc32 of the rest: two lengths, the updates, the table, the objects as packs have them
    updates    [[ref, old, new], …] as JSON
    table      of each object its id, the number of its kind, its size, and how long it is in the record

Rules:
  * Hooks of git load this at every commit: it imports nothing that costs a millisecond.
  * What is torn or damaged is passed over, as `journal_file` does.
"""

import json
import os
import struct
import zlib

HEADER = struct.Struct(">4sQQ40sI")  # of which the boot has a UUID's 36 bytes
RECORD = struct.Struct(">4sII")
HEAD = struct.Struct(">II")  # bytes of the updates, bytes of the table
ROW = struct.Struct(">20sBII")
CRC_BYTES = 4
HEADER_MARK, RECORD_MARK = b"GCH2", b"GCJ2"


def read_header(handle: int) -> "tuple[int, int, str] | None":
    """Return generation, how much is in the repository, and boot; `None` where the header is damaged or not ours."""
    data = os.pread(handle, HEADER.size, 0)
    if len(data) < HEADER.size:
        return None
    mark, generation, written, boot, crc = HEADER.unpack(data)
    if mark != HEADER_MARK or zlib.crc32(data[:-CRC_BYTES]) != crc:
        return None
    return generation, written, boot.rstrip(b"\0").decode("ascii", "replace")


def payload_at(data: bytes, position: int) -> "bytes | None":
    """Return what is in the record at a position; `None` where there is no whole one.

    Zeros behind a mark are none, though their checksum is right: a machine that lost its power leaves a block of them.
    """
    if position + RECORD.size > len(data):
        return None
    mark, length, crc = RECORD.unpack_from(data, position)
    payload = data[position + RECORD.size : position + RECORD.size + length]
    is_whole = mark == RECORD_MARK and HEAD.size <= length == len(payload) and zlib.crc32(payload) == crc
    return payload if is_whole and HEAD.size + sum(HEAD.unpack_from(payload)) <= length else None


def next_record(data: bytes, position: int) -> int:
    """Return where the next whole record begins, at a position or behind it; -1 where there is none."""
    while position >= 0 and payload_at(data, position) is None:
        position = data.find(RECORD_MARK, position + 1)
    return position


def unwritten_tips(folder: str) -> "dict[str, str | None]":
    """Return where refs are that the repository does not have there yet; `None` stands for a deletion.

    `folder`: the one of the clone.
    """
    try:
        handle = os.open(f"{folder}/journal", os.O_RDONLY)
    except OSError:
        return {}
    try:
        header = read_header(handle)
        size_bytes = os.fstat(handle).st_size
        begin = header[1] if header and header[1] <= size_bytes else HEADER.size
        data = os.pread(handle, max(size_bytes - begin, 0), begin)
    except OSError:
        return {}
    finally:
        os.close(handle)
    tips: dict[str, str | None] = {}
    position = next_record(data, 0)
    while position >= 0:
        payload = payload_at(data, position) or b""
        end = HEAD.size + HEAD.unpack_from(payload)[0]
        tips |= {ref: new for ref, old, new in json.loads(payload[HEAD.size : end]) if old != new}
        position = next_record(data, position + RECORD.size + len(payload))
    return tips
