"""Settings: `gitcoord.*` of every scope of git's configuration; the nearest one wins."""

from pathlib import Path

import pytest

from gitcoord.source.checkout.repository import is_on
from tests.conftest import AddWorktree, Git, MakeRepo
from tests.unit.source.places import opened


@pytest.fixture
def repo(make_repo: MakeRepo) -> Path:
    return make_repo()


def test_the_user_and_what_is_ours_are_read_and_nothing_else(repo: Path, git: Git) -> None:
    git(repo, "config", "gitcoord.remote", "origin")
    git(repo, "config", "gitcoordx.remote", "no")
    git(repo, "config", "user.useConfigOnly", "true")

    settings = opened(repo).settings()

    assert settings == {
        "gitcoord.remote": "origin",
        "user.name": "Test Author",
        "user.email": "author@example.invalid",
    }


def test_the_worktree_wins_over_the_clone_and_the_clone_over_the_user(
    repo: Path, add_worktree: AddWorktree, git: Git
) -> None:
    worktree = add_worktree(repo, "wt-1")
    git(repo, "config", "extensions.worktreeConfig", "true")
    git(repo, "config", "--global", "gitcoord.agent", "of/the/user")

    of_user = opened(repo).settings()["gitcoord.agent"]
    git(repo, "config", "--local", "gitcoord.agent", "of/the/clone")
    of_clone = opened(repo).settings()["gitcoord.agent"]
    git(worktree, "config", "--worktree", "gitcoord.agent", "of/the/worktree")

    assert (of_user, of_clone) == ("of/the/user", "of/the/clone")
    assert opened(worktree).settings()["gitcoord.agent"] == "of/the/worktree"
    assert opened(repo).settings()["gitcoord.agent"] == "of/the/clone"


def test_the_last_value_of_a_key_counts_whatever_its_case(repo: Path, git: Git) -> None:
    git(repo, "config", "--add", "gitcoord.beatSeconds", "60")
    git(repo, "config", "--add", "gitcoord.BEATSECONDS", "90")

    assert opened(repo).settings()["gitcoord.beatseconds"] == "90"


@pytest.mark.parametrize("value", ["line\nbreak", "a=b", "", "ünï", "#;"])
def test_a_value_of_any_text_is_read_whole(repo: Path, git: Git, value: str) -> None:
    git(repo, "config", "gitcoord.repo", value)

    assert opened(repo).settings()["gitcoord.repo"] == value


def test_a_key_without_a_value_is_empty(repo: Path) -> None:
    config = repo / ".git" / "config"
    config.write_text(config.read_text("utf-8") + "[gitcoord]\n\tremote\n", encoding="utf-8")

    assert opened(repo).settings()["gitcoord.remote"] == ""


def test_settings_of_the_environment_are_read(repo: Path) -> None:
    env = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "gitcoord.remote", "GIT_CONFIG_VALUE_0": "upstream"}

    assert opened(repo, **env).settings()["gitcoord.remote"] == "upstream"


@pytest.mark.parametrize(
    ("said", "expected"), [("on", (True, True)), ("YES", (True, True)), ("off", (False, False)), ("x", (False, True))]
)
def test_a_setting_is_on_or_off_as_git_spells_it_and_by_default_where_it_says_neither(
    said: str, expected: tuple[bool, bool]
) -> None:
    settings = {"gitcoord.sign": said}

    assert (is_on(settings, "gitcoord.sign", default=False), is_on(settings, "gitcoord.sign", default=True)) == expected
    assert is_on({}, "gitcoord.sign", default=True)
