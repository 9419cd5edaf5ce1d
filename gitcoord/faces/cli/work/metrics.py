"""`gitcoord metrics`: how long steps take, who did what, how much is left."""

from datetime import datetime
from typing import Annotated

import typer

from gitcoord.faces.cli.screens.views import counted
from gitcoord.faces.cli.terminal import show
from gitcoord.faces.cli.terminal.calls import Result, answer
from gitcoord.faces.cli.terminal.columns import ids, names
from gitcoord.faces.cli.terminal.fields import listed, number, record, records, text
from gitcoord.faces.cli.terminal.options import AsJson, Fresh, InProject, examples


def register(root: typer.Typer) -> None:
    """Add this command."""
    lines = (
        "gitcoord metrics",
        "gitcoord metrics --project myapp",
        "gitcoord metrics --agent ann/claude-code/wt-3 --json",
    )
    root.command("metrics", epilog=examples(*lines))(metrics)


def metrics(
    *,
    project: InProject = None,
    agent: Annotated[
        str | None, typer.Option("--agent", "-a", metavar="AGENT", help="Only this agent and its sub-agents.")
    ] = None,
    fresh: Fresh = False,
    as_json: AsJson = False,
) -> int:
    """Show how long steps take and who did what.

    Hours are from the claim of a step to its completion.
    """
    from gitcoord.service.steps import step_views

    return answer(
        lambda workspace: step_views.get_metrics(workspace, project=project, agent_id=agent),
        _tables,
        as_json=as_json,
        fresh=fresh,
    )


def _tables(result: Result, _now: datetime) -> None:
    hours = record(result.get("hours"))
    show.line(f"steps: {text(result.get('steps'))} ({counted(result) or 'none yet'})")
    spread = ", ".join(f"{name} {number(value)}" for name, value in hours.items() if value is not None)
    if spread:
        show.line(f"hours from claim to completion: {spread}")
        show.line(f"claims per step: {number(result.get('attempts_per_step'))}")
    if result.get("estimated_hours_left") is not None:
        show.line(f"estimated hours left: {number(result.get('estimated_hours_left'))}")
    agents = records(result.get("agents"))
    if agents:
        show.line()
        facts = ("agent", "completed", "failed", "recovered", "average_hours")
        columns = (names("agent"), "completed", "failed", "lost", "hours", names("scopes"))
        show.table(columns, [[*(number(row.get(name)) for name in facts), listed(row.get("scopes"))] for row in agents])
    scopes = record(result.get("scopes"))
    if scopes:
        show.line()
        facts = ("steps", "completed", "average_hours")
        rows = [[scope, *(number(record(row).get(name)) for name in facts)] for scope, row in scopes.items()]
        show.table((ids("scope"), "steps", "completed", "hours"), rows)
