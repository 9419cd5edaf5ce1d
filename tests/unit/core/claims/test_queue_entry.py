"""The line: who is served when, what does not overtake, what ends an entry."""

import pytest

from gitcoord.core.claims.claim_commands import (
    BeatClaims,
    CancelEntry,
    ClaimCommand,
    LandClaims,
    Tidy,
    Urgency,
    Wish,
)
from gitcoord.core.claims.register import Register
from gitcoord.core.documents.actor import Actor
from gitcoord.core.documents.liveness import Sighting
from gitcoord.core.documents.policy import Policy
from tests.unit.core.claim_play import (
    ANN,
    BOB,
    BOB_DOCS,
    BOB_ELSEWHERE,
    BOB_TESTS,
    NOW,
    Claims,
    F,
    G,
    conflicts_of,
    hours,
    minutes,
    read,
    seconds,
    wish,
)


def people(count: int) -> list[Actor]:
    return [Actor(agent=f"bob/{number}", clone="desktop", session=f"s-{number}") for number in range(count)]


# --- one entry ---


@pytest.mark.rule("CLAIM-19")
def test_a_call_that_would_be_refused_waits_as_a_whole() -> None:
    game = Claims()
    held = game.claim(ANN, F)

    outcome = game.ask(BOB, F, G, wait_s=90)

    (entry,) = game.register.entries.values()
    assert (outcome.code, outcome.facts["queue_id"], outcome.facts["position"]) == ("waiting", entry.id, 1)
    assert outcome.facts["until"] == "2026-11-21T13:30:00.000Z"
    assert entry.expires_at == NOW + seconds(90)
    assert game.ask(BOB_DOCS, G).is_done
    game.release(ANN, held)
    assert game.held(BOB) == []
    game.release(BOB_DOCS, *game.held(BOB_DOCS))
    assert [item.pattern for item in game.held(BOB)[0].items] == [F, G]


@pytest.mark.rule("CLAIM-19")
def test_the_same_call_again_goes_on_with_the_same_entry() -> None:
    game = Claims()
    _ = game.claim(ANN, F)
    entry = game.wait(BOB, F)
    game.tick(minutes(1))

    again = game.ask(BOB, wish(F, matched=3), wait_s=30)

    assert again.facts["queue_id"] == entry
    assert game.register.entries[entry].asked_at == game.now
    assert game.register.entries[entry].expires_at == NOW + minutes(10)


@pytest.mark.rule("CLAIM-19")
@pytest.mark.parametrize(("wait_s", "after", "asked", "stays"), [
    (600, 119, (), True),
    (600, 120, (), False),
    (600, 200, (100,), True),
    (600, 220, (100,), False),
    (100, 99, (90,), True),
    (100, 100, (90,), False),
    (600, 600, (100, 200, 300, 400, 500), False),
])  # fmt: skip
def test_an_entry_ends_with_its_time_or_unasked_for_two_minutes(
    wait_s: int, after: int, asked: tuple[int, ...], stays: bool
) -> None:
    game = Claims()
    _ = game.claim(ANN, F)
    entry = game.wait(BOB, F, wait_s=wait_s)
    for moment in asked:
        game.now = NOW + seconds(moment)
        assert game.keep(BOB, entry).code == "waiting"

    game.now = NOW + seconds(after)
    game.do(Tidy(), BOB_DOCS)

    assert (entry in game.register.entries) is stays


@pytest.mark.rule("CLAIM-19")
def test_after_the_wait_the_answer_is_the_present_conflict() -> None:
    game = Claims()
    held = game.claim(ANN, F)
    entry = game.wait(BOB, F, wait_s=60)
    game.tick(seconds(60))

    outcome = game.keep(BOB, entry)

    assert outcome.code == "conflict"
    assert conflicts_of(outcome)[0]["claim_id"] == held.id
    game.do(Tidy(), BOB_DOCS)
    assert game.keep(BOB, entry).code == "not_waiting"


@pytest.mark.rule("CLAIM-19")
@pytest.mark.parametrize(("actor", "cancelled"), [(BOB, True), (BOB_TESTS, False), (ANN, False)])
def test_only_one_s_own_entry_is_cancelled(actor: Actor, cancelled: bool) -> None:
    game = Claims()
    _ = game.claim(ANN, F)
    entry = game.wait(BOB, F)

    outcome = game.do(CancelEntry(entry_id=entry), actor)

    assert outcome.code == ("queue_cancelled" if cancelled else "not_cancelled")
    assert (entry not in game.register.entries) is cancelled
    assert not cancelled or game.events() == ["queue_cancel"]
    assert game.do(CancelEntry(entry_id="q-x")).code == "not_cancelled"


