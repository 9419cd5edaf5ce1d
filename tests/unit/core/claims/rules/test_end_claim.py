"""Ending: by release, time, silence and merge; what returns, what is resolved, what is left behind."""

from datetime import timedelta

import pytest

from gitcoord.core.claims.claim import Claim, Mode
from gitcoord.core.claims.claim_commands import (
    BeatClaims,
    ExtendClaims,
    LandClaims,
    ReleaseClaims,
    Tidy,
    Wish,
    WorkedFile,
)
from gitcoord.core.documents.actor import Actor
from gitcoord.core.documents.json_text import parse_time, time_text
from gitcoord.core.documents.liveness import Sighting, span_text
from gitcoord.core.documents.policy import Policy
from tests.unit.core.claim_play import (
    ANN,
    ANN_AGAIN,
    ANN_TESTS,
    BOB,
    BOB_DOCS,
    BOB_ELSEWHERE,
    NOW,
    Claims,
    F,
    G,
    auto,
    conflicts_of,
    hours,
    minutes,
    seconds,
    wish,
)

OVER = hours(4) + seconds(30)
COMMIT = "c" * 40


# --- release ---


@pytest.mark.rule("CLAIM-7")
@pytest.mark.parametrize(
    ("actor", "released"),
    [(ANN, True), (ANN_AGAIN, True), (ANN_TESTS, True), (BOB, False)],
)
def test_a_claim_is_released_by_its_holder_or_its_session(actor: Actor, released: bool) -> None:
    game = Claims()
    held = game.claim(ANN, F)

    outcome = game.release(actor, held)

    assert (held.id not in game.register.claims) is released
    assert outcome.facts.get("not_yours", []) == ([] if released else [held.id])
    assert outcome.facts["released"] == ([held.id] if released else [])


@pytest.mark.rule("CLAIM-7")
def test_releasing_what_is_not_there_says_so_and_changes_nothing() -> None:
    outcome = Claims().do(ReleaseClaims(ids=("c-x", "c-x")))

    assert (outcome.facts["not_found"], outcome.facts["already"]) == (["c-x", "c-x"], True)


@pytest.mark.rule("CLAIM-7")
def test_without_ids_the_holder_s_own_are_released_or_the_whole_session_s() -> None:
    game = Claims()
    own, sub = game.claim(ANN, F), game.claim(ANN_TESTS, G)
    with_step = game.claim(ANN, "lib/c.py", step="app/1")

    assert game.do(ReleaseClaims(step="app/1")).facts["released"] == [with_step.id]
    assert game.do(ReleaseClaims()).facts["released"] == [own.id]
    assert game.do(ReleaseClaims(whole_session=True)).facts["released"] == [sub.id]


@pytest.mark.rule("CLAIM-7")
def test_a_caller_without_session_releases_no_other_s_claims_without_session() -> None:
    game = Claims()
    ann, bob = (Actor(agent=one, clone="laptop", session="") for one in ("ann", "bob"))
    held = game.claim(ann, F)

    outcome = game.do(ReleaseClaims(whole_session=True), bob)

    assert outcome.facts["released"] == []
    assert game.release(bob, held).facts["not_yours"] == [held.id]


@pytest.mark.rule("CLAIM-7")
def test_force_is_recorded_and_its_holder_is_told() -> None:
    game = Claims()
    held = game.claim(ANN, F)

    game.release(BOB, held, force=True, reason="gone for the day")

    (event,) = game.last.events
    assert (event["event"], event["reason"], event["note"]) == ("claim_released", "forced", "gone for the day")
    (notice,) = game.register.notices.values()
    assert (notice.event, notice.reason) == ("claim_released", "forced")
    assert notice.text == f"Your claim {held.id} ended: {BOB.agent} ended it by force, saying 'gone for the day'."


@pytest.mark.rule("CLAIM-7")
def test_the_reason_that_a_caller_gives_is_a_note_and_no_kind_of_ending() -> None:
    game = Claims()
    held = game.claim(ANN, F)
    request = game.request(BOB, held)

    game.release(ANN, held, reason="time")

    assert game.events()[0] == "claim_released"
    assert game.register.requests[request].decision == "resolved"


