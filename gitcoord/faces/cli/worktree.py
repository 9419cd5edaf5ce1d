"""`gitcoord worktree …`: whether a worktree can be deleted.

Exit status of `in-use`: 0 it is, 1 it is free; what breaks never is 1, as a script that deletes goes by that.
"""

from datetime import datetime
from typing import Annotated

import typer

from gitcoord.core.documents.json_text import Json
from gitcoord.core.documents.liveness import span_text
from gitcoord.errors import CoordError, DocumentError
from gitcoord.faces.cli.terminal import commands, completion, show, world
from gitcoord.faces.cli.terminal.calls import Result
from gitcoord.faces.cli.terminal.fields import (
    few,
    left,
    life_word,
    listed,
    record,
    records,
    short,
    strings,
    text,
    whole,
)
from gitcoord.faces.cli.terminal.options import AsJson, examples, group

IN_USE, FREE = 0, 1

_app = group("Ask whether a worktree is in use, before you delete it.")


def register(root: typer.Typer) -> None:
    """Add this noun."""
    root.add_typer(_app, name="worktree")


@_app.command(
    "in-use",
    epilog=examples(
        "if gitcoord worktree in-use ../wt; then echo busy; fi",
        'test "$(gitcoord worktree in-use ../wt)" = free && git worktree remove ../wt',
        "gitcoord worktree in-use ../wt --json",
    ),
)
def in_use(
    path: Annotated[
        str,
        typer.Argument(
            metavar="PATH",
            help="The worktree's folder; it may be gone already.",
            autocompletion=completion.worktrees,
        ),
    ],
    *,
    as_json: AsJson = False,
) -> int:
    """Say whether a worktree is in use, and by what.

    Exit status 0 if it is, 1 if it is free, any other if that is not known. Live sessions count, steps and claims
    that are held there, and what would be lost with the folder. No remote is asked.
    """
    from gitcoord.runtime import make_host
    from gitcoord.service.watch import worktree_use

    host = make_host()
    try:
        result = worktree_use.in_use(path, world.folder(), world.environment(), host)
    except CoordError as error:
        if error.exit_status != FREE:
            raise
        raise DocumentError(str(error), hint=error.hint) from error  # what is not known is never "free"
    result = commands.result_for_shell(result)
    if as_json:
        show.json_object(result)
    else:
        _lines(result, host.now())
    return IN_USE if result["in_use"] else FREE


def _lines(result: Result, now: datetime) -> None:
    show.line("in use" if result.get("in_use") else "free")
    for row in records(result.get("used_by")):
        show.line(f"  {_use(row, now)}")
        if row.get("next_step") and row.get("life") != "live":
            show.aside("next", text(row.get("next_step")))
    if result.get("age_s") is not None:
        show.aside("note", f"Steps and claims are as this clone read them {span_text(whole(result.get('age_s')))} ago.")


def _use(row: dict[str, Json], now: datetime) -> str:
    """Return what uses a worktree on one line."""
    session = f"session {text(row.get('session'))} ({life_word(row.get('life'), row.get('session'))})"
    match row.get("kind"):
        case "session":
            process = record(row.get("process"))
            who = listed(row.get("agents")) or "an agent whose file cannot be read"
            runs = f", process {text(process.get('pid'))} ({text(process.get('command'))})" if process else ""
            return f"{session}: {who}{runs}"
        case "step":
            unknown = "" if row.get("worktree") else "; in which worktree is not known"
            return (
                f"step {text(row.get('step_id'))}: held by {text(row.get('agent')) or 'an agent'}, {session}{unknown}"
            )
        case "claim":
            symbols = record(row.get("symbols"))
            items = strings(row.get("items"))
            what = few([f"{item}: {listed(symbols[item])}" if item in symbols else item for item in items])
            ends = left(row.get("expires_at"), now)
            return f"claim {text(row.get('claim_id'))}: {what}, {text(row.get('agent'))}, {session}, ends in {ends}"
        case "changes":
            return f"changes that are not committed: {few(strings(row.get('paths')))} in {text(row.get('worktree'))}"
        case "commit":
            return f"commit {short(row.get('commit'))} is on no branch, in {text(row.get('worktree'))}"
        case "operation":
            return f"a {text(row.get('operation'))} has begun in {text(row.get('worktree'))}"
        case _:
            why = f": {text(row.get('reason'))}" if row.get("reason") else ""
            return f"locked by git worktree lock{why}"
