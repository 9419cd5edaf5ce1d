"""The folder of one place to coordinate, among the files of a clone.

    places/<key>/spool, replies     commands of the processes that coordinate there; see `spool`
    places/<key>/pending.json       swaps that were sent there and have no answer yet; see `pending`
    places/<key>/acknowledged.json  the newest tips that swaps of this clone have put there; see `acknowledged`

Rules:
  * A place is a URL (none: the store of the clone) and a namespace. Two processes of one clone may be told of different
    ones, and neither may carry out the other's commands: it would do so in its own place.
  * The key is a hash, because a URL may have credentials in it. Two spellings of one remote are two places here,
    which costs them only the combining: the clone's lock and the ledgers are the same.

This module must not know what is in those files.
"""

import hashlib
from pathlib import Path

PLACES = "places"
KEY_CHARS = 16


def key_of(url: str, namespace: str) -> str:
    """Return the name of a place. `url`: empty for the store of the clone."""
    return hashlib.sha256(f"{url}\n{namespace}".encode("utf-8", "surrogatepass")).hexdigest()[:KEY_CHARS]


def folder_of(folder: Path, url: str, namespace: str) -> Path:
    """Return the folder of one place, in the clone's folder for coordination."""
    return folder / PLACES / key_of(url, namespace)


def folders_in(folder: Path) -> list[Path]:
    """Return the folders of all places where processes of this clone have coordinated."""
    return sorted(folder.glob(f"{PLACES}/*"))
