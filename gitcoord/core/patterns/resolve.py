"""Resolving: what a pattern means in a repository, decided once, when an agent claims it; and which files it names.

Rules:
  * A last segment without wildcard becomes a tree, a file or both, as the tracked files have it; one that nothing
    tracked bears keeps the reading that its text suggests.
  * A text with wildcards that is, taken literally, a tracked path means that path, and the reply says so. So does a
    segment in brackets that is a tracked folder there; where nothing tracked matches, also one that is a name in
    brackets, as frameworks have it for routes: hooks claim the files below it as they are spelled.
  * A name without slash that stands for several tracked things gets a warning with the anchored forms; a pattern
    without any tracked file gets one with the nearest spelling; several share one sentence.
  * A text that names several files is no name of one, though a path may have commas and spaces: who holds one
    of them would not be found.

What this file does not know: claims, limits on size, git.
"""

import re
import unicodedata
from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple

from gitcoord.core.documents.names import shown
from gitcoord.core.patterns import segment
from gitcoord.core.patterns.path_pattern import (
    CHARS_MAX,
    Pattern,
    PatternError,
    Reading,
    Shape,
    canonical,
    literal,
    shape_of,
)
from gitcoord.core.patterns.tracked_paths import Tracked

EXAMPLES_MAX = 3
UNMATCHED_NAMED = 5
OVERLAP_FILES_MAX = 20
_LISTED = re.compile(r"[,\n](?![^\[]*\])")  # not in a class
_BRACES = re.compile(r"\{([^{}]*,[^{}]*)\}")  # a shell's choice, which gitignore has not
_ROUTE = re.compile(r"\[{1,2}(?:\.{3})?\w{2,}\]{1,2}(?:\.\w+)*")  # `[id]`, `[...slug]`, `[[...slug]]`, `[id].tsx`
_EXTENSION = re.compile(r"\.[a-z]\w*\Z", re.IGNORECASE)  # not that of `v1.0`


class Resolved(NamedTuple):
    """A pattern as it is stored, the sorted tracked files in it, and sentences for the reply.

    Attributes:
        nearest: where no tracked file matches, the tracked path or name that was perhaps meant.
        is_ambiguous: whether its name is at several places, which one of the warnings says.
    """

    pattern: Pattern
    files: tuple[str, ...]
    warnings: tuple[str, ...] = ()
    nearest: str | None = None
    is_ambiguous: bool = False


def resolve(text: str, tracked: Tracked, *, as_literal: bool = False) -> Resolved:
    """Return what a text means here; `as_literal`: it is a path from the root, whatever characters it has.

    Raises:
        PatternError: the text is no pattern.
    """
    taken = _literally(text, tracked) if as_literal else _tracked_literally(text, tracked)
    spelled = taken or _with_names_in_brackets(canonical(text), tracked)
    pattern, files = _read(spelled, tracked)
    nearest = None if files else _nearest(pattern, tracked)
    warnings = _elsewhere(pattern, tracked) if files else []
    is_ambiguous = bool(warnings)
    warnings += [] if files else [_unmatched(pattern, nearest)]
    if taken and not as_literal:
        warnings.insert(0, f"{shown(text)} is a tracked path and was taken literally, as {shown(pattern.text)}.")
    elif not taken and spelled != canonical(text):
        warnings.insert(0, f"{shown(text)} was read with its brackets as part of a name, as {shown(pattern.text)}.")
    return Resolved(pattern, files, tuple(warnings), nearest, is_ambiguous)


def spelling(text: str, tracked: Tracked) -> str:
    """Return the pattern that a text is here, in which characters of names stand for themselves.

    Raises:
        PatternError: the text is no pattern.
    """
    return _tracked_literally(text, tracked) or _with_names_in_brackets(canonical(text), tracked)


