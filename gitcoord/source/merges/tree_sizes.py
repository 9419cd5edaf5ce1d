"""Tree sizes: whether a tree has too many entries to be merged in this process, found without listing them.

Rules:
  * SEC-4: a folder that lies in many places is read once, and counted at each: nine objects of a few kB can stand for
    16 billion files, and what lists them takes memory for each.

What this file does not know: why it is asked.
"""

from dataclasses import dataclass, field
from typing import Final

import pygit2
from pygit2.enums import FileMode

ENTRIES_MAX: Final = 2_000_000  # of one tree, folders among them: a merge takes memory for those of all three
TREE_BYTES_MAX: Final = 128 * 1024 * 1024  # of one folder: two million names
DEPTH_MAX: Final = (
    500  # folders in one another: the longest path of Linux, 4096 bytes, has them with names of seven letters
)


@dataclass(slots=True)
class TreeSizes:
    """Counts, and remembers what it counted: trees of one history have most of their folders in common."""

    objects: pygit2.Repository
    _known: dict[str, int] = field(default_factory=dict[str, int])

    def is_too_large(self, tree: str) -> bool:
        """Whether a tree has more than ENTRIES_MAX entries, a folder of too many bytes, or folders too deep.

        Raises:
            KeyError: a folder of it is not here.
        """
        return self._count(tree, DEPTH_MAX) > ENTRIES_MAX

    def _count(self, tree: str, depth: int) -> int:
        if tree not in self._known:
            _, size = self.objects.odb.read_header(pygit2.Oid(hex=tree))
            is_over = not depth or size > TREE_BYTES_MAX or len(self._known) > ENTRIES_MAX
            count = ENTRIES_MAX + 1 if is_over else 0
            for entry in () if is_over else self.objects[tree].peel(pygit2.Tree):
                count += 1 + (self._count(str(entry.id), depth - 1) if entry.filemode == FileMode.TREE else 0)
                if count > ENTRIES_MAX:
                    break
            self._known[tree] = count
        return self._known[tree]
