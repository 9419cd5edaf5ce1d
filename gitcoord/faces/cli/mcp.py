"""`gitcoord mcp` as it stands in the help; the console script starts the server before this command line is loaded."""

import typer

from gitcoord.errors import UsageError
from gitcoord.faces.cli.options import examples


def register(root: typer.Typer) -> None:
    """Add this command."""
    settings = {"ignore_unknown_options": True, "allow_extra_args": True}
    lines = ("gitcoord mcp", "gitcoord mcp --tools work", "claude mcp add gitcoord -- gitcoord mcp --tools work")
    root.command("mcp", epilog=examples(*lines), context_settings=settings)(mcp)


def mcp() -> int:
    """Serve agents' tools over stdin and stdout (MCP).

    An agent's tool starts this; `gitcoord init` tells it to.
    """
    raise UsageError(
        "The server is started by the console script.", hint="Run `gitcoord mcp` or `python -m gitcoord mcp`."
    )
