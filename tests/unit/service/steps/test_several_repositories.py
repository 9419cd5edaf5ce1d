"""Several repositories that share one remote: each sees the projects of the others as such."""

import pytest

from gitcoord.errors import InvalidError
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.steps.projects import list_projects
from gitcoord.service.steps.step_ids import parse_step_id
from gitcoord.service.steps.step_views import get_available_steps, list_steps
from gitcoord.service.steps.step_work import claim_step, complete_step
from gitcoord.service.watch.overview import status
from tests.conftest import Git
from tests.unit.service.world import Agents, Result, Shared, commit_on, project, seen


@pytest.fixture
def ann(agents: Agents, shared: Shared, git: Git) -> Workspace:
    """An agent of the repository `web`, which has a project."""
    git(shared.one, "config", "gitcoord.repo", "web")
    ann = agents(shared.one, "ann/cli/one")
    project(ann, (), (), name="site")
    return ann


@pytest.fixture
def bob(agents: Agents, shared: Shared, git: Git, ann: Workspace) -> Workspace:
    """An agent of the repository `srv`, which has none yet."""
    git(shared.two, "config", "gitcoord.repo", "srv")
    assert ann.repo == "web"
    return agents(shared.two, "bob/cli/two")


def test_what_is_of_another_repository_is_shown_with_its_name(ann: Workspace, bob: Workspace) -> None:
    looks = [get_available_steps, list_steps]
    own: list[list[Result]] = [seen(look(ann))["steps"] for look in looks]
    others: list[list[Result]] = [seen(look(bob))["steps"] for look in looks]
    listed: Result = list_projects(bob)
    screens: list[Result] = [status(bob), status(ann)]

    assert [[row.get("repo") for row in rows] for rows in others] == [["web", "web"]] * 2
    assert not any("repo" in row for rows in own for row in rows)
    assert listed["projects"][0]["repo"] == "web"
    assert [screen["projects"][0].get("repo") for screen in screens] == ["web", None]


def test_a_bare_number_is_of_this_repository_s_project(ann: Workspace, bob: Workspace) -> None:
    with pytest.raises(InvalidError, match=r"Step 1 of which project of repository 'srv'\? None is active\."):
        parse_step_id(bob, "1")
    project(bob, name="api")

    assert (parse_step_id(bob, "1"), parse_step_id(ann, "1")) == (("api", 1), ("site", 1))


def test_a_claim_of_any_step_says_of_which_repository_no_project_is_active(bob: Workspace) -> None:
    result: Result = claim_step(bob)

    assert (result["refused"], result["why"]) == (
        "no_active_project",
        "There is no active project of repository 'srv'.",
    )


def test_a_step_of_another_repository_is_granted_by_its_id_with_a_warning(bob: Workspace) -> None:
    result: Result = claim_step(bob, step_id="site/1")

    assert result["warnings"] == ["Step site/1 is of repository 'web'; this is 'srv'."]
    back = "Give it back: recover_step(step_id='site/1'); then claim it in a clone of that repository."
    assert result["next_step"] == back


def test_a_commit_of_another_repository_is_warned_about(bob: Workspace, shared: Shared, git: Git) -> None:
    claim_step(bob, step_id="site/1")
    tip = commit_on(git, shared.two, "feat/1")
    git(shared.two, "push", "--quiet", "origin", "feat/1")

    result: Result = complete_step(bob, step_id="site/1", commit_hash=tip)

    text = f"Commit {tip[:12]} is of repository 'srv', but project 'site' is of 'web'."
    assert result["warnings"] == [text]
