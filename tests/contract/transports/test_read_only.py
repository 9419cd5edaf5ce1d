"""A copy for reading: from every kind of server, only as much as is needed, and never a write."""

import os
from pathlib import Path

import pytest

from gitcoord.errors import MissingObjectError, UnreachableError
from gitcoord.remote.contract.protocol import Oid, RefName, RefUpdate, SwapStatus
from gitcoord.remote.store.pygit_objects import PygitObjects
from gitcoord.remote.transports.read_only import DEPTH, ReadOnlyCopy
from tests.conftest import Git, MakeRepo
from tests.servers.fixtures import Remote, Servers

KINDS = ("path", "path-hook", "daemon", "http", "ssh")
CLAIMS, BEAT = RefName("refs/coord/claims"), RefName("refs/coord/heartbeats/k1")


def copy_of(remote: Remote, folder: Path, url: str | None = None) -> ReadOnlyCopy:
    folder.mkdir(exist_ok=True)
    env = {**os.environ, **remote.env}
    objects = PygitObjects(folder)
    return ReadOnlyCopy(url or remote.url, folder=folder, objects=objects, env=env, settings=remote.settings)


def filled(remote: Remote, git: Git, repo: Path, commits: int = 3) -> str:
    for number in range(commits):
        git(repo, "commit", "--quiet", "--allow-empty", "--message", f"{number}")
    git(repo, "push", "--quiet", str(remote.git_dir), f"HEAD:{CLAIMS}", f"HEAD:{BEAT}", "HEAD:refs/heads/main")
    return git(repo, "rev-parse", "HEAD")


@pytest.mark.parametrize("kind", KINDS)
def test_a_copy_has_the_ledgers_and_nothing_else(
    servers: Servers, kind: str, make_repo: MakeRepo, git: Git, tmp_path: Path
) -> None:
    remote = servers.remote(kind)
    tip = filled(remote, git, make_repo())
    before = remote.refs()

    copy = copy_of(remote, tmp_path / "copy")
    copy.take()

    assert copy.read(["refs/coord/"]) == {CLAIMS: tip}
    assert copy.read(["refs/heads/"]) == {}
    assert copy.objects.has(Oid(tip))
    assert remote.refs() == before


def test_an_empty_remote_has_no_ledgers(servers: Servers, tmp_path: Path) -> None:
    copy = copy_of(servers.remote("daemon"), tmp_path / "copy")

    copy.take()

    assert copy.read(["refs/coord/"]) == {}


def test_only_the_last_commits_are_brought_and_more_where_asked(
    servers: Servers, make_repo: MakeRepo, git: Git, tmp_path: Path
) -> None:
    remote, repo = servers.remote("daemon"), make_repo()
    tip = filled(remote, git, repo, DEPTH + 5)
    copy = copy_of(remote, tmp_path / "copy")
    copy.take()
    first = Oid(git(repo, "rev-list", "--max-parents=0", tip))

    assert git(tmp_path / "copy", "rev-list", "--count", tip) == str(DEPTH)
    assert not copy.objects.has(first)
    with pytest.raises(MissingObjectError):
        copy.fetch([first])


def test_a_copy_refuses_every_swap_without_sending_it(servers: Servers, tmp_path: Path) -> None:
    remote = servers.remote("path")
    copy = copy_of(remote, tmp_path / "copy")

    outcome = copy.swap([RefUpdate(CLAIMS, None, Oid("1" * 40))])

    assert outcome.status is SwapStatus.DENIED
    assert remote.refs() == {}


@pytest.mark.parametrize("kind", ["path", "daemon", "http"])
def test_a_remote_that_is_not_there_or_says_no_could_not_be_read(servers: Servers, kind: str, tmp_path: Path) -> None:
    remote = servers.remote(kind)

    with pytest.raises(UnreachableError) as caught:
        copy_of(remote, tmp_path / "copy", url=f"{remote.url}-gone").take()

    assert caught.value.exit_status == 5
    assert caught.value.hint


@pytest.mark.rule("SEC-2")
def test_a_password_is_asked_for_by_nobody_and_is_in_no_message(servers: Servers, tmp_path: Path) -> None:
    remote = servers.remote("http-auth")
    url = remote.url.replace("http://", "http://ann:secret-word@")

    copy = copy_of(Remote(remote.kind, url, remote.git_dir), tmp_path / "copy")

    with pytest.raises(UnreachableError) as caught:
        copy.take()

    assert "secret-word" not in f"{caught.value} {caught.value.hint}"
