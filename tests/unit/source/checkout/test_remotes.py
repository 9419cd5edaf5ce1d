"""What the user's remotes say: URLs, whether work is pushed, where a branch stands."""

import os
import shutil
from pathlib import Path

import pytest

from gitcoord.source.checkout.remote_urls import url_of
from tests.conftest import Clone, Git, MakeBare, MakeRepo
from tests.unit.source.places import HOSTILE, HOSTILE_IDS, commit, opened

NOWHERE = "/nowhere/at/all.git"


@pytest.fixture
def remote(make_bare: MakeBare) -> Path:
    return make_bare()


@pytest.fixture
def repo(make_repo: MakeRepo, remote: Path, git: Git) -> Path:
    repo = make_repo()
    git(repo, "remote", "add", "origin", str(remote))
    git(repo, "push", "--quiet", "origin", "main")
    return repo


def test_the_push_url_of_a_remote_is_returned(repo: Path, remote: Path, git: Git) -> None:
    git(repo, "remote", "set-url", "--push", "origin", "/elsewhere.git")

    found = opened(repo)

    assert found.remote_url("origin") == "/elsewhere.git"
    assert found.remote_url("origin", push=False) == str(remote)


def test_instead_of_rules_are_applied(repo: Path, git: Git) -> None:
    git(repo, "remote", "add", "short", "gh:team/app")
    git(repo, "config", "url.ssh://git@example.invalid/.pushInsteadOf", "gh:")

    assert opened(repo).remote_url("short") == "ssh://git@example.invalid/team/app"


@pytest.mark.rule("SEC-1")
@pytest.mark.parametrize("name", ["upstream", *HOSTILE], ids=["unknown", *HOSTILE_IDS])
def test_what_is_no_remote_has_no_url(repo: Path, name: str) -> None:
    assert opened(repo).remote_url(name) is None
    assert list(repo.glob("**/pwned")) == []


def test_a_commit_on_a_branch_of_the_remote_is_pushed(repo: Path, remote: Path, git: Git) -> None:
    old = git(repo, "rev-parse", "HEAD")
    tip = commit(git, repo, "second")
    git(repo, "push", "--quiet", "origin", "HEAD:refs/heads/feat/login")

    found = opened(repo)

    assert found.is_pushed(tip, str(remote)) is True
    assert found.is_pushed(old, str(remote)) is True


def test_a_commit_that_exists_only_here_is_not_pushed(repo: Path, remote: Path, git: Git) -> None:
    tip = commit(git, repo, "second")

    assert opened(repo).is_pushed(tip, str(remote)) is False


def test_a_commit_on_a_tag_alone_is_not_on_a_branch(repo: Path, remote: Path, git: Git) -> None:
    tip = commit(git, repo, "second")
    git(repo, "push", "--quiet", "origin", "HEAD:refs/tags/v1")

    assert opened(repo).is_pushed(tip, str(remote)) is False


def test_a_tip_that_is_unknown_here_does_not_count_and_does_not_hide_others(
    repo: Path, remote: Path, clone: Clone, git: Git
) -> None:
    old = git(repo, "rev-parse", "HEAD")
    other = clone(remote, "other")
    commit(git, other, "elsewhere")
    git(other, "push", "--quiet", "origin", "HEAD:refs/heads/theirs")
    tip = commit(git, repo, "mine")

    assert opened(repo).is_pushed(tip, str(remote)) is False
    assert opened(repo).is_pushed(old, str(remote)) is True


def test_many_branches_are_looked_through(repo: Path, remote: Path, git: Git) -> None:
    tip = commit(git, repo, "second")
    newer = commit(git, repo, "third")
    mine = commit(git, repo, "only here")
    refs = "".join(f"create refs/heads/b{at} {newer}\n" for at in range(300))
    git(repo, "push", "--quiet", "origin", f"{newer}:refs/heads/newer")
    (remote / "packed-refs").write_text(
        "# pack-refs with: peeled fully-peeled sorted \n"
        + "".join(sorted(f"{line.split()[2]} {line.split()[1]}\n" for line in refs.splitlines())),
        encoding="ascii",
    )

    assert opened(repo).is_pushed(tip, str(remote)) is True
    assert opened(repo).is_pushed(mine, str(remote)) is False


def test_a_remote_that_is_gone_does_not_say(repo: Path, remote: Path, git: Git) -> None:
    shutil.rmtree(remote)

    assert opened(repo).is_pushed(git(repo, "rev-parse", "HEAD"), str(remote)) is None


