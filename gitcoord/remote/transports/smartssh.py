"""The transport by ssh: git's smart protocol over one connection that is shared (`smart`, `ssh_server`).

What this file does not know: ledgers, and how a connection is kept.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from gitcoord.redaction import redact
from gitcoord.remote.contract.clocks import Clocks
from gitcoord.remote.copies.buffered_objects import BufferedObjects
from gitcoord.remote.copies.known_tips import KnownTips
from gitcoord.remote.git.named_url import env_for
from gitcoord.remote.git.user_config import ConnectionSettings
from gitcoord.remote.ssh.ssh_command import SshCommand, why_not_openssh
from gitcoord.remote.ssh.ssh_place import SshPlace
from gitcoord.remote.ssh.ssh_server import SshServer
from gitcoord.remote.transports.smart import TIMEOUT_S, SmartTransport

if TYPE_CHECKING:  # where git is not needed it is not loaded
    from gitcoord.remote.transports.gitcli import GitCliTransport


def smart_ssh(  # noqa: PLR0913 - the composition root names each
    url: str,
    place: SshPlace,
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
    """Return the transport of a clone to a URL, which is that of `place`; see `smarthttp.smart_http`."""
    git_env, shown = env_for("gitcoord", url, env, settings.local), redact(url)
    variant = {key: value for key, value in settings.local if key == "ssh.variant"}.get("ssh.variant", "")
    is_allowed = "ssh" in git_env["GIT_ALLOW_PROTOCOL"].split(":")
    return SmartTransport(
        SshServer(
            place,
            SshCommand(git_env, str(store_path)),
            folder=store_path.parent,
            clocks=clocks,
            timeout_s=timeout_s,
            shown=shown,
        ),
        store=KnownTips(
            store_path, objects=objects, namespace=namespace, shown_url=shown, env=git_env, clocks=clocks, is_new=is_new
        ),
        clocks=clocks,
        by_git=by_git,
        unfamiliar=why_not_openssh(git_env, variant) if is_allowed else "ssh is not allowed by GIT_ALLOW_PROTOCOL",
    )
