"""What becomes of a refusal: its count, its event and the holder's notice land with a beat at the latest."""

from collections.abc import Callable
from typing import Any

import pytest

from gitcoord.core.owners import refusal_counts
from gitcoord.ledger.format.commits import walk
from gitcoord.service.claims.claims import claim_files, release_claims
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.steps.step_views import get_agent_events
from gitcoord.service.team.hotspots import counters_of
from gitcoord.service.watch.notices import take_notices
from gitcoord.service.watch.watch import sync, tick
from tests.unit.service.world import Agents, Shared, later, tips


@pytest.fixture
def ann(agents: Agents, shared: Shared) -> Workspace:
    return agents(shared.one, "ann/cli/wt")


@pytest.fixture
def bob(agents: Agents, shared: Shared) -> Workspace:
    return agents(shared.two, "bob/claude/wt", serve=True)


def counted(workspace: Workspace) -> dict[str, dict[str, int]]:
    today = workspace.setting.host.now().date()
    return refusal_counts.totals(counters_of(workspace, workspace.listed()), today, 2)


def told(workspace: Workspace) -> list[str]:
    return [str(one["message"]) for one in take_notices(workspace) if one["notice"] == "claim_refused"]


def commits_of_claims(workspace: Workspace) -> int:
    tip = workspace.listed()[workspace.setting.refs.claims]
    return len(list(walk(workspace.setting.transport.objects, tip)))


@pytest.mark.rule("CLAIM-23", "EVENT-1")
@pytest.mark.parametrize("lands", [lambda bob: tick(later(bob, seconds=70)), sync], ids=["the watch", "sync"])
def test_a_clone_that_claims_nothing_more_still_tells_what_it_was_refused(
    ann: Workspace, bob: Workspace, lands: Callable[[Workspace], object]
) -> None:
    held: Any = claim_files(ann, patterns=["a.py"])
    tick(bob)
    for _ in range(3):
        assert claim_files(bob, patterns=["a.py"])["refused"] == "conflict"
    before = (counted(ann), told(ann))

    lands(bob)

    assert before == ({}, [])
    assert counted(ann) == {"a.py": {bob.agent: 3}}
    assert told(ann) == [f"{bob.agent} asked for 'a.py' and was refused: you hold 'a.py' ({held['claim']['id']})."]
    assert told(ann) == []
    events: Any = get_agent_events(ann)["events"]
    assert [(one["event"], one.get("count")) for one in events] == [("claim_refused", 3), ("claim_granted", None)]


def test_the_notice_rides_in_the_clone_s_next_commit(ann: Workspace, bob: Workspace) -> None:
    claim_files(ann, patterns=["a.py"])
    claim_files(bob, patterns=["a.py"])
    before = commits_of_claims(ann)

    claim_files(bob, patterns=["b.py"])
    tick(later(bob, seconds=70))

    assert commits_of_claims(ann) == before + 1
    assert len(told(ann)) == 1
    assert counted(ann) == {"a.py": {bob.agent: 1}}


def test_a_refusal_for_another_reason_is_an_event_and_nobody_s_notice(ann: Workspace, bob: Workspace) -> None:
    claim_files(ann, patterns=["a.py"])
    assert claim_files(bob, queue_id="q-00000000")["refused"] == "not_waiting"

    sync(bob)

    events: Any = get_agent_events(ann)["events"]
    assert (events[0]["event"], events[0]["reason"]) == ("claim_refused", "not_waiting")
    assert (told(ann), counted(ann)) == ([], {})


def test_without_refusals_nothing_is_written(ann: Workspace, bob: Workspace) -> None:
    claim_files(ann, patterns=["a.py"])
    tick(bob)
    claim_files(bob, patterns=["a.py"])
    sync(bob)
    before = tips(ann)

    sync(bob)
    tick(later(bob, seconds=70))

    refs = ann.setting.refs
    assert {ref: tip for ref, tip in tips(ann).items() if ref == refs.claims} == {refs.claims: before[refs.claims]}


def test_fences_go_on_after_a_commit_that_only_tells(ann: Workspace, bob: Workspace) -> None:
    claim_files(ann, patterns=["a.py"])
    claim_files(bob, patterns=["a.py"])
    release_claims(ann)
    sync(bob)

    granted: list[Any] = [claim_files(bob, patterns=["b.py"]), claim_files(ann, patterns=["c.py"])]

    assert [one["claim"]["fence"] for one in granted] == [4, 5]
