"""Slots: the refs of a store that one process of a clone fetches into, so that several fetch at the same moment.

    <store>/slots/<n>.lock      held (file lock) by the process that fetches into slot n
    refs/slots/<n>/claims       where the remote's refs/coord/claims was when slot n was last read

The first free slot is taken, so that one is warm and an unchanged read writes nothing.

What this file does not know: what is fetched.
"""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout

SLOTS_MAX: Final = 16  # processes of one clone that read at the same moment; further ones list without a slot


@contextmanager
def free_slot(store: Path) -> Generator[int | None]:
    """Hold the first free slot of a store; `None`: there is none."""
    slot, lock = _taken(store / "slots")
    try:
        yield slot
    finally:
        if lock is not None:
            lock.release()


def _taken(folder: Path) -> tuple[int, FileLock] | tuple[None, None]:
    for slot in range(SLOTS_MAX):
        try:
            folder.mkdir(exist_ok=True)
            lock = FileLock(folder / f"{slot}.lock")
            lock.acquire(blocking=False)
        except Timeout:  # an OSError, too
            continue
        except OSError:  # a full or read-only disk: listing goes on without
            break
        return slot, lock
    return None, None
