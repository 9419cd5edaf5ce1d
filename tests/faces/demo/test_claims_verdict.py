"""The verdict on claims finds what is missing and what must not be: each check fails for a history without its part."""

from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest

from gitcoord.core.claims.claim import Claim, Item, Mode, Part
from gitcoord.core.claims.queue_entry import QueueEntry
from gitcoord.core.claims.release_request import ReleaseRequest, RequestState
from gitcoord.core.documents.json_text import Json
from gitcoord.faces.demo.claims_verdict import checks_of_claims
from gitcoord.faces.demo.ledger import ClaimsEntry, Entry
from tests import register_documents as documents
from tests.register_documents import NOW

ANN = "ann/demo/ann-1"
BOB = "bob/demo/bob-3"

NEVER_TWO = "no two agents held the same at any commit"
CARVED = "an agent got a function out of a file that another held"
REFUSED = "an agent was refused what another held"
SERVED = "an agent waited in line and was granted by the commit that freed it"
APPROVED = "a holder was asked for its claim and handed it over in one commit"
PASSED = "a step whose paths were held was passed over"
WENT = "the killed agent's paths went with its step"
ENDED = "every claim ended"
EVERY = {NEVER_TWO, CARVED, REFUSED, SERVED, APPROVED, PASSED, WENT, ENDED}


def claim(
    one: str, agent: str, pattern: str, *symbols: str, given: str = "", step: str = "", waited: str = ""
) -> Claim:
    """Return a claim; `given`: the claim that has `discount` of it."""
    carved = (Part(claim=given, pattern=pattern, symbols=("discount",)),) if given else ()
    return documents.claim(
        id=one,
        agent=agent,
        clone=agent[:3],
        items=(Item(pattern=pattern, symbols=symbols, expires_at=NOW, carved=carved),),
        step=step or None,
        queue_id=waited or None,
    )


def request(decision: RequestState, granted: str | None = None) -> ReleaseRequest:
    who, holder = {"agent": ANN, "clone": "ann"}, {"holder_agent": BOB, "holder_clone": "bob"}
    return documents.request(id="r-ann", claim="c-bob", **who, **holder, decision=decision, granted=granted)


REFUSAL: dict[str, Json] = {"do": "claim_files", "code": "conflict", "by": BOB, "patterns": ["/cart.py"], "count": 1}
CART = claim("c-cart", ANN, "/cart.py")
PATHS = claim("c-paths", ANN, "/schema.sql", step="shop/1")


def commit(at: int, *docs: Claim | QueueEntry | ReleaseRequest, **event: Json) -> ClaimsEntry:
    return ClaimsEntry(f"c{at}", [event] if event else [], [], {doc.id: doc.dump() for doc in docs})


def history() -> list[ClaimsEntry]:
    """All that must happen, and nothing else: a commit for each turn of the dialogue, then the recovery."""
    function, bob = claim("c-fn", BOB, "/cart.py", "discount"), claim("c-bob", BOB, "/cart.py", waited="q-bob")
    given = claim("c-cart", ANN, "/cart.py", given="c-fn")
    return [
        commit(0, PATHS, CART),
        commit(1, PATHS, given, function, event="auto_narrow", claim="c-cart"),
        commit(2, PATHS, CART),
        replace(commit(3, PATHS, CART, documents.entry(id="q-bob", agent=BOB, clone="bob")), refusals=[REFUSAL]),
        commit(4, PATHS, bob, event="queue_grant", claim="c-bob"),
        commit(5, PATHS, bob, request(RequestState.PENDING)),
        commit(6, PATHS, claim("c-ann", ANN, "/cart.py"), request(RequestState.APPROVED, "c-ann")),
        commit(7, PATHS, request(RequestState.APPROVED, "c-ann")),
        commit(8, claim("c-next", BOB, "/schema.sql", step="shop/1")),
        commit(9),
    ]


def steps() -> list[Entry]:
    """Two commits of the project: ann has a step, and a claim of another one passes over what overlaps it."""
    docs: dict[int, dict[str, Json]] = {
        1: {"step_num": 1, "status": "claimed", "agent_id": ANN, "paths": ["/schema.sql"]},
        14: {"step_num": 14, "status": "not_started", "paths": ["*.sql"]},
    }
    passed: dict[str, Json] = {"code": "step_claimed", "facts": {"passed_over": [{"step_num": 14}]}}
    return [Entry("s0", "", "", [], docs), Entry("s1", "", "", [{"do": "claim_step", "outcome": passed}], docs)]


def failed(entries: list[ClaimsEntry], of_steps: list[Entry] | None = None) -> set[str]:
    checks = checks_of_claims(entries, steps() if of_steps is None else of_steps, ANN)
    return {check.name for check in checks if not check.is_ok}


def with_docs(at: int, *docs: Claim | QueueEntry | ReleaseRequest, without: str = "") -> list[ClaimsEntry]:
    """Return the history with other documents in one commit."""
    entries = history()
    left = {one: doc for one, doc in entries[at].docs.items() if one != without}
    entries[at] = replace(entries[at], docs={**left, **{doc.id: doc.dump() for doc in docs}})
    return entries


