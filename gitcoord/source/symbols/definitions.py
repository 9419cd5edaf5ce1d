"""Definitions: the named declarations of a file, and which of them a change touches.

A named declaration is a function, a type or a namespace wherever it is; a constant, variable, field or property that is
no local one, where the language has declarations of such; and a name that is bound to a function, class or object.
What is left (imports, statements, comments between) are the module-level lines.

Rules:
  * A definition reaches from the comments, attributes and decorators directly above it to its last line. Overloads,
    `impl` blocks and extensions share a path, with several ranges.
  * A line belongs to the innermost definitions that have text on it. A blank line belongs to a definition only where
    both its neighbours do, so that a new method with a blank line before it does not touch the class.
  * The lines of a namespace outside its declarations are module-level lines: else a new class in a namespace would
    meet all that others hold there.
  * A syntax error that may reach further than its line (half of a pair of brackets, quotes or words is missing) leaves
    the definition around it in doubt, and the file where there is none.
  * SEC-4: whatever the bytes, there is an answer: what can be found in broken syntax, or the reason that there is none.
    Another process parses them; what it and the memory of it may take is bounded, for one file and for all.

What this file does not know: claims, commits, where the bytes come from, how they are parsed.
"""

import threading
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from operator import itemgetter
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple

from gitcoord.core.patterns import symbols as rules
from gitcoord.source.symbols.languages import language_of
from gitcoord.source.symbols.parser_process import PARSER, ParserError, ParserProcess

if TYPE_CHECKING:
    from gitcoord.source.symbols.parser import Request

FILE_BYTES_MAX = 512 * 1024
PARSE_S_MAX = 1.0  # of processor time
# A push of 300 files has two sides of each; the largest file's definitions take about half a megabyte.
CACHE_FILES_MAX = 600
CACHE_CHARS_MAX = 64 * 1024 * 1024  # of their names and lines: sixteen of the largest that the parser gives
MODULE_LEVEL: Final = -1

LineRange = tuple[int, int]
"""The first and the last line, counted from 1."""


class Definition(NamedTuple):
    """One declaration; `start` and `end` are its first and last line, counted from 1."""

    path: str
    start: int
    end: int


@dataclass(frozen=True)
class Definitions:
    """What a file declares, in the order of the file.

    Attributes:
        owners: for each line the definitions that it belongs to, as places in `items`, or `MODULE_LEVEL`.
        doubtful: ranges of lines, in order and apart, in which a syntax error leaves open what is declared.
        error_line: where the first syntax error is, as the grammar sees it; 0: nowhere.
    """

    language: str
    items: tuple[Definition, ...]
    owners: tuple[tuple[int, ...], ...]
    doubtful: tuple[LineRange, ...] = ()
    error_line: int = 0

    @cached_property
    def chars(self) -> int:
        """How much there is to remember."""
        return sum(len(item.path) for item in self.items) + len(self.owners) + len(self.doubtful)

    @cached_property
    def symbols(self) -> Mapping[str, None]:
        """All symbols of the file in its order, with the ancestors that only a path says (a receiver's type)."""
        return dict.fromkeys(ancestor for item in self.items for ancestor in rules.lineage(item.path))


class CannotCheck(NamedTuple):
    """There are no definitions to be had, and why: the end of a sentence that begins with the path."""

    reason: str


class Touched(NamedTuple):
    """What a change touches: innermost symbols, sorted, and whether also module-level lines."""

    symbols: tuple[str, ...]
    module_level: bool


class Validation(NamedTuple):
    """Whether symbols exist in a file.

    Attributes:
        unknown: those that do not; empty is good.
        existing: those that exist, outermost first; empty where none is unknown.
        warning: why nothing could be looked up; then nothing is unknown.
        error_line: where a syntax error is that may hide some; 0: nowhere.
    """

    unknown: tuple[str, ...] = ()
    existing: tuple[str, ...] = ()
    warning: str = ""
    error_line: int = 0


