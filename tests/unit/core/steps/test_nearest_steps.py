"""Which steps of a large project are shown."""

from gitcoord.core.steps.board import make_board
from gitcoord.core.steps.nearest_steps import nearest
from gitcoord.core.steps.step import StepStatus
from tests.unit.core.play import project, step, steps


def test_where_all_have_room_all_are_shown() -> None:
    board = make_board(project(), steps(step(2), step(1), step(3)))

    assert nearest(board, 3) == [1, 2, 3]


def test_what_is_held_failed_and_available_comes_before_its_neighbours_and_these_before_the_rest() -> None:
    board = make_board(
        project(),
        steps(
            *(step(num, status=StepStatus.COMPLETED) for num in (1, 2)),
            step(3, status=StepStatus.CLAIMED, depends_on=(2,), agent_id="ann/cli/wt", clone="c"),
            step(4, status=StepStatus.FAILED),
            step(5),
            step(6, depends_on=(5,)),
            step(7, depends_on=(6,)),
        ),
    )

    assert [nearest(board, most) for most in range(1, 8)] == [
        [3],
        [3, 4],
        [3, 4, 5],
        [3, 4, 5, 6],
        [2, 3, 4, 5, 6],
        [2, 3, 4, 5, 6, 7],
        [1, 2, 3, 4, 5, 6, 7],
    ]
