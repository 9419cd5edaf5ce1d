"""Everything that can be delivered is recorded in a commit, under its one word, and the log has it."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from gitcoord.core.documents.events import Event
from gitcoord.core.documents.json_text import Json
from gitcoord.service.claims import requests
from gitcoord.service.claims.claims import claim_files, release_claims
from gitcoord.service.session.patience import Patience
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.steps.step_views import get_agent_events
from gitcoord.service.steps.step_work import claim_step, complete_step, fail_step, recover_step, skip_step, start_step
from gitcoord.service.team import owner_edits
from gitcoord.service.team.policy import set_policy
from tests.unit.service.world import Agents, Shared, later, project, tips

NOW = Patience(most_s=0)


@pytest.fixture
def bob(agents: Agents, repo: Path) -> Workspace:
    return agents(repo, "bob/cli/wt")


def events(workspace: Workspace) -> list[dict[str, Any]]:
    rows: Any = get_agent_events(workspace, limit=500)["events"]
    return rows


def words(rows: Iterable[dict[str, Any]]) -> set[str]:
    return {str(one["event"]) for one in rows} & set(Event)


def of_steps(ann: Workspace) -> None:
    project(ann, (), ())
    claim_step(ann)
    start_step(ann, step_id="app/1")
    fail_step(ann, step_id="app/1", reason="later")
    recover_step(ann, step_id="app/1")
    claim_step(ann)
    complete_step(ann, step_id="app/1", commit_hash="HEAD")
    skip_step(ann, step_id="app/2", reason="not needed")


def of_claims(ann: Workspace, bob: Workspace) -> None:
    whole: Any = claim_files(ann, patterns=["a.zig"])
    claim_files(bob, symbols={"a.zig": ["f"]})
    claim_files(ann, symbols={"b.zig": ["f"]})
    claim_files(bob, symbols={"b.zig": ["g"]})
    claim_files(bob, patterns=["a.zig"])
    filed: Any = requests.request_release(bob, claim_id=whole["claim"]["id"], reason="x", wait_seconds=0)
    requests.respond_to_request(ann, request_id=filed["request"]["id"], decision="denied")
    waits: Any = claim_files(ann, patterns=["b.zig"], wait_seconds=300, patience=NOW)
    requests.cancel_queue_request(ann, queue_id=waits["queue_id"])
    claim_files(bob, patterns=["b.zig"], wait_seconds=300, patience=NOW)
    release_claims(ann)


def of_machines(ann: Workspace, bob: Workspace) -> None:
    set_policy(ann, name="auto_promote_threshold", value="3")
    claim_files(ann, patterns=["hot.zig"])
    for _ in range(3):
        claim_files(bob, patterns=["hot.zig"])
    claim_files(bob, patterns=["else.zig"])
    owner_edits.promote_by_itself(ann)
    late = later(ann, days=15)
    owner_edits.promote_by_itself(late)
    claim_files(late, patterns=["more.zig"])


def test_events_of_symbols_say_which(ann: Workspace, bob: Workspace) -> None:
    claim_files(ann, patterns=["a.zig"])
    claim_files(bob, symbols={"a.zig": ["f", "g"]})

    rows = {(row["event"], row["agent"]): row for row in events(ann)}

    assert "symbols" not in rows["claim_granted", ann.agent]
    taken = rows["claim_granted", bob.agent], rows["auto_narrow", ann.agent]
    assert [(row["patterns"], row["symbols"]) for row in taken] == [(["a.zig"], ["f", "g"])] * 2


@pytest.mark.rule("EVENT-1")
def test_every_event_is_recorded_in_a_commit(ann: Workspace, bob: Workspace) -> None:
    of_steps(ann)
    of_claims(ann, bob)
    of_machines(ann, bob)

    assert sorted(set(Event) - words(events(ann))) == []


def test_a_completed_project_comes_after_its_last_step(ann: Workspace) -> None:
    project(ann, ())
    claim_step(ann)
    complete_step(ann, step_id="app/1", commit_hash="HEAD")

    rows = events(ann)

    assert [(one["event"], one["project"], one.get("step")) for one in rows[:2]] == [
        ("project_completed", "app", None),
        ("step_completed", "app", "app/1"),
    ]
    assert rows[0]["commit"] == rows[1]["commit"]


def test_a_refusal_is_an_event_of_the_commit_that_carries_it(ann: Workspace, bob: Workspace) -> None:
    claim_files(ann, patterns=["a.py"])
    claim_files(bob, patterns=["a.py"])
    claim_files(bob, patterns=["a.py"])
    before = [one["event"] for one in events(ann)]
    claim_files(bob, patterns=["b.py"])

    rows = events(ann)

    refused = rows[1]
    assert before == ["claim_granted"]
    assert [one["event"] for one in rows] == ["claim_granted", "claim_refused", "claim_granted"]
    assert (refused["agent"], refused["reason"], refused["count"]) == ("bob/cli/wt", "conflict", 2)
    assert (refused["patterns"], refused["commit"]) == (["a.py"], rows[0]["commit"])


def test_what_is_shown_is_in_the_order_in_which_it_happened(agents: Agents, shared: Shared) -> None:
    ann, bob = agents(shared.one, "ann/cli/wt"), agents(shared.two, "bob/cli/wt")
    claim_files(ann, patterns=["a.py"])
    claim_files(bob, patterns=["a.py"])
    claim_files(ann, patterns=["b.py"])
    claim_files(bob, patterns=["c.py"])

    rows = events(ann)

    assert [(one["event"], one["agent"]) for one in rows] == [
        ("claim_granted", bob.agent),
        ("claim_granted", ann.agent),
        ("claim_refused", bob.agent),
        ("claim_granted", ann.agent),
    ]
    assert rows == sorted(rows, key=lambda one: one["time"], reverse=True)


@pytest.mark.rule("SAFE-3", "EVENT-1")
def test_a_refusal_that_two_commits_carry_is_one_event(ann: Workspace, bob: Workspace) -> None:
    claim_files(ann, patterns=["a.py"])
    claim_files(bob, patterns=["a.py"])
    (noted,) = ann.setting.clone.folder.glob("refusals-*.json")
    died_before_it_was_removed = noted.read_bytes()
    claim_files(bob, patterns=["b.py"])
    noted.write_bytes(died_before_it_was_removed)
    claim_files(bob, patterns=["a.py"])
    claim_files(bob, patterns=["c.py"])

    refused = [one for one in events(ann) if one["event"] == "claim_refused"]

    assert [one["count"] for one in refused] == [2]


def test_what_machines_promote_is_an_event_with_its_pattern(ann: Workspace, bob: Workspace) -> None:
    of_machines(ann, bob)

    found = [(one["event"], one["pattern"]) for one in events(ann) if str(one["event"]).startswith("auto_")]

    assert found == [("auto_demote", "hot.zig"), ("auto_promote", "hot.zig")]


def test_a_record_of_the_team_s_rules_that_is_too_long_for_a_message_is_kept(ann: Workspace, bob: Workspace) -> None:
    names = [f"dir{num}/{'x' * 200}{num}.zig" for num in range(30)]
    set_policy(ann, name="auto_promote_threshold", value="1")
    claim_files(ann, patterns=names)
    for name in names:
        claim_files(bob, patterns=[name])
    claim_files(bob, patterns=["else.zig"])
    for _ in range(10):  # a commit carries a few kilobytes of refusals
        claim_files(bob, patterns=["else.zig"], ttl_hours=5)
        release_claims(bob)
        claim_files(bob, patterns=["else.zig"])
    owner_edits.promote_by_itself(ann)
    before = tips(ann)
    set_policy(ann, name="auto_promote_threshold", value="2")

    promoted: list[Json] = [one["pattern"] for one in events(ann) if one["event"] == "auto_promote"]

    assert before != tips(ann)
    assert len(promoted) > 20
