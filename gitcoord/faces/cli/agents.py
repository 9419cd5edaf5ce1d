"""`gitcoord agents …`: who is there, and what each of them holds."""

from datetime import datetime

import typer

from gitcoord.faces.cli.terminal import show
from gitcoord.faces.cli.terminal.calls import Result, answer
from gitcoord.faces.cli.terminal.columns import names
from gitcoord.faces.cli.terminal.fields import few, life_word, records, seen_word, strings, text
from gitcoord.faces.cli.terminal.options import AsJson, Fresh, examples, group

_app = group("See who is there, and what each of them holds.")


def register(root: typer.Typer) -> None:
    """Add this noun."""
    root.add_typer(_app, name="agents")


@_app.callback()
def _noun() -> None:
    """See who is there, and what each of them holds."""  # with one verb only, typer would leave that out


@_app.command("list", epilog=examples("gitcoord agents list", "gitcoord agents list --json"))
def list_(*, fresh: Fresh = False, as_json: AsJson = False) -> int:
    """List who is alive or holds something, and what."""
    from gitcoord.service.watch import overview

    return answer(overview.list_agents, _table, as_json=as_json, fresh=fresh)


def _table(result: Result, now: datetime) -> None:
    rows = records(result.get("agents"))
    if not rows:
        show.line("No agent is there.")
        return
    columns = (names("agent"), "life", "seen", names("on"), "claims", names("worktree"), names("clone"))
    show.table(
        columns,
        [
            [
                text(row.get("agent")),
                life_word(row.get("life"), row.get("session")),
                seen_word(row, now),
                few(strings(row.get("on"))),
                str(len(strings(row.get("claims")))),
                text(row.get("worktree")),
                text(row.get("clone")),
            ]
            for row in rows
        ],
    )
