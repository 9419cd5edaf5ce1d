"""What merges cleanly and yet cannot work: one side removed a declaration that the other newly uses or edits.

Rules:
  * Removed is what a file declared at the common ancestor and declares no more; renamed, where the same side has a
    declaration there instead whose text is alike; moved, where the same declaration is in another file of that side.
  * A use is the last name of a declaration, as a word, more often than before, in a file of the same language. Of a
    member, the file has to name its owner as well, or be the file itself: `get` alone means nothing.
  * What the other side declares itself, or removed as well, is no trouble; nor is what conflicts openly.
  * It is a hint, read from words, not the judgement of a compiler.
  * SEC-4: words of a file are read once, and what renames may cost is bounded: a file that was made for it would be
    compared for hours.

What this file does not know: branches, conflicts of lines (`trial_merge`).
"""

import difflib
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

import pygit2
from pygit2.enums import DeltaStatus, FileMode

from gitcoord.core.patterns import symbols as rules
from gitcoord.source.merges.trial_merge import hunks
from gitcoord.source.symbols.definitions import CannotCheck, DefinitionReader, Definitions, LineRange, symbols_touched
from gitcoord.source.symbols.languages import language_of

FILES_MAX = 500  # that one side changed; more is a reformatting
BYTES_MAX = 16 * 1024 * 1024  # of them, before and after: what is parsed in about ten seconds
LINES_MAX = 10
TROUBLES_MAX = 50  # of one side
FOUND_MAX = 1_000  # among which the first are reported
RENAME_COST_MAX = 1_000_000  # pairs of lines that are compared for one name, 0.1 to 0.2 µs each
_RENAME_COST_MIN = 300  # of a pair of declarations
_WORD_CHARS_MIN = 2  # `i` and `x` are everywhere
_ALIKE_MIN = 0.6
# Where a file is a module of its own, so that what moved has to be looked for elsewhere.
_BY_FILE = frozenset({"python", "ecmascript", "rust"})
_WORD = re.compile(r"[^\W\d]\w*")


@dataclass(frozen=True, slots=True)
class Trouble:
    """A declaration that one side removed and the other needs.

    Attributes:
        became: its new name, or `path:symbol` where it moved; "" where it is gone.
        used_in: the file of the other side, and the lines there.
        is_edit: the other side edits the declaration itself.
        by_ours: the first side removed it.
    """

    path: str
    symbol: str
    became: str
    used_in: str
    lines: tuple[int, ...]
    is_edit: bool
    by_ours: bool


@dataclass(frozen=True, slots=True)
class _File:
    """A file that one side changed, at the ancestor and there; "" and nothing where it does not exist.

    `edited`: what the change touches, with the ancestors of that.
    """

    old_path: str
    new_path: str
    old: bytes | None
    new: bytes | None
    family: str
    before: Definitions | None
    after: Definitions | None
    added: tuple[LineRange, ...]
    edited: frozenset[str]


@dataclass(slots=True)
class _Changes:
    """What one side changed. `is_cut`: it changed too much to be looked at."""

    files: list[_File] = field(default_factory=list[_File])
    is_cut: bool = False

    def removed(self) -> Iterator[tuple[_File, str]]:
        """Yield the names that are declared no more, outermost only."""
        for file in self.files:
            if file.before is not None and (file.after is not None or file.new is None):
                left = set(file.after.symbols if file.after else ())
                yield from ((file, symbol) for symbol in rules.outermost(set(file.before.symbols) - left))

    def declares(self) -> set[str]:
        """Return the last names of what is declared newly."""
        new = (
            set(file.after.symbols) - set(file.before.symbols if file.before else ())
            for file in self.files
            if file.after
        )
        return {rules.parts(symbol)[-1] for symbols in new for symbol in symbols}


