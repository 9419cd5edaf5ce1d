"""A session that ends for good gives back all that it and its sub-agents have, whoever says that it ended."""

from pathlib import Path
from typing import Any

import pytest

from gitcoord.service.claims.claims import claim_files, list_claims
from gitcoord.service.claims.requests import list_queue
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.steps.step_work import claim_step
from gitcoord.service.watch.end_session import end_session
from tests.conftest import Git
from tests.unit.service.claims.test_claim_wait import Waiter
from tests.unit.service.world import Agents, Result, commit_on, project


@pytest.fixture
def bob(agents: Agents, repo: Path, ann: Workspace) -> Workspace:
    """A server with two steps, paths of one of them, claims of its own and of a sub-agent, and a place in the line."""
    project(ann, (), (), (), paths=["lib/**"])
    claim_files(ann, patterns=["/held.py"])
    bob = agents(repo, "bob/claude/wt", serve=True, session="thread-7")
    claim_step(bob)
    claim_files(bob, patterns=["/a.py"])
    claim_files(bob, patterns=["/b.py"], agent_id="tests")
    claim_files(bob, patterns=["/held.py"], wait_seconds=600)
    return bob


def holders(workspace: Workspace) -> set[str]:
    rows: Any = list_claims(workspace)["claims"]
    return {row["agent"] for row in rows}


@pytest.mark.rule("LIVE-2", "CLAIM-7", "CLAIM-19")
@pytest.mark.parametrize("is_running", [True, False])
def test_a_hook_in_another_process_ends_steps_and_claims_of_a_session(
    agents: Agents, repo: Path, ann: Workspace, bob: Workspace, is_running: bool
) -> None:
    if not is_running:
        bob.close()
    hook = agents(repo, "bob/claude/wt")

    result: Result = end_session(hook, "thread-7")
    again = end_session(hook, "thread-7")

    assert (result["steps"], len(result["released"])) == (["app/1"], 2)
    assert again == {"steps": [], "released": []}
    assert holders(ann) == {"ann/cli/wt"}
    assert list_queue(ann) == {"queued": []}
    taken: Result = claim_step(ann)
    assert taken["step"]["checkpoint"]["reason"] == "its session ended"


def test_a_session_is_known_by_the_id_of_its_tool_and_all_its_servers_end(
    agents: Agents, repo: Path, ann: Workspace, bob: Workspace
) -> None:
    second = agents(repo, "bob/claude/wt", serve=True)
    claim_files(second, patterns=["/c.py"])
    for one in (bob, second):
        one.add_alias("conversation-1")

    result: Result = end_session(agents(repo, "bob/claude/wt"), "conversation-1")

    assert len(result["released"]) == 3
    assert holders(ann) == {"ann/cli/wt"}


def test_another_session_of_the_same_agent_keeps_what_it_has(agents: Agents, repo: Path, bob: Workspace) -> None:
    result = end_session(agents(repo, "bob/claude/wt"), "thread-8")

    assert result == {"steps": [], "released": []}
    assert holders(bob) == {"ann/cli/wt", "bob/claude/wt", "bob/claude/wt/tests"}


@pytest.mark.rule("LIVE-3", "STEP-9")
def test_who_waits_is_served_and_the_next_holder_gets_the_branch_s_last_commit(
    agents: Agents, ann: Workspace, bob: Workspace, repo: Path, git: Git
) -> None:
    tip = commit_on(git, repo, "feat/1")
    waiter = Waiter(agents(repo, "ann/cli/other"), patterns=["/a.py"], wait_seconds=600)

    end_session(bob)

    assert waiter.result()["granted"] is True
    taken: Result = claim_step(ann)
    assert taken["step"]["checkpoint"]["commit"] == tip
