"""Refusals: they make no swap of their own, and ride in the clone's next one of the same ledger."""

import json
from pathlib import Path
from typing import Any

import pytest

from gitcoord.core.documents import outcomes
from gitcoord.core.documents.actor import Actor
from gitcoord.core.steps.step_commands import FailStep
from gitcoord.ledger.archive import history
from gitcoord.ledger.format import commits
from gitcoord.ledger.format.entry import Entry
from gitcoord.ledger.transactions.carried import BYTES_MAX, KEPT_MAX, Refusals
from gitcoord.ledger.transactions.plan import Refused
from gitcoord.remote.contract.protocol import RefName, SwapOutcome
from tests.unit.ledger.fakes import LOST, REFS, START, UNKNOWN, Lossy, Member, World, add, code

REF, OTHER = REFS.steps("app"), REFS.steps("web")


def carried(world: World, project: str = "app") -> list[list[dict[str, Any]]]:
    """Return the refusals that each commit carries, oldest first."""
    objects = world.remote.objects
    found: list[list[dict[str, Any]]] = []
    at = world.remote.refs.get(REFS.steps(project))
    while at:
        commit = commits.read(objects, at)
        lines = [json.loads(line) for line in history.record_of(objects, commit).splitlines()]
        found.insert(0, [one for line in lines for one in line.get("refusals", [])])
        at = commit.parents[0] if commit.parents else None
    return found


def left(member: Member) -> list[Path]:
    return sorted(member.setting.clone.folder.glob("refusals-*.json"))


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path)
    world.clone("bob").create(steps=1)
    world.clone("bob").claim()
    return world


def test_a_refusal_makes_no_swap_and_rides_in_the_next_one_of_its_ledger(world: World) -> None:
    ann = world.clone("ann")
    ann.create("web", 1)

    refused = [ann.claim() for _ in range(3)]
    tip = world.remote.refs[REF]
    ann.claim("web")
    after_another = carried(world, "web")
    ann.do(add(7))

    assert [code(reply) for reply in refused] == ["nothing_available"] * 3
    assert (carried(world)[:2], after_another) == ([[], []], [[], []])
    [only] = carried(world)[-1]
    assert (only["by"], only["do"], only["code"], only["count"], only["day"]) == (
        "ann",
        "claim_step",
        "nothing_available",
        3,
        "2026-11-21",
    )
    assert commits.read(world.remote.objects, world.remote.refs[REF]).parents == (tip,)
    assert left(ann) == []


def test_what_was_carried_is_not_carried_again_and_no_command_of_the_history(world: World) -> None:
    ann = world.clone("ann")
    ann.claim()

    ann.do(add(7))
    ann.do(add(8))

    assert [len(found) for found in carried(world)] == [0, 0, 1, 0]
    assert world.did() == ["create_project", "claim_step", "add_steps", "add_steps"]


@pytest.mark.rule("SAFE-3")
@pytest.mark.parametrize("answer", [LOST, UNKNOWN], ids=["lost", "unknown"])
def test_a_refusal_stays_until_a_swap_that_carries_it_was_won(world: World, answer: SwapOutcome) -> None:
    ann = world.clone("ann", lambda inner: Lossy(inner, [answer, answer]))
    ann.claim()

    ann.do(add(7))

    assert [len(found) for found in carried(world)] == [0, 0, 1]
    assert left(ann) == []


def test_another_process_of_the_clone_carries_it(world: World) -> None:
    ann = world.clone("ann")
    ann.do(FailStep(step_num=1, reason="red", fence=9))

    ann.restarted().do(add(7))

    [only] = carried(world)[-1]
    assert (only["do"], only["args"]["step_num"], only["code"]) == ("fail_step", 1, "not_holder")


def test_what_is_invalid_is_nobody_s_refusal(world: World) -> None:
    ann = world.clone("ann")

    assert code(ann.do(add(1))) == "duplicate"
    assert left(ann) == []


def refused(at: int, ref: RefName = REF, **arguments: str) -> Refused:
    actor = Actor(agent=f"ann/{at}", clone="k", session="s")
    entry = Entry(uid=f"u{at}", word="claim_step", arguments={**arguments}, actor=actor)
    return Refused(ref, entry, outcomes.refused("no", "No."))


def test_the_newest_are_kept_and_a_commit_takes_so_many_of_them_as_fit(tmp_path: Path) -> None:
    kept = Refusals(tmp_path / "refusals.json", "1")
    kept.note([refused(at, note="x" * 5000) for at in range(KEPT_MAX + 20)], START)

    taken: list[str] = []
    sizes: list[int] = []
    while some := kept.waiting(REF):
        taken += some
        sizes.append(len(json.dumps([*some.values()], separators=(",", ":"))))
        kept.forget(REF, some)

    assert len(taken) == len(set(taken)) == KEPT_MAX
    assert max(sizes) <= BYTES_MAX + 2
    assert not (tmp_path / "refusals.json").exists()


def test_refusals_of_one_ledger_are_not_another_s(tmp_path: Path) -> None:
    kept = Refusals(tmp_path / "refusals.json", "1")
    kept.note([refused(1), refused(2, OTHER)], START)

    kept.forget(REF, kept.waiting(REF))

    assert kept.waiting(REF) == {}
    assert [one["by"] for one in kept.waiting(OTHER).values()] == ["ann/2"]


@pytest.mark.parametrize("content", ["", "[]", '{"refs/coord/steps/app":[1]}', '{"refs/coord/steps/app":{"k":3}}'])
def test_a_damaged_file_is_made_again(tmp_path: Path, content: str) -> None:
    file = tmp_path / "refusals.json"
    file.write_text(content, "utf-8")
    kept = Refusals(file, "1")

    kept.note([refused(1)], START)

    assert len(kept.waiting(REF)) == 1