def test_a_history_in_which_all_happened_passes() -> None:
    checks = checks_of_claims(history(), steps(), ANN)

    assert {check.name for check in checks if check.is_ok} == EVERY


def test_nothing_at_all_fails_every_check() -> None:
    assert failed([], []) == EVERY


def test_a_history_without_a_carve_fails() -> None:
    entries = history()
    del entries[1]

    assert failed(entries) == {CARVED}


def test_a_carve_that_the_record_does_not_tell_fails() -> None:
    entries = history()
    entries[1] = replace(entries[1], events=[])

    assert failed(entries) == {CARVED}


def test_a_carved_function_that_does_not_come_back_fails() -> None:
    assert failed(with_docs(2, claim("c-cart", ANN, "/cart.py", given="c-fn"))) == {CARVED}


def test_a_history_without_a_refusal_fails() -> None:
    entries = history()
    entries[3] = replace(entries[3], refusals=[])

    assert failed(entries) == {REFUSED}


@pytest.mark.parametrize(
    "change",
    [
        {"patterns": ["/other.py"]},
        {"by": ANN, "patterns": ["/schema.sql"]},
        {"code": "too_many_claims"},
        {"do": "claim_step"},
    ],
    ids=["nobody held it", "its own", "another reason", "another command"],
)
def test_a_refusal_for_which_no_claim_was_in_the_way_does_not_count(change: Mapping[str, Json]) -> None:
    entries = history()
    entries[3] = replace(entries[3], refusals=[{**REFUSAL, **change}])

    assert failed(entries) == {REFUSED}


def test_a_grant_to_somebody_who_never_stood_in_line_fails() -> None:
    assert failed(with_docs(3, without="q-bob")) == {SERVED}


def test_a_grant_after_the_commit_that_freed_it_fails() -> None:
    assert failed(with_docs(3, without="c-cart")) == {SERVED}


def test_an_entry_that_stays_in_line_when_it_is_granted_fails() -> None:
    assert failed(with_docs(4, documents.entry(id="q-bob", agent=BOB, clone="bob"))) == {SERVED}


@pytest.mark.parametrize("decision", [RequestState.DENIED, RequestState.EXPIRED, RequestState.RESOLVED])
def test_a_request_that_was_not_approved_fails(decision: RequestState) -> None:
    assert failed(with_docs(6, request(decision, "c-ann"))) >= {APPROVED}


def test_a_handing_over_in_two_commits_fails() -> None:
    assert failed(with_docs(5, without="c-bob")) == {APPROVED}


def test_a_request_that_nobody_saw_pending_fails() -> None:
    assert failed(with_docs(5, without="r-ann")) == {APPROVED}


OVERLAPS: Mapping[str, Callable[[], list[ClaimsEntry]]] = {
    "two files": lambda: with_docs(2, claim("c-x", BOB, "cart.py")),
    "a file and a function": lambda: with_docs(2, claim("c-x", BOB, "/cart.py", "total")),
    "another function than the carved one": lambda: with_docs(1, claim("c-fn", BOB, "/cart.py", "discount", "total")),
    "carved for somebody else": lambda: with_docs(1, claim("c-x", "cy/demo/cy-1", "/cart.py", "discount")),
    "paths that only a pattern names": lambda: with_docs(2, claim("c-x", BOB, "*.sql")),
    "a method and its class": lambda: with_docs(
        4, claim("c-bob", BOB, "/cart.py", "Cart", waited="q-bob"), claim("c-x", ANN, "/cart.py", "Cart::total")
    ),
}


@pytest.mark.rule("SAFE-1")
@pytest.mark.parametrize("name", OVERLAPS)
def test_two_agents_that_hold_the_same_are_found(name: str) -> None:
    assert NEVER_TWO in failed(OVERLAPS[name]())


@pytest.mark.rule("SAFE-1")
def test_readers_and_claims_of_one_holder_do_not_hold_against_each_other() -> None:
    reads = claim("c-x", BOB, "/cart.py")
    reads = reads.with_items((reads.items[0].evolve(mode=Mode.READ),))

    assert failed(with_docs(2, reads, claim("c-y", ANN, "/cart.py"))) == set()


def test_a_history_in_which_no_step_was_passed_over_fails() -> None:
    assert failed(history(), steps()[:1]) == {PASSED}


def test_a_step_that_was_passed_over_though_nobody_held_its_paths_does_not_count() -> None:
    of_steps = steps()
    for entry in of_steps:
        entry.steps[1] = {**entry.steps[1], "paths": ["/other.txt"]}

    assert failed(history(), of_steps) == {PASSED}


def test_a_dead_agents_paths_that_were_free_for_a_moment_are_found() -> None:
    assert failed(with_docs(7, without="c-paths")) == {WENT}


def test_a_claim_that_is_left_is_found() -> None:
    assert failed(with_docs(9, claim("c-x", BOB, "/cart.py"))) == {ENDED}
