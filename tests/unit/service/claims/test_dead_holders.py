"""Holders that are gone: every list and refusal says so, and when their claims are free; then they are."""

import re
from pathlib import Path

import pytest

from gitcoord.core.claims.conflicts import ALLOWANCE
from gitcoord.core.claims.holder_silence import DEATH_GRACE
from gitcoord.core.documents.json_text import parse_time
from gitcoord.ledger.clone import snapshot_files
from gitcoord.service.claims.claims import check_conflicts, claim_files, list_claims
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.steps.projects import create_project
from gitcoord.service.steps.step_work import claim_step
from gitcoord.service.watch.overview import status
from gitcoord.service.watch.snapshot import Snapshot
from tests.unit.service.world import Agents, Result, crash, later, seen


@pytest.fixture
def bob(agents: Agents, repo: Path) -> Workspace:
    return agents(repo, "bob/codex/wt", serve=True)


@pytest.fixture
def dead(agents: Agents, repo: Path, bob: Workspace) -> Result:
    """A claim of a session that crashed; of a sub-agent's as well."""
    ann = agents(repo, "ann/codex/wt", serve=True)
    claim: Result = claim_files(ann, patterns=["a.py"])["claim"]  # type: ignore[assignment]
    crash(ann)
    return claim


@pytest.mark.rule("CLAIM-1")
def test_a_dead_holder_is_called_dead_wherever_its_claim_is_shown(bob: Workspace, dead: Result) -> None:
    free = parse_time(dead["last_activity"]) + DEATH_GRACE

    refused: Result = claim_files(bob, patterns=["a.py"])
    checked: Result = check_conflicts(bob, files=["a.py"])

    for row in (refused["conflicts"][0], checked["conflicts"][0], *seen(list_claims(bob))["claims"]):
        assert (row["holder_life"], parse_time(row["free_at"])) == ("over", free)
    assert [row["holder_life"] for row in seen(status(bob))["claims"]] == ["over"]
    over = rf"Its session is over \(last seen \d+ s ago\): free at {free:%Y-%m-%d %H:%M} UTC\."
    assert re.search(over, refused["why"])


def test_a_dead_holder_is_not_to_be_asked_and_one_at_work_is(
    agents: Agents, repo: Path, bob: Workspace, dead: Result
) -> None:
    at_work: Result = claim_files(bob, patterns=["b.py"])["claim"]  # type: ignore[assignment]
    cat = agents(repo, "cat/codex/wt", serve=True)

    of_dead = [claim_files(cat, patterns=["a.py"])["next_step"], check_conflicts(cat, files=["a.py"])["next_step"]]
    of_both = [
        found["next_step"]
        for names in (["a.py", "b.py"], ["b.py", "a.py"])
        for found in (claim_files(cat, patterns=names), check_conflicts(cat, files=names))
    ]

    assert [("request_release" in str(text), "wait_seconds=300" in str(text)) for text in of_dead] == [
        (False, True)
    ] * 2
    assert all(f"request_release(claim_id='{at_work['id']}'" in str(text) for text in of_both), of_both


def test_who_wants_a_step_whose_paths_a_dead_holder_has_is_not_to_ask_it(bob: Workspace, dead: Result) -> None:
    create_project(bob, name="app", base_commit="HEAD", steps=[{"step_num": 1, "paths": ["a.py"]}])

    refused: Result = claim_step(bob, step_id="app/1")

    assert (refused["refused"], refused["next_step"]) == (
        "paths_held",
        "Claim another: claim_step(); no one is there to ask.",
    )


def test_a_holder_at_work_is_live_and_one_at_a_shell_unknown(agents: Agents, repo: Path, bob: Workspace) -> None:
    claim_files(bob, patterns=["b.py"])
    claim_files(agents(repo, "cat/cli/wt"), patterns=["c.py"])

    rows = {row["agent"]: row for row in seen(list_claims(bob))["claims"]}

    assert (rows[bob.agent]["holder_life"], rows[bob.agent].get("free_at")) == ("live", None)
    assert rows["cat/cli/wt"]["holder_life"] == "unknown"


@pytest.mark.rule("LIVE-2")
def test_files_of_a_session_that_crashed_here_are_free_two_minutes_after_its_last_activity(
    bob: Workspace, dead: Result
) -> None:
    early: Result = claim_files(later(bob, minutes=1), patterns=["a.py"])
    free: Result = claim_files(later(bob, minutes=1, seconds=5), patterns=["a.py"])

    assert (early["refused"], free["granted"]) == ("conflict", True)


@pytest.mark.rule("CLAIM-8")
def test_files_of_a_session_that_crashed_here_stay_its_own_for_two_minutes_after_its_last_call_of_a_tool(
    agents: Agents, repo: Path, bob: Workspace
) -> None:
    ann = agents(repo, "ann/codex/wt", serve=True)
    claim_files(ann, patterns=["a.py"])
    later(ann, minutes=10).note_call()
    crash(ann)

    early: Result = claim_files(later(bob, minutes=11), patterns=["a.py"])
    free: Result = claim_files(later(bob, minutes=1, seconds=5), patterns=["a.py"])

    assert (early["refused"], free["granted"]) == ("conflict", True)


def test_the_snapshot_tells_of_a_claim_whose_own_time_is_up_before_that_of_its_holder_s_others(
    agents: Agents, repo: Path, bob: Workspace
) -> None:
    ann = agents(repo, "ann/codex/wt", serve=True)
    claims: list[Result] = [seen(claim_files(ann, patterns=["a.py"]))["claim"]]
    claims.append(seen(claim_files(ann, patterns=["b.py"], ttl_hours=0.001))["claim"])
    crash(ann)
    listed = bob.listed()

    Snapshot(bob).write(bob.register(listed), listed)

    gone = snapshot_files.load(repo / ".git" / "gitcoord" / snapshot_files.SNAPSHOT / snapshot_files.ME)["gone"]
    free = [parse_time(claims[0]["last_activity"]) + DEATH_GRACE, parse_time(claims[1]["expires_at"]) + ALLOWANCE]
    names = [f"{bob.clone_id} {claims[0]['session']}", claims[1]["id"]]
    assert isinstance(gone, dict)
    assert {name: str(said)[-21:] for name, said in gone.items()} == {
        name: f"{moment:%Y-%m-%d %H:%M} UTC." for name, moment in zip(names, free, strict=True)
    }


def test_the_snapshot_tells_hooks_who_is_gone(repo: Path, bob: Workspace, dead: Result) -> None:
    listed = bob.listed()

    Snapshot(bob).write(bob.register(listed), listed)

    me = snapshot_files.load(repo / ".git" / "gitcoord" / snapshot_files.SNAPSHOT / snapshot_files.ME)
    gone = me["gone"]
    assert isinstance(gone, dict)
    assert list(gone) == [f"{bob.clone_id} {dead['session']}"]
    assert "Its session is over" in str([*gone.values()])
    assert me["absent"] == [*gone]