# --- order ---


@pytest.mark.rule("CLAIM-17")
@pytest.mark.parametrize(
    ("calls", "expected"),
    [
        ([(0, Urgency.NORMAL), (1, Urgency.NORMAL)], 0),
        ([(0, Urgency.LOW), (1, Urgency.NORMAL)], 1),
        ([(0, Urgency.NORMAL), (1, Urgency.HIGH)], 1),
        ([(0, Urgency.HIGH), (1, Urgency.BLOCKING)], 1),
        ([(0, Urgency.NORMAL), (60, Urgency.HIGH)], 1),
        ([(0, Urgency.NORMAL), (61, Urgency.HIGH)], 0),
        ([(0, Urgency.NORMAL), (61, Urgency.BLOCKING)], 1),
    ],
)
def test_rank_is_urgency_then_age_then_who_came_first(calls: list[tuple[int, Urgency]], expected: int) -> None:
    game = Claims()
    held = game.claim(ANN, F)
    who = people(2)
    entries: list[str] = []
    for actor, (moment, urgency) in zip(who, calls, strict=True):
        game.now = NOW + seconds(moment)
        entries.append(game.wait(actor, F, urgency=urgency))

    game.release(ANN, held)

    assert [len(game.held(one)) for one in who] == [int(number == expected) for number in range(2)]
    assert list(game.register.entries) == [entries[1 - expected]]


@pytest.mark.rule("CLAIM-17")
def test_without_a_boost_age_does_not_count() -> None:
    game = Claims(policy=Policy(queue_age_boost_s=0))
    held = game.claim(ANN, F)
    _ = game.wait(BOB, F)
    game.tick(seconds(100))
    _ = game.wait(BOB_DOCS, F, urgency=Urgency.HIGH)

    game.release(ANN, held)

    assert game.held(BOB_DOCS)


@pytest.mark.rule("CLAIM-17")
def test_an_entry_does_not_overtake_a_better_placed_one_that_it_overlaps() -> None:
    game = Claims()
    first, second = game.claim(ANN, F), game.claim(ANN, G)
    _ = game.wait(BOB, F, G)
    _ = game.wait(BOB_DOCS, G)

    game.release(ANN, second)
    assert game.held(BOB_DOCS) == []
    game.release(ANN, first)

    assert game.held(BOB)
    assert game.held(BOB_DOCS) == []


@pytest.mark.rule("CLAIM-17", "LIVE-3")
def test_what_an_entry_held_back_is_served_when_it_leaves() -> None:
    game = Claims()
    _, second = game.claim(ANN, F), game.claim(ANN, G)
    entry = game.wait(BOB, F, G)
    _ = game.wait(BOB_DOCS, G)
    game.release(ANN, second)

    game.do(CancelEntry(entry_id=entry), BOB)

    assert game.held(BOB_DOCS)


@pytest.mark.rule("CLAIM-17")
def test_an_entry_that_overlaps_nothing_ahead_is_served_at_once() -> None:
    game = Claims()
    _, second = game.claim(ANN, F), game.claim(ANN, G)
    _ = game.wait(BOB, F)
    _ = game.wait(BOB_DOCS, G)

    game.release(ANN, second)

    assert game.held(BOB_DOCS)


@pytest.mark.rule("CLAIM-17", "LIVE-3")
def test_who_stood_behind_and_can_share_with_the_new_holder_is_served_with_it() -> None:
    game = Claims()
    held = game.claim(ANN, G)
    entry = game.wait(BOB, G, F)
    game.tick(seconds(61))
    _ = game.keep(BOB, entry)
    _ = game.wait(BOB_DOCS, wish(F, "A"))

    game.release(ANN, held)

    (file,) = game.held(BOB)
    assert [part.symbols for part in game.item(file, 1).carved] == [("A",)]
    assert game.held(BOB_DOCS)


