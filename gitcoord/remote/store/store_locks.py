"""Whether a home's journal may be its truth: only where file locks hold for every process that uses the store.

A folder on a host's own disk that a virtual machine mounts is on a disk of its own as the host sees it, and not as the
guest does: their locks do not meet. A journal that both append to, or that one ends while the other is at it, loses
what was acknowledged. Git's locks of refs are files, which hold for both.

    a process that cannot rely on locks: leaves `<folder>/loose-refs`, and is refused while there is a journal
    the next opening where they hold:    ends the journal, and begins no other as long as that file is there

Rules:
  * STORE-1: where locks may not hold no process writes, begins or ends a journal; only a person's word ends one there.
  * The file is left before the store's description is read, and looked for after one was written.

What this file does not know: the store's description, and ledgers.
"""

from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Final

from gitcoord.errors import StorageError
from gitcoord.remote.contract.mounts import file_system, is_on_own_disk, read_mounts

try:
    import fcntl
except ImportError:  # no flock on this system: its stores have loose refs
    fcntl = None

MARK: Final = "loose-refs"
_SAID: Final = "A process was here that cannot rely on file locks; refs stay loose as long as this file is here.\n"


@cache  # reading what is mounted takes 0.2 ms, and a cold command asks four times
def locks_hold(folder: Path) -> bool:
    """Whether a lock of a file there holds for every process that sees it, as this process has the folder mounted."""
    return fcntl is not None and is_on_own_disk(folder, read_mounts())


def may_be_journaled(folder: Path) -> bool:
    """Whether the journal of a home there may be its truth. `folder`: the one of the clone."""
    return locks_hold(folder) and not is_marked(folder)


def is_marked(folder: Path) -> bool:
    """Whether a process that cannot rely on locks was at work there."""
    return (folder / MARK).exists()


def mark(folder: Path) -> None:
    """Leave the mark; who cannot write it can write nothing else there."""
    with suppress(OSError):
        if not is_marked(folder):
            (folder / MARK).write_text(_SAID, "utf-8")


def why_loose(folder: Path) -> str:
    """Return why refs are loose there, as the end of a sentence; nothing where the journal may be the truth."""
    if fcntl is None:
        return "this system has no locks that end with their process"
    if not locks_hold(folder):
        kind = file_system(folder, read_mounts())
        return f"file locks may not hold for every process {f'on {kind}' if kind else 'here'}"
    if is_marked(folder):
        return f"a process for which file locks may not hold was here, which {folder / MARK} says"
    return ""


def locks_error(folder: Path) -> StorageError:
    """Return the error of a process that finds a journal whose locks may not hold for it."""
    message = f"The store in {str(folder)!r} has a journal, and {why_loose(folder)}; nothing was written."
    hint = "Run `gitcoord status` in this clone on the machine whose disk it is on, which ends that journal, and try "
    hint += "again. If no other machine uses this clone: gitcoord init --remote ."
    return StorageError(message, hint=hint)
