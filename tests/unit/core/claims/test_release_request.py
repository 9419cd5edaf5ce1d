"""Requests: how they shorten a claim, who answers, and what each answer does."""

from datetime import timedelta

import pytest

from gitcoord.core.claims.claim import Claim, Mode, Part, Why
from gitcoord.core.claims.claim_commands import Answer, BeatClaims, EndStepClaims, RequestRelease, Tidy, Wish
from gitcoord.core.claims.release_request import RequestState
from gitcoord.core.documents.actor import Actor
from tests.unit.core.claim_play import (
    ANN,
    ANN_AGAIN,
    ANN_TESTS,
    BOB,
    BOB_DOCS,
    BOB_ELSEWHERE,
    BOB_TESTS,
    NOW,
    Claims,
    F,
    G,
    hours,
    minutes,
    module,
    read,
    seconds,
    wish,
)

BEAT = BeatClaims()


def asked(game: Claims, held: Claim) -> Claim:
    """Return a claim after somebody asked for it and its holder beat."""
    _ = game.request(BOB, held)
    game.do(BEAT)
    return game.one(held)


# --- filing ---


@pytest.mark.rule("CLAIM-15")
def test_a_request_shortens_the_claim_and_tells_its_holder() -> None:
    game = Claims()
    held = game.claim(ANN, F, wish(G, hours=1.0))

    request = game.request(BOB, held)

    ends = [(item.expires_at, item.clamped_from) for item in game.one(held).items]
    assert ends == [(NOW + minutes(7), NOW + hours(4)), (NOW + minutes(7), NOW + hours(1))]
    assert game.notices(ANN) == ["request_filed"]
    assert game.events() == ["request_filed"]
    filed = game.register.requests[request]
    assert [one.pattern for one in filed.call.wishes] == [F, G]


@pytest.mark.rule("CLAIM-15")
@pytest.mark.parametrize(
    ("seen_after", "caller", "ends_after"),
    [
        (minutes(1), ANN, minutes(6)),
        (minutes(1), ANN_TESTS, minutes(6)),
        (minutes(1), ANN_AGAIN, minutes(6)),
        (minutes(1), BOB_DOCS, minutes(7)),
        (minutes(3), ANN, minutes(7)),
    ],
)
def test_the_five_minutes_begin_when_the_holder_shows_itself_and_two_beats_later_at_the_latest(
    seen_after: timedelta, caller: Actor, ends_after: timedelta
) -> None:
    game = Claims()
    held = game.claim(ANN, F)
    _ = game.request(BOB, held)

    game.tick(seen_after)
    game.do(BEAT, caller)
    game.tick(seconds(30))
    game.do(BEAT, caller)

    assert game.item(held).expires_at == NOW + ends_after


@pytest.mark.rule("CLAIM-15")
@pytest.mark.parametrize("left", [1.0, 5.5, 6.5])
def test_what_is_left_is_never_made_longer(left: float) -> None:
    game = Claims()
    held = game.claim(ANN, wish(F, hours=left / 60))
    end = held.expires_at

    _ = asked(game, held)

    assert game.item(held).expires_at == min(end, NOW + minutes(5))
    assert game.item(held).clamped_from == end


@pytest.mark.rule("CLAIM-15")
def test_a_claim_is_shortened_once_however_many_ask() -> None:
    game = Claims()
    held = game.claim(ANN, F)
    first = asked(game, held)
    game.tick(minutes(2))

    _ = game.request(BOB_DOCS, held)
    game.do(BEAT)

    assert game.one(held).items == first.items


@pytest.mark.rule("CLAIM-15")
def test_one_request_is_pending_for_an_agent_and_a_claim() -> None:
    game = Claims()
    held = game.claim(ANN, F)

    request = game.request(BOB, held)

    assert game.request(BOB, held) == request
    assert game.request(BOB_TESTS, held) != request


