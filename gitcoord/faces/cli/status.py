"""`gitcoord status`: one screen of everything."""

import typer

from gitcoord.faces.cli import screen
from gitcoord.faces.cli.options import AsJson, examples


def register(root: typer.Typer) -> None:
    """Add this command."""
    root.command("status", epilog=examples("gitcoord status", "gitcoord status --json"))(status)


def status(*, as_json: AsJson = False) -> int:
    """Show who does what, what is available and what needs attention."""
    return screen.status(as_json=as_json)
