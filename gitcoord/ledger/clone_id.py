"""The id of this clone: drawn once, bound to the place where it was drawn.

A clone that was copied (another path, inode or machine) draws a new one, because two holders with one id would
take each other's steps for their own. A reboot does not change it; a copy of a running machine is found out when
the heartbeat's ref is moved by somebody else (`beats`), and the one that finds out draws a new id while it runs.

What was held under the old id stays with it, because nobody can tell which of the two copies is the one that was
given it: a holder is (agent, clone). If the other copy runs those sessions, its heartbeat lists them, and they are
its steps. If it does not, the old id's heartbeat does not list them and they become stale within the usual limits
(four times those where no beat can be read); then anybody takes them over, or their old holder takes them back by
`claim_step` with the step's id. Fences see to it that at most one of the two hands a step in.
"""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from gitcoord.core.doc import Json
from gitcoord.errors import ContendedError, unwritable
from gitcoord.ledger import files

ID_CHARS = 10  # 50 bits: a million clones of one remote collide with a chance of 1 in 2000


def load_or_draw(folder: Path, machine: str, draw_id: Callable[[], str], unique: str) -> str:
    """Return the id of the clone whose folder for coordination this is.

    Raises:
        ContendedError: another process has been drawing one for long.
        RepositoryError: the disk cannot be written.
    """
    binding = _binding(folder, machine)
    found = _read(folder, binding)
    if found:
        return found
    try:
        with _drawing(folder, timeout_s=10):
            return _read(folder, _binding(folder, machine)) or renew(folder, machine, draw_id, unique)
    except Timeout:
        message = "Another process draws the id of this clone; nothing was changed."
        raise ContendedError(message, hint="Try again; or look for one that hangs.") from None


def current(folder: Path) -> str | None:
    """Return the id that is written down, whatever this process goes by."""
    drawn = files.read_json(folder / "clone.json").get("id")
    return drawn if isinstance(drawn, str) and drawn else None


def redraw(folder: Path, old: str, draw_id: Callable[[], str], unique: str) -> str:
    """Return the id to use instead of `old`: what another process drew meanwhile, or else a new one.

    Raises:
        Timeout: another process is drawing one.
        RepositoryError: the disk cannot be written.
    """
    with _drawing(folder, timeout_s=1):
        known = files.read_json(folder / "clone.json")
        if known.get("id") not in (None, old):
            return str(known["id"])
        drawn = draw_id()[:ID_CHARS]
        files.write_json(folder / "clone.json", {**known, "id": drawn}, unique)
        return drawn


@contextmanager
def _drawing(folder: Path, timeout_s: float) -> Generator[None]:
    """Let one process at a time draw an id."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / "clone.lock", timeout=timeout_s):
            yield
    except Timeout:  # an OSError, too
        raise
    except OSError as error:
        raise unwritable(f"The folder {str(folder)!r}", error.strerror or error) from error


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
