"""The span of a check: from which commits to which, on which branch, and since when.

    wanted (options, or what the CI says)  ──>  base ──own work──> head

Rules:
  * A pull request is its own work: what its head has and the branch that it goes to has not.
  * The work of a fork is on no branch of this repository, whatever is checked out.
  * A push to a branch is what was pushed, where it is known what the branch was before.
  * What is not here is fetched; what cannot be fetched is an error that says what to set. Nothing is guessed.
  * The branch left its base when the common commit was made, or its oldest commit was authored, a month before at most.

What this file does not know: which CI said it, what is checked.
"""

import re
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from gitcoord.core.documents.names import branch_name, shown
from gitcoord.errors import InvalidError, RepositoryError
from gitcoord.remote.contract.protocol import Oid, oid
from gitcoord.source.checkout.default_branch import default_tip, is_ancestor
from gitcoord.source.checkout.repository import Repository
from gitcoord.source.history import deepen
from gitcoord.source.history.changes import Commit, Range, commits_of, empty_tree

_BRANCH_REF = re.compile(r"refs/(?:heads|remotes/[^/]+)/(.+)")
REBASED_MAX = timedelta(days=30)  # how long before its present base a rebased branch may have been begun


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a caller wants checked; each may be left out.

    Attributes:
        base: a revision to compare with.
        base_branch: the branch that the work goes to, by name, as a CI says it.
        before: where the branch was before a push.
        head: a revision.
        branch: whose work it is.
        default_branch: where all work comes together, where the caller names it.
        is_fork: whether the work comes from another repository, whose branches are none of this one.
    """

    base: str | None = None
    base_branch: str | None = None
    before: str | None = None
    head: str | None = None
    branch: str | None = None
    default_branch: str | None = None
    is_fork: bool = False


@dataclass(frozen=True, slots=True)
class Span:
    """What is checked.

    Attributes:
        base: the commit that separates own work from the rest; `None`: everything is own.
        base_name: what a person calls it: a branch, a revision, or the short id of where the branch was.
        begin: since when claims count as those under which the work was done.
        to_default: whether this is the default branch itself, where all branches' work comes together.
        is_fork: whether it comes from another repository, so that no branch of this one is its own.
    """

    what: Range
    head: Oid
    base: Oid | None
    branch: str | None
    begin: datetime
    commits: tuple[Commit, ...] = field(default_factory=tuple[Commit, ...])
    to_default: bool = False
    base_name: str | None = None
    is_fork: bool = False

    @property
    def is_landing(self) -> bool:
        """Whether work of several branches comes together here: on the default branch, or in a merge queue."""
        return self.to_default or (self.branch is None and not self.is_fork)


def find_span(repository: Repository, wanted: Wanted) -> Span:
    """Return the range to check.

    Raises:
        InvalidError: a revision is not to be found.
        RepositoryError: the clone is too shallow, and the remote does not give more.
    """
    head = _commit(repository, wanted.head or "HEAD")
    branch = _branch(repository, wanted)
    to_default = branch is not None and not wanted.base_branch and branch == _default_name(repository, wanted)
    base, name = _base(repository, wanted, head) or (None, None)
    if base is None:
        span = spanned(repository, Range((empty_tree(repository),), head), None, branch, to_default=to_default)
        return replace(span, is_fork=wanted.is_fork)
    if wanted.before and is_ancestor(repository, base, head):
        bases: tuple[str, ...] = (base,)
    else:
        bases = deepen.common_commits(repository, base, head)
    if not bases:
        bases = (empty_tree(repository),)
    span = spanned(repository, Range(bases, head), base, branch, to_default=to_default)
    return replace(span, base_name=name, is_fork=wanted.is_fork)


def spanned(repository: Repository, what: Range, base: Oid | None, branch: str | None, *, to_default: bool) -> Span:
    """Return the span of a range: its commits, and since when claims count."""
    head = oid(what.head or "")
    own = tuple(commits_of(repository, head, [base] if base else []))
    left = repository.text("show", "-s", "--format=%ct", what.bases[0]) if base else None
    parted = datetime.fromtimestamp(int(left), UTC) if left and left.isdigit() else None
    oldest = min((commit.authored_at for commit in own), default=None)
    begin = min(filter(None, (parted, oldest)), default=datetime.fromtimestamp(0, UTC))
    if parted is not None:
        begin = max(begin, parted - REBASED_MAX)
    return Span(what, head, base, branch, begin, own, to_default)


def _base(repository: Repository, wanted: Wanted, head: Oid) -> tuple[Oid, str] | None:
    """Return the commit to tell own work apart from, and its name; `None`: nothing says which, nor what is default."""
    if wanted.base:
        return _commit(repository, wanted.base), _short(wanted.base)
    if wanted.before and wanted.before.strip("0"):
        return _commit(repository, wanted.before), _short(wanted.before)
    if wanted.base_branch:
        return _tip_of(repository, wanted.base_branch), wanted.base_branch
    if wanted.default_branch:
        return _tip_of(repository, wanted.default_branch), wanted.default_branch
    tip = default_tip(repository)
    if tip is not None:
        return tip.commit, tip.ref.removeprefix("refs/remotes/").removeprefix("refs/heads/")
    name = repository.text("config", "--get", "init.defaultBranch") or ""
    local = repository.local_tip(name) if name else None
    if local is None and repository.remote_url("origin") is not None:
        asked = deepen.default_of(repository)  # a shallow clone of one branch knows of no other
        if asked is not None:
            return _tip_of(repository, asked), f"origin/{asked}"
        message = "Nothing says which branch this work goes to."
        raise InvalidError(message, hint="Name it: --base origin/main; or `git remote set-head origin --auto`.")
    return (local[0], name) if local and local[0] != head else None


def _short(revision: str) -> str:
    """Return a revision as people write it: a full id by its first digits."""
    return revision[:12] if _may_be_fetched(revision) else revision


def _commit(repository: Repository, name: str) -> Oid:
    try:
        return repository.resolve_commit(name)
    except InvalidError:
        if not _may_be_fetched(name) or not deepen.bring(repository, [name]):
            raise
    try:
        return repository.resolve_commit(name)
    except InvalidError as error:
        raise InvalidError(str(error), hint=deepen.HINT) from None


def _may_be_fetched(name: str) -> bool:
    """Whether this is a full id; other words mean something else on the remote than here."""
    try:
        return bool(oid(name))
    except ValueError:
        return False


def _tip_of(repository: Repository, branch: str) -> Oid:
    """Return the tip of a branch of the remote: as it is there, or as it was last fetched."""
    name = branch_name(branch)
    tip = deepen.tip_of(repository, name)
    if tip is not None:
        return oid(tip)
    for ref in (f"refs/remotes/origin/{name}", f"refs/heads/{name}"):
        commit = repository.text("rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}")
        if commit:
            return oid(commit)
    message = f"Branch {shown(branch)}, which this work goes to, is neither here nor on origin."
    raise RepositoryError(message, hint=deepen.HINT)


def _branch(repository: Repository, wanted: Wanted) -> str | None:
    """Return whose work it is: what the caller says, else the branch that the head names, or that is checked out."""
    if wanted.is_fork:
        return None
    if wanted.branch:
        return branch_name(wanted.branch)
    if not wanted.head:
        return repository.text("symbolic-ref", "--quiet", "--short", "HEAD") or None
    full = repository.text("rev-parse", "--verify", "--quiet", "--symbolic-full-name", "--end-of-options", wanted.head)
    match = _BRANCH_REF.fullmatch((full or "").splitlines()[-1]) if full else None
    return match[1] if match else None


def _default_name(repository: Repository, wanted: Wanted) -> str | None:
    if wanted.default_branch:
        return wanted.default_branch
    tip = default_tip(repository)
    if tip is None:
        return repository.text("config", "--get", "init.defaultBranch")
    return tip.name