@pytest.mark.rule("CLAIM-7", "CLAIM-19")
def test_a_session_that_ends_waits_for_nothing_any_more() -> None:
    game = Claims()
    _ = game.claim(ANN, F)
    _ = game.wait(BOB, F)

    game.do(ReleaseClaims(whole_session=True), BOB)

    assert not game.register.entries


# --- time ---


@pytest.mark.rule("CLAIM-8", "TIME-1")
def test_a_claim_is_over_for_others_half_a_minute_after_it_is_for_its_holder() -> None:
    game = Claims()
    held = game.claim(ANN, F)

    game.tick(hours(4))
    assert game.do(ExtendClaims(ids=(held.id,), hours=1.0)).code == "not_found"
    game.tick(seconds(29.999))
    assert game.ask(BOB, F).code == "conflict"
    game.tick(seconds(0.001))
    assert game.ask(BOB, F).is_done
    assert game.last.events[0]["event"] == "claim_expired"
    assert game.notices(ANN) == ["claim_expired"]


@pytest.mark.rule("CLAIM-8", "CLAIM-1")
def test_an_item_past_its_end_leaves_its_claim_alone() -> None:
    game = Claims()
    held = game.claim(ANN, wish(F, hours=1.0), G, wish("lib/c.py", hours=1.0))

    game.tick(hours(1) + seconds(30))
    game.do(Tidy(), BOB)

    assert [item.pattern for item in game.one(held).items] == [G]
    assert game.last.events[0]["items"] == [F, "lib/c.py"]


@pytest.mark.rule("CLAIM-8", "CLAIM-3", "SAFE-1")
def test_what_an_item_past_its_end_had_carved_returns_and_the_rest_stays_carved() -> None:
    game = Claims()
    held = game.claim(ANN, F)
    made = game.claim(BOB, wish(F, "A", hours=1.0), wish(F, "B"))

    game.tick(hours(1) + seconds(30))
    game.do(Tidy(), BOB)

    assert [(part.claim, part.symbols) for part in game.item(held).carved] == [(made.id, ("B",))]
    assert [part.symbols for part in game.one(made).partners] == [("B",)]
    game.tick(hours(3))
    game.do(Tidy(), BOB)
    assert not game.register.claims


@pytest.mark.rule("CLAIM-22")
def test_a_clock_that_is_far_off_ends_nothing() -> None:
    game = Claims()
    held = game.claim(ANN, F)
    game.over_by = game.now
    game.tick(OVER)

    assert game.ask(BOB, F).code == "conflict"
    assert game.ask(BOB, G).is_done
    assert held.id in game.register.claims


@pytest.mark.rule("CLAIM-22", "LIVE-2")
@pytest.mark.parametrize(("shown", "ends"), [(timedelta(), False), (timedelta(seconds=1), True)], ids=str)
def test_by_a_clock_that_may_be_ahead_what_others_hold_ends_when_that_time_is_known_to_have_passed(
    shown: timedelta, ends: bool
) -> None:
    game = Claims()
    held = game.claim(ANN, F)
    game.over_by = game.now + OVER + shown - timedelta(seconds=1)
    game.tick(hours(30))

    assert game.ask(BOB, G).is_done
    assert (held.id not in game.register.claims) is ends


@pytest.mark.rule("CLAIM-22", "LIVE-2")
def test_what_the_clone_itself_holds_ends_by_its_own_clock() -> None:
    game = Claims()
    held = game.claim(ANN, F)
    game.over_by = game.now
    game.tick(OVER)

    assert game.ask(ANN, G).is_done
    assert held.id not in game.register.claims


# --- silence ---

LEFT_OUT = Sighting(clone_beats=True, heartbeat="e" * 40, interval_s=60, watched=True)  # its clone beats without it


