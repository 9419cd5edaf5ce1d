"""Whether pushes of a clone are checked: by the files where git looks for hooks, and by nothing else."""

import os
import shutil
from pathlib import Path

import pytest

from gitcoord import assets
from gitcoord.source.checkout.push_hook import checks_pushes
from tests.conftest import AddWorktree, Git, MakeRepo

OURS = assets.hooks() / "pre-push"


@pytest.mark.parametrize(
    ("hooks_path", "ours_at", "theirs_at", "checked"),
    [
        ("", "", "", False),
        ("", ".git/hooks/pre-push", "", True),
        ("", ".git/hooks/pre-push.legacy", ".git/hooks/pre-push", True),
        ("", "", ".git/hooks/pre-push", None),
        (".hooks", "", "", None),
        (".hooks", ".hooks/pre-push", "", True),
        (".hooks", ".git/hooks/pre-push", "", None),
        ("/dev/null", ".git/hooks/pre-push", "", None),
    ],
)
def test_it_is_told_where_git_starts_our_hook_and_where_it_cannot(
    make_repo: MakeRepo, git: Git, hooks_path: str, ours_at: str, theirs_at: str, checked: bool | None
) -> None:
    repo = make_repo()
    if hooks_path:
        git(repo, "config", "core.hooksPath", hooks_path)
    for path in filter(None, (ours_at, theirs_at)):
        (repo / path).parent.mkdir(exist_ok=True)
        (repo / path).write_text("#!/bin/sh\nexec elsewhere\n", encoding="utf-8")
    if ours_at:
        shutil.copy(OURS, repo / ours_at)

    assert checks_pushes(repo, repo / ".git", os.environ) is checked


def test_a_linked_worktree_has_the_hooks_of_its_clone(make_repo: MakeRepo, add_worktree: AddWorktree) -> None:
    repo = make_repo()
    (repo / ".git/hooks").mkdir(exist_ok=True)
    shutil.copy(OURS, repo / ".git/hooks/pre-push")

    assert checks_pushes(add_worktree(repo, "second"), repo / ".git", os.environ) is True


def test_what_git_does_not_tell_is_not_known(tmp_path: Path) -> None:
    assert checks_pushes(tmp_path / "gone", tmp_path / "gone/.git", os.environ) is None


@pytest.mark.rule("SEC-4")
def test_a_hook_without_end_is_not_known(make_repo: MakeRepo) -> None:
    repo = make_repo()
    (repo / ".git" / "hooks").mkdir(exist_ok=True)
    (repo / ".git" / "hooks" / "pre-push").symlink_to("/dev/zero")

    assert checks_pushes(repo, repo / ".git", os.environ) is None
