"""A file that is ours as a whole, such as a workflow of CI.

Its last line carries a checksum of the lines before it, so that any clone recognizes an unchanged one, which is
renewed and taken back, from one that people made theirs, which is kept.
"""

import hashlib
import re
from dataclasses import dataclass

from gitcoord.faces.cli.wiring.change import Edited, NotOursError

_MARK = re.compile(r"\n(?:#|//) gitcoord:file ([0-9a-f]{16})[^\n]*")


@dataclass(frozen=True, slots=True)
class WholeFile:
    """A file of ours. `comment` begins a comment there; one that `belongs_to_people` is never renewed."""

    path: str
    body: str
    comment: str = "#"
    belongs_to_people: bool = False

    def put(self, text: str | None) -> Edited:
        """Make the file, or renew it while it is unchanged."""
        if text is None:
            return Edited(self._signed())
        if text == self._signed() or self.belongs_to_people:
            return Edited(text)
        if is_unchanged(text):
            return Edited(self._signed())
        if _MARK.search(_unix(text)):
            return Edited(text, "it was changed since init wrote it; yours is kept")
        raise NotOursError("a file of this name is there that gitcoord did not write; move it, then run this again")

    def take(self, text: str) -> Edited:
        """Remove the file, if it is unchanged."""
        if is_unchanged(text):
            return Edited(None)
        is_theirs = self.belongs_to_people or not _MARK.search(_unix(text))
        return Edited(text, "" if is_theirs else "it was changed since init wrote it; yours is kept")

    def _signed(self) -> str:
        body = self.body.rstrip("\n")
        renewed = "uninstall removes" if self.belongs_to_people else "upgrade renews"
        note = f"{renewed} this file unless it was edited"
        return f"{body}\n{self.comment} gitcoord:file {_checksum(body)}  ({note})\n"


def is_unchanged(text: str) -> bool:
    """Whether a file is as gitcoord, of any version, wrote it."""
    lines = _unix(text)
    found = _MARK.search(lines)
    is_last = found is not None and found.end() in (len(lines), len(lines) - 1)
    return found is not None and is_last and found[1] == _checksum(lines[: found.start()])


def _unix(text: str) -> str:
    return text.replace("\r\n", "\n")  # git may have checked it out with other line ends


def _checksum(body: str) -> str:
    return hashlib.sha256(body.encode()).hexdigest()[:16]
