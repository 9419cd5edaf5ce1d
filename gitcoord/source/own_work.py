r"""Own work: what somebody brings with a push, or is about to commit.

    origin/main ──o──o────────────o  pushed head       own: commits that no remote is known to have
                       \         /                      changed: what differs from the base, of files that they touch
    origin/feat ────────o──o────                        what was merged is somebody else's, and was pushed before

The base is what the remote's branch was, where that is known here and in the history; after a rebase, and of a new
branch, it is where the work left the integration branch.

Rules:
  * What is known of a remote are its tracking refs: a push asks nobody.
  * Without any base all files of the own commits count.

This file needs the standard library and the git program only, because hooks run it; it must not know claims.
"""

from dataclasses import dataclass, field
from typing import Final

from gitcoord.source import changes
from gitcoord.source.changes import COMMITS_MAX, Commit, FileChange, Range
from gitcoord.source.default_branch import default_tip, is_ancestor, name_of
from gitcoord.source.repository import Repository

BOUNDARY_MAX: Final = 500  # commits where own work begins; their ids fit into any system's command line
_HEADS, _REMOTES = "refs/heads/", "refs/remotes/"


@dataclass(frozen=True, slots=True)
class Work:
    """What is brought.

    Attributes:
        files: those that changed.
        agents: for each the agents that the trailers of its commits name.
        commits: newest first.
        heads, tracked: branches that land with it, of this clone and of a remote, where it is for the default branch.
    """

    what: Range
    files: tuple[FileChange, ...] = ()
    agents: dict[str, frozenset[str]] = field(default_factory=dict[str, frozenset[str]])
    commits: tuple[Commit, ...] = ()
    heads: frozenset[str] = frozenset()
    tracked: frozenset[str] = frozenset()


def commit_of(repository: Repository, name: str) -> str | None:
    """Return the commit that an id stands for; `None`: none, or it is not here."""
    return repository.text("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")


def pushed_work(repository: Repository, pushed: str, before: str | None, branch: str | None) -> Work | None:
    """Return what a push of a head brings; `None`: nothing.

    Args:
        repository: where the work is.
        pushed: the id that is pushed.
        before: what the remote's ref is now; `None`: there is none.
        branch: the remote's branch that is pushed to, if it is one.

    Raises:
        RepositoryError: git cannot say.
    """
    head = commit_of(repository, pushed)
    if head is None:
        return None
    known = before if before and repository.has_commit(before) else None
    own, without = _own_commits(repository, head, known)
    if not own:
        return None
    what, integration = _range(repository, head, known)
    files = changes.changed_files(repository, what)
    agents: dict[str, frozenset[str]] = {}
    commits: tuple[Commit, ...] = ()
    if len(own) < COMMITS_MAX and len(without) <= BOUNDARY_MAX:
        commits = tuple(changes.commits_of(repository, head, without))
        agents = _by_file(repository, head, without, commits)
        files = [one for one in files if one.path in agents]
    heads, tracked = _landing(repository, head, known, branch if integration == branch else None)
    return Work(what, tuple(files), agents, commits, heads, tracked)


def staged_work(repository: Repository) -> Work:
    """Return what the index has that neither the last commit nor what is merged has.

    Raises:
        RepositoryError: git cannot say.
    """
    named = (commit_of(repository, one) for one in ("HEAD", "MERGE_HEAD"))
    bases = tuple(one for one in named if one) or (changes.empty_tree(repository),)
    what = Range(bases, None)
    return Work(what, tuple(changes.changed_files(repository, what)))


def _own_commits(repository: Repository, head: str, known: str | None) -> tuple[list[str], list[str]]:
    """Return the commits that no remote is known to have, and those where that ends."""
    less = ("--not", "--remotes", *([known] if known else []))
    listed = repository.text("rev-list", "--boundary", f"--max-count={COMMITS_MAX}", head, *less) or ""
    lines = listed.split()
    return [one for one in lines if one[0] != "-"], [one[1:] for one in lines if one[0] == "-"]


def _range(repository: Repository, head: str, known: str | None) -> tuple[Range, str | None]:
    """Return what is compared, and the name of the integration branch."""
    tip = default_tip(repository)
    name = name_of(repository, tip) if tip else None
    if known is not None and is_ancestor(repository, known, head):
        return Range((known,), head), name
    whole = Range((changes.empty_tree(repository),), head)
    if tip is None or (tip.ref.startswith(_HEADS) and is_ancestor(repository, head, tip.commit)):
        return whole, name  # no remote is known: all of it is new
    return changes.own_range(repository, tip.commit, head) or whole, name


def _by_file(
    repository: Repository, head: str, without: list[str], commits: tuple[Commit, ...]
) -> dict[str, frozenset[str]]:
    named = {one.id: frozenset(one.agents) for one in commits}
    out: dict[str, frozenset[str]] = {}
    for commit, paths in changes.files_by_commit(repository, head, without):
        for path in paths:
            out[path] = out.get(path, frozenset()) | named.get(changes.oid(commit), frozenset())
    return out


def _landing(
    repository: Repository, head: str, known: str | None, branch: str | None
) -> tuple[frozenset[str], frozenset[str]]:
    if branch is None:
        return frozenset[str](), frozenset[str]()
    less = [f"--no-merged={known}"] if known else []
    listed = repository.text("for-each-ref", f"--merged={head}", *less, "--format=%(refname)", _HEADS, _REMOTES) or ""
    refs = listed.splitlines()
    heads = {ref.removeprefix(_HEADS) for ref in refs if ref.startswith(_HEADS)}
    tracked = {ref.removeprefix(_REMOTES).partition("/")[2] for ref in refs if ref.startswith(_REMOTES)}
    return frozenset(heads), frozenset(tracked - {"", branch, "HEAD"})
