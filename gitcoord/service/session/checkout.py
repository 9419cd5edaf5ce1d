"""The checkout: what one worktree has, for those who claim parts of it. Read again only when git changed it.

What this file does not know: claims, who asks.
"""

import contextlib
import os
import stat
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from gitcoord.core.documents.names import branch_name
from gitcoord.core.patterns.tracked_paths import Tracked
from gitcoord.errors import InvalidError
from gitcoord.source.checkout import tracked as index
from gitcoord.source.checkout.head import Head
from gitcoord.source.checkout.repository import Repository
from gitcoord.source.symbols.definitions import FILE_BYTES_MAX, DefinitionReader


@dataclass(slots=True)
class Checkout:
    """A worktree. Threads may share it."""

    repository: Repository
    definitions: DefinitionReader
    _index: index.Tracked
    _head: Head
    _known: tuple[index.TrackedFiles, Tracked] | None = None
    _commits: set[str] = field(default_factory=set[str])

    @classmethod
    def of(cls, repository: Repository, monotonic: Callable[[], float]) -> Self:
        """Look at nothing yet."""
        return cls(repository, DefinitionReader(monotonic, repository.env), index.Tracked(repository), Head(repository))

    def tracked(self) -> Tracked:
        """Return the tracked files as they are now.

        Raises:
            RepositoryError: git cannot read the index.
        """
        files, known = self._index.files(), self._known
        if known is None or known[0] is not files:
            known = self._known = (files, Tracked(files.paths))
        return known[1]

    def folds_case(self) -> bool:
        """Whether the file system tells no case."""
        return self._index.folds_case()

    def spelling(self, path: str) -> str:
        """Return a path as the index spells it."""
        return self._index.files().spelling(path)

    def inside(self, text: str) -> str:
        """Return an absolute path of this worktree as one from its root; what is none stays as it is."""
        top = str(self.repository.top)
        if text.startswith("/") and not text.startswith(top + "/"):
            top = _spelled_otherwise(text, top) or top
        return text[len(top) :] or "/" if text == top or text.startswith(top + "/") else text

    def is_elsewhere(self, text: str) -> bool:
        """Whether a text is the absolute path of something that is not in this worktree."""
        return text.startswith("/") and text.strip("/") != "" and self.inside(text) == text and os.path.lexists(text)

    def branch(self) -> str | None:
        """Return the branch that is checked out; `None`: none is, or its name is none of ours."""
        name = self._head.branch()
        try:
            return branch_name(name) if name else None
        except InvalidError:
            return None

    def changed(self) -> list[str] | None:
        """Return the paths with uncommitted changes, and those new and not ignored; `None`: git cannot say."""
        status = self.repository.git("status", "--porcelain", "-z", "--no-renames", "--untracked-files=all")
        if status.rc != 0:
            return None
        lines = status.stdout.decode("utf-8", "replace").split("\0")
        return [line[3:] for line in lines if len(line) > len("XY ")]

    def has_commit(self, commit: str) -> bool:
        """Whether this clone has a commit, or had it when it was asked for before: only a gc takes one away."""
        if commit not in self._commits and self.repository.has_commit(commit):
            self._commits.add(commit)
        return commit in self._commits

    def data(self, path: str) -> bytes | None:
        """Return a file, at most a little more of it than is ever looked into; `None`: there is no such file."""
        where = self.repository.top / path
        try:
            real_path, real_top = map(os.path.realpath, (where, self.repository.top))  # wherever links on the way lead
            if not stat.S_ISREG(where.lstat().st_mode) or not Path(real_path).is_relative_to(real_top):
                return None
            with where.open("rb") as file:
                return file.read(FILE_BYTES_MAX + 1)
        except (OSError, ValueError):  # a name that no file can have
            return None


def _spelled_otherwise(text: str, top: str) -> str | None:
    """Return how an absolute path spells the worktree's folder, through a link: /tmp of macOS is one."""
    ends = [index for index, char in enumerate(text) if index and char == "/"]
    with contextlib.suppress(OSError):  # removed meanwhile, or not ours to look at
        for end in (*ends, len(text)):
            if not Path(text[:end]).is_dir():
                return None
            if Path(text[:end]).samefile(top):
                return text[:end]
    return None
