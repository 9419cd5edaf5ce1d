"""Touched: which symbols the changed lines of files touch, on both sides of a change.

Rules:
  * A removed declaration is touched by its old lines, a new one by its new lines. One that the new side no longer has
    is touched whichever lines changed: what hides it may stand elsewhere.
  * Where a syntax error leaves open what changed lines belong to, the file is touched as a whole.
  * With several bases a symbol is touched where it differs from all of them: what equals one of them came from it.
  * A file that is gone, or that is or was no plain file, is touched as a whole; so is one whose symbols are unknown.
  * The parser is loaded by the first file that is asked for.

What this file does not know: claims, and for which files it matters.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from gitcoord.source.checkout.repository import Repository
from gitcoord.source.history import changes
from gitcoord.source.history.changed_lines import LineRange, Lines, changed_lines
from gitcoord.source.history.changes import LINES_BYTES_MAX, FileChange, Range
from gitcoord.source.symbols.definitions import CannotCheck, DefinitionReader, Definitions, is_doubtful, symbols_touched

BATCH_FILES = (
    100  # of which both sides are in memory at once: 100 MB at the very most, which is within what git may say
)


@dataclass(frozen=True, slots=True)
class TouchedFile:
    """What a change touches of a file.

    Attributes:
        symbols: `None`: the file as a whole.
        line: the first changed line of the new side.
        lines: the same for each symbol that has one there.
        unread: why symbols are unknown; the end of a sentence that begins with the file.
    """

    symbols: tuple[str, ...] | None = None
    module_level: bool = False
    line: int | None = None
    lines: Mapping[str, int] = field(default_factory=dict[str, int])
    unread: str = ""


def touched(
    repository: Repository, what: Range, wanted: Sequence[FileChange], reader: DefinitionReader
) -> dict[str, TouchedFile]:
    """Return what the changes touch of these files, by path.

    Raises:
        RepositoryError: git cannot compare them.
    """
    out = _touched_since(repository, what, wanted, reader)
    names = {change.path for change in wanted}
    for base in what.bases[1 : changes.BASES_MAX] if wanted else ():
        alone = Range((base,), what.head)
        some = [change for change in changes.changed_files(repository, alone) if change.path in names]
        also = _touched_since(repository, alone, some, reader)
        out = {path: _in_both(touched, also.get(path, touched)) for path, touched in out.items()}
    return out


def _in_both(one: TouchedFile, other: TouchedFile) -> TouchedFile:
    if one.symbols is None or other.symbols is None:
        return other if one.symbols is None else one  # what is unknown of one side may be known of the other
    names = tuple(name for name in one.symbols if name in other.symbols)
    lines = {name: line for name, line in one.lines.items() if name in names}
    return replace(one, symbols=names, module_level=one.module_level and other.module_level, lines=lines)


def _touched_since(
    repository: Repository, what: Range, wanted: Sequence[FileChange], reader: DefinitionReader
) -> dict[str, TouchedFile]:
    lines = changed_lines(repository, what, wanted)
    out: dict[str, TouchedFile] = {}
    for change in wanted:
        first = lines[change.path].first if change.path in lines else 1
        out[change.path] = TouchedFile(line=None if change.is_removed else first)
    plain = [change for change in wanted if change.is_content and not change.is_removed]
    for start in range(0, len(plain), BATCH_FILES):
        some = plain[start : start + BATCH_FILES]
        sizes = changes.sizes(repository, (side for change in some for side in (change.old, change.new)))
        small = [side for side, size in sizes.items() if size <= LINES_BYTES_MAX]
        blobs = changes.blobs(repository, small)
        for change in some:
            out[change.path] = _touched(change, lines.get(change.path), blobs, reader)
    return out


def _touched(
    change: FileChange, lines: Lines | None, blobs: Mapping[str, bytes], reader: DefinitionReader
) -> TouchedFile:
    if change.is_mode_only:
        return TouchedFile((), module_level=True, line=1)
    first = lines.first if lines else 1
    if lines is None:
        return TouchedFile(line=first, unread="is not text, or too large")
    found: list[tuple[Definitions, tuple[LineRange, ...]]] = []
    for side, ranges in ((change.old, lines.old), (change.new, lines.new)):
        data = blobs.get(side)
        read = reader.definitions(change.path, data) if data is not None else CannotCheck("is not here")
        if isinstance(read, CannotCheck):
            if ranges:
                return TouchedFile(line=first, unread=read.reason)
        elif is_doubtful(read, ranges):
            return TouchedFile(line=first, unread=f"has a syntax error in line {read.error_line}")
        else:
            found.append((read, ranges))
    each = [symbols_touched(read, ranges) for read, ranges in found]
    names = {symbol for touch in each for symbol in touch.symbols}
    if len(found) > 1:
        names.update(item.path for item in found[0][0].items if item.path not in found[1][0].symbols)
    new = next(((read, ranges) for read, ranges in found if ranges and ranges is lines.new), None)
    where = _lines_of(*new) if new else {}
    return TouchedFile(tuple(sorted(names)), any(touch.module_level for touch in each), first, where)


def _lines_of(definitions: Definitions, ranges: Iterable[LineRange]) -> dict[str, int]:
    """Return the first changed line of each symbol."""
    out: dict[str, int] = {}
    for start, end in ranges:
        for symbol in symbols_touched(definitions, [(start, end)]).symbols:
            begins = [item.start for item in definitions.items if item.path == symbol and item.start <= end <= item.end]
            out.setdefault(symbol, max(start, min(begins, default=start)))
    return out
