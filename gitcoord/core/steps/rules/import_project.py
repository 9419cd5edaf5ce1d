"""Importing a project: taking over what another tool had, as it stands there, whole or not at all.

    project ──is here, the same──> already
            ──is here, another───> refused
            ──otherwise──────────> written whole

Rules:
  * IMPORT-1: no one holds a step that is imported: no session here was given its fence. What is settled stays so.
  * IMPORT-3: the same import again changes nothing.

What this file does not know: the other tools, their files, how their words are read.
"""

from collections import Counter

from gitcoord.core.documents import limits, outcomes
from gitcoord.core.documents.decision import Context, Ruling
from gitcoord.core.documents.names import shown
from gitcoord.core.documents.outcomes import Outcome
from gitcoord.core.steps.board import Board
from gitcoord.core.steps.project import ProjectStatus
from gitcoord.core.steps.rules.plan import plan_fault
from gitcoord.core.steps.step_commands import ImportProject


def project(board: Board | None, command: ImportProject, context: Context) -> Ruling:
    """Take a project over whole."""
    new = command.project.evolve(created_by=context.actor.agent)
    if board is not None:
        # Say whether what is here is what would be imported. Who imported it makes no difference.
        here = board.project
        same = command.project.evolve(created_by=here.created_by) == here
        if same and {step.step_num: step for step in command.steps} == dict(board.steps):
            again = outcomes.done("project_created", project=here.name, steps=len(board.steps), already=True)
        else:
            message = f"A project named {shown(here.name)} exists already, and it is another or has gone on since."
            hint = f"Leave it out, or import it by another name: --rename {here.name}=NAME."
            again = outcomes.refused("exists", message, hint, project=here.name)
        return Ruling(again)
    fault = _fault(command)
    if fault:
        return Ruling(fault)
    outcome = outcomes.done("project_created", project=new.name, steps=len(command.steps), imported=True)
    return Ruling(outcome, (new, *command.steps))


def _fault(command: ImportProject) -> Outcome | None:
    steps, name = command.steps, command.project.name
    if not steps:
        return outcomes.invalid("no_steps", f"Project {shown(name)} has no steps.", "Leave it out.", project=name)
    if len(steps) > limits.STEPS:
        message = f"Project {shown(name)} has {len(steps)} steps; {limits.STEPS} is the most."
        return outcomes.invalid("too_many", message, "Leave it out.", project=name)
    twice = [num for num, count in Counter(step.step_num for step in steps).items() if count > 1]
    if twice:
        return outcomes.invalid("duplicate", f"The number {min(twice)} is given twice.", project=name)
    wrong = next((step for step in steps if step.id != f"{name}/{step.step_num}"), None)
    if wrong is not None:
        return outcomes.invalid("bad_id", f"Step {wrong.step_num} of {shown(name)} is named {shown(wrong.id)}.")
    # No session here was given the fence that another tool had for it (IMPORT-1).
    given = next((step for step in steps if step.is_held or step.fence), None)
    if given is not None:
        message = f"Step {shown(given.id)} is {given.status}; no agent here can hold an imported step."
        return outcomes.invalid("held", message, "Import it as not started.", step_num=given.step_num)
    return plan_fault({step.step_num: step for step in steps}) or _status_fault(command)


def _status_fault(command: ImportProject) -> Outcome | None:
    """A project is complete exactly when all of its steps are settled, unless a person ended it (STEP-7)."""
    # As `settle` would have left it: otherwise nothing would ever complete the project, or it would give out no step.
    is_settled, status = all(step.is_settled for step in command.steps), command.project.status
    if status is ProjectStatus.ABORTED or is_settled == (status is ProjectStatus.COMPLETED):
        return None
    what = "all of its steps are settled" if is_settled else "some of its steps are open"
    message = f"Project {shown(command.project.name)} cannot be {status}, for {what}."
    return outcomes.invalid("bad_status", message, project=command.project.name)
