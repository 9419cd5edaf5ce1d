"""What was claimed in a clone under another id of it is the clone's own, as its steps are."""

from collections.abc import Callable

import pytest

from gitcoord.core.checks.pusher import Pusher
from gitcoord.core.claims.claim import Claim
from gitcoord.core.claims.claim_commands import Answer, BeatClaims, ExtendClaims, ReleaseClaims
from gitcoord.core.claims.conflicts import Asker, is_of_session
from gitcoord.core.claims.notice import Notice
from gitcoord.core.documents.actor import Actor
from tests.unit.core.claim_play import ANN, BOB, Claims, F, G, hours

ANN_NOW = ANN.evolve(clone="laptop-2", others=("laptop",))
ANN_TESTS_NOW = ANN_NOW.evolve(agent="ann/cli/wt-1/tests")


def released(game: Claims, _: Claim) -> bool:
    return bool(game.do(ReleaseClaims(), ANN_NOW).facts["released"])


def released_by_session(game: Claims, _: Claim) -> bool:
    return bool(game.do(ReleaseClaims(whole_session=True), ANN_TESTS_NOW).facts["released"])


def extended(game: Claims, _: Claim) -> bool:
    return bool(game.do(ExtendClaims(hours=8.0), ANN_NOW).facts["claims"])


def claimed_again(game: Claims, held: Claim) -> bool:
    return game.ask(ANN_NOW, F).facts.get("claim") == held.id


def answered(game: Claims, held: Claim) -> bool:
    return game.answer(ANN_NOW, game.request(BOB, held), Answer.APPROVED).is_done


@pytest.mark.rule("CLAIM-14", "CLAIM-4")
@pytest.mark.parametrize("use", [released, released_by_session, extended, claimed_again, answered])
def test_a_holder_uses_what_it_claimed_under_another_id_of_its_clone(use: Callable[[Claims, Claim], bool]) -> None:
    game = Claims()
    held = game.claim(ANN, F)

    assert use(game, held)


@pytest.mark.rule("CLAIM-14", "CLAIM-19")
def test_claims_entries_requests_and_notices_go_with_their_holder_to_the_new_id() -> None:
    game = Claims()
    held, others = game.claim(ANN, F), game.claim(BOB, G)
    entry, request = game.wait(ANN, G), game.request(ANN, others)
    note = Notice(id="n-1", agent=ANN.agent, clone="laptop", event="auto_narrow", text="A note.", at=game.now)
    game.register = game.register.with_changes([note])

    game.do(BeatClaims(branch="ann/x"), ANN_NOW)

    assert game.one(held).holder == ANN_NOW.holder
    assert game.register.entries[entry].holder == ANN_NOW.holder
    assert game.register.requests[request].actor.holder == ANN_NOW.holder
    assert game.notices(ANN_NOW) == ["auto_narrow"]
    assert game.one(others).holder == BOB.holder


@pytest.mark.rule("CLAIM-22", "SAFE-5")
def test_a_claim_of_a_step_stays_with_the_id_that_holds_the_step_and_is_its_holder_s_all_the_same() -> None:
    game = Claims()
    held = game.claim(ANN, F, step="app/1", step_fence=1)

    game.do(BeatClaims(branch="ann/x"), ANN_NOW)

    assert game.one(held).clone == "laptop"
    assert Asker(ANN_NOW).owns(game.one(held))
    assert is_of_session(game.one(held), ANN_TESTS_NOW)


@pytest.mark.rule("CLAIM-4")
def test_the_same_name_in_an_id_that_is_not_the_clone_s_stays_a_stranger() -> None:
    game = Claims()
    held = game.claim(ANN, F)
    game.tick(hours(1))

    outcome = game.ask(ANN.evolve(clone="laptop-3", session="s-ann-9"), F)

    assert (outcome.code, game.one(held).clone) == ("conflict", "laptop")


# --- an id that the clone gave up, under which a copy of it may be at work

