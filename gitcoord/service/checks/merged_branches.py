"""Merged branches: which branches landed, as far as one clone can tell at one tip of the default branch.

Rules:
  * A branch is judged by what is here of it and of the default branch, and by commits that a caller knows of it.
  * Where the remote still has the branch, its tip there must have landed as well: what is here may be old.

What this file does not know: how git tells that a branch landed (`source/history/landed`), claims and steps.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from gitcoord.core.documents.names import branch_name
from gitcoord.errors import InvalidError
from gitcoord.remote.contract.protocol import Oid
from gitcoord.service.session.workspace import Workspace
from gitcoord.source.checkout.default_branch import DefaultTip, is_ancestor
from gitcoord.source.history.changes import CommitFiles
from gitcoord.source.history.landed import DefaultLine, Landed, landed, on_own_line, signed_commits


@dataclass(frozen=True)
class MergedBranches:
    """Looks for merges; it asks the remote for its branches, and git the same about one, once, when first needed."""

    workspace: Workspace
    default: DefaultTip
    _signed: dict[str, Mapping[tuple[str, int], list[Oid]]] = field(
        default_factory=dict[str, Mapping[tuple[str, int], list[Oid]]], init=False, repr=False, compare=False
    )

    @cached_property
    def _line(self) -> DefaultLine:
        return DefaultLine(self.workspace.repository, self.default.commit)

    @cached_property
    def heads(self) -> Mapping[str, str] | None:
        """Return the tips of the remote's branches; `None`: there is no remote, or it does not say."""
        url = self.workspace.code_url
        return self.workspace.repository.heads(url) if url else None

    def landed(self, branch: str, known: Iterable[str] = ()) -> Landed | None:
        """Say where a branch landed; `None`: it has not, or that is unknown. `known`: commits that are its own."""
        if branch == self.default.name:
            return None
        landing = landed(self._line, branch, known)
        return landing if landing is not None and self._is_whole(branch, landing.tips) else None

    def on_own_line(self, branch: str, since_s: int) -> list[CommitFiles]:
        """Return what a branch that may have been fast-forwarded has since then; empty: it was not, or git cannot say.

        `since_s`: in seconds since the epoch.
        """
        if branch == self.default.name or not self._is_whole(branch, ()):
            return []
        return on_own_line(self._line, branch, since_s)

    def signed(self, base: str) -> Mapping[tuple[str, int], list[Oid]]:
        """Return the commits since a base that say of which step they are, by step and fence."""
        if base not in self._signed:
            self._signed[base] = signed_commits(self.workspace.repository, base, self.default.commit)
        return self._signed[base]

    def is_gone(self, branch: str | None) -> bool:
        """Whether the remote does not have a branch any more."""
        return self.heads is not None and branch is not None and branch not in self.heads

    def has(self, commit: str) -> bool:
        """Whether a commit is on the default branch."""
        return is_ancestor(self.workspace.repository, commit, self.default.commit)

    def _is_whole(self, branch: str, landed: Collection[str]) -> bool:
        """Whether what the remote has of a branch landed, too. A remote that does not say keeps what was claimed.

        `landed`: tips that are known to have.
        """
        if self.heads is None:
            return self.workspace.code_url is None
        tip = self.heads.get(branch)
        return tip is None or tip in landed or self.has(tip)


def is_branch(text: str | None) -> bool:
    """Whether git may be asked for it; a ledger that others wrote may say anything."""
    try:
        return bool(text) and bool(branch_name(text or ""))
    except InvalidError:
        return False
