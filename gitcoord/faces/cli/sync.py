"""`gitcoord sync`: beat, and bring here what others wrote."""

from datetime import datetime

import typer

from gitcoord.core.doc import Json
from gitcoord.faces.cli import show
from gitcoord.faces.cli.calls import Result, answer
from gitcoord.faces.cli.fields import text
from gitcoord.faces.cli.options import AsJson, examples


def register(root: typer.Typer) -> None:
    """Add this command."""
    root.command("sync", epilog=examples("gitcoord sync", "gitcoord sync --json"))(sync)


def sync(*, as_json: AsJson = False) -> int:
    """Beat for this clone and bring here what others wrote. Running MCP servers do it by themselves."""
    from gitcoord.service import watching

    return answer(watching.sync, _line, as_json=as_json)


def _line(result: Result, _now: datetime) -> None:
    counts = [f"{text(count)} {noun}{'' if count == 1 else 's'}" for noun, count in _counted(result)]
    show.line(f"in step with {text(result.get('remote'))}: {', '.join(counts)}")


def _counted(result: Result) -> tuple[tuple[str, Json], ...]:
    return ("project", result.get("projects")), ("ref", result.get("refs"))
