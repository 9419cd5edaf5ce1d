"""What merges cleanly and yet cannot work: one side removed a declaration that the other newly uses or edits.

Rules:
  * Removed is what a file declared at the common ancestor and declares no more; renamed, where the same side has a
    declaration there instead whose text is alike; moved, where the same declaration is in another file of that side.
  * A use is the last name of a declaration, as a word, more often than before, in a file of the same language. Of a
    member, the file has to name its owner as well, or be the file itself: `get` alone means nothing.
  * What the other side declares itself, or removed as well, is no trouble; nor is what conflicts openly.
  * It is a hint, read from words, not the judgement of a compiler.

What this file does not know: branches, conflicts of lines (`merging`).
"""

import difflib
import re
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

import pygit2
from pygit2.enums import DeltaStatus, FileMode

from gitcoord.core import symbols as rules
from gitcoord.source.definitions import CannotCheck, DefinitionReader, Definitions, LineRange, symbols_touched
from gitcoord.source.languages import language_of
from gitcoord.source.merging import hunks

FILES_MAX = 500  # that one side changed; more is a reformatting
LINES_MAX = 10
TROUBLES_MAX = 50
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
    """A file that one side changed, at the ancestor and there; "" and nothing where it does not exist."""

    old_path: str
    new_path: str
    old: bytes | None
    new: bytes | None
    family: str
    before: Definitions | None
    after: Definitions | None
    added: tuple[LineRange, ...]
    touched: tuple[str, ...]