class DefinitionReader:
    """Reads definitions, and remembers those of the same bytes. Threads may share it."""

    def __init__(
        self,
        monotonic: Callable[[], float],
        env: Mapping[str, str] = MappingProxyType({}),
        *,
        parse_s_max: float = PARSE_S_MAX,
        parser: ParserProcess = PARSER,
    ) -> None:
        """Take the clock that ends the waiting for a parser, and the environment of this process."""
        self._monotonic = monotonic
        self._env = env
        self._parse_s_max = parse_s_max
        self._parser = parser
        self._known: OrderedDict[tuple[str, bytes], Definitions] = OrderedDict()
        self._known_chars = 0
        self._lock = threading.Lock()

    def definitions(self, path: str, data: bytes) -> Definitions | CannotCheck:
        """Return what a file declares, by the language that its name says."""
        language = language_of(path)
        if language is None:
            return CannotCheck("is of a language whose definitions gitcoord cannot read")
        if len(data) > FILE_BYTES_MAX:
            return CannotCheck(f"has more than {FILE_BYTES_MAX // 1024} KB")
        if not _is_text(data):
            return CannotCheck("is not text in UTF-8")
        key = (language.name, sha256(data).digest())
        with self._lock:
            known = self._known.get(key)
            if known is not None:
                self._known.move_to_end(key)
                return known
        request: Request = {"language": language.name, "seconds": self._parse_s_max, "size": len(data)}
        try:
            answer = self._parser.ask(request, data, self._monotonic, self._env)
        except ParserError as error:  # not remembered: it may have been the machine
            return CannotCheck(str(error))
        owners = [tuple(places) for places in answer.get("owners", ())]
        items = tuple(Definition(*item) for item in answer.get("items", ()))
        lines = tuple(owners[place] for place in answer.get("lines", ()))
        doubtful = tuple((first, last) for first, last in answer.get("doubtful", ()))
        found = Definitions(language.name, items, lines, doubtful, answer.get("error_line", 0))
        with self._lock:
            self._known_chars += found.chars - (self._known[key].chars if key in self._known else 0)
            self._known[key] = found
            while len(self._known) > CACHE_FILES_MAX or self._known_chars > CACHE_CHARS_MAX:
                self._known_chars -= self._known.popitem(last=False)[1].chars
        return found

    def validate(self, path: str, data: bytes | None, symbols: Iterable[str]) -> Validation:
        """Look symbols up in a file; `None` instead of its bytes: it does not exist."""
        if data is None:
            return Validation(warning=f"{path} does not exist here, so its symbols were not looked up")
        found = self.definitions(path, data)
        if isinstance(found, CannotCheck):
            return Validation(warning=f"{path} {found.reason}, so its symbols were not looked up")
        unknown = tuple(symbol for symbol in dict.fromkeys(symbols) if symbol not in found.symbols)
        if not unknown:
            return Validation()
        existing = tuple(sorted(found.symbols, key=lambda symbol: len(rules.parts(symbol))))
        return Validation(unknown, existing, error_line=found.error_line)


def symbols_touched(definitions: Definitions, changed: Iterable[LineRange]) -> Touched:
    """Return what changed lines touch in one side of a file.

    Ask for both sides, each with its own definitions and the lines that are only there: a deletion touches what the
    old side had, an insertion what the new side has, and the side without lines says nothing.
    """
    owners: set[int] = set()
    for start, end in changed:
        for line in definitions.owners[max(start - 1, 0) : max(end, 0)]:
            owners.update(line)
    module_level = MODULE_LEVEL in owners
    return Touched(tuple(sorted({definitions.items[number].path for number in owners - {MODULE_LEVEL}})), module_level)


def is_doubtful(definitions: Definitions, changed: Iterable[LineRange]) -> bool:
    """Return whether a syntax error leaves open which symbols these lines belong to."""
    ranges = definitions.doubtful
    places = ((start, bisect_right(ranges, end, key=itemgetter(0)) - 1) for start, end in changed)
    return any(place >= 0 and ranges[place][1] >= start for start, place in places)


def _is_text(data: bytes) -> bool:
    if b"\0" in data:
        return False
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
