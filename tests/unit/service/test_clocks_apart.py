"""Clones whose clocks differ: what one of them does to what the others hold."""

from datetime import timedelta
from typing import Any, TypedDict

import pytest

from gitcoord.errors import InvalidError
from gitcoord.ledger.archive import history
from gitcoord.ledger.format import commits
from gitcoord.ledger.transactions.send_heartbeat import beat_now
from gitcoord.service.claims.claims import claim_files
from gitcoord.service.claims.dry_run import context_of
from gitcoord.service.claims.requests import request_release
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.steps.projects import create_project
from gitcoord.service.steps.step_work import claim_step
from gitcoord.service.team.policy import set_policy
from gitcoord.service.watch.notices import take_notices
from gitcoord.service.watch.overview import status
from tests.unit.service.world import Apart, plan, seen


class Off(TypedDict, total=False):
    """By how much a clock is ahead."""

    days: float
    hours: float
    minutes: float


OPPOSITE = [(-5, 5), (-4, 4), (0, 5), (-5, 0), (0, 0), (5, -5)]
"""By how many minutes the clocks of the holder and of who asks are ahead."""


def last_record(workspace: Workspace) -> dict[str, Any]:
    """Return the record of the claims' last command."""
    setting = workspace.setting
    tip = setting.transport.read([setting.refs.claims])[setting.refs.claims]
    return dict(next(history.events(setting.transport.objects, tip)).record.line)


@pytest.mark.rule("TIME-1", "SAFE-7")
@pytest.mark.parametrize(("holders", "askers"), OPPOSITE)
def test_clocks_within_five_minutes_take_no_claim_from_who_lives_with_the_least_legal_limit(
    apart: Apart, holders: int, askers: int
) -> None:
    bob = apart("bob", minutes=holders, serve=True)
    set_policy(bob, name="idle_minutes", value="10")
    claim_files(bob, patterns=["a.py"])
    beat_now(bob.setting, bob.combiner, force=True)
    apart.wait(minutes=2, seconds=55)  # two beats were lost, and the third is due

    answer = seen(claim_files(apart("ann", minutes=askers), patterns=["a.py"]))

    assert answer.get("refused") == "conflict"


@pytest.mark.rule("TIME-1", "SAFE-7")
@pytest.mark.parametrize(("holders", "askers"), OPPOSITE)
def test_clocks_within_five_minutes_take_no_step_from_who_lives_with_the_least_legal_limit(
    apart: Apart, holders: int, askers: int
) -> None:
    bob = apart("bob", minutes=holders, serve=True)
    create_project(bob, name="app", base_commit="HEAD", steps=plan(()), stale_minutes=10)
    claim_step(bob)
    beat_now(bob.setting, bob.combiner, force=True)
    apart.wait(minutes=2, seconds=55)

    answer = seen(claim_step(apart("ann", minutes=askers)))

    assert answer.get("refused") == "nothing_available"


@pytest.mark.rule("CLAIM-22")
def test_what_is_tried_is_decided_at_the_time_that_its_write_would_have(apart: Apart) -> None:
    claim_files(apart("bob"), patterns=["a.py"])
    ann = apart("ann", minutes=-5)
    listed, claims = ann.listed(), ann.setting.refs.claims

    tried = context_of(ann, ann.actor(), listed).now

    assert tried == ann.reader.ledger(claims, listed[claims]).meta.at


@pytest.mark.rule("LIVE-2", "CLAIM-8")
@pytest.mark.parametrize(("holders", "askers"), OPPOSITE)
def test_a_silent_claim_ends_within_the_limit_and_the_error_with_its_evidence_on_record(
    apart: Apart, holders: int, askers: int
) -> None:
    bob = apart("bob", minutes=holders, serve=True)
    set_policy(bob, name="idle_minutes", value="10")
    held = seen(claim_files(bob, patterns=["a.py"]))["claim"]["id"]
    beat_now(bob.setting, bob.combiner, force=True)
    apart.wait(minutes=10 + 3 + 10, seconds=1)  # the clocks' allowance, three beats, and both errors

    answer = seen(claim_files(apart("ann", minutes=askers), patterns=["a.py"]))

    assert answer["granted"]
    judged = last_record(bob)["judged"]
    assert [(one["claim"], one["life"]) for one in judged] == [(held, "stale")]
    assert judged[0]["sighting"]["heartbeat"]


