"""`gitcoord mcp` as it stands in the help; the console script starts the server before this command line is loaded."""

from enum import StrEnum
from typing import Annotated

import typer

from gitcoord.errors import UsageError
from gitcoord.faces.cli.terminal.options import examples


def register(root: typer.Typer) -> None:
    """Add this command."""
    lines = ("gitcoord mcp", "gitcoord mcp --tools work", "claude mcp add gitcoord -- gitcoord mcp --tools work")
    root.command("mcp", epilog=examples(*lines))(mcp)


class ToolSet(StrEnum):
    """The sets of tools."""

    WORK = "work"
    LEAD = "lead"
    ALL = "all"


def mcp(
    *,
    tools: Annotated[
        ToolSet, typer.Option("--tools", help="Which tools it offers: a worker's, a planner's too, or all.")
    ] = ToolSet.ALL,
) -> int:
    """Serve agents' tools over stdin and stdout (MCP).

    An agent's tool starts this; `gitcoord init` tells it to.
    """
    del tools
    raise UsageError(
        "The server is started by the console script.", hint="Run `gitcoord mcp` or `python -m gitcoord mcp`."
    )
