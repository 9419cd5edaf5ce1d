"""Servers of git that are not git's own, each a program that serves the repositories of a folder in two ways.

    git://127.0.0.1:<port>/<name>.git      http://127.0.0.1:<port>/<name>.git

JGit is what Gerrit and other servers in Java are made of. Debian has it in libjgit-java and libjetty9-java; a JDK
compiles the few lines that start it. dulwich is a library in Python.
"""

import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import pytest

from tests.servers.daemons import Daemon, free_port, give_up, need, port_answers, server_env

_JARS: Final = Path("/usr/share/java")
_JGIT: Final = (
    "org.eclipse.jgit",
    "org.eclipse.jgit.http.server",
    "slf4j-api",
    "slf4j-nop",
    "javaewah",
    "servlet-api",
    *(f"jetty9-{part}" for part in ("server", "servlet", "security", "http", "io", "util")),
)


class ForeignServer:
    """Serves the repositories in `<folder>/root`, by git:// and by http."""

    def __init__(self, folder: Path) -> None:
        command = self.command()
        self.root = folder / "root"
        self.root.mkdir(parents=True)
        self.ports = {"git": free_port(), "http": free_port()}
        self._daemon = Daemon(
            [*command, str(self.root), *map(str, self.ports.values())],
            folder=folder,
            env=server_env(folder),
            ready=port_answers(self.ports["http"]),
        )

    def command(self) -> Sequence[str]:
        """Return the program, which takes the folder and both ports; skip the test where it is not installed."""
        raise NotImplementedError

    def url(self, way: str, name: str) -> str:
        """Return the URL of a repository; `way`: `git` or `http`."""
        return f"{way}://127.0.0.1:{self.ports[way]}/{name}"

    def stop(self) -> None:
        self._daemon.stop()


class JGit(ForeignServer):
    """JGit's daemon, and its servlet behind Jetty."""

    def command(self) -> Sequence[str]:
        java = need("java", in_ci=False)
        need("javac", in_ci=False)
        jars = [_JARS / f"{name}.jar" for name in _JGIT]
        missing = next((jar for jar in jars if not jar.exists()), None)
        if missing:
            pytest.skip(f"{missing} is not there: Debian's libjgit-java and libjetty9-java are not installed")
        # It starts in its own folder; C1 alone is quicker in processes that live for minutes.
        options = ["-XX:TieredStopAtLevel=1", "-Duser.home=.", "-Djava.io.tmpdir=."]
        return [java, *options, "-cp", ":".join(map(str, jars)), str(Path(__file__).with_name("JGitServer.java"))]


class Dulwich(ForeignServer):
    """dulwich's servers, with a thread for each request."""

    def command(self) -> Sequence[str]:
        if find_spec("dulwich") is None:
            give_up("dulwich is not installed: it is in tests/requirements.txt, so `make test` installs it")
        return [sys.executable, str(Path(__file__).with_name("dulwich_server.py"))]
