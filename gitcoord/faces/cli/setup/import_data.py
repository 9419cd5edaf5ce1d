"""`gitcoord import …`: take over what another tool had."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from gitcoord.core.documents.names import amount
from gitcoord.errors import UsageError
from gitcoord.faces.cli.terminal import show
from gitcoord.faces.cli.terminal.calls import Result, answer
from gitcoord.faces.cli.terminal.columns import ids, names
from gitcoord.faces.cli.terminal.fields import left, record, records, strings, text, whole
from gitcoord.faces.cli.terminal.options import AsJson, examples, group

_app = group("Take over projects, claims and rules of another tool.")
_DryRun = Annotated[bool, typer.Option("--dry-run", help="Check everything, show what would come, write nothing.")]


def register(root: typer.Typer) -> None:
    """Add this noun."""
    root.add_typer(_app, name="import")


@_app.command(
    epilog=examples(
        "gitcoord import hq ~/.claude/agent-coordination.db --dry-run",
        "gitcoord import hq hq.db --project shop --project site",
        "gitcoord import hq hq.db --rename 'My App=my-app' --base main",
    )
)
def hq(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="hq's SQLite file; it is only read.")],
    *,
    project: Annotated[
        list[str] | None, typer.Option("--project", "-p", metavar="NAME", help="Only this project; may be repeated.")
    ] = None,
    rename: Annotated[
        list[str] | None, typer.Option("--rename", metavar="OLD=NEW", help="Another name for a project here.")
    ] = None,
    base: Annotated[
        str | None, typer.Option("--base", metavar="COMMIT", help="Where the work starts, instead of what hq says.")
    ] = None,
    dry_run: _DryRun = False,
    as_json: AsJson = False,
) -> int:
    """Import projects and their steps from hq, a step server."""
    from gitcoord.service.imports import import_hq

    renamed: dict[str, str] = {}
    for pair in rename or ():
        old, _, new = pair.rpartition("=")
        if not (old and new):
            raise UsageError(f"--rename has {pair!r}.", hint="Give the old and the new name: --rename OLD=NEW.")
        renamed[old] = new
    return answer(
        lambda workspace: import_hq.import_hq(
            workspace, file=file, projects=project or (), renamed=renamed, base=base, dry_run=dry_run
        ),
        _projects,
        as_json=as_json,
    )


@_app.command(
    epilog=examples(
        "COORD_AUTH_TOKEN=… gitcoord import coord https://coord.example.com --dry-run",
        "gitcoord import coord data/coordination.db",
        "gitcoord import coord coordination.db --repo acme/app --only claims",
    )
)
def coord(
    source: Annotated[str, typer.Argument(metavar="URL|FILE", help="coord's service, or its SQLite file.")],
    *,
    repo: Annotated[
        str | None, typer.Option("--repo", metavar="NAME", help="Which repository's claims, as coord names it.")
    ] = None,
    only: Annotated[str | None, typer.Option("--only", metavar="PART", help="claims, or owners.")] = None,
    dry_run: _DryRun = False,
    as_json: AsJson = False,
) -> int:
    """Import active claims and ownership rules from coord, a service.

    The token for its service is read from COORD_AUTH_TOKEN, or else asked of git's credential helper.
    """
    from gitcoord.service.imports import import_coord

    return answer(
        lambda workspace: import_coord.import_coord(workspace, source=source, repo=repo, only=only, dry_run=dry_run),
        _claims,
        as_json=as_json,
    )


def _projects(result: Result, _now: datetime) -> None:
    rows = records(result.get("projects"))
    if not rows:
        show.line("there are no projects in it")
        return
    columns = (ids("project"), "state", "status", "steps", "completed", names("was held"))
    cells = [
        [
            text(row.get("name")) + (f" (was {text(row.get('was'))})" if row.get("was") else ""),
            text(row.get("state")),
            text(row.get("status")),
            text(row.get("steps")),
            text(record(row.get("counts")).get("completed", 0)),
            ", ".join(text(symbol) for symbol in held) if isinstance(held := row.get("was_held"), list) else "",
        ]
        for row in rows
    ]
    show.table(columns, cells)
    if result.get("dry_run"):
        show.aside("note", "nothing was written; the same without --dry-run imports it")


def _claims(result: Result, now: datetime) -> None:
    rows = records(result.get("claims"))
    if rows:
        cells = [
            [
                text(row.get("id")),
                text(row.get("state")),
                text(row.get("agent")),
                ", ".join(
                    " ".join([text(item.get("pattern")), *strings(item.get("symbols"))])
                    for item in records(row.get("items"))
                ),
                left(row.get("expires_at"), now),
            ]
            for row in rows
        ]
        show.table((ids("claim"), "state", names("agent"), names("what"), "left"), cells)
    else:
        show.line("there are no active claims to import")
    owners = record(result.get("owners"))
    if owners:
        show.line(f"ownership rules of {amount(whole(owners.get('modules')), 'module')}: {text(owners.get('state'))}")
    if result.get("left_out"):
        show.aside("note", f"left out: {amount(whole(result.get('left_out')), 'claim')} of other repositories")
    if result.get("dry_run"):
        show.aside("note", "nothing was written; the same without --dry-run imports it")
