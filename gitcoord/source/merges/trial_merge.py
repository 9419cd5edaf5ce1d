"""Trial merges: what would conflict if two sides were merged now.

Rules:
  * As git merges: by three, against the best common ancestor, with renames.
  * A conflict names the lines of each side, counted from 1, and the declarations that they lie in, as far as the
    language is known.
  * What merges cleanly and yet cannot work is `broken_references`'s.

What this file does not know: where the sides come from, how results are kept.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

import pygit2
from pygit2.enums import DeltaStatus, FileMode

from gitcoord.source.symbols.definitions import CannotCheck, DefinitionReader, LineRange, symbols_touched

SYMBOLS_MAX = 20


class Kind(StrEnum):
    """Why a file does not merge."""

    CONTENT = "content"
    BOTH_ADDED = "both_added"
    DELETED = "deleted_and_changed"
    RENAMED = "renamed"
    BINARY = "binary"
    TYPE = "type"


@dataclass(frozen=True, slots=True)
class Conflict:
    """One file that does not merge; `theirs_path`: its name on the other side, where that is another."""

    path: str
    kind: Kind
    ours_lines: tuple[LineRange, ...] = ()
    theirs_lines: tuple[LineRange, ...] = ()
    symbols: tuple[str, ...] = ()
    theirs_path: str = ""


@dataclass(frozen=True, slots=True)
class _Entry:
    """One side of a file that does not merge."""

    path: str
    id: pygit2.Oid
    mode: int

    @classmethod
    def of(cls, entry: "pygit2.IndexEntry | None") -> "_Entry | None":
        return cls(os.fsdecode(entry.path), entry.id, int(entry.mode)) if entry is not None else None


@dataclass(frozen=True, slots=True)
class _Entries:
    """The sides of a file that does not merge, `None` where one has none."""

    base: _Entry | None
    ours: _Entry | None
    theirs: _Entry | None

    @property
    def path(self) -> str:
        here = self.ours or self.theirs or self.base
        return here.path if here else ""

    @property
    def is_lone(self) -> bool:
        """Whether only one side has it, under a name that the ancestor does not know."""
        return self.base is None and (self.ours is None or self.theirs is None)


@dataclass(frozen=True, slots=True)
class Hunk:
    """What differs in one place: half-open ranges of lines, counted from 0, and the new lines."""

    old: LineRange
    new: LineRange
    text: tuple[str, ...]

    @property
    def new_lines(self) -> LineRange:
        """The first and the last line on the new side, counted from 1; of a deletion, the line before it."""
        return (
            (self.new[0] + 1, self.new[1]) if self.new[1] > self.new[0] else (max(self.new[0], 1), max(self.new[0], 1))
        )


def conflicts(
    repo: pygit2.Repository, base: pygit2.Oid, ours: pygit2.Oid, theirs: pygit2.Oid, reader: DefinitionReader
) -> tuple[Conflict, ...]:
    """Return what does not merge of two trees, by path."""
    index = repo.merge_trees(base, ours, theirs)
    if index.conflicts is None:
        return ()
    look = _Look(repo, reader)
    entries = [_Entries(*map(_Entry.of, three)) for three in index.conflicts]
    whole = _joined(entries, lambda: (_renames(repo, base, ours), _renames(repo, base, theirs)))
    return tuple(sorted((look.at(sides) for sides in whole), key=lambda conflict: (conflict.path, conflict.kind)))


def _renames(repo: pygit2.Repository, base: pygit2.Oid, side: pygit2.Oid) -> dict[str, str]:
    """Return the old names of what a side renamed, by the new ones."""
    diff = repo[base].peel(pygit2.Tree).diff_to_tree(repo[side].peel(pygit2.Tree), context_lines=0)
    diff.find_similar()
    moved = (delta for delta in diff.deltas if delta.status == DeltaStatus.RENAMED)
    return {delta.new_file.path: delta.old_file.path for delta in moved}


def _joined(
    entries: Sequence[_Entries], renames: Callable[[], tuple[dict[str, str], dict[str, str]]]
) -> Iterator[_Entries]:
    """Put together what an index lists by name, where a side has renamed the file."""
    lone = [sides for sides in entries if sides.is_lone]
    if not lone:
        yield from entries
        return
    our_names, their_names = renames()
    by_path = {sides.path: sides for sides in entries if not sides.is_lone}
    for sides in lone:
        old = our_names.get(sides.path) if sides.ours else their_names.get(sides.path)
        known = by_path.get(old) if old is not None else None
        if known is None or old is None:
            yield sides
        else:
            by_path[old] = _Entries(known.base, known.ours or sides.ours, known.theirs or sides.theirs)
    yield from by_path.values()


def hunks(repo: pygit2.Repository, old: pygit2.Oid, new: pygit2.Oid) -> list[Hunk] | None:
    """Return what differs between two files; `None`: one is binary."""
    before, after = repo[old], repo[new]
    if not isinstance(before, pygit2.Blob) or not isinstance(after, pygit2.Blob):
        return None
    if before.is_binary or after.is_binary:
        return None
    patch = pygit2.Patch.create_from(before, after, context_lines=0)
    found: list[Hunk] = []
    for hunk in patch.hunks:
        lines = (_range(hunk.old_start, hunk.old_lines), _range(hunk.new_start, hunk.new_lines))
        found.append(Hunk(*lines, tuple(line.content for line in hunk.lines if line.origin == "+")))
    return found


def _range(start: int, count: int) -> LineRange:
    """Return a range as git spells it, half-open from 0; an empty one lies behind the line that git names."""
    return (start - 1, start - 1 + count) if count else (start, start)


def _meeting(ours: Iterable[Hunk], theirs: list[Hunk]) -> Iterator[tuple[Hunk, Hunk]]:
    """Yield the changes of both sides that touch the same lines, or lines beside each other, and are not the same."""
    for our_hunk in ours:
        for other in theirs:
            touches = our_hunk.old[0] <= other.old[1] and other.old[0] <= our_hunk.old[1]
            if touches and (our_hunk.old, our_hunk.text) != (other.old, other.text):
                yield our_hunk, other


class _Look:
    """Looks into the files of one trial merge."""

    def __init__(self, repo: pygit2.Repository, reader: DefinitionReader) -> None:
        self._repo = repo
        self._reader = reader

    def at(self, three: _Entries) -> Conflict:
        """Return the conflict of one file."""
        base, ours, theirs = three.base, three.ours, three.theirs
        path = three.path
        other = theirs.path if ours and theirs and theirs.path != ours.path else ""
        if any(
            entry is not None and entry.mode not in (int(FileMode.BLOB), int(FileMode.BLOB_EXECUTABLE))
            for entry in (base, ours, theirs)
        ):
            return Conflict(path, Kind.TYPE, theirs_path=other)
        if ours and theirs:
            renamed = base is not None and base.path not in (ours.path, theirs.path) and other
            kind = Kind.RENAMED if renamed else Kind.CONTENT if base else Kind.BOTH_ADDED
            return self._content(path, kind, base, ours, theirs, other)
        changed = ours or theirs
        if base is None or changed is None:
            return Conflict(path, Kind.RENAMED)
        edits = hunks(self._repo, base.id, changed.id)
        if edits is None:
            return Conflict(path, Kind.BINARY)
        lines = tuple(hunk.new_lines for hunk in edits)
        before, after = [hunk.old for hunk in edits], [hunk.new for hunk in edits]
        symbols = tuple(sorted({*self._touched(base, before), *self._touched(changed, after)}))[:SYMBOLS_MAX]
        return Conflict(path, Kind.DELETED, lines if ours else (), () if ours else lines, symbols)

    def _content(
        self,
        path: str,
        kind: Kind,
        base: _Entry | None,
        ours: _Entry,
        theirs: _Entry,
        other: str,
    ) -> Conflict:
        if base is None:
            found = hunks(self._repo, theirs.id, ours.id)
            pairs = None if found is None else [(hunk, Hunk(hunk.old, hunk.old, ())) for hunk in found]
        else:
            our_hunks, their_hunks = (hunks(self._repo, base.id, entry.id) for entry in (ours, theirs))
            pairs = None if our_hunks is None or their_hunks is None else list(_meeting(our_hunks, their_hunks))
        if pairs is None:
            return Conflict(path, Kind.BINARY, theirs_path=other)
        ours_lines = tuple(dict.fromkeys(hunk.new_lines for hunk, _ in pairs))
        theirs_lines = tuple(dict.fromkeys(hunk.new_lines for _, hunk in pairs))
        symbols = {*self._touched(ours, [hunk.new for hunk, _ in pairs])}
        symbols |= {*self._touched(theirs, [hunk.new for _, hunk in pairs])}
        symbols |= {*self._touched(base, [hunk.old for pair in pairs for hunk in pair])} if base else set()
        return Conflict(path, kind, ours_lines, theirs_lines, tuple(sorted(symbols))[:SYMBOLS_MAX], other)

    def _touched(self, entry: _Entry, ranges: Iterable[LineRange]) -> tuple[str, ...]:
        blob = self._repo[entry.id]
        found = self._reader.definitions(entry.path, blob.data) if isinstance(blob, pygit2.Blob) else None
        if found is None or isinstance(found, CannotCheck):
            return ()
        return symbols_touched(found, [(start + 1, stop) for start, stop in ranges if stop > start]).symbols
