"""JSON as people write it, with comments and trailing commas: read with the place of every part.

Rules:
  * What is read is the value and where each part of it begins and ends; the text itself is never rewritten.
  * An error names the line.
  * A key that is given twice is an error: it is unknown which of them counts.
"""

import json
import re
from dataclasses import dataclass, field
from typing import NoReturn, cast

from gitcoord.core.documents.doc import Json
from gitcoord.faces.cli.wiring.change import NotOursError

DEPTH_MAX = 100  # of settings that people write; a few hundred would end Python's own stack
BYTE_ORDER_MARK = "\ufeff"

_BLANK = re.compile(r"(?:[ \t\r\n]+|//[^\r\n]*|/\*.*?\*/)*", re.DOTALL)
_STRING = re.compile(r'"(?:[^"\\\x00-\x1f]|\\.)*"')
_WORD = re.compile(r"[^\s,:\[\]{}/\"]+")


@dataclass(frozen=True, slots=True)
class Node:
    """A value and its place. `entries` are the places of what it holds: of a member with its key, of an item."""

    start: int
    end: int
    value: Json
    members: dict[str, "Node"] = field(default_factory=dict["str", "Node"])
    items: tuple["Node", ...] = ()
    entries: tuple[tuple[int, int], ...] = ()

    def index_of(self, key: str) -> int:
        """Return which entry a member is."""
        return list(self.members).index(key)


def parse(text: str) -> Node:
    """Read a text that is one JSON value.

    Raises:
        NotOursError: it is not JSON; the sentence names the line.
    """
    return _Reader(text).whole()


def has_comment(text: str) -> bool:
    """Whether there is a comment in a text that is JSON."""
    bare = _STRING.sub("", text)
    return "//" in bare or "/*" in bare


def skip_blank(text: str, position: int) -> int:
    """Return where the blanks and comments from here on end."""
    found = _BLANK.match(text, position)
    return found.end() if found else position


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._depth = 0

    def whole(self) -> Node:
        node = self._value(skip_blank(self._text, len(BYTE_ORDER_MARK) if self._text[:1] == BYTE_ORDER_MARK else 0))
        end = skip_blank(self._text, node.end)
        if end < len(self._text):
            self._fail(end, "there is more after its end")
        return node

    def _value(self, position: int) -> Node:
        self._depth += 1
        if self._depth > DEPTH_MAX:
            self._fail(position, "it is nested too deeply")
        try:
            match self._text[position : position + 1]:
                case "{":
                    return self._object(position)
                case "[":
                    return self._array(position)
                case '"':
                    return self._string(position)
                case _:
                    found = _WORD.match(self._text, position)
                    if found is None:
                        self._fail(position, "a value is missing")
                    return Node(position, found.end(), self._decoded(position, found[0]))
        finally:
            self._depth -= 1

    def _object(self, start: int) -> Node:
        members: dict[str, Node] = {}
        entries: list[tuple[int, int]] = []
        position = skip_blank(self._text, start + 1)
        while not self._is(position, "}"):
            if not self._is(position, '"'):
                self._fail(position, "a key or '}' is missing")
            key = self._string(position)
            colon = skip_blank(self._text, key.end)
            if not self._is(colon, ":"):
                self._fail(colon, "':' is missing")
            if str(key.value) in members:
                self._fail(position, f"the key {str(key.value)[:40]!r} is given twice")
            node = self._value(skip_blank(self._text, colon + 1))
            members[str(key.value)] = node
            entries.append((position, node.end))
            position = self._after_entry(node.end, "}")
        value: Json = {key: node.value for key, node in members.items()}
        return Node(start, position + 1, value, members=members, entries=tuple(entries))

    def _array(self, start: int) -> Node:
        items: list[Node] = []
        position = skip_blank(self._text, start + 1)
        while not self._is(position, "]"):
            items.append(self._value(position))
            position = self._after_entry(items[-1].end, "]")
        values: Json = [item.value for item in items]
        places = tuple((item.start, item.end) for item in items)
        return Node(start, position + 1, values, items=tuple(items), entries=places)

    def _after_entry(self, end: int, closing: str) -> int:
        position = skip_blank(self._text, end)
        if self._is(position, ","):
            return skip_blank(self._text, position + 1)
        if not self._is(position, closing):
            self._fail(position, f"',' or '{closing}' is missing")
        return position

    def _string(self, position: int) -> Node:
        found = _STRING.match(self._text, position)
        if found is None:
            self._fail(position, "a text is not closed")
        return Node(position, found.end(), self._decoded(position, found[0]))

    def _decoded(self, position: int, part: str) -> Json:
        try:
            return cast("Json", json.loads(part, parse_constant=_no_constant))
        except ValueError:
            self._fail(position, f"{part[:40]!r} is not a value")

    def _is(self, position: int, character: str) -> bool:
        return self._text[position : position + 1] == character

    def _fail(self, position: int, what: str) -> NoReturn:
        line = self._text.count("\n", 0, position) + 1
        raise NotOursError(f"it is not JSON (line {line}: {what}); correct it, then run this again")


def _no_constant(word: str) -> NoReturn:
    raise ValueError(word)
