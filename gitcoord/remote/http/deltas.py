r"""Deltas: an object as copies of another one, and what is new. See gitformat-pack(5), Deltified representation.

    size of the base, size of the result; then
    1xxxxxxx     copy from the base: the low bits say which bytes of offset and size follow
    0xxxxxxx     insert the next 1 to 127 bytes

Rules:
  * SEC-4: what a delta makes is as large as it says, within a bound, or it is refused.

What this file does not know: packs.
"""

from collections.abc import Iterator
from typing import Final

from gitcoord.remote.http.unfamiliar import UnfamiliarError

_COPY_MAX: Final = 0xFFFF  # of one instruction, so that two bytes of size do
_INSERT_MAX: Final = 127
_WORTH: Final = 16  # bytes in a row that both have, below which a copy is as long as they are
_ENTRY_OID: Final = 20


def of_tree(base: bytes, data: bytes) -> bytes:
    """Return a delta that makes one tree of another: entries that both have, in their order, are copied."""
    there = {entry: start for start, entry in _entries(base)}
    pieces: list[tuple[int, bytes]] = []  # where it is in the base, or -1; and the bytes
    for _, entry in _entries(data):
        start = there.get(entry, -1)
        last = pieces[-1] if pieces else (-2, b"")
        follows = last[0] + len(last[1]) == start if start >= 0 and last[0] >= 0 else start < 0 and last[0] == -1
        if follows:
            pieces[-1] = (last[0], last[1] + entry)
        else:
            pieces.append((start, entry))
    return _delta(base, data, pieces)


def of_text(base: bytes, data: bytes) -> bytes:
    """Return a delta that makes one text of another: what both begin and end with is copied."""
    head, most = 0, min(len(base), len(data))
    while head < most and base[head] == data[head]:
        head += 1
    tail = 0
    while tail < most - head and base[-1 - tail] == data[-1 - tail]:
        tail += 1
    middle, end = data[head : len(data) - tail], len(data) - tail
    pieces = [(0, data[:head]), (-1, middle), (len(base) - tail, data[end:])]
    return _delta(base, data, [(start, piece) for start, piece in pieces if piece])


def applied(base: bytes, delta: bytes, bytes_max: int) -> bytes:
    """Return what a delta makes of its base.

    Raises:
        UnfamiliarError: it is damaged, or what it makes is too large.
    """
    try:
        base_size, start = _number(delta, 0)
        size, start = _number(delta, start)
        if base_size != len(base) or size > bytes_max:
            raise UnfamiliarError("a delta of its pack does not fit", lasts=False)
        made = bytearray()
        while start < len(delta) and len(made) <= size:
            start = _instruction(base, delta, start, made)
    except IndexError:
        raise UnfamiliarError("a delta of its pack was cut short", lasts=False) from None
    if len(made) != size:
        raise UnfamiliarError("a delta of its pack makes another size than it says", lasts=False)
    return bytes(made)


def _instruction(base: bytes, delta: bytes, start: int, made: bytearray) -> int:
    """Carry out one instruction; return where the next one is."""
    word, start = delta[start], start + 1
    if not word:
        raise UnfamiliarError("a delta of its pack has an unknown instruction", lasts=False)
    if not word & 0x80:
        if start + word > len(delta):
            raise IndexError
        made += delta[start : start + word]
        return start + word
    values = [0] * 7
    for bit in range(7):
        if word & 1 << bit:
            values[bit], start = delta[start], start + 1
    offset = int.from_bytes(bytes(values[:4]), "little")
    size = int.from_bytes(bytes(values[4:]), "little") or 0x10000
    if offset + size > len(base):
        raise IndexError
    made += base[offset : offset + size]
    return start


def _entries(tree: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield where each entry begins, and its bytes: `<mode> SP <name> NUL <raw id>`."""
    start = 0
    while (end_of_name := tree.find(b"\0", start)) >= 0:
        end = end_of_name + 1 + _ENTRY_OID
        yield start, tree[start:end]
        start = end


def _delta(base: bytes, data: bytes, pieces: list[tuple[int, bytes]]) -> bytes:
    made = bytearray(_size(len(base)) + _size(len(data)))
    fresh = bytearray()
    for start, piece in pieces:
        if start < 0 or len(piece) < _WORTH:
            fresh += piece
            continue
        made += _inserts(fresh)
        fresh.clear()
        for step in range(0, len(piece), _COPY_MAX):
            values = (start + step).to_bytes(4, "little") + min(_COPY_MAX, len(piece) - step).to_bytes(2, "little")
            word = sum(1 << bit for bit, value in enumerate(values) if value)
            made += bytes([0x80 | word, *filter(None, values)])
    return bytes(made + _inserts(fresh))


def _inserts(fresh: bytearray) -> bytes:
    parts = (fresh[start : start + _INSERT_MAX] for start in range(0, len(fresh), _INSERT_MAX))
    return b"".join(bytes([len(part)]) + part for part in parts)


def _size(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:  # noqa: PLR2004 - seven bits a byte
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def _number(delta: bytes, start: int) -> tuple[int, int]:
    """Return a number of seven bits a byte, and where the next thing is."""
    value = shift = 0
    while True:
        byte, start = delta[start], start + 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            return value, start
        if shift > 63:  # noqa: PLR2004 - no size is that long
            raise IndexError
