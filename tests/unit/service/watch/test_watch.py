"""Watching: beat when it is due, tell what changed and what was lost, and bear a remote that is gone."""

import shutil
from collections.abc import Callable, Mapping, Sequence

import pytest

from gitcoord.core.documents.doc import replace
from gitcoord.core.documents.json_text import Json
from gitcoord.ledger.readers.reader import Reader
from gitcoord.remote.contract.protocol import Oid, RefName, Transport
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.steps.projects import list_projects
from gitcoord.service.steps.step_work import claim_step, complete_step, fail_step, recover_step, skip_step
from gitcoord.service.watch.notices import take_notices
from gitcoord.service.watch.watch import POLL_BROKEN_S, TICK_S, sync, tick
from tests.unit.ledger.fakes import DENIED, Lossy, Wrapped
from tests.unit.service.world import Agents, Result, Shared, later, project, seen


@pytest.fixture
def bob(agents: Agents, shared: Shared) -> Workspace:
    """A session in the second clone, who watches."""
    return agents(shared.two, "bob/claude/two", serve=True)


@pytest.fixture
def ann(agents: Agents, shared: Shared) -> Workspace:
    return agents(shared.one, "ann/cli/one")


class Overtaken(Wrapped):
    """A place whose next listing is made, and handed over only after `meanwhile` was done."""

    def __init__(self, inner: Transport, meanwhile: Callable[[], object]) -> None:
        super().__init__(inner)
        self.name = inner.name
        self.waiting = [meanwhile]

    def read(self, prefixes: Sequence[str]) -> Mapping[RefName, Oid]:
        listed = self.inner.read(prefixes)
        if self.waiting:
            self.waiting.pop()()
        return listed


def tick_overtaken(workspace: Workspace, meanwhile: Callable[[], object]) -> None:
    """Let a watch go by a listing that is older than what was done meanwhile."""
    real = workspace.setting, workspace.reader
    place = Overtaken(workspace.setting.transport, meanwhile)
    workspace.setting = replace(workspace.setting, transport=place)
    workspace.reader = Reader(place, workspace.setting.refs)
    tick(workspace)
    assert not place.waiting
    workspace.setting, workspace.reader = real


def beat_of(workspace: Workspace) -> str | None:
    listed = workspace.setting.transport.read(workspace.setting.refs.everything)
    return listed.get(workspace.setting.refs.heartbeat(workspace.clone_id))


def test_the_first_look_tells_nothing_and_when_to_look_again(ann: Workspace, bob: Workspace) -> None:
    project(ann)

    first = tick(bob)

    assert (first.changed, first.next_s) == ([], TICK_S)


def test_what_others_changed_is_told_by_resource_and_once(ann: Workspace, bob: Workspace) -> None:
    project(ann, name="App")
    project(ann, name="other")
    tick(bob)

    claim_step(ann, project="app")
    first, second = tick(bob), tick(bob)

    assert (first.changed, second.changed) == (["coord://status", "coord://projects/app"], [])


def test_a_new_project_and_a_new_clone_are_told(agents: Agents, ann: Workspace, bob: Workspace, shared: Shared) -> None:
    tick(bob)
    project(ann)
    with_project = tick(bob)
    agents(shared.one, "cat/claude/one", serve=True)

    assert with_project.changed == ["coord://status", "coord://projects/app"]
    assert tick(bob).changed == ["coord://status"]


def test_a_session_beats_when_it_begins_and_then_only_when_it_is_due(bob: Workspace) -> None:
    begun = beat_of(bob)
    tick(bob)
    soon = beat_of(bob)
    tick(later(bob, seconds=bob.setting.beats.interval_s + 1))

    assert (begun is not None, soon) == (True, begun)
    assert beat_of(bob) not in {begun, None}


def test_who_has_no_session_does_not_beat(ann: Workspace) -> None:
    tick(later(ann, minutes=10))

    assert beat_of(ann) is None


def test_a_step_that_was_lost_is_told_once_with_what_to_do(ann: Workspace, bob: Workspace) -> None:
    project(ann)
    claim_step(bob)
    tick(bob)
    recover_step(ann, step_id="app/1", force=True)
    claim_step(ann)

    tick(bob)
    told = take_notices(bob)
    tick(bob)

    assert told == [
        {
            "notice": "step_lost",
            "step_id": "app/1",
            "message": "You no longer hold step app/1; it is claimed (holder: ann/cli/one).",
            "next_step": "Stop working on it; claim another: claim_step().",
        }
    ]
    assert take_notices(bob) == []
    assert bob.fences.all() == {}


def told(workspace: Workspace) -> list[Json]:
    return [one["notice"] for one in take_notices(workspace)]


@pytest.mark.rule("SAFE-7")
def test_a_listing_from_before_a_step_was_given_does_not_take_it(ann: Workspace, bob: Workspace) -> None:
    project(ann)
    tick_overtaken(bob, lambda: claim_step(bob))

    done = seen(complete_step(bob, step_id="app/1", commit_hash="HEAD"))

    assert (told(bob), done["step"]["status"]) == ([], "completed")


