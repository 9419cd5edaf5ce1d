"""An index of patterns: which of thousands may meet a given one, without asking each.

A trie over the folders that every match of a pattern begins with. A pattern without wildcard is kept by its name. Of
others, what comes from the first wildcard on is kept by something that a match must have:

    (root) ── open    $.ts: {claim 4}          an ending: `*.ts`; floating patterns begin at the root
      └─ src ── open    /tests: {claim 3}      a name: `src/**/tests/*.py`
           ├─ …    open    <gen: {claim 5}  how a name begins, or with `>` ends: `src/gen*/**`
           └─ auth ── open    *: {claim 2}     nothing more is known: `src/auth/**`
                   └─ files   login.ts: {claim 1}

Rules:
  * `candidates` leaves out no pattern that overlaps; it may name some that do not. `path_pattern.overlaps` decides.
  * An index is immutable; a change copies the nodes on the way to it, each once, and shares all others.

What this file does not know: what the keys stand for.
"""

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Generic, TypeVar

from gitcoord.core.documents.doc import Struct, field
from gitcoord.core.patterns.path_pattern import Pattern, Shape, shape_of
from gitcoord.core.patterns.segment import Segment

K = TypeVar("K", bound=Hashable)


class _Node(Struct, Generic[K], frozen=True):
    """One folder of the trie.

    Attributes:
        children: folders in it.
        files: the keys of patterns that match one path in this folder and no other, by its name.
        open: the keys of patterns that go on with a wildcard, by what they must have.
    """

    children: Mapping[str, "_Node[K]"] = field(default_factory=dict[str, "_Node[K]"])
    files: Mapping[str, frozenset[K]] = field(default_factory=dict[str, frozenset[K]])
    open: Mapping[str, frozenset[K]] = field(default_factory=dict[str, frozenset[K]])

    def __bool__(self) -> bool:
        return bool(self.children or self.files or self.open)


class _Change(Struct, Generic[K], frozen=True):
    folders: tuple[str, ...]
    place: str
    is_file: bool
    key: K
    adds: bool


class PatternIndex(Generic[K]):
    """An immutable multimap from patterns to keys that finds what may overlap."""

    __slots__ = ("_root",)

    def __init__(self, root: _Node[K] | None = None) -> None:
        self._root: _Node[K] = _Node() if root is None else root

    def with_changes(
        self, added: Iterable[tuple[K, Pattern]] = (), removed: Iterable[tuple[K, Pattern]] = ()
    ) -> "PatternIndex[K]":
        """Return an index without what is removed and with what is added, in this order."""
        changes = [_change(key, pattern, adds=False) for key, pattern in removed]
        changes += [_change(key, pattern, adds=True) for key, pattern in added]
        return PatternIndex(_changed(self._root, changes, 0)) if changes else self

    def candidates(self, pattern: Pattern) -> set[K]:
        """Return the keys of all patterns that overlap, and of few others."""
        shape = shape_of(pattern)
        return _on_the_way(self._root, shape.path) if shape.path is not None else _reached(self._root, shape)

    def at(self, path: str) -> set[K]:
        """Return the keys of all patterns that match one path, and of few others; the path as git spells it."""
        return _on_the_way(self._root, path)


EMPTY: PatternIndex[str] = PatternIndex()


def _change(key: K, pattern: Pattern, *, adds: bool) -> _Change[K]:
    shape = shape_of(pattern)
    if shape.path is not None:
        return _Change(shape.lead[:-1], shape.lead[-1], is_file=True, key=key, adds=adds)
    return _Change(shape.lead, _open_slot(shape.steps[len(shape.lead) :]), is_file=False, key=key, adds=adds)


def _changed(node: _Node[K], changes: Sequence[_Change[K]], depth: int) -> _Node[K]:
    """Return a node with changes that all begin with its path, which is `depth` names long."""
    deeper: dict[str, list[_Change[K]]] = {}
    files: list[_Change[K]] = []
    slots: list[_Change[K]] = []
    for change in changes:
        if len(change.folders) > depth:
            deeper.setdefault(change.folders[depth], []).append(change)
        else:
            (files if change.is_file else slots).append(change)
    return _Node(
        _with_children(node.children, deeper, depth + 1) if deeper else node.children,
        _with_keys(node.files, files) if files else node.files,
        _with_keys(node.open, slots) if slots else node.open,
    )


def _with_keys(old: Mapping[str, frozenset[K]], changes: Iterable[_Change[K]]) -> dict[str, frozenset[K]]:
    sets: dict[str, set[K]] = {}
    for change in changes:
        keys = sets.setdefault(change.place, set(old.get(change.place, ())))
        (keys.add if change.adds else keys.discard)(change.key)
    new = dict(old)
    for place, keys in sets.items():
        if keys:
            new[place] = frozenset(keys)
        else:
            new.pop(place, None)
    return new


