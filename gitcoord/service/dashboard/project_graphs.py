"""Project graphs: the steps of each project as a drawing needs them, with what it has no room for counted.

What this file does not know: where steps are drawn.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from gitcoord.core.documents.json_text import Json
from gitcoord.core.documents.liveness import Liveness
from gitcoord.core.steps.board import Board
from gitcoord.core.steps.nearest_steps import nearest
from gitcoord.core.steps.project import ProjectStatus
from gitcoord.core.steps.step import Step, StepStatus
from gitcoord.service.steps.projects import progress

STEPS_DRAWN = 300  # of one project: what a person can follow, and 0.2 MB of a page
STEPS_DRAWN_IN_ALL = 400
AVAILABLE, WAITING = "available", "waiting"
Row = dict[str, Json]


@dataclass(slots=True)
class ProjectGraphs:
    """Makes the rows of projects, and remembers which steps of a board are shown."""

    _nearest: dict[str, tuple[Board, int, list[int]]] = field(default_factory=dict[str, tuple[Board, int, list[int]]])

    def rows(self, boards: Sequence[Board], lives: Mapping[str, Liveness]) -> list[Json]:
        """Return all projects, those at work first and of these the newest; the first of them with their steps."""
        room = STEPS_DRAWN_IN_ALL
        rows: list[Json] = []
        names = {board.project.name for board in boards}
        self._nearest = {name: known for name, known in self._nearest.items() if name in names}
        newest = sorted(boards, key=lambda board: (board.project.created_at, board.project.name), reverse=True)
        for board in sorted(newest, key=lambda board: board.project.status is not ProjectStatus.ACTIVE):
            most, known = min(room, STEPS_DRAWN), self._nearest.get(board.project.name)
            if known is None or known[0] is not board or known[1] != most:
                known = (board, most, nearest(board, most) if most else [])
                self._nearest[board.project.name] = known
            room -= len(known[2])
            rows.append(_row(board, known[2], lives))
        return rows


def _row(board: Board, nums: Sequence[int], lives: Mapping[str, Liveness]) -> Row:
    shown = {*nums}
    first = {rank[2] for rank in board.available}
    here = Counter(board.steps[num].status for num in nums)
    left_out = {status.value: count - here[status] for status, count in sorted(board.counts.items())}
    return {
        "name": board.project.name,
        "repo": board.project.repo,
        "status": board.project.status,
        "counts": {status.value: count for status, count in sorted(board.counts.items()) if count},
        "steps": len(board.steps),
        "progress": progress(board),
        "available": len(board.available),
        "shown": [_step(board, board.steps[num], shown, first, lives) for num in nums],
        "left_out": {status: count for status, count in left_out.items() if count},
    }


def _step(board: Board, step: Step, shown: set[int], first: set[int], lives: Mapping[str, Liveness]) -> Row:
    before = [num for num in dict.fromkeys(step.depends_on) if num in shown]
    life = lives.get(step.id)
    is_waiting = step.status is StepStatus.NOT_STARTED and board.waiting[step.step_num] > 0
    return {
        "step_num": step.step_num,
        "title": step.title,
        "state": AVAILABLE if step.step_num in first else WAITING if is_waiting else step.status.value,
        "depends_on": [*before],
        "not_shown": len({*step.depends_on}) - len(before),
        "agent": step.agent_id if step.is_held or step.status is StepStatus.FAILED else None,
        "life": life.life.value if life and step.is_held else None,
    }
