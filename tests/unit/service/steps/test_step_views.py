"""Looking: what is available, who is stale and by what evidence, metrics, events, and the one screen of status."""

import json
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from gitcoord.errors import InvalidError, NotFoundError
from gitcoord.service.claims import dry_run
from gitcoord.service.claims.claims import claim_files
from gitcoord.service.session import freshness
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.steps.projects import abort_project, create_project, list_projects
from gitcoord.service.steps.step_views import (
    detect_stale_work,
    get_agent_events,
    get_available_steps,
    get_metrics,
    get_step,
)
from gitcoord.service.steps.step_work import claim_step, complete_step, fail_step, recover_step
from gitcoord.service.team import owner_lookup
from gitcoord.service.watch.overview import status
from tests.conftest import Git
from tests.unit.service.world import Agents, Result, Shared, commit_on, crash, damage, later, plan, project, seen


def test_available_steps_come_in_the_order_in_which_they_would_be_given(ann: Workspace) -> None:
    project(ann, (), (), (2,), name="one")
    project(ann, (), name="two")

    result: Result = get_available_steps(ann)

    assert ([step["id"] for step in result["steps"]], result["count"]) == (["one/2", "one/1", "two/1"], 3)
    assert set(result) == {"steps", "count"}


def test_available_steps_are_narrowed_by_project_and_scope(ann: Workspace) -> None:
    project(ann, (), name="one")
    create_project(ann, name="two", base_commit="HEAD", steps=[*plan((), scope="ui"), {"step_num": 2, "scope": "db"}])

    of_project: Result = get_available_steps(ann, project="TWO")
    of_scope: Result = get_available_steps(ann, scope="db")

    assert [step["id"] for step in of_project["steps"]] == ["two/1", "two/2"]
    assert [step["id"] for step in of_scope["steps"]] == ["two/2"]


def test_a_long_list_is_capped_and_says_how_to_narrow(ann: Workspace) -> None:
    project(ann, *[()] * 70)

    result: Result = get_available_steps(ann)
    few: Result = get_available_steps(ann, limit=2)

    assert (len(result["steps"]), result["count"]) == (40, 70)
    assert result["next_step"] == "There are 70; narrow with project or scope."
    assert (len(few["steps"]), few["count"]) == (2, 70)
    assert len(json.dumps(result)) < 8000


def test_a_step_whose_paths_another_holds_says_so(agents: Agents, repo: Path, ann: Workspace) -> None:
    steps = [{"step_num": 1, "paths": ["src/a.py"]}, {"step_num": 2, "paths": ["src/b.py"]}]
    create_project(ann, name="app", base_commit="HEAD", steps=steps)
    bob = agents(repo, "bob/cli/wt")
    claim_files(bob, patterns=["src/a.py"])

    first = seen(get_available_steps(ann))
    given = seen(claim_step(ann))
    rest = seen(get_available_steps(ann))
    of_bob = seen(get_available_steps(bob))

    assert [step.get("paths_held") for step in first["steps"]] == ["bob/cli/wt holds what you ask for: src/a.py.", None]
    assert given["step"]["id"] == "app/2"
    assert [step["id"] for step in rest["steps"]] == ["app/1"]
    assert rest["next_step"] == "Why, and when to ask again: claim_step()."
    assert "paths_held" not in of_bob["steps"][0]


@pytest.mark.parametrize(
    ("project", "count", "looked_at"),
    [
        (None, 3, ["listed", "caller_of", "owned"]),
        ("app", 1, ["listed", "caller_of", "owned"]),
        ("no-paths", 1, ["listed"]),
    ],
)
def test_the_refs_the_claims_and_the_owners_are_looked_at_once_for_all_that_is_available(
    ann: Workspace, monkeypatch: pytest.MonkeyPatch, project: str | None, count: int, looked_at: list[str]
) -> None:
    for name, paths in (("no-paths", []), ("app", ["app/a.py"]), ("web", ["web/a.py"])):
        create_project(ann, name=name, base_commit="HEAD", steps=[{"step_num": 1, "paths": [*paths]}])
    looks = list[str]()
    for module, name in ((freshness, "listed"), (dry_run, "caller_of"), (owner_lookup, "owned")):
        real: Callable[..., object] = getattr(module, name)
        counted = partial(
            lambda real, name, *given, **named: (looks.append(name), real(*given, **named))[1], real, name
        )
        monkeypatch.setattr(module, name, counted)

    found = seen(get_available_steps(ann, project=project))

    assert (found["count"], looks) == (count, looked_at)


