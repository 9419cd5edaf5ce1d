"""A branch of this clone: its tip, and which worktree has it checked out.

Rules:
  * A worktree whose folder is gone still keeps its branch from others, until git prunes it.

What this file does not know: what the branch is for.
"""

from pathlib import Path
from typing import NamedTuple

from gitcoord.remote.contract.protocol import Oid, oid
from gitcoord.source.checkout.repository import Repository

_SHAPE = "--format=%(refname)%00%(objectname)%00%(HEAD)%00%(worktreepath)"


class LocalBranch(NamedTuple):
    """A branch of this clone.

    Attributes:
        is_here: the worktree that asks has it checked out.
        worktree: the folder of the worktree that has it checked out.
    """

    tip: Oid
    is_here: bool
    worktree: Path | None

    @property
    def is_left(self) -> bool:
        """Whether the worktree that has it is gone."""
        return self.worktree is not None and not self.worktree.is_dir()


def local_branch(repository: Repository, name: str) -> LocalBranch | None:
    """Return the branch of that name, if this clone has it."""
    own = f"refs/heads/{name}"
    # A pattern matches what is below it too: refs/heads/feat is no branch where refs/heads/feat/login is one.
    rows = [line.split("\0") for line in (repository.text("for-each-ref", _SHAPE, "--", own) or "").split("\n")]
    found = next((row for row in rows if row[0] == own), None)
    if found is None:
        return None
    _, tip, head, folder = found
    return LocalBranch(oid(tip), head == "*", Path(folder) if folder else None)


def remote_named(repository: Repository, url: str) -> str | None:
    """Return the name of the remote that has this URL; `origin` before others."""
    rows = [line.partition("\t") for line in (repository.text("remote", "--verbose") or "").splitlines()]
    names = {name for name, _, rest in rows if rest.rpartition(" ")[0] == url}
    return "origin" if "origin" in names else min(names, default=None)
