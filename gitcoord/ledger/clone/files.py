"""Small JSON files of one clone: written whole or not at all, read with patience.

Paths are strings here where they can be: these files are on the way of every command, and building a `Path` costs
more than opening a file.

A reader never sees half a file, because it is written beside and renamed. These files are not fsynced: they serve
processes that live; what must survive a power cut is in a ledger.
"""

import contextlib
import os
from collections.abc import Callable, Mapping
from datetime import datetime

from gitcoord.core.documents.json_text import Json, compact, parse_time
from gitcoord.errors import unwritable
from gitcoord.ledger.clone import snapshot_files

StrPath = str | os.PathLike[str]
FILE_BYTES_MAX = 8 * 1024 * 1024  # a spooled project of 10,000 steps has 3 MB


def write_json(path: StrPath, value: Json, unique: str) -> None:
    """Write a file whole. `unique` keeps two writers' drafts apart.

    Raises:
        StorageError: the disk is full or cannot be written; the file is as it was.
    """
    write_bytes(path, compact(value).encode("utf-8", "surrogatepass"), unique)


def write_bytes(path: StrPath, data: bytes, unique: str) -> None:
    """Write a file whole, as `write_json` does."""
    _write_whole(path, data, unique, None)


def write_held(path: StrPath, data: bytes, unique: str, hold: Callable[[int], None]) -> int:
    """Write a file whole, as `write_bytes` does, and `hold` its lock before another process can see it.

    Returns:
        The open file, whose lock is held until it is closed or the process ends.
    """
    return _write_whole(path, data, unique, hold)


def _write_whole(path: StrPath, data: bytes, unique: str, hold: Callable[[int], None] | None) -> int:
    folder, name = os.path.split(path)
    draft, handle = f"{folder}/.{name}.{unique}", -1
    try:
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
        while data:
            data = data[os.write(handle, data) :]
        if hold is None:
            handle = os.close(handle) or -1
        else:
            hold(handle)
        os.replace(draft, path)
    except OSError as error:
        close(handle)
        remove(draft)
        raise unwritable(f"The file {str(path)!r}", error) from error
    return handle


def close(handle: int) -> None:
    """Close a file that may be closed already, or never was one."""
    with contextlib.suppress(OSError):
        os.close(handle)


def read_json(path: StrPath) -> dict[str, Json]:
    """Return the object in a file; an absent or damaged one is empty, since these files can be made again."""
    return snapshot_files.load(path, FILE_BYTES_MAX)


def time_in(data: Mapping[str, Json], name: str) -> datetime | None:
    """Return a moment that a file spells; `None` where it is absent or damaged."""
    text = data.get(name)
    try:
        return parse_time(text) if isinstance(text, str) else None
    except ValueError:
        return None


def remove(path: StrPath) -> bool:
    """Remove a file if it is there; tell whether it was, to one alone of several processes that do so."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        return False
    except OSError:
        pass
    return True


def names_in(folder: StrPath, suffix: str | tuple[str, ...]) -> list[str]:
    """Return the names with that ending (or one of them), sorted; drafts are left out."""
    try:
        return sorted(name for name in os.listdir(folder) if name.endswith(suffix) and not name.startswith("."))
    except FileNotFoundError:
        return []
