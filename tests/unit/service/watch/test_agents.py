"""Agents: what each holds and why it counts as alive; who is gone, and what the rules free of it."""

from pathlib import Path

import pytest

from gitcoord.errors import InvalidError, NotFoundError
from gitcoord.service.claims.claims import claim_files, list_claims
from gitcoord.service.claims.requests import request_release
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.steps.step_work import claim_step, start_step
from gitcoord.service.watch.agents import list_agents, release_stale, show_agent, stale_agents
from gitcoord.service.watch.overview import status
from tests.conftest import AddWorktree, Git
from tests.unit.service.world import Agents, Result, Shared, crash, later, project, seen

BOB = "bob/codex/wt"


@pytest.fixture
def bob(agents: Agents, repo: Path, add_worktree: AddWorktree) -> Workspace:
    """An agent that lives, in a worktree of its own."""
    return agents(add_worktree(repo, "wt"), BOB, serve=True)


def test_an_agent_is_shown_with_its_sessions_what_it_holds_and_why_it_lives(
    agents: Agents, repo: Path, ann: Workspace, bob: Workspace
) -> None:
    project(ann)
    fence = seen(claim_step(bob))["step"]["fence"]
    start_step(bob, step_id="app/1")
    claim = seen(claim_files(bob, patterns=["src/b.py"], narrowable=False))["claim"]
    mine = seen(claim_files(ann, patterns=["a.py"], narrowable=False))["claim"]
    claim_files(bob, patterns=["a.py"], wait_seconds=300)
    request_release(ann, claim_id=claim["id"], reason="the release waits", wait_seconds=0)
    request_release(bob, claim_id=mine["id"], reason="so does mine", wait_seconds=0)
    claim_files(bob, patterns=["sub.py"], agent_id="tests")

    found = seen(show_agent(ann, agent=BOB))
    (row,) = found["clones"]
    (step,) = row["steps"]

    assert (row["clone"], row["is_here"], row["life"], row["worktrees"]) == (ann.clone_id, True, "live", ["wt"])
    assert [session["id"] for session in row["sessions"]] == [bob.session_id]
    assert (step["step_id"], step["fence"], step["life"], step["worktree"]) == ("app/1", fence, "live", "wt")
    assert [(held["claim_id"], held["patterns"]) for held in row["claims"]] == [(claim["id"], ["src/b.py"])]
    assert row["why"] == [
        "app/1: its session's lock is held",
        "a session of it lives in this clone",
        "as the holder of a claim it is live",
    ]
    assert [entry["patterns"] for entry in found["waiting"]] == [["a.py"]]
    assert [request["agent"] for request in found["asked"]] == ["ann/cli/wt"]
    assert [request["holder_agent"] for request in found["asks"]] == ["ann/cli/wt"]
    assert found["sub_agents"] == [f"{BOB}/tests"]


def test_an_agent_of_another_clone_is_judged_by_its_heartbeat(shared: Shared, agents: Agents) -> None:
    ann, bob = agents(shared.one, "ann/cli/wt"), agents(shared.two, BOB, serve=True)

    (row,) = seen(show_agent(ann, agent=BOB))["clones"]

    assert (row["clone"], row["is_here"]) == (bob.clone_id, False)
    assert row["beaten_at"]
    assert row["why"][0].startswith("the heartbeat of its clone, ")
    assert row["why"][0].endswith(" ago, lists it")


def test_one_at_a_shell_was_seen_when_it_used_last_what_it_holds(agents: Agents, repo: Path, ann: Workspace) -> None:
    bob = agents(repo, "bob/cli/wt")
    claim_files(bob, patterns=["a.py"], ttl_hours=1)
    newest = seen(claim_files(later(bob, minutes=8), patterns=["b.py"], ttl_hours=4))["claim"]

    (row,) = seen(list_agents(later(ann, minutes=8)))["agents"]

    assert (row["agent"], len(row["claims"]), row["last_seen"]) == ("bob/cli/wt", 2, newest["last_activity"])


def test_of_one_at_a_shell_it_is_said_that_only_its_commands_are_known(
    agents: Agents, repo: Path, ann: Workspace
) -> None:
    claim_files(agents(repo, "eve/cli/wt"), patterns=["a.py"])

    (row,) = seen(show_agent(ann, agent="eve/cli/wt"))["clones"]

    assert row["why"] == [
        "no session of it lives in this clone",
        "of the holder of a claim only its commands are known",
    ]


def test_a_name_that_is_none_is_not_found_with_the_one_that_was_meant(ann: Workspace, bob: Workspace) -> None:
    with pytest.raises(NotFoundError) as caught:
        show_agent(ann, agent="bob/codex/wd")

    assert f"Did you mean {BOB!r}?" in caught.value.hint


