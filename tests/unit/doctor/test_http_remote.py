"""What doctor says of an http remote: that it answers, and why the git program talks to it, where that is so."""

import json
import time
from pathlib import Path

import pytest

from gitcoord.service.doctor.check_run import Status
from tests.conftest import Git
from tests.servers.fixtures import Servers
from tests.unit.doctor.conftest import Look


@pytest.mark.parametrize(
    ("setting", "transport", "why"),
    [
        (("http.postBuffer", "1"), "smarthttp", ""),
        (("http.sslVersion", "tlsv1.2"), "gitcli", "http.sslversion is set"),
    ],
)
def test_it_says_why_git_talks_to_a_remote(
    look: Look, repo: Path, git: Git, servers: Servers, setting: tuple[str, str], transport: str, why: str
) -> None:
    git(repo, "config", "gitcoord.remote", servers.remote("http").url)
    git(repo, "config", *setting)

    found = look("remote", repo)

    assert found.status is Status.OK
    assert (found.facts["transport"], found.facts.get("why_git", "")) == (transport, why)
    assert ("git talks to it, since" in found.text) is bool(why)
    assert found.facts.get("looks_again", False) is bool(why)


def test_a_remote_that_takes_a_wrong_push_is_a_warning(look: Look, repo: Path, git: Git, servers: Servers) -> None:
    """Only git's client compares there, before it pushes."""
    url = servers.remote("http").url
    git(repo, "config", "gitcoord.remote", url)
    known = {"at": int(time.time()), "takes_wrong": True, "by_git": "it takes pushes without comparing"}
    (repo / ".git" / "gitcoord").mkdir(exist_ok=True)
    (repo / ".git" / "gitcoord" / "http.json").write_text(json.dumps({url: known}))

    found = look("remote", repo)

    assert (found.status, found.facts["transport"], found.facts["compares"]) == (Status.WARN, "gitcli", False)
    assert "both may win" in found.text


def test_a_remote_that_hides_what_it_takes_cannot_be_used(look: Look, repo: Path, git: Git, servers: Servers) -> None:
    """Each clone would find nothing there, and be told that something is."""
    remote = servers.remote("http")
    remote.git("config", "uploadpack.hideRefs", "refs/coord")
    git(repo, "config", "gitcoord.remote", remote.url)

    found = look("write", repo)

    assert (found.status, found.facts["code"]) == (Status.FAIL, "denied")
    assert "does not list it" in found.text
    assert "uploadpack.hideRefs" in found.hint
    assert remote.refs() == {}


def test_it_says_that_a_remote_says_yes_to_what_it_does_not_take(
    look: Look, repo: Path, git: Git, servers: Servers
) -> None:
    git(repo, "config", "gitcoord.remote", servers.remote("dulwich-http").url)
    tried = look("write", repo)

    found = look("remote", repo)

    assert (tried.status, tried.facts["atomic"]) == (Status.WARN, False)
    assert (found.status, found.facts["why_git"]) == (Status.OK, "it says yes to a push that it does not take")