@pytest.mark.rule("CLAIM-15")
@pytest.mark.parametrize(
    ("claim", "wishes", "actor", "code"),
    [
        ("c-x", (), BOB, "not_found"),
        (None, (), ANN, "own_claim"),
        (None, (wish("../x"),), BOB, "bad_pattern"),
        (None, (wish("**", matched=101),), BOB, "too_large"),
    ],
)
def test_a_request_that_cannot_be_filed(claim: str | None, wishes: tuple[Wish, ...], actor: Actor, code: str) -> None:
    game = Claims()
    held = game.claim(ANN, F)
    command = RequestRelease(request_id="r-1", claim_id=claim or held.id, reason="needed", wishes=wishes)

    assert game.do(command, actor).code == code
    assert game.one(held) == held


# --- no answer ---


@pytest.mark.rule("CLAIM-15", "CLAIM-11", "LIVE-3")
def test_without_an_answer_the_claim_ends_and_the_request_is_expired() -> None:
    game = Claims()
    held = asked(game, game.claim(ANN, F))
    entry = game.wait(BOB_DOCS, F)
    for _ in range(3):
        game.tick(minutes(1.8))
        _ = game.keep(BOB_DOCS, entry)
    game.tick(seconds(6))

    game.do(Tidy(), BOB)

    assert held.id not in game.register.claims
    assert [one.decision for one in game.register.requests.values()] == [RequestState.EXPIRED]
    assert game.held(BOB_DOCS)


@pytest.mark.rule("CLAIM-11")
def test_a_claim_that_ends_otherwise_resolves_its_requests_with_the_reason() -> None:
    game = Claims()
    held = game.claim(ANN, F)
    request = game.request(BOB, held)

    game.release(ANN, held)

    now = game.register.requests[request]
    assert (now.decision, now.note, now.decided_at) == (RequestState.RESOLVED, "released", game.now)
    assert game.notices(BOB) == ["request_answered"]


@pytest.mark.rule("CLAIM-16")
def test_a_decided_request_is_kept_for_an_hour() -> None:
    game = Claims()
    held = game.claim(ANN, F)
    _ = game.request(BOB, held)
    game.release(ANN, held)

    game.tick(hours(1) - seconds(1))
    game.do(Tidy(), BOB)
    assert game.register.requests
    game.tick(seconds(1))
    game.do(Tidy(), BOB)

    assert not game.register.requests


# --- who answers ---


@pytest.mark.rule("CLAIM-16")
@pytest.mark.parametrize(
    ("actor", "code"),
    [
        (ANN, "request_answered"),
        (ANN_TESTS, "request_answered"),
        (ANN_AGAIN, "request_answered"),
        (BOB, "not_yours"),
        (BOB_DOCS, "not_yours"),
    ],
)
def test_only_the_holder_or_its_session_answers(actor: Actor, code: str) -> None:
    game = Claims()
    request = game.request(BOB, game.claim(ANN, F))

    assert game.answer(actor, request, Answer.DENIED).code == code


@pytest.mark.rule("CLAIM-16")
def test_who_asked_does_not_answer_even_in_the_same_session() -> None:
    game = Claims()
    request = game.request(ANN_TESTS, game.claim(ANN, F))

    assert game.answer(ANN_TESTS, request, Answer.APPROVED).code == "not_yours"


@pytest.mark.rule("CLAIM-16")
@pytest.mark.parametrize("after", ["denied", "ended", "over for all"])
def test_a_late_answer_is_noted_and_changes_nothing(after: str) -> None:
    game = Claims()
    held = game.claim(ANN, F)
    request = game.request(BOB, held)
    if after == "denied":
        game.answer(ANN, request, Answer.DENIED)
    elif after == "ended":
        game.release(ANN, held)
    else:
        game.tick(minutes(7) + seconds(30))
        game.do(Tidy(), BOB_DOCS)
    claims = dict(game.register.claims)

    outcome = game.answer(ANN, request, Answer.APPROVED)

    now = game.register.requests[request]
    assert (outcome.code, now.late) == ("late_answer", Answer.APPROVED)
    assert {one.id for one in claims.values()} == set(game.register.claims)
    assert now.decision is {"denied": RequestState.DENIED, "ended": RequestState.RESOLVED}.get(
        after, RequestState.EXPIRED
    )


