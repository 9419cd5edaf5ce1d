r"""Showing: the one place of the command line that writes, to stdout what was asked for and to stderr all else.

Rules:
  * Text of other agents is data: on its way out it loses everything that a terminal acts on, control characters,
    escape sequences and marks that change the direction of text.
  * Tables and colours are for a terminal; a pipe gets plain lines, columns padded with blanks.
  * JSON is one object. What a terminal would act on is written as \uXXXX, which is the same value.
"""

import json
import re
import shutil
import sys
import textwrap
import unicodedata
from collections.abc import Mapping, Sequence
from typing import TextIO

from gitcoord.core.doc import Json
from gitcoord.faces.cli import world

WHOLE_CHARS_MAX = 24  # of a first column that is never broken on a terminal; ids have 10, times 19
NAME_CHARS = 10  # of what a judgement is about: `repository`
CELL_CHARS_MAX = 200  # of one cell where no terminal gives a width; a title is rarely longer than 80
# Whole escape sequences (ECMA-48), so that a coloured title is left with its words: control sequences, strings such as
# those that set a window's title, and the short ones.
_SEQUENCE = re.compile(r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]|\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[ -/]*[0-~]")
_DOUBTFUL = re.compile(r"[^\x20-\x7e]")

_COLOURS: Mapping[str, str] = {
    "completed": "green",
    "done": "green",
    "live": "green",
    "active": "green",
    "in_progress": "yellow",
    "claimed": "yellow",
    "quiet": "yellow",
    "skipped": "dim",
    "not_started": "dim",
    "ended": "dim",
    "unknown": "dim",
    "failed": "red",
    "stale": "red",
    "aborted": "red",
}

_JUDGED: Mapping[str, str] = {"ok": "32", "warn": "33", "fail": "31", "skip": "2"}


def plain(text: str) -> str:
    """Return text as one line without anything that a terminal acts on."""
    return _DOUBTFUL.sub(lambda match: _harmless(match[0]), _SEQUENCE.sub("", text))


def plain_lines(text: str) -> str:
    """Return text without anything that a terminal acts on but line breaks and tabs."""
    return "\n".join(plain(line.replace("\t", "    ")) for line in text.splitlines())


def line(text: str = "") -> None:
    """Write one line of the result."""
    sys.stdout.write(plain(text) + "\n")


def paragraph(text: str, indent: str = "  ") -> None:
    """Write a text of several lines, indented."""
    for one in plain_lines(text).splitlines():
        sys.stdout.write(f"{indent}{one}\n")


def verbatim(text: str) -> None:
    """Write lines as they are, but for what a terminal acts on."""
    for one in text.splitlines():
        sys.stdout.write(f"{plain(one)}\n")


def aside(kind: str, text: str) -> None:
    """Write what is not the result: an error, a hint, a note."""
    word = f"{kind}:"
    if _is_terminal(sys.stderr) and "NO_COLOR" not in world.environment():
        colour = {"error": "31", "refused": "33"}.get(kind, "2")
        word = f"\x1b[{colour}m{word}\x1b[0m"
    sys.stderr.write(f"{word} {plain(text)}\n")


def json_object(value: Mapping[str, Json]) -> None:
    """Write one JSON object: on one line, or indented for a terminal."""
    indent, separators = (2, None) if _is_terminal(sys.stdout) else (None, (",", ":"))
    text = json.dumps(value, ensure_ascii=False, indent=indent, separators=separators)
    sys.stdout.write("\n".join(_DOUBTFUL.sub(lambda m: _escaped(m[0]), one) for one in text.split("\n")) + "\n")


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Write rows under their headings."""
    clean = [[plain(cell) for cell in row] for row in rows]
    headings = [column.upper() for column in columns]  # as in a pipe, so that one `grep CLAIM` does for both
    if _is_terminal(sys.stdout):
        _rich_table(headings, clean)
    else:
        _plain_table([headings, *clean])


def judged(word: str, name: str, text: str, hint: str = "") -> None:
    """Write one judgement on a line: the word in capitals, of what, the text and what to do; a terminal's is folded."""
    said = plain(text) + (f" -> {plain(hint)}" if hint else "")
    start = f"{word.upper():<5} {plain(name):<{NAME_CHARS}} "
    if not _is_terminal(sys.stdout):
        sys.stdout.write(f"{start}{said}\n")
        return
    width = max(shutil.get_terminal_size().columns, len(start) + 20)
    lines = textwrap.wrap(said, width - len(start), break_on_hyphens=False) or [""]
    if "NO_COLOR" not in world.environment():
        start = f"\x1b[{_JUDGED.get(word, '0')}m{word.upper():<5}\x1b[0m{start[5:]}"
    sys.stdout.write(f"{start}{lines[0]}\n")
    for one in lines[1:]:
        sys.stdout.write(f"{' ' * (7 + NAME_CHARS)}{one}\n")


def _plain_table(rows: Sequence[Sequence[str]]) -> None:
    short = [[cell[:CELL_CHARS_MAX] or "-" for cell in row] for row in rows]
    widths = [max(len(cell) for cell in column) for column in zip(*short, strict=True)]
    for row in short:
        padded = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        sys.stdout.write("  ".join(padded).rstrip() + "\n")


def _rich_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    view = Table(box=None, pad_edge=False, header_style="bold")
    for at, column in enumerate(columns):  # the first is what people copy: an id, a name, a time
        view.add_column(column, overflow="fold", no_wrap=not at and _width(rows, at) <= WHOLE_CHARS_MAX)
    for row in rows:
        view.add_row(*(Text(cell, style=_COLOURS.get(cell, "")) for cell in row))
    Console(file=sys.stdout, highlight=False, markup=False).print(view)


def _width(rows: Sequence[Sequence[str]], at: int) -> int:
    return max((len(row[at]) for row in rows), default=0)


def _is_terminal(stream: TextIO) -> bool:
    try:
        return stream.isatty()
    except ValueError:  # closed
        return False


def _harmless(character: str) -> str:
    if character in "\n\r\t\v\f\u2028\u2029":
        return " "
    shown = character.isprintable() and unicodedata.category(character) != "Cf"
    return character if shown else "\N{REPLACEMENT CHARACTER}"


def _escaped(character: str) -> str:
    return character if _harmless(character) == character else json.dumps(character)[1:-1]
