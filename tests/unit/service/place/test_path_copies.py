"""Copies of a remote on a path: which of them are let go."""

import pytest

from gitcoord.ledger.readers.last_listing import Listing
from gitcoord.service.place.path_copies import Copier
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.team.deletion import delete_project
from tests.conftest import Git
from tests.unit.service.world import Agents, Shared, later, project

COPY = "refs/gitcoord-copy/coord/steps/app"


@pytest.fixture
def ann(agents: Agents, shared: Shared, git: Git) -> Workspace:
    """An agent that has a copy of a project."""
    ann = agents(shared.one, "ann/cli/one")
    project(ann)
    assert looked(ann, git) == COPY
    return ann


def looked(workspace: Workspace, git: Git) -> str:
    """Let a watcher look; return the copy of the project that there is then."""
    Copier(workspace).look(Listing(workspace.setting.host.now(), workspace.listed()))
    return git(workspace.setting.clone.folder / "store.git", "for-each-ref", "--format=%(refname)", COPY)


@pytest.mark.parametrize("is_packed", [False, True])
def test_a_copy_of_a_project_that_was_deleted_goes_after_a_month(ann: Workspace, git: Git, *, is_packed: bool) -> None:
    delete_project(ann, name="app")
    if is_packed:
        git(ann.setting.clone.folder / "store.git", "pack-refs", "--all")

    young = looked(later(ann, days=29), git)
    old = looked(later(ann, days=2), git)

    assert (young, old) == (COPY, "")


@pytest.mark.rule("SAFE-9")
def test_a_copy_of_a_ledger_that_is_there_or_is_missed_stays_however_old(
    ann: Workspace, shared: Shared, git: Git
) -> None:
    there = looked(later(ann, days=400), git)
    git(shared.remote, "update-ref", "-d", "refs/coord/steps/app")

    missed = looked(later(ann, days=400), git)

    assert (there, missed) == (COPY, COPY)
