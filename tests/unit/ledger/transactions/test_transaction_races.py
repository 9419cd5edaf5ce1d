"""Lost races: the operation is done again on the new state, and nothing of a loser can land afterwards."""

from collections.abc import Callable
from pathlib import Path

import pytest

from gitcoord.core.documents.json_text import canonical
from gitcoord.core.steps.step_commands import ClaimStep, FailStep, SkipStep
from gitcoord.ledger.format import commits, trees
from gitcoord.ledger.format.meta import WRITER
from gitcoord.ledger.leader.failures import LOCK_HINT
from gitcoord.remote.contract.protocol import RefUpdate, SwapOutcome, SwapStatus
from tests.unit.ledger.fakes import (
    LOST,
    REFS,
    SIGNATURE,
    START,
    Clock,
    Interleaved,
    Lossy,
    World,
    add,
    code,
    create,
    fact,
)


@pytest.mark.rule("TXN-1", "LIVE-1")
def test_a_claim_that_loses_its_race_takes_the_next_step_and_both_land(tmp_path: Path) -> None:
    world = World(tmp_path)
    bob = world.clone("bob")
    bob.create()
    ann = world.clone("ann", lambda inner: Interleaved(inner, [bob.claim]))

    reply = ann.claim()

    assert (code(reply), fact(reply, "step_num")) == ("step_claimed", 2)
    assert world.step(1).agent_id == "bob"
    assert world.step(2).agent_id == "ann"
    assert (ann.transactions.lost_swaps, ann.transactions.won_swaps) == (1, 1)


@pytest.mark.rule("TXN-1")
def test_what_the_new_state_forbids_is_refused_and_not_written(tmp_path: Path) -> None:
    world = World(tmp_path)
    bob = world.clone("bob")
    bob.create(steps=1)
    ann = world.clone("ann", lambda inner: Interleaved(inner, [bob.claim]))

    reply = ann.claim()

    assert code(reply) == "nothing_available"
    assert world.did() == ["create_project", "claim_step"]
    assert world.step(1).fence == 1


@pytest.mark.parametrize(
    ("outcome", "hint"),
    [
        (SwapOutcome(SwapStatus.LOST, "the lock 'x.lock' stayed taken for 1 s", lock_path="x.lock"), LOCK_HINT),
        (SwapOutcome(SwapStatus.LOST, "the lock is no longer at absent"), "Try again."),
    ],
)
def test_only_a_lock_that_stayed_taken_sends_the_caller_to_look_for_its_owner(
    tmp_path: Path, outcome: SwapOutcome, hint: str
) -> None:
    world = World(tmp_path)
    world.clone("bob").create()
    ann = world.clone("ann", lambda inner: Lossy(inner, [], then=outcome))

    failure = ann.claim().failure

    assert failure
    assert (failure.code, failure.hint) == ("contended", hint)


@pytest.mark.rule("LIVE-1")
def test_disjoint_commands_land_though_every_attempt_but_one_is_lost(tmp_path: Path) -> None:
    world = World(tmp_path)
    bob = world.clone("bob")
    bob.create(steps=2)
    others = [lambda num=num: bob.do(add(num)) for num in range(3, 15)]
    ann = world.clone("ann", lambda inner: Interleaved(inner, list(others)))

    reply = ann.do(SkipStep(step_num=1, reason="done elsewhere"))

    assert code(reply) == "step_skipped"
    assert ann.transactions.lost_swaps == 12
    assert sorted(world.board().steps) == list(range(1, 15))


