"""What a line of a record counts as."""

from datetime import UTC, datetime
from typing import Any

import pytest

from gitcoord.core.activity.occurrence import Occurrence, of_claims, of_refusal, of_steps
from gitcoord.core.documents.json_text import Json

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
BY = {"agent": "ann/cli/wt"}


def step(code: str, verdict: str = "done", **facts: Json) -> dict[str, Any]:
    return {"do": "x", "by": BY, "outcome": {"verdict": verdict, "code": code, "facts": {"step_num": 3, **facts}}}


def test_a_step_is_counted_for_its_agent() -> None:
    assert [*of_steps(step("step_completed"), NOW)] == [Occurrence(NOW, "step_completed", "ann/cli/wt", "3")]


def test_a_step_that_is_taken_over_is_claimed_by_one_and_recovered_from_another() -> None:
    found = [*of_steps(step("step_claimed", recovered=True, **{"from": "bob/cli/wt"}), NOW)]

    assert [(row.kind, row.agent) for row in found] == [
        ("step_claimed", "ann/cli/wt"),
        ("step_recovered", "bob/cli/wt"),
    ]


@pytest.mark.parametrize(
    "line",
    [
        step("step_completed", already=True),
        step("alive", "refused"),
        step("heartbeat"),
        {},
        {"outcome": "x", "by": [], "do": 1},
    ],
)
def test_what_changes_nothing_or_is_damaged_is_not_counted(line: dict[str, Any]) -> None:
    assert [*of_steps(line, NOW)] == []


def test_a_resolution_for_the_calls_own_claim_is_in_its_repository_and_any_other_is_looked_up() -> None:
    line = {
        "do": "claim_files",
        "by": BY,
        "args": {"repo": "web"},
        "outcome": {"verdict": "done", "code": "claim_granted", "facts": {"claim": "c-2"}},
        "events": [
            {"event": "claim_expired", "claim": "c-0", "agent": "bob/cli/wt", "reason": "time"},
            {"event": "auto_coexist", "claim": "c-1", "agent": "bob/cli/wt"},
            {"event": "claim_granted", "claim": "c-1", "agent": "bob/cli/wt"},
            {"event": "auto_narrow", "claim": "c-1", "agent": "bob/cli/wt"},
            {"event": "claim_granted", "claim": "c-2", "agent": "ann/cli/wt"},
        ],
    }

    found = [(row.kind, row.repo, row.granted) for row in of_claims(line, NOW)]

    assert found == [
        ("claim_granted", None, ""),
        ("auto_narrow", "web", ""),
        ("claim_granted", None, ""),
        ("auto_coexist", None, "c-1"),
        ("claim_expired", None, ""),
    ]


def test_a_call_that_begins_to_wait_is_counted() -> None:
    facts = {"queue_id": "q-1", "position": 1}
    line = {"do": "claim_files", "by": BY, "outcome": {"verdict": "done", "code": "waiting", "facts": facts}}

    assert [*of_claims(line, NOW)] == [Occurrence(NOW, "queued", "ann/cli/wt", "q-1")]
    assert [*of_claims({**line, "do": "keep_waiting"}, NOW)] == []


def test_a_refusal_counts_as_often_as_it_says_at_its_own_time() -> None:
    line = {"event": "claim_refused", "by": "bob/cli/wt", "uid": "u1", "count": 4, "at": "2026-11-28T23:00:00Z"}

    found = [*of_refusal({**line, "code": "conflict", "patterns": ["a.py", 5], "repo": "web"}, NOW)]

    at = datetime(2026, 11, 28, 23, tzinfo=UTC)
    expected = Occurrence(at, "claim_refused", "bob/cli/wt", "u1", 4, "web", "", "conflict", ("a.py",))
    assert found == [expected]


@pytest.mark.parametrize("count", [0, -1, True, "3", None, 1 << 40])
def test_a_refusal_that_cannot_be_counted_is_left_out(count: Json) -> None:
    assert [*of_refusal({"event": "claim_refused", "count": count}, NOW)] == []
