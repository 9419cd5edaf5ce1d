"""The place that git runs a hook for, by git's environment and a few of its files: no git is started for it.

Rules:
  * git says in its environment which repository and index it is at work on: that, and nothing else of it, is kept.
  * What the files do not plainly say is git's to answer.
  * Standard library only: most commits end here.

What this file does not know: which hook runs, what is claimed or held.
"""

import os

from gitcoord.ledger.clone import snapshot_files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_OWN = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR")
_JUDGING = ("pre-push", "pre-commit")
_REPLAYS = ("rebase-merge", "rebase-apply", "CHERRY_PICK_HEAD", "REVERT_HEAD", "MERGE_HEAD")
_BRANCH, _ELSEWHERE = "ref: refs/heads/", ".invalid"  # what git writes where refs are no files


def beside(cwd: str, env: "Mapping[str, str]") -> "dict[str, str]":
    """Return what git said of the repository that it is at work on, as absolute paths."""
    return {name: os.path.join(cwd, env[name]) for name in _OWN if env.get(name)}


def git_dir_of(cwd: str, env: "Mapping[str, str]") -> str:
    """Return git's folder of the worktree; empty outside of any repository."""
    named = beside(cwd, env).get("GIT_DIR")
    found = None if named else snapshot_files.git_dir_around(cwd)
    return named or (found[1] if found else "")


def folder_of(cwd: str, env: "Mapping[str, str]") -> str:
    """Return the folder that gitcoord keeps in this clone; empty where it never was used."""
    git_dir = git_dir_of(cwd, env)
    folder = os.path.join(snapshot_files.common_of(git_dir), "gitcoord") if git_dir else ""
    return os.path.realpath(folder) if folder and os.path.isdir(folder) else ""


def top_of(cwd: str, env: "Mapping[str, str]") -> str:
    """Return the worktree's folder. git starts its hooks there, others may not."""
    named = beside(cwd, env).get("GIT_DIR")
    if named:
        linked = snapshot_files.first_line(os.path.join(named, "gitdir"))
        return os.path.realpath(os.path.dirname(linked) if linked else cwd)
    found = snapshot_files.git_dir_around(cwd)
    return found[0] if found else os.path.realpath(cwd)


def branch_of(git_dir: str) -> "str | None":
    """Return the branch that is checked out; empty: a commit is; `None`: that is for git to say."""
    head = os.path.join(git_dir, "HEAD")
    line = "" if os.path.islink(head) else snapshot_files.first_line(head)
    branch = line.removeprefix(_BRANCH)
    if line.startswith(_BRANCH):
        return None if branch == _ELSEWHERE else branch
    return None if not line or line.startswith("ref:") else ""


def is_replay(git_dir: str) -> bool:
    """Whether git makes commits again, or one of several: these keep the messages that they have."""
    return any(os.path.exists(os.path.join(git_dir, name)) for name in _REPLAYS)


def is_closed(folder: str, hook: str) -> bool:
    """Whether the team wants to be stopped where a hook cannot look, as far as this clone knows.

    A hook that judges nothing stops nothing; nor would git's `--no-verify` pass by `prepare-commit-msg`.
    """
    return hook in _JUDGING and snapshot_files.is_enforced(folder)
