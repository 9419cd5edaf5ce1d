"""`gitcoord promote`: record in the ownership rules that a file is shared, or that a module should be split."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

import typer

from gitcoord.faces.cli.terminal import show
from gitcoord.faces.cli.terminal.calls import Result, answer
from gitcoord.faces.cli.terminal.fields import text
from gitcoord.faces.cli.terminal.options import AsJson, examples


class PromotedKind(StrEnum):
    """What a place becomes."""

    SHARED_FILE = "shared_file"
    SPLIT = "split"


def register(root: typer.Typer) -> None:
    """Add this command."""
    lines = ("gitcoord promote package.json", "gitcoord promote 'src/core/**' split")
    root.command("promote", epilog=examples(*lines))(promote)


def promote(
    pattern: Annotated[str, typer.Argument(metavar="PATTERN", help="A file, a folder or a pattern.")],
    kind: Annotated[
        PromotedKind, typer.Argument(help="shared_file: everyone changes it; split: it should be split.")
    ] = (PromotedKind.SHARED_FILE),
    *,
    as_json: AsJson = False,
) -> int:
    """Make a file a shared one, or mark a module to be split.

    That is written to the ownership rules; once is enough.
    """
    from gitcoord.service.team import owner_edits

    return answer(lambda workspace: owner_edits.promote(workspace, pattern=pattern, kind=kind), _line, as_json=as_json)


def _line(result: Result, _now: datetime) -> None:
    what = "was promoted before" if result.get("already") else "is promoted"
    where = f" in {text(result.get('file'))}" if result.get("file") else ""
    show.line(f"{text(result.get('pattern'))} {what} to {text(result.get('kind'))}{where}")