@pytest.mark.rule("CLAIM-8", "SAFE-7", "LIVE-2")
@pytest.mark.parametrize(
    ("sighting", "after", "idle", "ends"),
    [
        (Sighting(beaten_at=NOW, clone_beats=True), minutes(30), 30, False),
        (Sighting(beaten_at=NOW, clone_beats=True), minutes(31), 30, True),
        (Sighting(beaten_at=NOW, clone_beats=True), minutes(31), 60, False),
        (Sighting(beaten_at=NOW, clone_beats=True), minutes(200), 0, False),
        (Sighting(beaten_at=NOW + minutes(10), clone_beats=True), minutes(31), 30, False),
        (Sighting(locked=True, clone_beats=True), minutes(200), 30, False),
        (Sighting(locked=False, clone_beats=True), minutes(1), 30, False),
        (Sighting(locked=False, clone_beats=True), minutes(2), 30, True),
        (Sighting(locked=False, clone_beats=True), minutes(2), 0, False),
        (LEFT_OUT, minutes(15), 30, False),
        (LEFT_OUT, minutes(16), 30, True),
        (LEFT_OUT, minutes(12), 10, True),
        (Sighting(), minutes(100), 30, False),
        (Sighting(), minutes(121), 30, True),
    ],
)
def test_a_claim_whose_session_is_not_seen_ends_where_it_is_in_the_way(
    sighting: Sighting, after: timedelta, idle: int, ends: bool
) -> None:
    game = Claims(policy=Policy(idle_minutes=idle))
    held = game.claim(ANN, F)
    game.seen[ANN.session] = sighting
    game.tick(after)

    outcome = game.ask(BOB, F)

    assert outcome.is_done is ends
    assert [one.id for one, _ in game.last.judged] == ([held.id] if idle else [])
    assert not ends or game.last.events[0]["reason"] == "silence"


@pytest.mark.rule("CLAIM-8")
def test_a_claim_without_session_never_idles_out() -> None:
    game = Claims()
    _ = game.claim(Actor(agent="ann", clone="laptop", session=""), F)
    game.tick(hours(3))

    assert game.ask(BOB, F).code == "conflict"


@pytest.mark.rule("CLAIM-8", "LIVE-2")
def test_tidying_ends_what_is_silent_and_in_nobody_s_way() -> None:
    game = Claims()
    held = game.claim(ANN, F)
    game.seen[ANN.session] = Sighting(beaten_at=NOW, clone_beats=True)
    game.tick(minutes(31))

    game.do(Tidy(), BOB)

    assert held.id not in game.register.claims


@pytest.mark.rule("CLAIM-22", "SAFE-5")
def test_tidying_removes_what_was_claimed_with_a_step_that_went_on() -> None:
    game = Claims()
    _ = game.claim(ANN, F, step="app/1")
    game.void.add("app/1")

    game.do(Tidy(), BOB)

    assert not game.register.claims


# --- merge ---


@pytest.mark.rule("CLAIM-9")
def test_the_claims_of_a_branch_that_landed_end_with_its_commit() -> None:
    game = Claims()
    held = game.claim(ANN, F, branch="ann/x")
    request = game.request(BOB, held)

    outcome = game.do(LandClaims(merged={"ann/x": COMMIT}, claims=(held.id,)), BOB)

    assert outcome.facts["released"] == [held.id]
    assert (game.last.events[0]["reason"], game.last.events[0]["commit"]) == ("merged", COMMIT)
    assert game.register.requests[request].note == "merged"


@pytest.mark.rule("CLAIM-9")
@pytest.mark.parametrize(
    ("claimed", "landed", "policy"),
    [
        ({"branch": "main"}, {"default_branch": "main"}, Policy()),
        ({"branch": "ann/x", "repo": "other"}, {}, Policy()),
        ({"branch": "ann/x"}, {"claims": ("c-00000009",)}, Policy()),
        ({"branch": "ann/x"}, {}, Policy(release_on_merge=False)),
        ({"branch": "ann/y"}, {}, Policy()),
        ({}, {}, Policy()),
    ],
)
def test_other_claims_stay_when_a_branch_lands(
    claimed: dict[str, object], landed: dict[str, object], policy: Policy
) -> None:
    game = Claims(policy=policy)
    held = game.claim(ANN, F, **claimed)

    command = LandClaims(merged={"ann/x": COMMIT, "main": COMMIT}, claims=(held.id,))
    outcome = game.do(command.evolve(**landed), BOB)

    assert (outcome.facts["released"], outcome.facts["already"]) == ([], True)
    assert game.one(held) == held


