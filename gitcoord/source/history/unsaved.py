"""Unsaved: what is in the folder of one worktree alone, so that who deletes the folder loses it.

    changes      of tracked files, and new files that git does not ignore
    commit       what is checked out is on no branch, known of no remote and in no tag
    operation    a rebase, a merge, a series of picks or a bisection has begun and has not ended

Rules:
  * Commits of a branch are in the repository, and stay there: pushed or not, they are not lost with a worktree.
  * What git cannot say is an error, never "nothing".

What this file does not know: who works there.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from gitcoord.source.checkout.repository import Repository
from gitcoord.source.history.changes import run
from gitcoord.source.history.unlanded import uncommitted_in

_OPERATIONS: Mapping[str, str] = {
    "rebase-merge": "rebase",
    "rebase-apply": "rebase",
    "MERGE_HEAD": "merge",
    "CHERRY_PICK_HEAD": "cherry-pick",
    "REVERT_HEAD": "revert",
    "BISECT_START": "bisect",
}


@dataclass(frozen=True, slots=True)
class Unsaved:
    """What would be lost. `paths`: with changes; `commit`: on no branch; `operation`: by its name; "" for none."""

    paths: tuple[str, ...]
    commit: str
    operation: str


def unsaved_in(repository: Repository) -> Unsaved:
    """Return what is in the worktree that the repository is seen from, and nowhere else.

    Raises:
        RepositoryError: git cannot say.
    """
    begun = [word for name, word in _OPERATIONS.items() if (repository.git_dir / name).exists()]
    commit = ""
    if repository.git("symbolic-ref", "--quiet", "HEAD").rc != 0:  # else a branch, or one that has no commit yet
        shape = ("rev-list", "--max-count=1", "HEAD", "--not", "--branches", "--tags", "--remotes")
        commit = run(repository, shape).decode("ascii", "replace").strip()
    return Unsaved(tuple(uncommitted_in(repository)), commit, next(iter(begun), ""))