@pytest.mark.rule("SAFE-7")
def test_a_listing_from_before_its_project_was_there_does_not_take_a_step(bob: Workspace) -> None:
    project(bob, name="other")
    tick_overtaken(bob, lambda: (project(bob), claim_step(bob, project="app")))

    assert (told(bob), bob.fences.all()) == ([], {"app/1": 1})


@pytest.mark.rule("SAFE-7")
def test_a_listing_of_the_time_between_does_not_take_a_step_that_was_given_again(
    ann: Workspace, bob: Workspace
) -> None:
    project(ann)
    claim_step(bob)
    tick(bob)
    recover_step(ann, step_id="app/1", force=True)

    tick_overtaken(bob, lambda: claim_step(bob))

    assert (told(bob), bob.fences.all()) == ([], {"app/1": 2})


def test_a_step_that_was_lost_and_given_again_is_kept_by_its_new_fence(bob: Workspace) -> None:
    bob.fences.keep("app/1", 2)

    assert (bob.fences.drop("app/1", 1), bob.fences.all()) == (False, {"app/1": 2})


def test_a_step_that_its_holder_ended_is_not_told_as_lost(ann: Workspace, bob: Workspace) -> None:
    project(ann, (), ())
    for num in (1, 2):
        claim_step(bob, agent_id=f"s{num}", step_id=f"app/{num}")
    tick(bob)
    complete_step(bob, step_id="app/1", commit_hash="HEAD", agent_id="s1")
    fail_step(bob, step_id="app/2", reason="stuck", agent_id="s2")

    tick(bob)

    assert take_notices(bob) == []


def test_a_remote_that_is_gone_is_told_once_and_watched_on(ann: Workspace, bob: Workspace, shared: Shared) -> None:
    project(ann)
    tick(bob)
    away = shared.remote.with_name("away.git")
    shared.remote.rename(away)

    gone = [tick(bob) for _ in range(3)]
    told: list[Result] = take_notices(bob)
    away.rename(shared.remote)
    claim_step(ann)
    back = tick(bob)

    assert [(one.changed, one.next_s) for one in gone] == [([], POLL_BROKEN_S)] * 3
    assert [(one["notice"], str(shared.remote) in one["message"]) for one in told] == [("unreachable", True)]
    assert (back.changed, back.next_s) == (["coord://status", "coord://projects/app"], TICK_S)
    assert take_notices(bob) == []


def test_a_remote_that_goes_again_is_told_again(bob: Workspace, shared: Shared) -> None:
    away = shared.remote.with_name("away.git")
    tick(bob)
    told: list[list[Result]] = []
    for _ in range(2):
        shared.remote.rename(away)
        tick(bob)
        told.append(take_notices(bob))
        away.rename(shared.remote)
        tick(bob)

    assert [[one["notice"] for one in notices] for notices in told] == [["unreachable"], ["unreachable"]]


def test_a_beat_that_failed_is_sent_when_the_remote_is_back(bob: Workspace, shared: Shared) -> None:
    before = beat_of(bob)
    away = shared.remote.with_name("away.git")
    shared.remote.rename(away)
    tick(later(bob, minutes=2))
    away.rename(shared.remote)

    tick(bob)

    assert beat_of(bob) != before


def test_a_session_begins_where_the_remote_is_gone_and_says_so(agents: Agents, shared: Shared) -> None:
    shutil.rmtree(shared.remote)

    bob = agents(shared.two, "bob/claude/two", serve=True)

    assert [one["notice"] for one in take_notices(bob)] == ["unreachable"]


def test_sync_beats_and_says_what_is_there(ann: Workspace, bob: Workspace, shared: Shared) -> None:
    project(ann)

    result: Result = sync(bob)

    assert result == {"remote": str(shared.remote), "refs": 2, "projects": 1, "oddities": []}
    assert list_projects(bob)["count"] == 1


def test_a_step_that_was_skipped_after_it_was_taken_away_is_told_as_lost(ann: Workspace, bob: Workspace) -> None:
    project(ann)
    claim_step(bob)
    tick(bob)
    recover_step(ann, step_id="app/1", force=True)
    skip_step(ann, step_id="app/1", reason="not needed")

    tick(bob)

    assert [one["step_id"] for one in take_notices(bob)] == ["app/1"]


@pytest.mark.rule("LIVE-2")
def test_a_beat_that_the_remote_declines_is_told_once_and_watching_goes_on(ann: Workspace, bob: Workspace) -> None:
    tick(bob)
    bob.setting = replace(bob.setting, transport=Lossy(bob.setting.transport, [DENIED, DENIED]))

    project(ann)
    looks = [tick(later(bob, minutes=minutes)) for minutes in (2, 2)]
    told: list[Result] = take_notices(bob)
    tick(bob)

    assert [look.changed for look in looks] == [["coord://status", "coord://projects/app"], []]
    assert [look.next_s for look in looks] == [POLL_BROKEN_S] * 2
    assert [one["notice"] for one in told] == ["denied"]
    assert "heartbeat was not sent: not on a Friday" in told[0]["message"]
    assert take_notices(bob) == []
