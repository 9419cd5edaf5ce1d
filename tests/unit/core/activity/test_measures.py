"""How many steps, claims and waiters there are now, as monitoring takes them."""

from datetime import timedelta

from gitcoord.core.activity.measures import of_projects, of_register
from gitcoord.core.claims.register import Register
from gitcoord.core.steps.board import make_board
from gitcoord.core.steps.step import StepStatus
from tests.unit.core.play import NOW, project, step, steps


def test_a_project_has_its_steps_by_status_and_the_seconds_of_the_completed_ones() -> None:
    done = [
        step(num, status=StepStatus.COMPLETED, attempts=num, recoveries=1).evolve(
            claimed_at=NOW - timedelta(seconds=seconds), completed_at=NOW
        )
        for num, seconds in ((1, 60), (2, 30))
    ]
    board = make_board(project(), steps(*done, step(3)))

    [row] = of_projects([board])

    assert isinstance(row, dict)
    assert row["steps"] == {"not_started": 1, "claimed": 0, "in_progress": 0, "completed": 2, "failed": 0, "skipped": 0}
    assert (row["attempts"], row["recoveries"], row["completed"], row["seconds"]) == (3, 2, 2, 90.0)
    assert row["spread_seconds"] == {"average": 45.0, "median": 45.0, "p90": 60.0}


def test_without_claims_there_is_nothing_but_the_grants() -> None:
    assert of_register(Register(grants=7)) == {"claims": [], "waiting": [], "queue_grants": 7}
