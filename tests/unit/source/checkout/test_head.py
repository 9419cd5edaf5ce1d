"""Which branch a worktree is on: by git's own file where it says so plainly, else by git."""

import subprocess
from pathlib import Path
from typing import ClassVar

import pytest

from gitcoord.remote.git.git_process import Completed
from gitcoord.source.checkout.head import Head
from gitcoord.source.checkout.repository import Repository
from tests.conftest import Git, MakeRepo
from tests.unit.source.places import commit, opened


class Counted(Repository):
    """A repository that notes what git is asked."""

    asked: ClassVar[list[str]] = []

    def git(self, *arguments: str, timeout_s: float = 30) -> Completed:
        self.asked.append(arguments[0])
        return super().git(*arguments, timeout_s=timeout_s)


def counted(folder: Path) -> Counted:
    return Counted(*opened(folder))


@pytest.fixture
def repo(make_repo: MakeRepo) -> Path:
    return make_repo()


def test_a_branch_is_read_without_starting_git(git: Git, repo: Path) -> None:
    repository = counted(repo)
    head = Head(repository)
    git(repo, "checkout", "--quiet", "-b", "feat/größe")

    assert head.branch() == "feat/größe"
    git(repo, "checkout", "--quiet", "-b", "other")
    assert head.branch() == "other"
    assert repository.asked == []


def test_a_commit_that_is_checked_out_is_no_branch(git: Git, repo: Path) -> None:
    commit(git, repo, "one")
    git(repo, "checkout", "--quiet", "--detach")

    assert Head(opened(repo)).branch() is None


def test_each_worktree_has_its_own_branch(git: Git, repo: Path, tmp_path: Path) -> None:
    commit(git, repo, "one")
    git(repo, "worktree", "add", "--quiet", "-b", "side", str(tmp_path / "side"))

    assert Head(opened(tmp_path / "side")).branch() == "side"
    assert Head(opened(repo)).branch() != "side"


def test_a_branch_without_a_commit_is_one(git: Git, tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    git(tmp_path / "new", "init", "--quiet", "--initial-branch", "first")

    assert Head(opened(tmp_path / "new")).branch() == "first"


def test_a_branch_that_a_tag_is_named_like_keeps_its_name(git: Git, repo: Path) -> None:
    commit(git, repo, "one")
    git(repo, "checkout", "--quiet", "-b", "same")
    git(repo, "tag", "same")

    assert Head(opened(repo)).branch() == "same"


def test_a_head_that_is_a_link_is_answered_by_git(git: Git, repo: Path) -> None:
    commit(git, repo, "one")
    git(repo, "checkout", "--quiet", "-b", "linked")
    file = repo / ".git" / "HEAD"
    file.unlink()
    file.symlink_to("refs/heads/linked")

    assert Head(opened(repo)).branch() == "linked"


def test_the_stand_in_of_the_reftable_format_is_answered_by_git(tmp_path: Path) -> None:
    new = ["git", "init", "--quiet", "--ref-format=reftable", "--initial-branch=first", str(tmp_path / "new")]
    if subprocess.run(new, capture_output=True, check=False).returncode != 0:
        pytest.skip("this git has no reftable format")

    assert Head(opened(tmp_path / "new")).branch() == "first"


def test_a_head_that_is_gone_is_no_branch(git: Git, repo: Path) -> None:
    head = Head(opened(repo))
    head.branch()
    (repo / ".git" / "HEAD").unlink()

    assert head.branch() is None
