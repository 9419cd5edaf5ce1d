"""`gitcoord hotspots`: where claims are refused most, and what could be done about it."""

from typing import Annotated

import typer

from gitcoord.faces.cli.terminal import show
from gitcoord.faces.cli.terminal.calls import Result, answer
from gitcoord.faces.cli.terminal.columns import names, prose
from gitcoord.faces.cli.terminal.fields import number, records, text
from gitcoord.faces.cli.terminal.options import AsJson, Fresh, examples


def register(root: typer.Typer) -> None:
    """Add this command."""
    lines = ("gitcoord hotspots", "gitcoord hotspots --days 7 --min 20 --json")
    root.command("hotspots", epilog=examples(*lines))(hotspots)


def hotspots(
    *,
    days: Annotated[int, typer.Option("--days", help="Of this many days, at most 90.")] = 30,
    least: Annotated[int, typer.Option("--min", help="Refused at least this often.")] = 5,
    fresh: Fresh = False,
    as_json: AsJson = False,
) -> int:
    """Show where claims were refused most, and what would help."""
    from gitcoord.service.team import hotspots as service

    often = f" {least} times or more" if least > 1 else ""
    return answer(
        lambda workspace: service.hotspots(workspace, days=days, least=least),
        lambda result, _now: _table(result, often),
        as_json=as_json,
        fresh=fresh,
    )


def _table(result: Result, often: str) -> None:
    rows = records(result.get("hotspots"))
    if not rows:
        show.line(f"nothing was refused{often} in the last {number(result.get('days'))} days")
        return
    facts = ("refusals", "agents", "pattern", "suggestion")
    columns = ("refused", "agents", names("pattern"), prose("suggestion"))
    show.table(columns, [[text(row.get(name)) for name in facts] for row in rows])