def doubts(several: Sequence[Resolved]) -> list[str]:
    """Return the sentences of several texts, with one for all that match no tracked file."""
    empty = [resolved for resolved in several if not resolved.files]
    if len(empty) <= 1:
        return [sentence for resolved in several for sentence in resolved.warnings]
    said = {_unmatched(resolved.pattern, resolved.nearest) for resolved in empty}
    rest = [
        sentence for resolved in several for sentence in resolved.warnings if resolved.files or sentence not in said
    ]
    empty.sort(key=lambda resolved: resolved.nearest is None)  # those that were perhaps meant otherwise first
    named = ", ".join(
        shown(resolved.pattern.text) + (f" (did you mean {shown(resolved.nearest)}?)" if resolved.nearest else "")
        for resolved in empty[:UNMATCHED_NAMED]
    )
    more = f" and {len(empty) - UNMATCHED_NAMED} more" if len(empty) > UNMATCHED_NAMED else ""
    return [*rest, f"{named}{more} match no tracked file."]


def several(text: str, tracked: Tracked) -> tuple[str, ...]:
    """Return the names of a text that is a list of them, between commas, lines, spaces or in braces; none: it is one.

    A tracked file of that name, or a new one in such a folder, is one name. Words between spaces are names only if each
    is tracked or has an extension: titles of documents have spaces.
    """
    if len(text) > CHARS_MAX:
        return ()  # no pattern either
    braces = _BRACES.search(text)
    if braces and not _is_tracked(text, tracked):
        # The first of them alone: all of them could name more files than there is room for.
        return tuple(text[: braces.start()] + name.strip() + text[braces.end() :] for name in braces[1].split(","))
    listed = _parts(_LISTED.split(text))
    names = listed if len(listed) > 1 else _parts(text.split())
    if len(names) <= 1 or _is_tracked(text, tracked):
        return ()
    folder = text.strip("/").rpartition("/")[0]
    if len(folder) > len(names[0]) and tracked.is_dir(folder):
        return ()  # a folder whose name is longer than the first name in the text
    if names is listed:
        is_list = all("/" in name or _EXTENSION.search(name) for name in names)
        return names if is_list or any(_is_tracked(name, tracked) for name in names) else ()
    return names if all(_EXTENSION.search(name) or _is_tracked(name, tracked) for name in names) else ()


def _parts(split: Sequence[str]) -> tuple[str, ...]:
    return tuple(part.strip() for part in split if part.strip())


def _is_tracked(text: str, tracked: Tracked) -> bool:
    with suppress(PatternError):
        return bool(_read(_tracked_literally(text, tracked) or canonical(text), tracked)[1])
    return False


def matching(pattern: Pattern, tracked: Tracked) -> Sequence[str]:
    """Return the tracked files that a pattern matches, in order."""
    shape = shape_of(pattern)
    if shape.is_tree and shape.lead:
        return tracked.inside("/".join(shape.lead))
    return [path for path in _near(shape, tracked) if shape.matches(path)]


def overlapping_files(
    first: Pattern, second: Pattern, tracked: Tracked, most: int = OVERLAP_FILES_MAX
) -> tuple[tuple[str, ...], int]:
    """Return the first tracked files in both, in order, and how many more there are."""
    one, other = shape_of(first), shape_of(second)
    paths = min(_near(one, tracked), _near(other, tracked), key=len)
    found = [path for path in paths if one.matches(path) and other.matches(path)]
    return tuple(found[:most]), max(0, len(found) - most)


def _near(shape: Shape, tracked: Tracked) -> Sequence[str]:
    """Return the files that may match, in order: as few as can be found without looking at each."""
    if shape.path is not None:
        return [shape.path] if tracked.is_file(shape.path) else []
    if shape.lead:
        return tracked.inside("/".join(shape.lead))
    *_, last = (step for step in shape.steps if step is not None) if any(shape.steps) else (None,)
    if last is None or last.literal is None:
        return tracked.paths
    files = tracked.named(last.literal)
    if shape.steps[-1] is not None:
        return files
    below = [path for folder in tracked.dirs_named(last.literal) for path in tracked.inside(folder)]
    return sorted({*files, *below})


