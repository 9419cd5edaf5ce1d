"""`gitcoord watch`: what happens, live: a screen on a terminal, lines with `--plain`, a stream with `--jsonl`.

What is no terminal gets one look, and a note that says so: what goes on for ever, in a pipe, is asked for by name.
"""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from gitcoord.errors import UsageError
from gitcoord.faces.cli.boundary import PIPE_CLOSED
from gitcoord.faces.cli.screens import screen
from gitcoord.faces.cli.terminal import show, world
from gitcoord.faces.cli.terminal.calls import Result, answer, opened
from gitcoord.faces.cli.terminal.options import AsJson, Fresh, examples

if TYPE_CHECKING:
    from gitcoord.service.session.workspace import Workspace


def register(root: typer.Typer) -> None:
    """Add this command."""
    lines = (
        "gitcoord watch",
        "gitcoord watch --plain",
        "gitcoord watch --jsonl",
        "gitcoord watch --jsonl --since start --once",
    )
    root.command("watch", epilog=examples(*lines))(watch)


def watch(
    *,
    plain: Annotated[
        bool, typer.Option("--plain", help="Lines of what changes, for screen readers and pipes; nothing is redrawn.")
    ] = False,
    jsonl: Annotated[
        bool, typer.Option("--jsonl", help="Events as they happen, one JSON object a line, each with a cursor.")
    ] = False,
    since: Annotated[
        str | None,
        typer.Option("--since", metavar="CURSOR", help="Begin behind this event; `start`: with the first one."),
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="With --plain or --jsonl: what is there, then end.")] = False,
    fresh: Fresh = False,
    as_json: AsJson = False,
) -> int:
    """Watch what happens, and act on it.

    On the screen `?` shows the keys, and `q` leaves. --json is one look, with the cursor of that moment.
    """
    if plain + jsonl + as_json > 1:
        raise UsageError("--plain, --jsonl and --json are three ways to show it.", hint="Give one of them.")
    if (since is not None or once) and not (plain or jsonl):
        option = "--once" if once else "--since"
        raise UsageError(f"{option} goes with --plain or --jsonl.", hint=f"Add one of them, or leave {option} out.")
    is_one_look = as_json or not (plain or jsonl or is_terminal())
    if fresh and not is_one_look:
        raise UsageError("--fresh goes with one look; what goes on says how old it is.", hint="Add --json.")
    if is_one_look:
        return _one_look(fresh=fresh, as_json=as_json)
    if not (plain or jsonl):
        from gitcoord.faces.cli.watch import live_screen

        with opened() as workspace:
            return live_screen.run(workspace)
    from gitcoord.faces.cli.watch import event_lines

    try:
        with opened() as workspace:
            return event_lines.follow(workspace, since, as_json=jsonl, once=once)
    except BrokenPipeError:  # which typer would make a 1 of, as if the rules had refused something
        return PIPE_CLOSED


def is_terminal() -> bool:
    """Whether there is a person at a terminal that can be drawn on."""
    streams = (sys.stdin, sys.stdout, sys.stderr)  # the screen is drawn on the last
    return all(stream.isatty() for stream in streams) and world.environment().get("TERM") != "dumb"


def _one_look(*, fresh: bool, as_json: bool) -> int:
    from gitcoord.service.events import event_stream
    from gitcoord.service.watch import overview

    def call(workspace: "Workspace") -> Result:
        cursor = event_stream.read(workspace, None).cursor  # before the look: what happens meanwhile is not lost
        return {**overview.status(workspace), "cursor": cursor}

    status = answer(call, screen.overview_of, as_json=as_json, shown=("oddities",), fresh=fresh)
    if not as_json:
        show.aside("note", "this is no terminal, so this is one look; --plain and --jsonl go on")
    return status
