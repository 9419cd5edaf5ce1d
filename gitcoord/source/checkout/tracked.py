"""The tracked files of a worktree, and how the index spells a path that a person, a tool or a file system spells.

Rules:
  * What the index says counts, not what lies in the folder: files that sparse checkout left out are in, so are
    submodules, each as one path.
  * The list is read again only when git has replaced the index file, and whether case counts when the configuration of
    the repository was.
  * A path that is tracked as it stands keeps its spelling. Another one is spelled as the tracked path from which it
    differs in its Unicode form only or, where the file system does not tell case (`core.ignorecase`), in case.

What this file does not know: patterns, claims.
"""

import threading
import unicodedata
from bisect import bisect_left
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from gitcoord.errors import RepositoryError
from gitcoord.remote.git.git_process import clean_text
from gitcoord.source.checkout.repository import Repository

Stamp = tuple[int, int, int]
"""Time in nanoseconds, size and inode of a file of git's: it writes a new one and renames it."""


@dataclass(frozen=True)
class TrackedFiles:
    """The tracked files, sorted, each once."""

    paths: tuple[str, ...]
    folds_case: bool = False

    def __contains__(self, path: object) -> bool:
        if not isinstance(path, str):
            return False
        place = bisect_left(self.paths, path)
        return place < len(self.paths) and self.paths[place] == path

    def spelling(self, path: str) -> str:
        """Return a path as the index has it; of an untracked one, the folders that the index knows."""
        if path in self:
            return path
        known, rest = path, ""
        while known:
            found = self._spellings.get(self._folded(known))
            if found is not None:
                return found + rest
            known, slash, name = known.rpartition("/")
            rest = slash + name + rest
        return path

    @cached_property
    def _spellings(self) -> dict[str, str]:
        """Paths and folders by their folded form; of those that fold together the first."""
        spellings: dict[str, str] = {}
        for path in self.paths:
            spellings.setdefault(self._folded(path), path)
            folder = path.rpartition("/")[0]
            while folder and self._folded(folder) not in spellings:
                spellings[self._folded(folder)] = folder
                folder = folder.rpartition("/")[0]
        return spellings

    def _folded(self, path: str) -> str:
        composed = path if path.isascii() else unicodedata.normalize("NFC", path)
        return composed.casefold() if self.folds_case else composed


@dataclass(slots=True)
class Tracked:
    """Knows the tracked files of one worktree, and reads them again when they changed. Threads may share it."""

    repository: Repository
    _known: tuple[Stamp, TrackedFiles] | None = None
    _folds_case: tuple[Stamp | None, bool] | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def files(self) -> TrackedFiles:
        """Return the tracked files as they are now.

        Raises:
            RepositoryError: git cannot read the index.
        """
        with self._lock:
            stamp = _stamp(self.repository.git_dir / "index")
            if self._known is not None and self._known[0] == stamp:
                return self._known[1]
            # The stamp is the older of the two, so a change in between is seen next time.
            found = read_tracked(self.repository, folds_case=self.folds_case())
            self._known = (stamp, found) if stamp is not None else None
            return found

    def folds_case(self) -> bool:
        """Whether the file system tells no case. `git init` writes that; an index changes a thousand times as often."""
        stamp = _stamp(self.repository.common_dir / "config")
        if self._folds_case is None or self._folds_case[0] != stamp:
            self._folds_case = (stamp, folds_case(self.repository))
        return self._folds_case[1]


def _stamp(file: Path) -> Stamp | None:
    """Return what tells this state of a file from the next; `None`: it is not there yet."""
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino


def folds_case(repository: Repository) -> bool:
    """Whether the file system does not tell case, as git found."""
    return repository.text("config", "--type=bool", "--get", "core.ignorecase") == "true"


def read_tracked(repository: Repository, *, folds_case: bool = False) -> TrackedFiles:
    """Return the tracked files. `folds_case`: whether paths of them that differ in case alone are one.

    Raises:
        RepositoryError: git cannot read the index.
    """
    # Without --sparse, so that git expands folders of a sparse index to the files in them. A path in conflict is there
    # once a side, and is listed once.
    done = repository.git("ls-files", "-z", "--cached", "--deduplicate", "--full-name", "--", ":/")
    if done.rc != 0:
        raise RepositoryError(f"git cannot list the tracked files: {clean_text(done.errors)}")
    paths = sorted(
        done.stdout.decode("utf-8", "replace").split("\0")[:-1]
    )  # of bytes, git's order is that of code points
    return TrackedFiles(tuple(paths), folds_case)
