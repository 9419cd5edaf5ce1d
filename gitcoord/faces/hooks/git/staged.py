"""Staged: whether a commit has to do with what others hold at all, by the snapshot, as the edit hook reads it.

    of the store of this clone, as it is now     it counts
    of a remote, where commits may be refused    the ledgers are read: others may have claimed since
    … where they only cause a warning, and it is
      younger than FRESH_S                       it counts
      younger than KNOWN_S                       it counts, and is made anew by a process apart
    older, damaged, none                         the ledgers are read

Rules:
  * Only that nothing is near is decided here. What is near someone else's claim is for the rules (`check_report`).
  * Own is what a session of this worktree holds, or what was claimed in this clone on the branch that is checked out.
  * For others a claim ends half a minute late, as everywhere (clocks differ).
  * HOOK-13: standard library and one git: most commits end here.

What this file does not know: what a claim forbids.
"""

import os
import time

from gitcoord.faces.hooks.git import git_place
from gitcoord.ledger.clone import snapshot_files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gitcoord.core.documents.json_text import Json
    from gitcoord.ledger.clone.snapshot_files import Row

ALLOWANCE_S = 30.0
FRESH_S = 60.0  # a session that watches says every 3 s that the snapshot holds
KNOWN_S = 900.0  # as long as a step is held in silence; a warning needs nothing newer
REFRESHED_EVERY_S = 60.0
PATHS_MAX = 1_000  # each is looked for by itself


def is_near_nobody(folder: str, cwd: str, env: "Mapping[str, str]") -> bool:
    """Whether it is known that nothing of what is staged is near what others hold. `folder`: ours in this clone."""
    me = snapshot_files.load(f"{folder}/{snapshot_files.SNAPSHOT}/{snapshot_files.ME}")
    if me.get("format") != snapshot_files.FORMAT or env.get("GITCOORD_REMOTE") or not _counts(folder, me, cwd, env):
        return False
    from gitcoord.remote.store.staged_names import staged_names

    names = staged_names(env)
    if names is None or len(names) > PATHS_MAX:
        return False
    try:
        paths = [name.decode() for name in names]
    except UnicodeDecodeError:
        return False
    if not all(path.isprintable() for path in paths):  # such a one is spelled in no pattern but a wider one
        return False
    committer, now = _Committer(me, cwd, env), time.time()
    snapshot, fold, read = f"{folder}/{snapshot_files.SNAPSHOT}", me.get("fold") is True, _once()
    rows = (row for path in paths for row in snapshot_files.rows_near(snapshot, path, fold=fold, read=read))
    others = (row for row in rows if row.get("read") is not True and not committer.owns(row))
    untils = (row.get("until") for row in others)
    return all(isinstance(until, int | float) and now >= until + ALLOWANCE_S for until in untils)


def _counts(folder: str, me: "Row", cwd: str, env: "Mapping[str, str]") -> bool:
    """Whether a snapshot is good enough to let a commit pass."""
    if me.get("is_embedded") is True:
        # Whether the store of this clone has the very claims and rules that the snapshot was made of.
        refs = me.get("refs")
        if not isinstance(refs, dict) or not refs:
            return False
        from gitcoord.remote.journal.unwritten_tips import unwritten_tips

        newer, store = unwritten_tips(folder), f"{folder}/store.git"
        tips = ((newer[ref] if ref in newer else snapshot_files.tip_of(store, ref), tip) for ref, tip in refs.items())
        return all((now or "") == (tip or "") for now, tip in tips)
    if me.get("pre_commit") != "warn":
        return False
    age_s = abs(time.time() - os.stat(f"{folder}/{snapshot_files.SNAPSHOT}/{snapshot_files.ME}").st_mtime)
    if age_s < FRESH_S:
        return True
    if age_s >= KNOWN_S or me.get("enforce") is not False:
        return False
    from gitcoord.faces.hooks.spawn import sync_seldom

    sync_seldom(git_place.top_of(cwd, env), folder, REFRESHED_EVERY_S)
    return True


def _once() -> "Callable[[str], bytes]":
    """Return a way to read files that reads each once."""
    known: dict[str, bytes] = {}

    def read(path: str) -> bytes:
        if path not in known:
            known[path] = snapshot_files.data_of(path)
        return known[path]

    return read


class _Committer:
    """Whose work is committed, as far as the snapshot tells."""

    def __init__(self, me: "Row", cwd: str, env: "Mapping[str, str]") -> None:
        worktree = snapshot_files.worktree_name(git_place.top_of(cwd, env))
        rows = [item for item in _list(me.get("sessions")) if isinstance(item, dict)]
        here = [row for row in rows if row.get("worktree") == worktree]
        self._sessions = {str(name) for row in here for name in (row.get("id"), *_list(row.get("aliases"))) if name}
        self._clones = _list(me.get("clones"))
        self._branch = git_place.branch_of(git_place.git_dir_of(cwd, env))

    def owns(self, row: "Row") -> bool:
        """Whether a claim is surely its own."""
        of_here = row.get("session") in self._sessions or (bool(self._branch) and row.get("branch") == self._branch)
        return row.get("clone") in self._clones and of_here


def _list(value: "Json") -> "list[Json]":
    return value if isinstance(value, list) else []
