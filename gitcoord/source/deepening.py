"""Deepening: bringing commits that a shallow checkout lacks, as far as that takes, and saying what to set otherwise.

Rules:
  * Only a shallow clone is deepened, and only by commits: no ref of the user's moves, nothing is checked out.
  * Where it is still not enough, the error says exactly which setting of which CI brings the history.

What this file does not know: what the commits are for.
"""

import re
from collections.abc import Sequence

from gitcoord.core.names import branch_name, shown
from gitcoord.errors import RepositoryError
from gitcoord.remote.git_process import Completed, clean_env, run_git
from gitcoord.source.changes import merge_bases
from gitcoord.source.repository import Repository

_POINTED = re.compile(r"ref: refs/heads/(\S+)\tHEAD\n")
STEPS = (100, 1000, 10_000)  # commits more, each time; a branch is rarely longer than the first
FETCH_TIMEOUT_S = 120.0
HINT = (
    'Fetch the whole history: `fetch-depth: 0` for actions/checkout, `GIT_DEPTH: "0"` in GitLab CI, '
    "`git fetch --unshallow` elsewhere."
)


def bring(repository: Repository, wanted: Sequence[str], remote: str = "origin") -> bool:
    """Ask the remote for commits or branches that are not here; tell whether it gave them."""
    return _fetch(repository, (), remote, wanted)


def common_commits(repository: Repository, one: str, other: str, remote: str = "origin") -> tuple[str, ...]:
    """Return the merge bases of two commits, deepening a shallow clone until there are any; none: there are none.

    Raises:
        RepositoryError: this clone is too shallow, and the remote does not give more.
    """
    found = merge_bases(repository, one, other)
    if found or not is_shallow(repository):
        return found
    for depth in STEPS:
        # The remote refuses all because of one that it does not have: work that is not pushed.
        words = (f"--deepen={depth}",)
        if not any(_fetch(repository, words, remote, some) for some in ((one, other), (one,), (other,))):
            break
        found = merge_bases(repository, one, other)
        if found or not is_shallow(repository):
            return found
    message = f"This clone is too shallow to tell where {shown(one[:12])} and {shown(other[:12])} parted."
    raise RepositoryError(message, hint=HINT)


def tip_of(repository: Repository, branch: str, remote: str = "origin") -> str | None:
    """Return the tip of a branch as the remote has it now, brought here; `None`: it has none, or does not say."""
    ref = f"refs/heads/{branch_name(branch)}"
    listed = _asked(repository, ("ls-remote", "--", remote, ref)).stdout.decode("utf-8", "replace")
    rows = (line.partition("\t") for line in listed.splitlines())
    tip = next((commit for commit, _, name in rows if name == ref), "")  # a pattern matches the tail of others, too
    if not tip or not (repository.has_commit(tip) or bring(repository, [tip], remote)):
        return None
    return tip if repository.has_commit(tip) else None


def default_of(repository: Repository, remote: str = "origin") -> str | None:
    """Return the name of the remote's default branch; `None`: it does not say."""
    listed = _asked(repository, ("ls-remote", "--symref", "--", remote, "HEAD")).stdout.decode("utf-8", "replace")
    found = _POINTED.match(listed)
    return found[1] if found else None


def is_shallow(repository: Repository) -> bool:
    """Whether history is cut off here, as it is now."""
    return repository.text("rev-parse", "--is-shallow-repository") == "true"


def _fetch(repository: Repository, options: Sequence[str], remote: str, wanted: Sequence[str]) -> bool:
    words = ("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", *options, "--", remote, *wanted)
    return _asked(repository, words).rc == 0


def _asked(repository: Repository, words: Sequence[str]) -> Completed:
    env = clean_env(repository.env, ssh_command=repository.settings().get("core.sshcommand", ""))
    return run_git(words, cwd=repository.top, env=env, timeout_s=FETCH_TIMEOUT_S)
