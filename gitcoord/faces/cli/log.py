"""`gitcoord log`: what happened, newest first, from the ledgers' commits."""

from datetime import datetime
from typing import Annotated

import typer

from gitcoord.faces.cli.terminal import show
from gitcoord.faces.cli.terminal.calls import Result, answer
from gitcoord.faces.cli.terminal.columns import ids, names, texts
from gitcoord.faces.cli.terminal.fields import covered, forced_by, listed, records, setting_word, short, text
from gitcoord.faces.cli.terminal.moments import moment_of
from gitcoord.faces.cli.terminal.options import AsJson, Fresh, InProject, examples
from gitcoord.faces.cli.terminal.places import from_here


def register(root: typer.Typer) -> None:
    """Add this command."""
    lines = (
        "gitcoord log",
        "gitcoord log --project myapp --limit 20",
        "gitcoord log --step myapp/3",
        "gitcoord log --file src/auth/login.ts --since 2h",
        "gitcoord log --since 2026-11-28",
        "gitcoord log --agent ann/claude-code/wt-3 --json",
    )
    root.command("log", epilog=examples(*lines))(log)


def log(  # noqa: PLR0913 - what may be asked for, by name
    *,
    project: InProject = None,
    agent: Annotated[
        str | None, typer.Option("--agent", "-a", metavar="AGENT", help="Only this agent and its sub-agents.")
    ] = None,
    step: Annotated[str | None, typer.Option("--step", "-s", metavar="STEP", help="Only this step: app/3.")] = None,
    file: Annotated[
        str | None,
        typer.Option("--file", "-f", metavar="PATTERN", help="Only claims of what it matches, and refusals."),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option("--since", metavar="WHEN", help="Not before: 30min, 2h or 3d ago, or 2026-11-28 (UTC)."),
    ] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", help="At most this many events.")] = 100,
    fresh: Fresh = False,
    as_json: AsJson = False,
) -> int:
    """Show what happened, newest first."""
    from gitcoord.service.steps import step_views

    return answer(
        lambda workspace: step_views.get_agent_events(
            workspace,
            agent_id=agent,
            project=project,
            limit=limit,
            step_id=step,
            file=from_here([file], workspace.repository.top)[0] if file else None,
            since=moment_of(since, workspace.setting.host.now()) if since else None,
        ),
        _lines,
        as_json=as_json,
        fresh=fresh,
    )


def _lines(result: Result, now: datetime) -> None:
    rows: list[list[str]] = []
    for event in records(result.get("events")):
        time = text(event.get("time"))[:19].replace("T", " ").removeprefix(f"{now:%Y-%m-%d} ")
        what = text(event.get("event"))
        setting = f"{text(event.get('name'))} = {setting_word(event.get('value'))}" if event.get("name") else ""
        place = text(event.get("pattern")) or setting or text(event.get("reason"))
        subject = text(event.get("step") or event.get("project")) or listed(event.get("claims")) or place
        about = forced_by(event) or text(event.get("title")) or text(event.get("description"))
        files = covered(event)
        rows.append([time, short(event.get("commit"))[:9], what, subject, text(event.get("agent")), files, about])
    if rows:
        columns = ("time (utc)", "commit", "event", ids("on"), names("agent"), names("what"), texts("for"))
        show.table(columns, rows)
    else:
        show.line("Nothing has happened yet.")
