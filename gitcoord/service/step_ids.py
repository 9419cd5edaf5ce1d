"""Which step a caller means: `myapp/3`, or a bare `3` while only one project is active."""

from gitcoord.core.names import split_step_id
from gitcoord.core.projects import ProjectStatus
from gitcoord.errors import InvalidError
from gitcoord.service.workspace import Workspace


def parse_step_id(workspace: Workspace, step_id: str) -> tuple[str, int]:
    """Return project and number.

    Raises:
        InvalidError: it is not the id of a step, or a bare number means more than one.
    """
    text = step_id.strip()
    if not (text.isascii() and text.isdigit() and len(text) <= 9):  # noqa: PLR2004 - nine digits, as in a step's id
        return split_step_id(text)
    listed = workspace.listed()
    with workspace.lock:
        states = workspace.reader.projects(listed)
    boards = [state.board for state in states if state.board]
    active = [board.project.name for board in boards if board.project.status is ProjectStatus.ACTIVE]
    if len(active) == 1:
        return split_step_id(f"{active[0]}/{text}")
    if not active:
        message = f"Step {text} of which project? None is active."
        raise InvalidError(message, hint="Name it, '<project>/<number>'; list_projects() has them all.")
    names = ", ".join(active[:5])
    raise InvalidError(
        f"Step {text} of which project? {len(active)} are active ({names}).", hint="Give '<project>/<number>'."
    )
