"""Who had which step from when to when."""

from datetime import UTC, datetime, timedelta

from gitcoord.core.activity.occurrence import Occurrence
from gitcoord.core.activity.spans import Span, spans

START = datetime(2026, 11, 29, 12, tzinfo=UTC)


def at(minutes: int) -> datetime:
    return START + timedelta(minutes=minutes)


def step(minutes: int, kind: str, agent: str = "ann/cli/wt", num: str = "1") -> Occurrence:
    return Occurrence(at(minutes), f"step_{kind}", agent, num, project="app")


def test_a_span_is_from_a_claim_to_its_end() -> None:
    found = spans([step(0, "claimed"), step(1, "started"), step(5, "completed", "bob/cli/wt")])

    assert found == [Span("app", "1", "ann/cli/wt", at(0), at(1), at(5), "completed")]


def test_a_step_that_is_taken_over_has_a_span_for_either() -> None:
    found = spans([step(0, "claimed"), step(9, "recovered"), step(9, "claimed", "bob/cli/wt")])

    assert found == [
        Span("app", "1", "ann/cli/wt", at(0), None, at(9), "recovered"),
        Span("app", "1", "bob/cli/wt", at(9)),
    ]


def test_what_began_before_the_history_has_no_beginning() -> None:
    assert spans([step(1, "started")]) == [Span("app", "1", "ann/cli/wt", None, at(1))]
    assert spans([step(2, "failed")]) == [Span("app", "1", "ann/cli/wt", None, None, at(2), "failed")]


def test_a_step_that_failed_and_is_recovered_has_no_second_span() -> None:
    found = spans([step(0, "claimed"), step(2, "failed"), step(3, "recovered"), step(4, "skipped")])

    assert [(span.end, span.how) for span in found] == [(at(2), "failed")]


def test_a_claim_without_an_end_before_it_ends_the_span_before() -> None:
    found = spans([step(0, "claimed"), step(3, "claimed", "bob/cli/wt")])

    assert [(span.agent, span.end, span.how) for span in found] == [
        ("ann/cli/wt", at(3), "left"),
        ("bob/cli/wt", None, ""),
    ]