def landed(claim: Claim, *changed: str, unlanded: tuple[str, ...] = ()) -> LandClaims:
    return LandClaims(
        merged={"ann/x": COMMIT},
        claims=(claim.id,),
        changed=tuple(WorkedFile(claim=claim.id, path=path) for path in changed),
        unlanded=tuple(WorkedFile(claim=claim.id, path=path) for path in unlanded),
    )


@pytest.mark.rule("SAFE-11", "CLAIM-9")
def test_only_the_items_end_that_what_landed_changed() -> None:
    game = Claims()
    held = game.claim(ANN, F, G, "docs/**", branch="ann/x")

    outcome = game.do(landed(held, F, "docs/x.md", unlanded=("docs/y.md",)), BOB)

    assert (outcome.facts["released"], outcome.facts["parts"]) == ([], {held.id: [F]})
    assert [item.pattern for item in game.one(held).items] == [G, "docs/**"]
    event = game.last.events[0]
    assert (event["reason"], event["commit"], event["items"]) == ("merged", COMMIT, [F])
    assert game.notices(ANN) == ["claim_released"]
    assert not game.register.barriers


@pytest.mark.rule("SAFE-11")
@pytest.mark.parametrize(("by", "stays"), [(BOB, True), (ANN, False)])
def test_what_only_its_holder_s_clone_sees_keeps_an_item_from_others(by: Actor, stays: bool) -> None:
    game = Claims()
    held = game.claim(ANN, F, branch="ann/x")
    game.do(BeatClaims(unpushed=(F,)))
    game.do(BeatClaims())  # a beat that did not look says nothing

    game.do(landed(held, F), by)

    assert (held.id in game.register.claims) is stays


@pytest.mark.rule("CLAIM-9")
def test_an_item_without_unpushed_work_any_more_ends() -> None:
    game = Claims()
    held = game.claim(ANN, F, G, branch="ann/x")
    game.do(BeatClaims(unpushed=(F,)))
    game.do(BeatClaims(unpushed=(G,)))

    game.do(landed(held, F, G), BOB)

    assert [item.pattern for item in game.one(held).items] == [G]


@pytest.mark.rule("SAFE-11", "CLAIM-9")
@pytest.mark.parametrize(("changed", "left"), [((F,), []), ((), [F, G])])
def test_what_is_only_read_ends_with_the_last_item_that_is_written(changed: tuple[str, ...], left: list[str]) -> None:
    game = Claims()
    held = game.claim(ANN, F, wish(G, mode=Mode.READ), branch="ann/x")

    game.do(landed(held, *changed), BOB)

    assert [item.pattern for claim in game.held(ANN) for item in claim.items] == left


# --- barriers ---


def left_behind(game: Claims, **released: object) -> Claim:
    held = game.claim(ANN, F, "docs/**", branch="ann/x")
    game.release(ANN, held, commits={held.id: COMMIT}, **released)
    return held


@pytest.mark.rule("CLAIM-10")
@pytest.mark.parametrize(
    ("wished", "told"),
    [(wish("src/*.py"), True), (wish("docs/x.md", "A"), True), (wish(G), False), (wish("lib/**"), False)],
)
def test_who_claims_next_over_pushed_commits_is_told_which(wished: Wish, told: bool) -> None:
    game = Claims()
    _ = left_behind(game)

    outcome = game.ask(BOB, wished)

    barrier = {"commit": COMMIT, "branch": "ann/x", "agent": ANN.agent, "patterns": [F, "docs/**"]}
    assert outcome.facts.get("barriers", []) == ([barrier] if told else [])


@pytest.mark.rule("CLAIM-10")
def test_every_ending_leaves_a_barrier_where_the_holder_said_what_it_pushed() -> None:
    game = Claims()
    held = game.claim(ANN, F)
    game.do(BeatClaims(commits={held.id: COMMIT}))

    game.tick(OVER)
    game.do(Tidy(), BOB)

    assert [one.commit for one in game.register.barriers.values()] == [COMMIT]


@pytest.mark.rule("CLAIM-10")
def test_a_claim_of_many_items_leaves_one_barrier_of_their_folder() -> None:
    game = Claims()
    held = game.claim(ANN, *(wish(f"src/app/{number}.py") for number in range(30)), "src/lib/x.py")

    game.release(ANN, held, commits={held.id: COMMIT})

    assert [one.patterns for one in game.register.barriers.values()] == [("src/**",)]


