"""Small JSON files of one clone: written whole or not at all, read with patience.

Paths are strings here where they can be: these files are on the way of every command, and building a `Path` costs
more than opening a file.

A reader never sees half a file, because it is written beside and renamed. These files are not fsynced: they serve
processes that live; what must survive a power cut is in a ledger.
"""

import contextlib
import json
import os

from gitcoord.core.doc import Json, compact

StrPath = str | os.PathLike[str]
FILE_BYTES_MAX = 8 * 1024 * 1024  # a spooled project of 10,000 steps has 3 MB


def write_json(path: StrPath, value: Json, unique: str) -> None:
    """Write a file whole. `unique` keeps two writers' drafts apart."""
    folder, name = os.path.split(path)
    draft = f"{folder}/.{name}.{unique}"
    data = compact(value).encode()
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
    try:
        while data:
            data = data[os.write(handle, data) :]
    finally:
        os.close(handle)
    os.replace(draft, path)


def read_json(path: StrPath) -> dict[str, Json]:
    """Return the object in a file; an absent or damaged one is empty, since these files can be made again."""
    try:
        with open(path, "rb", buffering=0) as file:
            value: Json = json.loads(file.read(FILE_BYTES_MAX))
    except (OSError, ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def remove(path: StrPath) -> None:
    """Remove a file if it is there."""
    with contextlib.suppress(OSError):
        os.unlink(path)


def names_in(folder: StrPath, suffix: str | tuple[str, ...]) -> list[str]:
    """Return the names with that ending (or one of them), sorted; drafts are left out."""
    try:
        return sorted(name for name in os.listdir(folder) if name.endswith(suffix) and not name.startswith("."))
    except FileNotFoundError:
        return []