@dataclass(slots=True)
class _Changes:
    """What one side changed. `is_cut`: it changed too much to be looked at."""

    files: list[_File] = field(default_factory=list[_File])
    is_cut: bool = False

    def removed(self) -> Iterator[tuple[_File, str]]:
        """Yield what is declared no more, outermost only."""
        for file in self.files:
            if file.before is not None and (file.after is not None or file.new is None):
                left = set(file.after.symbols if file.after else ())
                yield from ((file, one) for one in rules.outermost(set(file.before.symbols) - left))

    def declares(self) -> set[str]:
        """Return the last names of what is declared newly."""
        new = (
            set(one.after.symbols) - set(one.before.symbols if one.before else ()) for one in self.files if one.after
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
    found = [*_one_way(ours, theirs, conflicting, by_ours=True), *_one_way(theirs, ours, conflicting, by_ours=False)]
    return tuple(dict.fromkeys(found))[:TROUBLES_MAX]


def _changes(repo: pygit2.Repository, base: pygit2.Tree, side: pygit2.Tree, reader: DefinitionReader) -> _Changes:
    diff = base.diff_to_tree(side, context_lines=0)
    if len(diff) > FILES_MAX:
        return _Changes(is_cut=True)
    diff.find_similar()
    out = _Changes()
    for delta in diff.deltas:
        language = language_of(delta.new_file.path) or language_of(delta.old_file.path)
        modes = [one.mode for one in (delta.old_file, delta.new_file) if one.id != pygit2.Oid(hex="0" * 40)]
        if language is None or any(mode not in (FileMode.BLOB, FileMode.BLOB_EXECUTABLE) for mode in modes):
            continue
        out.files.append(_file(repo, delta, language.queries[0], reader))
    return out


def _file(repo: pygit2.Repository, delta: "pygit2.DiffDelta", family: str, reader: DefinitionReader) -> _File:
    old_path, new_path = delta.old_file.path, delta.new_file.path
    old = None if delta.status == DeltaStatus.ADDED else _data(repo, delta.old_file.id)
    new = None if delta.status == DeltaStatus.DELETED else _data(repo, delta.new_file.id)
    before, after = _defined(reader, old_path, old), _defined(reader, new_path, new)
    changed = hunks(repo, delta.old_file.id, delta.new_file.id) or [] if old is not None and new is not None else []
    added = tuple((one.new[0] + 1, one.new[1]) for one in changed if one.new[1] > one.new[0])
    if old is None and new is not None:
        added = ((1, new.count(b"\n") + 1),)
    gone = [(one.old[0] + 1, one.old[1]) for one in changed if one.old[1] > one.old[0]]
    touched = symbols_touched(before, gone).symbols if before else ()
    return _File(old_path, new_path, old, new, family, before, after, added, touched)


def _data(repo: pygit2.Repository, blob: pygit2.Oid) -> bytes | None:
    found = repo[blob]
    return found.data if isinstance(found, pygit2.Blob) else None


def _defined(reader: DefinitionReader, path: str, data: bytes | None) -> Definitions | None:
    found = reader.definitions(path, data) if data is not None else None
    return None if isinstance(found, CannotCheck) else found


def _one_way(removing: _Changes, using: _Changes, conflicting: Collection[str], *, by_ours: bool) -> Iterator[Trouble]:
    removed_too = {(file.old_path, symbol) for file, symbol in using.removed()}
    declared = using.declares()
    for file, symbol in removing.removed():
        if (file.old_path, symbol) in removed_too:
            continue
        became = _became(file, symbol, removing)
        if became is None:
            continue
        name = rules.parts(symbol)[-1]
        for other in using.files:
            if other.family != file.family or other.new is None or other.new_path in conflicting:
                continue
            edited = other.old_path == file.old_path and any(rules.within(one, symbol) for one in other.touched)
            lines = () if name in declared or edited else _uses(other, file, symbol)
            if edited or lines:
                yield Trouble(file.old_path, symbol, became, other.new_path, lines, edited, by_ours)


def _became(file: _File, symbol: str, side: _Changes) -> str | None:
    """Return what a removed declaration is now; "" if it is gone, `None` if it can still be found by its name."""
    for other in side.files:
        fresh = other is not file and other.after is not None and symbol in other.after.symbols
        if fresh and symbol not in (other.before.symbols if other.before else ()):
            return f"{other.new_path}:{symbol}" if file.family in _BY_FILE else None
    if file.before is None or file.after is None or file.new is None or file.old is None:
        return ""
    text = _text_of(file.before, symbol, file.old)
    best, likeness = "", _ALIKE_MIN
    parent = rules.parts(symbol)[:-1]
    for one in set(file.after.symbols) - set(file.before.symbols):
        if rules.parts(one)[:-1] == parent:
            old_name, new_name = rules.parts(symbol)[-1], rules.parts(one)[-1]
            respelled = [
                re.sub(rf"\b{re.escape(new_name)}\b", old_name, line) for line in _text_of(file.after, one, file.new)
            ]
            ratio = difflib.SequenceMatcher(None, text, respelled, autojunk=False).ratio()
            if ratio > likeness or (ratio == likeness and one < best):
                best, likeness = one, ratio
    return best


def _text_of(definitions: Definitions, symbol: str, data: bytes) -> list[str]:
    lines = data.decode("utf-8", "replace").splitlines()
    return [line for one in definitions.items if one.path == symbol for line in lines[one.start - 1 : one.end]]


def _uses(other: _File, file: _File, symbol: str) -> tuple[int, ...]:
    """Return the new lines that use a declaration which was not used so often before."""
    names = rules.parts(symbol)
    name = names[-1]
    if len(name) < _WORD_CHARS_MIN or other.new is None:
        return ()
    text = other.new.decode("utf-8", "replace")
    before, after = _words(other.old), _words(other.new)
    if after[name] <= before[name]:
        return ()
    if len(names) > 1 and other.old_path != file.old_path and not after[names[-2]]:
        return ()
    lines = text.splitlines()
    at = [number for start, end in other.added for number in range(start, min(end, len(lines)) + 1)]
    return tuple(number for number in at if name in _WORD.findall(lines[number - 1]))[:LINES_MAX]


def _words(data: bytes | None) -> Counter[str]:
    return Counter(_WORD.findall(data.decode("utf-8", "replace"))) if data is not None else Counter()
