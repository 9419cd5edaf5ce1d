r"""Showing: the one place of the command line that writes, to stdout what was asked for and to stderr all else.

Rules:
  * Text of other agents is data: on its way out it loses everything that a terminal acts on, control characters,
    escape sequences and marks that change the direction of text.
  * A row of a table is one line. A terminal gets colours, and cells cut to its width; a pipe gets the whole text.
  * JSON is one object. What a terminal would act on is written as \uXXXX, which is the same value.
"""

import json
import re
import sys
import textwrap
from collections.abc import Mapping, Sequence
from typing import Protocol, TextIO

from gitcoord.core.documents.json_text import Json
from gitcoord.faces.cli.terminal import world
from gitcoord.faces.cli.terminal.columns import GAP, Column, cells, fitted

NAME_CHARS = 10  # of what a judgement is about: `repository`
PADDED_CELLS_MAX = 80  # of a column in a pipe: what is longer moves its own row only
# Whole escape sequences (ECMA-48), so that a coloured title is left with its words: control sequences, strings such as
# those that set a window's title, and the short ones.
_SEQUENCE = re.compile(r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]|\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[ -/]*[0-~]")
_DOUBTFUL = re.compile(r"[^\x20-\x7e]")

_COLOURS: Mapping[str, str] = {
    "completed": "32",
    "done": "32",
    "live": "32",
    "active": "32",
    "in_progress": "33",
    "claimed": "33",
    "quiet": "33",
    "skipped": "2",
    "not_started": "2",
    "ended": "2",
    "at a shell": "2",
    "no heartbeat": "2",
    "failed": "31",
    "stale": "31",
    "over": "31",
    "gone": "31",
    "damaged": "31",
    "aborted": "31",
}

_JUDGED: Mapping[str, str] = {"ok": "32", "warn": "33", "fail": "31", "skip": "2"}


def plain(text: str) -> str:
    """Return text as one line without anything that a terminal acts on."""
    if text.isascii() and text.isprintable():
        return text
    return _DOUBTFUL.sub(lambda match: _harmless(match[0]), _SEQUENCE.sub("", text))


def plain_lines(text: str) -> str:
    """Return text without anything that a terminal acts on but line breaks and tabs."""
    return "\n".join(plain(line.replace("\t", "    ")) for line in text.splitlines())


def line(text: str = "") -> None:
    """Write one line of the result."""
    sys.stdout.write(plain(text) + "\n")


def flush() -> None:
    """Hand over what was written: a command that goes on may be read through a pipe."""
    sys.stdout.flush()


def paragraph(text: str, indent: str = "  ") -> None:
    """Write someone's text of several lines, indented and quoted: a line of it may look like one of ours (SEC-1)."""
    for line in plain_lines(text).splitlines():
        sys.stdout.write(f"{indent}> {line}".rstrip() + "\n")


def verbatim(text: str) -> None:
    """Write lines as they are, but for what a terminal acts on."""
    for line in text.splitlines():
        sys.stdout.write(f"{plain(line)}\n")


def aside(kind: str, text: str) -> None:
    """Write something beside the result: an error, a hint, a note."""
    word = f"{kind}:"
    if _is_terminal(sys.stderr) and "NO_COLOR" not in world.environment():
        colour = {"error": "31", "refused": "33"}.get(kind, "2")
        word = f"\x1b[{colour}m{word}\x1b[0m"
    sys.stderr.write(f"{word} {plain(text)}\n")


def failure(kind: str, text: str, code: str) -> None:
    """Write what did not happen, with its code at the end: docs/errors.md says what to do about each."""
    aside(kind, f"{text} [{code}]" if code else text)


def json_object(value: Mapping[str, Json]) -> None:
    """Write one JSON object: on one line, or indented for a terminal."""
    if _is_terminal(sys.stdout):
        _write_json(json.dumps(value, ensure_ascii=False, indent=2))
    else:
        json_line(value)


def json_line(value: Mapping[str, Json]) -> None:
    """Write one JSON object on one line."""
    _write_json(json.dumps(value, ensure_ascii=False, separators=(",", ":")))


def _write_json(text: str) -> None:
    def escaped(match: "re.Match[str]") -> str:
        return match[0] if _harmless(match[0]) == match[0] else json.dumps(match[0])[1:-1]

    sys.stdout.write("\n".join(_DOUBTFUL.sub(escaped, line) for line in text.split("\n")) + "\n")


