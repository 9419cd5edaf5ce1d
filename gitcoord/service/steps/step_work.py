"""Use cases of workers: take a step, work on it, hand it in."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from itertools import accumulate

from gitcoord.core.claims import step_claims
from gitcoord.core.claims.claim import Severity
from gitcoord.core.documents import limits
from gitcoord.core.documents.actor import Actor
from gitcoord.core.documents.call import Call, sentence
from gitcoord.core.documents.conflict import conflicts_in
from gitcoord.core.documents.json_text import Json
from gitcoord.core.documents.names import project_name, shown
from gitcoord.core.patterns import path_pattern
from gitcoord.core.patterns.path_pattern import Pattern
from gitcoord.core.steps.project import ProjectStatus
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
from gitcoord.errors import CoordError, InvalidError, NotFoundError, RewoundError
from gitcoord.ledger.clone import snapshot_files
from gitcoord.ledger.format.entry import Reply
from gitcoord.remote.contract.protocol import Oid, RefName
from gitcoord.service.claims import claim_hints, claim_results
from gitcoord.service.claims.requested_items import drawn_id, step_paths
from gitcoord.service.place import visibility
from gitcoord.service.session import freshness, results
from gitcoord.service.session.fences import Fences
from gitcoord.service.session.holder_liveness import other_clones_live
from gitcoord.service.session.unsent import unsent
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.steps import handed_in
from gitcoord.service.steps.branch_start import how_to_begin, remote_of
from gitcoord.service.steps.projects import board_of, reason_text
from gitcoord.service.steps.step_ids import other_repo, parse_step_id
from gitcoord.service.team.owner_lookup import ownership_of, path_rules

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
    name, num = project_name(project) if project else None, None
    if step_id:
        name, num = parse_step_id(workspace, step_id, name)
    if project is not None and name is not None and name.lower() != project.lower():
        raise InvalidError(f"Step {step_id} is not of project {project!r}.", hint="Give one of the two.")
    actor = workspace.actor(agent_id)
    reply = _submitted(workspace, ClaimStep(scope=scope, step_num=num, claim_id=drawn_id(workspace, "c")), actor, name)
    result = _with_conflicts(workspace, results.of_step(reply))
    fence = reply.outcome.facts.get("fence") if reply.outcome and reply.outcome.is_done else None
    if isinstance(fence, int) and reply.project and reply.outcome:
        step, given = result.get("step"), f"{reply.project}/{reply.outcome.facts['step_num']}"
        branch = step.get("branch") if isinstance(step, dict) else None
        workspace.fences.keep(given, fence, branch if isinstance(branch, str) else None, actor.agent)
        if result.get("resumed") and result.get("from"):
            workspace.fences.drop_everywhere(given, fence - 1)  # what the partner had
        is_continued = bool(result.get("already") or result.get("recovered"))
        repo = step.get("repo") if isinstance(step, dict) else None
        if isinstance(repo, str) and workspace.repo not in (None, repo):
            here = shown(workspace.repo or "")
            result["warnings"] = [f"Step {given} is of repository {shown(repo)}; this is {here}."]
            back = Call.of("recover_step", step_id=given)
            result["next_step"] = sentence("Give it back: ", back, "; then claim it in a clone of that repository.")
        elif isinstance(step, dict):
            result["next_step"] = how_to_begin(workspace, step, is_continued=is_continued)
            said = _paths_said(workspace, step, actor, was_held=bool(result.get("already")))
            result |= {"warnings": said} if said else {}
        return visibility.with_readers(workspace, result)
    return result


def _submitted(workspace: Workspace, command: ClaimStep, actor: Actor, project: str | None) -> Reply:
    """Submit the claim of a step by the team's rules, and anew where these have changed meanwhile."""

    def attempt(refs: Mapping[RefName, Oid]) -> Reply:
        ruled = command.evolve(rules=path_rules(workspace, refs, actor.agent))
        return workspace.submit(ruled, actor, project, config=refs.get(workspace.setting.refs.config, ""))

    seen = freshness.last(workspace)
    refs = seen.refs if seen is not None else freshness.lately_for_rules(workspace)
    return freshness.by_rules(workspace, refs, attempt)


