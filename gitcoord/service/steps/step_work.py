"""Use cases of workers: take a step, work on it, hand it in."""

from collections.abc import Sequence
from itertools import accumulate

from gitcoord.core.claims import step_claims
from gitcoord.core.documents import limits
from gitcoord.core.documents.actor import Actor
from gitcoord.core.documents.call import Call, sentence
from gitcoord.core.documents.conflict import conflicts_in
from gitcoord.core.documents.json_text import Json
from gitcoord.core.documents.names import project_name
from gitcoord.core.steps.board import Board
from gitcoord.core.steps.step import Step
from gitcoord.core.steps.step_commands import (
    BeatStep,
    ClaimStep,
    CompleteStep,
    FailStep,
    RecoverStep,
    SkipStep,
    StartStep,
    UpdateStep,
)
from gitcoord.errors import InvalidError, NotFoundError, RewoundError
from gitcoord.ledger.clone import snapshot_files
from gitcoord.ledger.format.entry import Reply
from gitcoord.service.claims import claim_results
from gitcoord.service.claims.requested_items import check_paths, drawn_id
from gitcoord.service.place import visibility
from gitcoord.service.session import results
from gitcoord.service.session.fences import Fences
from gitcoord.service.session.holder_liveness import other_clones_live
from gitcoord.service.session.unsent import unsent
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.steps.branch_start import how_to_begin, remote_of
from gitcoord.service.steps.projects import board_of, reason_text
from gitcoord.service.steps.step_ids import parse_step_id

OUTSIDE_MAX = 100  # as many as a policy or a warning needs


@unsent("You were not given a step")
def claim_step(
    workspace: Workspace,
    *,
    project: str | None = None,
    agent_id: str | None = None,
    scope: str | None = None,
    step_id: str | None = None,
) -> dict[str, Json]:
    """Take one step, atomically across every clone; or say why there is none."""
    name, num = parse_step_id(workspace, step_id) if step_id else (project_name(project) if project else None, None)
    if project is not None and name is not None and name.lower() != project.lower():
        raise InvalidError(f"Step {step_id} is not of project {project!r}.", hint="Give one of the two.")
    actor = workspace.actor(agent_id)
    reply = workspace.submit(ClaimStep(scope=scope, step_num=num, claim_id=drawn_id(workspace, "c")), actor, name)
    result = _with_conflicts(workspace, results.of_step(reply))
    fence = reply.outcome.facts.get("fence") if reply.outcome and reply.outcome.is_done else None
    if isinstance(fence, int) and reply.project and reply.outcome:
        step, given = result.get("step"), f"{reply.project}/{reply.outcome.facts['step_num']}"
        branch = step.get("branch") if isinstance(step, dict) else None
        workspace.fences.keep(given, fence, branch if isinstance(branch, str) else None, actor.agent)
        if result.get("resumed") and result.get("from"):
            workspace.fences.drop_everywhere(given, fence - 1)  # what the partner had
        is_continued = bool(result.get("already") or result.get("recovered"))
        if isinstance(step, dict):
            result["next_step"] = how_to_begin(workspace, step, is_continued=is_continued)
        return visibility.with_readers(workspace, result)
    return result


def _with_conflicts(workspace: Workspace, result: dict[str, Json]) -> dict[str, Json]:
    """Show who holds the paths of steps as a claim of these paths would."""
    passed = result.get("passed_over")
    for row in [result, *(passed if isinstance(passed, list) else [])]:
        if isinstance(row, dict) and row.get("conflicts"):
            row["conflicts"] = claim_results.shown(conflicts_in(row["conflicts"]), workspace.checkout.tracked(), {})
    return result


@unsent("The start of work was not recorded; go on with the step")
def start_step(
    workspace: Workspace, *, step_id: str, worktree: str | None = None, agent_id: str | None = None
) -> dict[str, Json]:
    """Say that work has begun, and in which worktree."""
    project, num = parse_step_id(workspace, step_id)
    where = worktree or snapshot_files.worktree_name(workspace.repository.top)
    command = StartStep(step_num=num, fence=_fence_at_hand(workspace, project, num, agent_id), worktree=where)
    return _submit(workspace, command, project, agent_id)


