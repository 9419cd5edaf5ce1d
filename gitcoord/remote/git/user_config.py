"""What the user's repository says about reaching a remote: credentials, http and ssh settings.

Coordination runs in a store of its own, where the user's global configuration holds but that of the
repository does not. What is needed of the latter is read here and handed on in the environment.

This module must not write configuration.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple

from gitcoord.errors import RepositoryError
from gitcoord.remote.git.git_process import clean_env, run_git

_TIMEOUT_S: Final = 10.0  # git answers from files; network file systems have been seen to take seconds
# How to reach and sign in to a server. Nothing that runs hooks, rewrites refs or changes what is sent; nor rules that
# rewrite URLs, which git applies once, and that was before.
_CONNECTION: Final = re.compile(r"(?:credential|http|ssh)\..*|core\.(?:sshcommand|gitproxy)|protocol\.version")
_SSH: Final = frozenset({"core.sshcommand", "ssh.variant"})
_LOCAL_SCOPES: Final = frozenset({"local", "worktree", "command"})


class ConnectionSettings(NamedTuple):
    """What a user's configuration says of connecting, in git's order.

    Attributes:
        local: what a command in the store would miss; `core.sshCommand` and `ssh.variant` from every scope, so that
            batch mode can be appended to the one, as the other says.
        http: `http.*` from every scope, for who connects without git.
    """

    local: tuple[tuple[str, str], ...]
    http: tuple[tuple[str, str], ...]


class UserConfig(NamedTuple):
    """All that git says of its configuration, in its order: (scope, key, value); `None` is a key without a value.

    git spells the keys in lower case, but for the name in the middle.
    """

    rows: tuple[tuple[str, str, str | None], ...]

    def last(self, keys: re.Pattern[str]) -> dict[str, str]:
        """Return the last value of each key that matches; empty: it has none."""
        return {key: value or "" for _, key, value in self.rows if keys.fullmatch(key)}

    def all_of(self, key: str) -> list[str | None]:
        """Return the values of a key."""
        return [value for _, name, value in self.rows if name == key]

    def push_url(self, remote: str) -> str | None:
        """Return where a remote is pushed to; `None`: that is for git to say, as where a rule rewrites URLs."""
        urls = self.all_of(f"remote.{remote}.pushurl") or self.all_of(f"remote.{remote}.url")
        is_plain = bool(urls) and all(urls) and not any(key.startswith("url.") for _, key, _ in self.rows)
        return urls[0] if is_plain else None

    @property
    def has_remotes(self) -> bool:
        """Whether any remote has a setting, without which `git remote` names none."""
        return any(key.startswith("remote.") and key.count(".") > 1 for _, key, _ in self.rows)

    @property
    def connection(self) -> ConnectionSettings:
        """How to reach a remote."""
        rows = [(scope, key, "true" if value is None else value) for scope, key, value in self.rows]
        local = [row for row in rows if _CONNECTION.fullmatch(row[1]) and (row[0] in _LOCAL_SCOPES or row[1] in _SSH)]
        http = [row for row in rows if row[1].startswith("http.")]
        return ConnectionSettings(tuple(row[1:] for row in local), tuple(row[1:] for row in http))


def connection_settings(repository: Path, env: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Return the settings of a repository that a command in the store would miss; see `settings_of`."""
    return settings_of(repository, env).local


def settings_of(repository: Path, env: Mapping[str, str]) -> ConnectionSettings:
    """Read how the repository reaches remotes, as `config_of`."""
    return config_of(repository, clean_env(env)).connection


def config_of(repository: Path, git_env: Mapping[str, str]) -> UserConfig:
    """Read the configuration around a folder. `git_env`: from `clean_env`.

    Raises:
        RepositoryError: there is no usable repository.
    """
    words = ("config", "--list", "--show-scope", "--includes", "-z")
    done = run_git(words, cwd=repository, env=git_env, timeout_s=_TIMEOUT_S)
    if done.rc != 0:
        from gitcoord.remote.git.git_failure import shown  # its tables take a while to load

        raise RepositoryError(f"git cannot read the configuration of {str(repository)!r}: {shown(done.errors)}")
    fields = done.stdout.decode(errors="surrogateescape").split("\0")
    rows: list[tuple[str, str, str | None]] = []
    for scope, setting in zip(fields[::2], fields[1::2], strict=False):
        key, has_value, value = setting.partition("\n")
        rows.append((scope, key, value if has_value else None))
    return UserConfig(tuple(rows))
