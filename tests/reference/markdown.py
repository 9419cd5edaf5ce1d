"""Markdown of texts that were written for a terminal or for a model."""

import re
from collections.abc import Iterable, Sequence
from html import escape

WRITTEN = "<!-- Written by `python -m tests.reference` from the code: change the text there. -->\n\n"
_CODE = re.compile(r"(`[^`]*`)")
# An argument, a pattern with its stars; a list; an option.
_NAME = re.compile(r"[\w./]*[_*][\w./*]*|\w+\[\]|(?<![\w-])--[a-z][\w-]*")
_MARKUP = re.compile(r"[\\*_\[\]]")
_ENTITIES = {"<": "&lt;", ">": "&gt;", "|": "&#124;"}  # a backslash before these is shown by some generators


def prose(text: str) -> str:
    """Return a text as Markdown that shows it: names and patterns as code, and what else would be markup escaped."""
    named = "".join(part if part.startswith("`") else _NAME.sub(r"`\g<0>`", part) for part in _CODE.split(text))
    return "".join(part if part.startswith("`") else _escaped(part) for part in _CODE.split(named))


def _escaped(text: str) -> str:
    return _MARKUP.sub(r"\\\g<0>", text).translate(str.maketrans(_ENTITIES))


def code(text: str) -> str:
    """Return words as code for the cell of a table: generators differ about a bar in backquotes."""
    return f"<code>{escape(text).replace('|', '&#124;')}</code>" if "|" in text else f"`{text}`"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; nothing where it has no rows."""
    lines = [f"| {' | '.join(row)} |\n" for row in rows]
    head = f"| {' | '.join(heads)} |\n|{' --- |' * len(heads)}\n"
    return head + "".join(lines) if lines else ""
