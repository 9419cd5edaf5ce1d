"""`gitcoord status`: what needs attention, and who does what, on a screen or two."""

from typing import Annotated

import typer

from gitcoord.faces.cli.screens import screen
from gitcoord.faces.cli.terminal.options import AllRepos, AsJson, Fresh, examples


def register(root: typer.Typer) -> None:
    """Add this command."""
    lines = (
        "gitcoord status",
        "gitcoord status --mine",
        "gitcoord status --json",
        "gitcoord status --line --exit-code",
    )
    root.command("status", epilog=examples(*lines))(status)


def status(
    *,
    mine: Annotated[
        bool, typer.Option("--mine", help="Only what you, your sub-agents and your tool here hold.")
    ] = False,
    exit_code: Annotated[
        bool,
        typer.Option("--exit-code", help="End with 11 if you or a person is needed now, 10 if soon, 0 if not."),
    ] = False,
    line: Annotated[
        bool, typer.Option("--line", help="For a prompt: one line of what is needed, from what is here; or nothing.")
    ] = False,
    all_repos: AllRepos = False,
    fresh: Fresh = False,
    as_json: AsJson = False,
) -> int:
    """Show what needs attention, who does what, and what is claimed."""
    return screen.status(as_json=as_json, mine=mine, all_repos=all_repos, fresh=fresh, exit_code=exit_code, line=line)
