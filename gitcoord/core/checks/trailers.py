"""Trailers: what commits say of the step that they were made for, and whether it is so.

    Coord-Step: app/3
    Coord-Fence: 2
    Coord-Agent: ann/claude-code/wt-3

Rules:
  * The step exists, and its branch is this one; commits of steps that this branch's own step depends on may be in it.
  * A step of a project that is not there is a note: commits keep their trailers when a project is deleted.
  * An old fence is a finding only where the commit, or its patch, is neither in what the predecessor left (the
    checkpoint), nor in what the step was completed with, nor the work of the agent that has the step now, which
    resumed it.
  * What the branch's own step depends on is in it, by commit or by equal patch.

What this file does not know: git; whether one commit has the work of another is asked.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from gitcoord.core.checks.findings import Finding, Rule
from gitcoord.core.documents.names import shown, split_step_id
from gitcoord.core.steps.board import Board
from gitcoord.core.steps.step import Step, StepStatus
from gitcoord.errors import InvalidError

Has = Callable[[str, str], bool | None]
"""Whether the first commit has the second, or the same work, in its history; `None`: it is unknown here."""


@dataclass(frozen=True, slots=True)
class Signed:
    """A commit that names a step. `fence`: as it was written; no number is none."""

    commit: str
    step: str
    fence: str = ""
    agents: tuple[str, ...] = ()


def own_steps(boards: Iterable[Board], repo: str | None, branch: str | None) -> list[tuple[Board, Step]]:
    """Return the steps whose branch is this one."""
    if branch is None:
        return []
    here = [board for board in boards if board.project.repo == repo]
    return [(board, step) for board in here for step in board.steps.values() if step.branch == branch]


def behind(board: Board, step: Step) -> set[int]:
    """Return the numbers of all that a step depends on, however far."""
    found: set[int] = set()
    todo = [*step.depends_on]
    while todo:
        num = todo.pop()
        if num not in found and num in board.steps:
            found.add(num)
            todo += board.steps[num].depends_on
    return found


def judge_trailers(
    commits: Iterable[Signed],
    step_of: Callable[[str], Step | None],
    has_project: Callable[[str], bool],
    own: Iterable[tuple[Board, Step]],
    branch: str | None,
    history_has: Has,
) -> Iterator[Finding]:
    """Yield the problems of the steps that commits name. Without `branch` that of a step is not asked."""
    allowed = {board.steps[num].id for board, step in own for num in (step.step_num, *behind(board, step))}
    for signed in commits:
        step = step_of(signed.step)
        if step is None:
            yield _unknown(signed, has_project)
            continue
        if branch is not None and step.branch not in (None, branch) and step.id not in allowed:
            message = (
                f"Commit {signed.commit[:12]} names step {step.id}, whose branch is {shown(step.branch or '')}, "
                f"not {shown(branch)}."
            )
            hint = "Push it to the step's own branch, or correct its Coord-Step trailer."
            yield Finding(Rule.STEP_BRANCH, message, hint, commit=signed.commit)
        if signed.fence.isascii() and signed.fence.isdigit() and _is_old(signed, step, history_has):
            holder = f"; {shown(step.agent_id)} has the step now" if step.agent_id else ""
            message = f"Commit {signed.commit[:12]} was made with fence {int(signed.fence)} of step {step.id}, "
            message += f"which is at {step.fence}{holder}."
            hint = "The present holder of the step decides what becomes of this work; ask them."
            yield Finding(Rule.OLD_FENCE, message, hint, commit=signed.commit)


def judge_dependencies(own: Iterable[tuple[Board, Step]], head: str, has_work: Has) -> Iterator[Finding]:
    """Yield what the branch's own steps depend on and do not have."""
    for board, step in own:
        for num in step.depends_on:
            needed = board.steps[num]
            if needed.status is StepStatus.SKIPPED:
                continue
            if needed.status is not StepStatus.COMPLETED or needed.commit_hash is None:
                message = f"Step {step.id} depends on step {needed.id}, which is not completed but {needed.status}."
                yield Finding(Rule.MISSING_DEPENDENCY, message, f"Land it when {needed.id} is completed.")
                continue
            found = has_work(head, needed.commit_hash)
            if found is None:
                message = f"Whether the work of step {needed.id} is in here is unknown: commit "
                message += f"{needed.commit_hash[:12]} is not in this clone."
                hint = "Fetch the whole history (fetch-depth: 0), with the branch of that step."
                yield Finding(Rule.CANNOT_CHECK, message, hint, commit=needed.commit_hash)
            elif not found:
                message = f"Step {step.id} depends on step {needed.id}, whose commit {needed.commit_hash[:12]} is not "
                message += "in here, nor an equal patch."
                hint = f"Merge {needed.branch or needed.commit_hash[:12]!r} first."
                yield Finding(Rule.MISSING_DEPENDENCY, message, hint, commit=needed.commit_hash)


def _unknown(signed: Signed, has_project: Callable[[str], bool]) -> Finding:
    named = f"Commit {signed.commit[:12]} names step {shown(signed.step)}"
    try:
        project, _ = split_step_id(signed.step)
        is_known = has_project(project)
    except InvalidError:
        is_known = True  # no id at all: its author made a mistake
    if is_known:
        message = f"{named}, which does not exist."
        return Finding(Rule.UNKNOWN_STEP, message, "Correct its Coord-Step trailer.", commit=signed.commit)
    message = f"{named} of a project that is not there; it may have been deleted."
    return Finding(Rule.UNKNOWN_PROJECT, message, commit=signed.commit)


def _is_old(signed: Signed, step: Step, history_has: Has) -> bool:
    if int(signed.fence) == step.fence or step.agent_id in signed.agents:
        return False
    left = (step.checkpoint.get("commit"), step.commit_hash)
    return not any(isinstance(commit, str) and history_has(commit, signed.commit) for commit in left)
