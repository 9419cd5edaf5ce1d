"""Verdict: every row of its table, and what one had before."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from gitcoord.core.checks.findings import NOTES, STRICT, Finding, Rule, Weight, strictly
from gitcoord.core.checks.past_cover import Covers
from gitcoord.core.checks.verdict import (
    Case,
    Changed,
    area_of,
    barrier_note,
    barriers_met,
    judge,
    needs_symbols,
    unclaimed,
)
from gitcoord.core.claims.claim import Claim, Kind
from gitcoord.core.claims.claim_commands import Answer
from gitcoord.core.claims.conflicts import Asker
from gitcoord.core.claims.notice import Barrier
from gitcoord.core.claims.release_request import ReleaseRequest
from gitcoord.core.documents.actor import Actor
from tests.unit.core.claim_play import ANN, ANN_TESTS, BOB, BOB_TESTS, Claims, F, G, hours, minutes, read, wish

NOBODY = Asker(None)


def case(
    claims: Claims,
    actor: Actor = BOB,
    *,
    asker: Asker | None = None,
    covers: Covers | None = None,
    disregards: Callable[[Claim], bool] = lambda _: False,
) -> Case:
    asked = asker or Asker(actor, whole_session=True)
    return Case(claims.register, asked, claims.now, covers or Covers(), disregards)


def rules(found: Case, *files: Changed | str) -> list[tuple[str, str | None, tuple[str, ...]]]:
    changed = [Changed(one) if isinstance(one, str) else one for one in files]
    return [(one.rule, one.path, one.symbols) for one in judge(found, changed)]


def symbols(*names: str, path: str = F, module_level: bool = False, line: int | None = None) -> Changed:
    return Changed(path, names, module_level, line)


@pytest.mark.rule("CLAIM-24")
def test_a_file_that_another_claimed_is_a_finding_that_says_who_to_talk_to() -> None:
    claims = Claims()
    held = claims.claim(ANN, "src/**", branch="feat/login", description="the login")

    [one] = judge(case(claims), [Changed(F, line=7), Changed("docs/a.md")])

    assert (one.rule, one.severity, one.path, one.line) == (Rule.FOREIGN_CLAIM, Weight.FINDING, F, 7)
    assert one.message == (
        "'src/a.py' is claimed by 'ann/cli/wt-1' on branch 'feat/login': 'src/**', 'the login', until 13:30 UTC."
    )
    assert f"request_release(claim_id='{held.id}'" in one.hint
    assert one.claim["agent"] == "ann/cli/wt-1"


def test_several_symbols_are_claimed_and_one_is() -> None:
    claims = Claims()
    claims.claim(ANN, wish(F, "A", "B"))

    several, one = ([found] for names in (("A", "B"), ("A",)) for found in judge(case(claims), [symbols(*names)]))

    assert several[0].message.startswith("'A', 'B' in 'src/a.py' are claimed by 'ann/cli/wt-1'")
    assert one[0].message.startswith("'A' in 'src/a.py' is claimed by 'ann/cli/wt-1'")


def test_own_claims_and_those_of_the_session_are_no_finding() -> None:
    claims = Claims()
    claims.claim(BOB, F)
    claims.claim(BOB_TESTS, G)

    assert rules(case(claims), F, G) == []
    assert rules(case(claims, asker=Asker(BOB)), F, G) == [(Rule.FOREIGN_CLAIM, G, ())]


def test_by_branch_and_by_name_a_claim_is_own_as_well() -> None:
    claims = Claims()
    claims.claim(ANN, F, branch="feat/a")
    claims.claim(ANN_TESTS, G)

    assert rules(case(claims, asker=Asker(None, branch="feat/a")), F, G) == [(Rule.FOREIGN_CLAIM, G, ())]
    named = Asker(None, agents=frozenset({ANN.agent}))
    assert rules(case(claims, asker=named), F, G) == []
    assert len(rules(case(claims, asker=Asker(None, agents=frozenset({"ann/cli/wt-10"}))), F, G)) == 2


@pytest.mark.rule("CLAIM-24")
def test_readers_never_stand_in_the_way() -> None:
    claims = Claims()
    claims.claim(ANN, read(F))

    assert rules(case(claims), F, symbols("A")) == []


def test_symbols_collide_or_do_not() -> None:
    claims = Claims()
    claims.claim(ANN, wish(F, "A", "B::m"))

    assert rules(case(claims), symbols("C", "B::n")) == []
    assert rules(case(claims), symbols("C", "B", "A")) == [(Rule.FOREIGN_CLAIM, F, ("B", "A"))]
    assert rules(case(claims), F) == [(Rule.FOREIGN_CLAIM, F, ())]


def test_a_narrowable_file_is_its_holder_s_until_something_is_carved() -> None:
    claims = Claims()
    claims.claim(ANN, F)

    assert rules(case(claims), symbols("A")) == [(Rule.FOREIGN_CLAIM, F, ("A",))]
    claims.claim(BOB, wish(F, "A"))
    assert rules(case(claims), symbols("A")) == []
    assert rules(case(claims), symbols("A", "B")) == [(Rule.FOREIGN_CLAIM, F, ("B",))]
    assert rules(case(claims, ANN), symbols("B")) == []
    assert rules(case(claims, ANN), symbols("A")) == [(Rule.FOREIGN_CLAIM, F, ("A",))]


def test_what_was_carved_for_a_third_is_the_third_s_and_is_said_once() -> None:
    claims = Claims()
    claims.claim(ANN, F)
    claims.claim(BOB, wish(F, "A"))
    third = Actor(agent="bob/cli/wt-9", clone="desktop", session="s-9")

    found = list(judge(case(claims, third), [symbols("A")]))

    assert [one.claim["agent"] for one in found] == [BOB.agent]


@pytest.mark.rule("CLAIM-24")
def test_partners_by_agreement_both_push() -> None:
    claims = Claims()
    held = claims.claim(ANN, F, G)
    request = claims.request(BOB, held, wish(F))
    claims.answer(ANN, request, Answer.COEXIST, pattern=F, item=F)
    assert isinstance(claims.register.find(ReleaseRequest, request), ReleaseRequest)

    assert rules(case(claims), F, G) == [(Rule.FOREIGN_CLAIM, G, ())]
    assert rules(case(claims, ANN), F, G) == []


@pytest.mark.rule("CLAIM-24")
def test_module_level_lines_are_shared_where_somebody_holds_symbols() -> None:
    claims = Claims()
    claims.claim(ANN, wish(F, "A"))
    claims.claim(ANN, G)

    [note] = judge(case(claims), [symbols(module_level=True, line=1)])

    assert (note.rule, note.severity, note.line) == (Rule.SHARED_LINES, Weight.NOTE, 1)
    assert "'ann/cli/wt-1' work in that file" in note.message
    assert rules(case(claims, ANN), symbols(module_level=True)) == []
    assert rules(case(claims), symbols(module_level=True, path=G)) == [(Rule.FOREIGN_CLAIM, G, ())]


def test_module_level_lines_are_shared_where_something_was_carved() -> None:
    claims = Claims()
    claims.claim(ANN, F)
    claims.claim(BOB, wish(F, "A"))

    assert rules(case(claims), symbols(module_level=True)) == [(Rule.SHARED_LINES, F, ())]


def test_a_claim_that_is_over_for_others_or_confers_nothing_does_not_count() -> None:
    claims = Claims()
    claims.claim(ANN, F)

    assert rules(case(claims, disregards=lambda claim: claim.agent == ANN.agent), F) == []
    claims.tick(hours(4) + timedelta(seconds=29))
    assert rules(case(claims), F) != []
    claims.tick(timedelta(seconds=1))
    assert rules(case(claims), F) == []


def test_claims_of_another_repository_do_not_count() -> None:
    claims = Claims()
    claims.claim(ANN, F, repo="shop")

    assert rules(case(claims), F) == []
    assert rules(case(claims, asker=Asker(BOB, "shop")), F) != []


@pytest.mark.rule("CLAIM-24")
def test_what_was_committed_before_it_was_claimed_is_a_note() -> None:
    claims = Claims()
    claims.claim(ANN, F)
    before, after = claims.now - minutes(1), claims.now + minutes(1)

    assert rules(case(claims), Changed(F, changed_at=before)) == [(Rule.LATER_CLAIM, F, ())]
    assert rules(case(claims), Changed(F, changed_at=after)) == [(Rule.FOREIGN_CLAIM, F, ())]


def covered(*claims: Claim, begin: datetime) -> Covers:
    return Covers.of(claims, begin)


@pytest.mark.rule("CLAIM-24")
def test_what_was_own_at_any_time_since_the_branch_left_is_a_note() -> None:
    claims = Claims()
    mine = claims.claim(BOB, F, branch="feat/b")
    begin = claims.now - hours(1)
    claims.tick(hours(1))
    claims.release(BOB, mine)
    claims.claim(ANN, F)
    asker = Asker(None, branch="feat/b")

    found = case(claims, asker=asker, covers=covered(mine, begin=begin))

    assert rules(found, Changed(F, changed_at=claims.now + minutes(1))) == [(Rule.LATER_CLAIM, F, ())]
    gone = covered(mine, begin=claims.now + hours(4))
    assert rules(case(claims, asker=asker, covers=gone), F) == [(Rule.FOREIGN_CLAIM, F, ())]
    other = Asker(None, branch="feat/c")
    assert rules(case(claims, asker=other, covers=covered(mine, begin=begin)), F) == [(Rule.FOREIGN_CLAIM, F, ())]


def test_an_earlier_claim_on_symbols_covers_those_alone() -> None:
    claims = Claims()
    mine = claims.claim(BOB, wish(F, "A"))
    begin = claims.now
    claims.release(BOB, mine)
    claims.claim(ANN, F, wish(G, "X"))

    found = case(claims, asker=Asker(None, agents=frozenset({BOB.agent})), covers=covered(mine, begin=begin))

    assert needs_symbols(found, F)
    assert rules(found, symbols("A", "B")) == [(Rule.LATER_CLAIM, F, ("A",)), (Rule.FOREIGN_CLAIM, F, ("B",))]


def test_a_file_that_cannot_be_read_is_a_note_for_who_holds_a_part_of_it() -> None:
    claims = Claims()
    claims.claim(ANN, F)
    claims.claim(BOB, wish(F, "A"))
    broken = Changed(F, unread="takes more than 1 s to parse")

    assert rules(case(claims), broken) == [(Rule.CANNOT_CHECK, F, ())]
    assert rules(case(claims, asker=NOBODY), broken) == [(Rule.FOREIGN_CLAIM, F, ())] * 2
    [one] = judge(case(claims), [broken])
    assert "which symbols changed is unknown: the file takes more than 1 s to parse." in one.message


@pytest.mark.rule("SEC-4")
def test_where_the_team_enforces_a_part_of_a_file_that_cannot_be_read_covers_nothing_else() -> None:
    claims = Claims()
    claims.claim(ANN, F)
    claims.claim(BOB, wish(F, "A"))
    broken = Changed(F, unread="takes more than 1 s to parse")

    [found] = judge(replace(case(claims), enforces=True), [broken])

    assert (found.rule, found.severity) == (Rule.FOREIGN_CLAIM, Weight.FINDING)
    assert "which symbols changed is unknown: the file takes more than 1 s to parse." in found.message


def test_symbols_matter_only_where_somebody_holds_some() -> None:
    claims = Claims()
    claims.claim(ANN, "docs/**", wish(F, "A"))

    assert [needs_symbols(case(claims), path) for path in (F, G, "docs/a.py")] == [True, False, False]


@pytest.mark.rule("SEC-1")
@pytest.mark.parametrize("path", ["src/a\nb.py", "src/\x1b[31m.py", "src/" + "x" * 5000, "/".join(["src", *"x" * 99])])
def test_a_name_that_no_pattern_can_spell_is_still_covered_by_its_folder(path: str) -> None:
    claims = Claims()
    claims.claim(ANN, "src/**")

    [one] = judge(case(claims), [Changed(path)])

    assert one.path == path
    assert one.message.isprintable()
    assert area_of(path).overlaps(area_of("other.py")) is False


def test_a_change_without_a_claim_is_a_finding_where_claims_are_required() -> None:
    claims = Claims()
    claims.claim(BOB, wish(F, "A"), "docs/**")
    found = case(claims)

    assert [one.path for one in unclaimed(found, [Changed("docs/a.md"), Changed(G)])] == [G]
    [one] = unclaimed(found, [symbols("A", "B", module_level=True)])
    assert (one.rule, one.symbols) == (Rule.UNCLAIMED_CHANGE, ("B",))
    assert list(unclaimed(found, [symbols("A", module_level=True), symbols(module_level=True)])) == []
    assert [one.path for one in unclaimed(found, [symbols(module_level=True, path=G)])] == [G]


def test_what_was_claimed_once_is_claimed_enough() -> None:
    claims = Claims()
    mine = claims.claim(BOB, F)
    begin = claims.now
    claims.release(BOB, mine)

    assert list(unclaimed(case(claims, covers=covered(mine, begin=begin)), [Changed(F), symbols("A")])) == []
    assert len(list(unclaimed(case(claims), [Changed(F)]))) == 1


def test_a_barrier_over_a_changed_file_is_found_and_told() -> None:
    claims = Claims()
    barrier = Barrier(id="b-1", patterns=("src/**",), commit="a" * 40, branch="feat/a", agent=ANN.agent, at=claims.now)
    register = claims.register.with_changes([barrier])

    [(one, path)] = barriers_met(register, None, ["docs/a.md", F, G], claims.now)
    note = barrier_note(one, path)

    assert (one, path) == (barrier, F)
    assert (note.rule, note.severity, note.commit) == (Rule.BARRIER, Weight.NOTE, "a" * 40)
    assert barriers_met(register, "shop", [F], claims.now) == []
    assert barriers_met(register, None, [F], claims.now + timedelta(days=14)) == []


def test_strict_makes_findings_of_some_notes_only() -> None:
    assert STRICT < NOTES
    for rule in Rule:
        one = Finding(rule, "It is so.")
        is_finding = strictly(one).severity is Weight.FINDING
        assert is_finding == (rule not in NOTES or rule in STRICT)


def test_a_finding_as_data_leaves_out_what_it_does_not_know() -> None:
    assert Finding(Rule.BARRIER, "It is so.").dump() == {"rule": "barrier", "severity": "note", "message": "It is so."}


def test_a_module_is_never_narrowed() -> None:
    claims = Claims()
    claims.claim(ANN, wish(F, kind=Kind.MODULE))

    assert rules(case(claims), symbols("A")) == [(Rule.FOREIGN_CLAIM, F, ("A",))]