def troubles(
    repo: pygit2.Repository,
    trees: tuple[pygit2.Oid, pygit2.Oid, pygit2.Oid],
    reader: DefinitionReader,
    conflicting: Collection[str] = (),
) -> tuple[Trouble, ...]:
    """Return what would break, of the trees of the ancestor and the two sides; `conflicting`: files that do openly."""
    base, *sides = (repo[tree].peel(pygit2.Tree) for tree in trees)
    ours, theirs = (_changes(repo, base, side, reader) for side in sides)
    if ours.is_cut or theirs.is_cut:
        return ()
    one_way, other_way = (
        islice(_one_way(removing, using, conflicting, by_ours=removing is ours), TROUBLES_MAX)
        for removing, using in ((ours, theirs), (theirs, ours))
    )
    return tuple(dict.fromkeys([*one_way, *other_way]))[:TROUBLES_MAX]


def _changes(repo: pygit2.Repository, base: pygit2.Tree, side: pygit2.Tree, reader: DefinitionReader) -> _Changes:
    diff = base.diff_to_tree(side, context_lines=0)
    if len(diff) > FILES_MAX:
        return _Changes(is_cut=True)
    diff.find_similar()
    out, left = _Changes(), BYTES_MAX
    for delta in diff.deltas:
        language = language_of(delta.new_file.path) or language_of(delta.old_file.path)
        modes = [side.mode for side in (delta.old_file, delta.new_file) if side.id != pygit2.Oid(hex="0" * 40)]
        if language is None or any(mode not in (FileMode.BLOB, FileMode.BLOB_EXECUTABLE) for mode in modes):
            continue
        file = _file(repo, delta, language.queries[0], reader)
        left -= len(file.old or b"") + len(file.new or b"")
        if left < 0:
            return _Changes(is_cut=True)
        out.files.append(file)
    return out


def _file(repo: pygit2.Repository, delta: "pygit2.DiffDelta", family: str, reader: DefinitionReader) -> _File:
    old_path, new_path = delta.old_file.path, delta.new_file.path
    old = None if delta.status == DeltaStatus.ADDED else _data(repo, delta.old_file.id)
    new = None if delta.status == DeltaStatus.DELETED else _data(repo, delta.new_file.id)
    before, after = _defined(reader, old_path, old), _defined(reader, new_path, new)
    changed = hunks(repo, delta.old_file.id, delta.new_file.id) or [] if old is not None and new is not None else []
    added = tuple((hunk.new[0] + 1, hunk.new[1]) for hunk in changed if hunk.new[1] > hunk.new[0])
    if old is None and new is not None:
        added = ((1, new.count(b"\n") + 1),)
    gone = [(hunk.old[0] + 1, hunk.old[1]) for hunk in changed if hunk.old[1] > hunk.old[0]]
    touched = symbols_touched(before, gone).symbols if before else ()
    edited = frozenset(name for symbol in touched for name in rules.lineage(symbol))
    return _File(old_path, new_path, old, new, family, before, after, added, edited)


def _data(repo: pygit2.Repository, blob: pygit2.Oid) -> bytes | None:
    found = repo[blob]
    return found.data if isinstance(found, pygit2.Blob) else None


def _defined(reader: DefinitionReader, path: str, data: bytes | None) -> Definitions | None:
    found = reader.definitions(path, data) if data is not None else None
    return None if isinstance(found, CannotCheck) else found


def _one_way(removing: _Changes, using: _Changes, conflicting: Collection[str], *, by_ours: bool) -> Iterator[Trouble]:
    removed_too = {(file.old_path, symbol) for file, symbol in using.removed()}
    removed = [(file, symbol) for file, symbol in removing.removed() if (file.old_path, symbol) not in removed_too]
    for number, other, lines in sorted(_needed(removed, using, conflicting), key=lambda row: row[0]):
        file, symbol = removed[number]
        became = _became(file, symbol, removing)
        if became is not None:
            yield Trouble(file.old_path, symbol, became, other.new_path, lines, not lines, by_ours)


