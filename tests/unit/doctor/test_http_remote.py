"""What doctor says of an http remote: that it answers, and why the git program talks to it, where that is so."""

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
