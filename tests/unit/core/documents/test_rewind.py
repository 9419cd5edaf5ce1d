"""Whether a ledger is back: what the numbers and the descent say, against a model that knows both histories whole."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitcoord.core.documents.limits import INTEGER, MOMENT_FIRST
from gitcoord.core.documents.rewind import (
    RATE_MAX,
    SLACK,
    Mark,
    Present,
    Rewind,
    is_possible,
    judge,
)

MARK = Mark("b" * 40, 7, "ann", 3, 0)


NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)


@pytest.mark.rule("SAFE-9")
@pytest.mark.parametrize(
    ("present", "least"),
    [
        (Present(7, at=NOW), SLACK),
        (Present(7, at=NOW - timedelta(days=30)), SLACK + timedelta(days=30)),
        (Present(7, at=NOW + timedelta(hours=9)), SLACK),
        (Present(7), SLACK + (NOW - MOMENT_FIRST)),
        (None, SLACK + (NOW - MOMENT_FIRST)),
    ],
    ids=["written now", "a month ago", "by a clock that is ahead", "at no time that is known", "gone"],
)
def test_no_more_is_believed_than_writers_can_have_made_since(present: Present | None, least: timedelta) -> None:
    most = (present.seq if present else 0) + int(least.total_seconds()) * RATE_MAX

    assert [is_possible(seen, present, NOW) for seen in (0, most, most + 1, INTEGER)] == [True, True, False, False]


@pytest.mark.rule("SAFE-9")
@pytest.mark.parametrize(
    ("present", "descends", "is_kept", "expected"),
    [
        (Present(7, 3), True, True, None),
        (Present(9, 4), True, True, None),
        (Present(9, 3), None, True, None),
        (None, None, True, Rewind.GONE),
        (Present(6, 3), True, True, Rewind.BACK),
        (Present(9, 2), True, True, Rewind.BACK),
        (Present(9, None), None, True, Rewind.BACK),
        (Present(9, None), True, False, None),
        (Present(9, 3), False, True, Rewind.BACK),
    ],
    ids=[
        "the same",
        "went on",
        "history was cut off",
        "gone",
        "a lower sequence number",
        "the own counter is lower",
        "the own counter is not there",
        "the own counter was dropped after a month",
        "another history that went on for longer",
    ],
)
def test_a_ledger_is_judged_by_what_was_seen_of_it(
    present: Present | None, descends: bool | None, is_kept: bool, expected: Rewind | None
) -> None:
    assert judge(MARK, present, descends=descends, counter_is_kept=is_kept) is expected


@pytest.mark.rule("SAFE-9")
def test_who_saw_nothing_judges_nothing() -> None:
    assert judge(None, None, descends=None) is judge(None, Present(1), descends=False) is None


@pytest.mark.rule("SAFE-9")
@given(
    history=st.lists(st.sampled_from(["ann", "bob"]), min_size=1, max_size=12),
    seen=st.integers(1, 12),
    left=st.integers(0, 12),
    since=st.lists(st.just("bob"), max_size=12),
    is_here=st.booleans(),
)
def test_exactly_what_lost_something_that_was_seen_is_back(
    history: list[str], seen: int, left: int, since: list[str], is_here: bool
) -> None:
    seen, left = min(seen, len(history)), min(left, len(history))
    mark = Mark("tip", seen, "ann", history[:seen].count("ann"))
    now = [*history[:left], *since]
    lost = left < seen

    found = judge(mark, Present(len(now), now.count("ann")), descends=not lost if is_here else None)

    assert found is (Rewind.BACK if lost else None) or (found is None and not is_here and len(now) >= seen)
