"""JSON files of people: one member is added, every other byte stays as it was.

What cannot be read as strict JSON (comments, a trailing comma, a key given twice) is left alone, since nothing could
be promised about it.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import cast

from gitcoord.core.doc import Json
from gitcoord.faces.cli.wiring.change import NotOursError

_BLANK = re.compile(r"[ \t\r\n]*")
_INDENT = re.compile(r"\n([ \t]+)\"")
_FLAT = re.compile(r"\[\n(?:\s*\"[^\"\\]*\",?\n)+\s*\]")  # a list of plain texts, which people write on one line
_DECODER = json.JSONDecoder()


@dataclass(frozen=True, slots=True)
class _Member:
    key: str
    key_at: int
    value_at: int
    end: int


def load(text: str) -> dict[str, Json]:
    """Return the object that a text holds.

    Raises:
        NotOursError: it is not one.
    """
    try:
        value = cast("Json", json.loads(text, object_pairs_hook=_unique))
    except (ValueError, RecursionError) as error:
        raise NotOursError(f"it is not JSON ({error}); mend it, then run this again") from None
    if not isinstance(value, dict):
        raise NotOursError("it is not a JSON object")
    return value


def add_member(text: str, outer: str, key: str, value: Mapping[str, Json]) -> str:
    """Return the text with `value` at `outer`.`key`, which is not there yet."""
    newline = "\r\n" if "\r\n" in text else "\n"
    unit = _unit(text)
    root_at = _BLANK.match(text, text.startswith("\ufeff")).end()  # pyright: ignore[reportOptionalMemberAccess]
    holder = next((one for one in _members(text, root_at) if one.key == outer), None)
    if holder is None:
        return _insert(text, root_at, outer, {key: dict(value)}, unit, 1, newline)
    return _insert(text, holder.value_at, key, dict(value), unit, 2, newline)


def _insert(text: str, object_at: int, key: str, value: Json, unit: str, depth: int, newline: str) -> str:
    """Put a member at the end of the object that begins at `object_at`."""
    members = list(_members(text, object_at))
    body = _FLAT.sub(_on_one_line, json.dumps(value, ensure_ascii=False, indent=unit))
    body = body.replace("\n", newline + unit * depth)
    entry = f"{newline}{unit * depth}{json.dumps(key)}: {body}"
    if not members:
        end = text.index("}", object_at)
        return f"{text[: object_at + 1]}{entry}{newline}{unit * (depth - 1)}{text[end:]}"
    last = members[-1].end
    if "\n" not in text[object_at : members[0].key_at]:  # an object on one line keeps its line
        return f"{text[:last]}, {json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}{text[last:]}"
    return f"{text[:last]},{entry}{text[last:]}"


def _on_one_line(match: "re.Match[str]") -> str:
    return json.dumps(json.loads(match[0]), ensure_ascii=False)


def _members(text: str, object_at: int) -> Iterator[_Member]:
    """Walk the members of an object of a text that was read as JSON before."""
    at = _skip(text, object_at + 1)
    while text[at] != "}":
        key, colon = _DECODER.raw_decode(text, at)
        value_at = _skip(text, _skip(text, colon) + 1)
        _, end = _DECODER.raw_decode(text, value_at)
        yield _Member(key, at, value_at, end)
        at = _skip(text, end)
        if text[at] == ",":
            at = _skip(text, at + 1)


def _skip(text: str, at: int) -> int:
    blank = _BLANK.match(text, at)
    return blank.end() if blank else at


def _unit(text: str) -> str:
    found = _INDENT.search(text)
    return found[1] if found else "  "


def _unique(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    out = dict(pairs)
    if len(out) != len(pairs):
        raise ValueError("a key is given twice")
    return out
