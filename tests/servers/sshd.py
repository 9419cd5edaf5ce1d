"""ssh as OpenSSH serves it: a throw-away host key, a throw-away user key, signed in as whoever runs the tests."""

import getpass
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.servers.daemons import START_S, Daemon, free_port, need, port_answers, server_env

_CONFIG = """\
ListenAddress 127.0.0.1
Port {port}
HostKey {folder}/host
PidFile none
AuthorizedKeysFile {folder}/{keys}
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin yes
StrictModes no
UsePAM no
LogLevel ERROR
MaxStartups 100
AcceptEnv {accepted}
SetEnv GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null HOME={folder}
"""


class Sshd:
    """Serves any path that the user may read."""

    accepted = "GIT_PROTOCOL"
    keys = "user.pub"  # who is let in
    served = "root"

    def __init__(self, folder: Path) -> None:
        sshd, keygen = need("sshd"), need("ssh-keygen")
        need("ssh")
        self.root = folder / self.served
        self.root.mkdir(parents=True)
        self.port = free_port()
        for name in ("host", "user", "stranger"):
            command = [keygen, "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(folder / name)]
            subprocess.run(command, check=True, timeout=START_S, stdin=subprocess.DEVNULL)
        self._host_key = (folder / "host.pub").read_text().rsplit(" ", 1)[0]
        (folder / "known_hosts").write_text(f"[127.0.0.1]:{self.port} {self._host_key}\n")
        words = {"port": self.port, "folder": folder, "accepted": self.accepted, "keys": self.keys}
        (folder / "sshd.conf").write_text(_CONFIG.format(**words))
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(exist_ok=True)  # Debian's sshd refuses to start without it
        self._folder = folder
        self.runtime = Path(tempfile.mkdtemp(prefix="gitcoord", dir="/tmp"))  # short: a socket's path has 107 bytes
        self._daemon = Daemon(
            [sshd, "-D", "-e", "-f", str(folder / "sshd.conf")],
            folder=folder,
            env=server_env(folder),
            ready=port_answers(self.port),
        )

    def url(self, name: str) -> str:
        return self.url_at(self.port, name)

    def url_at(self, port: int, name: str) -> str:
        """Return a URL whose port leads here, by a proxy; clients know the host's key there, too."""
        known = self._folder / "known_hosts"
        line = f"[127.0.0.1]:{port} {self._host_key}\n"
        if line not in known.read_text():
            known.write_text(known.read_text() + line)
        return f"ssh://{getpass.getuser()}@127.0.0.1:{port}{self.path(name)}"

    def path(self, name: str) -> str:
        """Return what follows the port in the URL of a repository."""
        return f"{self.root}/{name}"

    def client_env(self, key: str = "user") -> dict[str, str]:
        """Return what a client needs to sign in; `stranger` is a key that the server does not know.

        Sockets of shared connections are below a folder that goes with this server.
        """
        options = (
            f"-F none -i {self._folder / key} -oIdentitiesOnly=yes -oUserKnownHostsFile={self._folder}/known_hosts"
        )
        return {
            "GIT_SSH_COMMAND": f"ssh {options} -oStrictHostKeyChecking=yes",
            "XDG_RUNTIME_DIR": str(self.runtime),
        }

    def serving(self, git_dir: Path, service: str = "", besides: Collection[int] = ()) -> list[int]:
        """Wait until git serves a repository here, `besides` processes that are known, and return its processes."""
        deadline = time.monotonic() + START_S
        while not (found := [pid for pid in self.served_by(git_dir, service) if pid not in besides]):
            assert time.monotonic() < deadline, "no session begins"
            time.sleep(0.01)  # a poll of a foreign process, bounded by START_S
        return found

    def served_by(self, git_dir: Path, service: str = "") -> list[int]:
        """Return the processes that serve a repository now."""
        return [
            pid
            for pid, words in _running().items()
            if words.startswith("git") and service in words and words.endswith(f" {git_dir}")
        ]

    def wait_for_end(self, processes: Collection[int]) -> None:
        """Wait until none of these processes runs."""
        deadline = time.monotonic() + START_S
        while {*processes} & _running().keys():
            assert time.monotonic() < deadline, "a session goes on"
            time.sleep(0.01)  # as in `serving`

    @contextmanager
    def hanging(self) -> Iterator[None]:
        """Within the block it accepts connections, and answers none."""
        self._daemon.suspend()
        try:
            yield
        finally:
            self._daemon.resume()

    def stop(self) -> None:
        end_shared(self.runtime)
        self._daemon.stop()
        shutil.rmtree(self.runtime, ignore_errors=True)


class OldSshd(Sshd):
    """As it is where nobody changed its configuration: clients cannot ask for version 2 of git's protocol."""

    accepted = "LANG"


def sockets_in(folder: Path) -> list[Path]:
    """Return the sockets anywhere in a folder."""
    return [path for path in folder.rglob("*") if path.is_socket()]


def _running() -> dict[int, str]:
    """Return the command lines of all processes that have not ended; one that waits to be collected has."""
    words = ["ps", "-A", "-ww", "-o", "pid=,stat=,args="]
    said = subprocess.run(words, timeout=START_S, capture_output=True, check=True, text=True)
    rows = (line.split(maxsplit=2) for line in said.stdout.splitlines())
    return {int(row[0]): row[2] for row in rows if len(row) > 2 and not row[1].startswith("Z")}


def master_of(path: Path) -> int:
    """Return the id of the ssh behind a socket."""
    words = ["ssh", "-F", "none", f"-oControlPath={path}", "-O", "check", "none"]
    done = subprocess.run(words, timeout=START_S, capture_output=True, check=True, text=True)
    return int(done.stderr.partition("pid=")[2].partition(")")[0])


def wait_for_sessions(path: Path) -> None:
    """Wait until no ssh is left that asked the one behind a socket for a session."""
    deadline = time.monotonic() + START_S
    while any(f"-oControlPath={path} " in words and "-oControlMaster=no" in words for words in _running().values()):
        assert time.monotonic() < deadline, "a session goes on"
        time.sleep(0.01)  # a poll of a foreign process, bounded by START_S


def end_shared(folder: Path) -> None:
    """End the background processes of ssh whose sockets are in a folder."""
    for path in sockets_in(folder):
        words = ["ssh", "-F", "none", f"-oControlPath={path}", "-O", "exit", "none"]
        subprocess.run(words, timeout=START_S, capture_output=True, check=False)
        path.unlink(missing_ok=True)
