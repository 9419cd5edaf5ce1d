"""Planning: creating projects, adding, changing and skipping steps, aborting.

Rules:
  * STEP-1: a plan is checked whole before anything of it is written: numbers, dependencies, cycles, branches, size.
  * A base that no branch of the remote has is refused as a commit that is handed in is: others cannot begin with it.
  * STEP-11: a step is changed only while it has no holder and is not settled, and its project is active.
  * STEP-7: the last step that is settled completes its project.
  * STEP-10: an aborted project gives out no more steps; the holders of its steps may still complete them.

What this file does not know: whether commits or branches exist; the caller resolved them.
"""

import shlex
from collections import Counter
from collections.abc import Collection, Iterable, Mapping

from gitcoord.core.documents import limits, outcomes
from gitcoord.core.documents.call import Call, sentence
from gitcoord.core.documents.decision import Context, Ruling
from gitcoord.core.documents.doc import Doc
from gitcoord.core.documents.events import Event
from gitcoord.core.documents.json_text import time_text
from gitcoord.core.documents.liveness import LIMIT_MINUTES_MIN
from gitcoord.core.documents.names import branch_name, shown
from gitcoord.core.documents.outcomes import Outcome
from gitcoord.core.patterns import path_pattern
from gitcoord.core.steps import graph
from gitcoord.core.steps.board import Board
from gitcoord.core.steps.project import Project, ProjectStatus
from gitcoord.core.steps.step import Step, StepDefinition, StepStatus
from gitcoord.core.steps.step_commands import AbortProject, AddSteps, CreateProject, SkipStep, UpdateStep
from gitcoord.errors import InvalidError

NUMBER_MAX = 999_999_999  # nine digits, as in a step's id
PRIORITY_MAX = 1_000_000
STALE_MINUTES_MAX = 7 * 24 * 60  # a week: until then its holder may come back for a step
LISTED_MAX = 10  # how many culprits a sentence names


def create(board: Board | None, command: CreateProject, context: Context) -> Ruling:
    """Create a project whole."""
    if board is not None:
        message = f"A project named {shown(board.project.name)} exists already."
        add = Call.of("add_steps", ..., project=board.project.name)
        hint = sentence("Choose another name, or add to it: ", add, ".")
        return Ruling(outcomes.invalid("exists", message, hint, project=board.project.name))
    fault = _definitions_fault(command.steps, {}) or _stale_fault(command.stale_minutes)
    if fault:
        return Ruling(fault)
    steps = {definition.step_num: definition.as_step(command.name) for definition in command.steps}
    fault = plan_fault(steps) or nested_fault(steps, steps) or _not_pushed(command, context)
    if fault:
        return Ruling(fault)
    project = Project(
        name=command.name,
        base_commit=command.base_commit,
        description=command.description,
        repo=command.repo,
        created_at=context.now,
        created_by=context.actor.agent,
        stale_minutes=command.stale_minutes,
    )
    outcome = outcomes.done("project_created", project=project.name, steps=len(steps))
    # Allowed while no other clone is live; one that comes later cannot begin with it.
    if command.pushed is False:
        warning = f"{_unreachable(command)} Push a branch that has it, such as: {_push_of_base(command)}"
        outcome = outcome.evolve(facts={**outcome.facts, "warnings": [warning]})
    return Ruling(outcome, (project, *steps.values()))


def _not_pushed(command: CreateProject, context: Context) -> Outcome | None:
    """Refuse a base that no other clone can begin with, as a commit that is handed in is refused."""
    if command.pushed is not False or not context.policy.requires_push(others_live=command.others_live):
        return None
    hint = f"Push a branch that has it, such as: {_push_of_base(command)}"
    return outcomes.refused("not_pushed", _unreachable(command), hint)


def _unreachable(command: CreateProject) -> str:
    return f"base_commit {command.base_commit[:12]} is on no branch of the remote: other clones cannot begin with it."


def _push_of_base(command: CreateProject) -> str:
    target = f"{command.base_commit[:12]}:refs/heads/{command.name}-base"
    return f"`git push {shlex.quote(command.remote)} {shlex.quote(target)}`."


def add(board: Board, command: AddSteps, _context: Context) -> Ruling:
    """Add steps to an active project."""
    fault = _ended(board.project) or _definitions_fault(command.steps, board.steps)
    if fault:
        return Ruling(fault)
    added = {definition.step_num: definition.as_step(board.project.name) for definition in command.steps}
    steps = {**board.steps, **added}
    fault = plan_fault(steps) or nested_fault(steps, added)
    if fault:
        return Ruling(fault)
    return Ruling(outcomes.done("steps_added", step_nums=[*sorted(added)]), tuple(added.values()))


