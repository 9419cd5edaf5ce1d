"""What planners do: create, extend, change, skip, end and look at projects."""

import json
from pathlib import Path

import pytest

from gitcoord.errors import InvalidError, NotFoundError
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.steps.projects import abort_project, add_steps, create_project, get_project, list_projects
from gitcoord.service.steps.step_views import get_step
from gitcoord.service.steps.step_work import claim_step, complete_step, skip_step, update_step
from tests.conftest import Git
from tests.unit.service.world import Agents, Result, Shared, commit_on, plan, project, run_as_printed, seen, tips


def test_a_created_project_is_returned_with_its_counts(ann: Workspace, repo: Path, git: Git) -> None:
    result: Result = create_project(
        ann, name="app", base_commit="main", steps=plan((), (1,)), description="All of it", stale_minutes=30
    )

    shown = result["project"]
    assert set(result) == {"project"}
    assert {name: shown[name] for name in shown if name != "created_at"} == {
        "name": "app",
        "base_commit": git(repo, "rev-parse", "main"),
        "description": "All of it",
        "status": "active",
        "created_by": "ann/cli/wt",
        "stale_minutes": 30,
        "counts": {"not_started": 2},
        "steps": 2,
    }


def test_every_result_is_ready_for_compact_json(ann: Workspace) -> None:
    results = [project(ann), list_projects(ann), get_project(ann, name="app"), claim_step(ann)]

    assert [json.loads(json.dumps(result)) for result in results] == results


def test_a_base_commit_is_resolved_once(ann: Workspace, repo: Path, git: Git) -> None:
    first = git(repo, "rev-parse", "HEAD")
    project(ann)
    git(repo, "commit", "--quiet", "--allow-empty", "--message", "later")

    assert seen(claim_step(ann))["step"]["base_commit"] == first


def test_a_base_that_only_this_clone_has_is_warned_about(agents: Agents, shared: Shared, git: Git) -> None:
    ann = agents(shared.one, "ann/cli/one")
    base = commit_on(git, shared.one, "topic")

    result = seen(project(ann))

    (warning,) = result["warnings"]
    assert warning.startswith(f"base_commit {base[:12]} is on no branch of the remote:")
    assert result["project"]["base_commit"] == base


def test_while_another_clone_is_live_a_project_begins_with_what_all_can_have(
    agents: Agents, shared: Shared, git: Git
) -> None:
    git(shared.one, "remote", "rename", "origin", "team")
    git(shared.one, "config", "gitcoord.remote", "team")
    ann, bob = agents(shared.one, "ann/cli/one"), agents(shared.two, "bob/claude/two", serve=True)
    base = commit_on(git, shared.one, "topic")
    before = tips(ann)

    refused = seen(project(ann))
    after = tips(ann)
    run_as_printed(refused["next_step"], shared.one)
    created = seen(project(ann))
    run_as_printed(seen(claim_step(bob))["next_step"], shared.two)

    assert (refused["project"], refused["refused"], after) == (None, "not_pushed", before)
    assert created.keys() == {"project"}
    assert git(shared.two, "rev-parse", "HEAD") == base


def test_a_name_is_taken_in_any_case(ann: Workspace) -> None:
    project(ann, name="App")
    before = tips(ann)

    with pytest.raises(InvalidError, match="'App' exists already") as caught:
        project(ann, name="aPP")

    assert "add_steps" in caught.value.hint
    assert tips(ann) == before


def test_a_project_is_found_in_any_case_and_keeps_its_own(ann: Workspace) -> None:
    project(ann, name="App")

    assert seen(get_project(ann, name="APP"))["project"]["name"] == "App"
    assert seen(get_step(ann, step_id="app/1"))["step"]["id"] == "App/1"


def test_steps_are_added_and_named_in_the_answer(ann: Workspace) -> None:
    project(ann)

    result: Result = add_steps(ann, project="app", steps=[{"step_num": 5, "depends_on": [1]}])

    assert (set(result), result["step_nums"]) == ({"project", "step_nums"}, [5])
    assert result["project"]["counts"] == {"not_started": 2}


