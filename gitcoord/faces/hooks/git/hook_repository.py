"""Here: the repository that git runs a hook for, its settings, and its sessions.

Rules:
  * Nothing is asked of a remote before it is known that gitcoord was ever used in this clone.

What this file does not know: which hook runs, what is claimed.
"""

import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from gitcoord.faces.hooks.git.git_place import beside
from gitcoord.ledger.clone import snapshot_files, team_place
from gitcoord.ledger.format.refs import DEFAULT_NAMESPACE
from gitcoord.ledger.hook_view.glance import Clocks, Where
from gitcoord.remote.git.user_config import UserConfig
from gitcoord.source.checkout.remote_urls import url_of
from gitcoord.source.checkout.repository import Repository, open_repository, settings_in

CLOCKS = Clocks(time.time, time.monotonic, time.sleep)


class Here(NamedTuple):
    """One worktree. `folder`: what gitcoord keeps of its clone; `follows_team`: it coordinates by a tracked file."""

    repository: Repository
    folder: Path
    config: UserConfig
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
        config = repository.config()
        settings = settings_in(config)
        followed = {} if team_place.is_set(settings, env) else team_place.load(Path(folder))
        return cls(repository, Path(folder), config, {**followed, **settings}, env, follows_team=bool(followed))

    @property
    def repo(self) -> str | None:
        """Which repository this is, where several share one remote."""
        return self.settings.get("gitcoord.repo")

    @property
    def agent(self) -> str:
        """Who works here by the environment or the settings; empty where they name no one."""
        return self.env.get("GITCOORD_AGENT") or self.settings.get("gitcoord.agent", "")

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
        url: str | None = None
        if remote and is_named:
            url = url_of(remote, self.repository, may_be_path=not self.follows_team, config=self.config)
        connection = self.config.connection.local
        return Where(self.folder, url, self.namespace, self.repository.top, self.env, self.repo, connection)

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
