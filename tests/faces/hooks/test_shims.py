"""The shims that git runs, with programs that do not do what they should."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from gitcoord import assets
from gitcoord.ledger.clone import held_branches, snapshot_files
from tests.conftest import Git

RUN_S = 150  # a bound for a hang


@pytest.fixture
def clone(tmp_path: Path, git: Git) -> Path:
    """A repository whose clone was used, with a linked worktree beside it."""
    repo = tmp_path / "clone"
    git(tmp_path, "init", "--quiet", str(repo))
    git(repo, "commit", "--quiet", "--allow-empty", "--message", "first")
    git(repo, "worktree", "add", "--quiet", str(tmp_path / "linked"))
    (repo / ".git" / "gitcoord" / "snapshot").mkdir(parents=True)
    return repo


def enforced(clone: Path) -> None:
    (clone / ".git" / "gitcoord" / "snapshot" / snapshot_files.ENFORCE).touch()


def held(clone: Path, branch: str) -> None:
    file = Path(held_branches.file_of(str(clone / ".git" / "gitcoord"), {"branch": branch}))
    file.parent.mkdir(exist_ok=True)
    file.touch()


def shim(cwd: Path, name: str, program: str | None) -> "subprocess.CompletedProcess[bytes]":
    """Run a shim where `gitcoord` is this program, or is not there."""
    folder = cwd.with_name("bin")
    folder.mkdir(exist_ok=True)
    if program is not None:
        (folder / "gitcoord").write_text(f"#!/bin/sh\n{program}\n", "utf-8")
        (folder / "gitcoord").chmod(0o755)
    (folder / "git").unlink(missing_ok=True)
    (folder / "git").symlink_to(str(shutil.which("git")))
    return subprocess.run(
        ["/bin/sh", str(assets.hooks() / name)],
        cwd=cwd,
        env={**os.environ, "PATH": str(folder)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=RUN_S,
        check=False,
    )


FAULTS = {
    "missing": None,
    "bug": "exit 3",
    "always fails": "exit 1",
    "killed": "kill -KILL $$",
    "crashed": "kill -SEGV $$",
}


@pytest.mark.rule("HOOK-9")
@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("pre-push", b"NOTHING WAS CHECKED (pre-push)"),
        ("pre-commit", b"NOTHING WAS CHECKED (pre-commit)"),
        ("prepare-commit-msg", b"NO STEP WAS NAMED (prepare-commit-msg)"),
    ],
)
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_of_ours_is_one_loud_line_and_git_goes_on(clone: Path, name: str, line: bytes, fault: str) -> None:
    held(clone, "main")

    done = shim(clone, name, FAULTS[fault])

    assert (done.returncode, done.stderr.count(b"gitcoord: ")) == (0, 1)
    assert b"gitcoord: " + line in done.stderr


@pytest.mark.rule("HOOK-9")
@pytest.mark.parametrize("name", ["pre-push", "pre-commit"])
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("folder", ["clone", "linked"])
def test_a_fault_of_ours_stops_where_the_team_wants_it(clone: Path, name: str, fault: str, folder: str) -> None:
    enforced(clone)

    done = shim(clone.with_name(folder), name, FAULTS[fault])

    assert done.returncode == 1
    assert done.stderr.count(b"NOTHING WAS CHECKED (%s), it is stopped (policy enforce)" % name.encode()) == 1


@pytest.mark.rule("HOOK-9")
def test_a_hook_that_judges_nothing_stops_nothing(clone: Path) -> None:
    enforced(clone)
    held(clone, "main")

    assert shim(clone, "prepare-commit-msg", "kill -SEGV $$").returncode == 0


@pytest.mark.rule("HOOK-9")
@pytest.mark.parametrize(("program", "status"), [("exit 0", 0), ('test "$2" = none', 1), ("exit 130", 130)])
def test_an_answer_is_passed_on_whatever_the_team_wants(clone: Path, program: str, status: int) -> None:
    open_ = shim(clone, "pre-push", program)
    enforced(clone)

    closed = shim(clone, "pre-push", program)

    assert (open_.returncode, closed.returncode) == (status, status)
    assert b"NOTHING" not in open_.stderr + closed.stderr
