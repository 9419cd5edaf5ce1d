"""Refusing: who learns of a refusal, how often, and what becomes of notes that somebody damaged."""

import pytest

from gitcoord.core.claims.claim import Claim
from gitcoord.core.claims.claim_commands import BeatClaims, Refusal, TellRefusals
from gitcoord.core.claims.notice import Notice
from gitcoord.core.claims.rules import tell_refusals
from gitcoord.core.claims.rules.tell_refusals import UNREAD_MAX
from gitcoord.core.documents.actor import Actor
from gitcoord.core.documents.json_text import Json
from tests.unit.core.claim_play import ANN, BOB, BOB_DOCS, Claims, F, G, minutes, seconds


def refused(held: Claim, by: Actor = BOB, item: str = F, pattern: str = F) -> TellRefusals:
    return TellRefusals(refused=(Refusal(by=by.agent, claim=held.id, item=item, pattern=pattern),))


def told(game: Claims, actor: Actor = ANN) -> list[Notice]:
    return [one for one in game.register.notices.values() if (one.agent, one.clone) == actor.holder]


@pytest.mark.rule("CLAIM-23")
@pytest.mark.parametrize("teller", [ANN, BOB], ids=["in a commit of its own clone", "of another"])
def test_a_holder_is_told_who_was_refused_because_of_it(teller: Actor) -> None:
    game = Claims()
    held = game.claim(ANN, F)

    game.do(refused(held, pattern="src/**"), teller)

    (only,) = told(game)
    assert (only.event, only.by, only.claim, only.item) == ("claim_refused", BOB.agent, held.id, F)
    assert only.text == f"{BOB.agent} asked for 'src/**' and was refused: you hold '{F}' ({held.id})."


@pytest.mark.parametrize(
    ("second", "after", "count"),
    [
        ((BOB, F), 59, 1),
        ((BOB, F), 60, 2),
        ((BOB, G), 1, 2),
        ((BOB_DOCS, F), 1, 2),
    ],
)
def test_a_holder_is_told_once_of_an_agent_and_an_item_within_a_minute(
    second: tuple[Actor, str], after: int, count: int
) -> None:
    game = Claims()
    held = game.claim(ANN, F, G)
    game.do(refused(held), BOB)
    game.do(BeatClaims(delivered=tuple(game.register.notices)), ANN)
    game.tick(seconds(after))

    game.do(refused(held, *second), BOB)

    assert len(told(game)) == count


def test_a_notice_that_was_shown_leaves_after_its_minute() -> None:
    game = Claims()
    game.do(refused(game.claim(ANN, F)), BOB)
    delivered = BeatClaims(delivered=tuple(game.register.notices))

    game.tick(seconds(59))
    game.do(delivered, ANN)
    assert len(told(game)) == 1
    game.tick(seconds(1))
    game.do(delivered, ANN)
    assert told(game) == []


def test_what_is_held_no_more_is_nobody_s_business() -> None:
    game = Claims()
    held, other = game.claim(ANN, F), game.claim(ANN, G)
    game.release(ANN, held)

    game.do(refused(held), BOB)
    game.do(refused(other, item=F), BOB)

    assert told(game) == []


def test_who_reads_no_notices_does_not_gather_them() -> None:
    game = Claims()
    held = game.claim(ANN, F)
    for number in range(UNREAD_MAX + 5):
        game.tick(minutes(2))
        game.do(refused(held, Actor(agent=f"bob/{number}", clone="desktop", session="s")), BOB)

    assert len(told(game)) == UNREAD_MAX


def test_what_it_tells_is_what_a_refusal_names() -> None:
    game = Claims()
    held = game.claim(ANN, F, G)
    outcome = game.ask(BOB, "src/**")

    noted: dict[str, Json] = {"by": BOB.agent, "held": tell_refusals.in_the_way(outcome)}

    assert [one.item for one in tell_refusals.command_of([noted]).refused] == [F, G]
    assert {(one.claim, one.pattern) for one in tell_refusals.command_of([noted, noted]).refused} == {
        (held.id, "src/**")
    }
    assert tell_refusals.in_the_way(game.ask(BOB, "lib/c.py")) == []


@pytest.mark.rule("SAFE-6")
@pytest.mark.parametrize("held", [None, 3, [3], [[]], [["c-1", "a"]], [["c-1", "a", 7]], [["c-1", "", "b"]], {"a": 1}])
def test_notes_that_cannot_be_read_are_left_out(held: Json) -> None:
    assert tell_refusals.command_of([{"by": "bob", "held": held}, {"held": [["c-1", "a", "b"]]}]) == TellRefusals()


def test_it_is_no_call_of_an_agent() -> None:
    game = Claims()
    _ = game.claim(ANN, F)
    entry = game.wait(BOB, F)
    game.release(ANN)
    (mine,) = game.held(BOB)

    game.do(TellRefusals(), BOB)

    assert game.one(mine).queue_id == entry
    assert game.one(mine).ack_by is not None
