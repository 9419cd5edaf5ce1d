"""Granting: what a call gives, to whom, and what it does to others."""

import pytest

from gitcoord.core.claims.claim import Kind, Mode, Part, Severity, Why
from gitcoord.core.claims.claim_commands import ClaimFiles, Wish
from gitcoord.core.documents.actor import Actor
from gitcoord.core.documents.outcomes import Verdict
from gitcoord.core.documents.policy import Policy
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
    conflicts_of,
    hours,
    minutes,
    module,
    read,
    seconds,
    wish,
)


@pytest.mark.rule("CLAIM-1")
def test_a_free_call_is_one_claim_of_all_its_items() -> None:
    game = Claims()

    made = game.claim(ANN, F, wish(G, "A"), branch="ann/x", description="login")

    assert [(item.pattern, item.symbols) for item in made.items] == [(F, ()), (G, ("A",))]
    assert (made.holder, made.session, made.branch, made.fence) == (ANN.holder, ANN.session, "ann/x", 1)
    assert made.expires_at == game.now + hours(4)
    assert game.events() == ["claim_granted"]


@pytest.mark.rule("CLAIM-1")
def test_one_conflict_refuses_the_whole_call_and_names_the_holder() -> None:
    game = Claims()
    held = game.claim(ANN, "src/**", "docs/x.md", branch="ann/x", description="login")

    outcome = game.ask(BOB, "lib/c.py", "src/*.py")

    assert (outcome.verdict, outcome.code) == (Verdict.REFUSED, "conflict")
    (conflict,) = conflicts_of(outcome)
    assert conflict["your_pattern"] == "src/*.py"
    assert (conflict["agent"], conflict["claim_id"], conflict["item"]) == (ANN.agent, held.id, "src/**")
    assert conflict["items"] == ["src/**", "docs/x.md"]
    assert (conflict["branch"], conflict["description"]) == ("ann/x", "login")
    assert conflict["example"]
    assert held.id in outcome.hint
    assert game.held(BOB) == []


@pytest.mark.rule("CLAIM-2")
def test_a_refusal_lists_the_symbols_that_the_holder_has() -> None:
    game = Claims()
    _ = game.claim(ANN, wish(F, "A", "B"))

    (whole,) = conflicts_of(game.ask(BOB, F))
    (some,) = conflicts_of(game.ask(BOB, wish(F, "A::m", "C")))

    assert (whole["symbols"], whole["your_symbols"]) == (["A", "B"], [])
    assert some["your_symbols"] == ["A::m"]


@pytest.mark.rule("CLAIM-2")
@pytest.mark.parametrize(
    ("held", "asked", "is_named"),
    [
        (wish(F), wish(F), True),
        (wish(F, "A"), wish(F), True),
        (wish(F, narrowable=False), wish(F), False),
        (module(F), wish(F), False),
        (wish(F, "A"), wish(F, "A"), False),
    ],
)
def test_a_refusal_names_the_call_for_symbols_where_that_would_be_granted(
    held: Wish, asked: Wish, *, is_named: bool
) -> None:
    game = Claims()
    _ = game.claim(ANN, held)

    hint = game.ask(BOB, asked).hint
    of_symbols = game.ask(BOB, wish(F, "B", *asked.symbols))

    assert ("only the symbols that you change: claim_files(symbols=…)" in hint) is is_named
    assert (of_symbols.code == "claim_granted") is is_named


@pytest.mark.rule("CLAIM-2")
def test_disjoint_symbols_coexist_and_nothing_else_is_stored() -> None:
    game = Claims()
    held = game.claim(ANN, wish(F, "A"))

    made = game.claim(BOB, wish(F, "B"))

    assert game.events() == ["auto_coexist", "claim_granted"]
    assert game.one(held) == held
    assert made.partners == ()


