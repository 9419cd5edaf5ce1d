"""`gitcoord predict`: which active branches would not merge."""

from datetime import datetime
from typing import Annotated

import typer

from gitcoord.faces.cli import show
from gitcoord.faces.cli.calls import Result, answer
from gitcoord.faces.cli.fields import listed, records, strings, text
from gitcoord.faces.cli.options import AsJson, examples


def register(root: typer.Typer) -> None:
    """Add this command."""
    root.command("predict", epilog=examples("gitcoord predict", "gitcoord predict --branch feat/login --json"))(predict)


def predict(
    *,
    branch: Annotated[str | None, typer.Option("--branch", "-b", metavar="BRANCH", help="Only pairs with it.")] = None,
    as_json: AsJson = False,
) -> int:
    """Merge active branches in memory; show what would conflict.

    Uncommitted changes of worktrees are included.
    """
    from gitcoord.service import predicting

    return answer(lambda workspace: predicting.predict_conflicts(workspace, branch=branch), _lines, as_json=as_json)


def _lines(result: Result, _now: datetime) -> None:
    rows = records(result.get("predictions"))
    count = len(strings(result.get("branches")))
    if not rows:
        found = f"{count} branches merge with each other, as far as can be told"
        show.line(found if count > 1 else "nothing to merge: no other branch is active")
        return
    for row in rows:
        names = strings(row.get("branches"))
        dirty = listed(row.get("uncommitted"))
        show.line(f"{' and '.join(names)}" + (f" (uncommitted: {dirty})" if dirty else ""))
        for one in records(row.get("conflicts")):
            where = [text(one.get("path")), text(one.get("kind"))]
            where += [f"lines {listed(one.get('lines'))}"] if one.get("lines") else []
            where += [f"symbols {listed(one.get('symbols'))}"] if one.get("symbols") else []
            show.line(f"  conflict: {', '.join(where)}")
        for one in records(row.get("troubles")):
            show.line(f"  trouble: {text(one.get('path'))}: {text(one.get('why'))}")
