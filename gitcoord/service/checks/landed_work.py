"""Landed work: what of a claim the commits changed that landed, and where work for it is that has not landed.

Rules:
  * Of what landed only commits made since the claim count, to the second that commits are dated by.
  * Of an item with symbols those count that a commit touched; where that is unknown, the file.
  * In the clone of a claim's holder all that is here counts as not landed; elsewhere what the remote's branches have.
  * SAFE-11: where git cannot say, all that landed of a claim counts as having work that has not.
  * One file an item is enough: what is found out is recorded with the command.

What this file does not know: what ends by it (`core/claims/rules/land_claims`).
"""

from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from gitcoord.core.claims.claim import Claim, Item, Mode
from gitcoord.core.claims.claim_commands import WorkedFile
from gitcoord.core.patterns import path_pattern, symbols
from gitcoord.errors import RepositoryError
from gitcoord.service.session.workspace import Workspace
from gitcoord.source.history import changes
from gitcoord.source.history.changes import CommitFiles, Range
from gitcoord.source.history.unlanded import has_landed, uncommitted_paths, unlanded_commits, unpushed_paths
from gitcoord.source.symbols.touched import touched

SYMBOL_COMMITS_MAX = 50  # commits of one item that are parsed; a claim lasts for hours


def writing(claim: Claim) -> list[Item]:
    """Return the items under which something is changed."""
    return [item for item in claim.items if item.mode is Mode.WRITE]


def since(claim: Claim) -> int:
    """Return when a claim was made, as commits are dated."""
    return int(claim.created_at.timestamp())


@dataclass(slots=True)
class LandedWork:
    """Looks for the work of claims, in one clone, at one tip of the default branch.

    Attributes:
        landed: tips that are known to have landed.
        since_s: when the first of the claims was made.
        unknown: why git could not say all of it; empty: it could.
    """

    workspace: Workspace
    default: str
    landed: Collection[str]
    since_s: int
    unknown: str = ""
    _commits: dict[bool, list[CommitFiles]] = field(default_factory=dict[bool, list[CommitFiles]])
    _has_landed: dict[str, bool] = field(default_factory=dict[str, bool])
    _uncommitted: list[str] | None = None

    def changed(self, claim: Claim, own: Iterable[CommitFiles]) -> tuple[WorkedFile, ...]:
        """Return what the landed commits of the claim's branch changed of it."""
        commits = [commit for commit in own if commit.seconds >= since(claim)]
        files = (self._changed_of(claim, item, commits) for item in writing(claim))
        return tuple(file for file in files if file is not None)

    def unlanded(self, claim: Claim, changed: Iterable[WorkedFile]) -> tuple[WorkedFile, ...]:
        """Return files of a claim in which there is work that has not landed; `changed`: what landed of it."""
        try:
            paths = one_an_item(writing(claim), self._unlanded_paths(claim))
        except RepositoryError as error:
            self.unknown = " ".join(part for part in (str(error), error.hint) if part)
            paths = tuple(file.path for file in changed if file.claim == claim.id)
        return tuple(WorkedFile(claim=claim.id, path=path) for path in paths)

    def _unlanded_paths(self, claim: Claim) -> set[str]:
        items, repository = writing(claim), self.workspace.repository
        is_here = claim.clone in self.workspace.setting.clone.ids
        if is_here and self._uncommitted is None:
            self._uncommitted = list(uncommitted_paths(repository))
        paths = set(self._uncommitted or () if is_here else ())
        if is_here not in self._commits:
            self._commits[is_here] = unlanded_commits(
                repository, self.default, self.since_s, landed=self.landed, is_here=is_here
            )
        for commit in self._commits[is_here]:
            wanted = [
                path for path in commit.paths if any(path_pattern.matches(item.area.pattern, path) for item in items)
            ]
            if not wanted:
                continue
            if commit.id not in self._has_landed:
                self._has_landed[commit.id] = has_landed(repository, commit.id, self.default)
            if not self._has_landed[commit.id]:
                paths |= set(wanted)
        return paths

    def _changed_of(self, claim: Claim, item: Item, commits: Sequence[CommitFiles]) -> WorkedFile | None:
        pairs = (
            (commit, path)
            for commit in commits[: SYMBOL_COMMITS_MAX if item.symbols else None]
            for path in commit.paths
            if path_pattern.matches(item.area.pattern, path)
        )
        for commit, path in pairs:
            names = self._touched(commit, path) if item.symbols else ()
            own_symbols = symbols.meeting(names or (), item.symbols)
            if own_symbols or names == ():
                return WorkedFile(claim=claim.id, path=path, symbols=own_symbols)
        return None

    def _touched(self, commit: CommitFiles, path: str) -> tuple[str, ...] | None:
        """Return the symbols that a commit touched in a file: empty if the file does not tell, `None` if it is none.

        `None`, too, where git cannot say what it changed.
        """
        repository = self.workspace.repository
        parent = repository.text("rev-parse", "--verify", "--quiet", f"{commit.id}^1") or changes.empty_tree(repository)
        what = Range((parent,), commit.id)
        try:
            wanted = [change for change in changes.changed_files(repository, what) if change.path == path]
            found = touched(repository, what, wanted, self.workspace.checkout.definitions).get(path)
        except RepositoryError:
            return None
        return () if found is None or found.symbols is None else found.symbols or None


def one_an_item(items: Iterable[Item], paths: Iterable[str]) -> tuple[str, ...]:
    """Return the first path of each item that has one."""
    ordered = sorted(paths)
    found = (next((path for path in ordered if path_pattern.matches(item.area.pattern, path)), None) for item in items)
    return tuple(dict.fromkeys(path for path in found if path is not None))


def unpushed_of(
    workspace: Workspace, claims: Sequence[Claim], uncommitted: Iterable[str] | None
) -> tuple[str, ...] | None:
    """Return a file for each item of one's own claims in which there is work that no other clone sees.

    `None`: there is no other clone. Where git cannot say (`uncommitted` is `None`, too), every item has one.
    """
    if workspace.code_url is None or not claims:
        return None
    items = [item for claim in claims for item in writing(claim)]
    if uncommitted is not None:
        with suppress(RepositoryError):
            unpushed = unpushed_paths(workspace.repository, min(since(claim) for claim in claims))
            return one_an_item(items, {*uncommitted, *unpushed})
    return tuple(filter(None, (path_pattern.shape_of(item.area.pattern).witness for item in items)))
