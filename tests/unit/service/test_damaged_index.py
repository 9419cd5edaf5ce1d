"""Commands in a clone whose copy of the remote has an index that points behind its pack: none ends by a signal."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import Git
from tests.contract.store.damage import pointing_behind
from tests.servers.fixtures import Remote, Servers
from tests.unit.service.world import Shared

CLAIMS = "refs/coord/claims"
COMMAND = ("-m", "gitcoord")
INSPECTION = """
import os
from pathlib import Path
from gitcoord.runtime.views import open_inspection
with open_inspection(Path(), os.environ) as found:
    print(*found.rewound)
"""


@pytest.fixture(params=["path", "http"])
def remote(request: pytest.FixtureRequest, servers: Servers) -> Remote:
    return servers.remote(request.param)


@pytest.fixture
def clone(shared: Shared, remote: Remote, git: Git) -> Path:
    """Have a clone that made two claims; its copy of them is one pack."""
    git(shared.one, "config", "gitcoord.remote", remote.url)
    for name in ("a.zig", "b.zig"):
        done = run(shared.one, *COMMAND, "claim", "add", name)
        assert done.returncode == 0, done.stderr
    return shared.one


def damage(clone: Path, git: Git) -> Path:
    """Damage the one index that the copy has then; return it."""
    store = clone / ".git" / "gitcoord" / "store.git"
    for keep in (store / "objects" / "pack").glob("*.keep"):
        keep.unlink()
    git(store, "repack", "-adkq")
    (index,) = (store / "objects" / "pack").glob("*.idx")
    pointing_behind(index)
    return index


def run(clone: Path, *words: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "GITCOORD_AGENT": "ann/cli/one"}
    command = [sys.executable, *words]
    return subprocess.run(command, cwd=clone, env=env, capture_output=True, text=True, check=False, timeout=120)


@pytest.mark.rule("SAFE-6")
@pytest.mark.parametrize("words", ["claim add c.zig", "gc"])
def test_a_command_that_writes_has_a_damaged_index_made_again(clone: Path, git: Git, words: str) -> None:
    index = damage(clone, git)
    damaged = index.read_bytes()

    done = run(clone, *COMMAND, *words.split())

    assert done.returncode == 0, done.stderr
    assert not index.exists() or index.read_bytes() != damaged
    assert git(index.parents[2], "fsck", "--no-dangling", "--no-progress") == ""


@pytest.mark.rule("SAFE-6")
def test_a_ledger_is_repaired_beside_a_damaged_index(clone: Path, remote: Remote, git: Git) -> None:
    at = Path(str(remote.git_dir))
    files = git(at, "ls-tree", "-r", "--name-only", CLAIMS)
    blob = git(at, "rev-parse", f"{CLAIMS}:meta.json")
    (at / CLAIMS).write_text(f"{blob}\n")
    damage(clone, git)

    done = run(clone, *COMMAND, "doctor", "--repair", "--yes")

    assert done.returncode == 0, done.stderr
    assert git(at, "ls-tree", "-r", "--name-only", CLAIMS) == files


@pytest.mark.rule("SAFE-6", "SAFE-9")
def test_who_only_reads_sees_that_a_ledger_went_back(clone: Path, remote: Remote, git: Git) -> None:
    git(Path(str(remote.git_dir)), "update-ref", CLAIMS, f"{CLAIMS}~1")
    damage(clone, git)

    done = run(clone, "-c", INSPECTION)

    assert done.stdout.startswith(f"{CLAIMS} went back"), done.stderr