@pytest.mark.rule("SEC-1")
@pytest.mark.parametrize("url", ["ext::touch pwned", "--upload-pack=touch pwned", "-x"])
def test_a_hostile_url_runs_nothing_and_does_not_say(repo: Path, git: Git, url: str) -> None:
    found = opened(repo)

    assert found.is_pushed(git(repo, "rev-parse", "HEAD"), url) is None
    assert found.branch_tip("main", url) is None
    assert list(repo.glob("**/pwned")) == []


def test_the_tip_of_a_branch_comes_with_its_time_and_is_fetched_if_need_be(
    repo: Path, remote: Path, clone: Clone, git: Git
) -> None:
    other = clone(remote, "other")
    tip = commit(git, other, "elsewhere")
    git(other, "push", "--quiet", "origin", "HEAD:refs/heads/feat/login")
    before = git(repo, "for-each-ref")

    found = opened(repo).branch_tip("feat/login", str(remote))

    assert found is not None
    assert (found[0], int(found[1].timestamp())) == (tip, int(git(other, "show", "-s", "--format=%ct", tip)))
    assert found[1].tzinfo is not None
    assert git(repo, "for-each-ref") == before


def test_a_branch_that_is_not_on_the_remote_has_no_tip(repo: Path, remote: Path, git: Git) -> None:
    git(repo, "push", "--quiet", "origin", "HEAD:refs/heads/feat/login")

    found = opened(repo)

    assert found.branch_tip("nowhere", str(remote)) is None
    assert found.branch_tip("feat", str(remote)) is None
    assert found.branch_tip("login", str(remote)) is None
    assert found.branch_tip("main", NOWHERE) is None


def test_a_ref_whose_name_ends_like_the_branch_is_another(repo: Path, remote: Path, git: Git) -> None:
    second = commit(git, repo, "second")
    git(repo, "push", "--quiet", "origin", "HEAD:refs/heads/feat")
    git(repo, "push", "--quiet", "origin", "HEAD~1:refs/a-mirror/refs/heads/feat")

    found = opened(repo).branch_tip("feat", str(remote))

    assert found is not None
    assert found[0] == second


def test_the_tips_of_many_branches_take_one_listing_and_one_fetch(
    repo: Path, remote: Path, clone: Clone, git: Git, tmp_path: Path
) -> None:
    other = clone(remote, "other")
    git(repo, "push", "--quiet", "origin", "HEAD:refs/heads/known")
    tips = {"known": git(repo, "rev-parse", "HEAD")}
    for name in ("feat/1", "feat/2"):
        tips[name] = commit(git, other, name)
        git(other, "push", "--quiet", "origin", f"HEAD:refs/heads/{name}")
    calls = tmp_path / "calls"
    real = shutil.which("git")
    program = tmp_path / "bin" / "git"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\necho " $* " >> "{calls}"\nexec "{real}" "$@"\n', "utf-8")
    program.chmod(0o755)
    seen = opened(repo, PATH=f"{program.parent}:{os.environ['PATH']}")

    found = seen.branch_tips(["known", "feat/1", "feat/2", "nowhere", "-x", "a..b"], str(remote))

    assert {branch: tip for branch, (tip, _) in found.items()} == tips
    noted = calls.read_text("utf-8").splitlines()
    assert [sum(f" {word} " in line for line in noted) for word in ("ls-remote", "fetch")] == [1, 1]


@pytest.mark.parametrize(
    "settings",
    [
        ["remote.team.url=https://example.com/a.git"],
        ["remote.team.url=https://example.com/a.git", "remote.team.url=https://example.com/b.git"],
        ["remote.team.url=https://example.com/a.git", "remote.team.pushurl=ssh://git@example.com/a.git"],
        ["remote.team.url=gh:a", "url.https://example.com/.insteadOf=gh:"],
        [
            "remote.team.url=https://example.com/a.git",
            "url.ssh://git@example.com/.pushInsteadOf=https://example.com/",
        ],
        ["remote.team.url=../a.git"],
    ],
)
def test_what_was_read_of_the_settings_says_of_a_remote_what_git_says(
    repo: Path, git: Git, settings: list[str]
) -> None:
    for setting in settings:
        git(repo, "config", "--add", *setting.split("=", 1))
    repository = opened(repo)

    assert url_of("team", repository, config=repository.config()) == url_of("team", repository)