@pytest.mark.rule("CLAIM-2", "CLAIM-3", "SAFE-1")
def test_symbols_are_carved_out_of_a_file_and_both_are_partners() -> None:
    game = Claims()
    held = game.claim(ANN, F)

    made = game.claim(BOB, wish(F, "A"))

    assert game.item(held).carved == (Part(claim=made.id, pattern=F, symbols=("A",)),)
    assert game.one(held).partners == (Part(claim=made.id, pattern=F, symbols=("A",)),)
    assert made.partners == (Part(claim=held.id, pattern=F, symbols=("A",)),)
    assert game.notices(ANN) == ["auto_narrow"]
    assert game.ask(BOB_DOCS, wish(F, "A::m")).code == "conflict"
    assert game.claim(BOB_DOCS, wish(F, "B"))
    assert game.ask(BOB_ELSEWHERE, F).code == "conflict"


@pytest.mark.rule("CLAIM-3", "SAFE-1")
def test_what_one_claim_gives_back_is_kept_for_the_next_that_has_it_too() -> None:
    game = Claims()
    held = game.claim(ANN, F)
    first = game.claim(BOB, wish(F, "A"))
    second = game.claim(BOB, wish(F, "A", "B"))

    game.release(BOB, first)

    assert [(part.claim, part.symbols) for part in game.item(held).carved] == [(second.id, ("A", "B"))]
    game.release(BOB, second)
    assert game.one(held) == held


@pytest.mark.rule("CLAIM-2")
def test_a_writer_outdates_a_reader_who_does_not_get_it_back() -> None:
    game = Claims()
    reader = game.claim(ANN, read("src/*.py"))

    writer = game.claim(BOB, F)
    game.release(BOB, writer)

    assert game.item(reader).carved == (Part(claim=writer.id, pattern=F, why=Why.STALE),)
    assert game.notices(ANN) == ["auto_narrow"]
    assert game.ask(ANN, read(F)).facts.get("already") is None
    assert game.ask(ANN, read(G)).facts["already"] is True


@pytest.mark.rule("CLAIM-2")
def test_a_reader_is_warned_of_who_writes() -> None:
    game = Claims()
    _ = game.claim(ANN, F)

    outcome = game.ask(BOB, read(F))

    assert outcome.facts["warnings"] == [f"{ANN.agent} writes {F}; what you read may change."]


@pytest.mark.rule("CLAIM-2")
def test_with_strict_read_readers_and_writers_are_in_each_others_way() -> None:
    game = Claims(policy=Policy(strict_read=True))
    _ = game.claim(ANN, read(F), G)

    assert game.ask(BOB, read(F)).is_done
    assert game.ask(BOB, F).code == "conflict"
    assert game.ask(BOB, read(G)).code == "conflict"


@pytest.mark.rule("CLAIM-4")
@pytest.mark.parametrize(
    ("actor", "wished", "expected"),
    [
        (ANN, wish("src/a.py"), True),
        (ANN, wish("src/**"), True),
        (ANN, read("src/a.py"), True),
        (ANN, wish("src/a.py", "A"), True),
        (ANN_AGAIN, wish("src/a.py"), True),
        (ANN, wish("**"), False),
        (ANN, wish("lib/c.py"), False),
    ],
)
def test_claiming_within_ones_own_gives_that_again(actor: Actor, wished: Wish, expected: bool) -> None:
    game = Claims()
    held = game.claim(ANN, "src/**")

    outcome = game.ask(actor, wished)

    assert outcome.code == "claim_granted"
    assert (outcome.facts["claim"] == held.id) is expected
    assert (outcome.facts.get("already") is True) is expected


@pytest.mark.rule("CLAIM-4", "SAFE-1")
def test_what_lies_in_ones_own_folder_and_in_anothers_claim_is_nobodys_alone() -> None:
    game = Claims()
    ann, bob = game.claim(ANN, "yb"), game.claim(BOB, "NOTES.md")

    refused, refused_too = game.ask(ANN, "yb/NOTES.md"), game.ask(BOB, auto("yb/NOTES.md"))

    assert [one["claim_id"] for one in conflicts_of(refused)] == [bob.id]
    assert [one["claim_id"] for one in conflicts_of(refused_too)] == [ann.id]
    assert game.claim(ANN, "yb/other.md").id == ann.id


