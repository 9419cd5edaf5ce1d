"""Cursors: how far a reader of events has come in each ledger, as one word that it keeps and comes back with.

    e1.<base64url of: place(4), of each ledger: name(6) commit(8) time(5) events(2), crc32(4)>

Rules:
  * It needs no memory of ours: any process, of any clone of the place, goes on from it.
  * It has no names, and commits by the beginning of their ids: 28 characters a ledger.
  * One that was cut off or changed is known by its checksum.

What this file does not know: what is read after it.
"""

import base64
import hashlib
import zlib
from collections.abc import Mapping
from typing import NamedTuple

from gitcoord.core.documents.json_text import moment_of
from gitcoord.core.documents.names import shown
from gitcoord.core.relay.relay import Position
from gitcoord.errors import InvalidError
from gitcoord.remote.contract.protocol import RefName

MARK = "e1."
TEXT_CHARS_MAX = 100_000  # what one argument of a command may have, with room for 3,500 ledgers
_PLACE, _LEDGER, _COMMIT, _TIME, _EVENTS, _SUM = 4, 6, 8, 5, 2, 4  # bytes
_ENTRY = _LEDGER + _COMMIT + _TIME + _EVENTS
_EVENTS_MAX = 256**_EVENTS - 1
HINT = "Give one whole, as a line of events has it; or none, to begin with what happens from now on."


class Cursor(NamedTuple):
    """How far a reader has come. `place`: a mark of the remote; `entries`: by a mark of the ledger's name, packed."""

    place: bytes
    entries: Mapping[bytes, bytes]

    def position_in(self, ref: RefName) -> Position | None:
        """Return the position in a ledger, with the beginning of the commit's id; `None`: before its first commit."""
        entry = self.entries.get(_mark_of(ref))
        if entry is None:
            return None
        commit, rest = entry[:_COMMIT], entry[_COMMIT:]
        return Position(
            ledger=ref,
            commit=commit.hex() if any(commit) else "",
            at=moment_of(int.from_bytes(rest[:_TIME])),
            events=int.from_bytes(rest[_TIME:]),
        )

    def moved(self, *positions: Position) -> "Cursor":
        """Return the cursor of a reader that has come to these positions, too."""
        return self._replace(
            entries={**self.entries, **{_mark_of(RefName(each.ledger)): _packed(each) for each in positions}}
        )

    @property
    def text(self) -> str:
        """Return the cursor as a word."""
        data = self.place + b"".join(mark + entry for mark, entry in sorted(self.entries.items()))
        data += zlib.crc32(data).to_bytes(_SUM)
        return MARK + base64.urlsafe_b64encode(data).decode().rstrip("=")


def begin(place: str) -> Cursor:
    """Return the cursor before everything. `place`: names the remote."""
    return Cursor(hashlib.sha256(place.encode("utf-8", "surrogateescape")).digest()[:_PLACE], {})


def parse(text: str) -> Cursor:
    """Return the cursor that a word is.

    Raises:
        InvalidError: it is none, or not whole.
    """
    word = text.removeprefix(MARK) if text.startswith(MARK) and len(text) <= TEXT_CHARS_MAX else ""
    try:
        data = base64.b64decode(word + "=" * (-len(word) % 4), altchars=b"-_", validate=True)
    except ValueError:  # binascii's, or a letter that is no ASCII
        data = b""
    body, checksum = data[:-_SUM], data[-_SUM:]
    packed = body[_PLACE:]
    if len(body) < _PLACE or len(packed) % _ENTRY or checksum != zlib.crc32(body).to_bytes(_SUM):
        raise InvalidError(f"{shown(text)} is no cursor of events.", hint=HINT)
    entries = [packed[start : start + _ENTRY] for start in range(0, len(packed), _ENTRY)]
    return Cursor(body[:_PLACE], {entry[:_LEDGER]: entry[_LEDGER:] for entry in entries})


def _mark_of(ref: RefName) -> bytes:
    return hashlib.sha256(ref.encode("utf-8", "surrogateescape")).digest()[:_LEDGER]


def _packed(position: Position) -> bytes:
    commit = bytes.fromhex(position.commit)[:_COMMIT].ljust(_COMMIT, b"\0")
    events = min(position.events, _EVENTS_MAX)
    return commit + int(position.at.timestamp()).to_bytes(_TIME) + events.to_bytes(_EVENTS)
