"""Landed: whether what a branch has of its own is on the default branch, as far as this clone knows both.

    merge commit    own = what the merge brought in              every commit is reachable
    fast forward    own = what is known to be the branch's       the same; a fresh branch looks just so, and has nothing
    rebase, picks   own = what the default branch does not have  each has an equal patch there
    squash          the same                                     all together have the patch of one commit there

Rules:
  * Every tip of the branch that is here must have landed: an unpushed commit keeps all of it.
  * On the default branch's own line nothing tells a branch that was fast-forwarded from a fresh one. There only commits
    count that are known to be the branch's: those that were committed on it here, and those a caller knows.
  * A branch that was deleted is judged by the commits that a caller knows of it.
  * SAFE-11: what git cannot say has not landed.

What this file does not know: claims.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from gitcoord.errors import RepositoryError
from gitcoord.remote.contract.protocol import Oid, oid
from gitcoord.remote.git.git_process import clean_env
from gitcoord.source.checkout.bounded_git import read_git
from gitcoord.source.checkout.default_branch import is_ancestor
from gitcoord.source.checkout.repository import LOCAL_TIMEOUT_S, Repository
from gitcoord.source.history.changes import CommitFiles, own_commits, run

SQUASHES_MAX = 1000  # commits of the default branch whose patches are compared; a branch is merged within weeks
REFLOG_MAX = 500
SIGNED_MAX = 5000  # commits of steps since a project began; it ends within months
MERGES_MAX = 10  # of one branch that are looked back; one that is merged part by part is so within days
_OWN_ACTIONS = ("commit:", "commit (amend):", "commit (initial):", "cherry-pick:", "revert:")


@dataclass(frozen=True, slots=True)
class Landed:
    """Where a branch landed.

    Attributes:
        commit: the commit of the default branch that brought it, or the last of them.
        own: its own commits, with what each changed.
        tips: what was judged.
    """

    commit: Oid
    own: tuple[CommitFiles, ...]
    tips: frozenset[str]


@dataclass(slots=True)
class DefaultLine:
    """The default branch's own line, with what git has said of branches beside it; it is asked once for each."""

    repository: Repository
    commit: str
    _tips: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    _merges: dict[str, Oid | None] = field(default_factory=dict[str, Oid | None])

    def tips(self, branch: str) -> list[str]:
        """Return the tips that are here of a branch, its own and those that remotes had."""
        if branch not in self._tips:
            self._tips[branch] = _tips(self.repository, branch)
        return self._tips[branch]

    def merge_of(self, tip: str) -> Oid | None:
        """Return the merge that brought a tip there; `None`: the tip is on that line."""
        if tip not in self._merges:
            self._merges[tip] = _merge_of(self.repository, tip, self.commit)
        return self._merges[tip]


def landed(line: DefaultLine, branch: str, known: Iterable[str] = ()) -> Landed | None:
    """Say where a branch landed; `None`: it has not, has nothing of its own, or git cannot say.

    `known`: commits that are its own.
    """
    try:
        own = [commit for commit in dict.fromkeys(known) if line.repository.has_commit(commit)]
        tips = line.tips(branch) or own
        found = [_landed_tip(line, branch, tip, own) for tip in tips]
        there = [merge for merge in found if merge is not None]
        if not there or len(there) < len(found):
            return None
        last = max(there, key=lambda found: max(commit.seconds for commit in found[1]))
        own_commits = {commit.id: commit for _, commits in there for commit in commits}
        return Landed(last[0], tuple(own_commits.values()), frozenset(tips))
    except RepositoryError:
        return None


def _tips(repository: Repository, branch: str) -> list[str]:
    own = f"refs/heads/{branch}"
    shape = "--format=%(refname) %(objectname)"
    listed = _said(repository, "for-each-ref", shape, own, f"refs/remotes/*/{branch}")
    pairs = (line.split(" ") for line in listed.splitlines())
    # A pattern matches what is below it too: refs/heads/feat is no branch where refs/heads/feat/login is one.
    found = (tip for ref, tip in pairs if ref == own or ref.split("/", 3)[3:] == [branch])
    return list(dict.fromkeys(found))


def _landed_tip(line: DefaultLine, branch: str, tip: str, own: Sequence[str]) -> tuple[Oid, list[CommitFiles]] | None:
    """Return the commit that brought a tip there, and its own commits; `None`: it has not landed, or has none."""
    repository, default = line.repository, line.commit
    ahead = own_commits(repository, tip, f"^{default}")
    if ahead:
        commit = equal_on(repository, tip, default)
        return (commit, ahead) if commit else None
    merge = line.merge_of(tip)
    if merge is not None:
        brought = _brought(line, tip, merge)
        return (merge, brought) if brought else None
    # What was committed on the branch in this clone, as its reflog has it.
    shape = ("--walk-reflogs", "--no-show-signature", "--format=%H %gs", f"--max-count={REFLOG_MAX}")
    reflog = repository.text("log", *shape, f"refs/heads/{branch}", "--") or ""
    pairs = (line.partition(" ") for line in reflog.splitlines())
    known = [*own, *dict.fromkeys(commit for commit, _, action in pairs if action.startswith(_OWN_ACTIONS))]
    listed = own_commits(repository, "--no-walk", *known) if known else []
    mine = [commit for commit in listed if is_ancestor(repository, commit.id, tip)]
    return (max(mine, key=lambda commit: commit.seconds).id, mine) if mine else None


