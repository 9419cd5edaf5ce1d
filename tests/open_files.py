"""Which files this process has open, for tests of what is closed again."""

from pathlib import Path

import pytest

_OPEN = Path("/proc/self/fd")


def open_below(folder: Path) -> list[str]:
    """Return the paths below a folder that this process has open, also of files that are deleted by now."""
    if not _OPEN.is_dir():
        pytest.skip("this system does not tell which files a process has open")
    begin = f"{folder.resolve()}/"
    return sorted(target.removeprefix(begin) for target in open_files() if target.startswith(begin))


def open_files() -> list[str]:
    """Return what this process has open: paths, and the kinds of what has none; nothing where that is not told."""
    targets: list[str] = []
    for number in _OPEN.iterdir() if _OPEN.is_dir() else ():
        try:
            targets.append(str(number.readlink()))
        except OSError:  # closed since: the one by which the folder was read, or one of another thread
            continue
    return targets