ANN_RENEWED = ANN.evolve(clone="laptop-2", earlier=("laptop",))
CLI = ANN.evolve(session="cli-0123456789abcdef")


@pytest.mark.rule("SAFE-10", "CLAIM-14")
def test_a_session_uses_what_it_claimed_under_an_id_that_its_clone_gave_up() -> None:
    game = Claims()
    held = game.claim(ANN, F)

    assert game.ask(ANN_RENEWED, F).facts.get("claim") == held.id
    assert game.do(ExtendClaims(hours=8.0), ANN_RENEWED).facts["claims"]
    assert game.do(ReleaseClaims(), ANN_RENEWED).facts["released"] == [held.id]


@pytest.mark.rule("SAFE-10", "CLAIM-14")
def test_what_a_session_has_under_an_id_that_its_clone_gave_up_goes_with_it() -> None:
    game = Claims()
    held, others = game.claim(ANN, F), game.claim(BOB, G)
    entry, request = game.wait(ANN, G), game.request(ANN, others)
    notes = [
        Notice(
            id=f"n-{at}", agent=ANN.agent, clone="laptop", event="auto_narrow", text="A note.", at=game.now, claim=of
        )
        for at, of in enumerate((held.id, None))
    ]
    game.register = game.register.with_changes(notes)

    game.do(BeatClaims(branch="ann/x"), ANN_RENEWED)

    assert game.one(held).holder == ANN_RENEWED.holder
    assert game.register.entries[entry].holder == ANN_RENEWED.holder
    assert game.register.requests[request].actor.holder == ANN_RENEWED.holder
    assert [game.register.notices[note.id].clone for note in notes] == ["laptop-2", "laptop"]


@pytest.mark.rule("SAFE-10", "SAFE-5")
def test_a_claim_of_a_step_that_a_session_took_before_is_its_own_all_the_same() -> None:
    game = Claims()
    held = game.claim(ANN, F, step="app/1", step_fence=1)

    game.do(BeatClaims(branch="ann/x"), ANN_RENEWED)

    assert game.one(held).clone == "laptop"
    assert Asker(ANN_RENEWED).owns(game.one(held))
    assert not Asker(ANN_RENEWED.evolve(agent="ann/cli/wt-1/tests")).owns(game.one(held))


@pytest.mark.rule("SAFE-10", "HOOK-6")
@pytest.mark.parametrize(("session", "own"), [("s-ann", True), ("s-ann-9", False)])
def test_a_push_of_what_a_session_of_the_worktree_claimed_before_is_its_own(session: str, own: bool) -> None:
    game = Claims()
    held = game.claim(ANN, F, step="app/1", step_fence=1)

    here = Pusher(None, clones=frozenset({"laptop-2"}), earlier=frozenset({"laptop"}), sessions=frozenset({session}))

    assert here.owns(game.one(held)) is own


@pytest.mark.rule("SAFE-10", "SAFE-1")
@pytest.mark.parametrize(
    ("taker", "asker"),
    [(ANN, ANN_RENEWED.evolve(session="s-ann-9")), (CLI, CLI.evolve(clone="laptop-2", earlier=("laptop",)))],
    ids=["another session", "a command line"],
)
def test_what_a_copy_may_have_claimed_under_that_id_stays_a_stranger_s(taker: Actor, asker: Actor) -> None:
    game = Claims()
    held = game.claim(taker, F)

    outcome = game.ask(asker, F)

    assert (outcome.code, game.one(held).clone) == ("conflict", "laptop")


@pytest.mark.rule("SAFE-10", "SAFE-1")
def test_a_session_that_was_copied_while_it_ran_loses_what_the_other_has_taken_along() -> None:
    game = Claims()
    held = game.claim(ANN, F)
    game.do(BeatClaims(branch="ann/x"), ANN_RENEWED)

    outcome = game.ask(ANN, F)

    assert (outcome.code, game.one(held).holder) == ("conflict", ANN_RENEWED.holder)