@pytest.mark.rule("CLAIM-17")
@pytest.mark.parametrize(
    ("strict", "waits_for", "asked", "overtakes"),
    [
        (True, read(G), read(G), True),
        (True, read(G), wish(G), False),
        (True, wish(G), read(G), False),
        (False, read(G), wish(G), True),
        (False, wish(G), read(G), True),
        (False, wish(G), wish(G), False),
        (False, wish(G, "A"), wish(G, "B"), True),
        (False, wish(G, "A"), wish(G, "A::m"), False),
    ],
)
def test_who_stands_in_whose_way_in_the_line(strict: bool, waits_for: Wish, asked: Wish, overtakes: bool) -> None:
    game = Claims(policy=Policy(strict_read=strict))
    _ = game.claim(ANN, F)
    entry = game.wait(BOB, F, waits_for)
    game.tick(seconds(61))
    _ = game.keep(BOB, entry)

    outcome = game.ask(BOB_DOCS, asked)

    assert outcome.code == ("claim_granted" if overtakes else "behind_the_line")
    assert overtakes or outcome.facts["queue_id"] == entry


@pytest.mark.rule("CLAIM-17")
def test_the_line_of_another_repository_and_one_s_own_are_in_nobody_s_way() -> None:
    game = Claims()
    _ = game.claim(ANN, F)
    entry = game.wait(BOB, F, G)
    game.tick(seconds(61))
    _ = game.keep(BOB, entry)

    assert game.ask(BOB_DOCS, G, repo="other").is_done
    assert game.ask(BOB, G).is_done


@pytest.mark.rule("CLAIM-17")
def test_every_tenth_grant_is_the_oldest_that_can_be_granted() -> None:
    game = Claims(register=Register(grants=9))
    _, second, third = game.claim(ANN, F), game.claim(ANN, G), game.claim(ANN, "lib/c.py")
    who = people(4)
    _ = game.wait(who[0], F, urgency=Urgency.LOW)
    _ = game.wait(who[1], G, urgency=Urgency.LOW)
    _ = game.wait(who[2], F, G, urgency=Urgency.BLOCKING)
    _ = game.wait(who[3], "lib/c.py", urgency=Urgency.BLOCKING)

    game.release(ANN, second, third)

    assert [len(game.held(one)) for one in who] == [0, 1, 0, 1]
    assert game.register.grants == 11
    events = [event for event in game.last.events if event["event"] == "queue_grant"]
    assert [event["agent"] for event in events] == [who[1].agent, who[3].agent]


# --- fresh calls ---


@pytest.mark.rule("CLAIM-18")
@pytest.mark.parametrize(
    ("waited", "theirs", "mine", "code"),
    [
        (60, Urgency.NORMAL, Urgency.NORMAL, "claim_granted"),
        (61, Urgency.NORMAL, Urgency.NORMAL, "behind_the_line"),
        (61, Urgency.NORMAL, Urgency.HIGH, "behind_the_line"),
        (61, Urgency.NORMAL, Urgency.BLOCKING, "claim_granted"),
        (61, Urgency.LOW, Urgency.NORMAL, "behind_the_line"),
        (61, Urgency.LOW, Urgency.HIGH, "claim_granted"),
    ],
)
def test_a_fresh_call_does_not_overtake_who_has_waited_for_a_minute(
    waited: int, theirs: Urgency, mine: Urgency, code: str
) -> None:
    game = Claims()
    _ = game.claim(ANN, F)
    _ = game.wait(BOB, F, G, urgency=theirs)
    game.tick(seconds(waited))

    outcome = game.ask(BOB_DOCS, G, urgency=mine)

    assert outcome.code == code


@pytest.mark.rule("CLAIM-18")
def test_a_fresh_call_that_may_wait_stands_behind() -> None:
    game = Claims()
    _ = game.claim(ANN, F)
    _ = game.wait(BOB, F, G)
    game.tick(seconds(61))

    outcome = game.ask(BOB_DOCS, G, wait_s=60)

    assert (outcome.code, outcome.facts["position"], outcome.facts["behind"]) == ("waiting", 2, [BOB.agent])


@pytest.mark.rule("CLAIM-18", "LIVE-3")
def test_who_waits_is_served_before_the_caller_who_finds_the_holder_silent() -> None:
    game = Claims(policy=Policy(idle_minutes=10))
    _ = game.claim(ANN, F)
    game.tick(minutes(9))
    _ = game.wait(BOB, F)
    game.seen[ANN.session] = Sighting(beaten_at=NOW, clone_beats=True)
    game.tick(seconds(61))

    outcome = game.ask(BOB_DOCS, F)

    assert outcome.code == "conflict"
    game.do(Tidy(), BOB_DOCS)
    assert game.held(BOB)


