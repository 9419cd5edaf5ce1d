"""Metrics of projects, computed from their boards.

Hours are from claim to completion of the attempt that completed; they are of steps, not of people's time.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from statistics import fmean, median
from typing import NamedTuple

from gitcoord.core.documents.json_text import Json
from gitcoord.core.steps import graph
from gitcoord.core.steps.board import Board
from gitcoord.core.steps.step import Step, StepStatus

DAYS_MAX = 90  # of throughput in one answer


def hours_of(step: Step) -> float | None:
    """Return the hours from claim to completion, or nothing."""
    if step.status is not StepStatus.COMPLETED or step.claimed_at is None or step.completed_at is None:
        return None
    return (step.completed_at - step.claimed_at).total_seconds() / 3600


def spread(hours: Sequence[float]) -> dict[str, Json]:
    """Return average, median and 90th percentile (nearest rank), rounded to seconds."""
    if not hours:
        return {"average": None, "median": None, "p90": None}
    ranked = sorted(hours)
    index = max(0, -(-9 * len(ranked) // 10) - 1)
    return {"average": _rounded(fmean(ranked)), "median": _rounded(median(ranked)), "p90": _rounded(ranked[index])}


class Measured(NamedTuple):
    """What is counted of some steps. `hours`: of those that were completed; `longest`: of chains of unfinished ones."""

    counts: Mapping[str, int]
    hours: Sequence[float]
    attempts: Sequence[int]
    longest: int


def measured(steps: Collection[Step], longest: int = 0) -> Measured:
    """Count steps."""
    hours = [hours for hours in map(hours_of, steps) if hours is not None]
    counts = Counter(step.status.value for step in steps)
    return Measured(counts, hours, [step.attempts for step in steps if step.attempts], longest)


def of_board(board: Board) -> Measured:
    """Count the steps of a project."""
    return measured(board.steps.values(), len(graph.critical_path(board.steps, board.graph)))


def added_up(parts: Sequence[Measured]) -> dict[str, Json]:
    """Return what was counted of all of them together; the hours that are left are those of the longest chain."""
    counts: Counter[str] = Counter()
    for part in parts:
        counts.update(part.counts)
    hours = [hours for part in parts for hours in part.hours]
    longest = max((part.longest for part in parts), default=0)
    return {
        "counts": {**dict(sorted(counts.items()))},
        "steps": counts.total(),
        "hours": spread(hours),
        "attempts_per_step": _rounded(fmean([count for part in parts for count in part.attempts] or [0])),
        "estimated_hours_left": _rounded(median(hours) * longest) if hours else None,
    }


def metrics(boards: Sequence[Board], agent: str | None = None) -> dict[str, Json]:
    """Return the metrics of projects taken together, of one agent (and its sub-agents) if it is named."""
    everything = [step for board in boards for step in board.steps.values()]
    steps = [step for step in everything if is_of(step.agent_id, agent)]
    # Count for each agent the steps that were taken from it, whichever agent has them now.
    before = (step.left.get("agent_id") for step in everything)
    recovered = Counter(name for name in before if isinstance(name, str) and is_of(name, agent))
    days = Counter(
        step.completed_at.date().isoformat() for step in steps if step.completed_at and hours_of(step) is not None
    )
    throughput: list[Json] = [{"day": day, "completed": count} for day, count in sorted(days.items())[-DAYS_MAX:]]
    groups: dict[str, list[Step]] = defaultdict(list)
    for scoped in steps:
        groups[scoped.scope or ""].append(scoped)
    by_scope: dict[str, Json] = {scope: _group(group) for scope, group in sorted(groups.items()) if scope}
    whole = added_up([of_board(board) for board in boards] if agent is None else [measured(steps)])
    if agent is not None:
        del whole["estimated_hours_left"]  # others may be on the chain
    return {**whole, "scopes": by_scope, "agents": _by_agent(steps, recovered), "throughput": throughput}


def is_of(name: str | None, agent: str | None) -> bool:
    """Whether a name is that of an agent, or of a sub-agent of it; each is, if no agent is given."""
    return agent is None or name == agent or (name or "").startswith(agent + "/")


def _group(group: Sequence[Step]) -> dict[str, Json]:
    hours = [hours for hours in map(hours_of, group) if hours is not None]
    done = sum(1 for step in group if step.status is StepStatus.COMPLETED)
    return {"steps": len(group), "completed": done, "average_hours": spread(hours)["average"]}


def _by_agent(steps: Iterable[Step], recovered: Mapping[str, int]) -> list[Json]:
    groups: dict[str, list[Step]] = defaultdict(list)
    for step in steps:
        if step.agent_id:
            groups[step.agent_id].append(step)
    rows: list[Json] = []
    for agent in sorted({*groups, *recovered}):
        group = groups.get(agent, [])
        failed = sum(1 for step in group if step.status is StepStatus.FAILED)
        scopes: list[Json] = [*sorted({step.scope for step in group if step.scope})]
        rows.append(
            {"agent": agent, **_group(group), "failed": failed, "recovered": recovered.get(agent, 0), "scopes": scopes}
        )
    return rows


def _rounded(value: float) -> float:
    return round(value, 4)
