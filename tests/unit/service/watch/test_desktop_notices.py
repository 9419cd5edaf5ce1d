"""What needs a person most is shown on the desktop of who asked for that: once, and not more than one a minute."""

import pytest

from gitcoord.core.documents.json_text import Json
from gitcoord.service.session.workspace import Preferences, Workspace
from gitcoord.service.steps.step_work import claim_step, fail_step
from gitcoord.service.watch import desktop_notices
from gitcoord.service.watch.watch import tick
from tests.conftest import Git
from tests.unit.service.world import Agents, Shared, later, project

Shown = list[tuple[str, str]]


@pytest.fixture
def ann(agents: Agents, shared: Shared) -> Workspace:
    return agents(shared.one, "ann/cli/one")


@pytest.fixture
def bob(agents: Agents, shared: Shared) -> Workspace:
    return agents(shared.two, "bob/claude/two", serve=True)


def watched(workspace: Workspace) -> Shown:
    """Let a workspace show what it has to; return that."""
    shown: Shown = []
    workspace.preferences = Preferences(show=lambda title, text: shown.append((title, text)))
    return shown


def failed(ann: Workspace, num: int, reason: Json = "no such table") -> None:
    claim_step(ann, step_id=f"app/{num}")
    fail_step(ann, step_id=f"app/{num}", reason=str(reason))


def test_what_blocks_others_is_shown_once_and_no_more_than_one_a_minute(ann: Workspace, bob: Workspace) -> None:
    project(ann, (), (), (1, 2))
    shown = watched(bob)
    failed(ann, 1)

    looks = [desktop_notices.show(bob)]
    failed(ann, 2)
    looks.append(desktop_notices.show(bob))
    one = [*shown]
    looks += [desktop_notices.show(later(bob, minutes=2)), desktop_notices.show(later(bob, minutes=4))]

    assert looks == [True, False, True, True]
    assert [title for title, _ in one] == ["gitcoord: two"]
    assert one[0][1].startswith("step failed: app/1: blocks 1: ")
    assert [sum(f"app/{num}" in text for _, text in shown) for num in (1, 2)] == [1, 1]


def test_what_can_wait_is_not_shown(ann: Workspace, bob: Workspace) -> None:
    project(ann, ())
    shown = watched(bob)
    failed(ann, 1)

    assert (desktop_notices.show(bob), shown) == (True, [])


def test_the_watch_of_a_session_shows_it(ann: Workspace, bob: Workspace) -> None:
    project(ann, (), (1,))
    shown = watched(bob)
    tick(bob)
    failed(ann, 1)

    tick(bob)

    assert ["app/1" in text for _, text in shown] == [True]


def test_nobody_is_shown_anything_who_did_not_ask_for_it(agents: Agents, shared: Shared, git: Git) -> None:
    before = agents(shared.one, "ann/cli/one").preferences
    git(shared.one, "config", "gitcoord.notify", "desktop")
    after = agents(shared.one, "ann/cli/one").preferences

    assert (before.show is None, after.show is None) == (True, False)


def test_a_preference_counts_for_a_session_that_runs(agents: Agents, shared: Shared, git: Git) -> None:
    session = agents(shared.one, "ann/claude/one", serve=True)
    git(shared.one, "config", "gitcoord.wake", "off")

    session.follow()

    assert session.preferences.wakes is False
