"""What a person deletes is recorded first, so that no clone takes it for a loss; see `service.team.deletion`."""

import pytest

from gitcoord.faces.cli.terminal.commands import for_shell
from gitcoord.service.claims.claims import claim_files
from gitcoord.service.steps.projects import abort_project
from gitcoord.service.steps.step_work import claim_step, recover_step
from gitcoord.service.team.deletion import delete_everything, delete_project
from gitcoord.service.watch.overview import status
from tests.unit.service.world import Agents, Result, Shared, later, project

pytestmark = pytest.mark.rule("SAFE-9")


def test_a_project_that_a_person_deleted_is_missed_by_nobody(agents: Agents, shared: Shared) -> None:
    ann, bob = agents(shared.one, "ann/cli/one"), agents(shared.two, "bob/cli/two")
    project(ann)
    before: Result = status(bob)

    done: Result = delete_project(ann, name="app")
    after: Result = status(bob)
    project(bob)
    taken: Result = claim_step(ann)

    assert [row["name"] for row in before["projects"]] == ["app"]
    assert (done, after["projects"], after["oddities"]) == ({"deleted": "app"}, [], [])
    assert taken["step"]["id"] == "app/1"


def test_a_project_of_which_a_step_is_held_stays(agents: Agents, shared: Shared) -> None:
    ann, bob = agents(shared.one, "ann/cli/one"), agents(shared.two, "bob/cli/two")
    project(ann)
    claim_step(bob)

    done: Result = delete_project(ann, name="app")

    assert (done["deleted"], done["refused"]) == (None, "held")
    assert "bob/cli/two" in done["why"]
    assert "It is free after" in done["why"]
    assert for_shell(done["next_step"]) == (
        "Abort the project: `gitcoord project abort app --reason 'it is to be deleted'`."
    )


def test_of_an_aborted_project_the_holder_is_asked(agents: Agents, shared: Shared) -> None:
    ann, bob = agents(shared.one, "ann/cli/one"), agents(shared.two, "bob/cli/two")
    project(ann)
    claim_step(bob)
    abort_project(ann, name="app", reason="superseded")

    done: Result = delete_project(ann, name="app")

    assert for_shell(done["next_step"]) == (
        "Ask bob/cli/two to give the step back: `gitcoord step fail app/1 --reason 'project app is to be deleted'`."
    )


def test_a_step_whose_holder_is_gone_is_recovered_and_the_project_deleted(agents: Agents, shared: Shared) -> None:
    ann, bob = agents(shared.one, "ann/cli/one"), agents(shared.two, "bob/cli/two")
    project(ann)
    claim_step(bob)
    abort_project(ann, name="app", reason="superseded")
    later(ann, minutes=24 * 60)

    refused: Result = delete_project(ann, name="app")
    recover_step(ann, step_id="app/1")

    assert for_shell(refused["next_step"]) == "Recover it: `gitcoord step recover app/1`."
    assert delete_project(ann, name="app") == {"deleted": "app"}


def test_everything_goes_where_no_other_clone_is(agents: Agents, shared: Shared) -> None:
    ann = agents(shared.one, "ann/cli/one")
    project(ann)
    claim_files(ann, patterns=["README.md"])

    done: Result = delete_everything(ann)

    assert done["left"] == []


def test_the_record_stays_for_other_clones(agents: Agents, shared: Shared) -> None:
    ann, bob = agents(shared.one, "ann/cli/one"), agents(shared.two, "bob/cli/two", serve=True)
    project(ann)
    claim_files(ann, patterns=["README.md"])
    status(bob)

    done: Result = delete_everything(ann)
    found: Result = status(bob)
    granted: Result = claim_files(bob, patterns=["README.md"])

    assert done["left"] == ["refs/coord/config"]
    assert (found["projects"], found["oddities"], granted["granted"]) == ([], [], True)
