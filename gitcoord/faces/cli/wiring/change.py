"""Changes: one file as it is and as it shall be.

Rules:
  * A file is read and replaced as `source/checkout/checkout_file` says; one that is read-only is left alone.
  * A file that changed since it was read is left alone.
  * What is left alone is named, with the reason; the other files go on.
"""

import difflib
import stat
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from gitcoord.source.checkout.checkout_file import NotOursError, read, replace_whole, umask


class Action(StrEnum):
    """What becomes of a file."""

    CREATED = "created"
    CHANGED = "changed"
    REMOVED = "removed"
    UNCHANGED = "unchanged"
    KEPT = "kept"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Edited:
    """A text after an edit; `None`: nothing is left of the file. `kept` names what people changed of ours."""

    text: str | None
    kept: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """One file below `top`; `before` is `None` where there is no file, `after` where there shall be none.

    Attributes:
        label: how the file is called towards people; "" where that is its path.
        is_program: it can be run (a new file only).
        puts_aside: the name beside it that the file of others, which is there, gets before ours is written.
        brings_back: the name beside it of the file that gets this name after ours is gone.
        folders: the folders that were made for it.
    """

    top: Path
    path: str
    action: Action
    before: bytes | None = None
    after: bytes | None = None
    why: str = ""
    label: str = ""
    is_program: bool = False
    puts_aside: str = ""
    brings_back: str = ""
    folders: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What it is called towards people."""
        return self.label or self.path

    @property
    def is_needed(self) -> bool:
        """Whether writing is needed."""
        return self.action in (Action.CREATED, Action.CHANGED, Action.REMOVED)


def plan(top: Path, path: str, edit: Callable[[str | None], Edited]) -> Change:
    """Return the change that `edit` makes to a file; `edit` raises `NotOursError` to leave it alone."""
    before: bytes | None = None
    try:
        before = read(top, path)
        edited = edit(None if before is None else _text(before))
    except NotOursError as refusal:
        return Change(top, path, Action.SKIPPED, before, before, str(refusal))
    after = None if edited.text is None else edited.text.encode()
    return change_to(top, path, before, after, kept=edited.kept)


def change_to(top: Path, path: str, before: bytes | None, after: bytes | None, *, kept: str = "") -> Change:
    """Return the change of a file from what was read to what shall be."""
    if after == before:
        return Change(top, path, Action.KEPT if kept else Action.UNCHANGED, before, after, kept)
    action = Action.CREATED if before is None else Action.REMOVED if after is None else Action.CHANGED
    return Change(top, path, action, before, after, kept)


def diff(change: Change) -> str:
    """Return a change as a unified diff, empty where there is none."""
    if not change.is_needed:
        return ""
    old = "/dev/null" if change.before is None else f"a/{change.name}"
    new = "/dev/null" if change.after is None else f"b/{change.name}"
    was, shall = ((data or b"").decode("utf-8", "replace").splitlines() for data in (change.before, change.after))
    return "".join(f"{line}\n" for line in difflib.unified_diff(was, shall, old, new, lineterm=""))


def write(change: Change) -> Change:
    """Write a change; return what became of it."""
    if not change.is_needed:
        return change
    target = change.top / change.path
    try:
        if read(change.top, change.path) != change.before:
            return replace(change, action=Action.SKIPPED, why="it changed while this command ran; run it again")
        folder = target.parent
        missing: list[Path] = []
        while folder != change.top and not folder.exists():
            missing.append(folder)
            folder = folder.parent
        for parent in reversed(missing):
            parent.mkdir()
        folders = tuple(str(parent.relative_to(change.top)) for parent in reversed(missing))
        if target.exists() and not target.stat().st_mode & stat.S_IWUSR:
            why = "it is read-only; allow writing (chmod u+w), then run this again"
            return replace(change, action=Action.SKIPPED, why=why)
        _carry_out(target, change)
    except NotOursError as refusal:
        return replace(change, action=Action.SKIPPED, why=str(refusal))
    except OSError as error:
        return replace(change, action=Action.SKIPPED, why=f"it cannot be written: {error.strerror}")
    return replace(change, folders=folders)


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise NotOursError(f"it is not UTF-8 (line {line})") from None


def _carry_out(target: Path, change: Change) -> None:
    if change.after is None:
        target.unlink()
        if change.brings_back:
            (target.parent / change.brings_back).rename(target)
        return
    mode = stat.S_IMODE(target.stat().st_mode) if target.exists() else 0o666 & ~umask()
    if change.is_program:
        mode |= 0o111 & ~umask()
    if change.puts_aside:
        target.rename(target.parent / change.puts_aside)
    replace_whole(target, change.after, mode)
