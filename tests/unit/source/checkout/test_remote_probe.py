"""What looking into a remote leaves behind: nothing in the user's repository, nothing on a command line."""

from pathlib import Path

import pytest

from gitcoord.source.checkout import remote_probe
from tests.conftest import Clone, Git, MakeBare, MakeRepo
from tests.servers.command_lines import spied
from tests.servers.fixtures import Servers
from tests.servers.fixtures import servers as servers  # noqa: PLC0414 - a fixture, exported to pytest
from tests.unit.source.places import commit, opened


@pytest.fixture
def remote(make_bare: MakeBare) -> Path:
    return make_bare()


@pytest.fixture
def repo(make_repo: MakeRepo, remote: Path, git: Git) -> Path:
    repo = make_repo()
    git(repo, "remote", "add", "origin", str(remote))
    git(repo, "push", "--quiet", "origin", "main")
    return repo


def files_below(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def push_elsewhere(clone: Clone, remote: Path, git: Git, branch: str) -> tuple[str, int]:
    other = clone(remote, f"other-{branch}")
    tip = commit(git, other, branch, **{f"{branch}__txt": "x" * 999})
    git(other, "push", "--quiet", "origin", f"HEAD:refs/heads/{branch}")
    return tip, int(git(other, "show", "-s", "--format=%ct", tip))


@pytest.mark.parametrize("shallow", [False, True])
def test_commits_that_are_not_here_are_dated_and_not_put_here(
    repo: Path, remote: Path, clone: Clone, git: Git, tmp_path: Path, shallow: bool
) -> None:
    if shallow:
        git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{remote}", "shallow")
        repo = tmp_path / "shallow"
    feat, fix = (push_elsewhere(clone, remote, git, branch) for branch in ("feat", "fix"))
    before = files_below(repo)

    found = opened(repo).branch_tips(["feat", "fix", "main", "none"], str(remote))

    assert {branch: (tip, int(at.timestamp())) for branch, (tip, at) in found.items() if branch != "main"} == {
        "feat": feat,
        "fix": fix,
    }
    assert "main" in found
    assert files_below(repo) == before
    assert git(repo, "cat-file", "--batch-all-objects", "--batch-check").count(feat[0]) == 0


def test_a_commit_is_fetched_once_to_be_dated(repo: Path, remote: Path, clone: Clone, git: Git, tmp_path: Path) -> None:
    (repo / ".git" / "gitcoord").mkdir()
    tip, seconds = push_elsewhere(clone, remote, git, "feat")
    found = opened(repo, **spied(tmp_path / "bin", tmp_path / "log"))

    first, second = (found.branch_tip("feat", str(remote)) for _ in range(2))

    assert first
    assert first == second
    assert (first[0], int(first[1].timestamp())) == (tip, seconds)
    assert remote_probe.kept_times(repo / ".git") == {tip: seconds}
    assert (tmp_path / "log").read_text().count(" fetch ") == 1


@pytest.mark.parametrize("content", ["", "[]", "{", '{"a": "b"}', "[" * 100_000])
def test_damaged_notes_are_no_notes(repo: Path, remote: Path, clone: Clone, git: Git, content: str) -> None:
    (repo / ".git" / "gitcoord").mkdir()
    (repo / ".git" / "gitcoord" / "commit-times.json").write_text(content)
    tip, seconds = push_elsewhere(clone, remote, git, "feat")

    found = opened(repo).branch_tip("feat", str(remote))

    assert found
    assert (found[0], int(found[1].timestamp())) == (tip, seconds)
    assert remote_probe.kept_times(repo / ".git") == {tip: seconds}


def test_the_notes_stay_bounded(tmp_path: Path) -> None:
    (tmp_path / "gitcoord").mkdir()
    remote_probe.keep_times(tmp_path, {f"{at:040x}": at for at in range(remote_probe.TIMES_MAX)})

    remote_probe.keep_times(tmp_path, {"f" * 40: 7})

    assert len(remote_probe.kept_times(tmp_path)) == remote_probe.TIMES_MAX
    assert remote_probe.kept_times(tmp_path)["f" * 40] == 7


@pytest.mark.rule("SEC-2")
def test_no_command_line_shows_a_password(servers: Servers, make_repo: MakeRepo, git: Git, tmp_path: Path) -> None:
    server = servers.remote("http-auth")
    repo, log = make_repo(), tmp_path / "log"
    env = spied(tmp_path / "bin", log)
    url = server.url.replace("://", "://ann:s3cret-word@")
    git(repo, "push", "--quiet", url, "HEAD:refs/heads/feat")
    tip = git(repo, "rev-parse", "HEAD")

    found = opened(repo, **env)
    there = found.branch_tip("feat", url), found.is_pushed(tip, url)
    assert found.remote_url(url) is None

    assert there[0] is not None
    assert there[0][0] == tip
    assert there[1] is True
    lines = log.read_text()
    assert "git-remote-http " in lines
    assert "s3cret" not in lines
    assert found.is_pushed(tip, url.replace("s3cret", "wrong")) is None