@pytest.mark.rule("TIME-1")
@pytest.mark.parametrize("value", ["1", "5", "9"])
def test_no_limit_of_silence_is_set_that_clocks_may_differ_by(apart: Apart, value: str) -> None:
    ann = apart("ann")

    with pytest.raises(InvalidError, match="at least 10"):
        set_policy(ann, name="idle_minutes", value=value)

    with pytest.raises(InvalidError, match="it is 10 to"):
        create_project(ann, name="app", base_commit="HEAD", steps=plan(()), stale_minutes=int(value))


@pytest.mark.rule("TIME-1")
@pytest.mark.parametrize(("hours", "warned"), [(0.05, True), (0.16, True), (0.2, False), (None, False)])
def test_who_asks_for_a_claim_that_clocks_may_eat_is_warned(apart: Apart, hours: float | None, warned: bool) -> None:
    answer = seen(claim_files(apart("ann"), patterns=["README.md"], ttl_hours=hours))

    assert any("may differ by 10 min" in one for one in answer["warnings"]) is warned


AHEAD: list[Off] = [{"minutes": 6}, {"hours": 5}, {"hours": 6}, {"days": 30}]


@pytest.mark.rule("CLAIM-22")
@pytest.mark.parametrize("off", AHEAD, ids=str)
@pytest.mark.parametrize("asked", ["README.md", "other.py"])
def test_a_clock_that_is_far_ahead_ends_no_claim_of_others(apart: Apart, off: Off, asked: str) -> None:
    ann = apart("ann")
    held = seen(claim_files(ann, patterns=["README.md"], ttl_hours=0.05))["claim"]["id"]
    bob = apart("bob", **off)

    answer = seen(claim_files(bob, patterns=[asked]))

    assert held in ann.register().claims
    assert answer.get("refused") == ("conflict" if asked == "README.md" else None)
    assert [one["notice"] for one in take_notices(bob)].count("clock_off") == 1


@pytest.mark.rule("CLAIM-22")
@pytest.mark.parametrize("off", AHEAD[1:], ids=str)
@pytest.mark.parametrize("serve", [True, False])
def test_a_clock_that_is_far_ahead_takes_no_step_of_others(apart: Apart, off: Off, serve: bool) -> None:
    ann = apart("ann", serve=serve)
    create_project(ann, name="app", base_commit="HEAD", steps=plan(()))
    claim_step(ann)

    answer = seen(claim_step(apart("bob", **off)))

    assert answer.get("refused") == "nothing_available"


@pytest.mark.rule("CLAIM-22", "LIVE-2")
@pytest.mark.parametrize("off", AHEAD, ids=str)
def test_a_clock_that_is_far_ahead_ends_what_is_over_by_the_time_of_the_others(apart: Apart, off: Off) -> None:
    ann = apart("ann", serve=True)
    create_project(ann, name="app", base_commit="HEAD", steps=plan(()))
    claim_step(ann)
    held = seen(claim_files(ann, patterns=["README.md"], ttl_hours=0.2))["claim"]["id"]
    beat_now(ann.setting, ann.combiner, force=True)
    apart.wait(minutes=61)  # ann is gone, and this clone looks for the first time

    taken = seen(claim_step(apart("bob", **off)))
    claim_files(apart("bob", **off), patterns=["other.py"])

    assert "refused" not in taken
    assert held not in ann.register().claims


@pytest.mark.rule("CLAIM-22", "LIVE-2")
@pytest.mark.parametrize("off", [{"minutes": 4}, {"minutes": -4}, {"days": -30}], ids=str)
def test_a_clock_that_is_behind_or_within_five_minutes_ends_what_is_over(apart: Apart, off: Off) -> None:
    bob = apart("bob", **off)
    held = seen(claim_files(bob, patterns=["README.md"], ttl_hours=0.2))["claim"]["id"]
    apart.wait(minutes=20)

    claim_files(apart("cat", **off), patterns=["other.py"])

    assert held not in bob.register().claims


def listen(workspace: Workspace, *others: Workspace, apart: Apart) -> None:
    """Let a clone see the others beat."""
    workspace.listed()
    apart.wait(minutes=1)
    for other in others:
        beat_now(other.setting, other.combiner, force=True)
    workspace.listed()


