"""A person at the shell and the sessions of a tool in one worktree: what one of them took, the other goes on with."""

from pathlib import Path

import pytest

from gitcoord.ledger.clone import held_branches
from gitcoord.service.claims.claims import claim_files, extend_claims, list_claims, release_claims
from gitcoord.service.claims.requests import pending_requests, request_release, respond_to_request
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.steps.step_views import get_agent_events
from gitcoord.service.steps.step_work import claim_step, complete_step, fail_step, heartbeat, recover_step, start_step
from tests.unit.service.world import Agents, Result, crash, project, seen


@pytest.fixture
def shell(agents: Agents, repo: Path) -> Workspace:
    return agents(repo)


@pytest.fixture
def claude(agents: Agents, repo: Path) -> Workspace:
    return agents(repo, tool="claude-code", serve=True)


@pytest.fixture
def codex(agents: Agents, repo: Path) -> Workspace:
    return agents(repo, tool="codex", serve=True)


def holders(workspace: Workspace) -> list[tuple[str, str]]:
    rows = seen(list_claims(workspace))["claims"]
    return [(row["agent"], row["items"][0]["pattern"]) for row in rows]


@pytest.mark.rule("STEP-4")
def test_a_tool_goes_on_with_the_step_that_its_person_took_and_with_its_paths(
    shell: Workspace, claude: Workspace, codex: Workspace
) -> None:
    project(shell, (), (), paths=["src/"])
    claim_step(shell, step_id="app/1")

    given: Result = claim_step(claude)
    other: Result = claim_step(codex)

    assert (given["step"]["id"], given["from"], given["resumed"]) == ("app/1", shell.agent, True)
    assert holders(shell) == [(claude.agent, "src/")]
    assert other["refused"] == "nothing_available"
    assert seen(claim_files(codex, patterns=["src/a.py"]))["refused"] == "conflict"


@pytest.mark.rule("STEP-5")
@pytest.mark.parametrize("takes_first", ["shell", "claude"])
def test_either_completes_what_the_other_took_and_the_record_says_who(
    shell: Workspace, claude: Workspace, takes_first: str
) -> None:
    first, second = (shell, claude) if takes_first == "shell" else (claude, shell)
    project(shell, paths=["src/"])
    claim_step(first)

    started: Result = start_step(second, step_id="app/1")
    beaten: Result = heartbeat(second, step_id="1")
    done: Result = complete_step(second, step_id="1", commit_hash="HEAD")
    again: Result = complete_step(first, step_id="app/1", commit_hash="HEAD")

    assert (started["step"]["status"], beaten["already"]) == ("in_progress", True)
    assert (done["step"]["status"], again["already"]) == ("completed", True)
    assert (holders(shell), first.fences.all(), second.fences.all()) == ([], {}, {})
    events: Result = get_agent_events(shell, agent_id=second.agent)
    assert "step_completed" in [event["event"] for event in events["events"]]


@pytest.mark.rule("STEP-5")
def test_the_command_line_still_completes_what_a_tool_has_taken_over_from_it(
    shell: Workspace, claude: Workspace
) -> None:
    project(shell)
    claim_step(shell)
    claim_step(claude)

    done: Result = complete_step(shell, step_id="app/1", commit_hash="HEAD")

    assert done["step"]["status"] == "completed"


@pytest.mark.rule("STEP-4")
def test_what_a_partner_takes_over_leaves_no_fence_and_no_branch_of_the_former_session(
    repo: Path, shell: Workspace, claude: Workspace
) -> None:
    project(shell, branch="work")
    claim_step(shell)

    claim_step(claude)

    held = held_branches.on_branch(str(repo / ".git" / "gitcoord"), "work")
    assert [(row["session"], row["fence"]) for row in held] == [(claude.session_id, 2)]
    assert (shell.fences.all(), claude.fences.all()) == ({}, {"app/1": 2})
    assert seen(heartbeat(shell, step_id="app/1"))["step"]["agent_id"] == claude.agent


@pytest.mark.rule("STEP-5")
def test_what_a_partner_joined_leaves_no_fence_and_no_branch_when_the_other_completes_it(
    repo: Path, shell: Workspace, claude: Workspace
) -> None:
    project(shell, branch="work")
    claim_step(claude)
    claim_step(shell)

    complete_step(claude, step_id="app/1", commit_hash="HEAD")

    assert (shell.fences.all(), claude.fences.all()) == ({}, {})
    assert not held_branches.is_any(str(repo / ".git" / "gitcoord"))
    assert seen(complete_step(shell, step_id="app/1", commit_hash="HEAD"))["already"] is True


@pytest.mark.rule("STEP-9")
def test_either_fails_and_hands_back_what_the_other_took(shell: Workspace, claude: Workspace) -> None:
    project(shell, (), ())
    claim_step(claude)

    failed: Result = fail_step(shell, step_id="app/1", reason="the tests are red")
    claim_step(claude)
    back: Result = recover_step(shell, step_id="app/2")

    assert (failed["step"]["status"], back["step"]["status"]) == ("failed", "not_started")


@pytest.mark.rule("SAFE-4")
def test_another_tool_of_the_worktree_completes_nothing_of_the_first(claude: Workspace, codex: Workspace) -> None:
    project(claude)
    claim_step(claude)

    refused: Result = complete_step(codex, step_id="app/1", commit_hash="HEAD")

    assert (refused["refused"], refused.get("your_fence")) == ("not_holder", None)


def test_the_command_line_joins_a_tool_at_work_and_goes_on_where_it_died(shell: Workspace, claude: Workspace) -> None:
    project(shell)
    claim_step(claude)

    joined: Result = claim_step(shell)
    crash(claude)
    taken: Result = claim_step(shell)

    assert (joined["already"], joined["step"]["agent_id"], joined["step"]["fence"]) == (True, claude.agent, 1)
    assert (taken["resumed"], taken["step"]["agent_id"], taken["step"]["fence"]) == (True, shell.agent, 2)


@pytest.mark.rule("CLAIM-7")
def test_either_extends_and_releases_what_the_other_claimed(shell: Workspace, claude: Workspace) -> None:
    made: Result = claim_files(shell, patterns=["a.py"])

    longer: Result = extend_claims(claude, ttl_hours=9, claim_ids=[made["claim"]["id"]])
    ended: Result = release_claims(claude, claim_ids=[made["claim"]["id"]])

    assert (longer["count"], ended["released"]) == (1, [made["claim"]["id"]])


@pytest.mark.rule("CLAIM-16")
def test_a_tool_sees_and_answers_what_its_person_is_asked(
    agents: Agents, repo: Path, shell: Workspace, claude: Workspace
) -> None:
    bob = agents(repo, "bob/codex/wt", serve=True)
    held: Result = claim_files(shell, patterns=["a.py"])
    asked: Result = request_release(bob, claim_id=held["claim"]["id"], reason="a fix", wait_seconds=0)

    pending: Result = pending_requests(claude)
    answered: Result = respond_to_request(claude, request_id=asked["request"]["id"], decision="approved")

    assert [row["id"] for row in pending["pending"]] == [asked["request"]["id"]]
    assert answered["request"]["decision"] == "approved"
