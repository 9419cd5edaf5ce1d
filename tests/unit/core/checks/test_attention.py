"""What needs attention: whose it is, in which order it comes, and what a prompt says of it."""

import pytest

from gitcoord.core.checks.attention import PERSON, YOU, Attention, AttentionKind, Rank, highest, in_one_line, in_order
from tests.unit.core.claim_play import NOW, hours, minutes

ENDS = AttentionKind.CLAIM_ENDS


def row(kind: AttentionKind, rank: Rank = Rank.HIGH, who: str = YOU, about: str = "a", **more: object) -> Attention:
    values = {"kind": kind, "rank": rank, "who": who, "about": about, "message": "it is so", **more}
    return Attention(**values)


def test_the_highest_comes_first_then_what_ends_then_what_others_wait_for_then_the_oldest() -> None:
    old = row(AttentionKind.STEP_FAILED, about="old", since=NOW - hours(2))
    new = row(AttentionKind.STEP_FAILED, about="new", since=NOW - hours(1))
    blocks = row(AttentionKind.STEP_FAILED, about="blocks", since=NOW, waiting=3)
    soon, late = row(ENDS, about="soon", until=NOW + minutes(1)), row(ENDS, about="late", until=NOW + minutes(4))
    low = row(ENDS, Rank.LOW, about="low", until=NOW)

    rows = in_order([low, new, old, blocks, late, soon])

    assert [found.about for found in rows] == ["soon", "late", "blocks", "old", "new", "low"]


def test_what_another_agent_has_to_do_and_what_ends_by_itself_is_not_needed_of_the_caller() -> None:
    mine, anyones = row(ENDS, Rank.MEDIUM), row(AttentionKind.STEP_FAILED, who=PERSON)
    anothers, low = row(AttentionKind.RELEASE_ASKED, who="bob/cli/wt"), row(ENDS, Rank.LOW)

    assert [found.is_needed for found in (mine, anyones, anothers, low)] == [True, True, False, False]
    assert highest([anothers, low]) is None
    assert highest([mine, anothers]) is Rank.MEDIUM
    assert highest([mine, anyones]) is Rank.HIGH


@pytest.mark.parametrize(
    ("rows", "line"),
    [
        ([], ""),
        ([row(AttentionKind.RELEASE_ASKED, who="bob/cli/wt")], ""),
        (
            [
                row(ENDS, until=NOW + minutes(4)),
                row(AttentionKind.RELEASE_ASKED, until=NOW + minutes(1), about="r-1"),
                row(AttentionKind.RELEASE_ASKED, until=NOW + minutes(2), about="r-2"),
            ],
            "2 requests · 1 claim ends in 4 min",
        ),
        ([row(ENDS, until=NOW + minutes(9)), row(ENDS, until=NOW)], "2 claims end now"),
        ([row(AttentionKind.CALL_WAITING, Rank.MEDIUM)], "1 call waits behind you"),
        ([row(AttentionKind.CLOCK_OFF, who=PERSON)], "clock off"),
    ],
)
def test_a_prompt_counts_what_is_needed_in_its_order(rows: list[Attention], line: str) -> None:
    assert in_one_line(rows, NOW) == line


def test_every_kind_has_words_for_one_and_for_several() -> None:
    for kind in AttentionKind:
        one, two = (in_one_line([row(kind)] * count, NOW) for count in (1, 2))

        assert one
        assert two.startswith("2 ") or two == one


def test_a_row_is_json_with_its_facts_beside_what_all_rows_have() -> None:
    ends = row(ENDS, until=NOW, facts={"claim": "c-1"}, next_step="Extend it.")

    assert ends.as_json() == {
        "kind": "claim_ends",
        "severity": "high",
        "who": "you",
        "about": "a",
        "claim": "c-1",
        "until": NOW.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        "message": "it is so",
        "next_step": "Extend it.",
    }


def test_a_row_without_facts_is_json_as_well() -> None:
    assert row(AttentionKind.CLOCK_OFF, who=PERSON).as_json() == {
        "kind": "clock_off",
        "severity": "high",
        "who": "person",
        "about": "a",
        "message": "it is so",
    }
