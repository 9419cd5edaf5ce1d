"""The user's own ssh, as git would start it; and what its configuration says of sharing connections.

Rules:
  * The command is the one that git has: GIT_SSH_COMMAND, `core.sshCommand`, GIT_SSH or `ssh`, in batch mode
    (`git_process.clean_env`). A shell reads it, as git has it.
  * Only OpenSSH shares connections; which program it is, is decided as git does (git-config(1), ssh.variant).

What this file does not know: what is run at the other end.
"""

from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Final, NamedTuple

from gitcoord.remote.ssh.ssh_place import SshPlace

_OTHER: Final = "its ssh command is not OpenSSH's"
_OWN_MASTER: Final = frozenset({"yes", "true", "auto"})


class SshCommand(NamedTuple):
    """How ssh is started. `env`: from `clean_env`; it has the command."""

    env: Mapping[str, str]
    cwd: str

    def words(self, place: SshPlace, options: Sequence[str], *remote: str) -> list[str]:
        """Return a command line: the user's ssh with more options, to a place."""
        port = ["-p", place.port] if place.port else []
        return ["sh", "-c", f'{self.env["GIT_SSH_COMMAND"]} "$@"', "ssh", *options, *port, place.host, *remote]


def why_not_openssh(env: Mapping[str, str], variant: str) -> str:
    """Return why connections are not shared, as the end of a sentence; nothing where they may be.

    Args:
        env: from `clean_env`.
        variant: `ssh.variant` of the user's configuration.
    """
    named = env.get("GIT_SSH_VARIANT") or variant
    if named and named != "auto":
        return _OTHER if named in {"plink", "putty", "tortoiseplink", "simple"} else ""
    words = env["GIT_SSH_COMMAND"].split()
    program = PurePosixPath(words[0].strip("\"'")).name if words else ""
    return "" if program == "ssh" else _OTHER


class OwnSharing(NamedTuple):
    """What the user's ssh configuration says. `path`: of its socket, nothing where it shares no connections.

    `is_kept`: its connections go on after what they were opened for. `beats`: it notices a line that is dead.
    """

    path: str
    is_kept: bool
    beats: bool


def own_sharing(said: str) -> OwnSharing:
    """Read what `ssh -G` says of a host. See ssh_config(5), ControlMaster, ControlPath and ControlPersist."""
    found = {key: value for key, _, value in (line.partition(" ") for line in said.splitlines())}
    path = found.get("controlpath", "none")
    is_kept = found.get("controlmaster") in _OWN_MASTER and found.get("controlpersist", "no") not in {"no", "false"}
    return OwnSharing("" if path == "none" else path, is_kept, found.get("serveraliveinterval", "0") != "0")
