r"""What is handed in: what git says of the commit that a step is completed with.

    default branch  ──o──o──o            what others landed before the branch began is not the step's work
                          \
    step's branch           a──b──c       a, b, c are: a commit before `a` has nothing of it

Rules:
  * A step's work begins where its branch left the default branch, at the project's base, and at the commits of what it
    depends on, whichever is the latest.
  * On the default branch's own line, where a branch is that was fast-forwarded, it begins with the first commit that
    names the step (HOOK-11); without one nothing tells it from what others landed, and all since the base counts.
  * What git cannot tell here is unknown, and never taken for nothing.

What this file does not know: what policy makes of it; see `core/steps/rules/progress`.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from gitcoord.core.steps.board import Board
from gitcoord.core.steps.step import Step
from gitcoord.source.checkout.default_branch import fork_point
from gitcoord.source.checkout.repository import Repository
from gitcoord.source.history.landed import signed_commits


class HandedIn(NamedTuple):
    """What git says of a commit, for a step.

    Attributes:
        files: what its commits changed, of those that are the step's; `None`: it is not known here. Empty if not asked.
        on_branch, branch_end, found_on: as in `CompleteStep`.
    """

    files: Sequence[str] | None = ()
    on_branch: bool | None = None
    branch_end: str = ""
    found_on: str = ""


def look(
    repository: Repository, board: Board, step: Step, commit: str, heads: Mapping[str, str], *, with_files: bool
) -> HandedIn:
    """Return what git says of the commit that a step is handed in with.

    `heads`: the tips of the remote's branches, where one of them has the commit; else none. `with_files`: whether
    what was changed is to be looked up.
    """
    branch = step.branch or ""
    bases = [board.project.base_commit, *(needed.commit_hash or "" for needed in board.base_of(step))]
    files: Sequence[str] | None = ()
    if with_files:
        left = fork_point(repository, commit, branch) or _before_named(repository, step, bases[0], commit)
        files = repository.changed_files(commit, [*bases, *filter(None, [left])])
    if not branch:
        return HandedIn(files)
    tips = [*repository.refs_of(branch).values()]
    if not tips:
        return _off_branch(repository, commit, heads.get(branch), HandedIn(files))
    on_branch = repository.is_in(commit, tips)
    if not on_branch or commit == tips[0]:
        return HandedIn(files, on_branch)
    begun = [*bases, *filter(None, [fork_point(repository, tips[0], branch)])]
    has_more = repository.is_in(commit, begun) and repository.is_in(tips[0], begun) is False
    return HandedIn(files, on_branch, tips[0] if has_more else "")


def _before_named(repository: Repository, step: Step, base: str, commit: str) -> str | None:
    """Return the commit before the first that names a step; `None`: none does, or it is not here."""
    first = {
        fence: ids[-1] for (named, fence), ids in signed_commits(repository, base, commit).items() if named == step.id
    }
    return repository.text("rev-parse", "--verify", "--quiet", f"{first[min(first)]}^1") if first else None


def _off_branch(repository: Repository, commit: str, tip: str | None, found: HandedIn) -> HandedIn:
    """Return what is known of a commit where this clone has no branch of the step's name; `tip`: the remote's."""
    if tip is None:  # a clone of a single branch keeps no trace of another that it pushed, but the remote has that
        return found._replace(found_on=repository.branch_with(commit))
    is_known = commit == tip or repository.has_commit(tip)
    return found._replace(on_branch=repository.is_in(commit, [tip]) if is_known else None)


def history_command(repository: Repository) -> str:
    """Return the git command that brings the commits which this clone lacks."""
    return "git fetch --unshallow" if repository.is_shallow else "git fetch"