@pytest.mark.rule("CLAIM-4")
def test_a_reader_who_wants_to_write_gets_another_claim() -> None:
    game = Claims()
    held = game.claim(ANN, read(F))

    assert game.claim(ANN, F).id != held.id


@pytest.mark.rule("CLAIM-4")
@pytest.mark.parametrize("actor", [ANN_TESTS, BOB, BOB_ELSEWHERE])
def test_sub_agents_and_other_clones_are_other_holders(actor: Actor) -> None:
    game = Claims()
    _ = game.claim(ANN, F)

    assert game.ask(actor, F).code == "conflict"


@pytest.mark.rule("CLAIM-4")
def test_claims_of_another_repository_do_not_meet() -> None:
    game = Claims()
    _ = game.claim(ANN, F)

    assert game.ask(BOB, F, repo="other").is_done
    assert game.ask(ANN, F, repo="other").code == "conflict"


@pytest.mark.rule("CLAIM-4", "CLAIM-3")
def test_a_holder_gets_its_file_again_but_not_the_symbols_that_were_carved() -> None:
    game = Claims()
    held = game.claim(ANN, F)
    made = game.claim(BOB, wish(F, "A"))

    again = game.ask(ANN, F)

    assert again.facts["claim"] == held.id
    assert again.facts["carved"] == [{"claim": made.id, "pattern": F, "symbols": ["A"]}]
    assert game.ask(ANN, wish(F, "A")).code == "conflict"
    assert game.ask(ANN, wish(F, "B")).facts["claim"] == held.id


@pytest.mark.rule("CLAIM-4")
def test_what_is_over_for_its_holder_is_claimed_anew() -> None:
    game = Claims()
    held = game.claim(ANN, F)
    game.tick(hours(4))

    assert game.claim(ANN, F).id != held.id


@pytest.mark.rule("CLAIM-4", "CLAIM-22")
def test_a_step_claims_for_itself() -> None:
    game = Claims()
    own = game.claim(ANN, F)
    of_step = game.claim(ANN, F, step="app/1", step_fence=1)

    assert of_step.id != own.id
    assert game.ask(ANN, F, step="app/1", step_fence=1).facts["claim"] == of_step.id
    assert not game.ask(ANN, F, step="app/1", step_fence=2).facts.get("already")


@pytest.mark.rule("CLAIM-5")
@pytest.mark.parametrize(
    ("matched", "tracked", "policy", "expected"),
    [
        (100, 1_000, Policy(), None),
        (101, 1_000, Policy(), "too_large"),
        (101, 1_000, Policy(max_claim_files=0), None),
        (20, 100, Policy(), None),
        (21, 100, Policy(), "too_large"),
        (21, 100, Policy(max_claim_ratio=0.0), None),
        (19, 19, Policy(), None),
        (20, 20, Policy(), "too_large"),
        (50, 60, Policy(claim_scope="app"), None),
        (101, 101, Policy(claim_scope="app"), "too_large"),
    ],
)
def test_the_size_of_a_claim(matched: int, tracked: int, policy: Policy, expected: str | None) -> None:
    game = Claims(policy=policy)
    outcomes = [
        game.ask(ANN, wish("src/**", matched=matched), tracked=tracked),
        game.ask(BOB, "lib/*.py", "lib/*.md", tracked=tracked, matched=matched),
    ]

    assert {None if one.is_done else one.code for one in outcomes} == {expected}


@pytest.mark.rule("CLAIM-5")
def test_patterns_that_match_no_tracked_file_count_as_one_each() -> None:
    new = [wish(f"gen/**/*{number}*/**") for number in range(101)]
    game = Claims()

    assert game.ask(ANN, *new, tracked=1_000).code == "too_large"
    assert game.ask(ANN, *new[:100], tracked=1_000).code == "claim_granted"