def update(board: Board, command: UpdateStep, _context: Context) -> Ruling:
    """Change a step that no one holds."""
    step = board.steps.get(command.step_num)
    if step is None:
        return Ruling(no_such_step(board, command.step_num))
    fault = _ended(board.project)
    if fault or step.is_held or step.is_settled:
        return Ruling(fault or _not_open(step))
    changes = {name: value for name in _CHANGEABLE if (value := getattr(command, name)) is not None}
    if command.depends_on is not None:
        changes["depends_on"] = tuple(dict.fromkeys(command.depends_on))
    # `None` is what was not given: an empty text takes such a field away.
    for name in ("branch", "scope"):
        if changes.get(name) == "":
            changes[name] = None
    new = step.evolve(**changes)
    # The whole plan again: a new dependency can close a circle anywhere in it.
    steps = {**board.steps, new.step_num: new}
    fault = plan_fault(steps) or nested_fault(steps, [new.step_num])
    if fault:
        return Ruling(fault)
    return Ruling(outcomes.done("step_updated", step_num=new.step_num, changed=[*sorted(changes)]), (new,))


_CHANGEABLE = ("title", "description", "branch", "scope", "priority", "depends_on", "paths")


def skip(board: Board, command: SkipStep, context: Context) -> Ruling:
    """Settle a step without doing it; it counts as completed for what depends on it."""
    step = board.steps.get(command.step_num)
    if step is None:
        return Ruling(no_such_step(board, command.step_num))
    if step.status is StepStatus.SKIPPED:
        return Ruling(outcomes.done("step_skipped", step_num=step.step_num, already=True))
    fault = _ended(board.project)
    if fault or step.is_held or step.is_settled:
        return Ruling(fault or _not_open(step))
    new = step.evolve(status=StepStatus.SKIPPED, reason=command.reason, completed_at=context.now)
    return settle(board, new, "step_skipped", context)


def settle(board: Board, new: Step, code: str, context: Context) -> Ruling:
    """Write a settled step; the outcome says what became available and whether the project is complete."""
    after = board.with_changes(None, (new,))
    waiting = set(board.graph.dependants[new.step_num])
    unblocked = sorted(rank[2] for rank in after.available if rank[2] in waiting)
    finished = sum(after.counts.get(status, 0) for status in (StepStatus.COMPLETED, StepStatus.SKIPPED))
    changes: tuple[Doc, ...] = (new,)
    # An aborted project stays so, also when its last step is completed (STEP-10).
    completes = finished == len(after.steps) and board.project.status is ProjectStatus.ACTIVE
    if completes:
        changes = (new, board.project.evolve(status=ProjectStatus.COMPLETED, completed_at=context.now))
    facts: dict[str, outcomes.Json] = {"step_num": new.step_num, "unblocked": [*unblocked[:200]]}
    outcome = outcomes.done(code, **facts, **({"project_completed": True} if completes else {}))
    return Ruling(outcome, changes, events=({"event": Event.PROJECT_COMPLETED},) if completes else ())


def abort(board: Board, command: AbortProject, context: Context) -> Ruling:
    """End a project: no more claims; running steps may still complete."""
    project = board.project
    if project.status is ProjectStatus.ABORTED:
        return Ruling(outcomes.done("project_aborted", project=project.name, already=True))
    fault = _ended(project)
    if fault:
        return Ruling(fault)
    new = project.evolve(status=ProjectStatus.ABORTED, completed_at=context.now, reason=command.reason)
    running = [step.step_num for step in board.held_steps()]
    return Ruling(outcomes.done("project_aborted", project=project.name, running=[*running[:200]]), (new,))


def no_such_step(board: Board, num: int) -> Outcome:
    """Say that a step does not exist, and which do."""
    nums = sorted(board.steps)
    message = f"Project {shown(board.project.name)} has no step {num}."
    named = f"{nums[0]} to {nums[-1]}" if nums and nums[-1] - nums[0] + 1 == len(nums) else _listed(nums)
    hint = sentence(f"Its steps are {named}; see ", Call.of("get_project", name=board.project.name), ".")
    return outcomes.invalid("not_found", message, hint, step_num=num)


def _listed(items: Iterable[object]) -> str:
    texts = [str(item) for item in items]
    more = f" and {len(texts) - LISTED_MAX} more" if len(texts) > LISTED_MAX else ""
    return ", ".join(texts[:LISTED_MAX]) + more


def _ended(project: Project) -> Outcome | None:
    if project.status is ProjectStatus.ACTIVE:
        return None
    message = f"Project {shown(project.name)} is {project.status}."
    facts: dict[str, outcomes.Json] = {"project": project.name, "status": project.status}
    if project.completed_at:
        facts["ended_at"] = time_text(project.completed_at)
    if project.reason:
        facts["reason"] = project.reason
    return outcomes.refused("project_ended", message, "Create a new project for more work.", **facts)


def _not_open(step: Step) -> Outcome:
    if step.is_held:
        message = f"Step {step.id} is held by {step.agent_id}."
        hint = sentence("Wait until it ends, or ", Call.of("recover_step", step_id=step.id), " if its holder is gone.")
    else:
        message = f"Step {step.id} is {step.status}."
        hint = "Add a new step for further work."
    return outcomes.refused("not_open", message, hint, step_num=step.step_num, status=step.status, agent=step.agent_id)


def _stale_fault(minutes: int) -> Outcome | None:
    if LIMIT_MINUTES_MIN <= minutes <= STALE_MINUTES_MAX:
        return None
    message = f"stale_minutes is {minutes}; it is {LIMIT_MINUTES_MIN} to {STALE_MINUTES_MAX}."
    return outcomes.invalid("bad_number", message, "Two clocks may differ by ten minutes; 15 is the default.")


