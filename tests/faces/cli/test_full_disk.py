"""A disk that is full is said as that: an exit status of its own, what cannot be written, and to make room.

What a power cut or a full disk took from the copy of a remote's ledgers is brought again.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Git
from tests.faces.cli.conftest import PROGRAM_TIMEOUT_S, ROOT, Done, Run
from tests.servers.fixtures import Servers


def on_a_full_disk(repo: Path, *words: str) -> Done:
    """Run gitcoord where no file can grow, which is what a program sees of a full disk."""
    done = subprocess.run(
        ["sh", "-c", 'ulimit -f 0; exec "$@"', "sh", sys.executable, "-m", "gitcoord", *words],
        cwd=repo,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=PROGRAM_TIMEOUT_S,
    )
    return Done(done.returncode, done.stdout, done.stderr)


def test_a_command_on_a_full_disk_does_nothing_and_says_to_make_room(run: Run, repo: Path) -> None:
    assert run("claim", "add", "src/a.py").status == 0

    refused = on_a_full_disk(repo, "claim", "add", "src/b.py")
    as_json = on_a_full_disk(repo, "claim", "add", "src/b.py", "--json")
    held = json.loads(run("claim", "list", "--json").out)["claims"]

    assert (refused.status, refused.out) == (5, "")
    assert refused.err.startswith("error: ")
    assert "cannot be written: File too large." in refused.err
    assert refused.err.endswith("\nhint: Make room on the disk.\n")
    error = json.loads(as_json.out)["error"]
    assert (as_json.status, error["code"], error["hint"]) == (5, "storage", "Make room on the disk.")
    assert [item["pattern"] for claim in held for item in claim["items"]] == ["src/a.py"]


def test_the_first_command_of_a_clone_on_a_full_disk_leaves_nothing_half_made(run: Run, repo: Path) -> None:
    refused = on_a_full_disk(repo, "claim", "add", "src/a.py")

    again = run("claim", "add", "src/a.py")

    assert (refused.status, "hint: Make room on the disk" in refused.err) == (5, True)
    assert again.status == 0


def test_what_only_looks_answers_on_a_full_disk(run: Run, repo: Path) -> None:
    assert run("claim", "add", "src/a.py").status == 0

    found = on_a_full_disk(repo, "claim", "list")

    assert (found.status, "src/a.py" in found.out) == (0, True)


def _emptied(path: Path) -> None:
    path.unlink()
    path.write_bytes(b"")


@pytest.mark.rule("SAFE-6")
@pytest.mark.parametrize("lost", [0, 1])
@pytest.mark.parametrize("damage", [_emptied, Path.unlink])
def test_commands_go_on_whichever_pack_was_lost(
    lost: int, damage: Callable[[Path], None], repo: Path, git: Git, run: Run, servers: Servers
) -> None:
    git(repo, "config", "gitcoord.remote", servers.remote("http").url)
    folder = repo / ".git" / "gitcoord" / "store.git" / "objects" / "pack"
    packs: list[set[Path]] = [set()]
    for path in ("zero.py", "one.py", "two.py"):
        assert run("claim", "add", path).status == 0
        packs.append({*folder.glob("*.pack")})
    for pack in packs[2 + lost] - packs[1 + lost]:
        damage(pack)

    listed = run("claim", "list", "--all")
    added = run("claim", "add", "three.py")
    looked = run("doctor")

    assert listed.status == 0, listed.err
    assert all(path in listed.out for path in ("zero.py", "one.py", "two.py"))
    assert added.status == 0, added.err
    assert "could not be checked" not in looked.out
    assert "three.py" in run("claim", "list", "--all").out
