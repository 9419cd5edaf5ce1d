"""Parsing: from bytes to declarations and the owners of lines, by a grammar and a query.

    query's matches ─> units (one range, its names) ─> nested, named ─> with what is above ─> owners of lines
    errors of the grammar ────────────────────────────────────────────> with the unit around ─> doubtful lines

Rules:
  * The same code for every language; `source/symbols/languages.py` says what the captures of a query mean.
  * Every loop that grows with the file checks the time, and all is given up when it is late. What the library does in
    one go cannot be: its cost is estimated before.

What this file does not know: files' names, caches, limits of memory. Only `parser` imports it, in a process of its own.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from tree_sitter import Language as Grammar
from tree_sitter import Node, Query, QueryCursor

from gitcoord.core.patterns.symbols import SEPARATOR, is_symbol
from gitcoord.source.symbols.syntax_tree import CHUNK_BYTES, Check, LateError, is_open, joined, parsed, syntax_errors

_DECLARATOR_DEPTH_MAX = 64
_NAME_BYTES_MAX = 2048  # with arguments of templates, which are left out
_GAP_BYTES_MAX = 1024  # of blanks: between a comment and what it belongs to, and before it on its line
_DEPTH_MAX = 512  # levels of the tree at which a declaration may begin; 64 levels of symbols take about 300
# In the order in which they count where one name was matched as several.
_KINDS = ("function", "type", "namespace", "data")
_OPERATOR = re.compile(r"\boperator\b")
_CALL_OPERATOR = re.compile(r"operator\s*\(\s*\)")
_QUALIFIER = re.compile(r"::|\.|\\")
_ARGUMENTS = re.compile(r"(?<=\w)\s*(?:<[^<>]*>|\[[^\[\]]*\])")


@dataclass(frozen=True, slots=True)
class Found:
    """What was found: (path, first line, last line) of each declaration, and the owners of each line.

    Attributes:
        doubtful: first and last lines in which a syntax error leaves open what is declared.
        error_line: where the grammar stumbled first; 0: nowhere.
    """

    items: tuple[tuple[str, int, int], ...]
    owners: tuple[tuple[int, ...], ...]
    doubtful: tuple[tuple[int, int], ...] = ()
    error_line: int = 0


@dataclass(slots=True)
class _Match:
    """One name that a query found, and the widest range that goes with it."""

    start: int
    end: int
    kind: str
    names: tuple[str, ...]


@dataclass(slots=True)
class _Unit:
    """One range of bytes and what it declares: one path, or several in `int a, b;`."""

    start: int
    end: int
    kind: str
    names: list[tuple[str, ...]]
    parent: "_Unit | None" = None
    prefix: str = ""
    places: tuple[int, ...] = field(default=())

    @property
    def paths(self) -> list[str]:
        return [_joined(self.prefix, names) for names in self.names]


def find(grammar: Grammar, query: Query, data: bytes, is_late: Callable[[], bool]) -> Found | None:
    """Return the declarations of a file; `None`: it took too long."""

    def check() -> None:
        if is_late():
            raise LateError

    try:
        root = parsed(grammar, data, check)
        matches, above = _captures(root, query, data, check)
        units = _nested(_units(matches, check), check)
        lines = [0]  # where each begins
        place = data.find(b"\n")
        while place != -1:
            check()
            lines.append(place + 1)
            place = data.find(b"\n", place + 1)
        _extend(units, above, data, check)
        errors = syntax_errors(root, check)
        items: list[tuple[str, int, int]] = []
        for unit in units:
            check()
            first, last = bisect_right(lines, unit.start), bisect_left(lines, unit.end)
            begin = len(items)
            items.extend((path, first, max(first, last)) for path in unit.paths)
            # A namespace has no lines of its own.
            unit.places = (-1,) if unit.kind == "namespace" else tuple(range(begin, len(items)))
        doubtful = _doubtful(units, [error for error in errors if is_open(error, data)], lines, check)
        first_error = min((error.start_point.row + 1 for error in errors), default=0)
        return Found(tuple(items), _owners(units, data, lines, check), doubtful, first_error)
    except LateError:
        return None


def _captures(root: Node, query: Query, data: bytes, check: Check) -> tuple[list[_Match], list[tuple[int, int]]]:
    cursor = QueryCursor(query)
    cursor.set_max_start_depth(_DEPTH_MAX)
    # Without a progress callback: the bindings keep the address of a variable that is gone by then, and crash
    # (py-tree-sitter 0.26.1, query_cursor_matches), which is why the cost is estimated before.
    all_captures = cursor.matches(root)
    matches: dict[int, _Match] = {}
    above: set[tuple[int, int]] = set()
    for _, captures in all_captures:
        check()
        if "above" in captures:
            above.update(node.byte_range for node in captures["above"])
            continue
        match = _match(captures, data)
        if match is None:
            continue
        place, found = match
        earlier = matches.setdefault(place, found)
        if earlier is not found:
            earlier.start, earlier.end = min(earlier.start, found.start), max(earlier.end, found.end)
            earlier.kind = min(earlier.kind, found.kind, key=_KINDS.index)
            earlier.names = max(earlier.names, found.names, key=len)
    return list(matches.values()), sorted(above)


def _match(captures: Mapping[str, Sequence[Node]], data: bytes) -> tuple[int, _Match] | None:
    kind = next((kind for kind in _KINDS if kind in captures), None)
    if kind is None:
        return None
    for name, nodes in captures.items():
        # A name with dots asks for the text of its node: `@is.lambda.proc`, `@not.self`.
        condition, *words = name.split(".")
        if words and (_text(nodes[0], data) in words) != (condition == "is"):
            return None
    whole = captures[kind][0]
    start = whole.start_byte
    if "lead" in captures and not data[captures["lead"][0].end_byte : start].strip():
        start = captures["lead"][0].start_byte
    parents = _qualified(_text(captures["parent"][0], data)) if "parent" in captures else ()
    if "name" in captures:
        node = captures["name"][0]
        own = (_plain(_text(node, data)),)
    elif "path" in captures:
        node = captures["path"][0]
        own = _qualified(_text(node, data))
    else:
        node = _declared(captures["declarator"][0])
        own = _qualified(_text(node, data))
    # Where a grammar stumbles over a receiver, the name is missing and the last part of the receiver is it.
    names = tuple(name for name in (*parents, *own) if name)
    return (node.start_byte, _Match(start, whole.end_byte, kind, names)) if names else None


def _declared(node: Node) -> Node:
    """Return the name inside of a declarator of the C family: `*(*name)(int)` declares `name`."""
    for _ in range(_DECLARATOR_DEPTH_MAX):
        if not node.type.endswith("declarator"):
            break
        inner = node.child_by_field_name("declarator")
        if inner is None:  # `&name` and `(name)` have no field for it
            inner = next((child for child in reversed(node.named_children) if not child.is_extra), None)
        if inner is None:
            break
        node = inner
    return node


def _text(node: Node, data: bytes) -> str:
    """Return the text of a name; what is too long for one is cut, and so is no symbol."""
    return data[node.start_byte : min(node.end_byte, node.start_byte + _NAME_BYTES_MAX)].decode("utf-8", "replace")


def _plain(text: str) -> str:
    """Return a name without the quotes and the colon that only mark it as one, on one line."""
    text = " ".join(text.split())
    if len(text) > 1 and text[0] == text[-1] and text[0] in "`'\"":
        return text[1:-1].strip()
    is_marked = len(text) > 1 and text[0] == ":" and text[1] != ":"
    return text[1:] if is_marked else text


def _qualified(text: str) -> tuple[str, ...]:
    """Split `a::B<T>::c` into `a`, `B`, `c`; what an operator is called is left alone."""
    operator = _OPERATOR.search(text)
    tail = ""
    if operator:
        text, tail = text[: operator.start()], text[operator.start() :]
        tail = "operator()" if _CALL_OPERATOR.match(tail) else " ".join(tail.partition("(")[0].split())
    count = 1
    while count:
        text, count = _ARGUMENTS.subn("", text)
    names = [_plain(name) for name in _QUALIFIER.split(_plain(text))]
    return tuple(name for name in (*names, tail) if name)


def _joined(prefix: str, names: tuple[str, ...]) -> str:
    # `def Hive.open` within `module Hive` names what it is in.
    if len(names) > 1 and prefix.rpartition(SEPARATOR)[2] == names[0]:
        names = names[1:]
    return SEPARATOR.join((prefix, *names) if prefix else names)


def _units(matches: list[_Match], check: Check) -> list[_Unit]:
    """Return ranges in the order of nesting, each once."""
    by_range: dict[tuple[int, int], _Unit] = {}
    for match in matches:
        check()
        unit = by_range.setdefault((match.start, match.end), _Unit(match.start, match.end, match.kind, []))
        unit.kind = min(unit.kind, match.kind, key=_KINDS.index)
        unit.names.append(match.names)
    return [by_range[key] for key in sorted(by_range, key=lambda key: (key[0], -key[1]))]


def _nested(units: list[_Unit], check: Check) -> list[_Unit]:
    """Give each unit its parent, and drop local data and what has no legal path."""
    kept: list[_Unit] = []
    stack: list[_Unit] = []
    for unit in units:
        check()
        while stack and stack[-1].end <= unit.start:
            stack.pop()
        parent = stack[-1] if stack else None
        if unit.kind == "data" and parent is not None and parent.kind in {"function", "data"}:
            continue
        unit.parent = parent
        # `struct A { … } a;` declares two things side by side.
        around = parent.parent if parent is not None and (parent.kind, unit.kind) == ("data", "type") else parent
        unit.prefix = around.paths[0] if around else ""
        unit.names = [names for names in unit.names if is_symbol(_joined(unit.prefix, names))]
        if unit.names:
            kept.append(unit)
            stack.append(unit)
    return kept


def _extend(units: list[_Unit], above: list[tuple[int, int]], data: bytes, check: Check) -> None:
    """Let each unit begin with what is directly above it, and end behind the comma or semicolon that follows."""
    ends = [end for _, end in above]
    floors: dict[int, int] = {}  # by parent: where the last unit in it ended
    for unit in units:
        check()
        parent = id(unit.parent)
        floor = max(floors.get(parent, 0), unit.parent.start if unit.parent else 0)
        place = bisect_right(ends, unit.start) - 1
        while place >= 0 and above[place][0] >= floor and _is_adjacent(data, above[place], unit.start):
            check()
            unit.start = above[place][0]
            place -= 1
        limit = unit.parent.end if unit.parent else len(data)
        while unit.end < limit and data[unit.end] in b" \t,;":
            unit.end += 1
            if not unit.end % CHUNK_BYTES:
                check()
        floors[parent] = max(floors.get(parent, 0), unit.end)


def _is_adjacent(data: bytes, above: tuple[int, int], start: int) -> bool:
    """Whether something begins on the line of what is above it, or on the next one below a whole line."""
    own_start, own_end = above
    if start - own_end > _GAP_BYTES_MAX:
        return False
    gap = data[own_end:start]
    if gap.strip():
        return False
    breaks = gap.count(b"\n") + (data[own_end - 1 : own_end] == b"\n")
    before = data[max(0, own_start - _GAP_BYTES_MAX) : own_start].rpartition(b"\n")[2]
    return breaks == 0 or (breaks == 1 and not before.strip(b" \t\xef\xbb\xbf"))


def _doubtful(units: list[_Unit], errors: list[Node], lines: list[int], check: Check) -> tuple[tuple[int, int], ...]:
    """Return the lines of the innermost function or type around each error; without one, those up to the next unit."""
    begins = [unit.start for unit in units]
    found: set[tuple[int, int]] = set()
    for error in errors:
        check()
        start, end = error.start_byte, error.end_byte
        place = bisect_right(begins, start) - 1
        around = units[place] if place >= 0 else None
        while around is not None and (around.end < end or around.kind == "namespace"):
            around = around.parent
        if around is not None:
            start, end = around.start, around.end
        else:
            following = bisect_left(begins, max(end, start + 1))
            end = begins[following] if following < len(begins) else lines[-1] + 1
        first = bisect_right(lines, start)
        found.add((first, max(first, bisect_left(lines, end))))
    return joined(found)


def _owners(units: list[_Unit], data: bytes, lines: list[int], check: Check) -> tuple[tuple[int, ...], ...]:
    owners: list[list[int]] = [[] for _ in lines]
    stack: list[_Unit] = []
    cursor = 0

    def own(end: int) -> None:
        nonlocal cursor
        if end > cursor:
            places = stack[-1].places if stack else (-1,)
            _mark(owners, lines, data, (cursor, end), places, check)
            cursor = end

    for unit in units:
        check()
        while stack and stack[-1].end <= unit.start:
            own(stack[-1].end)
            stack.pop()
        own(unit.start)
        stack.append(unit)
    while stack:
        own(stack[-1].end)
        stack.pop()
    own(len(data))
    _give_blank_lines(owners)
    known: dict[tuple[int, ...], tuple[int, ...]] = {}  # one object for all lines of an owner
    return tuple(known.setdefault(numbers, numbers) for numbers in (tuple(dict.fromkeys(line)) for line in owners))


def _mark(
    owners: list[list[int]],
    lines: list[int],
    data: bytes,
    piece: tuple[int, int],
    places: tuple[int, ...],
    check: Check,
) -> None:
    """Give the lines that have text in a piece of the file to its owners."""
    start, end = piece
    line = bisect_right(lines, start) - 1
    while line < len(lines) and lines[line] < end:
        check()
        line_end = lines[line + 1] if line + 1 < len(lines) else len(data)
        if data[max(start, lines[line]) : min(end, line_end)].strip(b" \t\r\n\f\v,;"):
            owners[line].extend(places)
        line += 1


def _give_blank_lines(owners: list[list[int]]) -> None:
    before = -1
    for line, line_owners in enumerate(owners):
        if line_owners:
            same = owners[before][-1] if before >= 0 else -1
            if line - before > 1 and same == line_owners[0] and same != -1:
                owners[before + 1 : line] = [[same] for _ in range(before + 1, line)]
            before = line
