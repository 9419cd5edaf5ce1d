"""Segments: the wildcards between two slashes of a pattern, and what two of them have in common.

    *          any number of characters             [a-c_]     one of these
    ?          one character                        [!a-c_]    one that is none of these; [^…] says the same
    [:alpha:]  inside a class, as in gitignore      [          a bracket that no class begins with is itself

Rules:
  * A segment's word is a name in a folder: not empty, not `.`, not `..`, and without `/` and NUL.
  * A class of one character is that character: `[*]` is a star in a name, and no wildcard.
  * Everything is decided on ranges of code points; no text is tried out.

What this file does not know: paths, `**`, files and folders.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property, lru_cache

from gitcoord.core.documents.doc import Struct
from gitcoord.core.patterns import automata
from gitcoord.core.patterns.automata import Budget

Ranges = tuple[tuple[int, int], ...]
Token = str | Ranges | None
"""One character, one of several (first and last code points, in order), or a star."""

ANY: Ranges = ((1, 0x2E), (0x30, 0xD7FF), (0xE000, 0x10FFFF))  # not NUL, not the slash, no half of a surrogate pair
UNWRITABLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")  # controls, and half pairs, which UTF-8 cannot spell
_POSIX: dict[str, Ranges] = {
    "alnum": ((0x30, 0x39), (0x41, 0x5A), (0x61, 0x7A)),
    "alpha": ((0x41, 0x5A), (0x61, 0x7A)),
    "blank": ((0x09, 0x09), (0x20, 0x20)),
    "cntrl": ((0x01, 0x1F), (0x7F, 0x7F)),
    "digit": ((0x30, 0x39),),
    "graph": ((0x21, 0x7E),),
    "lower": ((0x61, 0x7A),),
    "print": ((0x20, 0x7E),),
    "punct": ((0x21, 0x2F), (0x3A, 0x40), (0x5B, 0x60), (0x7B, 0x7E)),
    "space": ((0x09, 0x0D), (0x20, 0x20)),
    "upper": ((0x41, 0x5A),),
    "xdigit": ((0x30, 0x39), (0x41, 0x46), (0x61, 0x66)),
}
_NAMED = rf"\[:(?:{'|'.join(_POSIX)}):\]"
_CLASS = rf"\[(?P<no>[!^]?+)(?P<body>(?:\]|{_NAMED}|[^\]])(?:{_NAMED}|[^\]])*)\]"
_PIECE = re.compile(rf"(?P<stars>\*+)|(?P<any>\?)|{_CLASS}|(?P<one>.)", re.DOTALL)
_MEMBER = re.compile(rf"(?P<named>{_NAMED})|(?P<low>.)-(?P<high>.)|(?P<one>.)", re.DOTALL)
_NO_NAMES = ("", ".", "..")
_NICE = "xabcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_-"


class Segment(Struct, frozen=True, eq=False, dict=True):
    """A segment, read once; `segment` makes it.

    Attributes:
        literal: the one name that it matches, if it has no wildcard.
        is_empty: no name at all matches, as in `[z-a]`.
    """

    text: str
    tokens: tuple[Token, ...]
    literal: str | None
    is_empty: bool

    @cached_property
    def regex(self) -> str:
        """A regular expression that takes linear time: the earliest place for each part between stars will do."""
        if self.tokens == (None,):
            return "[^/]+"
        runs = [""]
        for token in self.tokens:
            if token is None:
                runs.append("")
            else:
                runs[-1] += _one_of(token)
        head, *parts = runs
        if not parts:
            return head
        return head + "".join(f"(?>[^/]*?{part})" for part in parts[:-1]) + "[^/]*" + parts[-1]

    @cached_property
    def matches(self) -> Callable[[str], object]:
        """Tell whether a name matches."""
        return re.compile(self.regex, re.DOTALL).fullmatch if self.literal is None else self.literal.__eq__

    @cached_property
    def no_names(self) -> frozenset[str]:
        """What it matches of the words that are no names."""
        if self.tokens == (None,):
            return frozenset(_NO_NAMES)
        return frozenset(word for word in _NO_NAMES if self.matches(word))


@lru_cache(maxsize=1 << 15)
def segment(text: str) -> Segment:
    if text == "*":
        return ANY_NAME
    tokens = tuple(_tokens(text))
    plain = [token for token in tokens if isinstance(token, str)]
    literal = "".join(plain) if len(plain) == len(tokens) else None
    return Segment(text, tokens, literal, () in tokens or literal in _NO_NAMES)


def one_spelling(text: str) -> str:
    """Return the canonical form of a segment: `a**` is `a*`, `[^a]` is `[!a]`, and only stars are `**`."""
    if len(text) > 1 and set(text) == {"*"}:
        return "**"
    return _PIECE.sub(_respelled, text) if "*" in text or "[" in text else text


def escaped(name: str) -> str:
    """Return the segment that matches this name only; what no pattern can contain is any one character."""
    return UNWRITABLE.sub("?", re.sub(r"[\[*?]", r"[\g<0>]", name))


ANY_NAME = Segment("*", (None,), literal=None, is_empty=False)


@lru_cache(maxsize=1 << 16)
def meet(first: Segment, second: Segment) -> bool:
    """Tell whether a name matches both."""
    if first.is_empty or second.is_empty:
        return False
    if first.literal is not None:
        return bool(second.matches(first.literal))
    if second.literal is not None:
        return bool(first.matches(second.literal))
    if not _shared(first.tokens, second.tokens)[0] & 1:
        return False
    return not first.no_names & second.no_names or name_of_both(first, second) is not None


def name_of_both(first: Segment, second: Segment) -> str | None:
    """Return a short name that matches both, with something for every star if that is possible."""
    if first.is_empty or second.is_empty:
        return None
    for tokens, other in ((_filled(first.tokens), _filled(second.tokens)), (first.tokens, second.tokens)):
        if letters := automata.walk(tokens, other, _shared(tokens, other), _letter_of_both):
            return "".join(letters)
    return None


def minimal_matches(inner: Segment, others: Sequence[Segment], budget: Budget) -> list[int]:
    """Return sets (bit n: `others[n]`) of those that match a name which `inner` matches; larger sets may be left out.

    Raises:
        OverLimitError: the budget is spent.
    """
    if inner.is_empty:
        return []
    if inner.literal is not None:
        return [sum(1 << index for index, segment in enumerate(others) if segment.matches(inner.literal))]
    if inner is ANY_NAME and all(segment.literal is not None for segment in others):
        return [0]
    lanes = _Lanes(others)
    cuts = {low for low, _ in ANY} | {ord("."), ord(".") + 1}
    for each in {each for segment in [inner, *others] for each in segment.tokens}:
        for low, high in _ranges(each):
            cuts |= {low, high + 1}
    letters = {
        letter: lanes.hits(letter)
        for letter in [chr(cut) for cut in sorted(cuts) if any(low <= cut <= high for low, high in ANY)]
    }
    budget.spend(len(letters))
    choices: dict[Token, set[tuple[bool, int]]] = {}

    def after(token: Token, positions: int) -> Iterator[tuple[str, int]]:
        if token not in choices:
            choices[token] = {(letter == ".", hits) for letter, hits in letters.items() if _has(token, letter)}
        return (("." if dot else "", lanes.after(positions, hit)) for dot, hit in choices[token])

    found = {lanes.matched(ends) for ends in automata.endings(inner.tokens, lanes.start, after, budget)}
    return [bits for bits in found if not any(other != bits and not other & ~bits for other in found)]


class _Lanes:
    """Several segments side by side in one set of positions."""

    def __init__(self, segments: Sequence[Segment]) -> None:
        self._stars = 0
        self._singles: dict[str, int] = {}
        self._classes: dict[Ranges, int] = {}
        self._ends: list[int] = []
        starts = count = 0
        for segment in segments:
            starts |= 1 << count
            for token in segment.tokens:
                bit = 1 << count
                if token is None:
                    self._stars |= bit
                elif isinstance(token, str):
                    self._singles[token] = self._singles.get(token, 0) | bit
                else:
                    self._classes[token] = self._classes.get(token, 0) | bit
                count += 1
            self._ends.append(count)
            count += 1
        self.start = starts | (starts & self._stars) << 1

    def hits(self, letter: str) -> int:
        found = self._singles.get(letter, 0)
        for ranges, bits in self._classes.items():
            if _has(ranges, letter):
                found |= bits
        return found

    def after(self, positions: int, hits: int) -> int:
        moved = (positions & hits) << 1 | positions & self._stars
        return moved | (moved & self._stars) << 1

    def matched(self, positions: int) -> int:
        return sum(1 << index for index, end in enumerate(self._ends) if positions >> end & 1)


def _tokens(text: str) -> Iterator[Token]:
    for piece in _PIECE.finditer(text):
        if piece["stars"]:
            yield None
        elif piece["any"]:
            yield ANY
        elif piece["body"]:
            members: list[tuple[int, int]] = []
            for member in _MEMBER.finditer(piece["body"]):
                if member["named"]:
                    members.extend(_POSIX[member["named"][2:-2]])
                elif member["one"]:
                    members.append((ord(member["one"]), ord(member["one"])))
                elif member["low"] <= member["high"]:
                    members.append((ord(member["low"]), ord(member["high"])))
            outside = _outside(sorted(members), ANY)
            ranges = outside if bool(piece["no"]) else _outside(outside, ANY)
            yield chr(ranges[0][0]) if len(ranges) == 1 and ranges[0][0] == ranges[0][1] else ranges
        else:
            yield piece["one"]


def _outside(members: Iterable[tuple[int, int]], of: Ranges) -> Ranges:
    """Return the part of `of` that is in none of the members, which are in order."""
    left: list[tuple[int, int]] = []
    taken = list(members)
    for first, last in of:
        low = first
        for start, end in taken:
            if end < low or start > last:
                continue
            if start > low:
                left.append((low, start - 1))
            low = max(low, end + 1)
        if low <= last:
            left.append((low, last))
    return tuple(left)


def _respelled(piece: re.Match[str]) -> str:
    if piece["stars"]:
        return "*"
    if piece["body"]:
        return f"[{'!' if piece['no'] else ''}{piece['body']}]"
    return piece[0]


def _one_of(token: str | Ranges) -> str:
    if isinstance(token, str):
        return re.escape(token)
    if not token:
        return "(?!)"
    if token == ANY:
        return "[^/]"
    if token[-1][1] == ANY[-1][1]:  # a negated class; `re` takes milliseconds to compile ranges that wide
        return f"[^/{_inside(_outside(token, ANY))}]"
    return f"[{_inside(token)}]"


def _inside(ranges: Ranges) -> str:
    return "".join(f"{_code(low)}-{_code(high)}" for low, high in ranges)


def _code(point: int) -> str:
    return f"\\U{point:08x}"


def _filled(tokens: tuple[Token, ...]) -> tuple[Token, ...]:
    return tuple(token for each in tokens for token in ((ANY, None) if each is None else (each,)))


def _shared(first: tuple[Token, ...], second: tuple[Token, ...]) -> list[int]:
    known: dict[str | Ranges, int] = {}

    def hits(token: str | Ranges, among: int) -> int:
        if token not in known:
            known[token] = sum(
                1 << index for index, other in enumerate(second) if other is not None and _have_both(token, other)
            )
        return known[token] & among

    return automata.shared(first, second, hits)


def _have_both(token: str | Ranges, other: str | Ranges) -> bool:
    if isinstance(token, str):
        return _has(other, token)
    if isinstance(other, str):
        return _has(token, other)
    return bool(_both(token, other))


def _has(token: Token, letter: str) -> bool:
    if token is None:
        return True
    if isinstance(token, str):
        return token == letter
    point = ord(letter)
    return any(low <= point <= high for low, high in token)


def _ranges(token: Token) -> Ranges:
    if token is None:
        return ANY
    return ((ord(token), ord(token)),) if isinstance(token, str) else token


def _both(token: Token, other: Token) -> Ranges:
    pairs = ((max(a, c), min(b, d)) for a, b in _ranges(token) for c, d in _ranges(other))
    return tuple((low, high) for low, high in pairs if low <= high)


def _letter_of_both(token: Token, other: Token) -> str | None:
    ranges = _both(token, other)
    if not ranges:
        return None
    for letter in _NICE:
        if _has(ranges, letter):
            return letter
    points = [point for low, high in ranges for point in (low, low + 1, 0x20, 0xA1) if low <= point <= high]
    return chr(min(points, key=lambda point: (point == ord("."), not chr(point).isprintable(), point)))