@pytest.mark.rule("CLAIM-10", "CLAIM-9")
@pytest.mark.parametrize(("repo", "stays"), [(None, False), ("other", True)])
def test_a_barrier_ends_when_it_was_found_to_have_landed(repo: str | None, stays: bool) -> None:
    game = Claims()
    _ = left_behind(game)
    (barrier,) = game.register.barriers

    game.do(LandClaims(merged={}, barriers=(barrier, "b-unknown"), repo=repo), BOB)

    assert bool(game.register.barriers) is stays


@pytest.mark.rule("CLAIM-10")
def test_a_barrier_ends_after_two_weeks() -> None:
    game = Claims()
    _ = left_behind(game)
    game.tick(hours(14 * 24) - seconds(1))
    game.do(Tidy(), BOB)
    assert game.register.barriers

    game.tick(seconds(1))
    game.do(Tidy(), BOB)

    assert not game.register.barriers


@pytest.mark.rule("CLAIM-10")
def test_what_landed_leaves_no_barrier() -> None:
    game = Claims()
    held = game.claim(ANN, F, branch="ann/x")
    game.do(BeatClaims(commits={held.id: COMMIT}))

    game.do(LandClaims(merged={"ann/x": COMMIT}, claims=(held.id,)), BOB)

    assert not game.register.barriers


# --- what follows ---


@pytest.mark.rule("CLAIM-3", "CLAIM-11")
def test_what_was_carved_returns_when_the_carving_claim_ends_and_is_forgotten_when_the_carved_one_does() -> None:
    game = Claims()
    held = game.claim(ANN, F)
    first, second = game.claim(BOB, wish(F, "A")), game.claim(BOB_DOCS, wish(F, "B"))

    game.release(BOB, first)
    assert [part.claim for part in game.item(held).carved] == [second.id]
    assert [part.claim for part in game.one(held).partners] == [second.id]

    game.release(ANN, held)
    assert game.one(second).partners == ()


@pytest.mark.rule("CLAIM-11", "LIVE-3")
@pytest.mark.parametrize("how", ["release", "session", "time", "silence", "merge", "force", "step", "unacknowledged"])
def test_who_waits_is_served_in_the_decision_that_ends_its_blocker(how: str) -> None:
    game = Claims()
    held = game.claim(ANN, wish(F, hours=0.01), branch="ann/x", step="app/1")
    if how == "unacknowledged":
        entry = game.wait(BOB_DOCS, F)
        game.release(ANN, held)
        held = next(one for one in game.register.claims.values() if one.queue_id == entry)
        game.tick(seconds(175))
    if how == "silence":
        game.tick(-minutes(31))
        game.seen[ANN.session] = Sighting(beaten_at=game.now, clone_beats=True)
        held = game.one(held).evolve(last_activity=game.now)
        game.register = game.register.with_changes([held])
        game.tick(minutes(31))
        game.policy = Policy(idle_minutes=0)
    entry = game.wait(BOB, F)
    game.policy = Policy()

    match how:
        case "release":
            game.release(ANN, held)
        case "session":
            game.do(ReleaseClaims(whole_session=True), ANN_TESTS)
        case "time":
            game.tick(seconds(67))
            game.do(Tidy(), BOB_DOCS)
        case "silence":
            game.do(Tidy(), BOB_DOCS)
        case "merge":
            game.do(LandClaims(merged={"ann/x": COMMIT}, claims=(held.id,)), BOB_DOCS)
        case "force":
            game.release(BOB_DOCS, held, force=True)
        case "step":
            game.void.add("app/1")
            game.do(Tidy(), BOB_DOCS)
        case _:
            game.tick(seconds(10))
            game.do(Tidy(), ANN)

    assert [one.queue_id for one in game.held(BOB)] == [entry]
    assert "queue_grant" in game.events()
    assert game.notices(BOB) == ["queue_grant"]


# --- extend ---