def test_one_that_lives_is_not_stale_and_one_that_crashed_is_with_what_it_holds(ann: Workspace, bob: Workspace) -> None:
    project(ann, (), paths=["src/a.py"])
    claim_step(bob)
    claim = seen(claim_files(bob, patterns=["src/b.py"]))["claim"]
    assert seen(stale_agents(ann)) == {"agents": [], "count": 0}

    crash(bob)
    (row,) = seen(stale_agents(ann))["agents"]
    (shown,) = seen(show_agent(ann, agent=BOB))["clones"]

    assert (row["worktree"], shown["worktrees"]) == ("wt", ["wt"])
    assert [(session["id"], session["is_over"]) for session in shown["sessions"]] == [(bob.session_id, True)]

    assert (row["agent"], row["clone"], row["life"], row["why"]) == (
        BOB,
        ann.clone_id,
        "stale",
        "its session's lock is free",
    )
    assert [(step["step_id"], step["next_step"]) for step in row["steps"]] == [
        ("app/1", "Free it: recover_step(step_id='app/1').")
    ]
    assert claim["id"] in [held["claim_id"] for held in row["held"]]


def test_release_recovers_steps_and_ends_claims_once_the_rules_allow_it(ann: Workspace, bob: Workspace) -> None:
    project(ann, (), paths=["src/a.py"])
    claim_step(bob)
    claim = seen(claim_files(bob, patterns=["src/b.py"]))["claim"]["id"]
    crash(bob)

    first = seen(release_stale(ann, stale_agents(ann)))
    later(ann, minutes=3)
    second = seen(release_stale(ann, stale_agents(ann)))

    assert first["recovered"] == ["app/1"]
    assert len(first["released"]) == 1  # what was claimed with the step
    assert [row["claim_id"] for row in first["kept"]] == [claim]
    assert "Its session is over" in first["kept"][0]["why"]
    assert " free at " in first["kept"][0]["why"]
    assert (second["recovered"], second["released"], second["kept"]) == ([], [claim], [])
    assert seen(stale_agents(ann))["count"] == 0


def test_of_those_that_are_gone_only_who_was_not_seen_for_so_many_days_is_listed_and_released(
    ann: Workspace, bob: Workspace
) -> None:
    project(ann, ())
    claim_step(bob)
    claim_files(bob, patterns=["src/b.py"], ttl_hours=48)
    crash(bob)

    early = stale_agents(later(ann, minutes=23 * 60), days=1)
    kept = seen(release_stale(ann, early))
    late = seen(stale_agents(later(ann, minutes=2 * 60), days=1))

    assert (early, kept["recovered"]) == ({"agents": [], "count": 0}, [])
    assert [[step["step_id"] for step in row["steps"]] for row in late["agents"]] == [["app/1"]]
    assert [[claim["patterns"] for claim in row["held"]] for row in late["agents"]] == [[["src/b.py"]]]
    assert late["next_step"] == "Free what the rules let go of: `gitcoord agents stale --days 1 --release`."
    assert seen(release_stale(ann, late))["recovered"] == ["app/1"]


def test_an_agent_that_is_gone_is_listed_where_its_clock_was_ahead(ann: Workspace, bob: Workspace) -> None:
    claim = seen(claim_files(later(bob, minutes=5), patterns=["src/b.py"]))["claim"]["id"]
    crash(bob)

    (row,) = seen(stale_agents(ann))["agents"]

    assert [held["claim_id"] for held in row["held"]] == [claim]


@pytest.mark.parametrize("days", [0, -1, 3651])
def test_days_that_there_cannot_be_are_named(ann: Workspace, days: int) -> None:
    with pytest.raises(InvalidError, match=f"days is {days}; it is from 1 to 3650"):
        stale_agents(ann, days=days)


def test_where_time_alone_frees_what_is_held_nothing_is_advised(ann: Workspace, bob: Workspace) -> None:
    claim_files(bob, patterns=["src/b.py"])
    crash(bob)

    early = seen(stale_agents(ann))
    late = seen(stale_agents(later(ann, minutes=3)))

    assert [row["agent"] for row in early["agents"]] == [BOB]
    assert "next_step" not in early
    assert "--release" in late["next_step"]