def test_an_aborted_project_gives_no_steps_and_lets_running_ones_complete(ann: Workspace) -> None:
    project(ann, (), ())
    claim_step(ann)

    result: Result = abort_project(ann, name="app", reason="  not needed  ")
    again: Result = abort_project(ann, name="app", reason="again")
    refused: Result = claim_step(ann, agent_id="other", project="app")
    done: Result = complete_step(ann, step_id="app/1", commit_hash="HEAD")

    assert (set(result), result["running"]) == ({"project", "running"}, [1])
    assert result["project"]["reason"] == "not needed"
    assert again["already"] is True
    assert (refused["step"], refused["refused"], refused["status"]) == (None, "project_ended", "aborted")
    assert done["step"]["status"] == "completed"


def test_adding_to_an_ended_project_is_refused_with_the_facts(ann: Workspace) -> None:
    project(ann)
    abort_project(ann, name="app", reason="over")
    before = tips(ann)

    result: Result = add_steps(ann, project="app", steps=[{"step_num": 2}])

    shown: Result = get_project(ann, name="app")
    assert result.pop("ended_at") == shown["project"]["completed_at"]
    assert result == {
        "project": None,
        "refused": "project_ended",
        "why": "Project 'app' is aborted.",
        "next_step": "Create a new project for more work.",
        "status": "aborted",
        "reason": "over",
    }
    assert tips(ann) == before


@pytest.mark.parametrize("reason", ["", "  \n", "x" * 4001])
def test_a_reason_says_something_in_at_most_4000_characters(ann: Workspace, reason: str) -> None:
    project(ann)

    with pytest.raises(InvalidError, match="A reason is needed"):
        abort_project(ann, name="app", reason=reason)


# --- looking


def test_a_project_is_shown_with_what_is_available_critical_and_held(ann: Workspace) -> None:
    project(ann, (), (1,), ())
    claim_step(ann, step_id="app/3")

    result: Result = get_project(ann, name="app")

    assert set(result) == {"project", "steps", "available", "critical_path", "held", "progress"}
    assert result["available"] == [1]
    assert result["critical_path"] == [1, 2]
    assert result["held"] == [{"step_num": 3, "agent": "ann/cli/wt"}]
    assert result["progress"] == 0.0
    assert result["steps"][1] == {
        "id": "app/2",
        "step_num": 2,
        "title": "Part 2",
        "branch": "feat/2",
        "scope": None,
        "depends_on": [1],
        "agent_id": None,
        "commit_hash": None,
        "priority": 0,
        "status": "not_started",
    }


def test_a_large_project_comes_in_pages_that_say_how_to_go_on(ann: Workspace) -> None:
    project(ann, *[()] * 120)

    first: Result = get_project(ann, name="app")
    second: Result = get_project(ann, name="app", offset=40)
    last: Result = get_project(ann, name="app", offset=80)
    beyond: Result = get_project(ann, name="app", offset=500)

    pages = [[step["step_num"] for step in page["steps"]] for page in (first, second, last, beyond)]
    assert pages == [[*range(1, 41)], [*range(41, 81)], [*range(81, 121)], []]
    assert (first["next_offset"], second["next_offset"]) == (40, 80)
    assert first["next_step"] == "80 more steps: get_project(name='app', offset=40)."
    assert "next_offset" not in last
    assert "next_offset" not in beyond
    assert len(json.dumps(first)) < 8000


@pytest.mark.parametrize(("offset", "limit"), [(-1, 50), (0, 0), (0, -1)])
def test_a_page_that_cannot_be_is_invalid(ann: Workspace, offset: int, limit: int) -> None:
    project(ann)

    with pytest.raises(InvalidError, match="offset is 0 or more"):
        get_project(ann, name="app", offset=offset, limit=limit)


def test_projects_are_listed_by_their_last_activity(ann: Workspace) -> None:
    for name in ("one", "two", "three"):
        project(ann, (), name=name)
    claim_step(ann, project="one")

    result: Result = list_projects(ann)

    assert [row["name"] for row in result["projects"]] == ["one", "three", "two"]
    assert result["count"] == 3
    row = result["projects"][0]
    assert set(row) == {"name", "status", "counts", "steps", "progress", "available", "last_activity"}
    assert (row["counts"], row["available"]) == ({"claimed": 1}, 0)


