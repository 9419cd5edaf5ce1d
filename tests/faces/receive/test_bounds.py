"""What a push to a server that checks may have at most: refs, commits of a ledger, branches (SEC-3, SEC-4)."""

import subprocess
from collections.abc import Callable

import pytest

from gitcoord.faces.receive import MARK, REFS_MAX
from gitcoord.ledger.audit.received_push import COMMITS_MAX
from gitcoord.remote.contract.protocol import RefName
from gitcoord.service.checks.received_branches import BRANCHES_MAX
from tests.faces.receive.test_receive import CLAIMS, Team
from tests.faces.receive.test_receive import team as team  # noqa: PLC0414 - a fixture, exported to pytest
from tests.servers.fixtures import servers as servers  # noqa: PLC0414 - a fixture, exported to pytest

pytestmark = [pytest.mark.timeout(600), pytest.mark.rule("SEC-3", "SEC-4")]


@pytest.fixture
def ann(team: Callable[[str], Team]) -> Team:
    """A team with a claim, and the mark that branches are looked at."""
    made = team("path")
    made.gitcoord("claim", "add", "/README.md")
    (made.remote.git_dir / MARK).write_text("on\n", encoding="ascii")
    _ = made.forger()
    return made


def given(team: Team, *words: str, text: str) -> None:
    """Run git in the mirror, with this on its input."""
    subprocess.run(["git", *words], cwd=team.mirror, input=text.encode(), capture_output=True, check=True)


def make_refs(team: Team, below: str, count: int) -> None:
    """Make so many refs in the mirror, all of them at the first commit of main."""
    lines = (f"create {below}{number} main\n" for number in range(count))
    given(team, "update-ref", "--stdin", text="".join(lines))


def test_more_refs_than_a_large_team_has_are_refused(ann: Team) -> None:
    make_refs(ann, "refs/coord/probe/", REFS_MAX + 1)
    ann.assert_refused("refs/coord/probe/*:refs/coord/probe/*", why=f"{REFS_MAX + 1} refs of gitcoord's are pushed")

    given(ann, "update-ref", "--stdin", text="delete refs/coord/probe/0\n")

    assert ann.push("refs/coord/probe/*:refs/coord/probe/*").returncode == 0


def test_more_branches_than_are_looked_at_are_refused(ann: Team) -> None:
    make_refs(ann, "refs/heads/many/", BRANCHES_MAX + 1)
    ann.assert_refused("refs/heads/many/*:refs/heads/many/*", why=f"{BRANCHES_MAX + 1} branches are pushed at once")

    given(ann, "update-ref", "--stdin", text="delete refs/heads/many/0\n")

    assert ann.push("refs/heads/many/*:refs/heads/many/*").returncode == 0


@pytest.mark.torture
def test_more_commits_of_a_ledger_than_one_push_may_bring_are_refused(ann: Team) -> None:
    tip = ann.remote.refs()[RefName(CLAIMS)]
    first = f"commit {CLAIMS}\ncommitter bob <bob@example.invalid> 1800000000 +0000\ndata 2\nx\n"
    made = [f"{first}from {tip}\n", *[first] * COMMITS_MAX]
    given(ann, "fast-import", "--quiet", "--force", text="".join(made))

    ann.assert_refused(f"{CLAIMS}:{CLAIMS}", why=f"has 1 commits more than the {COMMITS_MAX} that are replayed at once")
