"""Unlanded: work that is in this clone, or on a remote's branches, and not on the default branch.

    the holder's clone    every ref, every worktree's HEAD, stashes, and what no worktree has committed yet
    any other clone       the remote's branches, as they were last fetched

Rules:
  * A commit that is on the default branch as another one (rebased, picked, squashed) has landed.
  * What cannot be told has not landed.

What this file does not know: claims.
"""

from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Final

from gitcoord.remote.git_process import clean_env, run_git
from gitcoord.source.changes import CommitFiles, own_commits
from gitcoord.source.landed import equal_on
from gitcoord.source.repository import LOCAL_TIMEOUT_S, Repository

CONTAINING_MAX: Final = 20  # branches of one commit that are compared with the default one: each costs a process or two


def unlanded_paths(
    repository: Repository,
    default: str,
    since_s: int,
    matches: Callable[[str], bool],
    *,
    landed: Collection[str],
    is_here: bool,
) -> Iterator[str]:
    """Yield the files in question that a commit changed which was made since then and has not landed.

    Args:
        repository: where to look.
        default: the tip of the default branch.
        since_s: seconds since the epoch.
        matches: whether a file is in question.
        landed: tips that are known to have landed.
        is_here: whether what is in this clone alone counts.
    """
    refs = "--all" if is_here else "--remotes"
    known = [f"^{commit}" for commit in (default, *landed) if repository.has_commit(commit)]
    for commit in own_commits(repository, refs, f"--since={since_s}", *known):
        wanted = [path for path in commit.paths if matches(path)]
        if wanted and not _has_landed(repository, commit, default):
            yield from wanted


def _has_landed(repository: Repository, commit: CommitFiles, default: str) -> bool:
    shape = ("--format=%(objectname)", f"--count={CONTAINING_MAX}")
    containing = (repository.text("for-each-ref", *shape, f"--contains={commit.id}") or "").split()
    return any(equal_on(repository, tip, default) for tip in dict.fromkeys([commit.id, *containing]))


def unpushed_paths(repository: Repository, since_s: int) -> Iterator[str]:
    """Yield the files that commits changed since then which no remote is known to have."""
    for commit in own_commits(repository, "--all", f"--since={since_s}", "--not", "--remotes"):
        yield from commit.paths


def uncommitted_paths(repository: Repository) -> Iterator[str]:
    """Yield what has changes that are not committed, or is new and not ignored, in any worktree of this clone."""
    for folder, _ in _worktrees(repository):
        yield from _changes_in(repository, folder)


def uncommitted_on(repository: Repository, branch: str) -> Iterator[str]:
    """Yield the same of the worktree that has this branch checked out."""
    for folder, ref in _worktrees(repository):
        if ref == f"refs/heads/{branch}":
            yield from _changes_in(repository, folder)


def _worktrees(repository: Repository) -> Iterator[tuple[str, str]]:
    """Yield the folder of each worktree, and the ref that is checked out there; empty if it is a commit."""
    listed = repository.text("worktree", "list", "--porcelain") or ""
    for block in listed.split("\n\n"):
        lines = (line.partition(" ") for line in block.splitlines())
        fields = {name: value for name, _, value in lines}
        if Path(fields.get("worktree", "")).is_dir() and "bare" not in fields:
            yield fields.get("worktree", ""), fields.get("branch", "")


def _changes_in(repository: Repository, folder: str) -> Iterator[str]:
    shape = ("status", "--porcelain", "-z", "--no-renames", "--untracked-files=all")
    status = run_git(shape, cwd=Path(folder), env=clean_env(repository.env), timeout_s=LOCAL_TIMEOUT_S)
    lines = status.stdout.decode("utf-8", "replace").split("\0") if status.rc == 0 else []
    yield from (line[3:] for line in lines if len(line) > len("XY "))
