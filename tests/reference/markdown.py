"""Markdown of texts that were written for a terminal or for a model."""

import re
from collections.abc import Iterable, Sequence
from html import escape

WRITTEN = "<!-- Written by `python -m tests.reference` from the code: change the text there. -->\n\n"
_CODE = re.compile(r"(`[^`]*`)")
_NAME = re.compile(r"[\w./]*[_*][\w./*]*|\w+\[\]")  # an argument, a pattern with its stars, a list
_MARKUP = re.compile(r"([\\*_\[\]<>|])")


def prose(text: str) -> str:
    """Return a text as Markdown that shows it: names and patterns as code, and what else would be markup escaped."""
    named = "".join(part if part.startswith("`") else _NAME.sub(r"`\g<0>`", part) for part in _CODE.split(text))
    return "".join(part if part.startswith("`") else _MARKUP.sub(r"\\\1", part) for part in _CODE.split(named))


def code(text: str) -> str:
    """Return words as code for the cell of a table: generators differ about a bar in backquotes."""
    return f"<code>{escape(text).replace('|', '&#124;')}</code>" if "|" in text else f"`{text}`"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; nothing where it has no rows."""
    lines = [f"| {' | '.join(row)} |\n" for row in rows]
    head = f"| {' | '.join(heads)} |\n|{' --- |' * len(heads)}\n"
    return head + "".join(lines) if lines else ""