@pytest.mark.rule("CLAIM-16", "CLAIM-15")
@pytest.mark.parametrize(
    ("answer", "decision"), [(Answer.APPROVED, RequestState.APPROVED), (Answer.DENIED, RequestState.DENIED)]
)
def test_an_answer_counts_for_as_long_as_the_request_is_pending(answer: Answer, decision: RequestState) -> None:
    game = Claims()
    held = game.claim(ANN, F)
    request = game.request(BOB, held)
    game.tick(minutes(7) + seconds(29))
    pending = game.register.requests[request].is_pending

    outcome = game.answer(ANN, request, answer)

    assert (pending, outcome.code) == (True, "request_answered")
    assert game.register.requests[request].decision is decision
    (holder,) = (one.agent for one in game.register.claims.values())
    assert holder == (BOB if answer is Answer.APPROVED else ANN).agent


@pytest.mark.rule("CLAIM-16")
def test_an_answer_to_no_request_is_not_found() -> None:
    assert Claims().answer(ANN, "r-x", Answer.DENIED).code == "not_found"


# --- answers ---


@pytest.mark.rule("CLAIM-16", "CLAIM-11", "LIVE-3")
def test_approved_gives_the_claim_to_who_asked_before_the_line() -> None:
    game = Claims()
    held = game.claim(ANN, F)
    entry = game.wait(BOB_DOCS, F)
    request = game.request(BOB, held, wish(F, "A"))

    outcome = game.answer(ANN, request, Answer.APPROVED)

    (got,) = game.held(BOB)
    assert (outcome.facts["decision"], outcome.facts["granted"]) == ("approved", got.id)
    assert got.items[0].symbols == ("A",)
    assert got.ack_by is not None
    assert held.id not in game.register.claims
    assert entry in game.register.entries
    assert game.notices(BOB) == ["request_answered"]


@pytest.mark.rule("CLAIM-16")
def test_approved_gives_nothing_where_somebody_else_is_in_the_way() -> None:
    game = Claims()
    held = game.claim(ANN, F)
    _ = game.claim(BOB_DOCS, G)
    request = game.request(BOB, held, wish("src/**"))

    outcome = game.answer(ANN, request, Answer.APPROVED)

    assert outcome.facts["granted"] is None
    assert game.held(BOB) == []


@pytest.mark.rule("CLAIM-16")
def test_denied_gives_the_old_end_back_when_nobody_else_asks() -> None:
    game = Claims()
    held = game.claim(ANN, F)
    first, second = game.request(BOB, held), game.request(BOB_DOCS, held)

    game.answer(ANN, first, Answer.DENIED)
    assert game.item(held).clamped_from == held.expires_at
    game.answer(ANN, second, Answer.DENIED)

    assert game.one(held).items == held.items


@pytest.mark.rule("CLAIM-16", "CLAIM-11", "LIVE-3")
def test_narrowed_keeps_a_part_for_four_hours_and_frees_the_rest() -> None:
    game = Claims()
    held = game.claim(ANN, wish("src/**", hours=1.0), "docs/**", branch="ann/x")
    request = game.request(BOB, held)
    _ = game.wait(BOB_DOCS, G)
    game.tick(minutes(1))

    game.answer(ANN, request, Answer.NARROWED, item="src/**", pattern=F)

    first, second = game.one(held).items
    assert (first.pattern, first.expires_at, first.clamped_from) == (F, game.now + hours(4), None)
    assert (second.expires_at, second.clamped_from) == (held.items[1].expires_at, None)
    assert (game.one(held).branch, game.one(held).agent) == ("ann/x", ANN.agent)
    assert game.held(BOB_DOCS)
    assert game.register.requests[request].decision is RequestState.NARROWED