@pytest.mark.rule("CLAIM-18")
def test_waiting_in_a_circle_is_refused_with_the_circle() -> None:
    game = Claims()
    _ = game.claim(ANN, F), game.claim(BOB, G), game.claim(BOB_DOCS, "lib/c.py")
    _ = game.wait(ANN, G)
    _ = game.wait(BOB, "lib/c.py")

    outcome = game.ask(BOB_DOCS, F, wait_s=60)

    assert outcome.code == "circle"
    assert outcome.facts["circle"] == [BOB_DOCS.agent, ANN.agent, BOB.agent, BOB_DOCS.agent]
    assert len(game.register.entries) == 2


@pytest.mark.rule("CLAIM-18")
def test_a_circle_may_go_through_the_line() -> None:
    game = Claims()
    _ = game.claim(BOB_ELSEWHERE, F), game.claim(BOB, G)
    _ = game.wait(BOB, F)

    assert game.ask(ANN, G, F, wait_s=60).code == "waiting"
    assert game.ask(BOB_DOCS, G, F, wait_s=60, urgency=Urgency.HIGH).code == "circle"


@pytest.mark.rule("CLAIM-18", "CLAIM-2")
def test_of_two_readers_who_want_to_write_the_second_is_refused() -> None:
    game = Claims(policy=Policy(strict_read=True))
    mine = game.claim(ANN, read(F))
    _ = game.claim(BOB, read(F))
    _ = game.wait(ANN, F)

    assert game.ask(BOB, F, wait_s=60).code == "circle"
    game.release(BOB)
    assert sorted(item.mode for one in game.held(ANN) for item in one.items) == ["read", "write"]
    assert mine.id in game.register.claims


@pytest.mark.rule("CLAIM-2", "LIVE-3")
def test_who_reads_and_wants_to_write_waits_only_for_readers_who_do_not() -> None:
    game = Claims(policy=Policy(strict_read=True))
    _ = game.claim(ANN, read(F)), game.claim(BOB, read(F)), game.claim(BOB_DOCS, read(F))
    entry = game.wait(ANN, F)

    assert [game.ask(BOB, F, wait_s=600).code, game.ask(BOB_DOCS, F).code] == ["circle", "conflict"]
    game.release(BOB)
    assert game.keep(ANN, entry).code == "waiting"
    game.release(BOB_DOCS)
    assert game.keep(ANN, entry).code == "claim_granted"
    assert list(game.register.entries) == []


@pytest.mark.rule("CLAIM-2", "CLAIM-18")
def test_who_waits_to_write_elsewhere_is_waited_for_as_a_reader_here() -> None:
    game = Claims(policy=Policy(strict_read=True))
    _ = game.claim(ANN, read(F)), game.claim(BOB, read(F)), game.claim(BOB_DOCS, G)
    _ = game.wait(BOB, G)

    assert game.ask(ANN, F, wait_s=600).code == "waiting"
    assert game.ask(BOB_DOCS, F, wait_s=600).code == "circle"


# --- acknowledging ---


@pytest.mark.rule("CLAIM-20", "LIVE-3")
@pytest.mark.parametrize(
    ("beat_s", "after", "caller", "kept"),
    [
        (30, 119, None, True),
        (30, 120, None, False),
        (60, 179, None, True),
        (60, 180, None, False),
        (150, 359, None, True),
        (150, 360, None, False),
        (60, 300, BOB, True),
        (60, 300, BOB_TESTS, True),
        (60, 300, BOB_DOCS, False),
    ],
)
def test_a_grant_to_a_waiter_is_taken_back_unless_its_session_shows_itself(
    beat_s: int, after: int, caller: Actor | None, kept: bool
) -> None:
    game = Claims(beat_s=beat_s)
    held = game.claim(ANN, F)
    _ = game.wait(BOB, F)
    game.release(ANN, held)
    if caller:
        game.do(CancelEntry(entry_id="q-x"), caller)

    game.tick(seconds(after))
    game.do(Tidy(), ANN)

    assert bool(game.held(BOB)) is kept


@pytest.mark.rule("CLAIM-20", "LIVE-3")
@pytest.mark.parametrize(
    ("command", "kept"),
    [(Tidy(), False), (LandClaims(merged={}), False), (BeatClaims(), False), (BeatClaims(called=True), True)],
)
def test_a_server_that_lives_is_no_agent_that_takes_what_it_was_granted(command: ClaimCommand, kept: bool) -> None:
    game = Claims()
    held = game.claim(ANN, F)
    _ = game.wait(BOB, F)
    game.release(ANN, held)
    game.do(command, BOB)

    game.tick(seconds(180))
    game.do(Tidy(), ANN)

    assert bool(game.held(BOB)) is kept


