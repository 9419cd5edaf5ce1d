"""The one place where a command of a project meets its rule.

`decide(board, command, context)` is pure: the same three give the same decision, which is what makes replaying
an operation after a lost race, and auditing it later, possible.
"""

from typing import assert_never

from gitcoord.core.documents import outcomes
from gitcoord.core.documents.call import Call, sentence
from gitcoord.core.documents.decision import Context, Decision
from gitcoord.core.steps.board import Board, make_board
from gitcoord.core.steps.project import Project
from gitcoord.core.steps.rules import import_project, land_steps, plan, progress, recover, take
from gitcoord.core.steps.step import Step
from gitcoord.core.steps.step_commands import (
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


def decide(board: Board | None, command: Command, context: Context) -> Decision:  # noqa: C901 - one line a command
    """Apply the rules. `board` is `None` while the project does not exist."""
    if isinstance(command, CreateProject):
        return plan.create(board, command, context)
    if isinstance(command, ImportProject):
        return import_project.project(board, command, context)
    if board is None:
        hint = sentence("See ", Call.of("list_projects"), ", or create it: ", Call.of("create_project", ...), ".")
        return Decision(outcomes.invalid("not_found", "There is no such project.", hint))
    match command:
        case AddSteps():
            return plan.add(board, command, context)
        case UpdateStep():
            return plan.update(board, command, context)
        case SkipStep():
            return plan.skip(board, command, context)
        case ClaimStep():
            return take.claim(board, command, context)
        case StartStep():
            return progress.start(board, command, context)
        case BeatStep():
            return progress.beat(board, command, context)
        case CompleteStep():
            return progress.complete(board, command, context)
        case LandStep():
            return land_steps.land(board, command, context)
        case FailStep():
            return progress.fail(board, command, context)
        case RecoverStep():
            return recover.recover(board, command, context)
        case AbortProject():
            return plan.abort(board, command, context)
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
