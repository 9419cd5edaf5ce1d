"""Tracked: the paths in a repository's index, and quick answers about them.

Rules:
  * A folder is tracked if a tracked path is below it. Paths are in the order of their code points, so that whatever is
    below a folder is one slice.
  * Nothing is compared without regard to case, except to suggest a spelling.

What this file does not know: patterns, git, the disk.
"""

import unicodedata
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from itertools import islice
from operator import lt


class Tracked:
    """An immutable list of tracked paths, spelled as git spells them; made once for a state of the index."""

    def __init__(self, paths: Iterable[str]) -> None:
        """Keep the paths; in order already, as git lists them, they cost next to nothing."""
        ordered = sorted(paths)
        is_each_once = all(map(lt, ordered, islice(ordered, 1, None)))
        self.paths: Sequence[str] = ordered if is_each_once else sorted({*ordered})

    def __len__(self) -> int:
        return len(self.paths)

    def is_file(self, path: str) -> bool:
        index = bisect_left(self.paths, path)
        return index < len(self.paths) and self.paths[index] == path

    def is_dir(self, path: str) -> bool:
        index = bisect_left(self.paths, path + "/")
        return index < len(self.paths) and self.paths[index].startswith(path + "/")

    def inside(self, folder: str) -> Sequence[str]:
        """Return the path itself, if it is a file, and what is below it, in order."""
        start, stop = self._range(folder)
        return [folder] if self.is_file(folder) else self.paths[start:stop]

    def named(self, name: str) -> Sequence[str]:
        """Return the files of this name, at any depth, in order."""
        return self._files_by_name.get(name, ())

    def dirs_named(self, name: str) -> Sequence[str]:
        """Return the folders of this name, at any depth, in order."""
        return self._dirs_by_name.get(name, ())

    def nearest(self, path: str) -> str | None:
        """Return a tracked file or folder that differs from `path` in case only, or by one edit of one name."""
        names = path.split("/")
        for alike in self._alike(names, ""):
            return alike
        for index, name in enumerate(names):
            folder = "".join(above + "/" for above in names[:index])
            for child in self._children(folder):
                rest = "/".join((folder + child, *names[index + 1 :]))
                if is_one_edit(child, name) and (self.is_file(rest) or self.is_dir(rest)):
                    return rest
        return None

    def nearest_name(self, name: str) -> str | None:
        """Return the name of a tracked file or folder that differs in case only, or by one edit."""
        wanted = _caseless(name)
        conditions: list[Callable[[str], bool]] = [
            lambda candidate: _caseless(candidate) == wanted,
            lambda candidate: is_one_edit(candidate, name),
        ]
        for is_near in conditions:
            for names in (self._files_by_name, self._dirs_by_name):
                for candidate in names:
                    if abs(len(candidate) - len(name)) <= 1 and is_near(candidate):
                        return candidate
        return None

    def _range(self, folder: str) -> tuple[int, int]:
        start = bisect_left(self.paths, folder + "/")
        return start, bisect_left(self.paths, folder + "0", start)  # "0" is what follows "/"

    def _children(self, folder: str) -> Iterator[str]:
        """Yield the names in a folder, which ends with a slash or is the root, "" ."""
        index, stop = self._range(folder[:-1]) if folder else (0, len(self.paths))
        while index < stop:
            name, slash, _ = self.paths[index][len(folder) :].partition("/")
            yield name
            index = bisect_left(self.paths, f"{folder}{name}0", index, stop) if slash else index + 1

    def _alike(self, names: Sequence[str], folder: str) -> Iterator[str]:
        if not names:
            yield folder[:-1]
            return
        wanted = _caseless(names[0])
        for child in self._children(folder):
            if _caseless(child) == wanted:
                yield from self._alike(names[1:], f"{folder}{child}/")

    @cached_property
    def _files_by_name(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for path in self.paths:
            found.setdefault(path.rpartition("/")[2], []).append(path)
        return found

    @cached_property
    def _dirs_by_name(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        seen = {""}
        for path in self.paths:
            folder = path.rpartition("/")[0]
            while folder not in seen:
                seen.add(folder)
                parent, _, name = folder.rpartition("/")
                found.setdefault(name, []).append(folder)
                folder = parent
        return found


def is_one_edit(one: str, other: str) -> bool:
    """Tell whether a character was added, left out, replaced, or swapped with its neighbour."""
    if abs(len(one) - len(other)) > 1 or one == other:
        return False
    same = next(
        (index for index, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other))
    )
    rest, rest2 = one[same:], other[same:]
    swapped = rest[1::-1] + rest[2:]
    return rest[1:] == rest2[1:] or rest[1:] == rest2 or rest == rest2[1:] or swapped == rest2


def _caseless(name: str) -> str:
    return name.lower() if name.isascii() else unicodedata.normalize("NFC", name).casefold()
