"""Clones whose clocks differ where nothing tells the time: command lines alone, over a remote that has no clock."""

from typing import TypedDict

import pytest

from gitcoord.service.claims.claims import claim_files
from gitcoord.service.steps.projects import create_project
from gitcoord.service.steps.step_work import claim_step
from gitcoord.service.watch.notices import take_notices
from tests.servers.fixtures import Servers
from tests.unit.service.world import Apart, plan, seen

pytestmark = pytest.mark.rule("CLAIM-22")


class Off(TypedDict, total=False):
    """By how much a clock is ahead."""

    days: float
    hours: float


AHEAD: list[Off] = [{"hours": 6}, {"days": 30}]
RIGHT: Off = {}


@pytest.fixture
def silent(apart: Apart) -> Apart:
    """Clones of a hub that says nothing of the time."""
    apart.tells_time = False
    return apart


@pytest.fixture
def over_git(apart: Apart, servers: Servers) -> Apart:
    """Clones of a hub that git serves by its own protocol."""
    remote = servers.remote("daemon")
    apart.git(remote.git_dir, "fetch", "--quiet", str(apart.hub), "main:main")
    apart.url = remote.url
    return apart


def test_over_git_a_clock_that_is_hours_ahead_ends_no_claim_of_a_command_line(over_git: Apart) -> None:
    ann = over_git("ann")
    held = seen(claim_files(ann, patterns=["README.md"]))["claim"]["id"]
    bob = over_git("bob", hours=6)

    first = seen(claim_files(bob, patterns=["other.py"]))
    again = seen(claim_files(over_git("bob", hours=6), patterns=["README.md"]))

    assert first["granted"]
    assert again["refused"] == "conflict"
    assert held in ann.register().claims
    assert [one["notice"] for one in take_notices(bob)].count("clock_off") == 1


@pytest.mark.parametrize("off", AHEAD, ids=str)
def test_a_clock_that_is_far_ahead_ends_no_claim_of_others(silent: Apart, off: Off) -> None:
    ann = silent("ann")
    held = seen(claim_files(ann, patterns=["README.md"]))["claim"]["id"]

    for file in ("a.py", "b.py", "c.py"):  # its own writes are no evidence for it
        claim_files(silent("bob", **off), patterns=[file])
        silent.wait(minutes=30)

    assert held in ann.register().claims


@pytest.mark.rule("LIVE-2")
@pytest.mark.parametrize("off", [RIGHT, *AHEAD], ids=str)
@pytest.mark.parametrize(("waited", "ends"), [(11, False), (13, True)])
def test_what_others_hold_is_over_at_last_after_as_long_as_it_was_granted_for(
    silent: Apart, off: Off, waited: int, ends: bool
) -> None:
    held = seen(claim_files(silent("ann"), patterns=["README.md"], ttl_hours=0.2))["claim"]["id"]
    claim_files(silent("bob", **off), patterns=["a.py"])
    silent.wait(minutes=waited)

    claim_files(silent("bob", **off), patterns=["b.py"])

    assert (held not in silent("ann").register().claims) is ends


@pytest.mark.rule("LIVE-2")
@pytest.mark.parametrize("off", [RIGHT, *AHEAD], ids=str)
@pytest.mark.parametrize(("ttl_hours", "ends"), [(0.2, True), (4.0, False)])
def test_a_command_of_a_third_clone_shows_what_time_it_is(
    silent: Apart, off: Off, ttl_hours: float, ends: bool
) -> None:
    held = seen(claim_files(silent("ann"), patterns=["README.md"], ttl_hours=ttl_hours))["claim"]["id"]
    silent.wait(minutes=20)
    claim_files(silent("cat"), patterns=["a.py"])  # which has seen nobody write since, and ends nothing itself
    assert held in silent("ann").register().claims

    claim_files(silent("bob", **off), patterns=["b.py"])

    assert (held not in silent("ann").register().claims) is ends


@pytest.mark.rule("LIVE-2")
def test_a_clock_that_others_have_shown_to_be_right_is_believed_from_then_on(silent: Apart) -> None:
    ann = silent("ann")
    claim_files(ann, patterns=["a.py"])
    claim_files(silent("bob"), patterns=["b.py"])  # within minutes of it
    held = seen(claim_files(ann, patterns=["README.md"], ttl_hours=0.2))["claim"]["id"]
    silent.wait(minutes=20)

    granted = seen(claim_files(silent("bob"), patterns=["README.md"]))

    assert granted["granted"]
    assert held not in ann.register().claims


def test_what_the_clone_itself_holds_is_over_by_its_own_clock(silent: Apart) -> None:
    claim_files(silent("ann"), patterns=["README.md"])
    silent.wait(hours=1)
    held = seen(claim_files(silent("bob"), patterns=["b.py"], ttl_hours=0.2))["claim"]["id"]
    silent.wait(minutes=20)

    claim_files(silent("bob"), patterns=["c.py"])

    assert held not in silent("ann").register().claims


@pytest.mark.rule("LIVE-2")
@pytest.mark.parametrize("off", [RIGHT, *AHEAD], ids=str)
@pytest.mark.parametrize(("waited", "taken"), [(59, False), (75, True)])
def test_a_step_of_a_command_line_is_free_after_its_limit_by_the_time_that_has_passed(
    silent: Apart, off: Off, waited: int, taken: bool
) -> None:
    ann = silent("ann")
    create_project(ann, name="app", base_commit="HEAD", steps=plan(()))
    claim_step(ann)
    assert seen(claim_step(silent("bob", **off)))["refused"] == "nothing_available"
    silent.wait(minutes=waited)

    answer = seen(claim_step(silent("bob", **off)))

    assert ("refused" not in answer) is taken
