"""The post-checkout and post-merge hooks: what edit hooks read is brought up to date, by a process apart.

Rules:
  * A checkout is not slowed: nothing is read here, and of many in a row (a rebase) one in a few seconds counts.
  * Nothing of this ever fails.

What this file does not know: what is refreshed; see `faces.settling`.
"""

import os
import time

from gitcoord.ledger import hook_files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

EVERY_S = 3.0  # as long as a process that was started stays, at least
_FILES_ONLY = "0"  # githooks(5), post-checkout: the third argument


def main(name: str, arguments: "Sequence[str]") -> int:
    """Start what refreshes, where gitcoord is used."""
    if name == "post-checkout" and arguments[2:3] == [_FILES_ONLY]:
        return 0
    found = hook_files.places(os.getcwd())
    if found is None or not os.path.isdir(f"{found[1]}/gitcoord"):
        return 0
    mark = f"{found[1]}/gitcoord/watch/refreshed"
    try:
        if abs(time.time() - os.stat(mark).st_mtime) < EVERY_S:
            return 0
    except OSError:
        pass
    try:
        os.makedirs(os.path.dirname(mark), exist_ok=True)
        with open(mark, "w", encoding="utf-8"):
            pass
        from gitcoord.faces.hooks.apart import start

        start(found[0], ("hook", "sync"))
    except OSError:
        pass  # a disk that cannot be written has no snapshot
    return 0
