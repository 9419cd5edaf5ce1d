"""Fences: kept for a session so that nobody types them; a session that comes back; a zombie that comes too late."""

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gitcoord.service.session.fences import ENDED_MAX
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.steps.step_work import claim_step, complete_step, fail_step, heartbeat, recover_step, start_step
from tests.conftest import Git
from tests.unit.service.world import Agents, Result, Shared, crash, later, project, store_of, tips

ROOT = Path(__file__).parents[4]
CLAIM = (
    "import os, sys\nfrom pathlib import Path\n"
    "from gitcoord.runtime import open_workspace\nfrom gitcoord.service.steps.step_work import claim_step\n"
    "ws = open_workspace(Path(sys.argv[1]), os.environ, tool='cli')\n"
    "print(claim_step(ws)['step']['fence'])\n"
)


def test_a_fence_is_kept_across_processes(agents: Agents, repo: Path, ann: Workspace) -> None:
    project(ann)

    claimed = subprocess.run(
        [sys.executable, "-c", CLAIM, str(repo)],
        env={**ann.repository.env, "GITCOORD_AGENT": "ann/cli/wt", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=True,
    )
    result: Result = complete_step(ann, step_id="app/1", commit_hash="HEAD")

    assert claimed.stdout == "1\n"
    assert result["step"]["status"] == "completed"


def test_fences_of_sessions_are_apart(agents: Agents, repo: Path, ann: Workspace) -> None:
    project(ann, (), ())
    bob = agents(repo, "bob/cli/wt")

    claim_step(ann)
    claim_step(bob)

    assert (ann.fences.all(), bob.fences.all()) == ({"app/1": 1}, {"app/2": 1})
    assert (ann.fences.get("app/1"), ann.fences.get("app/2")) == (1, None)


def test_a_completed_step_leaves_no_fence(ann: Workspace) -> None:
    project(ann)
    claim_step(ann)
    complete_step(ann, step_id="app/1", commit_hash="HEAD")

    assert ann.fences.all() == {}


def test_fences_that_are_noted_at_the_same_moment_are_all_kept(agents: Agents, repo: Path) -> None:
    workspaces = [agents(repo, "ann/cli/wt") for _ in range(8)]
    together = threading.Barrier(8)

    def note(workspace: Workspace, project: str) -> None:
        for num in range(1, 26):
            together.wait(timeout=30)
            workspace.fences.keep(f"{project}/{num}", num)

    threads = [threading.Thread(target=note, args=(one, f"p{at}")) for at, one in enumerate(workspaces)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)

    assert workspaces[0].fences.all() == {f"p{at}/{num}": num for at in range(8) for num in range(1, 26)}


def test_of_several_that_find_a_step_lost_at_the_same_moment_one_says_so(ann: Workspace) -> None:
    names = [f"app/{num}" for num in range(1, 101)]
    for name in names:
        ann.fences.keep(name, 1)
    barrier = threading.Barrier(4)

    def drop() -> list[str]:
        barrier.wait(60)
        return [name for name in names if ann.fences.drop(name, 1)]

    with ThreadPoolExecutor(4) as pool:
        dropped = [name for future in [pool.submit(drop) for _ in range(4)] for name in future.result()]

    assert sorted(dropped) == sorted(names)


def test_fences_of_ended_steps_are_kept_for_a_call_that_is_repeated_and_not_for_ever(ann: Workspace) -> None:
    for num in range(1, ENDED_MAX + 20):
        ann.fences.keep(f"App/{num}", num)
        ann.fences.end(f"app/{num}")

    kept = [num for num in range(1, ENDED_MAX + 20) if ann.fences.get(f"APP/{num}") == num]

    assert (len(kept), kept[-1]) == (ENDED_MAX, ENDED_MAX + 19)
    assert ann.fences.all() == {}


def test_a_damaged_fence_counts_as_none(ann: Workspace, repo: Path) -> None:
    project(ann)
    claim_step(ann)
    for file in (repo / ".git" / "gitcoord" / "fences").rglob("*.json"):
        file.write_bytes(b"\xff{")

    refused: Result = start_step(ann, step_id="app/1")
    again: Result = claim_step(ann)

    assert (ann.fences.all(), refused["refused"]) == ({"app/1": 1}, "not_holder")
    assert (again["already"], start_step(ann, step_id="app/1").get("refused")) == (True, None)


# --- sessions that come back


@pytest.mark.rule("LIFE-3", "STEP-4")
def test_a_session_that_ended_is_resumed_within_the_grace_with_a_new_fence(
    agents: Agents, repo: Path, ann: Workspace
) -> None:
    project(ann)
    first = agents(repo, "bob/claude/wt", serve=True, session="s1")
    claim_step(first)
    first.close()

    second = agents(repo, "bob/claude/wt", serve=True, session="s2")
    resumed: Result = claim_step(second)

    assert (resumed["already"], resumed["resumed"], resumed["step"]["fence"]) == (True, True, 2)
    assert complete_step(second, step_id="app/1", commit_hash="HEAD").get("refused") is None


@pytest.mark.rule("LIFE-3")
def test_within_the_grace_nobody_else_gets_the_step_and_after_it_the_next_who_asks(
    agents: Agents, repo: Path, ann: Workspace
) -> None:
    project(ann)
    bob = agents(repo, "bob/claude/wt", serve=True)
    claim_step(bob)
    bob.close()

    within: Result = claim_step(later(ann, minutes=9))
    after: Result = claim_step(later(ann, minutes=2))

    assert (within["step"], within["refused"]) == (None, "nothing_available")
    assert (after["recovered"], after["from"], after["step"]["agent_id"]) == (True, "bob/claude/wt", "ann/cli/wt")


@pytest.mark.rule("LIVE-2", "LIFE-2")
def test_a_step_of_a_crashed_session_of_this_clone_is_taken_over_at_once(
    agents: Agents, repo: Path, ann: Workspace
) -> None:
    project(ann)
    bob = agents(repo, "bob/claude/wt", serve=True)
    claim_step(bob)
    crash(bob)

    result: Result = claim_step(ann)

    assert (result["recovered"], result["from"], result["step"]["fence"]) == (True, "bob/claude/wt", 2)
    assert result["step"]["checkpoint"]["agent_id"] == "bob/claude/wt"


@pytest.mark.rule("LIVE-2", "SAFE-7")
def test_a_step_of_a_clone_that_fell_silent_is_taken_over_after_the_limit_and_not_before(
    agents: Agents, shared: Shared
) -> None:
    ann, bob = agents(shared.one, "ann/cli/one"), agents(shared.two, "bob/claude/two", serve=True)
    project(ann)
    claim_step(bob)
    crash(bob)

    before: Result = claim_step(later(ann, minutes=14))
    after: Result = claim_step(later(ann, minutes=2))

    assert (before["step"], before["refused"]) == (None, "nothing_available")
    assert (after["recovered"], after["from"]) == (True, "bob/claude/two")


@pytest.mark.rule("SAFE-4")
def test_a_zombie_of_the_same_name_is_refused_with_its_old_fence(agents: Agents, repo: Path, ann: Workspace) -> None:
    project(ann)
    zombie = agents(repo, "bob/claude/wt", serve=True, session="s1")
    claim_step(zombie)
    crash(zombie)
    heir = agents(repo, "bob/claude/wt", serve=True, session="s2")
    claim_step(heir)
    before = tips(ann)

    results: list[Result] = [
        start_step(zombie, step_id="app/1"),
        complete_step(zombie, step_id="app/1", commit_hash="HEAD"),
        fail_step(zombie, step_id="app/1", reason="late"),
        heartbeat(zombie, step_id="app/1"),
        recover_step(zombie, step_id="app/1"),
    ]

    assert [result["refused"] for result in results] == ["not_holder"] * 4 + ["alive"]
    assert (results[1]["fence"], results[1]["your_fence"]) == (2, 1)
    assert tips(ann) == before


@pytest.mark.rule("SAFE-4")
def test_a_zombie_of_another_clone_is_told_who_has_the_step_now(agents: Agents, shared: Shared) -> None:
    ann, bob = agents(shared.one, "ann/cli/one"), agents(shared.two, "bob/claude/two", serve=True)
    project(ann)
    claim_step(bob)
    recover_step(ann, step_id="app/1", force=True)
    claim_step(ann)

    result: Result = complete_step(bob, step_id="app/1", commit_hash="HEAD")

    assert (result["refused"], result["agent"], result["clone"]) == ("not_holder", "ann/cli/one", ann.clone_id)


# --- heartbeats and ends


def test_a_heartbeat_of_one_step_is_answered_with_the_step(ann: Workspace) -> None:
    project(ann)
    claim_step(ann)

    result: Result = heartbeat(later(ann, minutes=3), step_id="app/1")

    assert set(result) == {"step"}
    assert result["step"]["last_activity"] > result["step"]["claimed_at"]


def test_a_heartbeat_without_a_step_beats_for_all_of_the_session(ann: Workspace) -> None:
    project(ann, (), ())
    claim_step(ann)
    claim_step(ann, agent_id="tests")

    assert heartbeat(ann) == {
        "steps": [{"id": "app/1", "status": "held"}, {"id": "app/2", "status": "held"}],
        "count": 2,
    }


def test_a_heartbeat_tells_what_was_lost_once(agents: Agents, repo: Path, ann: Workspace) -> None:
    project(ann, (), ())
    claim_step(ann)
    claim_step(ann, agent_id="tests")
    recover_step(agents(repo, "bob/cli/wt"), step_id="app/1", force=True)

    first: Result = heartbeat(ann)
    second: Result = heartbeat(ann)

    assert [(row["id"], row["status"]) for row in first["steps"]] == [("app/1", "lost"), ("app/2", "held")]
    assert first["steps"][0]["why"] == "Step app/1 is not_started; ann/cli/wt does not hold it."
    assert second["steps"] == [{"id": "app/2", "status": "held"}]


def test_a_heartbeat_goes_on_where_a_project_is_gone(ann: Workspace, repo: Path, git: Git) -> None:
    project(ann, name="gone")
    project(ann, name="there")
    for name in ("gone", "there"):
        claim_step(ann, project=name)
    git(store_of(repo), "update-ref", "-d", "refs/coord/steps/gone")

    result: Result = heartbeat(ann)

    assert [(row["id"], row["status"]) for row in result["steps"]] == [("gone/1", "unknown"), ("there/1", "held")]
    assert "is gone" in result["steps"][0]["why"]
    assert ann.fences.all() == {"gone/1": 1, "there/1": 1}


def test_a_heartbeat_of_who_holds_nothing_is_empty(ann: Workspace) -> None:
    assert heartbeat(ann) == {"steps": [], "count": 0}


@pytest.mark.rule("STEP-6")
def test_beating_twice_in_a_row_writes_once(ann: Workspace) -> None:
    project(ann)
    claim_step(ann)
    later(ann, minutes=1)
    heartbeat(ann, step_id="app/1")
    before = tips(ann)

    again: Result = heartbeat(ann, step_id="app/1")
    heartbeat(ann)

    assert (again["already"], again["interval_s"]) == (True, 10)
    assert tips(ann) == before
