"""A repository with an origin that nobody coordinates through yet, and somebody's clone that does."""

from pathlib import Path

import pytest

from gitcoord.service.session.workspace import Workspace
from tests.conftest import Clone, Git, MakeBare
from tests.unit.service.world import Agents


@pytest.fixture
def remote(make_bare: MakeBare) -> Path:
    return make_bare()


@pytest.fixture
def repo(repo: Path, remote: Path, git: Git) -> Path:
    """A repository whose `origin` is `remote`; no remote is named for coordination yet."""
    git(repo, "remote", "add", "origin", str(remote))
    git(repo, "push", "--quiet", "origin", "main")
    return repo


@pytest.fixture
def bob(agents: Agents, clone: Clone, remote: Path, repo: Path) -> Workspace:
    """Somebody else's clone, which coordinates through the remote."""
    return agents(clone(remote, "bob"), "bob/cli/wt", GITCOORD_REMOTE="origin")
