"""What this clone knows of a remote over http or ssh: kept in its folder, so that a write over http asks nothing first.

    http.json     by URL without credentials: when it was asked, where it is, what it offers, why git is asked instead
    ssh.json      the same, for remotes over ssh

Rules:
  * It is believed for a day, and until when the server is left alone also beyond; who is surprised asks again. It
    decides how a request looks and whether git makes it, whether several refs go in one, and what a yes proves; never
    what became of a write.
  * A damaged or absent file is an empty one. It has no secrets.

What this file does not know: what the server's words mean.
"""

import json
import os
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final, cast

BELIEVED_S: Final = 24 * 3600
_FILE_BYTES_MAX: Final = 256 * 1024
_SERVERS_MAX: Final = 20  # of one clone: each remote that was ever named


@dataclass(frozen=True, slots=True)
class KnownServer:
    """One remote.

    Attributes:
        at: when it was asked, in seconds since the epoch.
        url: where it answers, after redirects, without credentials; nothing as long as that is not known.
        receiving, uploading: its capabilities; empty as long as they are not known.
        compares: it was seen to refuse a push whose ref was not where it was expected.
        takes_wrong: it was seen to take such a push.
        says_wrong: it said yes to such a push, and did not take it.
        takes_one: it took several refs at once by halves.
        wants_sign_in: a question without credentials was refused.
        by_git: why git is asked instead; nothing where it is not.
        git: the version of the git program, which questions name.
        quiet_until: until when it asked to be left alone, in seconds since the epoch.
    """

    at: int = 0
    url: str = ""
    receiving: Mapping[str, str] = field(default_factory=dict[str, str])
    uploading: Mapping[str, str] = field(default_factory=dict[str, str])
    compares: bool = False
    takes_wrong: bool = False
    says_wrong: bool = False
    takes_one: bool = False
    wants_sign_in: bool = False
    by_git: str = ""
    git: str = ""
    quiet_until: int = 0

    @classmethod
    def of(cls, row: object) -> "KnownServer":
        """Return what a row of the file says; nothing where it is none of this version."""
        try:
            known = cls(**cast("dict[str, Any]", row)) if isinstance(row, dict) else cls()
        except TypeError:  # a field that another version has
            return cls()
        is_well = all(isinstance(value, type(getattr(cls(), name))) for name, value in asdict(known).items())
        return known if is_well else cls()


class KnownServers:
    """The file."""

    def __init__(self, folder: Path, shown: str, name: str = "http.json") -> None:
        """Keep what is known of one remote; `shown`: its URL without credentials, `name`: of the file."""
        self._path = folder / name
        self._shown = shown
        self._read = KnownServer()
        self._stamp: tuple[int, int, int] | None = None

    def load(self, now_s: int) -> KnownServer:
        """Return what is known and not too old. Before each question: so the file is read when it has changed."""
        try:
            status = self._path.stat()
            stamp = (status.st_mtime_ns, status.st_ino, status.st_size)
        except OSError:
            stamp = None
        if stamp is None or stamp != self._stamp:
            self._read, self._stamp = KnownServer.of(self._rows().get(self._shown)), stamp
        is_believed = 0 <= now_s - self._read.at < BELIEVED_S
        return self._read if is_believed else KnownServer(quiet_until=self._read.quiet_until)

    def change(self, now_s: int, known: KnownServer, **changes: Any) -> KnownServer:  # noqa: ANN401 - of its fields
        """Keep what is known, by other processes first, with these changes; return that."""
        kept = self.load(now_s)
        known = kept if kept.at else known
        changed = replace(known, at=known.at or now_s, **changes)
        if changed == known:
            return changed
        others = [(shown, row) for shown, row in self._rows().items() if shown != self._shown]
        with suppress(OSError):  # on a disk that cannot be written; it is asked again
            handle, draft = tempfile.mkstemp(prefix=f".{self._path.name}.", dir=self._path.parent)
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump({**dict(others[-_SERVERS_MAX + 1 :]), self._shown: asdict(changed)}, file, indent=1)
            Path(draft).replace(self._path)
        return changed

    def _rows(self) -> dict[str, object]:
        try:
            with self._path.open("rb") as file:
                parsed: object = json.loads(file.read(_FILE_BYTES_MAX))
        except (OSError, ValueError):
            return {}
        return cast("dict[str, object]", parsed) if isinstance(parsed, dict) else {}
