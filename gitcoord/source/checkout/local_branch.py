"""A branch of this clone: its tip, and which worktree has it checked out.

Rules:
  * A worktree whose folder is gone still keeps its branch from others, until git prunes it.
  * git is asked about a branch that may be there. That most steps' branches are new its files say: a process for that
    would be half of what it takes to claim a step.

What this file does not know: what the branch is for.
"""

import os
from pathlib import Path
from typing import NamedTuple

from gitcoord.remote.contract.protocol import Oid, oid
from gitcoord.source.checkout.repository import Repository

_PACKED_BYTES_MAX = 1024 * 1024  # git looks into a larger one by halves
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
    if _is_absent(repository.common_dir, own):
        return None
    # A pattern matches what is below it too: refs/heads/feat is no branch where refs/heads/feat/login is one.
    rows = [line.split("\0") for line in (repository.text("for-each-ref", _SHAPE, "--", own) or "").split("\n")]
    found = next((row for row in rows if row[0] == own), None)
    if found is None:
        return None
    _, tip, head, folder = found
    return LocalBranch(oid(tip), head == "*", Path(folder) if folder else None)


def _is_absent(common_dir: Path, ref: str) -> bool:
    """Whether git's files show that there is no such ref; where they cannot show it, git is to be asked."""
    # A ref that is packed meanwhile is in `packed-refs` before its own file goes.
    if os.path.lexists(common_dir / ref) or (common_dir / "reftable").exists():
        return False
    try:
        with (common_dir / "packed-refs").open("rb") as file:
            packed = file.read(_PACKED_BYTES_MAX + 1)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return len(packed) <= _PACKED_BYTES_MAX and f" {ref}\n".encode("utf-8", "surrogateescape") not in packed


def remote_named(repository: Repository, url: str) -> str | None:
    """Return the name of the remote that has this URL; `origin` before others."""
    rows = [line.partition("\t") for line in (repository.text("remote", "--verbose") or "").splitlines()]
    names = {name for name, _, rest in rows if rest.rpartition(" ")[0] == url}
    return "origin" if "origin" in names else min(names, default=None)
