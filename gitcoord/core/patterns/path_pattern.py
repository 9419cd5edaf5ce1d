"""Patterns: which paths a claim covers, in gitignore's language, and whether two of them can meet.

    package.json   that name at any depth          src/a.ts     that file
    *.ts           files at any depth              src/*.ts     files of one folder
    auth/          folders of that name            src/auth/**  a folder, itself and all below
    /Makefile      only at the root                src/**/x.ts  at any depth below src

Rules:
  * A pattern has one spelling (`canonical`), and its last segment one reading: a file, a tree, either, or files by
    wildcard. A file has nothing below it; a tree and what may be either have.
  * The reading follows from the text where it can, so that only what deviates need be stored (`Pattern.stored`).
  * Overlap and containment are decided exactly, on automata; neither knows which files exist.
  * What may be either meets below its name only what names it as a folder: `src/auth` meets `src/auth/*.ts`, and not
    `README.md`, which would have to lie in a folder that neither pattern names. A path in both still belongs to both.
  * Overlap is polynomial in the length of both texts, which is bounded. Containment is given up after a number of
    steps, never after a time.

What this file does not know: which files are tracked (`resolve`), who claims what.
"""

from collections.abc import Iterator
from enum import StrEnum
from functools import cached_property, lru_cache
from typing import Self

from gitcoord.core.documents.doc import Struct
from gitcoord.core.documents.names import shown
from gitcoord.core.patterns import automata, segment
from gitcoord.core.patterns.automata import Budget, OverLimitError
from gitcoord.core.patterns.regex import Matcher, matcher
from gitcoord.core.patterns.segment import ANY_NAME, Segment

CHARS_MAX = 1024
SEGMENTS_MAX = 64
CONTAINS_STEPS_MAX = 50_000  # about 0.1 s; what people write takes less than 100


class PatternError(ValueError):
    """A text is no pattern; the message is one sentence that says why."""


class TooHardError(PatternError):
    """Whether one pattern lies within another takes more steps than the limit."""


class Reading(StrEnum):
    """What the last segment of a pattern names."""

    FILE = "file"
    TREE = "tree"
    EITHER = "either"
    GLOB = "glob"


class Pattern(Struct, frozen=True):
    """A pattern in its canonical spelling. Make it with `of`, `literal` or `resolve.resolve`."""

    text: str
    reading: Reading

    @classmethod
    def of(cls, text: str, reading: Reading | None = None) -> "Pattern":
        """Return the pattern of a text; without a reading the one that the text suggests.

        Raises:
            PatternError: the text is no pattern.
        """
        return _of(text, reading)

    @property
    def stored(self) -> Reading | None:
        """The reading, where it is not what the text suggests."""
        return None if self.reading is default_reading(self.text) else self.reading

    @property
    def is_floating(self) -> bool:
        """Whether it matches at any depth because it has no slash before its last segment."""
        return "/" not in self.text.removesuffix("/") and self.text != "**"

    def __str__(self) -> str:
        return self.text


class Shape(Struct, frozen=True, eq=False, dict=True):
    """What a pattern means: segments one after the other, None standing for any number of folders.

    Attributes:
        lead: the names that every match begins with.
        path: the one path that matches, if there is only one.
        is_empty: nothing can match.
        is_either: it may be a file, so that the last step, which is what is below it, may be nothing.
    """

    steps: tuple[Segment | None, ...]
    lead: tuple[str, ...]
    path: str | None
    is_empty: bool
    is_either: bool = False

    @classmethod
    def of(cls, steps: tuple[Segment | None, ...], *, is_either: bool = False) -> Self:
        lead: list[str] = []
        for step in steps:
            if step is None or step.literal is None:
                break
            lead.append(step.literal)
        path = "/".join(lead) if len(lead) == len(steps) else None
        return cls(steps, tuple(lead), path, any(step is not None and step.is_empty for step in steps), is_either)

    @cached_property
    def matches(self) -> Matcher:
        """Tell whether a path matches."""
        return matcher(self.steps)

    @cached_property
    def witness(self) -> str | None:
        """A path that matches, if there is one: what does not match it does not contain this."""
        names = None if self.is_empty else _names(self.steps, self.steps)
        return "/".join(names) if names and all(names) else None

    @property
    def named(self) -> tuple[Segment | None, ...]:
        """The steps up to its name, where it may be either; else all."""
        return self.steps[:-1] if self.is_either else self.steps

    @cached_property
    def is_tree(self) -> bool:
        """Whether it is one folder with all that is below."""
        return self.steps[-1] is None and len(self.lead) == len(self.steps) - 1


