"""What needs attention: which steps failed and why, who is gone, who waits for an answer, what the remote refuses."""

from pathlib import Path

import pytest

from gitcoord.core.documents.call import calls_of
from gitcoord.core.documents.json_text import parse_time
from gitcoord.errors import DeniedError
from gitcoord.ledger.transactions.send_heartbeat import beat_now
from gitcoord.service.claims.claims import claim_files
from gitcoord.service.claims.requests import request_release
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.steps.step_work import claim_step, fail_step
from gitcoord.service.watch.agents import list_agents
from gitcoord.service.watch.overview import needs_attention, status
from tests.unit.service.world import Agents, Result, Shared, crash, damage, later, project, seen


def attention(workspace: Workspace, *, mine: bool = False) -> list[Result]:
    return seen(status(workspace, mine=mine))["attention"]


def needed(workspace: Workspace) -> list[tuple[str, str, str, list[str]]]:
    """Return (kind, severity, whose, tools of the next step) of each row."""
    rows = needs_attention(workspace)
    return [(row.kind, row.rank, row.who, [call.tool for call in calls_of(row.next_step)]) for row in rows]


def test_a_failed_step_says_why_and_what_it_blocks_and_the_one_that_blocks_most_comes_first(ann: Workspace) -> None:
    project(ann, (), (), (2,), (3,))
    for num, reason in ((1, "no such table"), (2, "the vendor is down")):
        claim_step(ann, step_id=f"app/{num}")
        fail_step(ann, step_id=f"app/{num}", reason=reason)

    rows = attention(ann)

    assert [(row["kind"], row["step_id"], row["reason"], row["blocks"], row["agent"]) for row in rows] == [
        ("step_failed", "app/2", "the vendor is down", 2, "ann/cli/wt"),
        ("step_failed", "app/1", "no such table", 0, "ann/cli/wt"),
    ]


def test_a_step_of_a_dead_holder_is_told_once_with_its_claims(agents: Agents, repo: Path, ann: Workspace) -> None:
    project(ann, (), paths=["src/a.py"])
    bob = agents(repo, "bob/codex/wt", serve=True)
    claim_step(bob)
    claim_files(bob, patterns=["src/b.py"])
    crash(bob)

    (row,) = attention(ann)

    assert (row["kind"], row["step_id"], row["agent"]) == ("step_stale", "app/1", "bob/codex/wt")


def test_a_holder_that_is_gone_is_named_with_when_its_claims_are_free(
    agents: Agents, repo: Path, ann: Workspace
) -> None:
    bob = agents(repo, "bob/codex/wt", serve=True)
    held = [seen(claim_files(bob, patterns=[name]))["claim"] for name in ("a.py", "b.py")]
    crash(bob)

    (row,) = attention(ann)

    assert (row["kind"], row["agent"], row["life"]) == ("holder_gone", "bob/codex/wt", "over")
    assert sorted(row["claims"]) == sorted(claim["id"] for claim in held)
    assert parse_time(row["free_at"]) > parse_time(held[-1]["last_activity"])


def test_requests_without_an_answer_and_calls_in_the_line_are_named(agents: Agents, repo: Path, ann: Workspace) -> None:
    bob, cat = agents(repo, "bob/cli/two"), agents(repo, "cat/cli/three")
    claim = seen(claim_files(ann, patterns=["a.py"], narrowable=False))["claim"]
    claim_files(bob, patterns=["a.py"], wait_seconds=300)
    request_release(cat, claim_id=claim["id"], reason="the release waits", wait_seconds=0)

    asked, waiting = attention(ann)

    assert (asked["kind"], asked["agent"], asked["holder"]) == ("release_asked", "cat/cli/three", "ann/cli/wt")
    assert (asked["claim"], asked["reason"]) == (claim["id"], "the release waits")
    assert (waiting["kind"], waiting["agent"], waiting["patterns"]) == ("call_waiting", "bob/cli/two", ["a.py"])