def _paths_said(workspace: Workspace, step: Mapping[str, Json], actor: Actor, *, was_held: bool) -> list[Json]:
    """Return what to know of a step's paths: who owns them, and what of its claim lasts shorter than the step."""
    paths = step.get("paths")
    places = [Pattern.of(path_pattern.canonical(str(path))) for path in (paths if isinstance(paths, list) else [])]
    with suppress(CoordError):  # the step is given by now: what cannot be looked up is not said, nor asked for anew
        refs = freshness.left(workspace) if places else None
        if refs is None:
            return []
        judged = ownership_of(workspace, places, refs, actor.agent)
        said: list[Json] = []
        if judged.severity is Severity.HARD and not judged.is_owner:
            owners = ", ".join(shown(owner) for owner in judged.owners)
            said += [f"The step's paths are in a place of severity hard, owned by {owners}: agree with an owner first."]
        return [*said, *claim_hints.of_step(workspace, actor, step, places, refs, was_held=was_held)]
    return []


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
    repository = workspace.repository
    commit = repository.resolve_commit(commit_hash)
    board = board_of(workspace, project)
    step = board.steps.get(num)
    heads = repository.heads(workspace.code_url) if workspace.code_url else None  # over the network, so once
    pushed = repository.is_in(commit, heads.values()) if heads is not None else None
    there = heads if heads and pushed else {}
    found = handed_in.HandedIn()
    if step is not None:
        # Git is asked also where the caller named the files: the paths are kept by what the commits changed.
        with_files = files_modified is None or bool(step.paths)
        found = handed_in.look(repository, board, step, commit, there, with_files=with_files)
    changed = found.files or ()
    files = files_modified if files_modified is not None else within_limits(changed)
    command = CompleteStep(
        step_num=num,
        commit_hash=commit,
        fence=_fence(workspace, step, project, num, agent_id),
        files_modified=tuple(files),
        notes=notes,
        on_branch=found.on_branch,
        pushed=pushed,
        others_live=bool(other_clones_live(workspace)) if workspace.remote_url else False,
        outside=tuple(step_claims.outside(step, sorted({*files, *changed}))[:OUTSIDE_MAX]) if step else (),
        remote=remote_of(workspace) if pushed is False else "origin",
        branch_end=found.branch_end,
        found_on=found.found_on,
        unknown_until=handed_in.history_command(repository) if found.files is None else "",
        from_repo=(workspace.repo or "") if other_repo(workspace, board) else "",
    )
    result = _submit(workspace, command, project, agent_id)
    if result.get("step"):
        _end_fences(workspace, step, project, num)
        result["next_step"] = sentence("Take the next one: ", _claiming(agent_id), ".")
    return result


def _claiming(agent_id: str | None) -> Call:
    """Return the call for more work, by the sub-agent that makes this one."""
    return Call.of("claim_step", agent_id=agent_id) if agent_id else Call.of("claim_step")


def _check_notes(notes: str | None) -> None:
    if notes is not None and len(notes) > limits.NOTES_CHARS:
        message = f"The notes are longer than {limits.NOTES_CHARS:,} characters."
        raise InvalidError(message, hint="Put the rest into the commit message.")


def within_limits(files: Sequence[str]) -> list[str]:
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
    board = board_of(workspace, project)
    step = board.steps.get(num)
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
        another = sentence("Take another one: ", _claiming(agent_id), ".")
        retry = sentence(" To retry this one later, from what was left: ", again, ".")
        # A project that has ended gives no step, this one neither (STEP-10).
        result["next_step"] = sentence(another, retry) if board.project.status is ProjectStatus.ACTIVE else another
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
    command = UpdateStep(
        step_num=num,
        title=title,
        description=description,
        branch=branch,
        scope=scope,
        priority=priority,
        depends_on=tuple(depends_on) if depends_on is not None else None,
        paths=step_paths(workspace, paths) if paths is not None else None,
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
