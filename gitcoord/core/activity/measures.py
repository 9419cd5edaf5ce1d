"""Measures: how many steps, claims and waiters there are now, as monitoring takes them.

What only grows (claims of steps, recoveries, grants to waiters) is of the documents, so it needs no history.

What this file does not know: names and formats of any monitoring.
"""

from collections import Counter
from collections.abc import Iterable

from gitcoord.core.claims.register import Register
from gitcoord.core.documents.json_text import Json
from gitcoord.core.steps.board import Board
from gitcoord.core.steps.metrics import hours_of, spread
from gitcoord.core.steps.step import StepStatus

HOUR_S = 3600


def of_projects(boards: Iterable[Board]) -> list[Json]:
    """Return for each project its steps by status, what was counted of them, and the seconds that they took."""
    return [_of_project(board) for board in boards]


def _of_project(board: Board) -> dict[str, Json]:
    steps = board.steps.values()
    seconds = [hours * HOUR_S for hours in map(hours_of, steps) if hours is not None]
    return {
        "project": board.project.name,
        "repo": board.project.repo,
        "status": board.project.status.value,
        "steps": {status.value: board.counts.get(status, 0) for status in StepStatus},
        "attempts": sum(step.attempts for step in steps),
        "recoveries": sum(step.recoveries for step in steps),
        "completed": len(seconds),
        "seconds": sum(seconds),
        "spread_seconds": spread(seconds),
    }


def of_register(register: Register) -> dict[str, Json]:
    """Return how many claims are active, and calls in line, by repository; and how many waiters were ever granted."""
    claims = Counter(claim.repo or "" for claim in register.claims.values())
    waiting = Counter(entry.call.repo or "" for entry in register.entries.values())
    return {"claims": _by_repo(claims), "waiting": _by_repo(waiting), "queue_grants": register.grants}


def _by_repo(counts: Counter[str]) -> list[Json]:
    return [{"repo": repo or None, "count": count} for repo, count in sorted(counts.items())]
