"""Answers that do not come: whatever became of the swap, the command is carried out exactly once."""

from pathlib import Path

import pytest

from gitcoord.core.steps.step_commands import ClaimStep, CompleteStep
from gitcoord.errors import CoordError, UnknownOutcomeError
from gitcoord.remote.contract.protocol import SwapStatus
from tests.unit.ledger.fakes import (
    DENIED,
    LOST,
    REFS,
    UNREACHABLE,
    Lossy,
    Member,
    World,
    add,
    code,
    create,
    fact,
)


def lossy(world: World, *plan: object, then: object = "ok") -> Member:
    world.clone("bob").create()
    return world.clone("ann", lambda inner: Lossy(inner, list(plan), then))  # pyright: ignore[reportArgumentType]


def wire(member: Member) -> Lossy:
    assert isinstance(member.transport, Lossy)
    return member.transport


def error_of(world: World, member: Member, project: str | None = "app") -> CoordError:
    reply = member.claim(project)
    assert reply.failure is not None
    return reply.failure.as_error()


@pytest.mark.rule("TXN-2", "SAFE-3")
@pytest.mark.parametrize(
    "plan",
    [
        ["landed"],
        ["gone"],
        ["gone", "landed"],
        ["gone", "gone", "gone", "landed"],
        ["later", "late"],
        ["later", "gone", "late"],
        ["later", "landed"],
        [LOST, "landed"],
        ["gone", LOST, "landed"],
        ["later", LOST, "late"],
        ["later", "later", "late"],
    ],
    ids=str,
)
def test_a_claim_lands_exactly_once_whatever_happens_to_its_answers(tmp_path: Path, plan: list[object]) -> None:
    world = World(tmp_path)
    ann = lossy(world, *plan)

    reply = ann.claim()
    wire(ann).arrive()

    assert (code(reply), fact(reply, "step_num"), fact(reply, "fence")) == ("step_claimed", 1, 1)
    assert world.did() == ["create_project", "claim_step"]
    assert (world.step(1).agent_id, world.step(2).agent_id) == ("ann", None)
    assert len(set(world.uids())) == len(world.uids())
    assert not list((tmp_path / "ann").rglob("pending.json"))


@pytest.mark.rule("TXN-2", "SAFE-3")
@pytest.mark.parametrize("plan", [["landed"], ["gone"], ["later", "late"]], ids=str)
def test_a_project_is_created_exactly_once_whatever_happens_to_its_answer(tmp_path: Path, plan: list[object]) -> None:
    world = World(tmp_path)
    ann = world.clone("ann", lambda inner: Lossy(inner, plan))  # pyright: ignore[reportArgumentType]

    reply = ann.create()

    assert code(reply) == "project_created"
    assert world.did() == ["create_project"]


@pytest.mark.rule("TXN-2")
def test_a_batch_lands_exactly_once_though_its_answer_is_lost(tmp_path: Path) -> None:
    world = World(tmp_path)
    ann = lossy(world, "landed")

    replies = ann.run(*(ann.entry(ClaimStep(), "app", f"ann/{at}") for at in range(3)))

    assert [fact(reply, "step_num") for reply in replies] == [1, 2, 3]
    assert world.did() == ["create_project", "claim_step", "claim_step", "claim_step"]


@pytest.mark.rule("TXN-2", "SAFE-3")
@pytest.mark.parametrize("word", ["gone", "later"])
def test_when_no_answer_ever_comes_the_outcome_is_unknown_and_the_next_command_resolves_it(
    tmp_path: Path, word: str
) -> None:
    world = World(tmp_path)
    ann = lossy(world, then=word)

    error = error_of(world, ann)
    wire(ann).then = "ok"
    wire(ann).arrive()
    reply = ann.claim()

    assert isinstance(error, UnknownOutcomeError)
    assert error.exit_status == 5
    assert (code(reply), fact(reply, "step_num"), fact(reply, "fence")) == ("step_claimed", 1, 1)
    assert world.did().count("claim_step") == 1
    assert not list((tmp_path / "ann").rglob("pending.json"))


@pytest.mark.rule("TXN-2", "SAFE-3")
def test_what_landed_of_an_unknown_outcome_is_found_by_another_process_of_the_clone(tmp_path: Path) -> None:
    world = World(tmp_path)
    ann = lossy(world, "landed")
    wire(ann).then = UNREACHABLE
    entry = ann.entry(ClaimStep(), "app")
    ann.run(entry)
    wire(ann).then = "ok"

    reply = ann.restarted().run(entry)[0]

    assert (code(reply), fact(reply, "step_num")) == ("step_claimed", 1)
    assert world.did().count("claim_step") == 1


@pytest.mark.rule("TXN-2", "SAFE-3")
@pytest.mark.parametrize("after", [UNREACHABLE, DENIED], ids=["unreachable", "denied"])
def test_a_first_try_that_may_still_land_keeps_the_outcome_unknown(tmp_path: Path, after: object) -> None:
    world = World(tmp_path)
    ann = lossy(world, "later", then=after)

    error = error_of(world, ann)
    wire(ann).arrive()

    assert world.step(1).agent_id == "ann"
    assert isinstance(error, UnknownOutcomeError)