@unsent("This was not recorded; go on with your work")
def heartbeat(workspace: Workspace, *, step_id: str | None = None, agent_id: str | None = None) -> dict[str, Json]:
    """Say that the work goes on: on one step, or on all of this session's."""
    if step_id is not None:
        project, num = parse_step_id(workspace, step_id)
        fence = _fence_at_hand(workspace, project, num, agent_id)
        return _submit(workspace, BeatStep(step_num=num, fence=fence), project, agent_id)
    actor = workspace.actor(agent_id)
    rows: list[Json] = []
    for held_id, fence in workspace.fences.all().items():
        try:
            why = _beat(workspace, actor, held_id, fence)
        except RewoundError as error:  # the outcome is unknown, so the fence is kept
            rows.append({"id": held_id, "status": "unknown", "why": str(error)})
            continue
        if why is None:
            rows.append({"id": held_id, "status": "held"})
        elif workspace.fences.drop(held_id, fence):  # else another thread of this session ended it meanwhile
            rows.append({"id": held_id, "status": "lost", "why": why})
    return {"steps": rows, "count": len(rows)}


def _beat(workspace: Workspace, actor: Actor, step_id: str, fence: int) -> str | None:
    """Beat on one step; return why it is not this session's any more, or nothing."""
    project, num = parse_step_id(workspace, step_id)
    try:
        outcome = workspace.submit(BeatStep(step_num=num, fence=fence), actor, project).outcome
    except NotFoundError as error:
        return str(error)  # coordinated elsewhere now, where the project's name means another one or nothing
    return None if outcome is not None and outcome.is_done else outcome.message if outcome else ""


@unsent("The step is not handed in yet, and your commit is not lost: keep it")
def complete_step(
    workspace: Workspace,
    *,
    step_id: str,
    commit_hash: str,
    files_modified: Sequence[str] | None = None,
    notes: str | None = None,
    agent_id: str | None = None,
) -> dict[str, Json]:
    """Hand in a step with the commit that has its work."""
    _check_notes(notes)
    project, num = parse_step_id(workspace, step_id)
    commit = workspace.repository.resolve_commit(commit_hash)
    board = board_of(workspace, project)
    step = board.steps.get(num)
    files = list(files_modified) if files_modified is not None else _changed(workspace, board, step, commit)
    pushed = workspace.repository.is_pushed(commit, workspace.code_url) if workspace.code_url else None
    command = CompleteStep(
        step_num=num,
        commit_hash=commit,
        fence=_fence(workspace, step, project, num, agent_id),
        files_modified=tuple(files),
        notes=notes,
        on_branch=workspace.repository.is_on_branch(commit, step.branch) if step and step.branch else None,
        pushed=pushed,
        others_live=bool(other_clones_live(workspace)) if workspace.remote_url else False,
        outside=tuple(step_claims.outside(step, files)[:OUTSIDE_MAX]) if step else (),
        remote=remote_of(workspace) if pushed is False else "origin",
    )
    result = _submit(workspace, command, project, agent_id)
    if result.get("step"):
        _end_fences(workspace, step, project, num)
        result["next_step"] = sentence("Take the next one: ", Call.of("claim_step"), ".")
    return result


def _check_notes(notes: str | None) -> None:
    if notes is not None and len(notes) > limits.NOTES_CHARS:
        message = f"The notes are longer than {limits.NOTES_CHARS:,} characters."
        raise InvalidError(message, hint="Put the rest into the commit message.")


def _changed(workspace: Workspace, board: Board, step: Step | None, commit: str) -> list[str]:
    if step is None:
        return []
    before = [board.steps[num].commit_hash for num in step.depends_on]
    bases = [board.project.base_commit, *(commit for commit in before if commit)]
    return within_limits(workspace.repository.changed_files(commit, bases))


def within_limits(files: list[str]) -> list[str]:
    """Return as many of the files as a step names; it is not refused for files that it did not name."""
    sizes = accumulate(len(name.encode("utf-8", "surrogatepass")) for name in files)
    return [name for name, size in zip(files, sizes, strict=True) if size <= limits.STEP_FILES_BYTES]


