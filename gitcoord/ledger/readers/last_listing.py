"""The last listing of a place: what a clone answers from while the remote is away, and how old that is.

    places/<key>/listed    the moment, 24 characters; then each ref of the namespace with its tip, as JSON

Rules:
  * The moment is from before the refs were listed: what was written meanwhile may not be in it.
  * Only a listing whose objects are here is kept, and none in which a ledger went back (`lookback`).
  * A listing that says the same again moves the moment alone, in place: 24 bytes and no new file, so that a command
    that only reads is not slower for it. An older one never replaces a newer one.
  * Nothing is decided by it: who writes reads the remote (SAFE-2).

What this file does not know: who answers from it, and how the objects came here.
"""

import contextlib
import json
import os
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from gitcoord.core.documents.json_text import Json, compact, parse_time, time_text
from gitcoord.errors import StorageError
from gitcoord.ledger.clone import files
from gitcoord.ledger.readers import own_swaps
from gitcoord.remote.contract.protocol import Oid, RefName

if TYPE_CHECKING:  # hooks of git read this file, and load no documents
    from gitcoord.ledger.readers.reader import Reader

_MOMENT_BYTES = 24  # as `time_text` spells every moment


class Listing(NamedTuple):
    """Refs, as they were at a moment."""

    at: datetime
    refs: Mapping[RefName, Oid]


class LastListing(NamedTuple):
    """The last listing of one place. `folder`: the place's, see `remote_folder`."""

    folder: Path

    def note(self, listing: Listing, unique: str) -> None:
        """Keep a listing; on a disk that cannot be written the one before stays."""
        moment, refs = time_text(listing.at).encode(), compact({**listing.refs}).encode("utf-8", "surrogatepass")
        if not _moved(self._path, moment, refs):
            with contextlib.suppress(StorageError):
                files.write_bytes(self._path, moment + refs, unique)

    def raw(self) -> Listing | None:
        """Return the last listing, as it was then."""
        try:
            with Path(self._path).open("rb") as file:
                content = file.read(files.FILE_BYTES_MAX)
        except OSError:
            content = b""
        at = _moment(content)
        try:
            refs: Json = json.loads(content[_MOMENT_BYTES:])
        except ValueError:
            return None
        if at is None or not isinstance(refs, dict):
            return None
        return Listing(at, {RefName(ref): Oid(tip) for ref, tip in refs.items() if isinstance(tip, str)})

    def load(self, reader: "Reader") -> Listing | None:
        """Return the last listing, with this clone's writes since; `None`: nothing was ever read here."""
        own = own_swaps.newest(self.folder)
        listing = self.raw()
        if listing is None and not own:
            return None
        began = listing.at if listing else min(tip.at for tip in own.values())
        seen = listing.refs if listing else dict[RefName, Oid]()
        return Listing(began, own_swaps.ordered(self.folder, seen, began, reader))

    @property
    def _path(self) -> str:
        return f"{self.folder}/listed"


def _moved(path: str, moment: bytes, refs: bytes) -> bool:
    """Move the moment of a file that has these refs; tell whether the file says enough now."""
    try:
        handle = os.open(path, os.O_RDWR)
    except OSError:
        return False
    try:
        size_bytes = os.fstat(handle).st_size
        known = os.read(handle, size_bytes) if size_bytes <= files.FILE_BYTES_MAX else b""
        if _moment(known) is None:
            return False
        if known[:_MOMENT_BYTES] > moment:  # one length and one zone: they sort as moments do
            return True
        if known[_MOMENT_BYTES:] != refs:
            return False
        os.lseek(handle, 0, os.SEEK_SET)
        return os.write(handle, moment) == len(moment)
    except OSError:
        return False
    finally:
        files.close(handle)


def _moment(data: bytes) -> datetime | None:
    try:
        return parse_time(data[:_MOMENT_BYTES].decode("ascii"))
    except ValueError:
        return None
