"""Strays: refs below the namespace that are no ledgers, noted in the clone so that each is read once.

    strays          the version of gitcoord, then "<tip> <ref> <why>" for each that was found

Rules:
  * SEC-4: anyone who may push can make thousands of refs. A tip is an id of its content, so what was found to be no
    ledger is none in the next command either; a ref that moves is looked at again.
  * Noted is only what says of itself that it is no ledger: no commit, or one without a `meta.json` that this version
    reads. What is damaged further down, what is missing and what this disk has spoilt is read each time.
  * A cache: it may be deleted, and one of another version counts for nothing.

What this file does not know: who reads ledgers, and what for.
"""

import contextlib
import os
from pathlib import Path

from gitcoord import __version__
from gitcoord.errors import CoordError, DocumentError, SchemaError
from gitcoord.ledger.format import commits, trees
from gitcoord.ledger.format.meta import META, Meta
from gitcoord.remote.contract.protocol import CorruptError, Objects, Oid, RefName

STRAYS = "strays"  # the file in the clone's folder
BYTES_MAX = 8 * 1024 * 1024  # some 50,000 lines, read in 30 ms; beyond that it begins anew
_HEAD = f"gitcoord {__version__}\n"


class Strays:
    """What one clone has found to be no ledgers. `name`: of the file; none where nothing is to be remembered."""

    def __init__(self, name: str | None = None, *, is_kept: bool = True) -> None:
        """Know nothing yet. `is_kept`: whether what is noted is written down; not by who only reads."""
        self._is_kept = is_kept and name is not None
        self._name = name
        self._known: dict[tuple[str, str], str] = {}
        self._noted: list[str] = []
        self._read = (0, 0)  # the file's inode and size
        self._goes_on = False  # whether the file is one to add to

    def load(self) -> None:
        """Read what this clone has noted, where that has changed."""
        if self._name is None:
            return
        try:
            status = os.stat(self._name)  # noqa: PTH116 - on the way of every command; see `files`
            if self._read == (status.st_ino, status.st_size):
                return
            with Path(self._name).open(encoding="utf-8", errors="replace") as file:
                text = file.read(BYTES_MAX)
        except OSError:
            return
        self._read = (status.st_ino, status.st_size)
        self._goes_on = text.startswith(_HEAD) and status.st_size < BYTES_MAX
        if text.startswith(_HEAD):
            rows = (line.split(" ", 2) for line in text[len(_HEAD) :].split("\n"))
            self._known |= {(row[0], row[1]): row[2] for row in rows if len(row) == len(("tip", "ref", "why"))}

    def why(self, ref: RefName, tip: Oid | None) -> str | None:
        """Return why the tip of a ref is no ledger, as a sentence; "": that was not asked; `None`: it may be one."""
        return self._known.get((tip or "", ref))

    def error(self, ref: RefName, tip: Oid) -> DocumentError | None:
        """Return the error of a ref that is known to be no ledger."""
        why = self.why(ref, tip)
        return DocumentError(why, where=ref, hint=repair_hint(ref)) if why else None

    def note(self, objects: Objects, error: DocumentError, ref: RefName, tip: Oid) -> DocumentError:
        """Return the error of a ledger that cannot be read, with its name; take note of what is none."""
        if isinstance(error, SchemaError):
            return error
        text = str(error) if error.where == ref else f"{ref} at {tip[:12]} is damaged: {error}"
        self.pass_over(objects, ref, tip, text)
        return DocumentError(text, where=ref, hint=repair_hint(ref))

    def pass_over(self, objects: Objects, ref: RefName, tip: Oid, why: str = "") -> None:
        """Take note of a ref that cannot be read, if it is no ledger."""
        if _is_stray(objects, tip):
            line = " ".join(why.split())
            self._known[tip, ref] = line
            self._noted.append(f"{tip} {ref} {line}\n")

    def keep(self) -> None:
        """Write down what was noted, for later commands."""
        noted, self._noted = self._noted, []
        if not noted or not self._is_kept or self._name is None:
            return
        with contextlib.suppress(OSError):  # then each command reads them
            how = os.O_APPEND if self._goes_on else os.O_TRUNC
            handle = os.open(self._name, os.O_WRONLY | os.O_CREAT | how, 0o666)
            try:
                os.write(handle, "".join([*([] if self._goes_on else [_HEAD]), *noted]).encode("utf-8", "replace"))
            finally:
                os.close(handle)


def repair_hint(ref: str) -> str:
    """Return what to do about a ledger that cannot be read."""
    return f"Other ledgers go on. Run `gitcoord doctor --repair`: it puts {ref} back to its last commit that is whole."


def _is_stray(objects: Objects, tip: Oid) -> bool:
    """Whether nothing at a tip says that it is a ledger's."""
    try:
        meta = trees.find(objects, commits.read(objects, tip).tree, META)
        if meta is not None:
            Meta.decode(objects.read(meta)[1])
    except CoordError as error:
        return isinstance(error, DocumentError) and not isinstance(error, CorruptError)
    return meta is None
