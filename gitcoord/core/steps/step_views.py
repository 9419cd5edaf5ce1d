"""The step and the project that an outcome speaks of, for the caller; made from the state and not recorded.

Rules:
  * What is documented of a step is always there, empty or null where there is nothing: users of older tools read it
    without a default. Stored documents leave out what has its default.
"""

from gitcoord.core.documents.json_text import Json
from gitcoord.core.documents.outcomes import Outcome
from gitcoord.core.documents.texts import only_known
from gitcoord.core.steps.board import Board
from gitcoord.core.steps.step import Step

STEP_FIELDS = (
    *("id", "step_num", "title", "description", "branch", "scope", "depends_on", "paths", "priority", "status"),
    *("agent_id", "session_id", "clone", "fence", "attempts", "claimed_at", "started_at", "completed_at", "failed_at"),
    *("worktree", "commit_hash", "files_modified", "notes", "reason", "checkpoint"),
)
BASE_MAX = 50  # a step that waits for more is started from a merge, and get_step has the rest


def documents(board: Board | None, outcome: Outcome) -> dict[str, Json]:
    """Return the step with what to start from, or the project, that a done outcome names."""
    if board is None or not outcome.is_done:
        return {}
    num = outcome.facts.get("step_num")
    if isinstance(num, int) and num in board.steps:
        return {"step": step_view(board, board.steps[num]), "project_status": board.project.status}
    return {"project": project_view(board)}


def step_view(board: Board, step: Step) -> dict[str, Json]:
    """Return a step's document with its project's base commit and `base`: where its dependencies ended."""
    base: list[Json] = [
        {"step_num": needed.step_num, "branch": needed.branch, "commit_hash": needed.commit_hash}
        for needed in board.base_of(step)[:BASE_MAX]
    ]
    view: dict[str, Json] = {
        **only_known(step).shown(STEP_FIELDS),
        "checkpoint": step.left,
        "project": board.project.name,
        "base": base,
    }
    if not base:
        view["base_commit"] = board.project.base_commit
    if board.project.repo is not None:
        view["repo"] = board.project.repo
    return view


def project_view(board: Board) -> dict[str, Json]:
    """Return a project's document with its counts; the steps are a list of their own."""
    counts: dict[str, Json] = {status.value: count for status, count in sorted(board.counts.items()) if count}
    return {
        **only_known(board.project).dump(),
        "status": board.project.status,
        "counts": counts,
        "steps": len(board.steps),
    }
