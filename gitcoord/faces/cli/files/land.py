"""`gitcoord land`: complete the steps and release the claims of merged branches; for CI on the default branch."""

from datetime import datetime
from typing import Annotated

import typer

from gitcoord.faces.cli.terminal import show
from gitcoord.faces.cli.terminal.calls import Result, answer
from gitcoord.faces.cli.terminal.fields import records, strings, text
from gitcoord.faces.cli.terminal.options import AsJson, examples

_Branch = Annotated[
    str | None, typer.Option("--branch", "-b", metavar="NAME", help="Only steps and claims of this branch.")
]
_DryRun = Annotated[bool, typer.Option("--dry-run", "-n", help="Only say what would be completed and released.")]


def register(root: typer.Typer) -> None:
    """Add this command."""
    lines = ("gitcoord land", "gitcoord land --branch feat/login --dry-run", "gitcoord land --json")
    root.command("land", epilog=examples(*lines))(land)


def land(*, branch: _Branch = None, dry_run: _DryRun = False, as_json: AsJson = False) -> int:
    """End the steps and claims of branches that were merged.

    Fetch first: only commits that this clone has are seen.
    """
    from gitcoord.service.checks import land_branches

    return answer(
        lambda workspace: land_branches.land(workspace, branch=branch, dry_run=dry_run), _lines, as_json=as_json
    )


def _lines(result: Result, _now: datetime) -> None:
    verb, completes = ("would release", "would complete") if result.get("dry_run") else ("released", "completed")
    for step in records(result.get("completed")):
        free = strings(step.get("unblocked"))
        then = f"; {', '.join(free)} can begin" if free else ""
        show.line(f"{completes} {text(step.get('id'))} of {text(step.get('agent'))}: {_landed(step)}{then}")
    for step in records(result.get("not_completed")):
        show.line(f"not completed: {text(step.get('id'))} of {text(step.get('agent'))}. {text(step.get('why'))}")
        show.line(f"  {text(step.get('next_step'))}")
    for claim in records(result.get("released")):
        what = f"{text(claim.get('id'))} of {text(claim.get('agent'))}"
        show.line(f"{verb} {what}: {_landed(claim)}")
    for part in records(result.get("parts")):
        what = f"{', '.join(strings(part.get('items')))} of {text(part.get('id'))} of {text(part.get('agent'))}"
        show.line(f"{verb} {what}: {_landed(part)}")
    if untold := text(result.get("untold")):
        show.line(f"claims stay where unlanded work may be left: {untold}")
    if not any(result.get(name) for name in ("count", "parts", "completed", "not_completed", "untold")):
        show.line(f"no claim is of a branch that has landed on {text(result.get('default_branch'))}")


def _landed(row: Result) -> str:
    return f"{text(row.get('branch'))} landed with {text(row.get('commit'))[:12]}"