@pytest.mark.rule("CLAIM-12")
def test_extend_makes_longer_and_never_shorter() -> None:
    game = Claims()
    held = game.claim(ANN, F, wish(G, hours=1.0))

    outcome = game.do(ExtendClaims(ids=(held.id,), hours=2.0))

    assert [item.expires_at - game.now for item in game.one(held).items] == [hours(4), hours(2)]
    assert "clamped" not in outcome.facts
    assert game.do(ExtendClaims(hours=1.0)).facts["already"] is True


@pytest.mark.rule("CLAIM-12", "CLAIM-6")
def test_a_shared_file_is_not_extended_beyond_two_hours() -> None:
    game = Claims()
    held = game.claim(ANN, wish(F, is_shared=True))
    game.tick(hours(1))

    game.do(ExtendClaims(hours=24.0))

    assert game.item(held).expires_at - game.now == hours(2)


@pytest.mark.rule("CLAIM-12", "SAFE-4")
@pytest.mark.parametrize("actor", [BOB, ANN_TESTS])
def test_extend_refuses_another_s_claim(actor: Actor) -> None:
    game = Claims()
    held = game.claim(ANN, F)

    assert game.do(ExtendClaims(ids=(held.id,), hours=9.0), actor).code == "not_yours"


@pytest.mark.rule("CLAIM-12", "SAFE-4")
@pytest.mark.parametrize(("hours_asked", "code"), [(0.0, "bad_hours"), (169.0, "bad_hours"), (1.0, "not_found")])
def test_extend_of_nothing_or_by_nothing(hours_asked: float, code: str) -> None:
    assert Claims().do(ExtendClaims(ids=("c-x",), hours=hours_asked)).code == code


@pytest.mark.rule("CLAIM-12", "CLAIM-15")
def test_extend_cannot_undo_what_a_request_shortened() -> None:
    game = Claims()
    held = game.claim(ANN, F, wish(G, hours=0.05))
    _ = game.request(BOB, held)
    ends = [item.expires_at for item in game.one(held).items]

    outcome = game.do(ExtendClaims(hours=9.0))

    assert outcome.facts["clamped"] == [held.id]
    assert [item.expires_at for item in game.one(held).items] == [min(game.now + minutes(5), end) for end in ends]


CRASHED = Sighting(locked=False, clone_beats=True)


@pytest.mark.rule("CLAIM-8", "LIVE-2")
@pytest.mark.parametrize(
    ("seen", "after", "ends"),
    [
        (CRASHED, 1, False),
        (CRASHED, 2, True),
        (CRASHED.evolve(hooked_at=NOW + minutes(30)), 31, False),
        (CRASHED.evolve(hooked_at=NOW + minutes(30)), 32, True),
        (CRASHED.evolve(called_at=NOW + minutes(30)), 31, False),
        (CRASHED.evolve(called_at=NOW + minutes(30)), 32, True),
        (CRASHED.evolve(called_at=NOW - minutes(30)), 2, True),
        (CRASHED.evolve(closed_at=NOW), 9, False),
        (CRASHED.evolve(closed_at=NOW, called_at=NOW + minutes(1)), 10, False),
        (CRASHED.evolve(closed_at=NOW, called_at=NOW + minutes(1)), 11, True),
        (CRASHED.evolve(closed_at=NOW), 10, True),
        (Sighting(clone_beats=True, closed_at=NOW, heartbeat="e" * 40), 9, False),
        (Sighting(clone_beats=True, closed_at=NOW, heartbeat="e" * 40), 10, True),
        (Sighting(clone_beats=True, beaten_at=NOW, heartbeat="e" * 40), 30, False),
        (Sighting(clone_beats=True, beaten_at=NOW, heartbeat="e" * 40), 31, True),
        (Sighting(clone_beats=True, beaten_at=NOW, called_at=NOW + hours(9), heartbeat="e" * 40), 31, True),
    ],
)
def test_a_claim_of_a_session_that_is_over_ends_as_soon_as_that_is_sure(seen: Sighting, after: int, ends: bool) -> None:
    game = Claims(seen={"s-ann": seen})
    _ = game.claim(ANN, F)
    game.tick(minutes(after))

    assert (game.ask(BOB, F).code == "claim_granted") is ends


