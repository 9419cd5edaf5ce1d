"""A remote that its keeper can put back, with two clones of it: on a path, by git over file://, over http."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from gitcoord.service.session.workspace import Workspace
from tests.conftest import Clone, Git, MakeBare, MakeRepo
from tests.servers.fixtures import Servers
from tests.unit.service.world import Agents

CLAIMS, APP = "refs/coord/claims", "refs/coord/steps/app"
KINDS = ["path", "file", "http"]


@dataclass(frozen=True)
class Hub:
    """A remote that its keeper can put back, and two clones of it."""

    path: Path
    one: Path
    two: Path
    git: Git

    def copy(self) -> Path:
        """Make a backup."""
        backup = self.path.with_suffix(".backup")
        shutil.copytree(self.path, backup)
        return backup

    def restore(self, backup: Path) -> None:
        shutil.rmtree(self.path)
        shutil.copytree(backup, self.path)

    def rewind(self, ref: str, count: int = 1) -> None:
        """Push an older commit by force."""
        self.git(self.path, "update-ref", ref, f"{ref}~{count}")

    def mirror(self) -> None:
        """Push with --mirror from a clone that has none of the refs, and no hook of ours."""
        self.git(self.two, "push", "--quiet", "--mirror", str(self.path))
        assert self.git(self.path, "for-each-ref", "refs/coord") == ""


@pytest.fixture(params=KINDS)
def hub(
    request: pytest.FixtureRequest, servers: Servers, make_bare: MakeBare, make_repo: MakeRepo, clone: Clone, git: Git
) -> Hub:
    remote = servers.remote("http") if request.param == "http" else None
    path = remote.git_dir if remote else make_bare("hub.git")
    url = remote.url if remote else f"file://{path}" if request.param == "file" else str(path)
    git(path, "symbolic-ref", "HEAD", "refs/heads/main")
    one = make_repo("one")
    git(one, "push", "--quiet", str(path), "main")
    two = clone(path, "two")
    for folder in (one, two):
        git(folder, "config", "gitcoord.remote", url)
    return Hub(path, one, two, git)


@pytest.fixture
def third(hub: Hub, clone: Clone, git: Git) -> Path:
    """A clone that has seen nothing yet."""
    folder = clone(hub.path, "three")
    git(folder, "config", "gitcoord.remote", git(hub.two, "config", "gitcoord.remote"))
    return folder


@pytest.fixture
def ann(agents: Agents, hub: Hub) -> Workspace:
    """Who works in the first clone."""
    return agents(hub.one, "ann/cli/one")


@pytest.fixture
def bob(agents: Agents, hub: Hub) -> Workspace:
    """Who works in the second clone."""
    return agents(hub.two, "bob/cli/two")
