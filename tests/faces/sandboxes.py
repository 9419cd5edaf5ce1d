"""Processes in a sandbox as tools of agents make one: git's folder read-only, no network.

A mount namespace has the folder bound read-only (EROFS, as a container's mount), a network namespace has no network,
not even loopback. Without the capabilities of root the modes of files count (EACCES, as another user's files).
"""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from gitcoord.ledger.clone import snapshot_files

ROOT = Path(__file__).parents[2]
HANG_S = 150.0  # a bound for a hang
_BIND = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec "$@"'
_NO_NETWORK, _READ_ONLY = ("unshare", "-n"), ("unshare", "-m", "sh", "-c", _BIND)
_NO_RIGHTS = ("setpriv", "--inh-caps=-all", "--bounding-set=-all")


@dataclass(frozen=True)
class Sandbox:
    """What it takes away. `rights`: root's, to write what its mode says is read-only."""

    disk: bool = True
    network: bool = True
    rights: bool = False

    def words(self, git_dir: Path) -> tuple[str, ...]:
        """Return what a program's words follow, so that it runs there."""
        return (
            *(_NO_NETWORK if self.network else ()),
            *((*_READ_ONLY, str(git_dir)) if self.disk else ()),
            *(_NO_RIGHTS if self.rights else ()),
        )


@dataclass(frozen=True)
class Said:
    """What a program that ran there left."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:  # noqa: ANN401 - what is in it is what the tests are about
        """Its object on stdout."""
        return json.loads(self.out)


@cache
def _is_allowed(words: tuple[str, ...]) -> bool:
    try:
        return subprocess.run([*words, "true"], capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


def sandboxed(sandbox: Sandbox, repo: Path, *words: str, given: str = "", **env: str) -> Said:
    """Run gitcoord in a sandbox, in a repository; skip where this system lets no test make one.

    Raises:
        subprocess.TimeoutExpired: it hangs.
    """
    found = snapshot_files.places(str(repo))
    assert found is not None
    prefix = sandbox.words(Path(found[1]))
    if prefix and not _is_allowed(prefix):
        pytest.skip(f"no namespace is allowed here: {' '.join(prefix[:2])}")
    program = [*prefix, sys.executable, "-P", "-m", "gitcoord", *words]
    world = {**os.environ, "PYTHONPATH": str(ROOT), "GITCOORD_AGENT": "ann/cli/repo", **env}
    done = subprocess.run(
        program, cwd=repo, env=world, input=given, capture_output=True, text=True, timeout=HANG_S, check=False
    )
    return Said(done.returncode, done.stdout, done.stderr)