def canonical(text: str) -> str:
    """Return the one spelling of a pattern.

    Raises:
        PatternError: the text is no pattern.
    """
    if not text.strip():
        raise PatternError("A pattern cannot be empty or blank.")
    if text.startswith("!"):
        raise PatternError("A pattern cannot start with '!': nothing can be taken out of a claim that way.")
    if segment.UNWRITABLE.search(text):
        raise PatternError("A pattern cannot contain control characters; '?' stands for any one character.")
    _checked_size(text)
    slashed = text.replace("\\", "/")
    names = [segment.one_spelling(name) for name in slashed.split("/") if name not in {"", "."}]
    names = [name for index, name in enumerate(names) if not (name == "**" and index and names[index - 1] == "**")]
    if not names:
        raise PatternError(f"{shown(text)} names no path; '**' is everything.")
    if ".." in names:
        raise PatternError("A pattern cannot contain '..'; it is read from the root of the repository.")
    is_tree = slashed.endswith(("/", "/.")) or names[-1] == "**"
    is_anchored = slashed.startswith(("/", "./")) or len(names) > 1
    return _checked_size(_spelled(names[:-1] if names[-1] == "**" else names, tree=is_tree, anchored=is_anchored))


def default_reading(text: str) -> Reading:
    """Return how the last segment of a canonical text is read where nothing else is known."""
    if text == "**" or text.endswith(("/", "/**")):
        return Reading.TREE
    name = segment.segment(text.rpartition("/")[2]).literal
    if name is None:
        return Reading.GLOB
    stem, _, extension = name.rpartition(".")  # `login.ts` is a file; `Makefile`, `.github` and `etc.` may be folders
    return Reading.FILE if stem.strip(".") and extension else Reading.EITHER


def literal(path: str, reading: Reading = Reading.FILE) -> Pattern:
    """Return the pattern of exactly this path: anchored, and no character of it is a wildcard.

    A control character in it, which a pattern cannot have, becomes `?`.

    Raises:
        PatternError: the path is empty, leaves the repository, or is too long.
    """
    return Pattern.of("/" + segment.escaped(path), reading)


def shape_of(pattern: Pattern) -> Shape:
    return _shape(pattern.text, pattern.reading is Reading.EITHER)


def matches(pattern: Pattern, path: str) -> bool:
    """Tell whether a path, spelled as git spells it, is one of the pattern's."""
    return bool(shape_of(pattern).matches(path))


def overlaps(first: Pattern, second: Pattern) -> bool:
    """Tell whether both meet: a path, tracked or not, matches both, and neither has to be a folder for it unnamed."""
    return shapes_overlap(shape_of(first), shape_of(second))


def shapes_overlap(one: Shape, other: Shape) -> bool:
    """Decide `overlaps` for what was read before."""
    if one.path is not None:
        return not one.is_empty and (
            one.path == other.path if other.path is not None else bool(other.matches(one.path))
        )
    if other.path is not None:
        return not other.is_empty and bool(one.matches(other.path))
    if any(name != name2 for name, name2 in zip(one.lead, other.lead, strict=False)):
        return False
    if one.is_tree and other.is_tree:
        return not one.is_empty and not other.is_empty
    return _overlap(one, other)


def example(first: Pattern, second: Pattern) -> str | None:
    """Return a short path that matches both, or None if there is none."""
    one, other = shape_of(first), shape_of(second)
    if one.is_empty or other.is_empty:
        return None
    met = _met(one, other)
    if met is None:
        return None
    names = _names(one.named[: met[0]], other.named[: met[1]])
    below = one.named[met[0] :] or other.named[met[1] :]
    inside = _names(below, below) if below else []
    if names is None or inside is None:
        return None
    both_trees = first.reading is Reading.TREE and second.reading is Reading.TREE
    return "/".join([*names, *inside, *(["x"] if both_trees and one.lead + other.lead else [])])


@lru_cache(maxsize=1 << 12)
def contains(outer: Pattern, inner: Pattern) -> bool:
    """Tell whether every path of `inner` is one of `outer`.

    Raises:
        TooHardError: it takes more than CONTAINS_STEPS_MAX steps to tell.
    """
    one, other = shape_of(outer), shape_of(inner)
    if other.path is not None:
        return other.is_empty or bool(one.matches(other.path))
    if one.is_tree and not one.is_empty and other.lead[: len(one.lead)] == one.lead:
        return True
    if other.witness is not None and not one.matches(other.witness):
        return False  # as it is of nearly all; the exact answer takes a millisecond
    try:
        return other.is_empty or _contains(one.steps, other.steps)
    except OverLimitError:
        message = f"Whether {shown(inner.text)} lies within {shown(outer.text)} cannot be decided"
        raise TooHardError(f"{message} in {CONTAINS_STEPS_MAX} steps.") from None


def _checked_size(text: str) -> str:
    if len(text) > CHARS_MAX:
        raise PatternError(f"A pattern has at most {CHARS_MAX} characters; this one has {len(text)}.")
    count = len([name for name in text.removesuffix("/**").replace("\\", "/").split("/") if name not in {"", "."}])
    if count > SEGMENTS_MAX:
        raise PatternError(f"A pattern has at most {SEGMENTS_MAX} segments; this one has {count}.")
    return text


