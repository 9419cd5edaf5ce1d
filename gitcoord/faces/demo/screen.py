"""What is shown of the demonstration: a live table on a terminal, plain lines elsewhere; the report at the end."""

import sys
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Self

from gitcoord.core.doc import Json
from gitcoord.faces.demo.play import Report

if TYPE_CHECKING:
    from rich.console import Group

SCENES = 8  # the last so many lines stand below the table
LOG_LINES = 12  # of the report; --json and --keep have all

_COLOURS: Mapping[str, str] = {"completed": "green", "in_progress": "yellow", "claimed": "yellow", "failed": "red"}


class Lines:
    """Plain lines, one for each thing that happens."""

    def scene(self, text: str) -> None:
        """Write it."""
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()

    def look(self, rows: list[dict[str, Json]]) -> None:
        """Show nothing: the lines say it."""


class Silence:
    """Nothing until the end."""

    def scene(self, text: str) -> None:
        """Show nothing."""

    def look(self, rows: list[dict[str, Json]]) -> None:
        """Show nothing."""


class Table:
    """A table of the steps that is drawn anew, with the last things that happened below it."""

    def __init__(self) -> None:
        """Begin with nothing."""
        from rich.console import Console
        from rich.live import Live

        self._rows: list[dict[str, Json]] = []
        self._scenes: list[str] = []
        self._live = Live(console=Console(highlight=False), refresh_per_second=8, get_renderable=self._draw)

    def __enter__(self) -> Self:
        """Begin to draw."""
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the last table standing."""
        self._live.stop()

    def scene(self, text: str) -> None:
        """Show it below the table."""
        self._scenes = [*self._scenes, text][-SCENES:]

    def look(self, rows: list[dict[str, Json]]) -> None:
        """Show the steps as they are now."""
        self._rows = rows

    def _draw(self) -> "Group":
        from rich.console import Group
        from rich.table import Table as RichTable
        from rich.text import Text

        table = RichTable(box=None, pad_edge=False, header_style="bold")
        for column in ("step", "what", "after", "status", "agent", "commit"):
            table.add_column(column, no_wrap=True)
        for row in self._rows:
            status = str(row.get("status"))
            after = row.get("depends_on")
            table.add_row(
                str(row.get("step_num")),
                str(row.get("title") or ""),
                ", ".join(str(num) for num in after) if isinstance(after, list) else "",
                Text(status, style=_COLOURS.get(status, "dim")),
                str(row.get("agent_id") or ""),
                str(row.get("commit_hash") or "")[:9],
            )
        return Group(table, Text(""), *(Text(scene, style="dim") for scene in self._scenes))


def report(found: Report) -> None:
    """Write the report."""
    write = sys.stdout.write
    coloured = sys.stdout.isatty()
    write(f"\nWhat the ledger says ({found.commits} commits, {found.seconds} s):\n")
    for check in found.checks:
        word, colour = ("ok", "32") if check.is_ok else ("FAIL", "31")
        mark = f"\x1b[{colour}m{word:<4}\x1b[0m" if coloured else f"{word:<4}"
        write(f"  {mark}  {check.name}: {check.detail}\n")
    if found.recovery:
        left = ", ".join(f"{name} {found.recovery.checkpoint[name]}" for name in ("branch", "fence", "reason"))
        write(f"\nThe checkpoint that {found.recovery.after} went on from: {left}\n")
    refused = ", ".join(f"{count} {code}" for code, count in sorted(found.refused.items()))
    write(f"\nRefused, as the agents were told: {refused or 'nothing'}.\n")
    write(f"Swaps that were lost to another clone, and decided again: {found.lost_swaps}.\n")
    write(f"Commits that carry several agents' commands at once: {found.combined}.\n")
    write("\nThe ledger's log, newest first:\n")
    for line in found.log[:LOG_LINES]:
        write(f"  {line}\n")
    if len(found.log) > LOG_LINES:
        write(f"  … and {len(found.log) - LOG_LINES} more\n")
