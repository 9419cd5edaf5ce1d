"""A clone's folder for coordination that somebody deletes under a running session."""

import shutil
from pathlib import Path

import pytest

from gitcoord.errors import ContendedError, CoordError, StoreDamagedError
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.steps.projects import list_projects
from gitcoord.service.steps.step_work import claim_step, complete_step
from gitcoord.service.watch.notices import take_notices
from gitcoord.service.watch.watch import tick
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
    take_notices(ann)

    shutil.rmtree(folder_of(ann))
    again: Result = claim_step(ann)

    assert (again["step"]["id"], again["step"]["fence"]) == (before["step"]["id"], before["step"]["fence"])
    assert [notice["notice"] for notice in take_notices(ann)] == ["folder_made_again"]
    assert agents(shared.one, "ann/a/two").clone_id == ann.clone_id == clone
    assert ann.setting.sessions.state(ann.session_id).locked is True


def test_a_store_that_was_the_only_place_is_gone_and_everything_says_so(ann: Workspace, agents: Agents) -> None:
    bob = agents(ann.repository.top, "bob/b/wt", serve=True)
    project(bob)
    claim_step(bob)

    shutil.rmtree(folder_of(bob))

    for call in (lambda: claim_step(bob), lambda: seen(list_projects(bob))):
        with pytest.raises(StoreDamagedError, match="was deleted") as caught:
            call()
        assert "restart this session" in caught.value.hint
    bob.close()


@pytest.mark.rule("SAFE-7")
@pytest.mark.parametrize("scheme", ["", "file://"], ids=["path", "git"])
def test_a_folder_that_another_command_made_again_is_taken_back_with_lock_fences_and_id(
    agents: Agents, shared: Shared, git: Git, scheme: str
) -> None:
    git(shared.one, "config", "gitcoord.remote", f"{scheme}{shared.remote}")
    ann, two = (agents(shared.one, name, serve=True) for name in ("ann/a/one", "ann/a/two"))
    project(ann, (), (), ())
    for one in (ann, two):
        claim_step(one)
    clone = ann.clone_id
    shutil.rmtree(folder_of(ann))
    bob = agents(shared.one, "bob/b/cli")
    taken: Result = claim_step(bob)

    for one in (ann, two):
        tick(one)
    again = agents(shared.one, "bob/b/cli")
    stolen: Result = claim_step(again)
    done: list[Result] = [
        complete_step(one, step_id=f"app/{num}", commit_hash="HEAD") for num, one in enumerate((ann, two, again), 1)
    ]

    assert bob.clone_id != clone
    assert again.clone_id == ann.clone_id == two.clone_id == clone
    assert [one.setting.sessions.state(one.session_id).locked for one in (ann, two)] == [True, True]
    assert taken["step"]["id"] == stolen["step"]["id"] == "app/3"
    assert [one["step"]["status"] for one in done] == ["completed"] * 3
    assert [notice["notice"] for notice in take_notices(ann)][-1:] == ["folder_made_again"]


@pytest.mark.rule("SAFE-7")
def test_a_store_that_another_command_began_anew_is_joined(agents: Agents, ann: Workspace) -> None:
    bob = agents(ann.repository.top, "bob/b/wt", serve=True)
    shutil.rmtree(folder_of(bob))
    project(agents(ann.repository.top, "ann/a/new"))

    claimed: Result = claim_step(bob)

    assert claimed["step"]["id"] == "app/1"
    assert bob.setting.sessions.state(bob.session_id).locked is True
    assert agents(ann.repository.top, "ann/a/new").clone_id == bob.clone_id


def test_a_session_that_another_server_has_by_now_is_not_taken_from_it(agents: Agents, shared: Shared) -> None:
    ann = agents(shared.one, "ann/a/one", session="pinned", serve=True)
    shutil.rmtree(folder_of(ann))
    other = agents(shared.one, "ann/a/one", session="pinned", serve=True)

    with pytest.raises(ContendedError, match="another process is at work"):
        claim_step(ann)

    assert other.session_id == "pinned"
    assert other.setting.sessions.state("pinned").locked is True


def test_a_repository_that_was_moved_is_not_made_again_in_its_old_place(agents: Agents, shared: Shared) -> None:
    ann = agents(shared.one, "ann/a/one", serve=True)
    shared.one.rename(shared.one.with_name("moved"))

    with pytest.raises(CoordError):
        claim_step(ann)

    assert not shared.one.exists()
