"""The post-checkout and post-merge hooks: what edit hooks read is brought up to date, by a process apart.

Rules:
  * HOOK-12: a checkout is not slowed: nothing is read here, and of many in a row (a rebase) one in a few seconds
    counts.
  * Where a session watches, it keeps the snapshot as it is, and nothing is started.
  * Nothing of this ever fails.

What this file does not know: what is refreshed; see `faces/hook_sync`.
"""

import os
import time

from gitcoord.faces.hooks.git import git_place
from gitcoord.ledger.clone import snapshot_files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

EVERY_S = 3.0  # as long as a process that was started stays, at least
WATCHED_S = 10.0  # a session that watches says every 3 s that the snapshot holds
_FILES_ONLY = "0"  # githooks(5), post-checkout: the third argument


def main(name: str, arguments: "Sequence[str]") -> int:
    """Start what refreshes, where gitcoord is used."""
    if name == "post-checkout" and arguments[2:3] == [_FILES_ONLY]:
        return 0
    cwd, env = os.getcwd(), os.environ
    folder = git_place.folder_of(cwd, env)
    if not folder or _is_watched(folder):
        return 0
    from gitcoord.faces.hooks.spawn import sync_seldom

    sync_seldom(git_place.top_of(cwd, env), folder, EVERY_S)
    return 0


def _is_watched(folder: str) -> bool:
    try:
        me = os.stat(f"{folder}/{snapshot_files.SNAPSHOT}/{snapshot_files.ME}")
    except OSError:
        return False
    return abs(time.time() - me.st_mtime) < WATCHED_S
