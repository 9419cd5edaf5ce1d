"""A clone's folder for coordination that somebody deletes under a running session."""

import shutil
from pathlib import Path

import pytest

from gitcoord.errors import RepositoryError
from gitcoord.service.projects import list_projects
from gitcoord.service.steps import claim_step
from gitcoord.service.workspace import Workspace
from tests.conftest import Git
from tests.unit.service.world import Agents, Result, Shared, project, seen


def folder_of(workspace: Workspace) -> Path:
    return workspace.setting.clone.folder


@pytest.mark.parametrize("scheme", ["", "file://"], ids=["path", "git"])
def test_a_copy_of_a_remote_is_made_again_and_the_session_goes_on(
    agents: Agents, shared: Shared, git: Git, scheme: str
) -> None:
    git(shared.one, "config", "gitcoord.remote", f"{scheme}{shared.remote}")
    ann = agents(shared.one, "ann/a/one", serve=True)
    project(ann)
    before: Result = claim_step(ann)
    clone = ann.clone_id
    ann.take_notices()

    shutil.rmtree(folder_of(ann))
    again: Result = claim_step(ann)

    assert (again["step"]["id"], again["step"]["fence"]) == (before["step"]["id"], before["step"]["fence"])
    assert [notice["notice"] for notice in ann.take_notices()] == ["folder_made_again"]
    assert agents(shared.one, "ann/a/two").clone_id == ann.clone_id == clone
    assert ann.setting.sessions.state(ann.session_id).locked is True


def test_a_store_that_was_the_only_place_is_gone_and_everything_says_so(ann: Workspace, agents: Agents) -> None:
    bob = agents(ann.repository.top, "bob/b/wt", serve=True)
    project(bob)
    claim_step(bob)

    shutil.rmtree(folder_of(bob))

    for call in (lambda: claim_step(bob), lambda: seen(list_projects(bob))):
        with pytest.raises(RepositoryError, match="was deleted") as caught:
            call()
        assert "restart this session" in caught.value.hint
    bob.close()
