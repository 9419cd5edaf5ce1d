"""TOML of people: one table is put in or taken out, every other byte stays as it was.

A table of its own is text that can stand at the end of almost any file, so it is written there, and the result is read
back: it must say what it said before, and the table. Where the text does not allow that (an inline table), tomlkit
edits it, which keeps comments and order.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import cast

import tomlkit
from tomlkit.exceptions import TOMLKitError

from gitcoord.faces.cli.wiring import entry
from gitcoord.faces.cli.wiring.change import Edited, NotOursError

_MARK = "\ufeff"
_LINE = re.compile(r"line (\d+)")
_Table = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Table:
    """A table `outer.name` that a file shall have."""

    path: str
    outer: str
    value: _Table

    def put(self, text: str | None) -> Edited:
        """Add the table, or renew ours where only the version in it is an old one."""
        before = text or ""
        known = load(before)
        others = _others(known, self.outer)
        present = others.get(entry.NAME)
        if present is None:
            return Edited(self._with(before, known, others))
        if present == self.value:
            return Edited(text)
        entry.check_starts_gitcoord(present)
        if entry.is_older(present, self.value):
            bare = self._without(before)
            return Edited(self._with(bare, load(bare), _others(load(bare), self.outer)))
        return Edited(text, entry.KEPT)

    def take(self, text: str) -> Edited:
        """Remove the table, if it is unchanged."""
        present = _others(load(text), self.outer).get(entry.NAME)
        if present is None or not entry.is_as_written(present, self.value):
            return Edited(text, entry.KEPT if entry.starts_gitcoord(present) else "")
        left = self._without(text)
        return Edited(left if left.strip(" \t\r\n" + _MARK) else None)

    def _with(self, text: str, known: _Table, others: _Table) -> str:
        expected = {**known, self.outer: {**others, entry.NAME: dict(self.value)}}
        body = tomlkit.dumps({self.outer: {entry.NAME: dict(self.value)}}).replace(f"[{self.outer}]\n", "").strip()
        for after in (_appended(text, body), _inline(text, self.outer, self.value)):
            if after is not None and _says(after, expected):
                return after
        raise NotOursError(f"its {self.outer} is written in a way that nothing can be added to; add gitcoord by hand")

    def _without(self, text: str) -> str:
        known = load(text)
        others = {name: value for name, value in _others(known, self.outer).items() if name != entry.NAME}
        rest = {name: value for name, value in known.items() if name != self.outer}
        expected = ({**known, self.outer: others}, rest) if not others else ({**known, self.outer: others},)
        for after in (*_cuts(text, f"{self.outer}.{entry.NAME}"), _dropped(text, self.outer)):
            if after is not None and any(_says(after, table) for table in expected):
                return after
        raise NotOursError(f"its {self.outer}.{entry.NAME} cannot be taken out; remove it by hand")


def load(text: str) -> dict[str, object]:
    """Return what a text says.

    Raises:
        NotOursError: it is not TOML; the sentence names the line.
    """
    try:
        return cast("dict[str, object]", tomllib.loads(text.removeprefix(_MARK)))
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        found = _LINE.search(str(error))
        line = found[1] if found else str(text.count("\n") + 1)
        raise NotOursError(f"it is not TOML (line {line}: {error}); correct it, then run this again") from None


def _others(known: _Table, outer: str) -> dict[str, object]:
    value = known.get(outer, {})
    if not isinstance(value, dict):
        raise NotOursError(f"its {outer} is not a table")
    return cast("dict[str, object]", value)


def _appended(text: str, body: str) -> str:
    newline = "\r\n" if "\r\n" in text else "\n"
    body = body.replace("\n", newline)
    if not text.strip(" \t\r\n" + _MARK):
        return text + body + newline
    if text.endswith("\n"):
        return text + newline + body + newline
    return text + newline * 2 + body  # no last line end, as before


def _cuts(text: str, table: str) -> Iterator[str]:
    """Cut a table out by its lines, with the empty line before it; a line within a text may look like its head."""
    lines = text.splitlines(keepends=True)
    has_last_end = not lines or lines[-1].endswith("\n")
    for start in [index for index, line in enumerate(lines) if line.strip() == f"[{table}]"]:
        heads = (index for index in range(start + 1, len(lines)) if lines[index].lstrip().startswith("["))
        end = next(heads, len(lines))
        while end < len(lines) and end > start + 1 and not lines[end - 1].strip():
            end -= 1  # empty lines before the next table are the next one's
        first = start - 1 if start and not lines[start - 1].strip() else start
        head, tail = "".join(lines[:first]), "".join(lines[end:])
        yield head + tail if tail or has_last_end else head.removesuffix("\n").removesuffix("\r")


def _inline(text: str, outer: str, value: _Table) -> str | None:
    try:
        document = tomlkit.parse(text.removeprefix(_MARK))
        table = tomlkit.inline_table()
        table.update(value)  # pyright: ignore[reportUnknownMemberType]
        cast("dict[str, object]", document[outer])[entry.NAME] = table
        return _with_mark(tomlkit.dumps(document), text)
    except (TOMLKitError, TypeError, ValueError):
        return None


def _dropped(text: str, outer: str) -> str | None:
    try:
        document = tomlkit.parse(text.removeprefix(_MARK))
        del cast("dict[str, object]", document[outer])[entry.NAME]
        return _with_mark(tomlkit.dumps(document), text)
    except (TOMLKitError, TypeError, ValueError):
        return None


def _with_mark(after: str, before: str) -> str:
    return _MARK + after if before.startswith(_MARK) else after


def _says(text: str, expected: _Table) -> bool:
    try:
        return load(text) == expected
    except NotOursError:
        return False