@pytest.mark.rule("CLAIM-3", "CLAIM-4")
def test_a_file_of_ones_own_and_a_new_one_are_one_call_whatever_others_have_carved_out() -> None:
    game = Claims()
    first = game.claim(ANN, F)
    carving = game.claim(BOB, wish(F, "g"))

    outcome = game.ask(ANN, F, G)
    again = game.ask(ANN, F, G)

    second = game.register.claims[str(outcome.facts["claim"])]
    assert [item.pattern for item in second.items] == [G]
    assert outcome.facts["claims"] == [second.id, first.id]
    assert outcome.facts["carved"] == [{"claim": carving.id, "pattern": F, "symbols": ["g"]}]
    assert "already" not in outcome.facts
    assert (again.facts["claims"], again.facts["already"]) == ([first.id, second.id], True)
    assert game.ask(BOB_DOCS, F).code == "conflict"
    assert [part.claim for part in game.item(first).carved] == [carving.id]


@pytest.mark.rule("CLAIM-4", "CLAIM-6")
def test_of_a_shared_file_of_ones_own_it_is_not_said_that_it_is_given_anew() -> None:
    game = Claims()
    game.claim(ANN, wish("package.json", is_shared=True))

    outcome = game.ask(ANN, wish("package.json", is_shared=True), wish("go.mod", is_shared=True), G)

    assert outcome.facts["warnings"] == ["go.mod is a shared file: the claim lasts 2 hours."]


@pytest.mark.rule("CLAIM-1", "CLAIM-4")
def test_what_others_hold_of_the_rest_refuses_a_call_that_names_ones_own_too() -> None:
    game = Claims()
    game.claim(ANN, F)
    game.claim(BOB, G)

    outcome = game.ask(ANN, F, G, "lib/c.py")

    assert [conflict["your_pattern"] for conflict in conflicts_of(outcome)] == [G]
    assert len(game.held(ANN)) == 1


@pytest.mark.rule("CLAIM-4", "CLAIM-15", "CLAIM-18")
def test_who_waits_for_ones_own_file_is_in_no_way_of_a_new_one_beside_it() -> None:
    game = Claims()
    first = game.claim(ANN, F)
    game.wait(BOB, F)
    game.tick(seconds(61))
    game.request(BOB, first)
    shortened = game.one(first).expires_at

    second = game.claim(ANN, F, G)

    assert [item.pattern for item in second.items] == [G]
    assert game.one(first).expires_at <= shortened  # what was asked for is no longer its holder's by that


@pytest.mark.rule("CLAIM-4", "CLAIM-18")
def test_who_waits_for_more_holds_no_one_up_with_what_it_has_already() -> None:
    game = Claims()
    game.claim(ANN, F)
    game.claim(BOB, G)
    game.wait(ANN, F, G)
    game.tick(seconds(61))

    outcome = game.ask(BOB, wish(F, "g"))
    waiting = game.ask(BOB_DOCS, G)

    assert (outcome.code, game.held(BOB)[-1].items[0].symbols) == ("claim_granted", ("g",))
    assert waiting.code == "conflict"


@pytest.mark.rule("CLAIM-4", "CLAIM-17")
def test_a_waiter_is_served_with_what_it_does_not_hold_yet() -> None:
    game = Claims()
    own = game.claim(ANN, F)
    game.claim(BOB_DOCS, wish(F, "g"))
    blocking = game.claim(BOB, G)
    entry = game.wait(ANN, F, G)

    game.release(BOB, blocking)

    (served,) = (claim for claim in game.held(ANN) if claim.id != own.id)
    assert (served.queue_id, [item.pattern for item in served.items]) == (entry, [G])
    assert game.ask(ANN, F, G).facts["claims"] == [own.id, served.id]


