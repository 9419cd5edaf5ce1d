"""The id of this clone: drawn once, bound to the place where it was drawn.

A clone that was copied (another path, inode or machine) draws a new one, because two holders with one id would
take each other's steps for their own. A reboot does not change it; a copy of a running machine is found out when
the heartbeat's ref is moved by somebody else (`beats`).
"""

from collections.abc import Callable
from pathlib import Path

from filelock import FileLock

from gitcoord.core.doc import Json
from gitcoord.ledger import files

ID_CHARS = 10  # 50 bits: a million clones of one remote collide with a chance of 1 in 2000


def load_or_draw(folder: Path, machine: str, draw_id: Callable[[], str], unique: str) -> str:
    """Return the id of the clone whose folder for coordination this is."""
    binding = _binding(folder, machine)
    found = _read(folder, binding)
    if found:
        return found
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / "clone.lock", timeout=10):
        return _read(folder, _binding(folder, machine)) or renew(folder, machine, draw_id, unique)


def renew(folder: Path, machine: str, draw_id: Callable[[], str], unique: str) -> str:
    """Draw a new id."""
    drawn = draw_id()[:ID_CHARS]
    files.write_json(folder / "clone.json", {**_binding(folder, machine), "id": drawn}, unique)
    return drawn


def _read(folder: Path, binding: dict[str, Json]) -> str | None:
    known = files.read_json(folder / "clone.json")
    drawn = known.pop("id", None)
    return drawn if isinstance(drawn, str) and known == binding else None


def _binding(folder: Path, machine: str) -> dict[str, Json]:
    inode = folder.stat().st_ino if folder.exists() else 0
    return {"path": str(folder), "machine": machine, "inode": inode}