def _brought(line: DefaultLine, tip: str, merge: Oid) -> list[CommitFiles]:
    """Return what a merge brought of a branch, and what earlier merges of the same branch did."""
    brought: list[CommitFiles] = []
    landed_at: Oid | None = merge
    for _ in range(MERGES_MAX):
        if landed_at is None:
            break
        brought += own_commits(line.repository, tip, f"^{landed_at}^1")
        tip = line.repository.text("merge-base", f"{landed_at}^1", tip) or ""
        landed_at = line.merge_of(tip) if tip else None
    return brought


def signed_commits(repository: Repository, base: str, default: str) -> dict[tuple[str, int], list[Oid]]:
    """Return the commits of the default branch since a base that say of which step they are, by step and fence."""
    if not repository.has_commit(base):
        return {}
    trailers = (f"%(trailers:key={key},valueonly,separator=%x09)" for key in ("Coord-Step", "Coord-Fence"))
    shape = (
        "--no-show-signature",
        f"--max-count={SIGNED_MAX}",
        "--grep=^Coord-Step: ",
        f"--format=%H%x00{'%x00'.join(trailers)}",
    )
    found: dict[tuple[str, int], list[Oid]] = {}
    for line in (repository.text("log", *shape, f"{base}..{default}", "--") or "").splitlines():
        commit, steps, fences = line.split("\0")
        for step, fence in zip(steps.split("\t"), fences.split("\t"), strict=False):
            if fence.isascii() and fence.isdecimal():
                found.setdefault((step, int(fence)), []).append(oid(commit))
    return found


def on_own_line(line: DefaultLine, branch: str, since_s: int) -> list[CommitFiles]:
    """Return the commits since then below a branch that ends on the default branch's own line, newest first.

    That is the branch's work if it was fast-forwarded, and others' if it is fresh, which nothing here tells apart.
    Empty: it ends elsewhere, or git cannot say.
    """
    try:
        tips = line.tips(branch)
        if any(not is_ancestor(line.repository, tip, line.commit) or line.merge_of(tip) for tip in tips):
            return []
        # `--since` would read a small number as a time of today.
        return own_commits(line.repository, *tips, f"--max-age={since_s}") if tips else []
    except RepositoryError:
        return []


def equal_on(repository: Repository, tip: str, default: str) -> Oid | None:
    """Return the commit of the default branch by which all that a tip has of its own is there in other commits."""
    return _as_patches(repository, tip, default) or _as_squash(repository, tip, default)


def _merge_of(repository: Repository, tip: str, default: str) -> Oid | None:
    """Return the merge on the default branch's own line that brought a tip there; `None`: the tip is on that line."""
    line = _said(repository, "rev-list", "--first-parent", default, f"^{tip}", "--").split()
    first, last = 0, len(line)  # newest first: those that have the tip come before those that do not have it yet
    while first < last:
        middle = (first + last) // 2
        if is_ancestor(repository, tip, line[middle]):
            first = middle + 1
        else:
            last = middle
    if not first:
        return None
    merge = line[first - 1]
    return None if repository.text("rev-parse", "--verify", "--quiet", f"{merge}^1") == tip else oid(merge)


def _as_patches(repository: Repository, tip: str, default: str) -> Oid | None:
    """Return the newest commit that is equal to one of the tip's, if each of those has one."""
    shape = ("rev-list", "--cherry-mark", "--no-merges")
    marked = repository.text(*shape, "--right-only", f"{default}...{tip}", "--")
    if marked is None:
        return None
    for commit in (mark.lstrip("+") for mark in marked.split() if not mark.startswith("=")):
        # One that changes nothing lands with whatever comes after it.
        if repository.git("diff", "--quiet", f"{commit}^1", commit, "--").rc != 0:
            return None
    there = (repository.text(*shape, "--left-only", f"{default}...{tip}", "--") or "").split()
    return next((oid(mark[1:]) for mark in there if mark.startswith("=")), None)


def _as_squash(repository: Repository, tip: str, default: str) -> Oid | None:
    """Return the commit whose patch is that of all that the tip has of its own."""
    base = (repository.text("merge-base", default, tip) or "").split()
    if not base:
        return None
    plain = ("--no-ext-diff", "--no-textconv", "--no-color", "--full-index", "--binary")
    whole = repository.git("diff", *plain, base[0], tip, "--")
    if whole.rc != 0 or not whole.stdout:
        return None
    wanted = _patch_ids(repository, b"commit " + tip.encode() + b"\n\n" + whole.stdout)
    shape = ("--first-parent", f"--max-count={SQUASHES_MAX}", "--no-show-signature", "--format=commit %H", "-p")
    patches = repository.git("log", *shape, *plain, f"{base[0]}..{default}", "--")
    there = _patch_ids(repository, patches.stdout) if patches.rc == 0 else {}
    return next((oid(there[patch]) for patch in wanted if patch in there), None)


def _patch_ids(repository: Repository, patches: bytes) -> dict[str, str]:
    arguments = ("patch-id", "--stable")
    env = clean_env(repository.env)
    done = read_git(arguments, cwd=repository.top, env=env, timeout_s=LOCAL_TIMEOUT_S, given=patches)
    pairs = (line.partition(" ") for line in done.stdout.decode("ascii", "replace").splitlines())
    return {patch: commit for patch, _, commit in pairs} if done.rc == 0 else {}


def _said(repository: Repository, *arguments: str) -> str:
    return run(repository, arguments).decode("utf-8", "replace").rstrip("\n")