def test_projects_are_listed_by_status(ann: Workspace) -> None:
    project(ann, (), name="done")
    claim_step(ann)
    complete_step(ann, step_id="done/1", commit_hash="HEAD")
    project(ann, (), name="running")

    done: Result = list_projects(ann, status="completed")
    active: Result = list_projects(ann, status="active")

    assert [row["name"] for row in done["projects"]] == ["done"]
    assert [row["name"] for row in active["projects"]] == ["running"]
    assert list_projects(ann, status="aborted") == {"projects": [], "count": 0}


def test_an_unknown_status_is_invalid_with_the_words_that_are_known(ann: Workspace) -> None:
    with pytest.raises(InvalidError, match="'open' is not a status") as caught:
        list_projects(ann, status="open")

    assert caught.value.hint == "It is one of active, completed, aborted."


def test_no_project_yet_is_an_empty_list(ann: Workspace) -> None:
    assert list_projects(ann) == {"projects": [], "count": 0}


# --- changing steps


def test_a_step_is_changed_while_nobody_holds_it(ann: Workspace) -> None:
    project(ann, (), ())

    result: Result = update_step(ann, step_id="app/2", title="New", depends_on=[1], priority=3, branch="", scope="ui")

    step = result["step"]
    assert isinstance(step, dict)
    assert (step["title"], step["depends_on"], step["priority"], step["scope"]) == ("New", [1], 3, "ui")
    assert step["branch"] is None


@pytest.mark.rule("STEP-11")
def test_a_step_that_is_held_is_neither_changed_nor_skipped(ann: Workspace) -> None:
    project(ann)
    claim_step(ann)
    before = tips(ann)

    changed: Result = update_step(ann, step_id="app/1", title="New")
    skipped: Result = skip_step(ann, step_id="app/1", reason="no")

    assert (changed["refused"], skipped["refused"]) == ("not_open", "not_open")
    assert (changed["step"], changed["agent"]) == (None, "ann/cli/wt")
    assert changed["next_step"]
    assert tips(ann) == before


def test_a_skipped_step_frees_what_waits_for_it(ann: Workspace) -> None:
    project(ann, (), (1,))

    result: Result = skip_step(ann, step_id="app/1", reason="done by hand")
    again: Result = skip_step(ann, step_id="app/1", reason="done by hand")

    assert (result["unblocked"], result["step"]["status"]) == ([2], "skipped")
    assert again["already"] is True


def test_a_step_whole_has_what_it_waits_for_and_who_holds_it(ann: Workspace) -> None:
    project(ann, (), (1,))
    claim_step(ann)

    held: Result = get_step(ann, step_id="app/1")
    waiting: Result = get_step(ann, step_id="app/2")

    assert set(held) == {"step", "holder"}
    assert held["holder"]["agent"] == "ann/cli/wt"
    assert set(held["holder"]) == {"agent", "life", "why"}
    assert waiting["waiting_on"] == [1]
    assert {"id", "step_num", "project", "status"} <= set(waiting["step"])


def test_a_step_or_project_that_does_not_exist_is_not_found(ann: Workspace) -> None:
    project(ann)

    with pytest.raises(NotFoundError, match="has no step 9"):
        get_step(ann, step_id="app/9")
    with pytest.raises(NotFoundError, match="no project 'nope'"):
        get_project(ann, name="nope")
    with pytest.raises(NotFoundError):
        add_steps(ann, project="nope", steps=[{"step_num": 1}])


def test_agents_of_several_worktrees_see_one_project(agents: Agents, repo: Path, git: Git, ann: Workspace) -> None:
    git(repo, "worktree", "add", "--quiet", "-b", "wt-2", str(repo.parent / "wt-2"))
    project(ann)

    bob = agents(repo.parent / "wt-2", "bob/cli/wt-2")

    assert bob.clone_id == ann.clone_id
    assert get_project(bob, name="app") == get_project(ann, name="app")


def test_a_misspelt_project_is_suggested_by_reads_and_by_writes(ann: Workspace) -> None:
    create_project(ann, name="Typing", base_commit="HEAD", steps=plan(()))

    for call in (lambda: get_project(ann, name="typng"), lambda: claim_step(ann, project="typng")):
        with pytest.raises(NotFoundError, match=r"^There is no project 'typng'\.$") as caught:
            call()
        assert caught.value.hint == ("Did you mean 'typing'? See list_projects(), or create it: create_project(…).")
