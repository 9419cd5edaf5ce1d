"""`owners.yaml` and `auto.yaml` as texts: read with line numbers, changed by the line, so that nothing else moves.

    modules:                       or `areas`
      auth:
        paths: [src/auth/**]
        owners: [ann]
        severity: hard             or soft
    shared_files:
      - package.json
      - src/index.ts               # auto-promoted=2026-11-21
    suggested_splits:
      - src/core/**

Rules:
  * Every fault names its line, and all are reported at once. An unknown field is only a warning: a newer version has
    it.
  * A change adds or removes whole items; every other byte, comments and order included, stays. What comes out is read
    back and has to say what was meant; else nothing is written and a person is asked to do it.

What this file does not know: refs, repositories, who asks.
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import cast

from gitcoord.core.claims.claim import Severity
from gitcoord.core.documents.names import shown
from gitcoord.core.owners.owner_rules import Module, Rules, Shared
from gitcoord.core.patterns.path_pattern import Pattern, PatternError
from gitcoord.errors import InvalidError
from gitcoord.service.inputs import yaml_text
from gitcoord.service.inputs.yaml_text import Node, YamlError

FAULTS_MAX = 50
ITEMS_MAX = 20_000  # four for each of those places; an alias repeats thousands of items in three bytes
SHARED, SPLITS = "shared_files", "suggested_splits"
_MODULES = ("modules", "areas")
_MODULE_FIELDS = ("paths", "owners", "severity")
_PROMOTED = re.compile(r"#.*?\bauto-promoted=([0-9-]{1,20})")
_PINNED = re.compile(r"#.*?\bcoord-managed=permanent\b")
_NULL = "tag:yaml.org,2002:null"
_TEXT = "tag:yaml.org,2002:str"


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong in a line, counted from 1: a sentence without its full stop."""

    line: int
    problem: str


@dataclass(slots=True)
class Parsed:
    """What a text says. `rules` counts only where there are no faults."""

    rules: Rules = field(default_factory=Rules)
    faults: list[Fault] = field(default_factory=list[Fault])
    warnings: list[Fault] = field(default_factory=list[Fault])

    def checked(self, name: str) -> Rules:
        """Return the rules.

        Raises:
            InvalidError: there are faults; the first is the sentence, the others are in the hint.
        """
        if not self.faults:
            return self.rules
        first, *others = (f"{name}:{fault.line}: {fault.problem}." for fault in self.faults[:6])
        raise InvalidError(first, hint=" ".join(others) or "See `gitcoord owners check FILE`.")


def parse(text: str, *, needs_modules: bool = True) -> Parsed:
    """Read a text; `needs_modules`: it is people's file."""
    try:
        root = yaml_text.compose(text)
    except YamlError as error:
        return Parsed(faults=[Fault(error.line, str(error))])
    reading = _Reading(text.splitlines())
    parsed = reading.read(root, needs_modules=needs_modules)
    parsed.faults = sorted(parsed.faults, key=lambda fault: fault.line)[:FAULTS_MAX]
    return parsed


def add(text: str, key: str, pattern: Pattern, comment: str = "") -> str:
    """Return the text with one more item under `shared_files` or `suggested_splits`.

    Raises:
        InvalidError: it is written in a way that this cannot change.
    """
    root = _root(text)
    lines = text.splitlines(keepends=True)
    end = "\r\n" if lines and lines[0].endswith("\r\n") else "\n"
    item = json.dumps(pattern.text, ensure_ascii=False) + (f"  # {comment}" if comment else "")
    where = _value_of(root, key)
    if where is None:
        gap = "" if not text or text.endswith("\n") else end
        return _verified(text, f"{text}{gap}{key}:{end}  - {item}{end}", key, pattern)
    key_node, value = where
    if value.id == "sequence" and value.flow_style and not comment:
        position = value.end_mark.index - 1
        inner = text[value.start_mark.index + 1 : position].rstrip()
        comma = ", " if inner and not inner.endswith(",") else " " if inner else ""
        cut = value.start_mark.index + 1 + len(inner)
        return _verified(text, f"{text[:cut]}{comma}{item}{text[cut:]}", key, pattern)
    items = _items(value)
    last = items[-1] if items else key_node
    margin = " " * (key_node.start_mark.column + 2)
    if items:
        above = lines[items[-1].start_mark.line]
        margin = above[: len(above) - len(above.lstrip())]
    line = last.end_mark.line + 1
    before = [*lines[:line]]
    if before and not before[-1].endswith("\n"):
        before[-1] += end
    return _verified(text, "".join([*before, f"{margin}- {item}{end}", *lines[line:]]), key, pattern)


