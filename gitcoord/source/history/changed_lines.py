"""Changed lines: where in a file something differs, on both sides.

Rules:
  * git is asked without context lines. A patch is found by the ids of both sides, never by a name that it prints.
  * What has no lines (binary, too large, a link) has none here: it counts as a whole.

This file needs the standard library and the git program only, because hooks run it; it must not know claims.
"""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from gitcoord.source.checkout.repository import Repository
from gitcoord.source.history import changes
from gitcoord.source.history.changes import LINES_BYTES_MAX, FileChange, Range

LineRange = tuple[int, int]
"""The first and the last line, counted from 1."""

CHUNK_BYTES_MAX: Final = 16 * 1024 * 1024  # of both sides of the files that one git compares: what its answer may take
CHUNK_FILES_MAX: Final = 500  # names fit into any system's command line
_CHUNK_NAMES_MAX: Final = 64 * 1024
_INDEX = re.compile(rb"index ([0-9a-f]{40,64})\.\.([0-9a-f]{40,64})")
_HUNK = re.compile(rb"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")


@dataclass(frozen=True, slots=True)
class Lines:
    """The lines that are only on the old side, and those that are only on the new one.

    Attributes:
        first: the first line of the new side that has to do with the change; of a deletion the line before it.
    """

    old: tuple[LineRange, ...]
    new: tuple[LineRange, ...]
    first: int = 1


def changed_lines(repository: Repository, what: Range, wanted: Sequence[FileChange]) -> dict[str, Lines]:
    """Return the changed lines of these files, by path; of those that count as a whole nothing.

    Raises:
        RepositoryError: git cannot compare them.
    """
    sizes = changes.sizes(repository, (blob for change in wanted for blob in (change.old, change.new)))
    small = [
        change
        for change in wanted
        if change.is_content and all(sizes.get(side, 0) <= LINES_BYTES_MAX for side in _ids(change))
    ]
    out: dict[str, Lines] = {}
    for chunk in _chunks(small, sizes):
        command, *rest = what.words(what.bases[0])
        shape = ("-p", "-U0", "--no-renames", "--full-index", "--no-ext-diff", "--no-textconv", "--no-color")
        names = [os.fsdecode(change.name) for change in chunk]
        words = ("--literal-pathspecs", command, *shape, "--ignore-submodules=none", *rest, "--", *names)
        found = dict(_parsed(changes.run(repository, words)))
        out |= {change.path: found[key] for change in chunk if (key := (change.old, change.new)) in found}
    return out


def _ids(change: FileChange) -> tuple[str, str]:
    return change.old, change.new


def _chunks(wanted: Sequence[FileChange], sizes: Mapping[str, int]) -> Iterator[list[FileChange]]:
    chunk: list[FileChange] = []
    size, names = 0, 0
    for change in wanted:
        more = sum(sizes.get(side, 0) for side in _ids(change))
        full = size + more > CHUNK_BYTES_MAX or len(chunk) >= CHUNK_FILES_MAX or names > _CHUNK_NAMES_MAX
        if chunk and full:
            yield chunk
            chunk, size, names = [], 0, 0
        chunk.append(change)
        size, names = size + more, names + len(change.name)
    if chunk:
        yield chunk


def _parsed(data: bytes) -> Iterator[tuple[tuple[str, str], Lines]]:
    """Yield the ids of both sides with their lines; a hunk's head says how many lines of content follow it."""
    key: tuple[str, str] | None = None
    old: list[LineRange] = []
    new: list[LineRange] = []
    first = skip = 0
    for line in data.split(b"\n"):
        if skip and line[:1] in (b"+", b"-"):
            skip -= 1
        elif line.startswith(b"diff --git "):
            if key and (old or new):
                yield key, Lines(tuple(old), tuple(new), max(first, 1))
            key, old, new, first = None, [], [], 0
        elif found := _INDEX.match(line):
            key = found[1].decode("ascii"), found[2].decode("ascii")
        elif found := _HUNK.match(line):
            numbers = [int(number) if number is not None else 1 for number in found.groups()]
            skip = numbers[1] + numbers[3]
            first = first or numbers[2]
            old += [(numbers[0], numbers[0] + numbers[1] - 1)] if numbers[1] else []
            new += [(numbers[2], numbers[2] + numbers[3] - 1)] if numbers[3] else []
    if key and (old or new):
        yield key, Lines(tuple(old), tuple(new), max(first, 1))