class Wrong(Protocol):
    """What is wrong in a line of a file, or only odd."""

    @property
    def line(self) -> int | None: ...
    @property
    def problem(self) -> str: ...


def checked(name: str, faults: Sequence[Wrong], warnings: Sequence[Wrong], has: str = "", *, as_json: bool) -> None:
    """Write what was found in a file: faults as the result, warnings beside it. `has`: what a valid one has in it."""
    if as_json:
        rows: list[list[Json]] = [
            [{"line": row.line, "problem": row.problem} for row in found] for found in (faults, warnings)
        ]
        json_object({"valid": not faults, "file": name, "faults": rows[0], "warnings": rows[1]})
        return
    for fault in faults:
        line(f"{name}:{fault.line}: {fault.problem}.")
    for warning in warnings:
        aside("warning", f"{name}:{warning.line}: {warning.problem}.")
    if not faults:
        line(f"{name} is valid{has and f': {has}'}.")


def table(columns: Sequence[str | Column], rows: Sequence[Sequence[str]]) -> None:
    """Write rows under a heading, each on a line: whole in a pipe, cut to the width of a terminal.

    A terminal has no room for a column in which nothing stands; for programs all of them are there.
    """
    shown = [column if isinstance(column, Column) else Column(column) for column in columns]
    heading = [column.title.upper() for column in shown]
    clean = [[plain(cell) for cell in row] for row in rows]
    if not _is_terminal(sys.stdout):
        filled = [heading, *([cell or "-" for cell in row] for row in clean)]
        widths = [min(max(map(cells, column)), PADDED_CELLS_MAX) for column in zip(*filled, strict=True)]
        for row in filled:
            _write_row(row, widths)
        return
    full = [index for index in range(len(shown)) if any(row[index] for row in clean)]
    heading, *clean = ([row[index] for index in full] for row in [heading, *clean])
    widths, fitting = fitted([shown[index] for index in full], [heading, *clean], terminal_width())
    styles = [["1"] * len(heading), *([_COLOURS.get(cell, "") for cell in row] for row in clean)]
    for lines, style in zip(fitting, styles, strict=True):
        for row in lines:
            _write_row(row, widths, () if "NO_COLOR" in world.environment() else style)


def folded(text: str) -> None:
    """Write a line of the result; a terminal's is folded between words."""
    if not _is_terminal(sys.stdout):
        line(text)
        return
    folding = textwrap.TextWrapper(terminal_width(), subsequent_indent="  ", break_long_words=False)
    folding.break_on_hyphens = False
    for folded in folding.wrap(plain(text)):
        sys.stdout.write(f"{folded}\n")


def terminal_width() -> int:
    """Return how many characters a line of the terminal has."""
    import shutil

    return shutil.get_terminal_size().columns


def judged(word: str, name: str, text: str, hint: str = "") -> None:
    """Write one judgement on a line: the word in capitals, of what, the text and what to do; a terminal's is folded."""
    said = plain(text) + (f" -> {plain(hint)}" if hint else "")
    start = f"{word.upper():<5} {plain(name):<{NAME_CHARS}} "
    if not _is_terminal(sys.stdout):
        sys.stdout.write(f"{start}{said}\n")
        return
    width = max(terminal_width(), len(start) + 20)
    lines = textwrap.wrap(said, width - len(start), break_on_hyphens=False) or [""]
    if "NO_COLOR" not in world.environment():
        start = f"\x1b[{_JUDGED.get(word, '0')}m{word.upper():<5}\x1b[0m{start[5:]}"
    sys.stdout.write(f"{start}{lines[0]}\n")
    for line in lines[1:]:
        sys.stdout.write(f"{' ' * (7 + NAME_CHARS)}{line}\n")


def _write_row(row: Sequence[str], widths: Sequence[int], styles: Sequence[str] = ()) -> None:
    shown = row
    if styles:
        shown = [
            f"\x1b[{style}m{cell}\x1b[0m" if style and cell else cell for cell, style in zip(row, styles, strict=False)
        ]
    padding = (" " * (width - cells(cell)) for cell, width in zip(row, widths, strict=True))
    sys.stdout.write(GAP.join(map("".join, zip(shown, padding, strict=True))).rstrip() + "\n")


def _is_terminal(stream: TextIO) -> bool:
    try:
        return stream.isatty()
    except ValueError:  # closed
        return False


def _harmless(character: str) -> str:
    if character in "\n\r\t\v\f\u2028\u2029":
        return " "
    return character if character.isprintable() else "\N{REPLACEMENT CHARACTER}"