def test_mine_leaves_out_what_is_others(agents: Agents, repo: Path, ann: Workspace) -> None:
    bob = agents(repo, "bob/cli/two")
    project(ann, (), ())
    for workspace, name in ((ann, "a.py"), (bob, "b.py")):
        claim_step(workspace)
        claim_files(workspace, patterns=[name])

    mine, every = seen(status(ann, mine=True)), seen(status(ann))

    assert [row["agent"] for row in mine["agents"]] == ["ann/cli/wt"]
    assert [row["items"][0]["pattern"] for row in mine["claims"]] == ["a.py"]
    assert [row["step_id"] for row in mine["projects"][0]["held"]] == ["app/1"]
    assert len(every["agents"]) == len(every["claims"]) == 2


def test_an_agent_that_was_restarted_is_listed_once(agents: Agents, repo: Path, ann: Workspace) -> None:
    for _ in range(3):
        agents(repo, "bob/codex/wt", serve=True).close()
    agents(repo, "bob/codex/wt", serve=True)
    for _ in range(2):
        agents(repo, "cat/codex/two", serve=True).close()

    rows = seen(list_agents(ann))["agents"]

    assert [(row["agent"], row["life"]) for row in rows] == [("bob/codex/wt", "live"), ("cat/codex/two", "ended")]


def test_who_holds_something_at_a_shell_is_listed_with_it(ann: Workspace) -> None:
    project(ann)
    claim_step(ann)
    claim = seen(claim_files(ann, patterns=["a.py"]))["claim"]

    (row,) = seen(list_agents(ann))["agents"]

    assert (row["agent"], row["life"], row["on"], row["claims"]) == ("ann/cli/wt", "unknown", ["app/1"], [claim["id"]])


def test_a_remote_that_takes_no_heartbeat_of_this_clone_is_told(agents: Agents, shared: Shared) -> None:
    bob = agents(shared.one, "bob/codex/one", serve=True)
    soon = attention(bob)

    assert soon == []
    assert [row["kind"] for row in attention(later(bob, minutes=20))] == ["heartbeat_late"]


def test_a_team_of_which_nothing_is_wrong_needs_no_attention(agents: Agents, repo: Path, ann: Workspace) -> None:
    project(ann, ())
    claim_step(agents(repo, "bob/codex/wt", serve=True))

    assert attention(ann) == []


def test_who_lives_holds_something_and_calls_nothing_is_told(agents: Agents, repo: Path, ann: Workspace) -> None:
    bob = agents(repo, "bob/codex/wt", serve=True)
    project(bob)
    bob.note_call()
    claim_step(bob)

    (agent,) = seen(list_agents(ann))["agents"]
    soon, (row,) = attention(later(ann, minutes=29)), attention(later(ann, hours=3))

    assert soon == []
    assert (row["kind"], row["agent"], row["on"]) == ("no_call", "bob/codex/wt", ["app/1"])
    assert row["called_at"] == agent["called_at"]


def test_a_request_is_for_its_holder_to_answer_and_for_all_others_news(
    agents: Agents, repo: Path, ann: Workspace
) -> None:
    bob = agents(repo, "bob/cli/two")
    claim = seen(claim_files(ann, patterns=["a.py"]))["claim"]
    request_release(bob, claim_id=claim["id"], reason="the release waits", wait_seconds=0)

    assert needed(ann) == [("release_asked", "high", "you", ["respond_to_request"])]
    assert needed(bob) == [("release_asked", "low", "ann/cli/wt", [])]


def test_what_a_sub_agent_and_a_tool_of_the_same_worktree_are_asked_for_is_the_callers(
    agents: Agents, repo: Path, ann: Workspace
) -> None:
    tool, bob = agents(repo, "ann/claude-code/wt"), agents(repo, "bob/cli/two")
    for workspace, agent_id in ((tool, None), (ann, "tests")):
        claim = seen(claim_files(workspace, patterns=[f"{agent_id}.py"], agent_id=agent_id))["claim"]
        request_release(bob, claim_id=claim["id"], reason="the release waits", wait_seconds=0)

    assert [row[:3] for row in needed(ann)] == [("release_asked", "high", "you")] * 2


