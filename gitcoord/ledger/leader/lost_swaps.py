"""Lost swaps, counted for the whole clone: the only sign of how much the clones are in each other's way."""

import contextlib
from pathlib import Path

from gitcoord.errors import StorageError
from gitcoord.ledger.clone import files

FILE = "lost-swaps.json"


def count(folder: Path, unique: str) -> None:
    """Count one more; a full disk must not decide what became of a swap."""
    with contextlib.suppress(StorageError):
        files.write_json(folder / FILE, {"lost": counted(folder) + 1}, unique)


def counted(folder: Path) -> int:
    """Return how many swaps the clone of this folder has lost, and decided again, since it was made."""
    lost = files.read_json(folder / FILE).get("lost")
    return lost if isinstance(lost, int) else 0
