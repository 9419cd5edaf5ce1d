"""A session that lives and calls nothing: everybody can see since when; nothing of it ends by that (SAFE-7)."""

import os
from pathlib import Path

import pytest

from gitcoord.core.documents.liveness import Heartbeat
from gitcoord.ledger.transactions.send_heartbeat import beat_now
from gitcoord.service.claims.claims import claim_files
from gitcoord.service.session import holder_liveness
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.steps.step_work import claim_step, recover_step
from tests.unit.service.world import Agents, Shared, crash, later, project, seen


@pytest.fixture
def bob(agents: Agents, repo: Path) -> Workspace:
    """A session that took a step and a file, called for the last time then, and has its server still."""
    one = agents(repo, "bob/codex/wt", serve=True)
    project(one)
    one.note_call()
    claim_step(one)
    claim_files(one, patterns=["a.py"], narrowable=False)
    return one


@pytest.mark.rule("SAFE-7")
def test_who_lives_and_calls_nothing_keeps_its_step_and_everybody_is_told(bob: Workspace, ann: Workspace) -> None:
    asker = later(ann, hours=3, minutes=5)

    refused, step = seen(claim_files(asker, patterns=["a.py"])), seen(recover_step(asker, step_id="app/1"))

    assert "Its session is live; no call for 3 h." in refused["why"]
    assert (refused["refused"], refused["conflicts"][0]["holder_life"]) == ("conflict", "live")
    assert (step["refused"], step["why"]) == (
        "alive",
        "Step app/1 is held by bob/codex/wt, who is live (its session's lock is held; no call for 3 h).",
    )


def test_a_call_of_a_moment_ago_is_not_worth_a_word(bob: Workspace, ann: Workspace) -> None:
    refused = seen(claim_files(later(ann, minutes=29), patterns=["a.py"]))

    assert "call for" not in refused["why"]
    assert "holder_called_at" not in refused["conflicts"][0]


def test_a_hook_of_the_session_counts_as_a_call(bob: Workspace, ann: Workspace) -> None:
    hook = bob.setting.clone.folder / "sessions" / f"{bob.session_id}.hook"
    asker = later(ann, hours=3)
    at = asker.setting.host.now().timestamp()
    hook.touch()
    os.utime(hook, (at, at))

    assert "call for" not in seen(claim_files(asker, patterns=["a.py"]))["why"]


def test_the_time_of_the_last_call_goes_with_the_ordinary_beat_and_makes_none(agents: Agents, shared: Shared) -> None:
    bob, ann = agents(shared.one, "bob/codex/one", serve=True), agents(shared.two, "ann/cli/two")
    before = bob.listed()[bob.setting.beats.ref]
    bob.note_call()

    assert beat_now(bob.setting, bob.combiner) is False
    assert bob.listed()[bob.setting.beats.ref] == before

    beat_now(bob.setting, bob.combiner, force=True)
    _, beat = holder_liveness.heartbeats(ann, ann.listed())[bob.clone_id]

    assert beat.sessions[0].called_at is not None


def test_a_session_that_is_over_is_told_of_as_over(bob: Workspace, ann: Workspace) -> None:
    crash(bob)

    refused = seen(claim_files(later(ann, minutes=1), patterns=["a.py"]))

    assert "Its session is over" in refused["why"]


def test_a_beat_of_an_older_version_says_nothing_of_calls_and_a_newer_one_keeps_what_it_does_not_know() -> None:
    old = {"clone": "x" * 16, "beaten_at": "2026-11-28T12:00:00.000Z", "sessions": [{"id": "s", "agents": ["a/b/c"]}]}
    newer = {**old, "sessions": [{"id": "s", "agents": ["a/b/c"], "of_a_later_version": 1}]}

    assert Heartbeat.parse(old).sessions[0].called_at is None
    assert Heartbeat.parse(newer).dump()["sessions"] == newer["sessions"]
