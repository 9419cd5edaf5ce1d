"""The transport by http: git's smart protocol, one request a swap (`smart`).

What this file does not know: ledgers, and how a question travels.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from gitcoord.errors import RepositoryError
from gitcoord.redaction import redact
from gitcoord.remote.contract.clocks import Clocks
from gitcoord.remote.copies.buffered_objects import BufferedObjects
from gitcoord.remote.copies.known_tips import KnownTips
from gitcoord.remote.git.git_version import git_version
from gitcoord.remote.git.named_url import env_for
from gitcoord.remote.git.user_config import ConnectionSettings
from gitcoord.remote.http.git_server import GitServer, Way
from gitcoord.remote.http.http_settings import http_settings
from gitcoord.remote.transports.smart import TIMEOUT_S, SmartTransport

if TYPE_CHECKING:  # where git is not needed it is not loaded
    from gitcoord.remote.transports.gitcli import GitCliTransport


def smart_http(  # noqa: PLR0913 - the composition root names each
    url: str,
    *,
    store_path: Path,
    objects: BufferedObjects,
    env: Mapping[str, str],
    clocks: Clocks,
    settings: ConnectionSettings,
    by_git: "Callable[[], GitCliTransport]",
    namespace: str = "refs/coord/",
    timeout_s: float = TIMEOUT_S,
    is_new: Callable[[], bool] = lambda: True,
) -> SmartTransport:
    """Return the transport of a clone to a URL; for what is not said here see `GitCliTransport`.

    Args:
        url: with http or https, as `insteadOf` rules have left it.
        store_path: the clone's bare repository, in the clone's folder.
        objects: its objects.
        env: the environment of this process.
        clocks: what time it is.
        settings: what git's configuration says of connecting.
        by_git: makes the transport for what is unfamiliar.
        namespace: what is coordinated in, ending in `/`.
        timeout_s: for each question.
        is_new: whether the clone has seen nothing of any remote yet.
    """
    git_env = env_for("gitcoord", url, env, settings.local)
    tips = KnownTips(
        store_path,
        objects=objects,
        namespace=namespace,
        shown_url=redact(url),
        env=git_env,
        clocks=clocks,
        is_new=is_new,
    )

    def version() -> str:
        try:
            major, minor, rest = git_version(store_path, env)
        except RepositoryError:  # who needs git says so
            return "0"
        return f"{major}.{minor}{rest}"

    way = Way(url, http_settings(url, settings.http, env), git_env)
    server = GitServer(way, folder=store_path.parent, clocks=clocks, timeout_s=timeout_s, git_version=version)
    return SmartTransport(server, store=tips, clocks=clocks, by_git=by_git, unfamiliar=way.settings.unfamiliar)