def _spelled(names: list[str], *, tree: bool, anchored: bool) -> str:
    """Join segments; the leading slash is written only where nothing else anchors."""
    if not names:
        return "**"
    text = "/".join(names)
    if tree:
        text += "/**" if anchored else "/"
    needs_slash = anchored and ("/" not in text or text.startswith("!"))
    return "/" + text if needs_slash else text


@lru_cache(maxsize=1 << 15)
def _of(text: str, reading: Reading | None) -> Pattern:
    spelled = canonical(text)
    default = default_reading(spelled)
    if reading is None or (default in {Reading.TREE, Reading.GLOB} and reading is not Reading.TREE):
        return Pattern(spelled, default)
    if reading is Reading.TREE:
        return Pattern(canonical(spelled + "/"), reading)
    return Pattern(spelled, Reading.FILE if reading is Reading.GLOB else reading)


@lru_cache(maxsize=1 << 15)
def _shape(text: str, is_either: bool) -> Shape:  # noqa: FBT001  # positional, for the cache
    names = text.strip("/").split("/")
    floats = "/" not in text.removesuffix("/")
    steps = [None if name == "**" else segment.segment(name) for name in names]
    below = is_either or text.endswith("/")
    steps = [*([None] * floats), *steps, *([None] * below)]
    once = (step for index, step in enumerate(steps) if step is not None or not index or steps[index - 1] is not None)
    return Shape.of(tuple(once), is_either=is_either)


@lru_cache(maxsize=1 << 14)
def _overlap(one: Shape, other: Shape) -> bool:
    return not one.is_empty and not other.is_empty and _met(one, other) is not None


def _met(one: Shape, other: Shape) -> tuple[int, int] | None:
    """Return how many of the named steps of each meet in one path, the rest of one being below that; None: they do not.

    Read from the end, one search finds every part of `other` from its start that `one` meets.
    """
    first, second = one.named, other.named
    parts = _shared(first[::-1], second[::-1])[0]
    if parts & 1:
        return len(first), len(second)
    if one.is_either and (count := _folder_met(parts, second)):
        return len(first), count
    if other.is_either and (count := _folder_met(_shared(second[::-1], first[::-1])[0], first)):
        return count, len(second)
    return None


def _folder_met(parts: int, steps: tuple[Segment | None, ...]) -> int:
    """Return the length of the first part that ends with a name, which is then that of a folder; 0: there is none."""
    named = (count for count in range(1, len(steps)) if steps[count - 1] is not None)
    return next((count for count in named if parts >> len(steps) - count & 1), 0)


def _names(first: tuple[Segment | None, ...], second: tuple[Segment | None, ...]) -> list[str] | None:
    """Return the names of a short path that matches both."""
    pairs = automata.walk(first, second, _shared(first, second), _pair)
    return None if pairs is None else [segment.name_of_both(*pair) or "" for pair in pairs]


def _shared(first: tuple[Segment | None, ...], second: tuple[Segment | None, ...]) -> list[int]:
    def hits(token: Segment, among: int) -> int:
        found = 0
        while among:
            bit = among & -among
            among ^= bit
            step = second[bit.bit_length() - 1] if bit.bit_length() <= len(second) else None
            if step is not None and segment.meet(token, step):
                found |= bit
        return found

    return automata.shared(first, second, hits)


def _pair(one: Segment | None, other: Segment | None) -> tuple[Segment, Segment] | None:
    pair = (one or ANY_NAME, other or ANY_NAME)
    return pair if segment.meet(*pair) else None


def _contains(outer: tuple[Segment | None, ...], inner: tuple[Segment | None, ...]) -> bool:
    budget = Budget(CONTAINS_STEPS_MAX)
    loops = automata.stars(outer)
    places: dict[Segment, int] = {}
    for index, step in enumerate(outer):
        if step is not None:
            places[step] = places.get(step, 0) | 1 << index
    known: dict[tuple[Segment | None, int], set[int]] = {}

    def matched(token: Segment | None, wanted: int) -> set[int]:
        others = [step for step, bits in places.items() if bits & wanted]
        found = segment.minimal_matches(token or ANY_NAME, others, budget)
        return {sum(places[step] for n, step in enumerate(others) if bits >> n & 1) for bits in found}

    def after(token: Segment | None, positions: int) -> Iterator[tuple[None, int]]:
        key = (token, positions & ~loops)
        if key not in known:
            known[key] = matched(*key)
        for hits in known[key]:
            moved = (positions & hits) << 1 | positions & loops
            yield None, moved | (moved & loops) << 1

    end = 1 << len(outer)
    return all(ends & end for ends in automata.endings(inner, 1 | (loops & 1) << 1, after, budget))
