"""Unlanded: work that is in this clone, or on a remote's branches, and not on the default branch.

    the holder's clone    every ref, every worktree's HEAD and what was left without a branch there, every stash, and
                          what no worktree has committed yet
    any other clone       the remote's branches, as they were last fetched

Rules:
  * A commit that is on the default branch as another one (rebased, picked, squashed) has landed.
  * When a commit was made, seen from the claim, says little: clocks differ, and work begins before it is claimed. Only
    what is older than the claim by ABANDONED_S is abandoned.
  * SAFE-11: what is unknown has not landed. Here that is an error, never an empty answer.

What this file does not know: claims.
"""

import os
import re
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Final

from gitcoord.core.documents.names import shown
from gitcoord.errors import RepositoryError
from gitcoord.source.checkout.repository import Repository
from gitcoord.source.history.changes import CommitFiles, own_commits, run, stashed
from gitcoord.source.history.landed import equal_on

CONTAINING_MAX: Final = 20  # branches of one commit that are compared with the default one: each costs a process or two
# Thirty days: as long as git itself keeps what no ref has. Without any end, a branch that was given up years ago would
# keep each claim on its files from ending with a merge.
ABANDONED_S: Final = 30 * 24 * 3600
APART_S: Final = 5 * 60  # TIME-1: what was made right after the claim may be dated before it
# What git notes in a worktree's reflog when HEAD, which named no branch, goes on to something else.
_LEFT = re.compile(r"checkout: moving from ([0-9a-f]{40}(?:[0-9a-f]{24})?) to ")


def unlanded_commits(
    repository: Repository, default: str, since_s: int, *, landed: Collection[str], is_here: bool
) -> list[CommitFiles]:
    """Return the commits and stashes that the default branch does not have as such, but what is long abandoned.

    Args:
        repository: where to look.
        default: the tip of the default branch.
        since_s: when the work was claimed, in seconds since the epoch.
        landed: tips that are known to have landed.
        is_here: whether what is in this clone alone counts.

    Raises:
        RepositoryError: git cannot say.
    """
    known = [f"^{commit}" for commit in (default, *landed) if repository.has_commit(commit)]
    last = since_s - ABANDONED_S
    if not is_here:
        return own_commits(repository, "--remotes", f"--since={last}", *known)
    left = [commit for worktree in worktrees(repository) for commit in _left_in(seen_from(repository, worktree))]
    return _commits_here(repository, last, left, *known)


def has_landed(repository: Repository, commit: str, default: str) -> bool:
    """Whether the default branch has a commit, or all of a branch that has it, as other commits."""
    shape = ("--format=%(objectname)", f"--count={CONTAINING_MAX}")
    containing = (repository.text("for-each-ref", *shape, f"--contains={commit}") or "").split()
    return any(equal_on(repository, tip, default) for tip in dict.fromkeys([commit, *containing]))


def unpushed_paths(repository: Repository, since_s: int) -> Iterator[str]:
    """Yield the files that commits changed which no remote is known to have, and stashes.

    Of what is checked out all count that are not long abandoned, elsewhere those that were made since then: whether a
    branch of before landed by squash would take seconds to find out, and this is asked every minute.

    Raises:
        RepositoryError: git cannot say.
    """
    less, last = ("--not", "--remotes"), f"--since={since_s - ABANDONED_S}"
    commits = _commits_here(repository, since_s - APART_S, list(_left_in(repository)), *less)
    for commit in [*commits, *own_commits(repository, "HEAD", last, *less)]:
        yield from commit.paths


def uncommitted_paths(repository: Repository) -> Iterator[str]:
    """Yield the paths with uncommitted changes, or new and not ignored, in any worktree of this clone.

    Raises:
        RepositoryError: git cannot say it of all of them.
    """
    for worktree in worktrees(repository):
        yield from uncommitted_in(seen_from(repository, worktree))


def uncommitted_on(repository: Repository, branch: str) -> Iterator[str]:
    """Yield the same of the worktree that has this branch checked out.

    Raises:
        RepositoryError: git cannot say.
    """
    for worktree in worktrees(repository):
        if worktree.get("branch") == f"refs/heads/{branch}":
            yield from uncommitted_in(seen_from(repository, worktree))


def uncommitted_in(repository: Repository) -> Iterator[str]:
    """Yield the same of the worktree that the repository is seen from.

    Raises:
        RepositoryError: git cannot say.
    """
    shape = ("status", "--porcelain", "-z", "--no-renames", "--untracked-files=all")
    lines = run(repository, shape).decode("utf-8", "replace").split("\0")
    yield from (line[3:] for line in lines if len(line) > len("XY "))


def _commits_here(repository: Repository, last_s: int, left: Collection[str], *known: str) -> list[CommitFiles]:
    """Return the commits and stashes of this clone that were made since then, without those that are known."""
    stashes = [stash for stash in stashed(repository) if stash.seconds >= last_s]
    also = dict.fromkeys([*(stash.id for stash in stashes), *left])
    return [*stashes, *own_commits(repository, "--all", f"--since={last_s}", *known, also=also)]


def _left_in(repository: Repository) -> Iterator[str]:
    """Yield the commits that HEAD of a worktree named without a branch before it went on: often no ref has them."""
    shape = ("log", "--walk-reflogs", "--no-show-signature", "--format=%gs", "--grep-reflog=^checkout: moving from ")
    noted = run(repository, (*shape, "HEAD", "--")).decode("utf-8", "replace").splitlines()
    yield from (mark[1] for mark in map(_LEFT.match, noted) if mark)


def worktrees(repository: Repository) -> Iterator[dict[str, str]]:
    """Yield what git says of each worktree: its folder is `worktree`, the ref that is checked out there `branch`."""
    for block in run(repository, ("worktree", "list", "--porcelain")).decode("utf-8", "surrogateescape").split("\n\n"):
        lines = (line.partition(" ") for line in block.splitlines())
        fields = {name: value for name, _, value in lines}
        if fields and "bare" not in fields:
            yield fields


def seen_from(repository: Repository, worktree: dict[str, str]) -> Repository:
    """Return the repository, seen from a worktree of it."""
    folder = worktree["worktree"]
    if "prunable" in worktree or not os.path.isdir(folder):  # noqa: PTH112 - `is_dir` fails where it may not look
        message = f"The worktree {shown(folder, 200)} is not here, so git cannot say what is not committed there."
        hint = "If it was moved: `git worktree repair <its folder>`. If it was removed: `git worktree prune`."
        raise RepositoryError(message, hint=hint)
    there = repository._replace(top=Path(folder), beside={})
    git_dir = os.fsdecode(run(there, ("rev-parse", "--absolute-git-dir")).removesuffix(b"\n"))
    return there._replace(git_dir=Path(git_dir))
