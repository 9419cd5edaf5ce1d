"""`gitcoord land`: release the claims of branches that were merged; for CI on the default branch."""

from datetime import datetime
from typing import Annotated

import typer

from gitcoord.faces.cli import show
from gitcoord.faces.cli.calls import Result, answer
from gitcoord.faces.cli.fields import records, strings, text
from gitcoord.faces.cli.options import AsJson, examples

_Branch = Annotated[str | None, typer.Option("--branch", "-b", metavar="NAME", help="Only claims of this branch.")]
_DryRun = Annotated[bool, typer.Option("--dry-run", "-n", help="Only say which claims would be released.")]


def register(root: typer.Typer) -> None:
    """Add this command."""
    lines = ("gitcoord land", "gitcoord land --branch feat/login --dry-run", "gitcoord land --json")
    root.command("land", epilog=examples(*lines))(land)


def land(*, branch: _Branch = None, dry_run: _DryRun = False, as_json: AsJson = False) -> int:
    """Release the claims of branches that were merged. Fetch first: it is judged by what this clone has."""
    from gitcoord.service import landing

    return answer(lambda workspace: landing.land(workspace, branch=branch, dry_run=dry_run), _lines, as_json=as_json)


def _lines(result: Result, _now: datetime) -> None:
    verb = "would release" if result.get("dry_run") else "released"
    for one in records(result.get("released")):
        what = f"{text(one.get('id'))} of {text(one.get('agent'))}"
        show.line(f"{verb} {what}: {text(one.get('branch'))} landed with {text(one.get('commit'))[:12]}")
    for part in records(result.get("parts")):
        what = f"{', '.join(strings(part.get('items')))} of {text(part.get('id'))} of {text(part.get('agent'))}"
        show.line(f"{verb} {what}: {text(part.get('branch'))} landed with {text(part.get('commit'))[:12]}")
    if not result.get("count") and not result.get("parts"):
        show.line(f"no claim is of a branch that has landed on {text(result.get('default_branch'))}")