@pytest.mark.rule("CLAIM-22")
@pytest.mark.parametrize("others", [1, 2])
def test_where_the_place_tells_no_time_the_beats_of_others_do(apart: Apart, others: int) -> None:
    apart.tells_time = False
    ann, *more = [apart(name, serve=True) for name in ("ann", "cat")[:others]]
    held = seen(claim_files(ann, patterns=["README.md"], ttl_hours=0.2))["claim"]["id"]
    bob = apart("bob", hours=6)
    listen(bob, ann, *more, apart=apart)

    claim_files(bob, patterns=["other.py"])

    assert held in ann.register().claims
    assert "at least 359 min ahead" in str(take_notices(bob))


@pytest.mark.rule("CLAIM-22", "LIVE-2")
def test_one_clone_with_a_mad_clock_keeps_nobody_else_from_ending_what_is_over(apart: Apart) -> None:
    apart.tells_time = False
    ann, mad = apart("ann", serve=True), apart("mad", days=-400, serve=True)
    bob = apart("bob", serve=True)
    held = seen(claim_files(ann, patterns=["README.md"], ttl_hours=0.2))["claim"]["id"]
    apart.wait(minutes=20)
    listen(bob, ann, mad, apart=apart)

    claim_files(bob, patterns=["other.py"])

    assert held not in bob.register().claims


@pytest.mark.rule("CLAIM-22", "LIVE-2")
@pytest.mark.parametrize(("waited", "ends"), [(0, False), (12, False), (13, True)])
def test_who_has_no_witness_waits_for_as_long_as_was_granted(apart: Apart, waited: int, ends: bool) -> None:
    apart.tells_time = False
    ann = apart("ann", serve=True)
    held = seen(claim_files(ann, patterns=["README.md"], ttl_hours=0.2))["claim"]["id"]
    beat_now(ann.setting, ann.combiner, force=True)
    apart.wait(minutes=20)
    apart("bob").listed()
    apart.wait(minutes=waited)

    claim_files(apart("bob"), patterns=["other.py"])  # one command at a time: what was seen is noted for the clone

    assert (held not in ann.register().claims) is ends


@pytest.mark.rule("CLAIM-22")
def test_what_one_command_saw_is_evidence_for_the_next(apart: Apart) -> None:
    apart.tells_time = False
    ann = apart("ann", serve=True)
    held = seen(claim_files(ann, patterns=["README.md"], ttl_hours=0.2))["claim"]["id"]
    beat_now(ann.setting, ann.combiner, force=True)
    apart("bob", hours=6).listed()
    apart.wait(minutes=5)
    beat_now(ann.setting, ann.combiner, force=True)

    claim_files(apart("bob", hours=6), patterns=["other.py"])

    assert held in ann.register().claims


@pytest.mark.rule("CLAIM-22")
def test_a_request_by_a_clock_that_is_far_behind_leaves_the_holder_its_time(apart: Apart) -> None:
    ann = apart("ann")
    held = seen(claim_files(ann, patterns=["README.md"]))["claim"]["id"]

    request_release(apart("bob", hours=-6), claim_id=held, reason="mine", wait_seconds=0)

    left = ann.register().claims[held].expires_at - ann.setting.host.now()
    assert left > timedelta(minutes=6)


@pytest.mark.rule("CLAIM-22")
@pytest.mark.parametrize(("off", "told"), [({"hours": 6}, "360 min ahead"), ({"hours": -1}, "60 min behind")], ids=str)
def test_status_says_how_far_the_clock_is_off(apart: Apart, off: Off, told: str) -> None:
    assert told in seen(status(apart("bob", **off)))["clock"]
    assert "clock" not in seen(status(apart("ann", minutes=4)))


@pytest.mark.rule("CLAIM-22", "LIVE-2")
def test_what_was_decided_by_a_clock_that_is_off_says_so_on_record(apart: Apart) -> None:
    claim_files(apart("ann"), patterns=["README.md"], ttl_hours=0.05)
    bob = apart("bob", hours=1)

    claim_files(bob, patterns=["other.py"])

    setting = bob.setting
    tip = setting.transport.read([setting.refs.claims])[setting.refs.claims]
    record = history.record_of(setting.transport.objects, commits.read(setting.transport.objects, tip))
    assert '"may_sweep":false' in record.splitlines()[0]