@pytest.mark.rule("CLAIM-16", "SAFE-1")
def test_narrowed_keeps_nothing_that_another_claim_has_too() -> None:
    game = Claims()
    held, other = game.claim(ANN, "yb"), game.claim(BOB_DOCS, "NOTES.md")
    request = game.request(BOB, held)

    outcome = game.answer(ANN, request, Answer.NARROWED, pattern="yb/NOTES.md")

    assert (outcome.code, outcome.facts["claim_id"]) == ("harms_others", other.id)
    assert game.item(held).pattern == "yb"


@pytest.mark.rule("CLAIM-16", "CLAIM-3")
def test_narrowed_gives_back_what_was_carved_for_what_is_given_up() -> None:
    game = Claims()
    file, held = game.claim(ANN, F), game.claim(BOB, wish("src/*.py", "A"))
    request = game.request(BOB_DOCS, held)
    assert game.item(file).carved

    game.answer(BOB, request, Answer.NARROWED, pattern=G)

    assert game.item(held).symbols == ("A",)
    assert game.item(file).carved == ()
    assert game.one(file).partners == game.one(held).partners == ()


@pytest.mark.rule("CLAIM-16", "CLAIM-3")
def test_narrowed_forgets_what_was_carved_outside_of_what_is_kept() -> None:
    game = Claims()
    held, symbols = game.claim(ANN, "src/**"), game.claim(BOB, wish(F, "A"))
    request = game.request(BOB_DOCS, held)

    game.answer(ANN, request, Answer.NARROWED, pattern=G)

    assert game.item(held).carved == ()
    assert game.one(symbols).partners == ()


@pytest.mark.rule("CLAIM-16")
@pytest.mark.parametrize(
    ("answer", "fields", "code"),
    [
        (Answer.NARROWED, {"item": "src/*.py", "pattern": "src/**"}, "not_contained"),
        (Answer.NARROWED, {"item": "src/*.py"}, "no_pattern"),
        (Answer.NARROWED, {"item": "src/*.py", "pattern": "src/*.py"}, "not_narrower"),
        (Answer.NARROWED, {"item": "src/*.py", "pattern": "/src/*.py"}, "not_narrower"),
        (Answer.NARROWED, {"item": "src/*.py", "pattern": "../x"}, "not_decidable"),
        (Answer.NARROWED, {"pattern": F}, "which_item"),
        (Answer.NARROWED, {"item": "lib/**", "pattern": F}, "which_item"),
        (Answer.COEXIST, {"pattern": F}, "which_item"),
        (Answer.COEXIST, {"item": "src/*.py", "pattern": "lib/c.py"}, "not_contained"),
        (Answer.COEXIST, {"item": "docs/x.md"}, "not_contained"),
        (Answer.COEXIST, {"item": "docs/x.md", "symbols": ("B",)}, "not_contained"),
    ],
)
def test_an_answer_stays_within_what_the_claim_holds(answer: Answer, fields: dict[str, object], code: str) -> None:
    game = Claims()
    held = game.claim(ANN, "src/*.py", wish("docs/x.md", "A"))
    request = game.request(BOB, held)
    before = game.one(held)
    if fields.get("item") == "docs/x.md" and "symbols" not in fields:
        fields = {**fields, "pattern": "docs/*.md"}

    assert game.answer(ANN, request, answer, **fields).code == code
    assert game.one(held) == before