def remove(text: str, key: str, pattern: Pattern) -> str:
    """Return the text without the item.

    Raises:
        InvalidError: it is written in a way that this cannot change.
    """
    root = _root(text)
    where = _value_of(root, key)
    lines = text.splitlines(keepends=True)
    for item in _items(where[1]) if where and not where[1].flow_style else ():
        try:
            there = Pattern.of(str(item.value))
        except PatternError:
            there = None
        if there == pattern and item.start_mark.line == item.end_mark.line:
            del lines[item.start_mark.line]
            return _verified(text, "".join(lines), key, pattern, gone=True)
    raise _by_hand(key, pattern, "Remove")


def _verified(old: str, new: str, key: str, pattern: Pattern, *, gone: bool = False) -> str:
    before, after = parse(old, needs_modules=False), parse(new, needs_modules=False)
    left, right = before.rules, after.rules
    same = left.modules == right.modules and not after.faults
    for name in (SHARED, SPLITS):
        was, now = list(_lines_of(left, name)), list(_lines_of(right, name))
        if name == key:
            was = [other for other in was if other != pattern] if gone else [*was, pattern]
        same = same and was == now
    if not same:
        raise _by_hand(key, pattern, "Remove" if gone else "Add")
    return new


def _lines_of(rules: Rules, key: str) -> Iterator[Pattern]:
    yield from (line.pattern for line in rules.shared_files) if key == SHARED else rules.suggested_splits


def _by_hand(key: str, pattern: Pattern, verb: str) -> InvalidError:
    message = f"{key} is written in a way that cannot be changed without moving other lines."
    return InvalidError(message, hint=f"{verb} {shown(pattern.text)} by hand: `gitcoord owners edit`.")


def _root(text: str) -> Node | None:
    """Return the root of a text that is to be changed; what cannot be read has none, and `_verified` says so."""
    try:
        return yaml_text.compose(text)
    except YamlError:
        return None


def _pairs(node: Node) -> list[tuple[Node, Node]]:
    return cast("list[tuple[Node, Node]]", node.value) if node.id == "mapping" else []


def _items(node: Node) -> list[Node]:
    return cast("list[Node]", node.value) if node.id == "sequence" else []


def _value_of(root: Node | None, key: str) -> tuple[Node, Node] | None:
    return next(((name, value) for name, value in _pairs(root) if name.value == key), None) if root else None


def _is_null(node: Node) -> bool:
    return node.id == "scalar" and str(node.tag) == _NULL


