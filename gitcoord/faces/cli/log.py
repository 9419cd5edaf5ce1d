"""`gitcoord log`: what happened, newest first, from the ledgers' commits."""

from datetime import datetime
from typing import Annotated

import typer

from gitcoord.core.doc import Json
from gitcoord.faces.cli import show
from gitcoord.faces.cli.calls import Result, answer
from gitcoord.faces.cli.fields import listed, records, setting_word, short, text
from gitcoord.faces.cli.options import AsJson, InProject, examples


def register(root: typer.Typer) -> None:
    """Add this command."""
    lines = (
        "gitcoord log",
        "gitcoord log --project myapp --limit 20",
        "gitcoord log --step myapp/3",
        "gitcoord log --agent ann/claude-code/wt-3 --json",
    )
    root.command("log", epilog=examples(*lines))(log)


def log(
    *,
    project: InProject = None,
    agent: Annotated[
        str | None, typer.Option("--agent", "-a", metavar="AGENT", help="Only this agent and its sub-agents.")
    ] = None,
    step: Annotated[str | None, typer.Option("--step", "-s", metavar="STEP", help="Only this step: app/3.")] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", help="At most this many events.")] = 100,
    as_json: AsJson = False,
) -> int:
    """Show what happened, newest first."""
    from gitcoord.service import reading

    return answer(
        lambda workspace: reading.get_agent_events(
            workspace, agent_id=agent, project=project, limit=limit, step_id=step
        ),
        _lines,
        as_json=as_json,
    )


def _lines(result: Result, now: datetime) -> None:
    rows = records(result.get("events"))
    if rows:
        show.table(("time (utc)", "commit", "event", "on", "agent"), [_row(one, f"{now:%Y-%m-%d}") for one in rows])
    else:
        show.line("Nothing has happened yet.")


def _row(event: dict[str, Json], today: str) -> list[str]:
    time = text(event.get("time"))[:19].replace("T", " ").removeprefix(f"{today} ")
    what = text(event.get("event"))
    setting = f"{text(event.get('name'))} = {setting_word(event.get('value'))}" if event.get("name") else ""
    place = text(event.get("pattern")) or setting or listed(event.get("patterns")) or text(event.get("reason"))
    subject = text(event.get("step") or event.get("project")) or listed(event.get("claims")) or place
    return [time, short(event.get("commit"))[:9], what, subject, text(event.get("agent"))]