def _literally(text: str, tracked: Tracked) -> str:
    """Return the pattern of a path. A backslash is one of its characters where such a file is tracked, else a slash."""
    spelled = "/" + segment.escaped(text)
    return canonical(spelled.replace("\\", "?") if "\\" in text and tracked.is_file(text) else spelled)


def _tracked_literally(text: str, tracked: Tracked) -> str | None:
    """Return the pattern for the tracked path that a text with wildcards literally is."""
    if "\\" in text and tracked.is_file(text):
        return _literally(text, tracked)
    name = text.replace("\\", "/")
    if not any(char in name for char in "*?["):
        return None
    with suppress(PatternError):
        if "/" not in name and (tracked.named(name) or tracked.dirs_named(name)):
            return canonical(segment.escaped(name))
        path = shape_of(literal(name)).path
        if path is not None and (tracked.is_file(path) or tracked.is_dir(path)):
            return canonical("/" + segment.escaped(name))
    return None


def _with_names_in_brackets(text: str, tracked: Tracked) -> str:
    """Return a canonical pattern in which names that are no classes stand for themselves."""
    if "[" not in text:
        return text
    is_unknown = not _read(text, tracked)[1]
    names: list[str] = text.split("/")
    folder = ""
    for index, name in enumerate(names):
        folder += f"/{name}" if folder else name
        is_name = "[" in name and (tracked.is_dir(folder) or (is_unknown and _ROUTE.fullmatch(name)))
        names[index] = segment.escaped(name) if is_name else name
    return canonical("/".join(names))


def _read(spelled: str, tracked: Tracked) -> tuple[Pattern, tuple[str, ...]]:
    """Settle the reading of a last segment without wildcard by what is tracked; return the files as well."""
    suggested = Pattern.of(spelled)
    if suggested.reading in {Reading.TREE, Reading.GLOB}:
        return suggested, tuple(matching(suggested, tracked))
    found = tuple(matching(Pattern.of(spelled, Reading.EITHER), tracked))
    if not found:
        return suggested, ()
    is_name = shape_of(Pattern.of(spelled, Reading.FILE)).matches
    count = sum(1 for path in found if is_name(path))
    reading = Reading.FILE if count == len(found) else Reading.EITHER if count else Reading.TREE
    return Pattern.of(spelled, reading), found


def _elsewhere(pattern: Pattern, tracked: Tracked) -> list[str]:
    """Say at how many places a name without a slash is, if at several."""
    name = segment.segment(pattern.text.removesuffix("/")).literal
    if not pattern.is_floating or name is None:
        return []
    places = [*(tracked.named(name) if pattern.reading is not Reading.TREE else ())]
    if pattern.reading is not Reading.FILE:
        places += tracked.dirs_named(name)
    if len(places) == 1:
        return []
    places.sort(key=lambda path: (path.count("/"), path))  # the root's own first
    anchored = ", ".join(shown("/" + segment.escaped(path)) for path in places[:EXAMPLES_MAX])
    more = "" if len(places) <= EXAMPLES_MAX else f" or {len(places) - EXAMPLES_MAX} more"
    what = f"{shown(pattern.text)} has no slash and matches at any depth, here {len(places)} times"
    return [f"{what}; to claim only one of them write {anchored}{more}."]


def _unmatched(pattern: Pattern, nearest: str | None) -> str:
    hint = f"; did you mean {shown(nearest)}?" if nearest else "."
    if nearest and unicodedata.normalize("NFC", nearest) == unicodedata.normalize("NFC", pattern.text.strip("/")):
        hint = f"; {shown(nearest)} is tracked, which looks the same and is spelled otherwise (Unicode normalization)."
    return f"{shown(pattern.text)} matches no tracked file{hint}"


def _nearest(pattern: Pattern, tracked: Tracked) -> str | None:
    shape = shape_of(pattern)
    names = [step.literal for step in shape.steps if step is not None]
    plain = [name for name in names if name is not None]
    if len(plain) != len(names) or not plain:
        return None
    if pattern.is_floating:
        return tracked.nearest_name(plain[0])
    return tracked.nearest("/".join(plain)) if shape.steps[0] is not None else None
