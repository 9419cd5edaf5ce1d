"""The folder of one place to coordinate, among the files of a clone.

    places/<key>/spool, replies     commands of the processes that coordinate there; see `spool`
    places/<key>/pending.json       swaps that were sent there and have no answer yet; see `pending`
    places/<key>/crowd.json         that other clones write at this moment; see `crowd`
    places/<key>/declined.json      that the remote declined the last one; see `declined`
    places/<key>/acknowledged.json  the newest tips that swaps of this clone have put there; see `own_swaps`

Rules:
  * A place is a URL (none: the store of the clone) and a namespace. Two processes of one clone may be configured for
    different ones, and neither may carry out the other's commands: it would do so in its own place.
  * The key is a hash of the URL without its credentials (SEC-2): a password could be guessed by its hash, and a token
    that is drawn anew each hour is no other place. What older versions left under the key of all is found by
    `former_key_of`.
  * Two spellings of one remote are two places here, which costs them only the combining: the clone's lock and the
    ledgers are the same.

What this file does not know: what is in those files.
"""

import hashlib
import re
from pathlib import Path

PLACES = "places"
KEY_CHARS = 16
_USER_INFO = re.compile(r"([a-z][a-z0-9+.-]*://)([^/?#]*)@", re.IGNORECASE)


def key_of(url: str, namespace: str) -> str:
    """Return the name of a place. `url`: empty for the store of the clone."""
    return _hash(without_credentials(url), namespace)


def without_credentials(url: str) -> str:
    """Return what of a URL says where it leads; to ssh that is the user, too, whose home a path may begin in."""
    found = _USER_INFO.search(url)
    if found is None:
        return url
    user = found[2].partition(":")[0] + "@" if found[1].lower().endswith("ssh://") else ""
    return f"{url[: found.end(1)]}{user}{url[found.end() :]}"


def folder_of(folder: Path, url: str, namespace: str) -> Path:
    """Return the folder of one place, in the clone's folder for coordination."""
    return folder / PLACES / key_of(url, namespace)


def former_key_of(url: str, namespace: str) -> str | None:
    """Return the key that older versions had for a place; `None`: it is the same."""
    return None if without_credentials(url) == url else _hash(url, namespace)


def _hash(url: str, namespace: str) -> str:
    return hashlib.sha256(f"{url}\n{namespace}".encode("utf-8", "surrogatepass")).hexdigest()[:KEY_CHARS]


def folders_in(folder: Path) -> list[Path]:
    """Return the folders of all places where processes of this clone have coordinated."""
    return sorted(folder.glob(f"{PLACES}/*"))
