"""Values that another tool wrote, read with suspicion: each is what it should be, or an error names where it is not.

Rules:
  * A text loses its control characters but line breaks and tabs; one of free length is cut, and a warning says so.
  * A moment without a zone is UTC: that is how SQLite's own functions write one.
  * What is of the wrong type is never guessed at.

What this file does not know: which tool it is, and where its values are kept.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from gitcoord.core.documents.names import shown
from gitcoord.errors import InvalidError

TEXT_MAX = 4_000  # as any reason or note that is given here
WORD_MAX = 1_024  # of a name, a pattern, a branch: as long as a pattern may be
_YEARS = range(1990, 2200)  # outside of these it is another unit, or a broken clock
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_DIGITS = re.compile(r"[0-9]{9,13}")
_NANOSECONDS = re.compile(r"(\.\d{6})\d+")
_MILLISECONDS_FROM = 100_000_000_000  # as seconds that would be the year 5138


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table, or one object of an answer. `where`: what a sentence calls it. `warnings`: all rows' own."""

    where: str
    values: Mapping[str, object]
    warnings: list[str] = field(default_factory=list[str])

    def word(self, name: str) -> str:
        """Return a name, a pattern and the like: a text of one line that is not empty.

        Raises:
            InvalidError: it is not, as in all that follow.
        """
        found = self.maybe_word(name)
        if found is None:
            raise self.fault(name, "is empty")
        return found

    def maybe_word(self, name: str) -> str | None:
        """Return a text of one line; `None` where there is none, or an empty one."""
        text = self._text(name)
        if text is not None and len(text) > WORD_MAX:
            raise self.fault(name, f"has {len(text)} characters, more than {WORD_MAX}")
        if text is not None and (_CONTROL.search(text) or "\n" in text or "\t" in text):
            raise self.fault(name, f"has control characters: {shown(text, 40)}")
        return (text or "").strip() or None

    def prose(self, name: str) -> str:
        """Return a text of people or agents, as long as one may be here."""
        text = _CONTROL.sub("\N{REPLACEMENT CHARACTER}", (self._text(name) or "").replace("\r\n", "\n")).strip()
        if len(text) > TEXT_MAX:
            self.warnings.append(f"{self.where}: {name} has {len(text)} characters and was cut to {TEXT_MAX}.")
            return text[: TEXT_MAX - 1] + "…"
        return text

    def whole(self, name: str) -> str | None:
        """Return a text as it is."""
        return self._text(name)

    def integer(self, name: str) -> int:
        """Return a whole number."""
        value = self.values.get(name)
        if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 1 << 53:
            return value
        raise self.fault(name, f"is {_seen(value)}, not a whole number")

    def flag(self, name: str) -> bool:
        """Return yes or no, which SQLite keeps as 1 or 0."""
        value = self.values.get(name)
        if value in (0, 1):
            return bool(value)
        raise self.fault(name, f"is {_seen(value)}, not 0 or 1")

    def one_of(self, name: str, known: Mapping[str, str]) -> str:
        """Return what a word of the other tool is called here."""
        word = self.maybe_word(name) or ""
        if word in known:
            return known[word]
        raise self.fault(name, f"is {shown(word, 40)}; known are {', '.join(known)}")

    def moment(self, name: str) -> datetime:
        """Return a moment, in UTC."""
        found = self.maybe_moment(name)
        if found is None:
            raise self.fault(name, "is empty")
        return found

    def maybe_moment(self, name: str) -> datetime | None:
        """Return a moment, in UTC; `None` where there is none."""
        value = self.values.get(name)
        if value is None or value == "":
            return None
        moment = _moment_of(value)
        if moment is None:
            raise self.fault(name, f"is {_seen(value)}, not a time such as 2026-11-21T09:30:00Z")
        return moment

    def words(self, name: str) -> tuple[str, ...]:
        """Return a list of texts that is kept as JSON."""
        text = self._text(name)
        if not text:
            return ()
        try:
            value: object = json.loads(text)
        except (ValueError, RecursionError):
            raise self.fault(name, f"is {shown(text, 40)}, not a list in JSON") from None
        items: list[object] = value if isinstance(value, list) else [None]  # pyright: ignore[reportUnknownVariableType]
        if value is None:
            return ()
        if not all(isinstance(item, str) for item in items):
            raise self.fault(name, f"is {shown(text, 40)}, not a list of texts")
        texts = (_CONTROL.sub("\N{REPLACEMENT CHARACTER}", str(item)) for item in items)
        return tuple(text[:WORD_MAX] for text in texts if text)

    def fault(self, name: str, what: str) -> InvalidError:
        """Return the error of a value."""
        return InvalidError(f"{self.where}: {name} {what}.", hint="Correct it there, or in a copy of the file.")

    def _text(self, name: str) -> str | None:
        value = self.values.get(name)
        if value is None or isinstance(value, str):
            return value
        raise self.fault(name, f"is {_seen(value)}, not a text")


def _seen(value: object) -> str:
    return f"{len(value)} bytes" if isinstance(value, bytes) else shown(str(value), 40)


def _moment_of(value: object) -> datetime | None:
    try:
        if isinstance(value, str) and not _DIGITS.fullmatch(value.strip()):
            found = datetime.fromisoformat(_NANOSECONDS.sub(r"\1", value.strip()))
        elif isinstance(value, str | int | float) and not isinstance(value, bool):
            number = float(value)
            seconds = number / 1000 if abs(number) >= _MILLISECONDS_FROM else number
            found = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
        else:
            return None
        found = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return found.replace(microsecond=found.microsecond // 1000 * 1000) if found.year in _YEARS else None