def test_a_holder_that_comes_back_meanwhile_keeps_what_it_holds(agents: Agents, ann: Workspace, bob: Workspace) -> None:
    project(ann)
    claim_step(bob)
    claim_files(bob, patterns=["b.py"])
    crash(bob)
    found = stale_agents(later(ann, minutes=3))
    back = agents(bob.repository.top, BOB, session=bob.session_id, serve=True)

    done = seen(release_stale(ann, found))

    assert back.session_id == bob.session_id
    assert (done["recovered"], done["released"]) == ([], [])
    assert [(row.get("step_id"), row["why"]) for row in done["kept"]] == [
        ("app/1", f"Step app/1 is held by {BOB}, who is live (its session's lock is held)."),
        (None, "Its holder is not gone any more."),
    ]


def test_what_the_remote_keeps_from_being_freed_is_named_one_by_one(shared: Shared, agents: Agents) -> None:
    ann, bob = agents(shared.one, "ann/cli/wt"), agents(shared.one, BOB, serve=True)
    project(ann)
    claim_step(bob)
    claim = seen(claim_files(bob, patterns=["b.py"]))["claim"]["id"]
    crash(bob)
    found = stale_agents(ann)
    shared.remote.rename(shared.remote.with_name("away.git"))

    done = seen(release_stale(ann, found))

    assert (done["recovered"], done["released"]) == ([], [])
    assert [row.get("step_id") or row["claim_id"] for row in done["kept"]] == ["app/1", claim]
    assert all("remote.git" in row["why"] for row in done["kept"])


@pytest.fixture
def team(shared: Shared, agents: Agents, git: Git) -> tuple[Workspace, Workspace]:
    """Two agents of two repositories that share a remote; each holds a step of its own and a claim."""
    git(shared.one, "config", "gitcoord.repo", "web")
    git(shared.two, "config", "gitcoord.repo", "api")
    ann, bob = agents(shared.one, "ann/cli/wt"), agents(shared.two, BOB, serve=True)
    for workspace, name in ((ann, "site"), (bob, "server")):
        project(workspace, name=name)
        claim_step(workspace, project=name)
        claim_files(workspace, patterns=["a.py"])
    return ann, bob


def _rows(found: Result) -> list[tuple[str, str | None, int]]:
    return [(row["agent"], row.get("repo"), len(row["claims"])) for row in found["agents"]]


def test_agents_of_another_repository_are_listed_only_on_request_each_with_its_own(
    team: tuple[Workspace, Workspace],
) -> None:
    ann, bob = team

    assert _rows(seen(list_agents(ann))) == [("ann/cli/wt", None, 1)]
    assert _rows(seen(list_agents(bob))) == [(BOB, None, 1)]
    assert _rows(seen(list_agents(ann, all_repos=True))) == [("ann/cli/wt", "web", 1), (BOB, "api", 1)]
    with pytest.raises(NotFoundError, match="No agent") as caught:
        show_agent(ann, agent=BOB)
    assert "--all-repos" in caught.value.hint
    assert [row["repo"] for row in seen(show_agent(ann, agent=BOB, all_repos=True))["clones"]] == ["api"]


def test_what_is_gone_in_another_repository_is_freed_only_on_request(team: tuple[Workspace, Workspace]) -> None:
    ann, bob = team
    crash(bob)
    later(ann, hours=3)

    assert [row["agent"] for row in seen(stale_agents(ann))["agents"]] == ["ann/cli/wt"]
    found = stale_agents(ann, all_repos=True)
    assert [(row["agent"], row["repo"]) for row in seen(found)["agents"]] == [("ann/cli/wt", "web"), (BOB, "api")]
    assert "server/1" in seen(release_stale(ann, found))["recovered"]


def test_status_and_claims_of_all_repositories_name_theirs(team: tuple[Workspace, Workspace]) -> None:
    ann, bob = team
    claim_files(bob, patterns=["b.py"], narrowable=False)
    claim_files(bob, patterns=["b.py"], wait_seconds=300, agent_id="tests")

    mine, every = seen(status(ann)), seen(status(ann, all_repos=True))

    assert [claim["repo"] for claim in mine["claims"]] == ["web"]
    assert [sorted({row["repo"] for row in every[name]}) for name in ("projects", "agents", "claims", "queued")] == [
        ["api", "web"],
        ["api", "web"],
        ["api", "web"],
        ["api"],
    ]
    assert (mine["queued"], "repo" in mine["agents"][0], "repo" in mine["projects"][0]) == ([], False, False)
    assert seen(list_claims(ann))["count"] == 1
    assert sorted(claim["repo"] for claim in seen(list_claims(ann, all_repos=True))["claims"]) == ["api", "api", "web"]


def test_a_person_with_nothing_but_sub_agents_is_found_with_them(ann: Workspace) -> None:
    claim_as = ann.actor().agent
    claim_files(ann, patterns=["README.md"])

    shown = show_agent(ann, agent=claim_as.partition("/")[0])

    assert shown["sub_agents"] == [claim_as]