@pytest.mark.rule("CLAIM-4", "CLAIM-13")
def test_an_edit_hooks_claim_grows_by_what_is_new_and_the_rest_counts_as_used() -> None:
    game = Claims()
    grown = game.claim(ANN, auto(F))
    game.tick(minutes(20))

    outcome = game.ask(ANN, auto(F), auto(G))

    assert outcome.facts["claims"] == [grown.id]
    assert [item.last_activity for item in game.one(grown).items] == [game.now, game.now]


@pytest.mark.rule("CLAIM-5", "CLAIM-4")
def test_what_is_held_is_given_again_however_large_it_grew() -> None:
    game = Claims()
    _ = game.claim(ANN, "src/**")

    assert game.ask(ANN, wish("src/**", matched=500), tracked=500).is_done


@pytest.mark.rule("CLAIM-5")
@pytest.mark.parametrize(
    ("policy", "severity", "is_owner", "expected"),
    [
        (Policy(), Severity.HARD, False, "claim_granted"),
        (Policy(hard_requires_owner=True), Severity.HARD, False, "not_owner"),
        (Policy(hard_requires_owner=True), Severity.HARD, True, "claim_granted"),
        (Policy(hard_requires_owner=True), Severity.SOFT, False, "claim_granted"),
    ],
)
def test_hard_places_may_need_an_owner(policy: Policy, severity: Severity, is_owner: bool, expected: str) -> None:
    game = Claims(policy=policy)

    outcome = game.ask(ANN, F, severity=severity, owners=("bob",), is_owner=is_owner)

    assert outcome.code == expected
    assert [(one.severity, one.owners) for one in game.held(ANN)] in ([], [(severity, ("bob",))])


@pytest.mark.rule("CLAIM-6")
@pytest.mark.parametrize(
    ("wished", "kind", "lasts", "warns"),
    [
        (wish(F), Kind.FILE, 4, False),
        (wish(F, hours=12.0), Kind.FILE, 12, False),
        (module(F), Kind.MODULE, 4, False),
        (wish(F, kind=Kind.SHARED_FILE, hours=12.0), Kind.SHARED_FILE, 2, False),
        (wish(F, is_shared=True, hours=12.0), Kind.SHARED_FILE, 2, True),
        (wish(F, "A", is_shared=True), Kind.FILE, 4, False),
        (wish(F, kind=Kind.MODULE, is_shared=True), Kind.MODULE, 4, False),
    ],
)
def test_kinds_and_how_long_they_last(wished: Wish, kind: Kind, lasts: float, warns: bool) -> None:
    game = Claims()

    outcome = game.ask(ANN, wished)

    (item,) = game.held(ANN)[0].items
    assert (item.kind, item.expires_at) == (kind, game.now + hours(lasts))
    assert ("warnings" in outcome.facts) is warns


@pytest.mark.rule("CLAIM-1")
@pytest.mark.parametrize(
    ("wishes", "fields", "code"),
    [
        ((), {}, "no_patterns"),
        ((wish("../x"),), {}, "bad_pattern"),
        ((wish(F), wish(" ")), {}, "bad_pattern"),
        ((wish(F, "A::"),), {}, "bad_symbol"),
        ((wish(F, hours=0.0),), {}, "bad_hours"),
        ((wish(F, hours=200.0),), {}, "bad_hours"),
        ((wish(F),) * 501, {}, "too_many"),
        ((wish(F),), {"wait_s": 601}, "bad_wait"),
        ((wish(F),), {"wait_s": -1}, "bad_wait"),
        ((wish(F),), {"wait_s": 1, "entry_id": ""}, "bad_wait"),
    ],
)
def test_a_call_that_makes_no_sense_is_invalid(wishes: tuple[Wish, ...], fields: dict[str, object], code: str) -> None:
    outcome = Claims().do(ClaimFiles(claim_id="c-1", entry_id="q-1", wishes=wishes).evolve(**fields))

    assert (outcome.verdict, outcome.code) == (Verdict.INVALID, code)


