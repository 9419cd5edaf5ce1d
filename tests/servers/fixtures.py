"""Real remotes for tests: a fresh bare repository behind a server of each kind.

A test asks for the fixture `servers` (its conftest imports it from here) and calls `servers.remote("ssh")`.
Servers start on first use, once a session, and stop at its end.
"""

import base64
import stat
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import pytest

from gitcoord.remote.contract.protocol import RefName
from tests.servers.daemons import START_S, server_env
from tests.servers.foreign import Dulwich, JGit
from tests.servers.git_daemon import GitDaemon
from tests.servers.gitolite import COORDINATES, WRITES_BRANCHES, Gitolite
from tests.servers.http_backend import PASSWORD, USER, HttpBackend
from tests.servers.sshd import OldSshd, Sshd

KINDS = ("path", "path-hook", "http", "http-auth", "daemon", "ssh", "no-atomic", "fsck")
HTTP_KINDS = ("http", "http-auth", "http-old", "http-fsck", "no-atomic", "dulwich-http")
SSH_KINDS = ("ssh", "ssh-old")

_Server = TypeVar("_Server", HttpBackend, GitDaemon, Sshd, OldSshd, Gitolite, JGit, Dulwich)


@dataclass(frozen=True)
class Remote:
    """A bare repository behind a server, and what a client needs to reach it."""

    kind: str
    url: str
    git_dir: Path
    env: dict[str, str] = field(default_factory=dict[str, str])
    settings: tuple[tuple[str, str], ...] = ()

    def git(self, *args: str) -> str:
        """Run git in the repository itself, past the server."""
        done = subprocess.run(
            ["git", f"--git-dir={self.git_dir}", *args],
            env=server_env(self.git_dir),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=START_S,
            check=True,
        )
        return done.stdout

    def refs(self) -> dict[RefName, str]:
        lines = self.git("for-each-ref", "--format=%(refname) %(objectname)").splitlines()
        return {RefName(ref): oid for ref, oid in (line.split(" ") for line in lines)}

    def hook(self, name: str, script: str) -> None:
        """Install a shell hook in the repository."""
        path = self.git_dir / "hooks" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)


class Servers:
    """Every kind of remote, started when it is first asked for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._running: dict[str, HttpBackend | GitDaemon | Sshd | JGit | Dulwich] = {}
        self._count = 0

    def remote(self, kind: str = "path", *, object_format: str = "sha1") -> Remote:
        """Return a fresh bare repository of one of KINDS."""
        self._count += 1
        name = f"r{self._count}.git"
        if kind in {"path", "path-hook", "fsck"}:
            git_dir = self._folder / kind / name
            remote = Remote(kind, str(git_dir), git_dir)
        elif kind == "daemon":
            daemon = self._started(GitDaemon)
            remote = Remote(kind, daemon.url(name), daemon.root / name)
        elif kind == "gitolite":
            return self.gitolite(COORDINATES, WRITES_BRANCHES)
        elif kind.startswith(("jgit-", "dulwich-")):
            program, _, way = kind.partition("-")
            server = self.foreign(program)
            remote = Remote(kind, server.url(way, name), server.root / name)
        elif kind in SSH_KINDS:
            sshd = self._started(Sshd if kind == "ssh" else OldSshd)
            remote = Remote(kind, sshd.url(name), sshd.root / name, sshd.client_env())
        else:
            remote = self._http_remote(kind, name)
        self._create(remote, object_format)
        return remote

    def gitolite(self, *rules: str) -> Remote:
        """Return a fresh bare repository of gitolite, with these rules of who may do what."""
        self._count += 1
        name = f"r{self._count}.git"
        gitolite = self.gitolite_sshd()
        gitolite.create(name, *rules)
        return Remote("gitolite", gitolite.url(name), gitolite.root / name, gitolite.client_env())

    def foreign(self, program: str) -> JGit | Dulwich:
        """Return a server that is not git's: `jgit` or `dulwich`."""
        return self._started(JGit) if program == "jgit" else self._started(Dulwich)

    def gitolite_sshd(self) -> Gitolite:
        return self._started(Gitolite)

    def sshd(self) -> Sshd:
        return self._started(Sshd)

    def http(self) -> HttpBackend:
        return self._started(HttpBackend)

    def _http_remote(self, kind: str, name: str) -> Remote:
        http = self._started(HttpBackend)
        area = {"http-auth": "auth", "http-bearer": "bearer", "http-old": "old"}.get(kind, "open")
        header = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        settings = (("http.extraHeader", f"Authorization: Basic {header}"),) if kind == "http-auth" else ()
        return Remote(kind, http.url(area, name), http.root / area / name, settings=settings)

    def _started(self, server: type[_Server]) -> _Server:
        name = server.__name__
        if name not in self._running:
            self._running[name] = server(self._folder / f"{len(self._running)}")  # short: a socket's path has 107 bytes
        running = self._running[name]
        assert isinstance(running, server)
        return running

    def _create(self, remote: Remote, object_format: str) -> None:
        remote.git_dir.mkdir(parents=True)
        remote.git("init", "--quiet", "--bare", f"--object-format={object_format}", str(remote.git_dir))
        remote.git("config", "http.receivepack", "true")
        remote.git("config", "gc.auto", "0")
        if remote.kind == "path-hook":
            remote.hook("pre-receive", "cat >/dev/null; echo checked by the hook")
        elif remote.kind == "no-atomic":
            remote.git("config", "receive.advertiseAtomic", "false")
        elif remote.kind in {"fsck", "http-fsck"}:
            remote.git("config", "transfer.fsckObjects", "true")
            remote.git("config", "receive.maxInputSize", "2m")

    def stop(self) -> None:
        for server in self._running.values():
            server.stop()


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """Every kind of remote, real."""
    folder = tmp_path_factory.mktemp("srv")
    running = Servers(folder)
    yield running
    running.stop()
