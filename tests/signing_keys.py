"""Keys to sign commits with, made by the real programs: ssh keys and who may sign with them, an OpenPGP keyring.

Sockets of agents lie in folders of their own below /tmp, for their path has 107 bytes.
"""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gitcoord.remote.git.commit_signer import CommitSigner
from tests.conftest import Git
from tests.servers.daemons import need

PROGRAM_S = 60


def call(*words: str, env: dict[str, str] | None = None) -> str:
    """Run a program and return what it writes."""
    full = {**os.environ, **(env or {})}
    done = subprocess.run(
        words, env=full, capture_output=True, text=True, check=False, timeout=PROGRAM_S, stdin=subprocess.DEVNULL
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@dataclass(frozen=True)
class SshKeys:
    """A folder of ssh keys, and the file of who may sign."""

    folder: Path

    @property
    def allowed(self) -> Path:
        return self.folder / "allowed_signers"

    def make(self, name: str, passphrase: str = "") -> Path:
        """Make a key; return the path of its private half."""
        path = self.folder / name
        call(need("ssh-keygen"), "-q", "-t", "ed25519", "-N", passphrase, "-C", name, "-f", str(path))
        return path

    def allow(self, name: str, options: str = "") -> None:
        """Let a key sign as `<name>@example.org`; `options`: of its line, as `valid-before="20260101"`."""
        key = (self.folder / f"{name}.pub").read_text("utf-8")
        with self.allowed.open("a", encoding="utf-8") as file:
            file.write(f"{name}@example.org {options} {key}")

    def sign_by(self, git: Git, repo: Path, name: str) -> None:
        """Have the writes of a clone signed, as who its key is of."""
        settings = {
            "gitcoord.sign": "on",
            "gpg.format": "ssh",
            "user.signingKey": str(self.folder / f"{name}.pub"),
            "gpg.ssh.allowedSignersFile": str(self.allowed),
            "user.name": name,
            "user.email": f"{name}@example.org",
        }
        for key, value in settings.items():
            git(repo, "config", key, value)

    def signer(self, name: str) -> Callable[[bytes], str]:
        """Return what signs with a key."""
        settings = {"gpg.format": "ssh", "user.signingkey": str(self.folder / name)}
        return CommitSigner(settings, "", os.environ, self.folder, self.folder).sign

    def signed(self, raw: bytes, name: str) -> bytes:
        """Return a commit, signed by this key instead of its own."""
        headers, _, body = plain(raw).partition(b"\n\n")
        armored = self.signer(name)(headers + b"\n\n" + body).strip().replace("\n", "\n ")
        return headers + b"\ngpgsig " + armored.encode() + b"\n\n" + body


def plain(raw: bytes) -> bytes:
    """Return a commit without its signature."""
    return re.sub(rb"gpgsig .*?-----END SSH SIGNATURE-----\n", b"", raw, flags=re.DOTALL)


def ssh_keys(folder: Path) -> SshKeys:
    """Return a folder with the keys of ann, who may sign, and of bob, who may not."""
    keys = SshKeys(folder)
    folder.mkdir(exist_ok=True)
    for name in ("ann", "bob"):
        keys.make(name)
    keys.allow("ann")
    return keys


@contextmanager
def ssh_agent() -> Iterator[str]:
    """Run an ssh-agent; yield its socket."""
    folder = Path(tempfile.mkdtemp(prefix="gitcoord", dir="/tmp"))
    agent = subprocess.Popen([need("ssh-agent"), "-D", "-a", str(folder / "s")], stdout=subprocess.PIPE)
    try:
        assert agent.stdout is not None
        agent.stdout.readline()  # written once it listens
        yield str(folder / "s")
    finally:
        agent.terminate()
        agent.wait(PROGRAM_S)
        assert agent.stdout is not None
        agent.stdout.close()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def keyring() -> Iterator[dict[str, str]]:
    """Make an OpenPGP keyring with a key of ann's, and one of enc's with a passphrase; yield its environment."""
    gpg, folder = need("gpg"), Path(tempfile.mkdtemp(prefix="gitcoord", dir="/tmp"))
    env = {"GNUPGHOME": str(folder)}
    words = (gpg, "--quiet", "--batch", "--pinentry-mode", "loopback", "--passphrase")
    try:
        call(*words, "", "--quick-gen-key", "ann <ann@example.org>", "ed25519", "sign", "never", env=env)
        call(*words, "hidden", "--quick-gen-key", "enc <enc@example.org>", "ed25519", "sign", "never", env=env)
        call("gpgconf", "--kill", "gpg-agent", env=env)  # it would know the passphrase still
        yield env
    finally:
        subprocess.run(["gpgconf", "--kill", "gpg-agent"], env={**os.environ, **env}, check=False, timeout=PROGRAM_S)
        shutil.rmtree(folder, ignore_errors=True)
