"""Decisions: which clones accept one, and how many are kept."""

from datetime import UTC, datetime

import pytest

from gitcoord.core.documents.rewind import Mark, Present
from gitcoord.ledger.rewinds.decisions import DECISIONS_MAX, Decisions, RewindDecision

MARK = Mark("b" * 40, 7, "ann", 3, 0)


@pytest.mark.rule("SAFE-9")
def test_a_decision_covers_who_saw_no_more_and_only_what_came_after_it() -> None:
    decided = Decisions().with_one(RewindDecision(ledger="claims", what="kept", seen=7, seq=1007))

    covered = {
        "as decided": decided.covers("claims", MARK, Present(1007)),
        "it saw more": decided.covers("claims", Mark("c" * 40, 8), Present(1007)),
        "before the decision": decided.covers("claims", MARK, Present(6)),
        "another ledger": decided.covers("steps/app", MARK, Present(1007)),
        "gone again": decided.covers("claims", MARK, None),
    }

    assert [what for what, is_covered in covered.items() if is_covered] == ["as decided"]


@pytest.mark.rule("SAFE-9")
def test_what_took_a_ledger_away_covers_who_wrote_before_it_and_none_who_wrote_to_the_next_one() -> None:
    at = datetime(2026, 11, 30, tzinfo=UTC)
    decided = Decisions().with_one(
        RewindDecision(ledger="claims", what="deleted", seen=7, replaced="c" * 40, at=at),
    )
    before, since = int(at.timestamp()) - 60, int(at.timestamp()) + 60

    covered = {
        f"{name}, {there}": decided.covers("claims", mark, present)
        for there, present in (("gone", None), ("begun anew", Present(2)))
        for name, mark in {
            "before": MARK._replace(at_s=before),
            "only read": MARK,
            "since": MARK._replace(at_s=since),
            "of that tip, by a clock ahead": Mark("c" * 40, 9, at_s=since),
        }.items()
    }

    assert [what for what, is_covered in covered.items() if not is_covered] == ["since, gone", "since, begun anew"]


def test_only_the_newest_decisions_are_kept() -> None:
    decided = Decisions()
    for seen in range(DECISIONS_MAX + 1):
        decided = decided.with_one(RewindDecision(ledger="claims", what="kept", seen=seen))

    assert [one.seen for one in decided.decisions] == [*range(1, DECISIONS_MAX + 1)]
