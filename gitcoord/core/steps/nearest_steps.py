"""Nearest steps: which steps of a large project are shown, where there is no room for all of them.

    held, failed, available ──> what waits for these ──> what these waited for ──> other open steps ──> ended last

What this file does not know: how steps are shown.
"""

from collections.abc import Iterable, Iterator

from gitcoord.core.steps.board import Board
from gitcoord.core.steps.step import Step, StepStatus


def nearest(board: Board, most: int) -> list[int]:
    """Return the numbers of at most so many steps, those first that matter now; by number where all have room."""
    if len(board.steps) <= most:
        return sorted(board.steps)
    chosen: dict[int, None] = {}
    for num in _in_turn(board, chosen):
        chosen[num] = None
        if len(chosen) == most:
            break
    return sorted(chosen)


def _in_turn(board: Board, chosen: Iterable[int]) -> Iterator[int]:
    """Yield every number at least once; `chosen`: those that were yielded, as they grow."""
    yield from (step.step_num for step in board.held_steps())
    if board.counts.get(StepStatus.FAILED):
        yield from (num for num, step in sorted(board.steps.items()) if step.status is StepStatus.FAILED)
    yield from (rank[2] for rank in board.available)
    now = [*chosen]
    yield from _ranked(board, {next_ for num in now for next_ in board.graph.dependants[num]})
    yield from (dependency for num in now for dependency in board.steps[num].depends_on)
    yield from _ranked(board, (num for num, step in board.steps.items() if not step.is_settled))
    yield from sorted(board.steps, key=lambda num: (_ended_at(board.steps[num]), num), reverse=True)


def _ranked(board: Board, nums: Iterable[int]) -> list[int]:
    return sorted(nums, key=lambda num: (board.waiting[num], board.graph.ranks[num]))


def _ended_at(step: Step) -> float:
    return step.completed_at.timestamp() if step.completed_at else 0.0