@pytest.mark.rule("CLAIM-16", "SAFE-1")
@pytest.mark.parametrize(
    ("fields", "pattern", "symbols"),
    [
        ({"pattern": F}, F, ()),
        ({"symbols": ("A",)}, "src/**", ("A",)),
        ({"pattern": F, "symbols": ("A",)}, F, ("A",)),
        ({}, "src/**", ()),
    ],
)
def test_coexist_makes_both_partners_for_exactly_that(
    fields: dict[str, object], pattern: str, symbols: tuple[str, ...]
) -> None:
    game = Claims()
    held = game.claim(ANN, "src/**")
    request = game.request(BOB, held, wish("src/**", hours=1.0))

    outcome = game.answer(ANN, request, Answer.COEXIST, **fields)

    (got,) = game.held(BOB)
    assert outcome.facts["granted"] == got.id
    assert (got.items[0].pattern, got.items[0].symbols, got.items[0].carved) == (pattern, symbols, ())
    assert got.expires_at == game.now + hours(4)
    part = Part(claim=held.id, pattern=pattern, symbols=symbols, why=Why.AGREED)
    assert got.partners == (part,)
    assert game.one(held).partners == (part.evolve(claim=got.id),)
    assert game.one(held).items == held.items


@pytest.mark.rule("CLAIM-16", "SAFE-1")
def test_coexist_harms_nobody_else() -> None:
    game = Claims()
    held = game.claim(ANN, F)
    _ = game.claim(BOB_DOCS, wish(F, "A"))
    request = game.request(BOB, held)

    assert game.answer(ANN, request, Answer.COEXIST).code == "harms_others"
    assert game.answer(ANN, request, Answer.COEXIST, symbols=("A",)).code == "harms_others"
    assert game.answer(ANN, request, Answer.COEXIST, symbols=("B",)).is_done


@pytest.mark.rule("CLAIM-16", "CLAIM-3", "SAFE-1")
def test_what_is_shared_is_carved_out_of_a_third_holder_s_file() -> None:
    game = Claims()
    file, held = game.claim(BOB_ELSEWHERE, F), game.claim(ANN, wish(F, "A"))
    request = game.request(BOB, held)

    game.answer(ANN, request, Answer.COEXIST)
    game.release(ANN, held)

    (got,) = game.held(BOB)
    assert [part.claim for part in game.item(file).carved] == [got.id]


@pytest.mark.rule("CLAIM-4", "SAFE-1")
def test_a_later_claim_within_an_agreement_is_party_to_it() -> None:
    game = Claims()
    held = game.claim(ANN, F)
    request = game.request(BOB, held)
    game.answer(ANN, request, Answer.COEXIST)
    (first,) = game.held(BOB)

    second = game.claim(BOB, module(F), "lib/c.py")  # more than the first one gives, so it is asked for anew
    game.release(BOB, first)

    assert [(part.claim, part.why) for part in game.one(held).partners] == [(second.id, Why.AGREED)]
    assert game.ask(BOB, F, G).is_done
    assert game.ask(BOB_DOCS, F).code == "conflict"


@pytest.mark.rule("CLAIM-16")
def test_who_asked_to_read_is_not_made_a_writer() -> None:
    game = Claims()
    request = game.request(BOB, game.claim(ANN, F), read(F))

    game.answer(ANN, request, Answer.COEXIST)

    assert game.held(BOB)[0].items[0].mode is Mode.READ


@pytest.mark.rule("CLAIM-16", "CLAIM-19")
@pytest.mark.parametrize(("answer", "fields"), [(Answer.APPROVED, {}), (Answer.COEXIST, {"pattern": F})])
def test_who_waits_in_line_and_asks_as_well_gets_one_claim_and_leaves_the_line(
    answer: Answer, fields: dict[str, object]
) -> None:
    game = Claims()
    held = game.claim(ANN, F)
    entry = game.wait(BOB, F)
    request = game.request(BOB, held)

    game.answer(ANN, request, answer, **fields)

    (got,) = game.held(BOB)
    assert got.queue_id == entry
    assert not game.register.entries
    assert game.register.requests[request].granted == got.id
    assert game.keep(BOB, entry).facts["claim"] == got.id


@pytest.mark.rule("CLAIM-16")
def test_an_entry_that_wants_more_than_was_given_stays_in_line() -> None:
    game = Claims()
    held, _ = game.claim(ANN, F), game.claim(ANN, G)
    entry = game.wait(BOB, F, G)
    request = game.request(BOB, held)

    game.answer(ANN, request, Answer.APPROVED)

    assert list(game.register.entries) == [entry]


