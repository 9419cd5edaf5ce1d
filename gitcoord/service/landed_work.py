"""Landed work: what of a claim the commits changed that landed, and where work for it is that has not landed.

Rules:
  * Only commits made since the claim count, to the second that commits are dated by.
  * Of an item with symbols those count that a commit touched; where that cannot be told, the file.
  * In the clone of a claim's holder all that is here counts as not landed; elsewhere what the remote's branches have.
  * One file an item is enough: what is found out is recorded with the command.

What this file does not know: what ends by it (`core.landing`).
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

from gitcoord.core import patterns, symbols
from gitcoord.core.claim_commands import WorkedFile
from gitcoord.core.claims import Claim, Item, Mode
from gitcoord.service.workspace import Workspace
from gitcoord.source import changes
from gitcoord.source.changes import CommitFiles, Range
from gitcoord.source.touched import touched
from gitcoord.source.unlanded import uncommitted_paths, unlanded_paths, unpushed_paths

SYMBOL_COMMITS_MAX = 50  # commits of one item that are parsed; a claim lasts for hours


def writing(claim: Claim) -> list[Item]:
    """Return the items under which something is changed."""
    return [item for item in claim.items if item.mode is Mode.WRITE]


def since(claim: Claim) -> int:
    """Return when a claim was made, as commits are dated."""
    return int(claim.created_at.timestamp())


@dataclass(slots=True)
class LandedWork:
    """Looks for the work of claims, in one clone, at one tip of the default branch."""

    workspace: Workspace
    default: str
    landed: Collection[str]
    _uncommitted: list[str] | None = field(default=None)

    def changed(self, claim: Claim, own: Iterable[CommitFiles]) -> tuple[WorkedFile, ...]:
        """Return what the landed commits of the claim's branch changed of it."""
        commits = [commit for commit in own if commit.seconds >= since(claim)]
        found = (self._changed_of(claim, item, commits) for item in writing(claim))
        return tuple(file for file in found if file is not None)

    def unlanded(self, claim: Claim) -> tuple[WorkedFile, ...]:
        """Return files of a claim in which there is work that has not landed."""
        items = writing(claim)
        is_here = claim.clone in self.workspace.setting.clone.ids
        paths = set(self._uncommitted_here() if is_here else ())
        paths |= set(
            unlanded_paths(
                self.workspace.repository,
                self.default,
                since(claim),
                lambda path: any(patterns.matches(item.area.pattern, path) for item in items),
                landed=self.landed,
                is_here=is_here,
            )
        )
        return tuple(WorkedFile(claim=claim.id, path=path) for path in one_an_item(items, paths))

    def _uncommitted_here(self) -> list[str]:
        if self._uncommitted is None:
            self._uncommitted = list(uncommitted_paths(self.workspace.repository))
        return self._uncommitted

    def _changed_of(self, claim: Claim, item: Item, commits: Sequence[CommitFiles]) -> WorkedFile | None:
        pairs = (
            (commit, path)
            for commit in commits[: SYMBOL_COMMITS_MAX if item.symbols else None]
            for path in commit.paths
            if patterns.matches(item.area.pattern, path)
        )
        for commit, path in pairs:
            names = self._touched(commit, path) if item.symbols else ()
            mine = symbols.meeting(names or (), item.symbols)
            if mine or names == ():
                return WorkedFile(claim=claim.id, path=path, symbols=mine)
        return None

    def _touched(self, commit: CommitFiles, path: str) -> tuple[str, ...] | None:
        """Return the symbols that a commit touched in a file: empty if that cannot be told, `None` if it is none."""
        repository = self.workspace.repository
        parent = repository.text("rev-parse", "--verify", "--quiet", f"{commit.id}^1") or changes.empty_tree(repository)
        what = Range((parent,), commit.id)
        wanted = [change for change in changes.changed_files(repository, what) if change.path == path]
        found = touched(repository, what, wanted, self.workspace.checkout.definitions).get(path)
        return () if found is None or found.symbols is None else found.symbols or None


def one_an_item(items: Iterable[Item], paths: Iterable[str]) -> tuple[str, ...]:
    """Return the first path of each item that has one."""
    ordered = sorted(paths)
    found = (next((path for path in ordered if patterns.matches(item.area.pattern, path)), None) for item in items)
    return tuple(dict.fromkeys(path for path in found if path is not None))


def unpushed_of(workspace: Workspace, claims: Sequence[Claim], uncommitted: Iterable[str]) -> tuple[str, ...] | None:
    """Return a file for each item of one's own claims in which there is work that no other clone sees.

    `None`: there is no other clone.
    """
    if workspace.code_url is None or not claims:
        return None
    paths = {*uncommitted, *unpushed_paths(workspace.repository, min(since(claim) for claim in claims))}
    return one_an_item([item for claim in claims for item in writing(claim)], paths)