@pytest.mark.parametrize("minutes", [0, 100_000_000])
def test_a_timeout_that_cannot_be_is_refused_with_both_bounds(ann: Workspace, minutes: int) -> None:
    with pytest.raises(InvalidError, match=f"timeout_minutes is {minutes}; it is from 1 to 525600"):
        detect_stale_work(ann, timeout_minutes=minutes)


def test_an_ended_project_has_nothing_available(ann: Workspace) -> None:
    project(ann)
    abort_project(ann, name="app", reason="over")

    assert get_available_steps(ann) == {"steps": [], "count": 0}
    assert seen(get_available_steps(ann, project="app"))["steps"] == []


def test_where_nothing_is_available_the_way_to_the_reason_is_named(ann: Workspace) -> None:
    project(ann)
    claim_step(ann)

    found = get_available_steps(ann, project="app")

    assert found == {
        "steps": [],
        "count": 0,
        "next_step": "Why, and when to ask again: claim_step(project='app').",
    }


@pytest.mark.parametrize("limit", [0, -1, 1001])
def test_a_limit_that_cannot_be_is_invalid(ann: Workspace, limit: int) -> None:
    with pytest.raises(InvalidError, match="it is from 1 to 1000"):
        get_available_steps(ann, limit=limit)
    with pytest.raises(InvalidError, match="it is from 1 to 1000"):
        get_agent_events(ann, limit=limit)


# --- stale work


def test_nothing_stale_is_an_empty_list(ann: Workspace) -> None:
    project(ann)
    claim_step(ann)

    assert detect_stale_work(ann) == {"steps": [], "count": 0}


@pytest.mark.rule("LIFE-1")
def test_stale_work_comes_with_the_evidence(agents: Agents, shared: Shared, git: Git) -> None:
    ann, bob = agents(shared.one, "ann/cli/one"), agents(shared.two, "bob/claude/two", serve=True)
    project(ann)
    claim_step(bob)
    tip = commit_on(git, shared.two, "feat/1")
    git(shared.two, "push", "--quiet", "origin", "feat/1")
    crash(bob)

    result: Result = detect_stale_work(later(ann, minutes=20))

    (row,) = result["steps"]
    assert {"id", "step_num", "status", "agent_id", "clone", "life", "why", "last_seen", "last_commit"} <= set(row)
    assert (row["id"], row["agent_id"], row["clone"]) == ("app/1", "bob/claude/two", bob.clone_id)
    assert (row["life"], row["last_commit"]) == ("stale", tip)
    assert row["why"] in {"last seen 19 min ago", "last seen 20 min ago"}
    assert result["count"] == 1
    assert "recover_step" in result["next_step"]


def test_the_limit_of_silence_can_be_given(agents: Agents, shared: Shared) -> None:
    ann, bob = agents(shared.one, "ann/cli/one"), agents(shared.two, "bob/claude/two", serve=True)
    project(ann)
    claim_step(bob)
    later(ann, minutes=20)

    assert detect_stale_work(ann, timeout_minutes=30)["count"] == 0
    assert detect_stale_work(ann, timeout_minutes=10)["count"] == 1


def test_a_crash_in_this_clone_is_stale_at_once_with_the_last_commit_here(
    agents: Agents, repo: Path, ann: Workspace, git: Git
) -> None:
    project(ann)
    bob = agents(repo, "bob/claude/wt", serve=True)
    claim_step(bob)
    tip = commit_on(git, repo, "feat/1")
    crash(bob)

    result: Result = detect_stale_work(ann)

    assert [(row["why"], row["last_commit"]) for row in result["steps"]] == [("its session's lock is free", tip)]


@pytest.mark.rule("LIFE-1")
def test_who_never_beat_is_given_four_times_as_long(agents: Agents, shared: Shared) -> None:
    ann, bob = agents(shared.one, "ann/cli/one"), agents(shared.two, "bob/cli/two")
    project(ann)
    claim_step(bob)

    within: Result = get_step(later(ann, minutes=59), step_id="app/1")
    beyond: Result = get_step(later(ann, minutes=2), step_id="app/1")

    assert (within["holder"]["life"], beyond["holder"]["life"]) == ("unknown", "stale")


@pytest.mark.parametrize("minutes", [0, -5, 10**9])
def test_a_limit_of_silence_that_cannot_be_is_invalid(ann: Workspace, minutes: int) -> None:
    with pytest.raises(InvalidError, match="timeout_minutes"):
        detect_stale_work(ann, timeout_minutes=minutes)


# --- metrics


