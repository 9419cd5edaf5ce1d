"""Pushed: the last commit of a branch on a remote, as far as this clone knows it, that changed something in question.

What counts are commits of the branch's own: what the default branch has is everyone's.

What this file does not know: claims.
"""

from collections.abc import Callable
from datetime import datetime

from gitcoord.remote.contract.protocol import Oid, oid
from gitcoord.source.checkout.default_branch import default_tip
from gitcoord.source.checkout.repository import Repository

COMMITS_MAX = 200  # of a branch that are looked into; a claim lasts for hours
_MARK = "\x01"  # before a commit's id: no file's name begins so without quotes


def last_pushed(repository: Repository, branch: str, since: datetime, matches: Callable[[str], bool]) -> Oid | None:
    """Return the newest pushed commit of a branch, made since then, that changed a file which matches.

    Where git cannot say, the tip: it may have changed one.
    """
    shape = "--format=%(objectname) %(refname)"
    listed = repository.text("for-each-ref", shape, f"refs/remotes/*/{branch}") or ""
    rows = (line.split(" ") for line in listed.splitlines())
    tips = [tip for tip, ref in rows if ref.split("/", 3)[3:] == [branch]]
    if not tips:
        return None
    default = default_tip(repository)
    known = [f"^{default.commit}"] if default is not None else []
    names = ("-z", "--name-only", "--no-renames", f"--format={_MARK}%H", "--diff-merges=first-parent")
    limits = (f"--max-count={COMMITS_MAX}", f"--since={int(since.timestamp())}", "--no-show-signature")
    done = repository.git("log", *names, *limits, *tips, *known, "--")
    if done.rc != 0:
        return oid(tips[0])
    commit = ""
    for field in done.stdout.decode("utf-8", "replace").split("\0"):
        name = field.removeprefix("\n")
        if name.startswith(_MARK):
            commit = name[len(_MARK) :].strip()
        elif name and commit and matches(name):
            return oid(commit)
    return None
