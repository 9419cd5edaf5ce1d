"""Commands for a session that is gone: what a rule ends on the way is not what it goes on with."""

import pytest

from gitcoord.core.claims.claim_commands import Answer, BeatClaims, KeepWaiting
from gitcoord.core.claims.release_request import RequestState
from gitcoord.core.documents.actor import Actor
from gitcoord.core.documents.liveness import Sighting
from tests.unit.core.claim_play import (
    ANN,
    ANN_AGAIN,
    ANN_TESTS,
    BOB,
    BOB_DOCS,
    BOB_ELSEWHERE,
    Claims,
    F,
    G,
    auto,
    minutes,
    read,
    wish,
)

CRASHED = Sighting(locked=False)
ANN_ON_THE_COMMAND_LINE = Actor(agent=ANN.agent, clone=ANN.clone, session="cli-ann")
CAROL = Actor(agent="carol/cli/wt-9", clone="tablet", session="s-carol")
ANSWERS = [
    (Answer.APPROVED, {}),
    (Answer.DENIED, {}),
    (Answer.NARROWED, {"pattern": F}),
    (Answer.COEXIST, {"pattern": F}),
]


@pytest.mark.rule("CLAIM-16", "SAFE-7")
@pytest.mark.parametrize(("answer", "fields"), ANSWERS)
def test_an_answer_after_a_crash_is_carried_out(answer: Answer, fields: dict[str, object]) -> None:
    game = Claims()
    held = game.claim(ANN, "src/**")
    game.seen["s-ann"] = CRASHED
    game.tick(minutes(20))
    request = game.request(BOB, held)

    outcome = game.answer(ANN_ON_THE_COMMAND_LINE, request, answer, **fields)

    assert (outcome.code, outcome.facts["decision"]) == ("request_answered", answer)
    assert game.register.requests[request].decision == RequestState(answer.value)
    assert [claim.id for claim in game.held(ANN)] == ([] if answer is Answer.APPROVED else [held.id])
    assert len(game.held(BOB)) == (1 if answer in {Answer.APPROVED, Answer.COEXIST} else 0)


@pytest.mark.rule("CLAIM-16")
def test_what_was_shared_after_a_crash_is_said_in_both_claims() -> None:
    game = Claims()
    held = game.claim(ANN, F)
    game.seen["s-ann"] = CRASHED
    game.tick(minutes(20))
    request = game.request(BOB, held)

    game.answer(ANN_ON_THE_COMMAND_LINE, request, Answer.COEXIST)

    (got,) = game.held(BOB)
    assert [part.claim for part in got.partners] == [held.id]
    assert game.item(held).clamped_from is None


@pytest.mark.rule("CLAIM-16", "CLAIM-22")
@pytest.mark.parametrize(("answer", "fields"), ANSWERS)
def test_an_answer_for_what_a_step_left_behind_is_late(answer: Answer, fields: dict[str, object]) -> None:
    game = Claims()
    held = game.claim(ANN, "src/**", step="app/1", step_fence=1)
    request = game.request(BOB, held)
    game.void.add("app/1")

    outcome = game.answer(ANN, request, answer, **fields)

    assert (outcome.code, outcome.facts["decision"]) == ("late_answer", RequestState.RESOLVED)
    assert not game.register.claims
    assert game.register.requests[request].late is answer


@pytest.mark.rule("CLAIM-17", "LIVE-3")
def test_what_a_waiter_has_got_meanwhile_does_not_go_on_to_who_came_behind_it() -> None:
    game = Claims()
    own = game.claim(ANN, F)
    game.claim(BOB, wish(F, "A"), "docs/h.md")  # carved out of ann's
    game.claim(BOB_ELSEWHERE, G)
    game.tick(minutes(20))
    game.wait(CAROL, "docs/h.md", G, read(F, "A"))
    entry = game.wait(ANN_AGAIN, wish(F, "A"))
    behind = game.wait(BOB_DOCS, F)
    game.seen |= {"s-bob": CRASHED, "s-ann-2": CRASHED}

    outcome = game.do(KeepWaiting(entry_id=entry), ANN_ON_THE_COMMAND_LINE)

    assert (outcome.code, outcome.facts["claim"]) == ("claim_granted", own.id)
    assert game.one(own).queue_id == entry
    assert behind in game.register.entries


@pytest.mark.rule("CLAIM-3", "CLAIM-13")
@pytest.mark.parametrize("who_is_idle", [ANN, ANN_TESTS], ids=["the holder", "its sub-agent"])
def test_a_beat_that_drops_one_claim_of_a_session_keeps_what_that_returns_to_another(who_is_idle: Actor) -> None:
    game = Claims()
    whole = game.claim(ANN, auto(F))
    part = game.claim(ANN_TESTS, wish(F, "A", auto=True))
    idle, other = (whole, part) if who_is_idle is ANN else (part, whole)
    game.tick(minutes(29))
    game.register = game.register.with_changes(
        [game.one(other).with_items(tuple(item.evolve(last_activity=game.now) for item in game.one(other).items))]
    )
    game.tick(minutes(2))

    game.do(BeatClaims(), who_is_idle)

    assert idle.id not in game.register.claims
    assert game.one(other).partners == ()
    assert game.item(other).carved == ()