def test_metrics_count_steps_hours_scopes_and_agents(agents: Agents, repo: Path, ann: Workspace) -> None:
    create_project(ann, name="app", base_commit="HEAD", steps=plan((), (), (), scope="db"))
    bob = agents(repo, "bob/cli/wt")
    claim_step(ann)
    complete_step(later(ann, hours=2), step_id="app/1", commit_hash="HEAD")
    claim_step(bob)
    fail_step(bob, step_id="app/2", reason="stuck")

    result: Result = get_metrics(ann)
    of_bob: Result = get_metrics(ann, project="app", agent_id="bob/cli/wt")

    assert set(result) == {
        "counts", "steps", "hours", "scopes", "agents", "throughput", "attempts_per_step", "estimated_hours_left",
    }  # fmt: skip
    assert result["counts"] == {"completed": 1, "failed": 1, "not_started": 1}
    assert {name: round(value) for name, value in result["hours"].items()} == {"average": 2, "median": 2, "p90": 2}
    assert [row["agent"] for row in result["agents"]] == ["ann/cli/wt", "bob/cli/wt"]
    assert (result["scopes"]["db"]["steps"], result["scopes"]["db"]["completed"]) == (3, 1)
    assert (of_bob["steps"], of_bob["counts"]) == (1, {"failed": 1})


def test_metrics_of_an_unknown_project_are_not_found(ann: Workspace) -> None:
    with pytest.raises(NotFoundError, match="no project 'nope'"):
        get_metrics(ann, project="nope")


# --- events


def test_events_come_newest_first_over_all_projects(agents: Agents, repo: Path, ann: Workspace) -> None:
    project(ann, name="One")
    project(ann, name="two")
    claim_step(ann, project="two")
    claim_step(agents(repo, "bob/cli/wt"), project="One")
    complete_step(ann, step_id="two/1", commit_hash="HEAD")

    result: Result = get_agent_events(ann)

    assert [(row["event"], row["project"], row.get("step"), row["agent"]) for row in result["events"]] == [
        ("project_completed", "two", None, "ann/cli/wt"),
        ("step_completed", "two", "two/1", "ann/cli/wt"),
        ("step_claimed", "One", "One/1", "bob/cli/wt"),
        ("step_claimed", "two", "two/1", "ann/cli/wt"),
        ("project_created", "two", None, "ann/cli/wt"),
        ("project_created", "One", None, "ann/cli/wt"),
    ]
    assert result["count"] == 6
    fields = {"time", "agent", "event", "outcome", "project", "commit", "step", "fence", "title"}
    assert fields == set(result["events"][2])
    times = [row["time"] for row in result["events"]]
    assert times == sorted(times, reverse=True)


def test_events_are_narrowed_by_agent_project_and_limit(agents: Agents, repo: Path, ann: Workspace) -> None:
    project(ann, (), (), name="One")
    project(ann, name="two")
    claim_step(agents(repo, "bob/cli/wt"), project="one")
    claim_step(ann, project="one", agent_id="tests")

    of_ann: Result = get_agent_events(ann, agent_id="ann/cli/wt")
    of_tests: Result = get_agent_events(ann, agent_id="ann/cli/wt/tests")
    of_one: Result = get_agent_events(ann, project="ONE")
    newest: Result = get_agent_events(ann, limit=1)

    assert (of_ann["count"], of_tests["count"], of_one["count"]) == (3, 1, 3)
    assert [row["agent"] for row in newest["events"]] == ["ann/cli/wt/tests"]


def test_events_of_one_step(ann: Workspace) -> None:
    project(ann, (), ())
    claim_step(ann)
    complete_step(ann, step_id="app/1", commit_hash="HEAD")
    claim_step(ann)

    rows = seen(get_agent_events(ann, step_id="app/1"))["events"]

    assert [(row["event"], row["step"]) for row in rows] == [("step_completed", "app/1"), ("step_claimed", "app/1")]


def test_events_of_an_unknown_project_are_not_found(ann: Workspace) -> None:
    with pytest.raises(NotFoundError, match="no project 'nope'"):
        get_agent_events(ann, project="nope")


# --- damage


@pytest.mark.rule("SAFE-6")
def test_a_damaged_project_hides_no_other_and_is_named(ann: Workspace, repo: Path) -> None:
    for name in ("bad", "good"):
        project(ann, name=name)
    damage(repo, "bad")

    listed: Result = list_projects(ann)
    events: Result = get_agent_events(ann)
    seen: Result = status(ann)
    claimed: Result = claim_step(ann)

    assert [row["name"] for row in listed["projects"]] == ["good"]
    assert [one["ref"] for one in listed["oddities"]] == ["refs/coord/steps/bad"]
    assert [row["project"] for row in events["events"]] == ["good"]
    assert ([row["name"] for row in seen["projects"]], len(seen["oddities"])) == (["good"], 1)
    assert (get_metrics(ann)["steps"], get_available_steps(ann)["count"]) == (1, 0)
    assert claimed["step"]["id"] == "good/1"


