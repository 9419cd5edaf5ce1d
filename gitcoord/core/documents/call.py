"""Calls: what a sentence tells its reader to do next, as data.

    sentence("Claim another: ", Call.of("claim_step"), ".")
    sentence("Get in line: repeat this as ", Call.of("claim_files", ..., wait_seconds=300), ".")

Rules:
  * No text of the rules or services spells a call. A `Sentence` is made of words and calls; a face has each call in its
    own words (`Sentence.said`): a tool's call, or a command of the command line.
  * As a `str`, a sentence spells its calls as those of tools. That is what documents and records keep (DOC-1).
  * Joining texts with `+` or within an f-string loses the calls: sentences are joined by `sentence`.

What this file does not know: which tools there are, and what they take.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from types import EllipsisType
from typing import Self

from gitcoord.core.documents.doc import Doc, Text
from gitcoord.core.documents.json_text import Json

_OPEN = "…"
_ONE_OF = "one_of"
Value = str | int | float | bool | EllipsisType | type[StrEnum] | Sequence[str | EllipsisType] | Mapping[str, Json]
"""What an argument is given: `...` stands for what the reader knows, a class of words for one of them."""


class Call(Doc, frozen=True, kw_only=True):
    """A call of a tool.

    Attributes:
        tool: its name.
        arguments: in the order in which they are said, each with its value: null is what the reader knows,
            `{"one_of": […]}` a choice of words.
        is_open: whether there are others: what the reader wants, or what the call had that this answers.
    """

    tool: Text
    arguments: tuple[Mapping[str, Json], ...] = ()
    is_open: bool = False

    @classmethod
    def of(cls, tool: str, /, *others: EllipsisType, **arguments: Value) -> Self:
        """Return the call of a tool; `...` as the first argument: there are others."""
        given = tuple({name: _value(value)} for name, value in arguments.items())
        return cls(tool=tool, arguments=given, is_open=bool(others))

    @property
    def given(self) -> dict[str, Json]:
        """Return the arguments by name."""
        return {name: value for argument in self.arguments for name, value in argument.items()}

    @property
    def spelled(self) -> str:
        """Return the call as a client of the tools writes it, with `…` for what the reader knows."""
        named = [f"{name}={_spelled(value)}" for name, value in self.given.items()]
        return f"{self.tool}({', '.join([*([_OPEN] if self.is_open else []), *named])})"


class Sentence(str):
    """A text that names calls; as a `str`, with each call as it is spelled.

    Attributes:
        parts: its words and calls, in their order.
    """

    __slots__ = ("parts",)
    parts: tuple[str | Call, ...]

    def __new__(cls, parts: Iterable[str | Call]) -> Self:
        """Join words and calls."""
        parts = tuple(parts)
        text = super().__new__(cls, "".join(part.spelled if isinstance(part, Call) else part for part in parts))
        text.parts = parts
        return text

    @property
    def calls(self) -> tuple[Call, ...]:
        """Return the calls that it names."""
        return tuple(part for part in self.parts if isinstance(part, Call))

    def said(self, word: Callable[[Call], str]) -> str:
        """Return the text with each call in the words of a face."""
        return "".join(word(part) if isinstance(part, Call) else part for part in self.parts)


def sentence(*parts: str | Call) -> Sentence:
    """Join words, sentences and calls."""
    return Sentence(inner for part in parts for inner in (part.parts if isinstance(part, Sentence) else (part,)))


def calls_of(text: str) -> tuple[Call, ...]:
    """Return the calls that a text names; none where it is no sentence."""
    return text.calls if isinstance(text, Sentence) else ()


def with_calls(text: str, calls: Sequence[Call]) -> str:
    """Return a text that was read as the sentence that it was; those of its calls that are not in it are left out."""
    parts: list[str | Call] = []
    for named in calls:
        before, spelled, behind = text.partition(named.spelled)
        if spelled:
            parts += [before, named]
            text = behind
    return Sentence([*parts, text]) if parts else text


class Hinted(Doc, frozen=True, kw_only=True):
    """A document with a hint: what to do. Its calls cross to another process as data, in `calls` beside the text."""

    hint: Text = ""

    @classmethod
    def parse(cls, data: Mapping[str, Json]) -> Self:
        """Read the document, its hint as the sentence that it was."""
        rows = data.get("calls")
        parsed = super().parse({name: value for name, value in data.items() if name != "calls"})
        calls = [Call.parse(row) for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
        return parsed.evolve(hint=with_calls(parsed.hint, calls)) if calls else parsed

    def dump(self) -> dict[str, Json]:
        """Return the JSON object: the hint as it is spelled, and the calls in it."""
        calls: list[Json] = [named.dump() for named in calls_of(self.hint)]
        return {**super().dump(), **({"calls": calls} if calls else {})}


def _value(value: Value) -> Json:
    if value is ...:
        return None
    if isinstance(value, type):
        return {_ONE_OF: [*map(str, value)]}
    if isinstance(value, str):
        return str(value)  # of a word of a class as well
    if isinstance(value, float) and value.is_integer():
        return int(value)  # as a reader would write it: 6 hours, not 6.0
    if isinstance(value, int | float):
        return value
    if isinstance(value, Mapping):
        return dict(value)
    return [None if item is ... else item for item in value]


def _spelled(value: Json) -> str:
    match value:
        case None:
            return _OPEN
        case bool():
            return str(value).lower()
        case {"one_of": [*words]}:
            return "|".join(map(str, words))
        case dict():
            return f"{{{', '.join(f'{name!r}: {_spelled(item)}' for name, item in value.items())}}}"
        case list():
            return f"[{', '.join(map(_spelled, value))}]"
        case _:
            return repr(value)
