"""YAML: the one place where ruamel.yaml reads a text, be it of a person, a checkout or a ledger.

Rules:
  * SEC-4: whatever the text is, it is read within DEPTH_MAX levels, and what ruamel.yaml raises is a `YamlError` that
    names the line. Its directives, for one, end in `AssertionError` and `KeyError`.
  * SEC-4: an alias repeats thousands of items in three bytes, so who walks through a value asks `items_of` first.
    It also refuses half of a character, which only an escape can give: no ledger takes what has one.

What this file does not know: what the text is for, and how long it may be.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, cast

from gitcoord.core.documents.names import shown

if TYPE_CHECKING:
    from ruamel.yaml import YAML

Path = tuple[str | int, ...]
"""The way to a part of a value: keys of mappings, places in lists."""

_HALF = re.compile("[\ud800-\udfff]")
ITEMS_MAX = 20_000  # of all lists of a text: four for each of the 5,000 places that ownership rules may have
NULL = "tag:yaml.org,2002:null"
TEXT = "tag:yaml.org,2002:str"
DEPTH_MAX = 32  # ours need six; ruamel.yaml takes 4 s of processor for 20 KB of `[` where nothing stops it


class Mark(Protocol):
    """A place in a text, counted from 0."""

    line: int
    column: int
    index: int


class Node(Protocol):
    """A node of ruamel.yaml; `value` is a text, a list of nodes, or a list of pairs of nodes."""

    id: str
    tag: str
    value: object
    start_mark: Mark
    end_mark: Mark
    flow_style: bool | None


class YamlError(ValueError):
    """A text is no YAML that we read. `line`, counted from 1; the message is a sentence without its full stop."""

    def __init__(self, line: int, problem: str) -> None:
        """Keep the line."""
        super().__init__(problem)
        self.line = line


def compose(text: str) -> Node | None:
    """Return the nodes of a text; `None` for an empty one.

    Raises:
        YamlError: it is not YAML, or nested too deep.
    """
    return cast("Node | None", _read(text, lambda yaml: cast("Any", yaml).compose(text)))


def load(text: str) -> object:
    """Return the value of a text. Raises as `compose` does, and for a key that is given twice."""
    return _read(text, lambda yaml: cast("Any", yaml).load(text))


@dataclass(frozen=True, slots=True)
class Loaded:
    """The value of a text, the nodes that it is of, and each key that its mapping has already, with its line.

    Of a key that is there twice the first one's value counts.
    """

    value: object
    root: Node | None
    twice: tuple[tuple[Path, int], ...]


def load_with_nodes(text: str) -> Loaded:
    """Return the value of a text with its places. Raises as `compose` does."""

    def both(yaml: "YAML") -> Loaded:
        yaml.allow_duplicate_keys = True
        constructor, _ = cast("Any", yaml).get_constructor_parser(text)
        root = constructor.composer.get_single_node()
        twice = tuple(twice_given(root))  # before `<<` puts what it names into a mapping
        return Loaded(None if root is None else constructor.construct_document(root), root, twice)

    return cast("Loaded", _read(text, both))


def pairs_of(node: Node | None) -> list[tuple[Node, Node]]:
    """Return the pairs of a mapping; of all else none."""
    return cast("list[tuple[Node, Node]]", node.value) if node is not None and node.id == "mapping" else []


def elements_of(node: Node | None) -> list[Node]:
    """Return the items of a list; of all else none."""
    return cast("list[Node]", node.value) if node is not None and node.id == "sequence" else []


@dataclass(frozen=True, slots=True)
class Scalar:
    """What is written without quotes and is no text: a number, a date, `true`."""

    text: str

    def __str__(self) -> str:
        """As it is written."""
        return self.text


def plain(node: Node | None) -> object:
    """Return what a text says as it is written: keys are texts, a scalar is a text, nothing, or a `Scalar`.

    Raises:
        YamlError: it is nested too deep.
    """
    try:
        return _plain(node, {})
    except RecursionError:
        raise YamlError(1, "it is nested too deep") from None


def _plain(node: Node | None, known: dict[int, object]) -> object:
    if node is None or str(node.tag) == NULL:
        return None
    if node.id == "scalar":
        return str(node.value) if str(node.tag) == TEXT else Scalar(str(node.value))
    if id(node) not in known:  # an alias is the same object again
        pairs = {str(key.value): _plain(value, known) for key, value in pairs_of(node)}
        known[id(node)] = pairs if node.id == "mapping" else [_plain(item, known) for item in elements_of(node)]
    return known[id(node)]


def items_of(root: Node | None) -> int:
    """Return how many items all lists of a text have, with those that aliases repeat.

    Raises:
        YamlError: a part contains itself, or there is half of a character.
    """
    try:
        return _counted(root, {})
    except RecursionError:
        raise YamlError(1, "it is nested too deep") from None


def _counted(node: Node | None, known: dict[int, int | None]) -> int:
    if node is None:
        return 0
    if node.id == "scalar":
        if _HALF.search(str(node.value)):
            raise YamlError(node.start_mark.line + 1, "half of a character cannot be written")
        return 0
    if id(node) not in known:
        known[id(node)] = None
        elements = elements_of(node)
        inner = [*elements, *(part for pair in pairs_of(node) for part in pair)]
        known[id(node)] = len(elements) + sum(_counted(part, known) for part in inner)
    count = known[id(node)]
    if count is None:
        raise YamlError(node.start_mark.line + 1, "this part contains itself")
    return count


def twice_given(root: Node | None) -> Iterator[tuple[Path, int]]:
    """Yield each key that its mapping has already, and its line. A part that aliases repeat is looked at once."""
    waiting: list[tuple[Path, Node | None]] = [((), root)]
    known: set[int] = set()
    while waiting:
        path, node = waiting.pop()
        if node is None or id(node) in known:
            continue
        known.add(id(node))
        waiting += [((*path, index), element) for index, element in enumerate(elements_of(node))]
        seen: set[str] = set()
        for key, value in pairs_of(node):
            inner = (*path, str(key.value))
            if inner[-1] in seen:
                yield inner, key.start_mark.line + 1
            seen.add(inner[-1])
            waiting.append((inner, value))


class Places:
    """Where the parts of a text are."""

    def __init__(self, root: Node | None) -> None:
        """Look at nothing yet."""
        self._root = root
        self._keys: dict[int, dict[str, tuple[Node, Node]]] = {}

    def line(self, path: Sequence[str | int]) -> int:
        """Return the line of a part, from 1: that of its key, if it has one; of what is not there, its parent's."""
        node, mark = self._root, self._root.start_mark if self._root is not None else None
        for word in path:
            elements = elements_of(node)
            if isinstance(word, int) and word < len(elements):
                node, mark = elements[word], elements[word].start_mark
                continue
            if id(node) not in self._keys:  # `<<` puts what it names before what is there, so the last one counts
                self._keys[id(node)] = {str(pair[0].value): pair for pair in pairs_of(node)}
            found = self._keys[id(node)].get(str(word))
            if found is None:
                break
            mark, node = found[0].start_mark, found[1]
        return mark.line + 1 if mark is not None else 1


def _read(text: str, what: "Callable[[YAML], object]") -> object:
    # A team without rules does not pay for the import, which takes longer than a claim.
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError

    yaml = YAML(typ="safe", pure=True)
    yaml.max_depth = DEPTH_MAX
    try:
        return what(yaml)
    except MarkedYAMLError as error:
        problem = str(getattr(error, "problem", None) or "this is not YAML").partition("\n")[0]
        # the end is no line of its own
        marks = (getattr(error, name, None) for name in ("problem_mark", "context_mark"))
        lines = (getattr(mark, "line", None) for mark in marks)
        line = next((line for line in lines if isinstance(line, int)), 0)
        marked_line = min(line + 1, max(len(text.splitlines()), 1))
        raise YamlError(marked_line, problem) from None
    except Exception as error:  # noqa: BLE001 - a parser of many hands meets a stranger's text
        problem = str(error).partition("\n")[0] or type(error).__name__
        # ruamel.yaml raises errors about a directive without a mark.
        numbered = enumerate(text.splitlines(), start=1)
        directive_line = next((number for number, line in numbered if line.startswith("%")), 1)
        raise YamlError(directive_line, f"this is not YAML: {shown(problem, 200)}") from None
