"""JSON as people write it, with comments and trailing commas: read with the place of every part.

    as people write it    {"a": [1, 2,],  // mine
    plain JSON            {"a": [1, 2 ],             a comment or a trailing comma is blanks: every place is the same

Rules:
  * Python's own `json` decides what is JSON, of the plain text; the text itself is never rewritten.
  * An error names the line.
  * A key that is given twice is an error: it is unknown which of them counts.
"""

import json
import re
from dataclasses import dataclass, field
from typing import NoReturn, cast

from gitcoord.core.documents.json_text import Json
from gitcoord.faces.cli.wiring.change import NotOursError

DEPTH_MAX = 100  # of settings that people write; a few hundred would end Python's own stack
BYTE_ORDER_MARK = "\ufeff"

_BLANK = re.compile(r"(?:[ \t\r\n]+|//[^\r\n]*|/\*.*?\*/)*", re.DOTALL)
# What has no end is taken to the end of the text, so that nothing is looked at twice.
_STRING = r'"(?:[^"\\]|\\.)*+"?'
_COMMENT = re.compile(rf"(?P<blank>//[^\r\n]*|/\*.*?\*/)|{_STRING}|/\*.*", re.DOTALL)
_LAST_COMMA = re.compile(rf"(?P<blank>,)(?=[ \t\r\n]*[\]}}])|{_STRING}|[\[{{,:][ \t\r\n]*,?", re.DOTALL)
_SEEN = re.compile(r"[^\r\n]")


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
    plain = " " + text[1:] if text.startswith(BYTE_ORDER_MARK) else text
    for surplus in (_COMMENT, _LAST_COMMA):
        plain = surplus.sub(lambda match: _SEEN.sub(" ", match["blank"]) if match["blank"] else match[0], plain)
    try:
        _SHAPE.decode(plain)
    except json.JSONDecodeError as error:
        _fail(plain, error.pos, error.msg)
    except RecursionError:
        _fail(plain, 0, "it is nested too deeply")
    return _node(plain, skip_blank(plain, 0), 1)


def has_comment(text: str) -> bool:
    """Whether there is a comment in a text that is JSON."""
    return any(match["blank"] for match in _COMMENT.finditer(text))


def skip_blank(text: str, position: int) -> int:
    """Return where the blanks and comments from here on end."""
    found = _BLANK.match(text, position)
    return found.end() if found else position


def _node(plain: str, start: int, depth: int) -> Node:
    """Return the value that begins there, in a text that is known to be JSON but for its numbers."""
    if depth > DEPTH_MAX:
        _fail(plain, start, "it is nested too deeply")
    if plain[start] not in "{[":
        try:
            value, end = cast("tuple[Json, int]", _VALUE.raw_decode(plain, start))
        except ValueError:
            _fail(plain, start, "a number is not a value")
        return Node(start, end, value)
    members: dict[str, Node] = {}
    items: list[Node] = []
    entries: list[tuple[int, int]] = []
    position = skip_blank(plain, start + 1)
    while plain[position] not in "}]":
        begin = position
        if plain[start] == "{":
            key, position = cast("tuple[str, int]", _VALUE.raw_decode(plain, begin))
            if key in members:
                _fail(plain, begin, f"the key {key[:40]!r} is given twice")
            position = skip_blank(plain, plain.index(":", position) + 1)
            members[key] = node = _node(plain, position, depth + 1)
        else:
            items.append(node := _node(plain, position, depth + 1))
        entries.append((begin, node.end))
        position = skip_blank(plain, node.end)
        position = skip_blank(plain, position + (plain[position] == ","))
    value: Json = (
        {key: node.value for key, node in members.items()} if plain[start] == "{" else [node.value for node in items]
    )
    return Node(start, position + 1, value, members, tuple(items), tuple(entries))


def _fail(text: str, position: int, what: str) -> NoReturn:
    line = text.count("\n", 0, position) + 1
    raise NotOursError(f"it is not JSON (line {line}: {what}); correct it, then run this again")


def _no_constant(word: str) -> NoReturn:
    raise ValueError(word)


_VALUE = json.JSONDecoder(parse_constant=_no_constant)
# What `NaN` or a number of thousands of digits raises has no place in it, so those are looked at one by one.
_SHAPE = json.JSONDecoder(parse_int=len, parse_float=len, parse_constant=len)