@pytest.mark.rule("CLAIM-1")
def test_items_are_stored_in_their_canonical_spelling() -> None:
    made = Claims().claim(ANN, wish("./src\\\\a.py"), auto("app/[slug]/page.tsx"))

    assert [item.pattern for item in made.items] == [F, "app/[[]slug]/page.tsx"]
    assert made.items[1].mode is Mode.WRITE


@pytest.mark.rule("CLAIM-1", "SAFE-1")
def test_an_id_that_is_borne_already_takes_nothing_from_its_bearer() -> None:
    game = Claims()
    held = game.claim(ANN, F)
    entry = game.wait(BOB, F)

    claimed = game.do(game.call(G, claim_id=held.id), BOB)
    waiting = game.do(game.call(F, entry_id=entry, wait_s=60), BOB_DOCS)

    assert game.one(held) == held
    assert claimed.facts["claim"] == f"{held.id}-3"
    assert [one.items[0].pattern for one in game.held(BOB)] == [G]
    assert waiting.facts["queue_id"] == f"{entry}-4"
    assert game.register.entries[entry].holder == BOB.holder


@pytest.mark.rule("CLAIM-21")
def test_the_cap_on_claims_says_when_to_ask_again_and_spares_what_is_held() -> None:
    game = Claims(policy=Policy(max_claims_per_agent=1))
    held = game.claim(ANN, wish(F, hours=1.0))

    refused = game.ask(ANN, G)

    assert (refused.code, refused.facts["ask_again_s"]) == ("too_many_claims", 3600)
    assert game.ask(ANN, F).facts["claim"] == held.id
    assert game.ask(BOB, G).is_done


@pytest.mark.rule("CLAIM-14")
def test_a_claim_follows_its_holder_to_another_branch_and_session() -> None:
    game = Claims()
    held = game.claim(ANN, F, branch="ann/x")

    _ = game.ask(ANN_AGAIN, G, branch="ann/y")

    assert (game.one(held).branch, game.one(held).session) == ("ann/y", ANN_AGAIN.session)


@pytest.mark.rule("CLAIM-14")
def test_a_claim_for_a_branch_that_is_not_checked_out_takes_no_other_there() -> None:
    game = Claims()
    held = game.claim(ANN, F, branch="ann/x")

    made = game.claim(ANN, G, branch="ann/y", is_elsewhere=True)

    assert (game.one(held).branch, made.branch) == ("ann/x", "ann/y")


@pytest.mark.rule("CLAIM-4", "CLAIM-6")
@pytest.mark.parametrize("whole", [module(F), wish(F, narrowable=False)])
def test_who_wants_a_file_kept_whole_gets_more_than_a_narrowable_claim_of_its_own(whole: Wish) -> None:
    game = Claims()
    held = game.claim(ANN, "src/**")

    made = game.claim(ANN, whole)

    assert made.id != held.id
    assert game.claim(ANN, whole).id == made.id
    assert game.ask(BOB, wish(F, "A")).code == "conflict"
    assert game.ask(BOB, wish(G, "A")).is_done


@pytest.mark.rule("CLAIM-6")
def test_a_document_says_itself_that_it_is_not_narrowable() -> None:
    made = Claims().claim(ANN, F, module("lib/**"), wish(G, "A"), wish("x.lock", is_shared=True))

    assert [item.narrowable for item in made.items] == [True, False, False, False]


@pytest.mark.rule("CLAIM-22", "SAFE-1")
def test_what_was_claimed_with_a_step_that_went_on_ends_when_it_is_in_the_way() -> None:
    game = Claims()
    held = game.claim(ANN, F, step="app/1", step_fence=1)
    assert game.ask(BOB, F).code == "conflict"
    game.void.add("app/1")

    _ = game.claim(BOB, F)

    assert held.id not in game.register.claims
    assert game.last.events[0]["reason"] == "step"
