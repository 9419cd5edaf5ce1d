"""`gitcoord sync`: report that this clone is alive, and fetch what others wrote."""

from datetime import datetime

import typer

from gitcoord.core.documents.names import amount
from gitcoord.faces.cli.terminal import show
from gitcoord.faces.cli.terminal.calls import Result, answer
from gitcoord.faces.cli.terminal.fields import text, whole
from gitcoord.faces.cli.terminal.options import AsJson, examples


def register(root: typer.Typer) -> None:
    """Add this command."""
    root.command("sync", epilog=examples("gitcoord sync", "gitcoord sync --json"))(sync)


def sync(*, as_json: AsJson = False) -> int:
    """Report that this clone is alive, and fetch what others wrote.

    A running MCP server does both by itself.
    """
    from gitcoord.service.watch import watch

    return answer(watch.sync, _line, as_json=as_json)


def _line(result: Result, _now: datetime) -> None:
    counts = [amount(whole(result.get(name)), noun) for name, noun in (("projects", "project"), ("refs", "ref"))]
    show.line(f"up to date with {text(result.get('remote'))}: {', '.join(counts)}")
