"""The one place where a command of a project meets its rule.

`decide(board, command, context)` is pure: the same three give the same decision, which is what makes replaying
an operation after a lost race, and auditing it later, possible.
"""

from typing import assert_never

from gitcoord.core import importing, planning, recovery, running, step_landing, taking
from gitcoord.core import outcome as outcomes
from gitcoord.core.board import Board, make_board
from gitcoord.core.commands import (
    AbortProject,
    AddSteps,
    BeatStep,
    ClaimStep,
    Command,
    CompleteStep,
    CreateProject,
    FailStep,
    ImportProject,
    LandStep,
    RecoverStep,
    SkipStep,
    StartStep,
    UpdateStep,
)
from gitcoord.core.context import Context, Decision
from gitcoord.core.projects import Project
from gitcoord.core.steps import Step


def decide(board: Board | None, command: Command, context: Context) -> Decision:  # noqa: C901 - one line a command
    """Apply the rules. `board` is `None` while the project does not exist."""
    if isinstance(command, CreateProject):
        return planning.create(board, command, context)
    if isinstance(command, ImportProject):
        return importing.project(board, command, context)
    if board is None:
        hint = "See list_projects(), or create it: create_project(…)."
        return Decision(outcomes.invalid("not_found", "There is no such project.", hint))
    match command:
        case AddSteps():
            return planning.add(board, command, context)
        case UpdateStep():
            return planning.update(board, command, context)
        case SkipStep():
            return planning.skip(board, command, context)
        case ClaimStep():
            return taking.claim(board, command, context)
        case StartStep():
            return running.start(board, command, context)
        case BeatStep():
            return running.beat(board, command, context)
        case CompleteStep():
            return running.complete(board, command, context)
        case LandStep():
            return step_landing.land(board, command, context)
        case FailStep():
            return running.fail(board, command, context)
        case RecoverStep():
            return recovery.recover(board, command, context)
        case AbortProject():
            return planning.abort(board, command, context)
        case _:
            assert_never(command)


def apply(board: Board | None, decision: Decision) -> Board | None:
    """Return the board after a decision."""
    project = next((doc for doc in decision.changes if isinstance(doc, Project)), None)
    steps = [doc for doc in decision.changes if isinstance(doc, Step)]
    if board is not None:
        return board.with_changes(project, steps) if decision.changes else board
    if project is None:
        return None
    return make_board(project, {step.step_num: step for step in steps})