# --- status


def test_status_of_one_clone_says_that_it_is_alone(agents: Agents, repo: Path, ann: Workspace) -> None:
    project(ann, (), ())
    bob = agents(repo, "bob/claude/wt", serve=True)
    claim_step(bob)

    result: Result = status(ann)

    assert {"agent", "session", "clone", "remote", "sharing", "agents", "projects", "oddities"} <= set(result)
    assert (result["remote"], result["sharing"]) == ("this clone", "only this clone")
    (row,) = result["agents"]
    assert {"agent", "clone", "life", "last_seen", "on"} <= set(row)
    assert (row["agent"], row["life"], row["on"]) == ("bob/claude/wt", "live", ["app/1"])
    (shown,) = result["projects"]
    assert {"name", "status", "counts", "progress", "available", "held"} <= set(shown)
    (held,) = shown["held"]
    assert {"step_id", "agent", "life", "since"} <= set(held)
    assert (held["step_id"], held["agent"], held["life"]) == ("app/1", "bob/claude/wt", "live")
    assert result["oddities"] == []


def test_status_counts_a_clone_of_which_only_a_step_is_seen(agents: Agents, shared: Shared) -> None:
    ann, bob = agents(shared.one, "ann/cli/one"), agents(shared.two, "bob/cli/two")
    project(ann)
    before = seen(status(ann))["sharing"]
    claim_step(bob)

    assert (before, seen(status(ann))["sharing"]) == (
        "shared with 0 other clones at work",
        "shared with 1 other clone at work",
    )


def test_status_counts_the_other_clones(agents: Agents, shared: Shared, tmp_path: Path) -> None:
    ann = agents(shared.one, "ann/cli/one")
    alone: Result = status(ann)
    bob = agents(shared.two, "bob/claude/two", serve=True)
    with_one: Result = status(ann)
    shutil.copytree(shared.two, tmp_path / "three")
    agents(tmp_path / "three", "cat/claude/three", serve=True)

    result: Result = status(ann)

    assert [one["sharing"] for one in (alone, with_one, result)] == [
        "shared with 0 other clones at work",
        "shared with 1 other clone at work",
        "shared with 2 other clones at work",
    ]
    assert result["remote"] == str(shared.remote)
    assert bob.clone_id in {row["clone"] for row in result["agents"]}


def test_a_session_that_ended_is_shown_as_ended_through_its_grace(agents: Agents, repo: Path, ann: Workspace) -> None:
    agents(repo, "bob/claude/wt", serve=True).close()

    within: Result = status(ann)
    after: Result = status(later(ann, minutes=11))

    assert [row["life"] for row in within["agents"]] == ["ended"]
    assert after["agents"] == []


def test_a_recovered_step_is_held_by_nobody(ann: Workspace) -> None:
    project(ann)
    claim_step(ann)
    recover_step(ann, step_id="app/1")

    assert seen(status(ann))["projects"][0]["held"] == []


def test_a_clone_that_was_silent_for_long_shares_nothing_any_more(agents: Agents, shared: Shared) -> None:
    ann, bob = agents(shared.one, "ann/cli/one"), agents(shared.two, "bob/claude/two", serve=True)
    crash(bob)

    within, after = (seen(status(later(ann, minutes=minutes)))["sharing"] for minutes in (59, 2))

    assert (within, after) == ("shared with 1 other clone at work", "shared with 0 other clones at work")


def test_status_does_not_say_that_no_clone_shares_the_remote_where_one_holds_nothing(
    agents: Agents, shared: Shared
) -> None:
    ann, bob = agents(shared.one, "ann/cli/one"), agents(shared.two, "bob/cli/two")

    project(bob)

    assert seen(status(ann))["sharing"] == "shared with 0 other clones at work"


def test_a_clone_of_which_only_commands_are_seen_counts_while_it_holds(agents: Agents, shared: Shared) -> None:
    ann, bob = agents(shared.one, "ann/cli/one"), agents(shared.two, "bob/cli/two")
    claim_files(bob, patterns=["README.md"])

    assert (seen(status(ann))["sharing"], seen(status(bob))["sharing"]) == (
        "shared with 1 other clone at work",
        "shared with 0 other clones at work",
    )
