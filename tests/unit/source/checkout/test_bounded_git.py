"""What a branch of somebody else's may cost: git ends within bounds, and what was cut is never nothing."""

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gitcoord.errors import RepositoryError
from gitcoord.source.checkout.bounded_git import MEMORY_BYTES
from gitcoord.source.checkout.repository import Repository
from gitcoord.source.history import changes
from gitcoord.source.history.changes import Range
from gitcoord.source.history.landed import DefaultLine, landed
from gitcoord.source.history.pushed import Sought, last_pushed
from gitcoord.source.history.pushed_work import pushed_work
from gitcoord.source.history.unlanded import unlanded_commits, unpushed_paths
from tests.conftest import Git, MakeRepo
from tests.unit.source.places import commit_bomb, commit_file, opened

pytestmark = pytest.mark.rule("SEC-4")


@pytest.fixture
def repo(make_repo: MakeRepo, git: Git) -> Path:
    """A repository whose branch `feat` has a commit that the remote's `main` has not."""
    repo = make_repo()
    git(repo, "update-ref", "refs/remotes/origin/main", "HEAD")
    git(repo, "switch", "--quiet", "--create", "feat")
    commit_file(git, repo, "a.py", "a = 1\n")
    git(repo, "update-ref", "refs/remotes/origin/feat", "HEAD")
    return repo


@pytest.fixture
def flooded(repo: Path, tmp_path: Path) -> Repository:
    """The same with a git that has no end of what to say of files and commits."""
    real = subprocess.run(["which", "git"], capture_output=True, encoding="utf-8", check=True).stdout.strip()
    fake = tmp_path / "bin" / "git"
    fake.parent.mkdir()
    words = "log|diff-tree|rev-list|ls-files|worktree"
    fake.write_text(f'#!/bin/sh\nfor word; do case $word in {words}) exec yes;; esac; done\nexec {real} "$@"\n')
    fake.chmod(0o755)
    return opened(repo)._replace(env={**os.environ, "PATH": f"{fake.parent}:{os.environ['PATH']}"})


def test_what_is_cut_is_said_and_is_never_nothing(flooded: Repository, repo: Path, git: Git) -> None:
    main, feat = git(repo, "rev-parse", "main"), git(repo, "rev-parse", "feat")
    for ask in (
        lambda: changes.own_commits(flooded, feat, f"^{main}"),
        lambda: changes.commits_of(flooded, feat, [main]),
        lambda: list(changes.files_by_commit(flooded, feat, [main])),
        lambda: changes.changed_files(flooded, Range((main,), feat)),
        lambda: unlanded_commits(flooded, main, 0, landed=(), is_here=True),
        lambda: list(unpushed_paths(flooded, 0)),
        lambda: pushed_work(flooded, feat, main, "feat"),
    ):
        with pytest.raises(RepositoryError, match=r"git cannot say what changed: it is more than 128 MB\.$"):
            ask()


@pytest.mark.rule("SAFE-11")
def test_a_branch_of_which_git_says_too_much_has_not_landed(flooded: Repository, repo: Path, git: Git) -> None:
    feat = git(repo, "rev-parse", "feat")
    git(repo, "update-ref", "refs/remotes/origin/main", feat)

    assert landed(DefaultLine(opened(repo), feat), "feat") is not None
    assert landed(DefaultLine(flooded, feat), "feat") is None


def test_a_barrier_is_left_where_git_cannot_say_what_was_pushed(flooded: Repository, repo: Path, git: Git) -> None:
    sought = {"claim": Sought(datetime.fromtimestamp(0, UTC), lambda _: False)}

    assert last_pushed(flooded, "feat", sought) == {"claim": git(repo, "rev-parse", "feat")}
    assert last_pushed(opened(repo), "feat", sought) == {}


@pytest.mark.skipif(sys.platform != "linux", reason="only there a git that runs can be given a limit")
def test_a_branch_of_nine_small_objects_ends_git_before_it_takes_gigabytes(repo: Path, git: Git) -> None:
    bomb = commit_bomb(git, repo)

    before = children_peak()
    with pytest.raises(RepositoryError, match="out of memory"):
        changes.own_commits(opened(repo), bomb, "^HEAD")

    assert children_peak() <= max(before, MEMORY_BYTES * 1.25)


def children_peak() -> int:
    """Return how many bytes the largest child took so far."""
    import resource  # noqa: PLC0415 - not on every system

    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
