"""Branches that are worked on and merged, for tests of what a merge ends."""

from pathlib import Path

import pytest

from gitcoord.core.claims.claim import Claim
from gitcoord.service.session.workspace import Workspace
from tests.conftest import Git
from tests.unit.service.world import Agents, Shared

A, B = "a.py", "b.py"


@pytest.fixture
def ann(agents: Agents, shared: Shared, git: Git) -> Workspace:
    """Ann, at work on feat/y; a.py and b.py are there."""
    for name in (A, B):
        work(git, shared.one, name, "def one(): ...\n\n\ndef two(): ...\n")
    git(shared.one, "push", "--quiet", "origin", "main")
    git(shared.one, "switch", "--quiet", "--create", "feat/y")
    return agents(shared.one, "ann/cli/one", tool="claude", serve=True)


@pytest.fixture
def bob(agents: Agents, shared: Shared) -> Workspace:
    return agents(shared.two, "bob/cli/two")


def work(git: Git, repo: Path, name: str, text: str) -> None:
    (repo / name).write_text(text, encoding="utf-8")
    git(repo, "add", name)
    git(repo, "commit", "--quiet", "--message", f"work on {name}")


def work_on(git: Git, repo: Path, branch: str, name: str, text: str = "x = 2\n") -> None:
    """Commit on another branch, and come back."""
    git(repo, "switch", "--quiet", *([] if git(repo, "branch", "--list", branch) else ["--create"]), branch)
    work(git, repo, name, text)
    git(repo, "switch", "--quiet", "feat/y")


def lands(git: Git, shared: Shared, *, squash: bool = False, branch: str = "feat/y") -> None:
    """Push a branch, merge it into the default one from the second clone, and let the first fetch that."""
    git(shared.one, "push", "--quiet", "origin", branch)
    git(shared.two, "fetch", "--quiet")
    git(shared.two, "switch", "--quiet", "--force-create", "main", "origin/main")
    git(shared.two, "merge", "--quiet", *(["--squash"] if squash else ["--no-ff", "--no-edit"]), f"origin/{branch}")
    if squash:
        git(shared.two, "commit", "--quiet", "--message", "all of it")
    git(shared.two, "push", "--quiet", "origin", "main")
    git(shared.one, "fetch", "--quiet")


def held(workspace: Workspace) -> list[str]:
    claims: list[Claim] = sorted(workspace.register().claims.values(), key=lambda claim: claim.fence)
    return [item.pattern + "".join(f"#{name}" for name in item.symbols) for claim in claims for item in claim.items]
