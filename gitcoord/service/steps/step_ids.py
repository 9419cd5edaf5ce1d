"""Which step or project a caller means: `myapp/3`, or a bare `3`, or nothing, while only one project is active.

Rules:
  * Where several repositories share one remote, only this one's projects are meant by a bare number, or by nothing.
"""

from collections.abc import Sequence

from gitcoord.core.documents.call import Call, sentence
from gitcoord.core.documents.names import shown, split_step_id
from gitcoord.core.steps.board import Board
from gitcoord.core.steps.project import Project, ProjectStatus
from gitcoord.errors import InvalidError
from gitcoord.service.session.workspace import Workspace

NAMED_MAX = 5


def parse_step_id(workspace: Workspace, step_id: str, project: str | None = None) -> tuple[str, int]:
    """Return project and number; of a bare number in `project`, if it is given.

    Where no project is active it is of the one that ended last: the call that ends a project may be repeated (STEP-6).

    Raises:
        InvalidError: it is not the id of a step, or a bare number means more than one.
    """
    text = step_id.strip()
    if not (text.isascii() and text.isdigit() and len(text) <= 9):  # noqa: PLR2004 - nine digits, as in a step's id
        return split_step_id(text)
    if project is None:
        project = _only(
            _projects(workspace),
            f"Step {text} of which project{_of_repo(workspace)}?",
            "'<project>/<number>'",
            or_last=True,
        )
    return split_step_id(f"{project}/{text}")


def only_project(workspace: Workspace) -> str:
    """Return the one project that is active.

    Raises:
        InvalidError: none is, or several are.
    """
    return _only(_projects(workspace), f"Which project{_of_repo(workspace)}?", "its name")


def _projects(workspace: Workspace) -> list[Project]:
    listed = workspace.listed()
    with workspace.lock:
        states = workspace.reader.projects(listed)
    boards = [state.content for state in states if state.content]
    return [board.project for board in boards if not other_repo(workspace, board)]


def _of_repo(workspace: Workspace) -> str:
    return f" of repository {shown(workspace.repo)}" if workspace.repo is not None else ""


def _only(projects: Sequence[Project], question: str, answer: str, *, or_last: bool = False) -> str:
    active = [project.name for project in projects if project.status is ProjectStatus.ACTIVE]
    ended = [(project.completed_at, project.name) for project in projects if project.completed_at]
    if len(active) == 1:
        return active[0]
    if not active and ended and or_last:
        return max(ended)[1]
    if not active:
        hint = sentence(f"Give {answer}; ", Call.of("list_projects"), " has them all.")
        raise InvalidError(f"{question} None is active.", hint=hint)
    more = ", …" if len(active) > NAMED_MAX else ""
    raise InvalidError(
        f"{question} {len(active)} are active ({', '.join(active[:NAMED_MAX])}{more}).", hint=f"Give {answer}."
    )


def other_repo(workspace: Workspace, board: Board) -> str | None:
    """Return of which repository a project is, where that is not this one; `None`: this one, or it is of none."""
    repo = board.project.repo
    return repo if workspace.repo is not None and repo != workspace.repo else None
