"""The folder of a clone that gitcoord keeps its files in: `<common git dir>/gitcoord`.

Rules:
  * SEC-2: it is closed to all who may not write the repository: sessions, fences, and what agents work on are in it.
    To who may write it (`core.sharedRepository`, or a umask that leaves it to a group) it is as open as git is.
  * What an older version left open is closed by the next command; nothing is ever opened.

What this file does not know: what is in the folder.
"""

import stat
from contextlib import suppress
from pathlib import Path
from typing import Final

_EACH: Final = {stat.S_IWGRP: stat.S_IRWXG, stat.S_IWOTH: stat.S_IRWXO}


def make(folder: Path) -> None:
    """Make the folder where there is none.

    Raises:
        OSError: the disk cannot be written.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir(mode=stat.S_IRWXU | _shared(folder), exist_ok=True)
    close(folder)


def close(folder: Path) -> None:
    """Take it from those who may not write the repository; as far as it is ours, and there."""
    with suppress(OSError):
        mode = stat.S_IMODE(folder.stat().st_mode)
        wanted = mode & ~((stat.S_IRWXG | stat.S_IRWXO) & ~_shared(folder))
        if mode != wanted:
            folder.chmod(wanted)


def _shared(folder: Path) -> int:
    mode = folder.parent.stat().st_mode
    return sum(rights for write, rights in _EACH.items() if mode & write)
