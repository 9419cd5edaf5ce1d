"""`gitcoord import …`: take over what another tool had."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from gitcoord.errors import UsageError
from gitcoord.faces.cli import show
from gitcoord.faces.cli.calls import Result, answer
from gitcoord.faces.cli.fields import record, records, text
from gitcoord.faces.cli.options import AsJson, examples, group

_app = group("Take over projects, claims and ownership rules of another tool, whole or not at all.")
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
    from gitcoord.service import hq_import

    renamed = dict(_pair(one) for one in rename or ())
    return answer(
        lambda workspace: hq_import.import_hq(
            workspace, file=file, projects=project or (), renamed=renamed, base=base, dry_run=dry_run
        ),
        _projects,
        as_json=as_json,
    )


def _pair(words: str) -> tuple[str, str]:
    old, is_pair, new = words.rpartition("=")
    if is_pair and old and new:
        return old, new
    raise UsageError(f"--rename has {words!r}.", hint="Give the old and the new name: --rename OLD=NEW.")


def _projects(result: Result, _now: datetime) -> None:
    rows = records(result.get("projects"))
    if not rows:
        show.line("there are no projects in it")
        return
    columns = ("project", "state", "status", "steps", "completed", "was held")
    cells = [
        [
            text(row.get("name")) + (f" (was {text(row.get('was'))})" if row.get("was") else ""),
            text(row.get("state")),
            text(row.get("status")),
            text(row.get("steps")),
            text(record(row.get("counts")).get("completed", 0)),
            ", ".join(text(one) for one in held) if isinstance(held := row.get("was_held"), list) else "",
        ]
        for row in rows
    ]
    show.table(columns, cells)
    if result.get("dry_run"):
        show.aside("note", "nothing was written; the same without --dry-run imports it")
