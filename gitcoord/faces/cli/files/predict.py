"""`gitcoord predict`: which active branches would not merge."""

from datetime import datetime
from typing import Annotated

import typer

from gitcoord.faces.cli.terminal import show
from gitcoord.faces.cli.terminal.calls import Result, answer
from gitcoord.faces.cli.terminal.fields import listed, records, strings, text
from gitcoord.faces.cli.terminal.options import AsJson, Fresh, examples


def register(root: typer.Typer) -> None:
    """Add this command."""
    root.command("predict", epilog=examples("gitcoord predict", "gitcoord predict --branch feat/login --json"))(predict)


def predict(
    *,
    branch: Annotated[str | None, typer.Option("--branch", "-b", metavar="BRANCH", help="Only pairs with it.")] = None,
    fresh: Fresh = False,
    as_json: AsJson = False,
) -> int:
    """Merge active branches in memory; show what would conflict.

    Active are branches of claims, of steps that are held or completed and not merged, what was pushed to the remote
    within 14 days, and the worktrees of this clone with what is not committed. Changed signatures are not seen.
    """
    from gitcoord.service.checks import predict_conflicts

    return answer(
        lambda workspace: predict_conflicts.predict_conflicts(workspace, branch=branch),
        _lines,
        as_json=as_json,
        fresh=fresh,
    )


def _lines(result: Result, _now: datetime) -> None:
    rows = records(result.get("predictions"))
    compared = records(result.get("compared"))
    if not rows:
        found = f"{len(compared)} branches merge with each other, as far as is known:"
        show.line(found if len(compared) > 1 else "nothing to merge: no other branch is active")
        for branch in compared if len(compared) > 1 else ():
            show.line(f"  {_who(branch)}")
    for row in rows:
        names = [_who(person) for person in records(row.get("who"))]
        dirty = listed(row.get("uncommitted"))
        show.line(f"{' and '.join(names)}" + (f" (uncommitted: {dirty})" if dirty else ""))
        for conflict in records(row.get("conflicts")):
            where = [text(conflict.get("path")), text(conflict.get("kind"))]
            where += [f"lines {listed(conflict.get('lines'))}"] if conflict.get("lines") else []
            where += [f"symbols {listed(conflict.get('symbols'))}"] if conflict.get("symbols") else []
            show.line(f"  conflict: {', '.join(where)}")
        for trouble in records(row.get("troubles")):
            show.line(f"  trouble: {text(trouble.get('path'))}: {text(trouble.get('why'))}")
    left = records(result.get("left_out"))
    for branch in left:
        show.line(f"not compared: {text(branch.get('branch'))}: {text(branch.get('why'))}")
    count = result.get("left_out_count")
    if isinstance(count, int) and count > len(left):
        show.line(f"not compared: {count - len(left)} more")


def _who(row: Result) -> str:
    """Name a branch with its agents, claims and steps, or the worktree that has it."""
    behind = [*strings(row.get("agents")), *strings(row.get("steps")), *strings(row.get("claims"))]
    behind += [f"worktree {text(row.get('worktree'))}"] if row.get("worktree") and not behind else []
    return f"{text(row.get('branch'))}" + (f" ({', '.join(behind)})" if behind else "")