@pytest.mark.parametrize(("minutes", "severity"), [(50, "medium"), (56, "high")])
def test_a_claim_of_the_callers_that_ends_soon_is_named_to_it_alone(
    agents: Agents, repo: Path, ann: Workspace, minutes: int, severity: str
) -> None:
    bob = agents(repo, "bob/cli/two")
    claim = seen(claim_files(ann, patterns=["a.py"], ttl_hours=1))["claim"]
    soon = needed(ann)
    for workspace in (ann, bob):
        later(workspace, minutes=minutes)

    assert soon == []
    assert needed(bob) == []
    assert needed(ann) == [("claim_ends", severity, "you", ["extend_claims"])]
    (row,) = attention(ann)
    assert (row["about"], row["patterns"], row["until"]) == (claim["id"], ["a.py"], claim["expires_at"])


def test_who_waits_behind_a_claim_of_the_callers_is_for_it_and_named_by_the_claim(
    agents: Agents, repo: Path, ann: Workspace
) -> None:
    bob, cat = agents(repo, "bob/cli/two"), agents(repo, "cat/cli/three")
    claim = seen(claim_files(ann, patterns=["a.py"], narrowable=False))["claim"]
    claim_files(bob, patterns=["a.py"], wait_seconds=300)

    assert needed(ann) == [("call_waiting", "medium", "you", ["release_claims"])]
    assert needed(cat) == [("call_waiting", "low", "ann/cli/wt", [])]
    (row,) = needs_attention(ann)
    assert calls_of(row.next_step)[0].given == {"claim_ids": [claim["id"]]}
    assert [found["kind"] for found in attention(ann, mine=True)] == ["call_waiting"]
    assert attention(cat, mine=True) == []


def test_a_failed_step_is_high_where_others_wait_for_it_and_its_holders_own(
    agents: Agents, repo: Path, ann: Workspace
) -> None:
    bob = agents(repo, "bob/cli/two")
    project(ann, (), (), (1,))
    for workspace, num in ((ann, 1), (bob, 2)):
        claim_step(workspace, step_id=f"app/{num}")
        fail_step(workspace, step_id=f"app/{num}", reason="no such table")

    assert needed(ann) == [
        ("step_failed", "high", "you", ["claim_step", "recover_step"]),
        ("step_failed", "medium", "person", ["claim_step", "recover_step"]),
    ]


def test_a_damaged_ledger_is_for_a_person_and_hides_nothing(ann: Workspace, repo: Path) -> None:
    project(ann, ())
    project(ann, (), name="other")
    claim_step(ann, step_id="other/1")
    fail_step(ann, step_id="other/1", reason="no such table")
    damage(repo, "app")

    first, second = needs_attention(ann)

    assert (first.kind, first.rank, first.who, first.about) == ("damaged", "high", "person", "refs/coord/steps/app")
    assert first.next_step
    assert second.about == "other/1"


def declining(remote: Path) -> Path:
    """Have a remote take nothing; return the hook that does it."""
    hook = remote / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\necho 'not on a Friday'\nexit 1\n", encoding="utf-8")
    hook.chmod(0o755)
    return hook


def test_a_remote_that_declined_the_last_swap_is_named_until_it_takes_one(agents: Agents, shared: Shared) -> None:
    hook = declining(shared.remote)
    ann = agents(shared.one, "ann/cli/one")
    with pytest.raises(DeniedError):
        claim_files(ann, patterns=["a.py"])
    (row,) = needs_attention(ann)
    hook.unlink()
    claim_files(ann, patterns=["a.py"])

    assert (row.kind, row.rank, row.who) == ("remote_declines", "high", "person")
    assert "not on a Friday" in row.message
    assert needs_attention(ann) == []


def test_that_a_remote_declined_is_no_news_a_day_later(agents: Agents, shared: Shared) -> None:
    declining(shared.remote)
    ann = agents(shared.one, "ann/cli/one")
    with pytest.raises(DeniedError):
        claim_files(ann, patterns=["a.py"])

    assert needs_attention(later(ann, hours=25)) == []


def test_a_heartbeat_that_a_remote_declines_is_named_as_well(agents: Agents, shared: Shared) -> None:
    declining(shared.remote)
    ann = agents(shared.one, "ann/claude-code/one", serve=True)
    with pytest.raises(DeniedError):
        beat_now(ann.setting, ann.combiner, force=True)

    assert [row.kind for row in needs_attention(ann)] == ["remote_declines"]
