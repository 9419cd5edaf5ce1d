"""What is shown of the demonstration: a live table on a terminal, plain lines elsewhere; the report at the end."""

import sys
import textwrap
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Self

from gitcoord.core.documents.json_text import Json
from gitcoord.faces.demo.play import Now
from gitcoord.faces.demo.report import Report

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult
    from rich.table import Table as RichTable

SCENES_MIN, SCENES_MAX = 3, 12  # the last so many lines stand below the table, as the terminal is high
LOG_LINES = 12  # of the report; --json and --keep have all
WIDTH = 80  # of the report, and what the table is made for
_INDENT = " " * 8

_COLOURS: Mapping[str, str] = {"completed": "green", "in_progress": "yellow", "claimed": "yellow", "failed": "red"}


class Lines:
    """Plain lines, one for each thing that happens."""

    def scene(self, text: str) -> None:
        """Write it."""
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()

    def look(self, now: Callable[[], Now]) -> None:
        """Show nothing: the lines say it."""


class Silence:
    """Nothing until the end."""

    def scene(self, text: str) -> None:
        """Show nothing."""

    def look(self, now: Callable[[], Now]) -> None:
        """Show nothing."""


class Table:
    """A table of the steps that is drawn anew, with the last things that happened below it."""

    def __init__(self) -> None:
        """Begin with nothing."""
        from rich.console import Console
        from rich.live import Live

        self._now = Now([], [], [])
        self._scenes: list[str] = []
        self._live = Live(self, console=Console(highlight=False), refresh_per_second=8)

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
        self._scenes = [*self._scenes, text][-SCENES_MAX:]

    def look(self, now: Callable[[], Now]) -> None:
        """Show it so."""
        self._now = now()

    def __rich_console__(self, console: "Console", options: "ConsoleOptions") -> "RenderResult":
        """Draw the table, who has the file that two want, and as many of the last lines as there is room for."""
        from rich.text import Text

        held = [f"{row.get('agent')} holds {_items(row.get('items'))}" for row in self._now.claims]
        waits = [f"{row.get('agent')} waits for {_listed(row.get('patterns'))}" for row in self._now.line]
        files = [
            *((line, "cyan") for line in held or ["no agent holds the cart"]),
            *((line, "yellow") for line in waits),
        ]
        room = options.size.height - len(self._now.steps) - len(files) - 3  # the header and two empty lines
        shown = min(max(room, SCENES_MIN), SCENES_MAX)
        yield self._steps()
        yield Text("")
        for line, style in [*files, ("", ""), *((scene, "dim") for scene in self._scenes[-shown:])]:
            yield Text(line, style=style, no_wrap=True, overflow="ellipsis")

    def _steps(self) -> "RichTable":
        from rich.table import Table as RichTable
        from rich.text import Text

        table = RichTable(box=None, pad_edge=False, header_style="bold")
        for column in ("step", "what", "after", "status", "agent", "commit"):
            table.add_column(column, no_wrap=True)
        for row in self._now.steps:
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
        return table


def _items(items: Json) -> str:
    rows = [row for row in items if isinstance(row, dict)] if isinstance(items, list) else []
    return ", ".join(f"{row.get('pattern')}{_parts(row)}" for row in rows)


def _parts(item: dict[str, Json]) -> str:
    carved = item.get("carved")
    given = [row for row in carved if isinstance(row, dict)] if isinstance(carved, list) else []
    without = f" without {', '.join(_listed(row.get('symbols')) for row in given)}" if given else ""
    return f": {_listed(item['symbols'])}" if item.get("symbols") else without


def _listed(values: Json) -> str:
    return ", ".join(str(value) for value in values) if isinstance(values, list) else ""


def report(found: Report) -> None:
    """Write the report."""
    write = sys.stdout.write
    coloured = sys.stdout.isatty()
    commits = f"{found.commits} commits of steps, {found.claims_commits} of claims, {found.seconds} s"
    write(f"\nWhat the ledgers say ({commits}):\n")
    for check in found.checks:
        word, colour = ("ok", "32") if check.is_ok else ("FAIL", "31")
        mark = f"\x1b[{colour}m{word:<4}\x1b[0m" if coloured else f"{word:<4}"
        write(f"  {mark}  {_filled(f'{_INDENT}{check.name}: {check.detail}').lstrip()}\n")
    if found.recovery:
        left = ", ".join(f"{name} {found.recovery.checkpoint[name]}" for name in ("branch", "fence", "reason"))
        write(f"\n{_filled(f'The checkpoint that {found.recovery.after} went on from: {left}')}\n")
    refused = ", ".join(f"{count} {code}" for code, count in sorted(found.refused.items())) or "nothing"
    write(f"\n{_filled(f'Refused, in the words that the agents got: {refused}.')}\n")
    write(f"Swaps that were lost to another clone, and decided again: {found.lost_swaps}.\n")
    write(f"Commits that carry several agents' commands at once: {found.combined}.\n")
    write("\nThe log of both, newest first:\n")
    for line in found.log[:LOG_LINES]:
        write(f"  {line}\n")
    if len(found.log) > LOG_LINES:
        write(f"  … and {len(found.log) - LOG_LINES} more\n")


def _filled(text: str) -> str:
    return textwrap.fill(text, WIDTH, subsequent_indent=_INDENT, break_long_words=False, break_on_hyphens=False)
