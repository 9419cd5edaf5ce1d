"""Refs that were at a remote and are gone: noted by whoever fetches, because the fetch prunes its copy of them.

    <store>/vanished      "<place> <seconds> <oid> <ref>" for each that was seen to be gone; a ref's last line counts
    <store>/slots/<n>.of  the place that slot n was last read from: what another place does not have has not vanished

A push with --mirror from an ordinary clone deletes what it does not have; the objects stay in the store, and this file
knows which of them were the tips.

This module must not know ledgers, or start anything.
"""

import hashlib
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from gitcoord.remote.protocol import Oid, RefName, oid

BYTES_MAX: Final = 256 * 1024  # about 2,500 refs; then the older half is dropped
KEPT_S: Final = 30 * 24 * 3600  # whoever deleted on purpose is not asked for ever
KEY_CHARS: Final = 16


def place_key(url: str, namespace: str) -> str:
    """Return the name of a place that holds refs; a hash, because a URL may have credentials in it."""
    return hashlib.sha256(f"{url}\n{namespace}".encode("utf-8", "surrogatepass")).hexdigest()[:KEY_CHARS]


def is_slot_of(store: Path, slot: int, key: str) -> bool:
    """Whether a slot was last read from this place; from now on it is."""
    path = store / "slots" / f"{slot}.of"
    try:
        if path.read_text("ascii") == key:
            return True
    except (OSError, UnicodeDecodeError):
        pass
    with suppress(OSError):
        path.write_text(key, "ascii")
    return False


def note(store: Path, key: str, gone: Mapping[RefName, Oid], now_s: int) -> None:
    """Write down which refs are gone from a place; a disk that cannot be written is no reason to stop reading."""
    path = store / "vanished"
    lines = "".join(f"{key} {now_s} {tip} {ref}\n" for ref, tip in gone.items()).encode()
    with suppress(OSError):
        if path.exists() and path.stat().st_size > BYTES_MAX:
            kept = path.read_bytes()[-BYTES_MAX // 2 :].partition(b"\n")[2]
            path.write_bytes(kept)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
        try:
            os.write(handle, lines)
        finally:
            os.close(handle)


def noted(store: Path, key: str, now_s: int) -> dict[RefName, Oid]:
    """Return the last tips of the refs that were seen to be gone from a place of late; some may be back."""
    found: dict[RefName, Oid] = {}
    try:
        lines = (store / "vanished").read_text("utf-8", "replace").splitlines()
    except OSError:
        return found
    for line in lines:
        place, seconds, tip, ref, *more = (*line.split(" "), "", "", "")
        if place != key or not ref or any(more) or not seconds.isdecimal() or now_s - int(seconds) > KEPT_S:
            continue
        with suppress(ValueError):
            found[RefName(ref)] = oid(tip)
    return found