def _definitions_fault(definitions: tuple[StepDefinition, ...], existing: Mapping[int, Step]) -> Outcome | None:
    if not definitions:
        return outcomes.invalid("no_steps", "There are no steps.", "Give at least one step with a step_num.")
    if len(definitions) + len(existing) > limits.STEPS:
        message = f"A project has at most {limits.STEPS} steps."
        return outcomes.invalid("too_many", message, "Cut the work into projects.")
    for definition in definitions:
        # A document keeps fields that it does not know: one that is misspelt would be kept and do nothing.
        if definition.extra:
            unknown = _listed(shown(name, 40) for name in sorted(definition.extra))
            message = f"Step {definition.step_num} has unknown fields: {unknown}."
            hint = "A step has step_num, title, description, branch, scope, depends_on, paths and priority."
            return outcomes.invalid("unknown_field", message, hint, step_num=definition.step_num)
    nums = [definition.step_num for definition in definitions]
    twice = sorted(num for num, count in Counter(nums).items() if count > 1)
    if twice:
        return outcomes.invalid("duplicate", f"The number {twice[0]} is given twice.", "Number each step once.")
    clash = sorted(num for num in nums if num in existing)
    if clash:
        message = f"Step {_listed(clash)} exists already."
        return outcomes.invalid("duplicate", message, f"The next free number is {max(existing) + 1}.")
    return None


def plan_fault(steps: Mapping[int, Step]) -> Outcome | None:
    """Return the first fault of a whole plan, if any."""
    for step in steps.values():
        fault = _step_fault(step)
        if fault:
            return fault
    missing = graph.unknown_dependencies(steps)
    if missing:
        num, dependency = missing[0]
        what = "itself" if num == dependency else f"step {dependency}, which does not exist"
        return outcomes.invalid("bad_dependency", f"Step {num} depends on {what}.", step_num=num, dependency=dependency)
    cycle = graph.find_cycle(steps)
    if cycle:
        way = " → ".join(str(num) for num in cycle[: LISTED_MAX * 2])
        message = f"The steps depend on each other in a circle: {way}."
        return outcomes.invalid("cycle", message, "Remove one of these dependencies.", cycle=[*cycle[:200]])
    # A branch that lands completes its step (STEP-13): of two steps with one branch it would be open which.
    first: dict[str, int] = {}
    for num in sorted(steps):
        branch = steps[num].branch
        if branch is not None and first.setdefault(branch, num) != num:
            message = f"Steps {first[branch]} and {num} have the same branch, {shown(branch)}."
            return outcomes.invalid("same_branch", message, "Give each step a branch of its own, or none.")
    return None


def nested_fault(steps: Mapping[int, Step], nums: Collection[int]) -> Outcome | None:
    """Return that of two open steps, one of them of `nums`, only one can have its branch at a time, if any."""
    branches = {step.own_branch: num for num, step in sorted(steps.items()) if not step.is_settled}
    for branch, num in branches.items():
        levels = branch.split("/")
        for level in range(1, len(levels)):
            outer = "/".join(levels[:level])
            other = branches.get(outer)
            if other is not None and (num in nums or other in nums):
                message = f"Git cannot have branch {shown(outer)} (step {other}) beside {shown(branch)} (step {num})."
                hint = f"Name the first otherwise, such as {shown(f'{outer}/main')}."
                return outcomes.invalid("nested_branch", message, hint, step_num=num)
    return None


def _step_fault(step: Step) -> Outcome | None:
    if not 1 <= step.step_num <= NUMBER_MAX:
        return outcomes.invalid(
            "bad_number", f"{step.step_num} is not the number of a step; it is from 1 to {NUMBER_MAX}."
        )
    if abs(step.priority) > PRIORITY_MAX:
        return outcomes.invalid("bad_number", f"Step {step.step_num} has priority {step.priority}, beyond a million.")
    if len(step.depends_on) > limits.STEP_DEPENDENCIES:
        message = f"Step {step.step_num} depends on more than {limits.STEP_DEPENDENCIES} steps."
        return outcomes.invalid("too_many", message)
    if step.branch is not None:
        try:
            branch_name(step.branch)
        except InvalidError as error:
            return outcomes.invalid("bad_branch", f"Step {step.step_num}: {error}", error.hint, step_num=step.step_num)
    if len(step.paths) > limits.STEP_PATHS:
        message = f"Step {step.step_num} has {len(step.paths)} paths; {limits.STEP_PATHS} is the most."
        return outcomes.invalid("bad_paths", message, "Name folders instead of files.", step_num=step.step_num)
    for path in step.paths:
        try:
            _ = path_pattern.canonical(path)
        except path_pattern.PatternError as error:
            message = f"Step {step.step_num}, path {shown(path, 60)}: {error}"
            hint = "A path is a pattern from the repository's root, like src/auth/** or docs/*.md."
            return outcomes.invalid("bad_paths", message, hint, step_num=step.step_num)
    return None
