"""Asking the remote for what a shallow checkout lacks: what git's command lines show, and which settings hold."""

import stat
from pathlib import Path

import pytest

from gitcoord.source.history import deepen
from tests.conftest import Git, MakeBare, MakeRepo
from tests.servers.command_lines import spied
from tests.servers.fixtures import Servers
from tests.servers.fixtures import servers as servers  # noqa: PLC0414 - a fixture, exported to pytest
from tests.servers.http_backend import PASSWORD, USER
from tests.unit.source.places import commit, opened


def with_password(url: str) -> str:
    return url.replace("://", f"://{USER}:{PASSWORD}@")


def of_server(url: str) -> str:
    return url.rpartition("/")[0] + "/"


@pytest.fixture
def history(make_repo: MakeRepo, git: Git) -> Path:
    """A repository with a branch and commits before and after it parted."""
    repo = make_repo("history")
    for name in ("one", "two", "three"):
        commit(git, repo, name, **{name: name})
    git(repo, "switch", "--quiet", "--create", "feat")
    commit(git, repo, "theirs", theirs="theirs")
    return repo


@pytest.mark.rule("SEC-2")
@pytest.mark.parametrize("spelling", ["URL", "server", "whole URL", "own word"])
def test_a_shallow_clone_is_deepened_and_no_command_line_shows_the_password(
    servers: Servers, history: Path, git: Git, tmp_path: Path, spelling: str
) -> None:
    remote = servers.remote("http-auth")
    remote.git("symbolic-ref", "HEAD", "refs/heads/main")
    url = remote.url
    git(history, "push", "--quiet", with_password(url), "main", "feat")
    parted, theirs = git(history, "rev-parse", "main"), git(history, "rev-parse", "feat")
    shallow = tmp_path / "shallow"
    git(tmp_path, "clone", "--quiet", "--depth=1", with_password(url), str(shallow))
    named, base, prefix = {
        "URL": (with_password(url), "", ""),
        "server": (url, with_password(of_server(url)), of_server(url)),
        "whole URL": (url, with_password(url), url),
        "own word": ("work:x", with_password(url), "work:x"),
    }[spelling]
    git(shallow, "remote", "set-url", "origin", named)
    if base:
        git(shallow, "config", f"url.{base}.insteadOf", prefix)
    log = tmp_path / "log"
    repository = opened(shallow, **spied(tmp_path / "bin", log))

    found = deepen.default_of(repository), deepen.tip_of(repository, "feat")

    assert found == ("main", theirs)
    assert deepen.common_commits(repository, parted, theirs) == (parted,)
    lines = log.read_text()
    assert "git-remote-http gitcoord-look" in lines
    assert " fetch " in lines
    assert PASSWORD not in lines


def test_nobody_is_asked_where_there_is_no_such_remote(make_repo: MakeRepo) -> None:
    repository = opened(make_repo())

    assert deepen.default_of(repository) is None
    assert deepen.tip_of(repository, "main") is None
    assert deepen.bring(repository, ["1" * 40]) is False


@pytest.fixture
def partial(history: Path, make_bare: MakeBare, git: Git, tmp_path: Path) -> Path:
    """A clone of one commit, without contents of files; the remote has more."""
    bare = make_bare()
    git(bare, "config", "uploadpack.allowFilter", "true")
    git(bare, "config", "uploadpack.allowAnySHA1InWant", "true")
    git(history, "push", "--quiet", str(bare), "main", "feat")
    git(tmp_path, "clone", "--quiet", "--depth=1", "--filter=blob:none", f"file://{bare}", "partial")
    return tmp_path / "partial"


def test_the_program_and_the_filter_of_the_remote_hold(partial: Path, history: Path, git: Git, tmp_path: Path) -> None:
    asked, program = tmp_path / "asked", tmp_path / "upload-pack"
    program.write_text(f'#!/bin/sh\necho asked >>"{asked}"\nexec git-upload-pack "$@"\n')
    program.chmod(stat.S_IRWXU)
    git(partial, "config", "remote.origin.uploadpack", str(program))
    theirs = git(history, "rev-parse", "feat")
    blob = git(history, "rev-parse", "feat:theirs")

    assert deepen.bring(opened(partial), [theirs])

    assert asked.read_text() == "asked\n"
    assert f"?{blob}" in git(partial, "rev-list", "--objects", "--missing=print", theirs)
    assert (
        git(partial, "for-each-ref", "--format=%(refname)", "refs/remotes")
        == "refs/remotes/origin/HEAD\nrefs/remotes/origin/main"
    )


def test_the_proxy_of_the_remote_holds(servers: Servers, history: Path, git: Git) -> None:
    remote = servers.remote("http")
    remote.git("symbolic-ref", "HEAD", "refs/heads/main")
    git(history, "push", "--quiet", remote.url, "main")
    git(history, "remote", "add", "origin", remote.url)
    assert deepen.default_of(opened(history)) == "main"

    git(history, "config", "remote.origin.proxy", "http://127.0.0.1:1")

    assert deepen.default_of(opened(history, no_proxy="")) is None
