"""The start of a step's branch: the command that puts a worktree on it, which can be copied and run.

    the branch is checked out here      nothing
    … in another worktree               cd there
    … only in this clone                git switch <branch>
    pushed, or left as a checkpoint     git fetch …, git switch -c <branch> <what was left>
    new                                 git switch -c <branch> <base>
    then                                git merge of each base that is not in it

Rules:
  * A commit that is not in this clone is fetched first: by the branch that has it, else by its id.
  * The remote is asked where an agent was at work on the step before, or something has to be fetched.
  * SEC-1: a ledger may say anything. What is no name of a branch, or no id, gets into no command; names are quoted,
    since git allows some that a shell would act on.

What this file does not know: who may have the step.
"""

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from gitcoord.core.documents.call import Call, sentence
from gitcoord.core.documents.json_text import Json
from gitcoord.core.documents.names import branch_name
from gitcoord.errors import InvalidError
from gitcoord.redaction import redact
from gitcoord.service.session.workspace import Workspace
from gitcoord.source.checkout.default_branch import is_ancestor
from gitcoord.source.checkout.local_branch import local_branch, remote_named

_SHOWN = 12  # digits of an id in a command, as everywhere
_ID = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")


def how_to_begin(workspace: Workspace, step: Mapping[str, Json], *, is_continued: bool) -> str:
    """Return what to do first on a step that was just claimed.

    Args:
        workspace: whose worktree it is.
        step: as its holder is shown it, with `base[]` or `base_commit`.
        is_continued: another agent was at work on it before.
    """
    checkpoint = step.get("checkpoint")
    left = checkpoint if isinstance(checkpoint, dict) else {}
    own = _branch(step.get("branch")) or str(step.get("id")).replace("/", "-")
    base = step.get("base")
    rows = [row for row in base if isinstance(row, dict)] if isinstance(base, list) else []
    handed_in = [_commit(row.get("commit_hash"), row.get("branch")) for row in rows]
    start = _Start(
        workspace,
        names=tuple(dict.fromkeys([own, *filter(None, [_branch(left.get("branch"))])])),
        base=_commit(step.get("base_commit")),
        needed=tuple(commit for commit in handed_in if commit is not None),
        left=_commit(left.get("commit")),
        is_continued=is_continued or bool(left),
    )
    command = start.command()
    begin = f"Begin with: `{command}`." if command else f"Go on here: branch {shlex.quote(own)} is checked out."
    ready = "committed" if workspace.code_url is None else "committed and pushed"
    complete = Call.of("complete_step", step_id=str(step.get("id")), commit_hash=...)
    return sentence(f"{begin} When it is {ready}: ", complete, ".")


def remote_of(workspace: Workspace) -> str:
    """Return the word by which git knows where the work is pushed."""
    url = workspace.code_url or "origin"
    return remote_named(workspace.repository, url) or (url if redact(url) == url else "origin")


class _Commit(NamedTuple):
    """A commit to have. `branch`: which one of the remote should have it."""

    id: str
    branch: str | None = None


@dataclass
class _Start:
    """How one step's branch is started.

    Attributes:
        names: of the branch, as it is called now and as it was when its last holder left it.
        base: what the project begins with; `None`: the step builds on others.
        needed: what these were handed in with.
        left: the last commit that is known of the previous holder.
        fetched: what git has to fetch, as words of a command.
    """

    workspace: Workspace
    names: tuple[str, ...]
    base: _Commit | None
    needed: tuple[_Commit, ...]
    left: _Commit | None
    is_continued: bool
    fetched: dict[str, None] = field(default_factory=dict[str, None])

    def command(self) -> str:
        """Return the commands, joined; nothing where the worktree is on the branch and has what it needs."""
        local = local_branch(self.workspace.repository, self.names[0])
        # What the remote has of the branch counts if an agent was at work on it.
        heads: Mapping[str, str] = self._heads if self.is_continued else {}
        pushed = next((_Commit(heads[name], name) for name in self.names if name in heads), None)
        if local is not None:
            switch, tip = f"git switch {shlex.quote(self.names[0])}", local.tip
            if local.is_here:
                words = []
            elif local.worktree is None:
                words = [switch]
            elif local.is_left:
                words = ["git worktree prune", switch]
            else:
                words = [f"cd {shlex.quote(str(local.worktree))}"]
        else:
            start = (
                pushed
                or (self.left if self.left is not None and self.workspace.checkout.has_commit(self.left.id) else None)
                or next(iter(self.needed), None)
                or self.base
            )
            words = [" ".join(["git switch -c", shlex.quote(self.names[0]), *([self._word(start)] if start else [])])]
            tip = start.id if start else "HEAD"
        repository = self.workspace.repository
        lacking = [
            commit
            for commit in [*([pushed] if pushed else []), *self.needed]
            if commit.id != tip and not is_ancestor(repository, commit.id, tip)
        ]
        words += [f"git merge --no-edit {self._word(commit)}" for commit in lacking]
        fetch = [f"git fetch {shlex.quote(remote_of(self.workspace))} {' '.join(self.fetched)}"] if self.fetched else []
        return " && ".join([*fetch, *words])

    def _word(self, commit: _Commit) -> str:
        """Return a commit as a word of a command, after noting what has to be fetched to have it."""
        has_commit = self.workspace.checkout.has_commit
        if self.workspace.code_url is not None and not has_commit(commit.id):
            # A branch of the remote may have a commit that is not here, unless its tip is here and is another.
            tip = self._heads.get(commit.branch) if commit.branch is not None else None
            may_have = tip is not None and (tip == commit.id or not has_commit(tip))
            self.fetched[shlex.quote(commit.branch) if commit.branch and may_have else commit.id] = None
        return commit.id[:_SHOWN]

    @cached_property
    def _heads(self) -> Mapping[str, str]:
        url = self.workspace.code_url
        return (self.workspace.repository.heads(url) if url is not None else None) or {}


def _commit(found: Json, branch: Json = None) -> _Commit | None:
    return _Commit(found, _branch(branch)) if isinstance(found, str) and _ID.fullmatch(found) else None


def _branch(name: Json) -> str | None:
    try:
        return branch_name(name) if isinstance(name, str) else None
    except InvalidError:
        return None
