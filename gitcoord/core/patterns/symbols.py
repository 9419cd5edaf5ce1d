"""Symbols: the named declarations of a file, each as the path of its ancestors and itself, joined by `::`.

Rules:
  * Two symbols are related, and overlap, when they are equal or one is an ancestor of the other: `Router` and
    `Router::handle` are, `Foo` and `Foobar` are not.
  * A path is kept whole: `Foo::h` and `Bar::h` are two symbols.
  * What was carved out of a file is a set of symbols; a symbol is carved when it lies wholly in that set.

What this file does not know: which symbols a file has, and who holds one.
"""

import re
from collections.abc import Iterable, Iterator
from itertools import chain

from gitcoord.core.documents.names import shown
from gitcoord.errors import InvalidError

SEPARATOR = "::"
SYMBOL_CHARS_MAX = 1024  # as a pattern's
SYMBOL_LEVELS_MAX = 64  # as a pattern's
SUGGESTIONS = 3
_FOREIGN_SEPARATORS = (".", "#", "/", "->", "\\")  # how the same path is written in some language or tool
_CALL = re.compile(r"\([^()]*\)\Z")
_RECEIVER = re.compile(r"\A\(\s*[*&]?\s*([^()\s]+)\s*\)")  # as in a method expression of Go
# Comparing two names costs the product of their lengths, 80 ns each: 5,000 names of 20 letters, or 200 of 100.
_ALIKE_COST_MAX = 2_000_000
_ALIKE_CHARS_MAX = 100
_LIKENESS_MIN = 0.6  # difflib's own default: one wrong letter in four still counts


class SymbolError(InvalidError, ValueError):
    """A text cannot be a symbol; the sentence says why."""


def symbol(text: str) -> str:
    """Return `text` as a symbol.

    Raises:
        SymbolError: it cannot be one.
    """
    why = _fault(text)
    if why is None:
        return text
    hint = "A symbol is a name with its ancestors before it, such as 'handle' or 'Router::handle'."
    raise SymbolError(f"{shown(text)} cannot be a symbol: {why}.", hint=hint)


def is_symbol(text: str) -> bool:
    """Whether `symbol` would accept it."""
    return _fault(text) is None


def parts(path: str) -> list[str]:
    """Split a symbol into its names, outermost first."""
    return path.split(SEPARATOR)


def lineage(path: str) -> list[str]:
    """Return a symbol with its ancestors, outermost first: `A`, `A::b`, `A::b::c`."""
    names = parts(path)
    return [SEPARATOR.join(names[:count]) for count in range(1, len(names) + 1)]


def meeting(mine: Iterable[str], theirs: Iterable[str]) -> tuple[str, ...]:
    """Return those of mine that are related to any of theirs, in my order.

    The work grows with the number of names, not with the number of pairs.
    """
    exact = set(theirs)
    reached = {ancestor for symbol in exact for ancestor in lineage(symbol)}
    return tuple(symbol for symbol in dict.fromkeys(mine) if symbol in reached or not exact.isdisjoint(lineage(symbol)))


def outermost(symbols: Iterable[str]) -> tuple[str, ...]:
    """Return the sorted symbols without those that lie below another: the same cover, said once."""
    every = set(symbols)
    return tuple(sorted(symbol for symbol in every if every.isdisjoint(lineage(symbol)[:-1])))


def carve(carved: Iterable[str], more: Iterable[str]) -> tuple[str, ...]:
    """Return the carved symbols after more were carved."""
    return outermost([*carved, *more])


def is_within(path: str, cover: Iterable[str]) -> bool:
    """Whether a symbol is one of these or lies below one, whole; of an ancestor of them a part lies outside."""
    return not set(cover).isdisjoint(lineage(path))


def suggest(unknown: str, existing: Iterable[str], count_max: int = SUGGESTIONS) -> tuple[str, ...]:
    """Return the symbols that were probably meant, best first.

    The same path in another spelling (case, or `.` for `::`) is all that is said; else the same last name elsewhere,
    then what looks alike.
    """
    every = sorted(set(existing))
    wanted = _folded(unknown)
    last = wanted.rpartition(SEPARATOR)[2]
    folded: dict[str, list[str]] = {}
    tails: dict[str, list[str]] = {}
    for symbol in every:
        folded.setdefault(_folded(symbol), []).append(symbol)
        tails.setdefault(_folded(symbol).rpartition(SEPARATOR)[2], []).append(symbol)
    found = folded.get(wanted) or tails.get(last, [])
    if wanted not in folded and len(found) < count_max:
        alike = (folded[key] for key in _alike(wanted, folded, count_max))
        alike_tails = (tails[key] for key in _alike(last, tails, count_max))
        found = [*found, *chain.from_iterable(alike), *chain.from_iterable(alike_tails)]
    return tuple(dict.fromkeys(name for name in found if name != unknown))[:count_max]


def _alike(word: str, words: Iterable[str], count_max: int) -> list[str]:
    import difflib  # noqa: PLC0415 - who mistypes a name has the time, every command has not

    return difflib.get_close_matches(word, _comparable(word, words), n=max(count_max, 1), cutoff=_LIKENESS_MIN)


def _comparable(word: str, words: Iterable[str]) -> Iterator[str]:
    """Yield the words that a word can be compared with in a fraction of a second."""
    left = _ALIKE_COST_MAX if len(word) <= _ALIKE_CHARS_MAX else 0
    for other in words:
        if len(other) <= _ALIKE_CHARS_MAX:
            left -= len(word) * len(other)
            if left < 0:
                return
            yield other


def respelled(path: str) -> str:
    """Return a symbol that is spelled as a language or a tool does in the spelling of this project.

    `Class.method`, `Class#method()` and Go's `(*Item).Index` are `Class::method` and `Item::Index`.
    """
    path = _RECEIVER.sub(r"\1", _CALL.sub("", path.strip()))
    for foreign in _FOREIGN_SEPARATORS:
        path = path.strip(foreign).replace(foreign, SEPARATOR)
    return path


def _folded(path: str) -> str:
    return respelled(path).casefold()


def _fault(text: str) -> str | None:
    if not text.strip():
        return "it is empty"
    if len(text) > SYMBOL_CHARS_MAX:
        return f"it has more than {SYMBOL_CHARS_MAX:,} characters"
    # Also bidirectional overrides and lone surrogates: a symbol is printed, and written as UTF-8 (SEC-1).
    if not text.isprintable():
        return "it has characters that cannot be printed"
    names = text.split(SEPARATOR)
    if len(names) > SYMBOL_LEVELS_MAX:
        return f"it has more than {SYMBOL_LEVELS_MAX} levels"
    if "" in names:
        return "there is nothing before, after or between two '::'"
    for name in names:
        if name != name.strip():
            return "a name begins or ends with a blank"
        if name[0] == ":" or name[-1] == ":":  # `A:::b` could be split in two ways
            return "a name begins or ends with ':'"
    return None