class _Reading:
    """One text being read; faults are gathered, so that all of them can be reported."""

    def __init__(self, lines: Sequence[str]) -> None:
        self._lines = lines
        self._parsed = Parsed()
        self._read = 0

    def read(self, root: Node | None, *, needs_modules: bool) -> Parsed:
        if root is not None and root.id != "mapping" and not _is_null(root):
            self._fault(root, "the rules are a mapping with 'modules', 'shared_files' and 'suggested_splits'")
            return self._parsed
        known: dict[str, Node] = {}
        heads: dict[str, Node] = {}
        for key, value in _pairs(root) if root is not None else ():
            name = "modules" if key.value in _MODULES else str(key.value)
            if name in known:
                self._fault(key, f"{shown(str(key.value), 40)} is given twice")
            elif name not in ("modules", SHARED, SPLITS):
                self._warn(key, f"there is an unknown field {shown(name, 40)}")
            known[name], heads[name] = value, key
        modules = self._modules(known.get("modules"))
        if needs_modules and not modules and not self._parsed.faults:
            self._fault(
                heads.get("modules", root),
                "there are no modules; write 'modules:' with a name, its paths and its owners",
            )
        shared = tuple(self._shared(item, place) for item, place in self._patterns(known.get(SHARED), SHARED))
        splits = tuple(place for _, place in self._patterns(known.get(SPLITS), SPLITS))
        self._parsed.rules = Rules(modules, shared, splits)
        return self._parsed

    def _modules(self, node: Node | None) -> tuple[Module, ...]:
        if node is None or _is_null(node):
            return ()
        if node.id != "mapping":
            self._fault(node, "modules are a mapping of names")
            return ()
        found: dict[str, Module] = {}
        for key, value in _pairs(node):
            name = str(key.value)
            if name in found:
                self._fault(key, f"module {shown(name, 40)} is given twice")
            fields = {str(key.value): node for key, node in _pairs(value)}
            for member, _ in _pairs(value):
                if member.value not in _MODULE_FIELDS:
                    self._warn(member, f"module {shown(name, 40)} has an unknown field {shown(str(member.value), 40)}")
            paths = tuple(place for _, place in self._patterns(fields.get("paths"), "paths"))
            if not paths and (value.id != "mapping" or not self._has_items(fields.get("paths"))):
                self._fault(fields.get("paths", key), f"module {shown(name, 40)} has no paths")
            owners = tuple(dict.fromkeys(text for _, text in self._texts(fields.get("owners"), "owners")))
            found[name] = Module(name, paths, owners, self._severity(fields.get("severity")))
        return tuple(found.values())

    def _severity(self, node: Node | None) -> Severity:
        if node is None or _is_null(node):
            return Severity.SOFT
        if node.id == "scalar" and node.value in (Severity.SOFT.value, Severity.HARD.value):
            return Severity(str(node.value))
        what = shown(str(node.value), 40) if node.id == "scalar" else f"a {node.id}"
        self._fault(node, f"severity is {what}; it is soft or hard")
        return Severity.SOFT

    def _shared(self, item: Node, place: Pattern) -> Shared:
        line = self._lines[item.end_mark.line] if item.end_mark.line < len(self._lines) else ""
        after = line[item.end_mark.column :] if item.end_mark.line == item.start_mark.line else ""
        promoted = _PROMOTED.search(after)
        return Shared(place, promoted[1] if promoted else "", _PINNED.search(after) is not None)

    def _has_items(self, node: Node | None) -> bool:
        return node is not None and not _is_null(node) and (node.id != "sequence" or bool(_items(node)))

    def _patterns(self, node: Node | None, what: str) -> Iterator[tuple[Node, Pattern]]:
        seen: set[Pattern] = set()
        for item, text in self._texts(node, what):
            try:
                place = Pattern.of(text)
            except PatternError as error:
                self._fault(item, str(error).rstrip("."))
                continue
            if place not in seen:
                yield item, place
            seen.add(place)

    def _texts(self, node: Node | None, what: str) -> Iterator[tuple[Node, str]]:
        if node is None or _is_null(node):
            return
        if node.id == "mapping":
            self._fault(node, f"{what} is a list, not a mapping")
            return
        for item in _items(node) if node.id == "sequence" else [node]:
            self._read += 1
            if self._read > ITEMS_MAX:
                if self._read == ITEMS_MAX + 1:
                    self._fault(item, f"there are more than {ITEMS_MAX} paths, owners and shared files")
                return
            if item.id == "scalar" and str(item.tag) == _TEXT:
                yield item, str(item.value)
            else:
                given = shown(str(item.value), 40) if item.id == "scalar" else f"a {item.id}"
                self._fault(item, f"{what} has {given} where a text is due; put it in quotes")

    def _fault(self, node: Node | None, problem: str) -> None:
        self._parsed.faults.append(Fault(node.start_mark.line + 1 if node else 1, problem))

    def _warn(self, node: Node, problem: str) -> None:
        self._parsed.warnings.append(Fault(node.start_mark.line + 1, problem))
