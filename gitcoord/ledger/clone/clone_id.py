"""The id of this clone: drawn once, bound to the folder that it was drawn in.

    clone.json      id · places: where that folder has been seen (path, machine, boot, device, inode) · others (below)
    earlier.json    id: the one that is written down in clone.json · earlier (below)

Two holders with one id would take each other's steps for their own; so a copy of the folder draws a new one. One
folder that is seen by another path or from another machine must not: its sessions live. What tells them apart:

  * The folder's inode. A repository that was moved, or that a container sees through a bind mount, has the same one,
    on the same device. A copy has another; one with the same number is on another device (a snapshot, a copied disk).
  * From another machine (by its id) only the same boot is the same folder: a container, which shares the kernel. A
    disk that was copied to another machine has the same numbers there.
  * A session's lock that is held in the folder: a copy's locks are free. So a process that looks by a path of other
    numbers (a mount that has its own) while a session lives is of this clone.

A reboot does not change the id; a copy of a running machine is found out when the heartbeat's ref is moved by someone
else (`heartbeat`), and the one that finds out draws a new id while it runs.

What was held under the old id stays with it, because no one can tell which of the two copies is the one that was
given it: a holder is (agent, clone). If the other copy runs those sessions, its heartbeat lists them, and they are
its steps. If it does not, the old id's heartbeat does not list them and they become stale within the usual limits
(four times those where no beat can be read); then any agent takes them over, or their old holder takes them back by
`claim_step` with the step's id. A session that goes on under the new id may end its steps all the same. Fences see to
it that at most one of the two hands a step in.

`earlier`: ids that this clone gave up because a stranger beat under them. What a session of this folder took under one
of them stays its own (SAFE-10), because the session's id is known here: its claims follow to the present id with its
next command. Sessions of the copy have other ids; one that was copied while it ran loses its claims by that.

`others`: ids that processes drew in this folder after it was deleted, before a session that had lived in it made
it again under its own. What they hold is this clone's.
"""

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from gitcoord.core.documents.json_text import Json
from gitcoord.errors import ContendedError, CoordError, unwritable
from gitcoord.ledger.clone import files
from gitcoord.ledger.clone.sessions import Sessions
from gitcoord.remote.contract import clone_folder

ID_CHARS = 10  # 50 bits: a million clones of one remote collide with a chance of 1 in 2000
PLACES_MAX = 8  # paths and machines by which one folder is reached in turn
OTHERS_MAX = 8
EARLIER = "earlier.json"

Place = dict[str, Json]


def load_or_draw(folder: Path, machine: str, draw_id: Callable[[], str], unique: str, *, boot: str = "") -> str:
    """Return the id of the clone whose folder for coordination this is.

    Args:
        folder: where it is.
        machine: the id of this machine; a container may have one of its own.
        draw_id: draws an id.
        unique: keeps the drafts of two writers apart.
        boot: the id of this boot, the same in all containers; none where the system does not say.

    Raises:
        ContendedError: another process has been drawing one for long.
        StorageError: the disk cannot be written.
    """
    here = _here(folder, machine, boot)
    known = files.read_json(folder / "clone.json")
    found = _id_in(known)
    if found and here in _places(known):
        return found
    from filelock import Timeout

    if found and _is_same(folder, known, here):
        with suppress(CoordError, Timeout):  # a disk that cannot be written: it is found again the same way
            _note(folder, found, here, unique)
        return found
    try:
        with _drawing(folder, timeout_s=10):
            here, known = _here(folder, machine, boot), files.read_json(folder / "clone.json")
            found = _id_in(known)
            if found and _is_same(folder, known, here):
                return found
            return _write(folder, {"id": draw_id()[:ID_CHARS], "places": [here]}, unique)
    except Timeout:
        message = "Another process is choosing the id of this clone; nothing was changed."
        raise ContendedError(message, hint="Try again; or look for a process that hangs.") from None


def current(folder: Path) -> str | None:
    """Return the id that is written down, whatever this process goes by."""
    return _id_in(files.read_json(folder / "clone.json"))


def others(folder: Path) -> tuple[str, ...]:
    """Return the further ids of this clone."""
    return _texts(files.read_json(folder / "clone.json").get("others"))


def earlier(folder: Path) -> tuple[str, ...]:
    """Return the ids that this clone gave up, the last one last; none in a copy, which has drawn an id of its own."""
    known = files.read_json(folder / EARLIER)
    return _texts(known.get("earlier")) if known.get("id") == current(folder) else ()


