"""The default branch of the user's repository, as far as this clone knows it, and files in it.

Rules:
  * `origin/HEAD` says which it is; without it `origin/main` or `origin/master`, and where there is no `origin` those of
    this clone.

What this file does not know: what the files are for.
"""

from typing import NamedTuple

from gitcoord.remote.contract.protocol import Oid, oid
from gitcoord.source.checkout.repository import Repository

_REFS = ("refs/remotes/origin/HEAD", "refs/remotes/origin/main", "refs/remotes/origin/master",
         "refs/heads/main", "refs/heads/master")  # fmt: skip


class DefaultTip(NamedTuple):
    """The tip of the default branch, and when it was committed, in seconds. `ref`: what `origin/HEAD` names, itself."""

    ref: str
    commit: Oid
    seconds: int

    @property
    def name(self) -> str:
        """The name of the default branch, as claims have it."""
        return self.ref.removeprefix("refs/remotes/origin/").removeprefix("refs/heads/")


def default_tip(repository: Repository) -> DefaultTip | None:
    """Return the tip of the default branch; `None`: nothing says which branch that is."""
    shape = "--format=%(refname) %(objectname) %(committerdate:unix) %(symref)"
    rows = [line.split(" ") for line in (repository.text("for-each-ref", shape, *_REFS) or "").splitlines()]
    found = {row[0]: row for row in rows if len(row) == len(("ref", "id", "time", "symref")) and row[2].isdigit()}
    best = next((found[ref] for ref in _REFS if ref in found), None)
    return DefaultTip(best[3] or best[0], oid(best[1]), int(best[2])) if best else None


def file_at(repository: Repository, commit: Oid, path: str) -> bytes | None:
    """Return a file of a commit; `None`: it has none there, or it is not here."""
    done = repository.git("cat-file", "blob", f"{commit}:{path}")
    return done.stdout if done.rc == 0 else None


def is_ancestor(repository: Repository, older: str, newer: str) -> bool:
    """Whether a commit is in the other's history; a commit that is not here is in no history."""
    return repository.has_commit(older) and repository.git("merge-base", "--is-ancestor", older, newer).rc == 0


def fork_point(repository: Repository, commit: str, branch: str) -> str | None:
    """Return the last commit of the default branch's own line in the history of a branch's commit.

    `None`: nothing says which branch is the default one, this is it, or the commit is on its own line: what was
    fast-forwarded looks as if it had been made there.
    """
    tip = default_tip(repository)
    if tip is None or tip.name == branch:
        return None
    newer = repository.text("rev-list", "--first-parent", "--parents", tip.commit, f"^{commit}", "--")
    if newer is None:
        return None
    parents = newer.splitlines()[-1].split(" ")[1:2] if newer else [tip.commit]
    return parents[0] if parents and parents[0] != commit else None