def _with_children(
    old: Mapping[str, _Node[K]], changes: Mapping[str, Sequence[_Change[K]]], depth: int
) -> dict[str, _Node[K]]:
    new = dict(old)
    for name, some in changes.items():
        child = _changed(new.get(name) or _Node(), some, depth)
        if child:
            new[name] = child
        else:
            new.pop(name, None)
    return new


def slot_of(steps: Sequence[Segment | None]) -> str:
    """Return what every match of these steps must have: a name, the beginning or ending of the last, or nothing."""
    names = [step.literal for step in steps if step is not None and step.literal is not None]
    if names:
        return "/" + max(reversed(names), key=len)
    last = steps[-1]
    if last is None:
        return "*"
    start, end = _fixed(last.tokens), _fixed(last.tokens[::-1])[::-1]
    return "*" if not start and not end else "^" + start if len(start) > len(end) else "$" + end


def _open_slot(steps: Sequence[Segment | None]) -> str:
    """Return the slot, or the longer beginning or ending of a name that is not the last."""
    tokens = [step.tokens for step in steps[:-1] if step is not None and step.literal is None]
    names = (("<" + _fixed(name), ">" + _fixed(name[::-1])[::-1]) for name in tokens)
    return max([slot_of(steps), *(slot for both in names for slot in both)], key=len)


def spelled_out(steps: Sequence[Segment | None]) -> str:
    """Return the longest text that every match of these steps has in one of its names; empty where there is none."""
    runs = [""]
    for step in steps:
        for token in (*(step.tokens if step is not None else ()), None):
            if isinstance(token, str):
                runs[-1] += token
            else:
                runs.append("")
    return max(runs, key=len)


def _fixed(tokens: Sequence[object]) -> str:
    text = ""
    for token in tokens:
        if not isinstance(token, str):
            break
        text += token
    return text


def _on_the_way(root: _Node[K], path: str) -> set[K]:
    """Return the keys that may match one path: its own, and the open ones on the way."""
    names = path.split("/")
    slots: set[str] = set()  # made where a node is open at all
    found: set[K] = set()
    node: _Node[K] | None = root
    for position in range(len(names) + 1):
        if node.open:
            slots = slots or _slots_met(names)
            found.update(*(node.open[slot] for slot in node.open.keys() & slots))
        if position == len(names) - 1:
            found |= node.files.get(names[position], frozenset())
        node = node.children.get(names[position]) if position < len(names) else None
        if node is None:
            break
    return found


def _slots_met(names: Sequence[str]) -> set[str]:
    """Return the slots of all patterns that may match a path."""
    slots = {"*", *("/" + name for name in names)}
    for marks, some in (("<>", names), ("^$", names[-1:])):
        slots.update(marks[0] + name[: cut + 1] for name in some for cut in range(len(name)))
        slots.update(marks[1] + name[cut:] for name in some for cut in range(len(name)))
    return slots


def _reached(root: _Node[K], shape: Shape) -> set[K]:
    """Return the keys at the nodes that a pattern can reach: all that are open there, and files where it can end."""
    steps = shape.steps
    found: set[K] = set()
    todo = [(root, _and_after_stars(1, steps))]
    while todo:
        node, positions = todo.pop()
        for slot, keys in node.open.items():
            if _can_meet(slot, steps[-1]):
                found |= keys
        here = [(position, step) for position, step in enumerate(steps) if positions >> position & 1]
        last = len(steps) - 2 if steps[-1] is None else len(steps) - 1
        for position, step in here:
            if position >= last:
                if step is None:
                    of_matching = node.files.values()
                elif step.literal is not None:
                    of_matching = [node.files[step.literal]] if step.literal in node.files else []
                else:
                    of_matching = [keys for name, keys in node.files.items() if step.matches(name)]
                found.update(*of_matching)
        todo.extend(_next(node, here, steps))
    return found


def _next(
    node: _Node[K], here: Sequence[tuple[int, Segment | None]], steps: Sequence[Segment | None]
) -> Iterator[tuple[_Node[K], int]]:
    """Yield the folders in which the pattern can go on, and where it then is."""
    if len(here) == 1 and here[0][1] is not None and here[0][1].literal is not None:
        child = node.children.get(here[0][1].literal)
        if child is not None:
            yield child, _and_after_stars(2 << here[0][0], steps)
        return
    for name, child in node.children.items():
        moved = sum(1 << position + (step is not None) for position, step in here if step is None or step.matches(name))
        if moved:
            yield child, _and_after_stars(moved, steps)


def _and_after_stars(positions: int, steps: Sequence[Segment | None]) -> int:
    for index, step in enumerate(steps):
        if step is None and positions >> index & 1:
            positions |= 2 << index
    return positions


def _can_meet(slot: str, last: Segment | None) -> bool:
    """Tell whether a path with the last name `last` can have what a slot asks for."""
    if last is None or slot[0] in "*/<>":
        return True
    if slot[0] == "^":
        start = _fixed(last.tokens)
        return start.startswith(slot[1:]) or slot[1:].startswith(start)
    end = _fixed(last.tokens[::-1])[::-1]
    return end.endswith(slot[1:]) or slot[1:].endswith(end)
