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
  * What counts is read here, by every command: of what is wrong the first is named, in few words, with its line. What
    a person just wrote is checked by `service/inputs/owners_input`; what passes there is read here.
  * A field that is unknown is passed over: a newer version has it.
  * A change adds or removes whole items; every other byte, comments and order included, stays. What comes out is read
    back and has to say what was meant; else nothing is written and a person is asked to do it.

What this file does not know: refs, repositories, who asks.
"""

import json
import re
from collections.abc import Iterator, Sequence

from gitcoord.core.claims.claim import Severity
from gitcoord.core.documents.names import shown
from gitcoord.core.owners.owner_rules import Module, Rules, Shared
from gitcoord.core.patterns.path_pattern import Pattern, PatternError
from gitcoord.errors import InvalidError
from gitcoord.service.inputs import yaml_text
from gitcoord.service.inputs.yaml_text import Node, YamlError, elements_of, pairs_of

SHARED, SPLITS = "shared_files", "suggested_splits"
_MODULES = ("modules", "areas")
_PROMOTED = re.compile(r"#.*?\bauto-promoted=([0-9-]{1,20})")
_PINNED = re.compile(r"#.*?\bcoord-managed=permanent\b")


def read(text: str, *, needs_modules: bool = True) -> Rules:
    """Return the rules of a text; `needs_modules`: it is people's file.

    Raises:
        YamlError: it is not valid; the first mistake.
    """
    return rules_in(yaml_text.compose(text), text, needs_modules=needs_modules)


def rules_of(text: str, name: str, *, needs_modules: bool = True) -> Rules:
    """Return the rules of a file.

    Raises:
        InvalidError: it is not valid; the sentence has the line of the first mistake.
    """
    try:
        return read(text, needs_modules=needs_modules)
    except YamlError as error:
        raise InvalidError(f"{name}:{error.line}: {error}.", hint="See `gitcoord owners check FILE`.") from None


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
    items = elements_of(value)
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
    for item in elements_of(where[1]) if where and not where[1].flow_style else ():
        try:
            there = Pattern.of(str(item.value))
        except PatternError:
            there = None
        if there == pattern and item.start_mark.line == item.end_mark.line:
            del lines[item.start_mark.line]
            return _verified(text, "".join(lines), key, pattern, gone=True)
    raise _by_hand(key, pattern, "Remove")


def _verified(old: str, new: str, key: str, pattern: Pattern, *, gone: bool = False) -> str:
    try:
        left, right = read(old, needs_modules=False), read(new, needs_modules=False)
    except YamlError:
        raise _by_hand(key, pattern, "Remove" if gone else "Add") from None
    same = left.modules == right.modules
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


def _value_of(root: Node | None, key: str) -> tuple[Node, Node] | None:
    return next(((name, value) for name, value in pairs_of(root) if name.value == key), None)


def rules_in(root: Node | None, text: str, *, needs_modules: bool = True) -> Rules:
    """Return the rules of a text whose nodes are known. Raises as `read` does."""
    if root is not None and root.id != "mapping" and not _is_null(root):
        raise _fault(root, "the rules are a mapping")
    if yaml_text.items_of(root) > yaml_text.ITEMS_MAX:
        raise YamlError(1, f"there are more than {yaml_text.ITEMS_MAX} paths, owners and shared files")
    known, head = dict[str, Node](), root
    for key, value in pairs_of(root):
        name = "modules" if key.value in _MODULES else str(key.value)
        if name in known:
            raise _fault(key, f"{shown(str(key.value), 40)} is given twice")
        known[name] = value
        head = key if name == "modules" else head
    modules = _modules(known.get("modules"))
    if needs_modules and not modules:
        raise _fault(head, "there are no modules")
    lines = text.splitlines()
    shared = tuple(_shared(item, place, lines) for item, place in _patterns(known.get(SHARED)))
    return Rules(modules, shared, tuple(place for _, place in _patterns(known.get(SPLITS))))


def _modules(node: Node | None) -> tuple[Module, ...]:
    if node is None or _is_null(node):
        return ()
    if node.id != "mapping":
        raise _fault(node, "modules is a mapping of names")
    found: dict[str, Module] = {}
    for key, value in pairs_of(node):
        name, fields = str(key.value), {str(field.value): inner for field, inner in pairs_of(value)}
        paths = tuple(place for _, place in _patterns(fields.get("paths")))
        if name in found or not paths:
            raise _fault(key, f"module {shown(name, 40)} {'is given twice' if name in found else 'has no paths'}")
        owners = tuple(dict.fromkeys(text for _, text in _texts(fields.get("owners"))))
        found[name] = Module(name, paths, owners, _severity(fields.get("severity")))
    return tuple(found.values())


def _severity(node: Node | None) -> Severity:
    if node is None or _is_null(node):
        return Severity.SOFT
    if node.id != "scalar" or node.value not in (Severity.SOFT.value, Severity.HARD.value):
        raise _fault(node, "severity is soft or hard")
    return Severity(str(node.value))


def _shared(item: Node, place: Pattern, lines: Sequence[str]) -> Shared:
    line = lines[item.end_mark.line] if item.end_mark.line < len(lines) else ""
    after = line[item.end_mark.column :] if item.end_mark.line == item.start_mark.line else ""
    promoted = _PROMOTED.search(after)
    return Shared(place, promoted[1] if promoted else "", _PINNED.search(after) is not None)


def _patterns(node: Node | None) -> Iterator[tuple[Node, Pattern]]:
    seen: set[Pattern] = set()
    for item, text in _texts(node):
        try:
            place = Pattern.of(text)
        except PatternError as error:
            raise _fault(item, str(error).rstrip(".")) from None
        if place not in seen:
            yield item, place
        seen.add(place)


def _texts(node: Node | None) -> Iterator[tuple[Node, str]]:
    """Yield the texts of a list, or the one that stands there by itself."""
    if node is None or _is_null(node):
        return
    for item in elements_of(node) if node.id == "sequence" else [node]:
        if item.id != "scalar" or str(item.tag) != yaml_text.TEXT:
            raise _fault(item, "a text, or a list of texts, is due here")
        yield item, str(item.value)


def _is_null(node: Node) -> bool:
    return node.id == "scalar" and str(node.tag) == yaml_text.NULL


def _fault(node: Node | None, problem: str) -> YamlError:
    return YamlError(node.start_mark.line + 1 if node else 1, problem)
