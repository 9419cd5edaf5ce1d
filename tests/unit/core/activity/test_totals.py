"""What happened in a span, summed up."""

from datetime import UTC, datetime, timedelta
from typing import Any

from gitcoord.core.activity.occurrence import Occurrence
from gitcoord.core.activity.totals import OF_STEPS, totals

NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)


def happened(kind: str, agent: str = "ann", hours: float = 0, **more: Any) -> Occurrence:  # noqa: ANN401 - any field
    return Occurrence(NOON + timedelta(hours=hours), kind, agent, **more)


def summed(*occurrences: Occurrence, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - any argument
    return totals(occurrences, **more)


def test_each_kind_is_summed_in_all_by_day_and_by_agent() -> None:
    found = summed(
        happened("step_completed"),
        happened("step_completed", "bob", hours=13),
        happened("claim_refused", "bob", times=3, reason="conflict"),
        happened("claim_refused", reason="behind_the_line"),
    )

    some = {"step_completed", "claim_refused"}
    assert {kind: count for kind, count in found["totals"].items() if count} == {
        "step_completed": 2,
        "claim_refused": 4,
    }
    assert [(row["day"], *(row[kind] for kind in sorted(some))) for row in found["by_day"]] == [
        ("2026-11-28", 4, 1),
        ("2026-11-29", 0, 1),
    ]
    assert [(row["agent"], *(row[kind] for kind in sorted(some))) for row in found["by_agent"]] == [
        ("ann", 1, 1),
        ("bob", 3, 1),
    ]
    assert found["refusals"] == {"conflict": 3, "behind_the_line": 1}


def test_a_call_waits_once_from_its_first_moment_to_its_grant() -> None:
    found = summed(
        happened("queue_grant", hours=3, subject="q-1"),
        happened("queued", hours=2, subject="q-1"),
        happened("queued", hours=1, subject="q-1"),
        happened("queue_grant", subject="q-0"),
        happened("queue_cancel", subject="q-2", reason="expired"),
        happened("queued", hours=-1, subject="q-2"),
    )

    assert found["waited_seconds"] == {"average": 7200.0, "median": 7200.0, "p90": 7200.0}
    assert (found["totals"]["queued"], found["totals"]["queue_grant"]) == (2, 2)
    assert found["left_the_line"] == {"expired": 1}


def test_a_clock_that_went_back_makes_no_wait_negative() -> None:
    found = summed(happened("queue_grant", hours=-1, subject="q-1"), happened("queued", subject="q-1"))

    assert found["waited_seconds"]["average"] == 0


def test_of_some_kinds_the_others_are_left_out() -> None:
    found = summed(happened("step_claimed"), happened("claim_granted", "bob"), kinds=OF_STEPS)

    assert found["totals"].keys() == set(OF_STEPS)
    assert [row["agent"] for row in found["by_agent"]] == ["ann"]


def test_nothing_is_summed_up_as_nothing() -> None:
    found = summed()

    assert set(found["totals"].values()) == {0}
    assert (found["by_day"], found["by_agent"], found["waited_seconds"]["average"]) == ([], [], None)