def _needed(
    removed: Sequence[tuple[_File, str]], using: _Changes, conflicting: Collection[str]
) -> list[tuple[int, _File, tuple[int, ...]]]:
    """Return where one side needs what the other removed: its place, the file, the lines; none where it is edited."""
    declared = using.declares()
    out: list[tuple[int, _File, tuple[int, ...]]] = []
    for other in using.files if removed else ():
        if other.new is None or other.new_path in conflicting:
            continue
        words = _Words.of(other)
        for number, (file, symbol) in enumerate(removed):
            if other.family != file.family:
                continue
            is_own = other.old_path == file.old_path
            *owners, name = rules.parts(symbol)
            if is_own and symbol in other.edited:
                out.append((number, other, ()))
            elif name not in declared and (lines := words.uses(name, "" if is_own or not owners else owners[-1])):
                out.append((number, other, lines))
            if len(out) >= FOUND_MAX:
                return out
    return out


@dataclass(frozen=True, slots=True)
class _Words:
    """The words of a file: how often before and after a change, and the first new lines that have them."""

    before: Counter[str]
    after: Counter[str]
    lines: Mapping[str, list[int]]

    @classmethod
    def of(cls, file: _File) -> "_Words":
        text = (file.new or b"").decode("utf-8", "replace").splitlines()
        lines: dict[str, list[int]] = {}
        for number in (number for start, end in file.added for number in range(start, min(end, len(text)) + 1)):
            for word in set(_WORD.findall(text[number - 1])):
                if len(found := lines.setdefault(word, [])) < LINES_MAX:
                    found.append(number)
        return cls(_words(file.old), _words(file.new), lines)

    def uses(self, name: str, owner: str) -> tuple[int, ...]:
        """Return the new lines that use a name which was not used so often before; `owner`: a word to be there too."""
        if len(name) < _WORD_CHARS_MIN or self.after[name] <= self.before[name] or (owner and not self.after[owner]):
            return ()
        return tuple(self.lines.get(name, ()))


def _words(data: bytes | None) -> Counter[str]:
    return Counter(_WORD.findall(data.decode("utf-8", "replace"))) if data is not None else Counter()


def _became(file: _File, symbol: str, side: _Changes) -> str | None:
    """Return what a removed declaration is now; "" if it is gone, `None` if it can still be found by its name."""
    for other in side.files:
        fresh = other is not file and other.after is not None and symbol in other.after.symbols
        if fresh and symbol not in (other.before.symbols if other.before else ()):
            return f"{other.new_path}:{symbol}" if file.family in _BY_FILE else None
    if file.before is None or file.after is None or file.new is None or file.old is None:
        return ""
    new = [name for name in file.after.symbols if name not in file.before.symbols]
    return _renamed(symbol, new, _Texts.of(file.before, file.old), _Texts.of(file.after, file.new))


def _renamed(symbol: str, new: Iterable[str], before: "_Texts", after: "_Texts") -> str:
    """Return the new declaration beside a removed one that is most alike; "" if none is."""
    best, likeness, left = "", _ALIKE_MIN, RENAME_COST_MAX
    *parent, old_name = rules.parts(symbol)
    text = before.text(symbol)
    for candidate in new:
        *above, new_name = rules.parts(candidate)
        if above != parent:
            continue
        lines = after.text(candidate)
        left -= _RENAME_COST_MIN + len(text) * len(lines) + sum(map(len, lines)) // 10
        if left < 0:
            break
        respelled = [re.sub(rf"\b{re.escape(new_name)}\b", old_name, line) for line in lines]
        ratio = difflib.SequenceMatcher(None, text, respelled, autojunk=False).ratio()
        if ratio > likeness or (ratio == likeness and candidate < best):
            best, likeness = candidate, ratio
    return best


@dataclass(frozen=True, slots=True)
class _Texts:
    """The lines of a file's declarations, by symbol."""

    ranges: Mapping[str, list[LineRange]]
    lines: Sequence[str]

    @classmethod
    def of(cls, definitions: Definitions, data: bytes) -> "_Texts":
        ranges: dict[str, list[LineRange]] = {}
        for item in definitions.items:
            ranges.setdefault(item.path, []).append((item.start, item.end))
        return cls(ranges, data.decode("utf-8", "replace").splitlines())

    def text(self, symbol: str) -> list[str]:
        return [line for start, end in self.ranges.get(symbol, ()) for line in self.lines[start - 1 : end]]
