"""The one place where a command of a project meets its rule.

`decide(board, command, context)` is pure: the same three give the same decision, which is what makes replaying
an operation after a lost race, and auditing it later, possible.
"""

from gitcoord.core.documents import outcomes
from gitcoord.core.documents.call import Call, sentence
from gitcoord.core.documents.decision import Decision, Ruling
from gitcoord.core.documents.rule_table import RuleTable
from gitcoord.core.steps.board import Board, StepContext, make_board
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


def decide(board: Board | None, command: Command, context: StepContext) -> Decision[Board | None]:
    """Apply the rules. `board` is `None` while the project does not exist."""
    ruling = _rule(board, command, context)
    after = _after(board, ruling) if ruling.changes else board
    return Decision(ruling.outcome, ruling.changes, ruling.judged, ruling.events, after=after)


def _rule(board: Board | None, command: Command, context: StepContext) -> Ruling:
    if _MAKERS.knows(command):
        return _MAKERS.decide(board, command, context)
    if board is None:
        hint = sentence("See ", Call.of("list_projects"), ", or create it: ", Call.of("create_project", ...), ".")
        return Ruling(outcomes.invalid("not_found", "There is no such project.", hint))
    return _RULES.decide(board, command, context)


def _after(board: Board | None, ruling: Ruling) -> Board | None:
    project = next((doc for doc in ruling.changes if isinstance(doc, Project)), None)
    steps = [doc for doc in ruling.changes if isinstance(doc, Step)]
    if board is not None:
        return board.with_changes(project, steps)
    return make_board(project, {step.step_num: step for step in steps}) if project else None


_MAKERS = RuleTable[Board | None, [StepContext], Ruling]()  # these alone may find no project
_MAKERS.on(CreateProject, plan.create)
_MAKERS.on(ImportProject, import_project.project)

_RULES = RuleTable[Board, [StepContext], Ruling]()
_RULES.on(AddSteps, plan.add)
_RULES.on(UpdateStep, plan.update)
_RULES.on(SkipStep, plan.skip)
_RULES.on(AbortProject, plan.abort)
_RULES.on(ClaimStep, take.claim)
_RULES.on(StartStep, progress.start)
_RULES.on(BeatStep, progress.beat)
_RULES.on(CompleteStep, progress.complete)
_RULES.on(FailStep, progress.fail)
_RULES.on(LandStep, land_steps.land)
_RULES.on(RecoverStep, recover.recover)
