"""What doctor says of a repository of gitolite, by what its rules let through."""

from pathlib import Path

import pytest

from gitcoord.service.doctor.check_run import Status
from tests.conftest import Git
from tests.servers.fixtures import Servers
from tests.servers.gitolite import COORDINATES
from tests.unit.doctor.conftest import Look


@pytest.mark.parametrize(
    ("rule", "status", "what"),
    [
        (COORDINATES, Status.OK, "can be created, replaced and deleted"),
        ("RW refs/coord/ = user", Status.FAIL, "does not let us replace"),
        ("RW+ refs/heads/ = user", Status.FAIL, "does not let us create"),
    ],
)
def test_doctor_tries_what_the_rules_let_through(
    look: Look, repo: Path, git: Git, servers: Servers, rule: str, status: Status, what: str
) -> None:
    remote = servers.gitolite(rule)
    git(repo, "config", "gitcoord.remote", remote.url)

    found = look("write", repo, env=remote.env)

    assert (found.status, what in found.text) == (status, True)
    assert ("by force too" in found.hint) is (status is Status.FAIL)
