"""From a reply to a result: what a face shows, the same for MCP, CLI and JSON.

A refusal is a result with `refused`, `why` and `next_step`; it is not an error, since the caller did nothing wrong.
"""

from gitcoord.core.documents.json_text import Json
from gitcoord.core.documents.outcomes import Outcome
from gitcoord.ledger.format.entry import Reply

_SHOWN = (
    "already",
    "resumed",
    "recovered",
    "from",
    "passed_over",
    "passed_over_count",
    "unblocked",
    "blocked",
    "warnings",
    "project_completed",
    "forced",
    "interval_s",
)


def refusal(subject: str, outcome: Outcome) -> dict[str, Json]:
    """Return the result of a refused command; `subject` is what it would have returned."""
    result: dict[str, Json] = {subject: None, "refused": outcome.code, "why": outcome.message}
    if outcome.hint:
        result["next_step"] = outcome.hint
    return {**outcome.facts, **result}


def of_step(reply: Reply) -> dict[str, Json]:
    """Return the result of a command on a step."""
    outcome = reply.outcome
    if outcome is None or not outcome.is_done:
        return refusal("step", outcome) if outcome else {"step": None}
    facts = {name: outcome.facts[name] for name in _SHOWN if name in outcome.facts}
    return {"step": reply.docs.get("step"), **facts}


def of_project(reply: Reply) -> dict[str, Json]:
    """Return the result of a command on a project."""
    outcome = reply.outcome
    if outcome is None or not outcome.is_done:
        return refusal("project", outcome) if outcome else {"project": None}
    extra = {
        name: outcome.facts[name] for name in ("already", "running", "step_nums", "warnings") if name in outcome.facts
    }
    return {"project": reply.docs.get("project"), **extra}
