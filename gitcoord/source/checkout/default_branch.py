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
    """The tip of the default branch, and when it was committed, in seconds."""

    ref: str
    commit: Oid
    seconds: int


def default_tip(repository: Repository) -> DefaultTip | None:
    """Return the tip of the default branch; `None`: nothing says which branch that is."""
    listed = repository.text("for-each-ref", "--format=%(refname) %(objectname) %(committerdate:unix)", *_REFS) or ""
    rows = [line.split(" ") for line in listed.splitlines()]
    found = {row[0]: row for row in rows if len(row) == len(("ref", "id", "time")) and row[2].isdigit()}
    best = next((found[ref] for ref in _REFS if ref in found), None)
    return DefaultTip(best[0], oid(best[1]), int(best[2])) if best else None


def name_of(repository: Repository, tip: DefaultTip) -> str:
    """Return the name of the default branch, as claims have it."""
    full = repository.text("rev-parse", "--symbolic-full-name", tip.ref) or tip.ref
    return full.removeprefix("refs/remotes/origin/").removeprefix("refs/heads/")


def file_at(repository: Repository, commit: Oid, path: str) -> bytes | None:
    """Return a file of a commit; `None`: it has none there, or it is not here."""
    done = repository.git("cat-file", "blob", f"{commit}:{path}")
    return done.stdout if done.rc == 0 else None


def is_ancestor(repository: Repository, older: str, newer: str) -> bool:
    """Whether a commit is in the other's history; a commit that is not here is in no history."""
    return repository.has_commit(older) and repository.git("merge-base", "--is-ancestor", older, newer).rc == 0