def redraw(folder: Path, old: str, draw_id: Callable[[], str], unique: str) -> str:
    """Return the id to use instead of `old`: what another process drew meanwhile, or else a new one.

    Raises:
        Timeout: another process is drawing one.
        StorageError: the disk cannot be written.
    """
    with _drawing(folder, timeout_s=1):
        known = files.read_json(folder / "clone.json")
        if known.get("id") not in (None, old):
            return str(known["id"])
        drawn = draw_id()[:ID_CHARS]
        _write_earlier(folder, drawn, (*earlier(folder), old), unique)
        return _write(folder, {**known, "id": drawn}, unique)


def restore(
    folder: Path, machine: str, ids: tuple[str, ...], unique: str, *, boot: str = "", given_up: tuple[str, ...] = ()
) -> None:
    """Make the folder that of this clone again, after it was deleted; what was drawn meanwhile is ours, too.

    `ids`: the clone's id, and the others that it has. `given_up`: those that it had before.

    Raises:
        ContendedError: another process is drawing an id.
        StorageError: the disk cannot be written.
    """
    from filelock import Timeout

    own, *more = ids
    try:
        with _drawing(folder, timeout_s=10):
            drawn = current(folder)
            more = [
                clone_id for clone_id in dict.fromkeys([*more, *others(folder), drawn]) if clone_id not in (None, own)
            ]
            places: list[Json] = [_here(folder, machine, boot)]
            _write_earlier(folder, own, given_up, unique)
            _write(folder, {"id": own, "places": places, "others": [*more[-OTHERS_MAX:]]}, unique)
    except Timeout:
        message = "Another process is choosing the id of this clone; nothing was changed."
        raise ContendedError(message, hint="Try again; or look for a process that hangs.") from None


@contextmanager
def _drawing(folder: Path, timeout_s: float) -> Generator[None]:
    """Let one process at a time draw an id."""
    from filelock import FileLock, Timeout

    try:
        clone_folder.make(folder)
        with FileLock(folder / "clone.lock", timeout=timeout_s):
            yield
    except Timeout:  # an OSError, too
        raise
    except OSError as error:
        raise unwritable(f"The folder {str(folder)!r}", error.strerror or error) from error


def _note(folder: Path, found: str, here: Place, unique: str) -> None:
    """Write down by which path and from which machine and boot the folder was seen."""
    with _drawing(folder, timeout_s=1):
        known = files.read_json(folder / "clone.json")
        if _id_in(known) == found:
            rest = [
                place
                for place in _places(known)
                if (place.get("path"), place.get("machine")) != (here["path"], here["machine"])
            ]
            others_in = {"others": known["others"]} if "others" in known else {}
            _write(folder, {"id": found, "places": [*rest[1 - PLACES_MAX :], here], **others_in}, unique)


def _write(folder: Path, value: dict[str, Json], unique: str) -> str:
    files.write_json(folder / "clone.json", value, unique)
    return str(value["id"])


def _write_earlier(folder: Path, drawn: str, ids: tuple[str, ...], unique: str) -> None:
    if ids:
        files.write_json(folder / EARLIER, {"id": drawn, "earlier": [*ids[-OTHERS_MAX:]]}, unique)


def _texts(listed: Json) -> tuple[str, ...]:
    return tuple(clone_id for clone_id in listed if isinstance(clone_id, str)) if isinstance(listed, list) else ()


def _id_in(known: Mapping[str, Json]) -> str | None:
    drawn = known.get("id")
    return drawn if isinstance(drawn, str) and drawn else None


def _is_same(folder: Path, known: Mapping[str, Json], here: Place) -> bool:
    return any(_is_place(place, here) for place in _places(known)) or Sessions(folder, "").has_live()


def _is_place(place: Place, here: Place) -> bool:
    if place.get("inode") != here["inode"]:
        return False
    same_device = place.get("device") == here["device"]
    if place.get("machine") == here["machine"]:
        return same_device or place.get("path") == here["path"]  # a device may be numbered anew at boot
    return same_device and place.get("boot") == here["boot"] != ""


def _places(known: Mapping[str, Json]) -> list[Place]:
    listed = known.get("places")
    return [row for row in listed if isinstance(row, dict)] if isinstance(listed, list) else []


def _here(folder: Path, machine: str, boot: str) -> Place:
    try:
        status = folder.stat()
    except OSError:
        return {"path": str(folder), "machine": machine, "boot": boot, "device": 0, "inode": 0}
    return {
        "path": str(folder),
        "machine": machine,
        "boot": boot,
        "device": status.st_dev,
        "inode": status.st_ino,
    }
