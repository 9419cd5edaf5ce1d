"""Files of a clone's copy that were damaged: set aside as they were, for a person to look at.

    store.git/damaged/<name>.<what its content is>     when it was set aside is its time

Rules:
  * SEC-4: a disk that damages files again and again does not fill up with them: there is a bound of their number and
    one of their size, and what was set aside first goes first; what is larger by itself goes at once. The remote has
    what they were.

What this file does not know: what is damaged, and what becomes of it.
"""

import hashlib
import os
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

FILES_MAX: Final = 1_000
FILES_BYTES_MAX: Final = 64 * 1024 * 1024  # as large as a pack that is joined with others (`pack_files`)
_FOLDER: Final = "damaged"


class _File(NamedTuple):
    since_ns: int
    path: Path
    size_bytes: int


class DamagedFiles:
    """Those of one store. `store`: its folder."""

    def __init__(self, store: Path) -> None:
        """Look at nothing yet."""
        self.folder = store / _FOLDER

    def take(self, path: Path, *, leaves: bool = False) -> None:
        """Set a file of the store aside. `leaves`: it also stays where it is, until another one replaces it.

        Raises:
            OSError: it is gone, or cannot be moved.
        """
        content = hashlib.sha256(path.read_bytes()).hexdigest()[:12]
        name = path.name if path.parent.name == "pack" else f"{path.parent.name}{path.name}"
        self.folder.mkdir(exist_ok=True)
        aside = self.folder / f"{name}.{content}"
        if not leaves:
            path.replace(aside)
        else:
            with suppress(FileExistsError):
                os.link(path, aside)
        os.utime(aside)

    def trim(self) -> None:
        """Remove what was set aside first, as far as there is more than the bounds allow."""
        size_bytes = 0
        for count, file in enumerate(sorted(self._files(), reverse=True), start=1):
            is_too_large = file.size_bytes > FILES_BYTES_MAX  # by itself: no reason for the others to go
            size_bytes += 0 if is_too_large else file.size_bytes
            if count > FILES_MAX or size_bytes > FILES_BYTES_MAX or is_too_large:
                with suppress(OSError):  # another process did, or the next one does
                    file.path.unlink()

    def sizes(self) -> list[int]:
        """Return the size of each, in bytes."""
        return [file.size_bytes for file in self._files()]

    def _files(self) -> list[_File]:
        found = list[_File]()
        with suppress(FileNotFoundError):
            for path in [*self.folder.iterdir()]:
                with suppress(FileNotFoundError):  # another process has removed it
                    status = path.stat()
                    found.append(_File(status.st_mtime_ns, path, status.st_size))
        return found