@pytest.mark.rule("TXN-4")
def test_contended_is_not_said_while_a_first_try_may_still_land(tmp_path: Path) -> None:
    world = World(tmp_path)
    ann = lossy(world, "later", then=LOST)  # as a remote whose ref stays locked by the first try

    error = error_of(world, ann)
    wire(ann).arrive()

    assert world.step(1).agent_id == "ann"
    assert isinstance(error, UnknownOutcomeError)


@pytest.mark.rule("TXN-4", "SAFE-3")
def test_a_command_is_not_refused_while_its_first_try_may_still_land(tmp_path: Path) -> None:
    world = World(tmp_path)
    bob = world.clone("bob")
    bob.create(steps=1)
    bob.claim()
    world.clock.advance(minutes=61)
    ann = world.clone("ann", lambda inner: Lossy(inner, ["later"]))
    entry = ann.entry(ClaimStep(), "app")
    wire(ann).then = UNREACHABLE
    first = ann.run(entry)[0]
    wire(ann).then = "ok"
    world.clock.advance(minutes=-61)  # the clock was set right: bob is not silent any more
    second = ann.run(entry)[0]
    wire(ann).arrive()

    assert world.step(1).agent_id == "ann"
    assert (code(first), code(second)) == ("unknown_outcome", "unknown_outcome")


@pytest.mark.rule("TXN-2", "SAFE-2", "SAFE-3")
@pytest.mark.parametrize("word", ["later", "landed", "gone"])
def test_a_command_without_project_stays_with_the_ledger_it_was_sent_to(tmp_path: Path, word: str) -> None:
    world = World(tmp_path)
    bob = world.clone("bob")
    bob.create("one", 1)
    ann = world.clone("ann", lambda inner: Lossy(inner, [word], then=UNREACHABLE))
    entry = ann.entry(ClaimStep(), None)
    ann.run(entry)
    world.clock.advance(seconds=-60)
    bob.create("zero", 1)  # older by its clock: a new decision would prefer it
    wire(ann).then = "ok"

    reply = ann.restarted().run(entry)[0]
    wire(ann).arrive()

    assert reply.project == "one"
    assert (world.did("one").count("claim_step"), world.did("zero").count("claim_step")) == (1, 0)


@pytest.mark.rule("SAFE-3")
def test_a_remote_that_cannot_be_reached_is_said_and_nothing_is_left_behind(tmp_path: Path) -> None:
    world = World(tmp_path)
    ann = lossy(world, then=UNREACHABLE)

    reply = ann.claim()

    assert code(reply) == "unreachable"
    assert world.did() == ["create_project"]
    assert not list((tmp_path / "ann").rglob("pending.json"))


@pytest.mark.rule("LIVE-1")
def test_a_batch_that_is_declined_is_tried_one_command_at_a_time(tmp_path: Path) -> None:
    world = World(tmp_path)
    ann = lossy(world, DENIED, "ok", DENIED, "ok")
    commands = [add(10), add(11), add(12)]

    replies = ann.run(*(ann.entry(command, "app") for command in commands))

    assert [code(reply) for reply in replies] == ["steps_added", "denied", "steps_added"]
    assert sorted(world.board().steps) == [1, 2, 3, 10, 12]


@pytest.mark.rule("LIVE-1")
def test_who_was_refused_because_of_a_declined_command_is_decided_again(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.clone("bob").create(steps=1)
    ann = world.clone("ann", lambda inner: Lossy(inner, [DENIED, "ok"]))

    replies = ann.run(ann.entry(ClaimStep(), "app", "ann/bad"), ann.entry(ClaimStep(), "app", "ann/good"))

    assert [code(reply) for reply in replies] == ["denied", "step_claimed"]
    assert world.step(1).agent_id == "ann/good"


@pytest.mark.rule("LIVE-1")
def test_a_project_that_is_declined_does_not_harm_another_of_the_same_batch(tmp_path: Path) -> None:
    world = World(tmp_path)
    ann = world.clone("ann", lambda inner: Lossy(inner, [DENIED, "landed"]))

    replies = ann.run(ann.entry(create("one"), "one"), ann.entry(create("two"), "two"))

    assert [code(reply) for reply in replies] == ["denied", "project_created"]
    assert list(world.remote.refs) == [REFS.steps("two")]


@pytest.mark.rule("TXN-2", "SAFE-2")
def test_a_completion_whose_answer_is_lost_is_done_once_and_says_so(tmp_path: Path) -> None:
    world = World(tmp_path)
    ann = lossy(world, "ok", "landed")
    ann.claim()

    reply = ann.do(CompleteStep(step_num=1, commit_hash="c" * 40, fence=1))

    assert code(reply) == "step_completed"
    assert fact(reply, "already") is None
    assert world.did().count("complete_step") == 1


@pytest.mark.rule("SAFE-3")
def test_a_command_that_comes_after_an_unknown_one_shuts_it_out_or_finds_it(tmp_path: Path) -> None:
    world = World(tmp_path)
    ann = lossy(world, "later", then=UNREACHABLE)
    ann.claim()
    wire(ann).then = "ok"

    reply = ann.do(ClaimStep(), agent="ann/tests")
    wire(ann).arrive()

    assert (code(reply), fact(reply, "step_num")) == ("step_claimed", 1)
    assert [outcome.status for outcome in wire(ann).arrived] == [SwapStatus.LOST]
    assert world.step(1).agent_id == "ann/tests"
    assert world.did().count("claim_step") == 1
