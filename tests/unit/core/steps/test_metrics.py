"""Metrics, compared with numbers that were computed by hand."""

from datetime import datetime, timedelta

import pytest

from gitcoord.core.steps.board import Board, make_board
from gitcoord.core.steps.metrics import hours_of, metrics, spread
from gitcoord.core.steps.step import Step, StepStatus
from tests.unit.core.play import NOW, project, step, steps


def done(num: int, hours: float, agent: str = "ann", completed_at: datetime = NOW, **fields: object) -> Step:
    """Return a step that took so many hours and was completed at NOW unless told otherwise."""
    return step(
        num,
        status=StepStatus.COMPLETED,
        agent_id=agent,
        attempts=1,
        completed_at=completed_at,
        claimed_at=completed_at - timedelta(hours=hours),
    ).evolve(**fields)


def board(*wanted: Step) -> Board:
    return make_board(project(), steps(*wanted))


@pytest.mark.parametrize(
    ("hours", "average", "median", "p90"),
    [
        ([], None, None, None),
        ([2.0], 2.0, 2.0, 2.0),
        ([1.0, 2.0], 1.5, 1.5, 2.0),
        ([4.0, 1.0, 1.0], 2.0, 1.0, 4.0),
        ([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0], 5.5, 5.5, 9.0),
        ([1.0] * 10 + [12.0], 2.0, 1.0, 1.0),
        ([0.0], 0.0, 0.0, 0.0),
    ],
)
def test_average_median_and_90th_percentile(
    hours: list[float], average: float | None, median: float | None, p90: float | None
) -> None:
    assert spread(hours) == {"average": average, "median": median, "p90": p90}


def test_hours_are_from_claim_to_completion_of_what_is_completed() -> None:
    assert hours_of(done(1, 1.5)) == 1.5
    assert hours_of(done(1, 1.5, status=StepStatus.SKIPPED)) is None
    assert hours_of(done(1, 1.5, claimed_at=None)) is None


def test_the_metrics_of_a_project() -> None:
    day = timedelta(days=1)
    one = board(
        done(1, 1, scope="api"),
        done(2, 2, scope="api", completed_at=NOW - day),
        done(3, 6, "bob", scope="ui", attempts=3, checkpoint={"agent_id": "cat"}),
        step(4, status=StepStatus.FAILED, agent_id="bob", attempts=2, scope="api"),
        step(5, depends_on=(4,)),
        step(6, depends_on=(5,), scope="ui"),
    )

    found = metrics([one])

    assert found == {
        "counts": {"completed": 3, "failed": 1, "not_started": 2},
        "steps": 6,
        "hours": {"average": 3.0, "median": 2.0, "p90": 6.0},
        "scopes": {
            "api": {"steps": 3, "completed": 2, "average_hours": 1.5},
            "ui": {"steps": 2, "completed": 1, "average_hours": 6.0},
        },
        "agents": [
            {
                "agent": "ann",
                "steps": 2,
                "completed": 2,
                "average_hours": 1.5,
                "failed": 0,
                "recovered": 0,
                "scopes": ["api"],
            },
            {
                "agent": "bob",
                "steps": 2,
                "completed": 1,
                "average_hours": 6.0,
                "failed": 1,
                "recovered": 0,
                "scopes": ["api", "ui"],
            },
            {
                "agent": "cat",
                "steps": 0,
                "completed": 0,
                "average_hours": None,
                "failed": 0,
                "recovered": 1,
                "scopes": [],
            },
        ],
        "throughput": [{"day": "2026-11-20", "completed": 1}, {"day": "2026-11-21", "completed": 2}],
        "attempts_per_step": 1.75,
        "estimated_hours_left": 6.0,  # the median of 2 hours times 4 → 5 → 6
    }


def test_projects_are_estimated_as_if_worked_on_side_by_side() -> None:
    short = board(done(1, 2), step(2))
    long = board(step(1), step(2, depends_on=(1,)))

    assert metrics([short, long])["estimated_hours_left"] == 4.0


def test_without_anything_completed_there_is_no_estimate() -> None:
    found = metrics([board(step(1))])

    assert (found["estimated_hours_left"], found["throughput"], found["attempts_per_step"]) == (None, [], 0)


def test_a_step_that_took_no_time_counts_for_the_day() -> None:
    assert metrics([board(done(1, 0))])["throughput"] == [{"day": "2026-11-21", "completed": 1}]


def test_the_metrics_of_an_agent_are_its_own_and_of_its_sub_agents() -> None:
    one = board(
        done(1, 1, "ann"),
        done(2, 3, "ann/tests"),
        done(3, 9, "anna", checkpoint={"agent_id": "ann"}),
        done(4, 5, "ann", checkpoint={"agent_id": "bob"}),
    )

    found = metrics([one], "ann")

    assert (found["steps"], found["hours"]) == (3, {"average": 3.0, "median": 3.0, "p90": 5.0})
    assert "estimated_hours_left" not in found
    rows = found["agents"]
    assert isinstance(rows, list)
    assert [(row["agent"], row["completed"], row["recovered"]) for row in rows if isinstance(row, dict)] == [
        ("ann", 2, 1),
        ("ann/tests", 1, 0),
    ]
