"""Beating: what edit hooks claimed lives while it is used; a holder shows itself."""

from datetime import timedelta

import pytest

from gitcoord.core.claims.claim import Claim
from gitcoord.core.claims.claim_commands import BeatClaims, Tidy
from gitcoord.core.documents.policy import Policy
from tests import register_documents
from tests.unit.core.claim_play import (
    ANN,
    ANN_AGAIN,
    ANN_TESTS,
    BOB,
    NOW,
    Claims,
    F,
    G,
    auto,
    hours,
    minutes,
    seconds,
    wish,
)

USED = BeatClaims(active=(F,))


def used_until(game: Claims, end: float) -> None:
    """Beat every ten minutes until so many hours have passed."""
    while game.now + minutes(10) <= NOW + hours(end):
        game.tick(minutes(10))
        game.do(USED)


@pytest.mark.rule("CLAIM-13")
def test_edits_are_items_of_one_growing_claim() -> None:
    game = Claims()
    first = game.claim(ANN, auto(F), branch="ann/x")

    second = game.claim(ANN, auto(G), branch="ann/x")

    assert (second.id, [item.pattern for item in second.items]) == (first.id, [F, G])
    assert game.claim(ANN, auto(F), branch="ann/x").id == first.id
    assert len(game.register.claims) == 1


@pytest.mark.rule("CLAIM-13")
def test_other_holders_and_repositories_have_their_own_and_explicit_claims_do_not_grow() -> None:
    game = Claims()
    claims = [
        game.claim(ANN, auto("1.py")),
        game.claim(ANN_TESTS, auto("2.py")),
        game.claim(ANN, auto("3.py"), repo="other"),
        game.claim(ANN, "4.py"),
        game.claim(ANN, auto("5.py"), step="app/1"),
    ]

    assert len({one.id for one in claims}) == 5


@pytest.mark.rule("CLAIM-6")
def test_a_step_s_shared_file_is_renewed_by_the_beats_of_who_holds_the_step() -> None:
    game = Claims()
    week, shared = hours(24 * 7), wish("package.json", is_shared=True)
    held = game.claim(ANN, shared.evolve(hours=24.0 * 7), wish(F, hours=24.0 * 7), step="app/1", step_fence=1)
    other = game.claim(ANN, wish("lib/index.ts", is_shared=True))
    ends = [game.item(held, index).expires_at for index in (0, 1)]

    for _ in range(40):  # beyond the day for which an edit hook's items are renewed
        game.tick(minutes(61))
        game.do(BeatClaims())

    assert ends == [NOW + hours(2), NOW + week]
    assert [game.item(held, index).expires_at for index in (0, 1)] == [game.now + hours(2), NOW + week]
    assert other.id not in game.register.claims


@pytest.mark.rule("CLAIM-6")
def test_what_became_of_a_step_is_asked_for_only_where_a_beat_renews_a_shared_file_of_it() -> None:
    game = Claims()
    game.claim(ANN, wish("package.json", is_shared=True), wish(F), step="app/1", step_fence=1)
    asked: list[object] = []

    class Steps(set[str]):
        def __contains__(self, step: object) -> bool:
            asked.append(step)
            return False

    game.void = Steps()
    game.do(BeatClaims())
    before_half = [*asked]
    game.tick(minutes(61))
    game.do(BeatClaims())

    assert (before_half, asked) == ([], ["app/1"])


@pytest.mark.rule("CLAIM-6", "CLAIM-15")
@pytest.mark.parametrize("is_asked_for", [True, False])
def test_a_step_s_shared_file_is_not_renewed_where_it_is_asked_for_or_the_step_went_on(*, is_asked_for: bool) -> None:
    game = Claims()
    held = game.claim(ANN, wish("package.json", is_shared=True), step="app/1", step_fence=1)
    game.tick(minutes(61))
    if is_asked_for:
        game.request(BOB, held)
    else:
        game.void.add("app/1")

    game.do(BeatClaims())

    assert game.item(held).expires_at <= NOW + hours(2)


