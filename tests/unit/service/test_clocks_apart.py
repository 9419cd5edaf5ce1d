"""Clones whose clocks differ: what one of them does to what the others hold."""

from typing import Any

import pytest

from gitcoord.errors import InvalidError
from gitcoord.ledger import history
from gitcoord.ledger.beating import beat_now
from gitcoord.service.claims import claim_files
from gitcoord.service.policy import set_policy
from gitcoord.service.projects import create_project
from gitcoord.service.steps import claim_step
from gitcoord.service.workspace import Workspace
from tests.unit.service.world import Apart, plan, seen

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
