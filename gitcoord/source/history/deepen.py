"""Deepening: bringing commits that a shallow checkout lacks, as far as that takes, and saying what to set otherwise.

Rules:
  * Only a shallow clone is deepened, and only by commits: no ref of the user's moves, nothing is checked out.
  * Where it is still not enough, the error says exactly which setting of which CI brings the history.
  * SEC-2: the remote is asked through `remote_probe`, under a name of ours. How it is reached and what it sends, as set
    for its own name, holds all the same; its refspecs do not.

What this file does not know: what the commits are for.
"""

import re
from collections.abc import Sequence

from gitcoord.core.documents.names import branch_name, shown
from gitcoord.errors import RepositoryError
from gitcoord.redaction import redact
from gitcoord.remote.git.git_process import Completed, run_git
from gitcoord.source.checkout import remote_probe
from gitcoord.source.checkout.repository import Repository
from gitcoord.source.history.changes import merge_bases

# A user may set these; a checkout cannot. `promisor` and its filter: else a partial clone gets whole files.
_OF_ITS_NAME = ("proxy", "proxyauthmethod", "uploadpack", "serveroption", "promisor", "partialclonefilter")
_UNKNOWN = Completed(128, b"", b"")  # as git ends for a remote that it does not know
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
    listed = _asked(repository, remote, "ls-remote", "--", remote_probe.REMOTE, ref).stdout.decode("utf-8", "replace")
    rows = (line.partition("\t") for line in listed.splitlines())
    tip = next((commit for commit, _, name in rows if name == ref), "")  # a pattern matches the tail of others, too
    if not tip or not (repository.has_commit(tip) or bring(repository, [tip], remote)):
        return None
    return tip if repository.has_commit(tip) else None


def default_of(repository: Repository, remote: str = "origin") -> str | None:
    """Return the name of the remote's default branch; `None`: it does not say."""
    listed = _asked(repository, remote, "ls-remote", "--symref", "--", remote_probe.REMOTE, "HEAD").stdout.decode(
        "utf-8", "replace"
    )
    found = _POINTED.match(listed)
    return found[1] if found else None


def is_shallow(repository: Repository) -> bool:
    """Whether history is cut off here, as it is now."""
    return repository.text("rev-parse", "--is-shallow-repository") == "true"


def _fetch(repository: Repository, options: Sequence[str], remote: str, wanted: Sequence[str]) -> bool:
    words = ("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", *options, "--", remote_probe.REMOTE, *wanted)
    return _asked(repository, remote, *words).rc == 0


def _asked(repository: Repository, remote: str, *words: str) -> Completed:
    url = repository.remote_url(remote, push=False)
    if url is None:
        return _UNKNOWN
    ssh_command = repository.settings().get("core.sshcommand", "")
    pattern = rf"^remote\..*\.({'|'.join(_OF_ITS_NAME)})$"
    listed = repository.git("config", "--null", "--get-regexp", pattern).stdout.decode("utf-8", "surrogateescape")
    pairs = (entry.partition("\n") for entry in listed.split("\0") if entry)
    start = f"remote.{remote}."
    own_settings = [
        (f"remote.{remote_probe.REMOTE}.{key.removeprefix(start)}", value)
        for key, _, value in pairs
        if key.startswith(start)
    ]
    env = remote_probe.asking_env(repository.env, url, ssh_command, own_settings)
    return run_git(words, cwd=repository.top, env=env, timeout_s=FETCH_TIMEOUT_S, asks=redact(url))
