"""The record of what `init` found and wrote, by which `uninstall` restores the very bytes that were there.

It is one file in git's common folder, for all worktrees of the clone, readable by its owner only, because configuration
may hold secrets. For each path it keeps what was there before, under the checksum of what was left: in whatever
worktree or branch a file with that checksum is found, it is known what to restore. Without the record, or where a
file was changed since, only entries that can be recognised as ours are taken out.

SEC-2: of a setting with a password in it only the checksum is kept, by which it is known again; of one that was there
before it, nothing.
"""

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from gitcoord.errors import unwritable
from gitcoord.faces.cli.wiring.change import Change
from gitcoord.redaction import redact
from gitcoord.remote.contract import clone_folder
from gitcoord.source.checkout.checkout_file import replace_whole

FILE = Path("gitcoord") / "wiring.json"
STATES_MAX = 20  # of one path: branches and worktrees with different contents; the oldest goes
FORMAT = 1


@dataclass(frozen=True, slots=True)
class Before:
    """What was there: the text of a file, `None` if there was none, and the folders that were made for ours."""

    text: str | None
    folders: tuple[str, ...] = ()


@dataclass(slots=True)
class Record:
    """What is remembered of one clone. `settings`: name -> what git's configuration said before, and what we wrote."""

    path: Path
    files: dict[str, dict[str, Before]] = field(default_factory=dict["str", "dict[str, Before]"])
    settings: dict[str, tuple[str | None, str]] = field(default_factory=dict["str", "tuple[str | None, str]"])

    def before(self, path: str, present: bytes) -> Before | None:
        """Return the state of a file from before `init` left these bytes in it; `None`: unknown."""
        return self.files.get(path, {}).get(_checksum(present))

    def remember(self, change: Change, *, had_ours: bool) -> None:
        """Remember what a change that was written has replaced; with entries of ours in it already, that is unknown."""
        if change.after is None:
            return
        states = self.files.setdefault(change.path, {})
        if change.before is None:
            was: Before | None = Before(None, change.folders)
        else:
            was = states.get(_checksum(change.before))
            if was is None and not had_ours:
                was = Before(change.before.decode())
        if was is not None:
            states[_checksum(change.after)] = was
            for oldest in list(states)[:-STATES_MAX]:
                del states[oldest]

    def remember_setting(self, name: str, before: str | None, after: str) -> None:
        """Remember a setting; what it was before the first time counts."""
        first = self.settings.get(name)
        was = first[0] if first is not None and before is not None and kept(before) == first[1] else before
        self.settings[name] = _without_passwords(was, after)

    def save(self) -> None:
        """Write it, or remove the file if there is nothing in it.

        Raises:
            StorageError: the disk cannot be written.
        """
        try:
            self._write()
        except OSError as error:
            raise unwritable(f"The record {str(self.path)!r} of what `gitcoord init` wrote", error) from error

    def _write(self) -> None:
        if not self.files and not self.settings:
            if self.path.exists():  # else a disk that cannot be written says so although there is nothing to remove
                self.path.unlink(missing_ok=True)
            return
        files = {
            path: {sum_: {"before": before.text, "folders": list(before.folders)} for sum_, before in states.items()}
            for path, states in self.files.items()
        }
        data = {"format": FORMAT, "files": files, "settings": self.settings}
        clone_folder.make(self.path.parent)
        replace_whole(self.path, json.dumps(data, indent=1).encode(), 0o600)


def load_record(common_dir: Path) -> Record:
    """Return the record of a clone; one that cannot be read counts as none."""
    path = common_dir / FILE
    try:
        data = cast("dict[str, Any]", json.loads(path.read_bytes()))
        if data["format"] != FORMAT:
            return Record(path)
        files = {
            name: {sum_: Before(state["before"], tuple(state["folders"])) for sum_, state in states.items()}
            for name, states in data["files"].items()
        }
        settings = {name: _without_passwords(before, after) for name, (before, after) in data["settings"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return Record(path)
    return Record(path, files, settings)


def kept(value: str) -> str:
    """Return a value as the record keeps it: the checksum of one with a password in it."""
    return value if redact(value) == value else f"sha256:{_checksum(value.encode('utf-8', 'surrogateescape'))}"


def _without_passwords(before: str | None, after: str) -> tuple[str | None, str]:
    return None if before is None or kept(before) != before else before, kept(after)


def _checksum(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