@pytest.mark.rule("TXN-4", "SAFE-3")
def test_who_loses_for_ever_is_told_so_in_the_end_and_nothing_can_land_later(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.clone("bob").create()
    ann = world.clone("ann", lambda inner: Lossy(inner, [], then=LOST))

    reply = ann.claim()

    assert code(reply) == "contended"
    assert world.did() == ["create_project"]
    assert not list((tmp_path / "ann").rglob("pending.json"))
    assert isinstance(ann.transport, Lossy)
    assert sum(ann.clock.slept) < 20
    stale = ann.transport.swaps[-1]
    world.clone("bob").do(add(9))
    assert world.plain().swap(stale).status is SwapStatus.LOST


@pytest.mark.rule("TXN-1")
def test_a_name_that_somebody_else_takes_first_is_refused_on_the_replay(tmp_path: Path) -> None:
    world = World(tmp_path)
    bob = world.clone("bob")
    ann = world.clone("ann", lambda inner: Interleaved(inner, [lambda: bob.create("app", 5)]))

    reply = ann.create("app", 2)

    assert code(reply) == "exists"
    assert len(world.board().steps) == 5


@pytest.mark.rule("TXN-1", "SAFE-2")
def test_a_claim_without_a_project_goes_where_a_step_is_left_after_a_lost_race(tmp_path: Path) -> None:
    world = World(tmp_path)
    bob = world.clone("bob")
    bob.create("one", 1)
    world.clock.advance(seconds=1)
    bob.create("two", 1)
    ann = world.clone("ann", lambda inner: Interleaved(inner, [lambda: bob.claim("one")]))

    reply = ann.claim(None)

    assert (reply.project, fact(reply, "step_num")) == ("two", 1)
    assert world.did("one") == ["create_project", "claim_step"]
    assert world.step(1, "two").agent_id == "ann"


@pytest.mark.rule("TXN-3")
def test_a_batch_is_decided_in_order_and_lands_as_one_commit(tmp_path: Path) -> None:
    world = World(tmp_path)
    ann = world.clone("ann")
    ann.create(steps=2)

    replies = ann.run(
        *(ann.entry(create() if at == 3 else add(9) if at == 4 else ClaimStep(), "app", f"ann/{at}") for at in range(5))
    )

    assert [code(reply) for reply in replies] == [
        "step_claimed",
        "step_claimed",
        "nothing_available",
        "exists",
        "steps_added",
    ]
    assert len({event.commit for event in world.events()}) == 2
    assert world.did() == ["create_project", "claim_step", "claim_step", "add_steps"]


@pytest.mark.rule("TXN-3")
def test_commands_of_two_projects_land_with_one_swap_each(tmp_path: Path) -> None:
    world = World(tmp_path)
    ann = world.clone("ann")

    replies = ann.run(ann.entry(create("one"), "one"), ann.entry(create("two"), "two"), ann.entry(ClaimStep(), "one"))

    assert [code(reply) for reply in replies] == ["project_created", "project_created", "step_claimed"]
    assert ann.transactions.won_swaps == 2
    assert world.did("one") == ["create_project", "claim_step"]


@pytest.mark.rule("TXN-1", "SAFE-3")
def test_of_two_projects_only_the_one_that_lost_is_done_again(tmp_path: Path) -> None:
    world = World(tmp_path)
    bob = world.clone("bob")
    bob.create("one")
    bob.create("two")
    ann = world.clone("ann", lambda inner: Interleaved(inner, [lambda: bob.claim("one")]))

    replies = ann.run(ann.entry(ClaimStep(), "one"), ann.entry(ClaimStep(), "two"))

    assert [fact(reply, "step_num") for reply in replies] == [2, 1]
    assert world.did("two") == ["create_project", "claim_step"]


@pytest.mark.rule("SAFE-4")
def test_a_holder_whose_step_was_taken_meanwhile_cannot_complete_or_fail_it(tmp_path: Path) -> None:
    world = World(tmp_path)
    bob = world.clone("bob")
    bob.create(steps=1)
    taker: list[Callable[[], object]] = []
    ann = world.clone("ann", lambda inner: Interleaved(inner, taker), Clock(now=world.clock.now))
    assert fact(ann.claim(), "fence") == 1

    def take() -> None:
        bob.clock.advance(minutes=61)
        assert fact(bob.claim(), "fence") == 2

    taker.append(take)
    completed = ann.complete(1, 1)
    failed = ann.do(FailStep(step_num=1, reason="lost it", fence=1))

    assert (code(completed), code(failed)) == ("not_holder", "not_holder")
    assert (world.step(1).agent_id, world.step(1).status) == ("bob", "claimed")


def test_a_ledger_of_a_newer_writer_is_read_and_not_written(tmp_path: Path) -> None:
    world = World(tmp_path)
    ann = world.clone("ann")
    ann.create()
    ref = REFS.steps("app")
    raise_writer_min(world, WRITER + 1)

    reply = ann.claim()

    assert code(reply) == "newer_schema"
    assert reply.failure is not None
    assert reply.failure.as_error().exit_status == 1
    assert world.state().meta.writer_min == WRITER + 1
    assert world.remote.refs[ref] == world.state().tip


def raise_writer_min(world: World, version: int) -> None:
    transport, state = world.plain(), world.state()
    assert state.tip
    transport.fetch([state.tip])
    meta = state.meta.evolve(writer_min=version)
    folder = trees.write(transport.objects, state.folder, {"meta.json": canonical(meta.dump())})
    assert folder.oid
    tip = commits.write(transport.objects, folder.oid, [state.tip], SIGNATURE, START, "upgrade")
    assert transport.swap([RefUpdate(state.ref, state.tip, tip)]).status is SwapStatus.WON
