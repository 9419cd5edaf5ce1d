"""Which step or project a caller means: `myapp/3`, or a bare `3`, or nothing, while only one project is active."""

from gitcoord.core.documents.call import Call, sentence
from gitcoord.core.documents.names import split_step_id
from gitcoord.core.steps.project import ProjectStatus
from gitcoord.errors import InvalidError
from gitcoord.service.session.workspace import Workspace


def parse_step_id(workspace: Workspace, step_id: str) -> tuple[str, int]:
    """Return project and number.

    Raises:
        InvalidError: it is not the id of a step, or a bare number means more than one.
    """
    text = step_id.strip()
    if not (text.isascii() and text.isdigit() and len(text) <= 9):  # noqa: PLR2004 - nine digits, as in a step's id
        return split_step_id(text)
    project = _only(workspace, f"Step {text} of which project?", "'<project>/<number>'")
    return split_step_id(f"{project}/{text}")


def only_project(workspace: Workspace) -> str:
    """Return the one project that is active.

    Raises:
        InvalidError: none is, or several are.
    """
    return _only(workspace, "Which project?", "its name")


def _only(workspace: Workspace, question: str, answer: str) -> str:
    listed = workspace.listed()
    with workspace.lock:
        states = workspace.reader.projects(listed)
    boards = [state.content for state in states if state.content]
    active = [board.project.name for board in boards if board.project.status is ProjectStatus.ACTIVE]
    if len(active) == 1:
        return active[0]
    if not active:
        hint = sentence(f"Give {answer}; ", Call.of("list_projects"), " has them all.")
        raise InvalidError(f"{question} None is active.", hint=hint)
    names = ", ".join(active[:5])
    raise InvalidError(f"{question} {len(active)} are active ({names}).", hint=f"Give {answer}.")
