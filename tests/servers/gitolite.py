"""gitolite over ssh: who may push which refs of which repository is in its configuration.

Everything of it is in a folder of its own, which is its HOME; it signs in as whoever runs the tests, and knows the
one key as `user`.
"""

import subprocess
from pathlib import Path
from typing import Final

from tests.servers.daemons import START_S, need, server_env
from tests.servers.sshd import Sshd

COORDINATES: Final = "RW+ refs/coord/ = user"  # as docs/operating.md says
WRITES_BRANCHES: Final = "RW+ refs/heads/ = user"


class Gitolite(Sshd):
    """Serves the repositories that it was told of."""

    keys = ".ssh/authorized_keys"
    served = "repositories"

    def __init__(self, folder: Path) -> None:
        self._program = need("gitolite")
        super().__init__(folder)
        self._env = {**server_env(folder), "USER": "user"}
        self._run("setup", "-pk", str(folder / "user.pub"))
        self._conf = folder / ".gitolite" / "conf" / "gitolite.conf"

    def path(self, name: str) -> str:
        return f"/{name}"

    def create(self, name: str, *rules: str) -> None:
        """Make a repository with these rules of who may do what."""
        lines = [f"repo {name.removesuffix('.git')}", *(f"    {rule}" for rule in rules)]
        with self._conf.open("a") as conf:
            conf.write("\n".join([*lines, ""]))
        self._run("compile")

    def _run(self, *words: str) -> None:
        nothing = subprocess.DEVNULL
        words = (self._program, *words)
        subprocess.run(
            words, env=self._env, cwd=self.root, timeout=START_S, stdin=nothing, capture_output=True, check=True
        )