@pytest.mark.rule("CLAIM-20")
def test_who_asks_for_its_entry_is_told_what_it_got() -> None:
    game = Claims()
    held = game.claim(ANN, F)
    entry = game.wait(BOB, F)
    game.release(ANN, held)

    outcome = game.keep(BOB, entry)

    (got,) = game.held(BOB)
    assert (outcome.code, outcome.facts["claim"], got.ack_by) == ("claim_granted", got.id, None)


@pytest.mark.rule("LIVE-3", "CLAIM-11")
def test_a_lone_waiter_ends_its_blocker_itself() -> None:
    game = Claims()
    _ = game.claim(ANN, wish(F, hours=0.02))
    entry = game.wait(BOB, F)
    game.tick(hours(0.02) + seconds(30))

    assert game.keep(BOB, entry).code == "claim_granted"


@pytest.mark.rule("LIVE-3", "CLAIM-17")
def test_who_asks_is_served_when_only_time_let_it_pass_others() -> None:
    game = Claims()
    _, second = game.claim(ANN, F), game.claim(ANN, G)
    entry = game.wait(BOB_DOCS, G)
    game.tick(seconds(30))
    _ = game.wait(BOB, F, G, urgency=Urgency.HIGH)
    game.release(ANN, second)
    assert game.keep(BOB_DOCS, entry).code == "waiting"

    game.tick(seconds(31))

    assert game.keep(BOB_DOCS, entry).code == "claim_granted"


# --- caps ---


@pytest.mark.rule("CLAIM-21")
@pytest.mark.parametrize(
    ("policy", "actor", "code"),
    [
        (Policy(max_waiting_per_agent=1), BOB, "too_many_waiting"),
        (Policy(max_waiting_per_agent=1), BOB_DOCS, "waiting"),
        (Policy(max_waiting=1), BOB_DOCS, "line_full"),
        (Policy(max_waiting=0, max_waiting_per_agent=0), BOB, "waiting"),
    ],
)
def test_the_caps_on_the_line_say_when_to_ask_again(policy: Policy, actor: Actor, code: str) -> None:
    game = Claims(policy=policy)
    _ = game.claim(ANN, F, G)
    _ = game.wait(BOB, F)

    outcome = game.ask(actor, G, wait_s=60)

    assert outcome.code == code
    assert outcome.is_done or outcome.facts["ask_again_s"] == 120
    assert game.ask(BOB, F, wait_s=60).code == "waiting"
    assert game.ask(actor, "lib/c.py", wait_s=60).code == "claim_granted"


@pytest.mark.rule("CLAIM-21")
def test_when_to_ask_again_is_when_a_claim_counts_no_more() -> None:
    game = Claims(policy=Policy(max_claims_per_agent=1))
    _ = game.claim(BOB, F)

    refused = game.ask(BOB, G)
    game.tick(seconds(float(str(refused.facts["ask_again_s"]))))

    assert refused.code == "too_many_claims"
    assert game.ask(BOB, G).code == "claim_granted"


@pytest.mark.rule("CLAIM-21", "CLAIM-17")
def test_who_has_as_many_claims_as_may_be_keeps_its_place_and_holds_nobody_up() -> None:
    game = Claims(policy=Policy(max_claims_per_agent=1))
    held = game.claim(ANN, F)
    first = game.wait(BOB, F, urgency=Urgency.BLOCKING)
    second = game.wait(BOB_DOCS, F)
    mine = game.claim(BOB, G)

    game.release(ANN, held)

    assert game.held(BOB) == [mine]
    assert game.keep(BOB, first).facts["position"] == 1
    assert game.keep(BOB_DOCS, second).code == "claim_granted"


@pytest.mark.rule("CLAIM-21", "CLAIM-11", "LIVE-3")
def test_who_had_too_many_claims_is_served_in_the_commit_that_ends_one_of_them() -> None:
    game = Claims(policy=Policy(max_claims_per_agent=1))
    held = game.claim(ANN, F)
    _ = game.wait(BOB, F)
    mine = game.claim(BOB, G)
    game.release(ANN, held)
    assert game.held(BOB) == [mine]

    game.release(BOB, mine)

    assert [one.items[0].pattern for one in game.held(BOB)] == [F]
