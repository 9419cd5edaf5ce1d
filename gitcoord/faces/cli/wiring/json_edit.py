"""Editing JSON that people wrote: an entry is put in or taken out, every other byte stays as it was.

Rules:
  * Indentation, line ends, comments, a trailing comma and a missing last line end are those of the text.
  * What is added stands behind what is there, in the manner of its neighbours: on a line of its own, or on theirs.
  * A comma is added or taken only next to the entry that needs it.
"""

import json
import re
from collections.abc import Sequence

from gitcoord.core.documents.json_text import Json
from gitcoord.faces.cli.wiring.change import NotOursError
from gitcoord.faces.cli.wiring.jsonc import Node, parse, skip_blank

_INDENT = re.compile(r"\n([ \t]+)[\"\[{]")
_FLAT = re.compile(r"\[\n(?:\s*\"[^\"\\\n]*\",?\n)+\s*\]")  # a list of plain texts, which people write on one line
_REST_OF_LINE = re.compile(r"[ \t]*(?://[^\r\n]*|/\*[^\r\n]*?\*/)?")
_LINE_START = re.compile(r"(?:\r?\n)?[ \t]*\Z")

Path = Sequence[str]


def find(text: str, path: Path) -> Node | None:
    """Return the value at a path, `None` where there is none.

    Raises:
        NotOursError: the text is not JSON, or something on the way is not an object.
    """
    node = parse(text)
    for depth, key in enumerate(path):
        _check_object(node, path[:depth])
        inner = node.members.get(key)
        if inner is None:
            return None
        node = inner
    return node


def set_member(text: str, path: Path, value: Json) -> str:
    """Return the text with a value at a path; objects that are missing on the way are made."""
    node = parse(text)
    for depth, key in enumerate(path):
        _check_object(node, path[:depth])
        if key not in node.members:
            for name in reversed(path[depth + 1 :]):
                value = {name: value}
            return _insert(text, node, key, value)
        node = node.members[key]
    return text[: node.start] + _render(value, _indent_at(text, node.start), text) + text[node.end :]


def append_item(text: str, path: Path, value: Json) -> str:
    """Return the text with an item at the end of the list at a path, which is made if it is missing."""
    node = find(text, path)
    if node is None:
        return set_member(text, path, [value])
    if not isinstance(node.value, list):
        raise NotOursError(f"its {'.'.join(path)} is not a list")
    return _insert(text, node, None, value)


def remove_member(text: str, path: Path) -> str:
    """Return the text without the member at a path, and without objects on the way that held nothing else."""
    for depth in range(len(path), 0, -1):
        holder = find(text, path[: depth - 1])
        if holder is None or path[depth - 1] not in holder.members:
            return text
        node = holder.members[path[depth - 1]]
        if depth < len(path) and text[node.start + 1 : node.end - 1].strip():
            return text
        text = _remove(text, holder, holder.index_of(path[depth - 1]))
    return text


def remove_item(text: str, path: Path, index: int) -> str:
    """Return the text without an item of the list at a path, and without the list if that held nothing else."""
    node = find(text, path)
    if node is None:
        return text
    text = _remove(text, node, index)
    return remove_member(text, path) if len(node.items) == 1 else text


def remove_item_in(text: str, node: Node, index: int) -> str:
    """Return the text without an item of a list that was found in it."""
    return _remove(text, node, index)


def _check_object(node: Node, path: Path) -> None:
    if not isinstance(node.value, dict):
        what = f"its {'.'.join(path)} is not an object" if path else "it is not a JSON object"
        raise NotOursError(what)


def _insert(text: str, holder: Node, key: str | None, value: Json) -> str:
    prefix = "" if key is None else f"{json.dumps(key, ensure_ascii=False)}: "
    newline = _newline(text)
    if not holder.entries:
        outer = _indent_at(text, holder.start)
        indent = outer + _unit(text)
        inner = text[holder.start + 1 : holder.end - 1].rstrip()  # nothing but comments
        entry = prefix + _render(value, indent, text)
        body = f"{inner}{newline}{indent}{entry}{newline}{outer}"
        return text[: holder.start + 1] + body + text[holder.end - 1 :]
    start, end = holder.entries[-1]
    comma = skip_blank(text, end)
    has_comma = text[comma] == ","
    line_start = text.rfind("\n", 0, start) + 1
    is_first_on_line = line_start > 0 and not text[line_start:start].strip()
    if not is_first_on_line:
        entry = prefix + json.dumps(value, ensure_ascii=False)
        position = comma + 1 if has_comma else end
        return text[:position] + (f" {entry}," if has_comma else f", {entry}") + text[position:]
    indent = _indent_at(text, start)
    entry = newline + indent + prefix + _render(value, indent, text)
    position = comma + 1 if has_comma else end
    found = _REST_OF_LINE.match(text, position)
    rest_end = found.end() if found else position
    if text[rest_end : rest_end + 1] in ("\r", "\n"):  # else a comment goes on below, and is not of this entry
        position = rest_end
    if has_comma:
        return text[:position] + entry + "," + text[position:]
    return text[:end] + "," + text[end:position] + entry + text[position:]


def _remove(text: str, holder: Node, index: int) -> str:
    start, end = holder.entries[index]
    comma = skip_blank(text, end)
    has_comma = text[comma] == ","
    cut_end = comma + 1 if has_comma else end
    found = _LINE_START.search(text[:start])
    cut_start = found.start() if found else start
    if index == 0:
        cut_start = max(cut_start, holder.start + 1)
    pieces = [text[:cut_start], text[cut_end:]]
    if not has_comma and index > 0:  # the one before is the last one now
        before = skip_blank(text, holder.entries[index - 1][1])
        pieces = [text[:before], text[before + 1 : max(cut_start, before + 1)], text[cut_end:]]
    after = "".join(pieces)
    if len(holder.entries) > 1:
        return after
    # Where only blanks are left between the brackets, they go too.
    close = holder.start + 1
    while after[close] in " \t\r\n":
        close += 1
    return after[: holder.start + 1] + after[close:] if after[close] in "]}" else after


def _indent_at(text: str, position: int) -> str:
    line_start = text.rfind("\n", 0, position) + 1
    line = text[line_start:position]
    return line[: len(line) - len(line.lstrip(" \t"))]


def _render(value: Json, indent: str, text: str) -> str:
    indented = json.dumps(value, ensure_ascii=False, indent=_unit(text))
    body = _FLAT.sub(lambda match: json.dumps(json.loads(match[0]), ensure_ascii=False), indented)
    return body.replace("\n", _newline(text) + indent)


def _unit(text: str) -> str:
    found = _INDENT.search(text)
    return found[1] if found else "  "


def _newline(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"