@unsent("You still hold the step")
def fail_step(
    workspace: Workspace, *, step_id: str, reason: str, notes: str | None = None, agent_id: str | None = None
) -> dict[str, Json]:
    """Give a step up, with the reason, and notes for the agent that goes on with it."""
    _check_notes(notes)
    project, num = parse_step_id(workspace, step_id)
    step = board_of(workspace, project).steps.get(num)
    tip = workspace.repository.local_tip(step.branch) if step and step.branch else None
    command = FailStep(
        step_num=num,
        reason=reason_text(reason),
        fence=_fence(workspace, step, project, num, agent_id),
        notes=notes,
        branch_tip=tip[0] if tip else None,
    )
    result = _submit(workspace, command, project, agent_id)
    if result.get("step"):
        _end_fences(workspace, step, project, num)
        again = Call.of("claim_step", step_id=f"{project}/{num}")
        another = sentence("Take another one: ", Call.of("claim_step"), ".")
        result["next_step"] = sentence(another, " To retry this one later, from what was left: ", again, ".")
    return result


@unsent("The step is as it was")
def recover_step(workspace: Workspace, *, step_id: str, force: bool = False) -> dict[str, Json]:
    """Make a step available again that failed or whose holder is gone."""
    project, num = parse_step_id(workspace, step_id)
    step = board_of(workspace, project).steps.get(num)
    tip = None
    if step and step.branch and step.clone:
        here = step.clone == workspace.clone_id
        tip = workspace.setting.branch_look([step.branch], here=here).get(step.branch)
    command = RecoverStep(
        step_num=num,
        force=force,
        fence=_fence(workspace, step, project, num),
        branch_tip=tip[0] if tip else None,
        branch_at=tip[1] if tip else None,
    )
    return _submit(workspace, command, project, None)


@unsent("The step is as it was")
def skip_step(workspace: Workspace, *, step_id: str, reason: str) -> dict[str, Json]:
    """Settle a step without doing it."""
    project, num = parse_step_id(workspace, step_id)
    return _submit(workspace, SkipStep(step_num=num, reason=reason_text(reason)), project, None)


@unsent("The step is as it was")
def update_step(  # noqa: PLR0913 - the fields of a step, by name
    workspace: Workspace,
    *,
    step_id: str,
    title: str | None = None,
    description: str | None = None,
    branch: str | None = None,
    scope: str | None = None,
    priority: int | None = None,
    depends_on: Sequence[int] | None = None,
    paths: Sequence[str] | None = None,
) -> dict[str, Json]:
    """Change a step that no one holds."""
    project, num = parse_step_id(workspace, step_id)
    check_paths(workspace, paths or ())
    command = UpdateStep(
        step_num=num,
        title=title,
        description=description,
        branch=branch,
        scope=scope,
        priority=priority,
        depends_on=tuple(depends_on) if depends_on is not None else None,
        paths=tuple(paths) if paths is not None else None,
    )
    return _submit(workspace, command, project, None)


_OnStep = StartStep | BeatStep | CompleteStep | FailStep | RecoverStep | SkipStep | UpdateStep


def _submit(workspace: Workspace, command: _OnStep, project: str, agent_id: str | None) -> dict[str, Json]:
    actor: Actor = workspace.actor(agent_id)
    reply: Reply = workspace.submit(command, actor, project)
    return results.of_step(reply)


def _fence(workspace: Workspace, step: Step | None, project: str, num: int, agent_id: str | None = None) -> int | None:
    """Return the fence that this session was given; of a partner's step the one that the partner was given."""
    if step is not None and step.session_id and workspace.actor(agent_id).is_partner(step.agent_id, step.clone):
        return Fences(workspace, step.session_id).get(step.id)
    return workspace.fences.get(f"{project}/{num}")


def _fence_at_hand(workspace: Workspace, project: str, num: int, agent_id: str | None) -> int | None:
    """Return the same for a call that needs nothing else of the step: it is read only where we were given nothing."""
    own = workspace.fences.get(f"{project}/{num}")
    return own or _fence(workspace, board_of(workspace, project).steps.get(num), project, num, agent_id)


def _end_fences(workspace: Workspace, step: Step | None, project: str, num: int) -> None:
    """Put aside what was given for a step that ended, to this session and to the one that held it."""
    workspace.fences.end(f"{project}/{num}")
    if step is not None and step.session_id and step.session_id != workspace.session_id:
        Fences(workspace, step.session_id).end(step.id)
    if step is not None:
        workspace.fences.drop_everywhere(step.id, step.fence)  # what a partner has that joined it
