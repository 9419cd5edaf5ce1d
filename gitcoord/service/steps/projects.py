"""Use cases of planners: create, extend, end and look at projects."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from gitcoord.core.documents.call import Call, sentence
from gitcoord.core.documents.json_text import Json, time_text
from gitcoord.core.documents.names import project_name
from gitcoord.core.steps import graph
from gitcoord.core.steps.board import Board
from gitcoord.core.steps.project import STALE_MINUTES, ProjectStatus
from gitcoord.core.steps.step import HELD, Step, StepDefinition, StepStatus
from gitcoord.errors import DocumentError, InvalidError
from gitcoord.remote.contract.protocol import Oid, RefName
from gitcoord.service.session.holder_liveness import other_clones_live
from gitcoord.service.session.unsent import unsent
from gitcoord.service.session.workspace import Workspace

PAGE = 40  # steps in one answer: about 7 KB
SUMMARY = ("id", "step_num", "title", "branch", "scope", "depends_on", "agent_id", "commit_hash", "priority", "status")
RUNNING = "running"  # how status and people call what has a holder
TEXT_MAX = 4000  # of a description in a list of steps; get_step has the whole


@unsent("No project was created")
def create_project(
    workspace: Workspace,
    *,
    name: str,
    base_commit: str,
    steps: Sequence[Mapping[str, Json]],
    description: str = "",
    stale_minutes: int = STALE_MINUTES,
) -> dict[str, Json]:
    """Create a project whole."""
    from gitcoord.core.steps.step_commands import CreateProject
    from gitcoord.service.place import visibility
    from gitcoord.service.session import results
    from gitcoord.service.steps.branch_start import remote_of

    base = workspace.repository.resolve_commit(base_commit)
    pushed = workspace.repository.is_pushed(base, workspace.code_url) if workspace.code_url else None
    command = CreateProject(
        name=project_name(name),
        base_commit=base,
        steps=_checked(workspace, steps),
        description=description,
        repo=workspace.repo,
        stale_minutes=stale_minutes,
        pushed=pushed,
        others_live=bool(other_clones_live(workspace)) if workspace.remote_url else False,
        remote=remote_of(workspace) if pushed is False else "origin",
    )
    result = results.of_project(workspace.submit(command, workspace.actor(), name))
    return visibility.with_readers(workspace, result) if result.get("project") else result


@unsent("Nothing was added")
def add_steps(workspace: Workspace, *, project: str, steps: Sequence[Mapping[str, Json]]) -> dict[str, Json]:
    """Add steps to a project that is active."""
    from gitcoord.core.steps.step_commands import AddSteps
    from gitcoord.service.session import results

    command = AddSteps(steps=_checked(workspace, steps))
    return results.of_project(workspace.submit(command, workspace.actor(), project_name(project)))


@unsent("The project goes on")
def abort_project(workspace: Workspace, *, name: str, reason: str) -> dict[str, Json]:
    """End a project."""
    from gitcoord.core.steps.step_commands import AbortProject
    from gitcoord.service.session import results

    command = AbortProject(reason=reason_text(reason))
    return results.of_project(workspace.submit(command, workspace.actor(), project_name(name)))


def list_projects(workspace: Workspace, *, status: str | None = None) -> dict[str, Json]:
    """List projects, the one with the last activity first."""
    if status is None:
        wanted = None
    else:
        try:
            wanted = ProjectStatus(status)
        except ValueError:
            words = ", ".join(ProjectStatus)
            raise InvalidError(f"{status!r} is not a status of a project.", hint=f"It is one of {words}.") from None
    listed = workspace.listed()
    with workspace.lock:
        states = workspace.reader.projects(listed)
    oddities = workspace.oddities()
    rows = [
        _row(state.content, state.meta.at)
        for state in sorted(
            states, key=lambda state: (state.meta.at is not None, state.meta.at, state.ref), reverse=True
        )
        if state.content and wanted in (None, state.content.project.status)
    ]
    return {"projects": [*rows], "count": len(rows), **({"oddities": oddities} if oddities else {})}


def get_project(
    workspace: Workspace, *, name: str, offset: int = 0, limit: int = PAGE, status: str | None = None
) -> dict[str, Json]:
    """Return a project, its steps in pages, what is available, the critical path and who is on what.

    `status`: only steps of it are listed, `running` stands for those that have holders.
    """
    from gitcoord.core.steps.step_views import project_view

    if offset < 0 or limit < 1:
        raise InvalidError("offset is 0 or more, limit 1 or more.", hint=f"Leave them out for the first {PAGE} steps.")
    board = board_of(workspace, name)
    wanted = statuses_of(status)
    nums = [num for num, step in sorted(board.steps.items()) if step.status in wanted]
    page = nums[offset : offset + limit]
    result: dict[str, Json] = {
        "project": project_view(board),
        "steps": [summary(board.steps[num]) for num in page],
        "available": [rank[2] for rank in board.available[:PAGE]],
        "critical_path": [*graph.critical_path(board.steps, board.graph)[:PAGE]],
        "held": [{"step_num": step.step_num, "agent": step.agent_id} for step in board.held_steps()[:PAGE]],
        "progress": progress(board),
    }
    if offset + limit < len(nums):
        result["next_offset"] = offset + limit
        name, end = board.project.name, offset + limit
        # Only a shell asks for a status; it has `--offset`.
        todo = f"the same again with offset {end}" if status else Call.of("get_project", name=name, offset=end)
        result["next_step"] = sentence(f"{len(nums) - offset - limit} more steps: ", todo, ".")
    return result


def board_of(workspace: Workspace, project: str, listed: Mapping[RefName, Oid] | None = None) -> Board:
    """Return the board of a project that exists."""
    board = workspace.project_state(project_name(project), listed).content
    if board is None:
        raise InvalidError(f"There is no project {project!r}.")
    return board


def boards_of(
    workspace: Workspace,
    project: str | None,
    *,
    active: bool = False,
    listed: Mapping[RefName, Oid] | None = None,
) -> list[Board]:
    """Return the projects that are to be looked at, the oldest first: that one, or all; `active`: that are at work."""
    if project is not None:
        return [board_of(workspace, project, listed)]
    refs = workspace.listed() if listed is None else listed
    with workspace.lock:
        boards = [state.content for state in workspace.reader.projects(refs) if state.content]
    wanted = [board for board in boards if not active or board.project.status is ProjectStatus.ACTIVE]
    return sorted(wanted, key=lambda board: (board.project.created_at, board.project.name))


def summary(step: Step) -> dict[str, Json]:
    """Return a step without the texts that only its worker needs."""
    whole = step.shown(SUMMARY)
    failed: dict[str, Json] = {"reason": step.reason} if step.status is StepStatus.FAILED else {}
    return {**{name: whole[name] for name in SUMMARY}, **failed}


def statuses_of(word: str | None) -> frozenset[StepStatus]:
    """Return which steps a word means: all of them without one.

    Raises:
        InvalidError: it is no status of a step.
    """
    if word is None:
        return frozenset(StepStatus)
    if word == RUNNING:
        return HELD
    try:
        return frozenset({StepStatus(word)})
    except ValueError:
        words = ", ".join([*StepStatus, RUNNING])
        raise InvalidError(f"{word!r} is not a status of a step.", hint=f"It is one of {words}.") from None


def definitions(steps: Sequence[Mapping[str, Json]]) -> tuple[StepDefinition, ...]:
    """Read what a planner wrote.

    Raises:
        InvalidError: a step lacks its number or has a field of the wrong type; the sentence names both.
    """
    out: list[StepDefinition] = []
    for number, step in enumerate(steps, start=1):
        try:
            out.append(StepDefinition.parse(step))
        except DocumentError as error:
            text = str(error).replace("StepDefinition", f"Step {step.get('step_num', f'number {number} in the list')}")
            raise InvalidError(
                text, hint="A step is {step_num, title, branch, scope, depends_on: [numbers], …}."
            ) from None
    return tuple(out)


def _checked(workspace: Workspace, steps: Sequence[Mapping[str, Json]]) -> tuple[StepDefinition, ...]:
    """Read what a planner wrote, with paths as this repository's files show them to be meant."""
    from gitcoord.service.claims.requested_items import step_paths

    return tuple(step.evolve(paths=step_paths(workspace, step.paths)) for step in definitions(steps))


def reason_text(reason: str) -> str:
    """Return a reason that says something.

    Raises:
        InvalidError: it is empty, or longer than 4,000 characters.
    """
    if reason.strip() and len(reason) <= TEXT_MAX:
        return reason.strip()
    raise InvalidError("A reason is needed, of at most 4,000 characters.", hint="Say in a sentence why.")


def progress(board: Board) -> float:
    """Return the share of steps that are settled, from 0 to 1."""
    settled = sum(1 for step in board.steps.values() if step.is_settled)
    return round(settled / len(board.steps), 3) if board.steps else 1.0


def _row(board: Board, at: datetime | None) -> dict[str, Json]:
    from gitcoord.core.steps.step_views import project_view

    view = project_view(board)
    kept: dict[str, Json] = {name: view[name] for name in ("name", "status", "counts", "steps", "repo") if name in view}
    return {
        **kept,
        "progress": progress(board),
        "available": len(board.available),
        "last_activity": time_text(at) if at else None,
    }
