"""Pushed: the last commit of a branch on a remote, as far as this clone knows it, that changed something in question.

What counts are commits of the branch's own: what the default branch has is everyone's.

What this file does not know: claims.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import NamedTuple

from gitcoord.remote.contract.protocol import Oid, oid
from gitcoord.source.checkout.default_branch import default_tip
from gitcoord.source.checkout.repository import Repository
from gitcoord.source.history.changes import NAMED, named_commits

COMMITS_MAX = 200  # of a branch that are looked into; a claim lasts for hours


class Sought(NamedTuple):
    """A commit that is looked for: made since then, and it changed a file which matches."""

    since: datetime
    matches: Callable[[str], bool]


def last_pushed(repository: Repository, branch: str, sought: Mapping[str, Sought]) -> dict[str, Oid]:
    """Return the newest pushed commit of a branch for each that is sought; what has none is left out.

    Where git cannot say, the tip: it may have changed one.
    """
    shape = "--format=%(objectname) %(refname)"
    listed = repository.text("for-each-ref", shape, f"refs/remotes/*/{branch}") or ""
    rows = (line.split(" ") for line in listed.splitlines())
    tips = [tip for tip, ref in rows if ref.split("/", 3)[3:] == [branch]]
    if not tips or not sought:
        return {}
    default = default_tip(repository)
    known = [f"^{default.commit}"] if default is not None else []
    since = {key: int(wish.since.timestamp()) for key, wish in sought.items()}
    limits = (f"--max-count={COMMITS_MAX}", f"--since={min(since.values())}", "--diff-merges=first-parent")
    done = repository.git("log", *NAMED, *limits, *tips, *known, "--")
    if done.rc != 0:
        return dict.fromkeys(sought, oid(tips[0]))
    found: dict[str, Oid] = {}
    for commit in named_commits(done.stdout):
        for key, wish in sought.items():
            if key not in found and since[key] <= commit.seconds and any(map(wish.matches, commit.paths)):
                found[key] = commit.id
    return found
