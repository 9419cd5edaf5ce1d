"""Changes: one file as it is and as it shall be.

Rules:
  * A symbolic link is never written through, neither the file nor a folder on the way to it.
  * A file is replaced whole, by a rename, with the permissions that it had.
  * A file that changed since it was read is left alone.
"""

import difflib
import os
import stat
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

BYTES_MAX = 4 * 1024 * 1024  # of a file that people write by hand


class Action(StrEnum):
    """What becomes of a file."""

    CREATED = "created"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    SKIPPED = "skipped"


class NotOursError(Exception):
    """A file is left untouched; the sentence says why."""


@dataclass(frozen=True, slots=True)
class Change:
    """One file. `path` is relative to the worktree; `before` is `None` where there is no file."""

    path: str
    action: Action
    before: str | None = None
    after: str = ""
    why: str = ""

    @property
    def is_needed(self) -> bool:
        """Whether writing is needed."""
        return self.action in (Action.CREATED, Action.CHANGED)


def plan(top: Path, path: str, edit: Callable[[str | None], str]) -> Change:
    """Return the change that `edit` makes to a file; `edit` raises `NotOursError` to leave it alone."""
    before: str | None = None
    try:
        _check_links(top, path)
        before = _read(top / path)
        after = edit(before)
    except NotOursError as refusal:
        return Change(path, Action.SKIPPED, before, before or "", str(refusal))
    if before is None:
        return Change(path, Action.CREATED, None, after)
    return Change(path, Action.UNCHANGED if after == before else Action.CHANGED, before, after)


def diff(change: Change) -> str:
    """Return a change as a unified diff, empty where there is none."""
    if not change.is_needed:
        return ""
    old = "/dev/null" if change.before is None else f"a/{change.path}"
    lines = difflib.unified_diff(
        (change.before or "").splitlines(), change.after.splitlines(), old, f"b/{change.path}", lineterm=""
    )
    return "".join(f"{line}\n" for line in lines)


def write(top: Path, change: Change) -> Change:
    """Write a change; return what became of it."""
    if not change.is_needed:
        return change
    target = top / change.path
    try:
        _check_links(top, change.path)
        _check_unchanged(target, change)
        target.parent.mkdir(parents=True, exist_ok=True)
        _replace(target, change.after)
    except NotOursError as refusal:
        return replace(change, action=Action.SKIPPED, why=str(refusal))
    except OSError as error:
        return replace(change, action=Action.SKIPPED, why=f"it cannot be written: {error.strerror}")
    return change


def _check_links(top: Path, path: str) -> None:
    at = top
    for part in Path(path).parts:
        at /= part
        if at.is_symlink():
            raise NotOursError(f"{at.relative_to(top)} is a symbolic link, which is not written through")


def _check_unchanged(target: Path, change: Change) -> None:
    if _read(target) != change.before:
        raise NotOursError("it changed while this command ran; run it again")


def _read(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            data = file.read(BYTES_MAX + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise NotOursError(f"it cannot be read: {error.strerror}") from None
    if len(data) > BYTES_MAX:
        raise NotOursError("it is larger than 4 MB")
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise NotOursError("it is not UTF-8") from None


def _replace(target: Path, text: str) -> None:
    mode = stat.S_IMODE(target.stat().st_mode) if target.exists() else 0o666 & ~_umask()
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(text.encode())
        Path(name).chmod(mode)
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _umask() -> int:
    mask = os.umask(0o022)  # there is no way to ask without setting it
    os.umask(mask)
    return mask
