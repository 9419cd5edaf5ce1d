"""A claim that ends over pushed commits leaves word of the last of them, for whoever claims there next."""

from typing import Any

import pytest

from gitcoord.service.claims.claims import claim_files, release_claims
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.watch.watch import tick
from tests.conftest import Git
from tests.unit.service.world import Agents, Shared, commit_on, later


@pytest.fixture
def bob(agents: Agents, shared: Shared) -> Workspace:
    return agents(shared.two, "bob/cli/two")


def pushed(git: Git, shared: Shared, branch: str, **files: str) -> str:
    commit = commit_on(git, shared.one, branch, **files)
    git(shared.one, "push", "--quiet", "origin", branch)
    return commit


def test_who_comes_next_is_told_to_have_the_commit_first(
    agents: Agents, shared: Shared, bob: Workspace, git: Git
) -> None:
    ann = agents(shared.one, "ann/cli/one")
    claim_files(ann, patterns=["a.py"], branch="feat/y")
    commit = pushed(git, shared, "feat/y", **{"a.py": "x = 1\n"})
    release_claims(ann)

    first: Any = claim_files(bob, patterns=["a.py"])
    elsewhere: Any = claim_files(bob, patterns=["/b.py"])
    git(shared.two, "fetch", "--quiet")
    git(shared.two, "merge", "--quiet", "origin/feat/y")
    release_claims(bob)
    second: Any = claim_files(bob, patterns=["a.py"])

    told = f"ann/cli/one pushed changes here: have commit {commit[:12]} of branch feat/y in your history first."
    assert told in first["warnings"]
    assert [row["commit"] for row in first["barriers"]] == [commit]
    assert "barriers" not in elsewhere
    assert told not in second["warnings"]


@pytest.mark.parametrize("files", [{"other.py": "x = 1\n"}, {}])
def test_commits_of_other_files_and_those_not_pushed_leave_nothing(
    agents: Agents, shared: Shared, bob: Workspace, git: Git, files: dict[str, str]
) -> None:
    ann = agents(shared.one, "ann/cli/one")
    claim_files(ann, patterns=["a.py"], branch="feat/y")
    if files:
        pushed(git, shared, "feat/y", **files)
    else:
        commit_on(git, shared.one, "feat/y", **{"a.py": "x = 1\n"})
    release_claims(ann)

    assert "barriers" not in claim_files(bob, patterns=["a.py"])


def test_the_watch_notes_what_was_pushed_before_anything_ends(
    agents: Agents, shared: Shared, bob: Workspace, git: Git
) -> None:
    ann = agents(shared.one, "ann/claude/one", serve=True)
    claim_files(ann, patterns=["a.py"])
    tick(ann)
    commit = pushed(git, shared, "feat/y", **{"a.py": "x = 1\n"})

    for _ in range(2):  # the claim follows its holder to the branch first
        tick(later(ann, seconds=70))

    assert [one.commit for one in bob.register().claims.values()] == [commit]


def test_each_of_several_claims_leaves_its_own_commit_and_one_that_is_released_by_name_the_others_none(
    agents: Agents, shared: Shared, bob: Workspace, git: Git
) -> None:
    ann = agents(shared.one, "ann/cli/one")
    claims: list[Any] = [claim_files(ann, patterns=[path], branch="feat/y")["claim"] for path in ("a.py", "b.py")]
    first = pushed(git, shared, "feat/y", **{"a.py": "x = 1\n"})
    (shared.one / "b.py").write_text("y = 1\n", "utf-8")
    git(shared.one, "add", "--all")
    git(shared.one, "commit", "--quiet", "--message", "b")
    git(shared.one, "push", "--quiet", "origin", "feat/y")
    second = git(shared.one, "rev-parse", "HEAD")

    release_claims(ann, claim_ids=[claims[0]["id"]])
    at_a: Any = claim_files(bob, patterns=["a.py"])
    release_claims(ann)
    at_b: Any = claim_files(bob, patterns=["b.py"])

    assert [row["commit"] for row in at_a["barriers"]] == [first]
    assert [row["commit"] for row in at_b["barriers"]] == [second]
