"""`gitcoord agents …`: who is there, one of them, and who is gone; what is freed is freed after a question."""

from pathlib import Path

import pytest

from gitcoord.faces.cli.terminal import completion
from gitcoord.service.claims.claims import claim_files
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.steps.step_work import claim_step
from tests.conftest import AddWorktree, Git
from tests.faces.cli.conftest import Run
from tests.faces.cli.test_terminal import on_terminal
from tests.unit.service.world import Agents, crash, project, seen
from tests.unit.service.world import agents as agents  # noqa: PLC0414 - a fixture, exported to pytest

BOB = "bob/codex/wt"


@pytest.fixture
def bob(agents: Agents, repo: Path, add_worktree: AddWorktree) -> Workspace:
    """An agent that lives and holds a step and a claim."""
    bob = agents(add_worktree(repo, "wt"), BOB, serve=True)
    project(bob)
    claim_step(bob)
    claim_files(bob, patterns=["src/b.py"])
    return bob


def test_an_agent_is_shown_whole(run: Run, bob: Workspace) -> None:
    done = run("agents", "show", BOB)
    lines = done.out.splitlines()

    assert done.status == 0
    assert lines[0] == BOB
    assert lines[1].startswith(f"  live in clone {bob.clone_id} (this one), seen ")
    assert "    why: app/1: its session's lock is held" in lines
    assert any(line.startswith(f"    session {bob.session_id}") for line in lines)
    assert "    step app/1, fence 1, live: Part 1" in lines
    assert any(line.startswith("    claim c-") and "src/b.py, 4 h" in line for line in lines)
    assert run("agents", "show", BOB, "--json").json["clones"][0]["steps"][0]["step_id"] == "app/1"


def test_an_agent_that_holds_a_function_is_not_shown_with_the_whole_file(run: Run, bob: Workspace) -> None:
    claim = seen(claim_files(bob, symbols={"src/c.py": ["f", "g"]}))["claim"]

    done = run("agents", "show", BOB)

    assert f"claim {claim['id']}: src/c.py: f, g, 4 h" in done.out


def test_a_name_that_is_none_is_a_usage_error_with_the_one_that_was_meant(run: Run, bob: Workspace) -> None:
    done = run("agents", "show", "bob/codex/wd")

    assert (done.status, done.out) == (2, "")
    assert f"Did you mean {BOB!r}?" in done.err


def test_who_is_gone_is_listed_with_the_command_that_frees_each_thing(run: Run, bob: Workspace) -> None:
    assert run("agents", "stale").out == "No agent that is gone holds anything.\n"

    crash(bob)
    done = run("agents", "stale")
    heading, step, claim = done.out.splitlines()
    for_days = run("agents", "stale", "--days", "7")

    assert (done.status, for_days.status, for_days.out) == (
        0,
        0,
        "No agent that was not seen for 7 days holds anything.\n",
    )
    assert heading.split() == ["AGENT", "HOLDS", "WORKTREE", "WHY", "FREED", "BY"]
    assert step.split()[:3] == [BOB, "app/1", "wt"]
    assert "`gitcoord step recover app/1`" in step
    assert "time, free in " in claim
    assert "next: Free what the rules let go of: `gitcoord agents stale --release`." in done.err


def test_release_asks_a_person_and_nothing_is_freed_without_an_answer(run: Run, repo: Path, bob: Workspace) -> None:
    crash(bob)
    silent = run("agents", "stale", "--release")
    no = on_terminal(repo, "agents", "stale", "--release", typed=b"n\n")

    assert silent.status == 2
    assert "Say --yes" in silent.err
    assert no[0] == 130
    assert "Free 1 step and 1 claim of agents that are gone?" in no[1]
    assert run("step", "show", "app/1", "--json").json["step"]["status"] == "claimed"

    yes = on_terminal(repo, "agents", "stale", "--release", typed=b"y\n")
    assert "recovered app/1" in yes[1]


def test_release_says_what_was_freed_and_what_the_rules_refused(run: Run, bob: Workspace) -> None:
    crash(bob)
    done = run("agents", "stale", "--release", "--yes")
    again = run("agents", "stale", "--release", "--yes", "--json")

    assert (done.status, done.out) == (1, "recovered app/1\n")
    assert done.err.startswith("refused: c-")
    assert "Its session is over" in done.err
    assert (again.status, again.json["recovered"], len(again.json["kept"])) == (1, [], 1)


def test_release_with_no_one_gone_asks_nothing(run: Run, bob: Workspace) -> None:
    done = run("agents", "stale", "--release")

    assert (done.status, done.out, done.err) == (0, "No agent that is gone holds anything.\n", "")


def test_all_repositories_are_a_column(run: Run, repo: Path, bob: Workspace, git: Git) -> None:
    git(repo, "config", "gitcoord.repo", "web")
    one, every = run("agents", "list"), run("agents", "list", "--all-repos")

    assert "REPO" not in one.out
    assert [line.split()[-1] for line in every.out.splitlines()] == ["REPO", "web"]


@pytest.mark.parametrize("words", ["status", "claim list"])
def test_status_and_claims_have_that_column_too(run: Run, repo: Path, bob: Workspace, git: Git, words: str) -> None:
    git(repo, "config", "gitcoord.repo", "web")
    run("claim", "add", "x.py")
    one, every = run(*words.split()), run(*words.split(), "--all-repos")
    named = [line for line in every.out.splitlines() if line.endswith("REPO")]

    assert "REPO" not in one.out
    assert len(named) == (3 if words == "status" else 1)
    assert "src/b.py" not in one.out
    assert "src/b.py" in every.out


def test_names_of_agents_are_completed(run: Run, bob: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    run("claim", "add", "x.py")
    run("sync")
    monkeypatch.chdir(bob.repository.top)

    assert completion.agents("bob/") == [BOB]
