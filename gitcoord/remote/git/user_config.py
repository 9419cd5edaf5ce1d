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
from gitcoord.remote.git.git_failure import shown
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


def connection_settings(repository: Path, env: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Return the settings of a repository that a command in the store would miss; see `settings_of`."""
    return settings_of(repository, env).local


def settings_of(repository: Path, env: Mapping[str, str]) -> ConnectionSettings:
    """Read the settings of a repository.

    Raises:
        RepositoryError: there is no usable repository.
    """
    words = ("config", "--list", "--show-scope", "--includes", "-z")
    done = run_git(words, cwd=repository, env=clean_env(env), timeout_s=_TIMEOUT_S)
    if done.rc != 0:
        raise RepositoryError(f"git cannot read the configuration of {str(repository)!r}: {shown(done.errors)}")
    fields = done.stdout.decode(errors="surrogateescape").split("\0")
    local: list[tuple[str, str]] = []
    http: list[tuple[str, str]] = []
    for scope, setting in zip(fields[::2], fields[1::2], strict=False):
        key, has_value, value = setting.partition("\n")
        pair = (key, value if has_value else "true")
        if _CONNECTION.fullmatch(key) and (scope in _LOCAL_SCOPES or key in _SSH):
            local.append(pair)
        if key.startswith("http."):
            http.append(pair)
    return ConnectionSettings(tuple(local), tuple(http))
