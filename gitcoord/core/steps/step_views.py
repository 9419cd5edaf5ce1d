"""Replies: the documents that an outcome speaks of, for the caller; made from the state and not recorded.

Rules:
  * What is documented of a step, a claim and an item of one is always there, empty or null where there is nothing:
    users of older tools read it without a default. Stored documents leave out what has its default.
"""

from gitcoord.core.claims.claim import Claim
from gitcoord.core.claims.queue_entry import QueueEntry
from gitcoord.core.claims.register import Register
from gitcoord.core.claims.release_request import ReleaseRequest
from gitcoord.core.documents.doc import Json
from gitcoord.core.documents.outcomes import Outcome
from gitcoord.core.steps.board import Board
from gitcoord.core.steps.step import Step

STEP_FIELDS = (
    *("id", "step_num", "title", "description", "branch", "scope", "depends_on", "paths", "priority", "status"),
    *("agent_id", "session_id", "clone", "fence", "attempts", "claimed_at", "started_at", "completed_at", "failed_at"),
    *("worktree", "commit_hash", "files_modified", "notes", "reason", "checkpoint"),
)
CLAIM_FIELDS = (
    *("id", "agent", "clone", "session", "repo", "branch", "description", "items", "severity", "owners", "fence"),
    *("created_at", "expires_at", "last_activity"),
)
ITEM_FIELDS = ("pattern", "symbols", "kind", "mode", "narrowable", "expires_at")
BASE_MAX = 50  # a step that waits for more is started from a merge, and get_step has the rest


def documents(board: Board | None, outcome: Outcome) -> dict[str, Json]:
    """Return the step with what to start from, or the project, that a done outcome names."""
    if board is None or not outcome.is_done:
        return {}
    num = outcome.facts.get("step_num")
    if isinstance(num, int) and num in board.steps:
        return {"step": step_view(board, board.steps[num]), "project_status": board.project.status}
    return {"project": project_view(board)}


def claim_documents(register: Register, outcome: Outcome) -> dict[str, Json]:
    """Return the claim, the request and the entry in the line that a done outcome names."""
    if not outcome.is_done:
        return {}
    named = {"claim": (Claim, "claim"), "request": (ReleaseRequest, "request"), "entry": (QueueEntry, "queue_id")}
    out: dict[str, Json] = {}
    for name, (kind, fact) in named.items():
        found = register.find(kind, str(outcome.facts.get(fact, "")))
        if found is not None:
            out[name] = claim_view(found) if isinstance(found, Claim) else found.dump()
    return out


def claim_view(claim: Claim) -> dict[str, Json]:
    """Return a claim's document with all that is documented of it."""
    return {**claim.shown(CLAIM_FIELDS), "items": [item.shown(ITEM_FIELDS) for item in claim.items]}


def step_view(board: Board, step: Step) -> dict[str, Json]:
    """Return a step's document with its project's base commit and `base`: where its dependencies ended."""
    base: list[Json] = [
        {"step_num": num, "branch": board.steps[num].branch, "commit_hash": board.steps[num].commit_hash}
        for num in step.depends_on[:BASE_MAX]
        if board.steps[num].commit_hash
    ]
    view: dict[str, Json] = {**step.shown(STEP_FIELDS), "project": board.project.name, "base": base}
    if not base:
        view["base_commit"] = board.project.base_commit
    return view


def project_view(board: Board) -> dict[str, Json]:
    """Return a project's document with its counts; the steps are a list of their own."""
    counts: dict[str, Json] = {status.value: count for status, count in sorted(board.counts.items()) if count}
    return {**board.project.dump(), "status": board.project.status, "counts": counts, "steps": len(board.steps)}