@pytest.mark.rule("CLAIM-13", "CLAIM-5")
@pytest.mark.parametrize(
    ("policy", "tracked", "most"),
    [
        (Policy(max_claim_files=3), 1_000, 3),
        (Policy(), 25, 5),
        (Policy(), 19, 8),
        (Policy(claim_scope="src"), 25, 8),
        (Policy(max_claim_files=0, max_claim_ratio=0.0), 25, 8),
    ],
)
def test_a_claim_grows_no_larger_than_one_that_is_made_whole_and_another_follows_it(
    policy: Policy, tracked: int, most: int
) -> None:
    game = Claims(policy=policy)

    for number in range(8):
        _ = game.claim(ANN, auto(f"{number}.py"), tracked=tracked, matched=1)

    sizes = [len(one.items) for one in game.held(ANN)]
    assert (sizes[0], sum(sizes)) == (most, 8)
    assert len(sizes) == -(-8 // most)


@pytest.mark.rule("CLAIM-13", "CLAIM-4")
def test_an_explicit_claim_does_not_rest_on_what_an_edit_hook_claimed() -> None:
    game = Claims()
    edited = game.claim(ANN, auto(F))

    explicit = game.claim(ANN, F)

    assert explicit.id != edited.id
    assert game.ask(ANN, auto(F)).facts["already"] is True


@pytest.mark.rule("CLAIM-13", "CLAIM-15")
def test_a_claim_whose_release_was_asked_for_does_not_grow() -> None:
    game = Claims()
    held = game.claim(ANN, auto(F))
    _ = game.request(BOB, held)

    assert game.claim(ANN, auto(G)).id != held.id


@pytest.mark.rule("CLAIM-13", "CLAIM-2")
def test_what_grows_meets_others_as_any_claim_does() -> None:
    game = Claims()
    held = game.claim(ANN, auto(F))
    other = game.claim(BOB, "src/b.py")

    assert game.ask(ANN, auto(G)).code == "conflict"
    game.release(BOB, other)
    assert game.claim(ANN, auto(G)).id == held.id
    assert game.ask(BOB, G).code == "conflict"


@pytest.mark.rule("CLAIM-13")
def test_an_edit_counts_as_activity() -> None:
    game = Claims()
    held = game.claim(ANN, auto(F))
    game.tick(minutes(6))

    _ = game.ask(ANN, auto(F))

    assert game.item(held).last_activity == game.now


@pytest.mark.rule("CLAIM-13")
def test_an_item_is_extended_while_it_is_used_and_dropped_when_idle() -> None:
    game = Claims()
    held = game.claim(ANN, auto(F), auto(G))
    entry = game.wait(BOB, G)

    game.tick(minutes(2) - seconds(1))
    _ = game.keep(BOB, entry)
    for _ in range(18):
        game.tick(seconds(100))
        _ = game.keep(BOB, entry) if entry in game.register.entries else None
        game.do(USED)

    assert [item.pattern for item in game.one(held).items] == [F]


@pytest.mark.rule("CLAIM-13", "CLAIM-11", "LIVE-3")
def test_who_waits_for_an_idle_item_is_served() -> None:
    game = Claims()
    _ = game.claim(ANN, auto(F), auto(G))
    game.tick(minutes(29))
    game.do(USED)
    _ = game.wait(BOB, G)

    game.tick(minutes(1))
    game.do(USED)

    assert game.held(BOB)


@pytest.mark.rule("CLAIM-13")
def test_idle_items_stay_where_idleness_is_off() -> None:
    game = Claims(policy=Policy(idle_minutes=0))
    held = game.claim(ANN, auto(G))
    game.tick(hours(3))

    game.do(USED)

    assert held.id in game.register.claims


@pytest.mark.rule("CLAIM-13")
def test_an_item_in_use_lasts_for_a_day_and_no_longer() -> None:
    game = Claims()
    held = game.claim(ANN, auto(F))
    game.do(BeatClaims(branch="ann/x"))

    used_until(game, 23)
    assert game.item(held).expires_at == NOW + hours(24)
    used_until(game, 23.9)
    assert game.item(held).expires_at == NOW + hours(24)


@pytest.mark.rule("CLAIM-13")
def test_the_day_of_a_later_item_begins_with_it() -> None:
    game = Claims()
    held = game.claim(ANN, auto(F))
    used_until(game, 20)
    _ = game.claim(ANN, auto(G))

    assert game.item(held, 1).since == game.now


@pytest.mark.rule("CLAIM-13")
def test_a_literal_path_with_brackets_is_found_active() -> None:
    game = Claims()
    path = "app/[slug]/page.tsx"
    held = game.claim(ANN, auto(path))
    game.tick(minutes(20))

    game.do(BeatClaims(active=(path,)))

    assert game.item(held).last_activity == game.now


@pytest.mark.rule("CLAIM-13", "CLAIM-15")
def test_what_a_request_shortened_is_not_extended_by_itself() -> None:
    game = Claims()
    held = game.claim(ANN, auto(F))
    used_until(game, 3)
    _ = game.request(BOB, held)
    game.do(USED)
    end = game.item(held).expires_at

    game.tick(minutes(4))
    game.do(USED)

    assert game.item(held).expires_at == end


@pytest.mark.rule("CLAIM-13")
@pytest.mark.parametrize(
    ("waited", "repo", "extended"),
    [(minutes(10), None, True), (minutes(11), None, False), (minutes(11), "other", True)],
)
def test_an_item_is_not_extended_past_who_waits_for_ten_minutes(
    waited: timedelta, repo: str | None, extended: bool
) -> None:
    game = Claims()
    held = game.claim(ANN, auto(F))
    used_until(game, 1.9)
    entry = register_documents.entry(
        agent=BOB.agent,
        clone=BOB.clone,
        created_at=NOW + hours(2) - waited,
        asked_at=NOW + hours(2),
        expires_at=NOW + hours(3),
        call=game.call("src/**", repo=repo),
    )
    game.register = game.register.with_changes([entry])

    game.now = NOW + hours(2)
    game.do(USED)

    assert (game.item(held).expires_at > NOW + hours(4)) is extended


@pytest.mark.rule("CLAIM-14")
def test_a_beat_moves_claims_to_the_branch_and_the_session_of_their_holder() -> None:
    game = Claims()
    own = game.claim(ANN, F, branch="ann/x")
    of_step = game.claim(ANN, G, branch="app-1", step="app/1")
    sub = game.claim(ANN_TESTS, "lib/c.py", branch="ann/x")

    game.do(BeatClaims(branch="ann/y"), ANN_AGAIN)

    def where(claim: Claim) -> tuple[str | None, str | None]:
        return game.one(claim).branch, game.one(claim).session

    assert where(own) == ("ann/y", ANN_AGAIN.session)
    assert where(of_step) == ("app-1", ANN_AGAIN.session)
    assert where(sub) == ("ann/x", ANN.session)


@pytest.mark.rule("CLAIM-14")
def test_a_beat_without_news_writes_nothing() -> None:
    game = Claims()
    _ = game.claim(ANN, F, auto(G), branch="ann/x")
    game.tick(minutes(1))

    outcome = game.do(BeatClaims(branch="ann/x", active=(G,)))

    assert (game.last.changes, outcome.facts["already"]) == ((), True)


@pytest.mark.rule("CLAIM-11")
def test_notices_leave_when_they_were_delivered_to_whom_they_are_for_or_after_a_day() -> None:
    game = Claims()
    game.release(BOB, game.claim(ANN, F), force=True)
    game.release(BOB, game.claim(ANN, G), force=True)
    first, second = sorted(game.register.notices)

    game.do(BeatClaims(delivered=(first,)), BOB)
    assert len(game.register.notices) == 2
    game.do(BeatClaims(delivered=(first,)), ANN)
    assert list(game.register.notices) == [second]

    game.tick(hours(24))
    game.do(Tidy(), BOB)
    assert not game.register.notices
