"""Here: the repository that git runs a hook for, its settings, and its sessions.

Rules:
  * Nothing is asked of a remote before it is known that gitcoord was ever used in this clone.

What this file does not know: which hook runs, what is claimed.
"""

import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from gitcoord.faces.hooks.git.git_place import beside
from gitcoord.ledger.clone import snapshot_files, team_place
from gitcoord.ledger.format.refs import DEFAULT_NAMESPACE
from gitcoord.ledger.hook_view.glance import Clocks, Where
from gitcoord.source.checkout.remote_urls import url_of
from gitcoord.source.checkout.repository import Repository, open_repository

CLOCKS = Clocks(time.time, time.monotonic, time.sleep)


@dataclass(frozen=True, slots=True)
class Here:
    """One worktree. `folder`: what gitcoord keeps of its clone; `follows_team`: it coordinates by a tracked file."""

    repository: Repository
    folder: Path
    settings: Mapping[str, str]
    env: Mapping[str, str]
    follows_team: bool = False

    @classmethod
    def around(cls, cwd: str, folder: str, env: Mapping[str, str]) -> "Here":
        """Open the repository around a folder.

        Raises:
            RepositoryError: git cannot.
        """
        repository = open_repository(Path(cwd), env, beside(cwd, env))
        settings = repository.settings()
        followed = {} if team_place.is_set(settings, env) else team_place.load(Path(folder))
        return cls(repository, Path(folder), {**followed, **settings}, env, follows_team=bool(followed))

    @property
    def repo(self) -> str | None:
        """Which repository this is, where several share one remote."""
        return self.settings.get("gitcoord.repo")

    @property
    def namespace(self) -> str:
        """Where the refs of coordination are."""
        return self.settings.get("gitcoord.namespace", DEFAULT_NAMESPACE).rstrip("/")

    def where(self) -> Where:
        """Return where the ledgers are.

        Raises:
            InvalidError: the remote that is named is none.
        """
        remote = self.env.get("GITCOORD_REMOTE") or self.settings.get("gitcoord.remote")
        is_named = bool(remote) and remote != "."
        url = url_of(remote, self.repository, may_be_path=not self.follows_team) if remote and is_named else None
        return Where(self.folder, url, self.namespace, self.repository.top, self.env, self.repo)

    def sessions(self) -> "Iterator[snapshot_files.Row]":
        """Yield the sessions that worked in this worktree, as far as the clone keeps them."""
        folder = self.folder / snapshot_files.SESSIONS
        try:
            names = sorted(os.listdir(folder))
        except OSError:
            return
        top = snapshot_files.worktree_name(self.repository.top)
        for name in names:
            row = snapshot_files.load(f"{folder}/{name}") if name.endswith(".json") and name[0] != "." else {}
            if row.get("worktree") == top:
                yield row
