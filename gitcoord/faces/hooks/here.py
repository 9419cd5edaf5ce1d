"""Here: the repository that git runs a hook for, its settings, and its sessions.

Rules:
  * git says in its environment which repository and index it is at work on: that, and nothing else of it, is kept.
  * Nothing is asked of anybody before it is known that gitcoord was ever used in this clone.

What this file does not know: which hook runs, what is claimed.
"""

import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from gitcoord.ledger import hook_files, team_place
from gitcoord.ledger.glance import Clocks, Where
from gitcoord.ledger.refs import DEFAULT_NAMESPACE
from gitcoord.source.remote_urls import url_of
from gitcoord.source.repository import Repository, open_repository

_OWN = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR")
_JUDGING = ("pre-push", "pre-commit")
CLOCKS = Clocks(time.time, time.monotonic, time.sleep)


def beside(cwd: str, env: Mapping[str, str]) -> dict[str, str]:
    """Return what git said of the repository that it is at work on, as absolute paths."""
    return {name: os.path.join(cwd, env[name]) for name in _OWN if env.get(name)}


def folder_of(cwd: str, env: Mapping[str, str]) -> str:
    """Return the folder that gitcoord keeps in this clone; empty where it never was used."""
    git_dir = beside(cwd, env).get("GIT_DIR")
    if git_dir is None:
        found = hook_files.places(cwd)
        common = found[1] if found else ""
    else:
        named = hook_files.first_line(os.path.join(git_dir, "commondir"))
        common = os.path.join(git_dir, named) if named else git_dir
    folder = os.path.join(common, "gitcoord")
    return os.path.realpath(folder) if common and os.path.isdir(folder) else ""


def is_closed(folder: str, hook: str) -> bool:
    """Whether the team wants to be stopped where a hook cannot look, as far as this clone knows.

    A hook that judges nothing stops nothing; nor would git's `--no-verify` pass by `prepare-commit-msg`.
    """
    return (
        hook in _JUDGING and hook_files.load(f"{folder}/{hook_files.SNAPSHOT}/{hook_files.ME}").get("enforce") is True
    )


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

    def sessions(self) -> "Iterator[hook_files.Row]":
        """Yield the sessions that worked in this worktree, as far as the clone keeps them."""
        folder = self.folder / hook_files.SESSIONS
        try:
            names = sorted(os.listdir(folder))
        except OSError:
            return
        top = hook_files.worktree_name(self.repository.top)
        for name in names:
            row = hook_files.load(f"{folder}/{name}") if name.endswith(".json") and name[0] != "." else {}
            if row.get("worktree") == top:
                yield row
