"""ssh as OpenSSH serves it: a throw-away host key, a throw-away user key, signed in as whoever runs the tests."""

import getpass
import os
import subprocess
from pathlib import Path

from tests.servers.daemons import START_S, Daemon, free_port, need, port_answers, server_env

_CONFIG = """\
ListenAddress 127.0.0.1
Port {port}
HostKey {folder}/host
PidFile none
AuthorizedKeysFile {folder}/user.pub
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin yes
StrictModes no
UsePAM no
LogLevel ERROR
MaxStartups 100
AcceptEnv GIT_PROTOCOL
SetEnv GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null
"""


class Sshd:
    """Serves any path that the user may read."""

    def __init__(self, folder: Path) -> None:
        sshd, keygen = need("sshd"), need("ssh-keygen")
        need("ssh")
        self.root = folder / "root"
        self.root.mkdir(parents=True)
        self._port = free_port()
        for name in ("host", "user", "stranger"):
            command = [keygen, "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(folder / name)]
            subprocess.run(command, check=True, timeout=START_S, stdin=subprocess.DEVNULL)
        host_key = (folder / "host.pub").read_text().rsplit(" ", 1)[0]
        (folder / "known_hosts").write_text(f"[127.0.0.1]:{self._port} {host_key}\n")
        (folder / "sshd.conf").write_text(_CONFIG.format(port=self._port, folder=folder))
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(exist_ok=True)  # Debian's sshd refuses to start without it
        self._folder = folder
        self._daemon = Daemon(
            [sshd, "-D", "-e", "-f", str(folder / "sshd.conf")],
            folder=folder,
            env=server_env(folder),
            ready=port_answers(self._port),
        )

    def url(self, name: str) -> str:
        return f"ssh://{getpass.getuser()}@127.0.0.1:{self._port}{self.root}/{name}"

    def client_env(self, key: str = "user") -> dict[str, str]:
        """Return what a client needs to sign in; `stranger` is a key that the server does not know."""
        options = (
            f"-F none -i {self._folder / key} -oIdentitiesOnly=yes -oUserKnownHostsFile={self._folder}/known_hosts"
        )
        return {"GIT_SSH_COMMAND": f"ssh {options} -oStrictHostKeyChecking=yes"}

    def stop(self) -> None:
        self._daemon.stop()