@pytest.mark.rule("CLAIM-8", "CLAIM-13", "SAFE-7")
def test_an_edit_hook_that_goes_on_keeps_the_claims_of_a_server_that_died() -> None:
    game = Claims(seen={"s-ann": CRASHED.evolve(hooked_at=NOW + minutes(18))})
    _ = game.claim(ANN, auto(F))
    game.tick(minutes(9))
    game.ask(ANN, auto(F))
    game.tick(minutes(10))

    assert game.ask(BOB, F).code == "conflict"


@pytest.mark.rule("CLAIM-1")
@pytest.mark.parametrize(
    ("seen", "after", "word", "free", "said"),
    [
        (Sighting(locked=True, clone_beats=True), 60, "live", None, ""),
        (CRASHED, 1, "over", 2, "session is over (last seen 1 min ago): free at 2026-11-21 09:32 UTC"),
        (CRASHED.evolve(closed_at=NOW), 3, "over", 10, "session is over (last seen 3 min ago)"),
        (CRASHED.evolve(closed_at=NOW + minutes(5)), 8, "over", 15, "session is over (last seen 3 min ago)"),
        (CRASHED.evolve(called_at=NOW + minutes(5)), 6, "over", 7, "session is over (last seen 1 min ago)"),
        (LEFT_OUT, 14, "quiet", 15, ""),
        (LEFT_OUT.evolve(beaten_at=NOW), 4, "live", None, ""),
        (LEFT_OUT.evolve(beaten_at=NOW), 12, "quiet", 30, ""),
        (Sighting(), 100, "unknown", 120, ""),
    ],
)
def test_a_refusal_says_whether_the_holder_is_gone_and_when_its_claim_ends(
    seen: Sighting, after: int, word: str, free: int | None, said: str
) -> None:
    game = Claims(seen={"s-ann": seen})
    held = game.claim(ANN, F)
    game.tick(minutes(after))

    outcome = game.ask(BOB, F)
    row = conflicts_of(outcome)[0]

    assert row["holder_life"] == word
    assert row.get("free_at") == (time_text(held.created_at + minutes(free)) if free else None)
    assert said in outcome.message
    assert bool(said) is ("free at" in outcome.message)
    shown = row.get("holder_seen")
    ago = span_text((game.now - parse_time(str(shown))).total_seconds()) if said else ""
    assert not said or f"last seen {ago} ago" in outcome.message


@pytest.mark.rule("CLAIM-1")
def test_what_is_said_to_be_free_is_so_when_its_own_time_is_up_at_the_latest() -> None:
    game = Claims(seen={"s-ann": CRASHED.evolve(closed_at=NOW + minutes(5))})
    _ = game.claim(ANN, wish(F, hours=0.1))
    game.tick(minutes(6))

    outcome = game.ask(BOB, F)

    assert conflicts_of(outcome)[0]["free_at"] == time_text(NOW + minutes(6.5))
    assert "free at 2026-11-21 09:36 UTC" in outcome.message


@pytest.mark.rule("CLAIM-1")
def test_of_several_holders_each_conflict_says_what_is_known_of_its_own() -> None:
    game = Claims(seen={"s-ann": CRASHED})
    gone, there = game.claim(ANN, F), game.claim(BOB, G)
    game.tick(minutes(1))

    outcome = game.ask(BOB_ELSEWHERE, F, G)

    assert "and 1 other hold what you ask for" in outcome.message
    assert "free at" not in outcome.message
    told = {row["claim_id"]: row.get("free_at") for row in conflicts_of(outcome)}
    assert told == {gone.id: time_text(gone.created_at + minutes(2)), there.id: None}
    assert f"request_release(claim_id='{there.id}', reason=…)" in outcome.hint  # the other one is not there to answer


@pytest.mark.rule("LIVE-2")
def test_what_is_free_is_what_a_refusal_named_at_the_moment_that_it_named() -> None:
    game = Claims(seen={"s-ann": LEFT_OUT})
    game.claim(ANN, F)
    game.tick(minutes(6))
    free = parse_time(str(conflicts_of(game.ask(BOB, F))[0]["free_at"]))

    game.now = free - minutes(0.1)
    before = game.ask(BOB, F)
    game.now = free + minutes(0.1)

    assert (before.code, game.ask(BOB, F).code) == ("conflict", "claim_granted")
