"""`gitcoord hook` as it stands in the help; the console script runs hooks before this command line is loaded."""

from typing import Annotated

import typer

from gitcoord.core.documents.names import shown
from gitcoord.errors import UsageError
from gitcoord.faces.cli.terminal.options import examples


def register(root: typer.Typer) -> None:
    """Add this command."""
    settings = {"allow_extra_args": True}
    lines = ("gitcoord hook pre-push origin ../remote.git < lines", "gitcoord hook edit --tool claude < event.json")
    root.command("hook", epilog=examples(*lines), context_settings=settings)(hook)


def hook(
    name: Annotated[
        str, typer.Argument(metavar="HOOK", help="A hook of git, such as pre-push; edit, for an agent's tool; or sync.")
    ],
    *,
    tool: Annotated[
        str | None, typer.Option("--tool", metavar="NAME", help="With edit: the tool that runs it.")
    ] = None,
) -> int:
    """Run a hook, as git and agents' tools do.

    `gitcoord init` installs the files that call it. What git or the tool passes is read from stdin.
    """
    del tool
    message = f"The hook {shown(name)} is started by the console script."
    raise UsageError(message, hint="Run `gitcoord hook …` or `python -m gitcoord hook …`.")
