r"""Own work: what a user brings with a push, or is about to commit.

    origin/main ──o──o────────────o  pushed head       own: commits that no remote is known to have
                       \         /                      changed: what differs from the base, of files that they touch
    origin/feat ────────o──o────                        what was merged is someone else's, and was pushed before

The base is what the remote's branch was, where that is known here and in the history; after a rebase, and of a new
branch, it is where the work left the integration branch. What was pushed before and merged since is a base as well.

Rules:
  * What is known of a remote are its tracking refs: a push asks no remote.
  * Without any base all files of the own commits count.

This file needs the standard library and the git program only, because hooks run it; it must not know claims.
"""

from collections.abc import Collection
from typing import Final, NamedTuple

from gitcoord.remote.contract.protocol import Oid, oid
from gitcoord.source.checkout.default_branch import default_tip, is_ancestor
from gitcoord.source.checkout.repository import Repository
from gitcoord.source.history import changes
from gitcoord.source.history.changes import COMMITS_MAX, Commit, FileChange, Range

BOUNDARY_MAX: Final = 500  # commits where own work begins; their ids fit into any system's command line
_HEADS, _REMOTES = "refs/heads/", "refs/remotes/"


class PushedWork(NamedTuple):
    """What is brought; what costs another git is asked for when it matters.

    Attributes:
        files: those that differ; of a merge also what others had pushed before (`agents` leaves that out).
        commits: newest first; empty where they are too many.
    """

    repository: Repository
    what: Range
    files: tuple[FileChange, ...] = ()
    commits: tuple[Commit, ...] = ()
    without: tuple[str, ...] = ()
    known: str | None = None
    branch: str | None = None

    def agents(self) -> dict[str, frozenset[str]] | None:
        """Return the files that own commits touch, each with the agents that those name; `None`: unknown."""
        if not self.commits or not self.what.head:
            return None
        named = {commit.id: frozenset(commit.agents) for commit in self.commits}
        agents: dict[str, frozenset[str]] = {}
        for commit, paths in changes.files_by_commit(self.repository, self.what.head, self.without):
            for path in paths:
                agents[path] = agents.get(path, frozenset()) | named.get(oid(commit), frozenset())
        return agents

    def landing(self) -> tuple[frozenset[str], frozenset[str]]:
        """Return the branches, of this clone and of a remote, that land with a push to the default branch."""
        head, tip = self.what.head, default_tip(self.repository)
        if head is None or tip is None or self.branch is None or tip.name != self.branch:
            return frozenset(), frozenset()
        less = [f"--no-merged={self.known}"] if self.known else []
        words = ("for-each-ref", f"--merged={head}", *less, "--format=%(refname)", _HEADS, _REMOTES)
        refs = (self.repository.text(*words) or "").splitlines()
        heads = {ref.removeprefix(_HEADS) for ref in refs if ref.startswith(_HEADS)}
        tracked = {ref.removeprefix(_REMOTES).partition("/")[2] for ref in refs if ref.startswith(_REMOTES)}
        return frozenset(heads), frozenset(tracked - {"", self.branch, "HEAD"})


def commit_of(repository: Repository, name: str) -> str | None:
    """Return the commit that an id stands for; `None`: none, or it is not here."""
    return repository.text("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")


def pushed_work(
    repository: Repository, pushed: str, before: str | None, branch: str | None, known_by: str = "--remotes"
) -> PushedWork | None:
    """Return what a push of a head brings; `None`: nothing.

    Args:
        repository: where the work is.
        pushed: the id that is pushed.
        before: what the remote's ref is now; `None`: there is none.
        branch: the remote's branch that is pushed to, if it is one.
        known_by: which refs have what is not new; in the remote itself all.

    Raises:
        RepositoryError: git cannot say.
    """
    head = pushed if branch else commit_of(repository, pushed)
    if head is None:
        return None
    known, own, without = before, *_own_commits(repository, head, None, known_by)
    if before and before not in without:  # no ref here has it: it may not be here, or be of no help
        known = before if repository.has_commit(before) else None
        own, without = _own_commits(repository, head, known, known_by) if known else (own, without)
    if not own:
        return None
    # What own work differs in: from the base, and from what was pushed before and merged into it.
    bases = _bases(repository, head, known, without)
    if not {*without} <= {*bases} and len(without) <= BOUNDARY_MAX:
        latest = (repository.text("merge-base", "--independent", *bases, *without) or "").split()
        bases = tuple(map(oid, latest[: changes.BASES_MAX])) or bases
    # no remote is known, or nothing in common
    what = Range(bases or (changes.empty_tree(repository),), head)
    files = tuple(changes.changed_files(repository, what))
    commits = tuple(own) if len(own) < COMMITS_MAX and len(without) <= BOUNDARY_MAX else ()
    return PushedWork(repository, what, files, commits, tuple(without), known, branch)


def staged_work(repository: Repository) -> PushedWork:
    """Return what the index has that neither the last commit nor what is merged has.

    Raises:
        RepositoryError: git cannot say.
    """
    named = (commit_of(repository, name) for name in ("HEAD", "MERGE_HEAD"))
    bases = tuple(commit for commit in named if commit) or (changes.empty_tree(repository),)
    what = Range(bases, None)
    return PushedWork(repository, what, tuple(changes.changed_files(repository, what)))


def without_taken_out(repository: Repository, work: PushedWork) -> PushedWork:
    """Leave out staged files that are as they were before the last own commit, or before all own commits.

    That takes a change out. Git tells no hook of `--amend`, so the content tells. Only what no remote
    has is one's own: going back behind a commit that others have is a change.
    """
    head = commit_of(repository, "HEAD")
    if head is None:
        return work
    own, without = _own_commits(repository, head, None)
    if head not in {commit.id for commit in own}:
        return work
    parents = (repository.text("rev-list", "--parents", "--max-count=1", head) or "").split()[1:]
    start = (repository.text("merge-base", "--independent", *without) or "").split() if without else []
    # Where there are several, one may have what another changed.
    before = [commit for some in (parents, start) if len(some) == 1 for commit in some]
    what = Range((*work.what.bases, *before), None)
    return PushedWork(repository, what, tuple(changes.changed_files(repository, what)))


def _own_commits(
    repository: Repository, head: str, known: str | None, known_by: str = "--remotes"
) -> tuple[list[Commit], list[Oid]]:
    """Return the commits that no remote is known to have, and those where that ends."""
    return changes.own_commits_of(repository, head, "--not", known_by, *([known] if known else []))


def _bases(repository: Repository, head: str, known: str | None, without: Collection[str]) -> tuple[str, ...]:
    """Return what own work is compared with. `without`: ancestors of the head, which git need not be asked about."""
    if known is not None and (known in without or is_ancestor(repository, known, head)):
        return (known,)
    tip = default_tip(repository)
    if tip is not None and tip.commit in without:
        return (tip.commit,)
    if tip is None or (tip.ref.startswith(_HEADS) and is_ancestor(repository, head, tip.commit)):
        return ()
    found = changes.own_range(repository, tip.commit, head)
    return found.bases if found else ()
