"""Columns: which parts of a table give way where a terminal is narrow, and how a cell is cut.

Rules:
  * A row is one line, but for prose, which people read to its end: that is folded between words. No word is folded.
  * What people copy or compare, an id, a number, a moment, is not cut. A name or a path is cut in its middle, a text
    and a list at its end, between two words.
  * Texts give way before names do, and long ids (a project's name has up to 100 characters) after both.

What this file does not know: where a table is written, colours.
"""

import textwrap
from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

GAP = "  "
MORE = "…"
ID_CELLS_MIN = 24  # `spring-cleaning/12` is whole, so that it can be copied
NAME_CELLS_MIN = 8
TEXT_CELLS_MIN = 16  # two or three words; with less a text says nothing


class ColumnKind(StrEnum):
    """What a column holds."""

    FACT = "fact"
    ID = "id"
    NAME = "name"
    TEXT = "text"
    PROSE = "prose"


# Who gives way first, and down to which width.
_GIVING = (
    ({ColumnKind.TEXT, ColumnKind.PROSE}, TEXT_CELLS_MIN),
    ({ColumnKind.TEXT, ColumnKind.NAME}, NAME_CELLS_MIN),
    ({ColumnKind.TEXT}, 0),
    ({ColumnKind.ID}, ID_CELLS_MIN),
)


class Column(NamedTuple):
    """A column and its title."""

    title: str
    kind: ColumnKind = ColumnKind.FACT


def ids(title: str) -> Column:
    """Return a column of ids that a person chose."""
    return Column(title, ColumnKind.ID)


def names(title: str) -> Column:
    """Return a column of names, paths or lists of them."""
    return Column(title, ColumnKind.NAME)


def texts(title: str) -> Column:
    """Return a column of sentences."""
    return Column(title, ColumnKind.TEXT)


def prose(title: str) -> Column:
    """Return a column of what explains something; it is the last one."""
    return Column(title, ColumnKind.PROSE)


def cells(text: str) -> int:
    """Return how much room a text takes on a terminal."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len  # each command starts cold

    return cell_len(text)


def fitted(
    columns: Sequence[Column], rows: Sequence[Sequence[str]], room: int
) -> tuple[list[int], list[list[list[str]]]]:
    """Return the widths of columns in so much room, and each row as the lines that it takes."""
    widths = widths_for(columns, rows, room)
    if columns[-1].kind is not ColumnKind.PROSE:
        return widths, [[[cut(*parts) for parts in zip(row, widths, columns, strict=True)]] for row in rows]
    lines: list[list[list[str]]] = []
    for row in rows:
        first = [cut(*parts) for parts in zip(row[:-1], widths, columns, strict=False)]
        folded = textwrap.wrap(row[-1], max(1, widths[-1]), break_on_hyphens=False) or [""]
        lines.append([[*first, folded[0]], *([*[""] * len(first), line] for line in folded[1:])])
    return widths, lines


def widths_for(columns: Sequence[Column], rows: Sequence[Sequence[str]], room: int) -> list[int]:
    """Return the widths of columns in so much room."""
    widths = [max(cells(cell) for cell in column) for column in zip(*rows, strict=True)]
    for kinds, least in _GIVING:
        giving = [index for index, column in enumerate(columns) if column.kind in kinds]
        # Let the widest of those that give way have less, until all fit or each has the least.
        space = room - len(GAP) * (len(columns) - 1)
        while sum(widths) > space and (wider := [index for index in giving if widths[index] > least]):
            widths[max(wider, key=widths.__getitem__)] -= 1
    return widths


def cut(cell: str, width: int, column: Column) -> str:
    """Return a cell as it is shown in so much room."""
    if cells(cell) <= width:
        return cell
    if width <= 1:
        return MORE[:width]
    first, blank, _ = cell.partition(" ")
    if column.kind is not ColumnKind.TEXT and (not blank or cells(first) > width - 2):
        head = _taken(first, (width - 1) // 2)
        tail = _taken(first[::-1], width - 1 - cells(head))[::-1]
        return f"{head}{MORE}{tail}"
    kept = _taken(cell, width - 1)
    words = kept if cell[len(kept)] == " " else kept.rpartition(" ")[0]
    return f"{words or kept}{MORE}"


def _taken(text: str, width: int) -> str:
    """Return as much of the beginning of a text as fits."""
    from rich.cells import chop_cells

    return chop_cells(text, width)[0] if width else ""
