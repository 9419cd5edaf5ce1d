"""The list of a pane, drawn line by line: only what is on the screen is laid out, whatever there is of it.

    WHAT      ABOUT     WHAT IS SO        the heading
    failed    app/3     no disk           ▌ the row that keys act on, reversed
    ends      c-7k2m9q4x  …               rows, each on one line, cut as every table of the command line

Rules:
  * The selection stays with its row while others come and go.
  * Cells are plain text already; nothing in them is read as markup.

What this file does not know: what rows are about.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from gitcoord.faces.cli.terminal.columns import GAP, Column, cells, cut, widths_for
from gitcoord.faces.cli.watch.panes import PaneRow

# Words of a cell -> how it is drawn; the same as in the tables of the command line, by words of a first part.
_STYLES: Mapping[str, Style] = {
    **dict.fromkeys(("completed", "done", "live", "available"), Style(color="green")),
    **dict.fromkeys(("in_progress", "claimed", "quiet", "ends", "asked", "asks", "waits"), Style(color="yellow")),
    **dict.fromkeys(("failed", "stale", "over", "gone", "damaged", "rewound"), Style(color="red")),
    **dict.fromkeys(("skipped", "not_started", "at a shell", "no heartbeat"), Style(dim=True)),
}
_PLAIN, _HEADING, _SELECTED = Style(), Style(bold=True), Style(reverse=True)


class RowList(Widget, can_focus=True):
    """A list with a selection."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", show=False),
        Binding("down,j", "move(1)", show=False),
        Binding("pageup,ctrl+b", "page(-1)", show=False),
        Binding("pagedown,ctrl+f,space", "page(1)", show=False),
        Binding("home,g", "move(-1000000000)", show=False),
        Binding("end,G", "move(1000000000)", show=False),
        Binding("enter", "open", show=False),
    ]
    DEFAULT_CSS = "RowList { height: 1fr; }"

    class Opened(Message):
        """A row was opened."""

        def __init__(self, row: PaneRow) -> None:
            """Keep the row."""
            super().__init__()
            self.row = row

    class Moved(Message):
        """Another row is selected, or there are others."""

    def __init__(self) -> None:
        """Begin empty."""
        super().__init__()
        self._columns: Sequence[Column] = ()
        self._rows: Sequence[PaneRow] = ()
        self._nothing = ""
        self._widths: tuple[int, list[int]] = (-1, [])
        self._top = 0
        self.index = 0

    def put(self, columns: Sequence[Column], rows: Sequence[PaneRow], nothing: str, key: str) -> None:
        """Show rows. `key`: the one that is selected, where it is there; else the place stays."""
        self._columns, self._rows, self._nothing = columns, rows, nothing
        self._widths = (-1, [])
        found = next((index for index, row in enumerate(rows) if row.key == key), None) if key else None
        self._select(self.index if found is None else found)

    @property
    def selected(self) -> PaneRow | None:
        """Return the row that is selected."""
        return self._rows[self.index] if self._rows else None

    @property
    def place(self) -> str:
        """Return which row of how many is selected."""
        return f"{self.index + 1}/{len(self._rows)}" if self._rows else "0"

    def render_line(self, y: int) -> Strip:
        """Draw one line."""
        width = self.size.width
        if not self._rows:
            words = self._nothing if y == 1 else ""
            return Strip([Segment(words[:width].ljust(width), _PLAIN)])
        if y == 0:
            heading = [column.title.upper() for column in self._columns]
            return self._strip(heading, [_HEADING] * len(heading), _HEADING)
        index = self._top + y - 1
        if index >= len(self._rows):
            return Strip.blank(width)
        row = self._rows[index].cells
        if index == self.index:
            return self._strip(row, [_SELECTED] * len(row), _SELECTED)
        return self._strip(row, [_STYLES.get(cell.partition(",")[0], _PLAIN) for cell in row], _PLAIN)

    def _strip(self, row: Sequence[str], styles: Sequence[Style], gap: Style) -> Strip:
        width, segments = self.size.width, list[Segment]()
        for cell, size, column, style in zip(row, self._sizes(), self._columns, styles, strict=True):
            shown = cut(cell, size, column)
            segments += [Segment(shown + " " * (size - cells(shown)), style), Segment(GAP, gap)]
        return Strip(segments).adjust_cell_length(width, gap)

    def _sizes(self) -> list[int]:
        """Return how wide each column is in the room that there is."""
        width = self.size.width
        if self._widths[0] != width:
            heading = [column.title for column in self._columns]
            shown = [heading, *(row.cells for row in self._rows)]
            self._widths = (width, widths_for(self._columns, shown, width))
        return self._widths[1]

    def action_move(self, by: int) -> None:
        """Select another row."""
        self._select(self.index + by)

    def action_page(self, by: int) -> None:
        """Move by a screen."""
        self._select(self.index + by * max(1, self.size.height - 2))

    def action_open(self) -> None:
        """Open the row that is selected."""
        if self.selected is not None:
            self.post_message(self.Opened(self.selected))

    def on_resize(self) -> None:
        """Keep the selected row in sight."""
        self._select(self.index)

    def on_click(self, event: events.Click) -> None:
        """Select a row; a click on the one that is selected opens it."""
        if event.y > 0 and self._top + event.y - 1 < len(self._rows):
            again = self.index == self._top + event.y - 1
            self._select(self._top + event.y - 1)
            if again:
                self.action_open()

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Move down."""
        event.stop()
        self.action_move(3)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Move up."""
        event.stop()
        self.action_move(-3)

    def _select(self, index: int) -> None:
        self.index = min(max(0, index), max(0, len(self._rows) - 1))
        room = max(1, self.size.height - 1)
        self._top = min(max(self._top, self.index - room + 1), self.index, max(0, len(self._rows) - room))
        self.refresh()
        self.post_message(self.Moved())