def notice_to(game: Claims, actor: Actor) -> str:
    """Return the last notice to an agent about its request."""
    own = [row for row in game.register.notices.values() if (row.agent, row.clone) == actor.holder]
    return [row.text for row in own if row.event == "request_answered"][-1]


@pytest.mark.rule("CLAIM-16")
@pytest.mark.parametrize(
    ("answer", "fields", "said"),
    [
        (Answer.APPROVED, {}, "approved. You hold {granted} (src/**) now."),
        (Answer.DENIED, {"note": "Not today."}, "denied, saying 'Not today.'. {held} stays as it is."),
        (
            Answer.NARROWED,
            {"pattern": F},
            "narrowed. {held} keeps src/a.py alone of src/**: claim what you need of the rest.",
        ),
        (Answer.COEXIST, {"pattern": F}, "coexist. You hold {granted} (src/a.py) now, beside {held}."),
    ],
)
def test_the_notice_of_an_answer_says_what_who_asked_has_now(answer: Answer, fields: dict[str, str], said: str) -> None:
    game = Claims()
    held = game.claim(ANN, "src/**")
    request = game.request(BOB, held)

    game.answer(ANN, request, answer, **fields)

    answered, granted = f"{ANN.agent} answered your request {request}:", game.register.requests[request].granted
    assert notice_to(game, BOB) == f"{answered} {said.format(held=held.id, granted=granted)}"


@pytest.mark.rule("CLAIM-16")
def test_the_notice_of_an_approval_names_one_pattern_and_counts_the_others() -> None:
    game = Claims()
    request = game.request(BOB, game.claim(ANN, F), wish(F), wish(G), wish("lib/c.py"))

    game.answer(ANN, request, Answer.APPROVED)

    granted = game.register.requests[request].granted
    assert notice_to(game, BOB).endswith(f"approved. You hold {granted} ({F} and 2 more) now.")


@pytest.mark.rule("CLAIM-16")
def test_the_notice_of_an_approval_that_granted_nothing_says_so_and_who_is_in_the_way() -> None:
    game = Claims()
    held, other = game.claim(ANN, F), game.claim(BOB_DOCS, G)
    request = game.request(BOB, held, wish(F), wish(G))

    game.answer(ANN, request, Answer.APPROVED)

    now = f"{held.id} ended, and nothing was granted to you: {other.agent} holds {G}."
    assert notice_to(game, BOB) == f"{ANN.agent} answered your request {request}: approved. {now}"


@pytest.mark.rule("CLAIM-16")
def test_the_notice_of_a_claim_that_ended_unanswered_says_that_it_is_to_be_claimed() -> None:
    game = Claims()
    held = game.claim(ANN, F)
    request = game.request(BOB, held)

    game.release(ANN, held)

    ended = f"The claim {held.id} that you asked for ({request}) ended (released)"
    assert notice_to(game, BOB) == f"{ended}: claim what you need of it now."


@pytest.mark.rule("CLAIM-16")
def test_an_approval_sends_no_other_asker_to_claim_what_the_first_one_has_by_it() -> None:
    game = Claims()
    held = game.claim(ANN, F)
    first, second = game.request(BOB, held), game.request(BOB_DOCS, held)

    game.answer(ANN, first, Answer.APPROVED)

    assert [claim.items[0].pattern for claim in game.held(BOB)] == [F]
    assert notice_to(game, BOB_DOCS) == f"The claim {held.id} that you asked for ({second}) ended (approved)."


@pytest.mark.rule("CLAIM-16")
def test_a_step_that_went_on_sends_no_asker_to_claim_its_paths() -> None:
    game = Claims()
    held = game.claim(ANN, F, step="app/1", step_fence=1)
    request = game.request(BOB, held)

    game.do(EndStepClaims(step="app/1", agent=ANN.agent, clone=ANN.clone))

    assert notice_to(game, BOB) == f"The claim {held.id} that you asked for ({request}) ended (step)."
