"""The spool: commands of this clone, for one place, that wait for the process that holds the lock.

    <time>-<uid>.json ──taken by the lock's holder──> <time>-<uid>.taken ──swap resolved──> gone, reply written
           └──withdrawn by its author (rename)──> gone

An entry that was taken stays on disk until its swap is resolved, so that a crash of the taker loses nothing: the
next holder of the lock takes it again, and the ledger knows whether it had been applied.

Rules:
  * An author holds the lock of its entry's file for as long as it waits (see `file_locks`); the lock goes with the file
    when that is renamed. An entry whose lock is free has no caller that waits for it, and is dropped.
  * One that does not say that it is held, of a version before this rule, is carried out until its deadline.
"""

import contextlib
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from gitcoord.core.documents.json_text import distinct
from gitcoord.errors import DocumentError, InvalidError, StorageError, unwritable
from gitcoord.ledger.clone import file_locks, files
from gitcoord.ledger.clone.host import Host
from gitcoord.ledger.format.entry import Entry, Reply

TAKEN_MAX = 64  # commands in one commit: its record stays readable, and a retry after a loss cheap


class Waiting(NamedTuple):
    """An entry in the spool, with the name of its file."""

    entry: Entry
    name: str


class Spool:
    """The folders `spool` and `replies` of a place to coordinate; see `remote_folder`."""

    def __init__(self, folder: Path, host: Host) -> None:
        """Use (and make) the folders.

        Raises:
            StorageError: the disk cannot be written.
        """
        self._waiting = f"{folder}/spool"
        self._replies = f"{folder}/replies"
        self._host = host
        self._held: dict[str, int] = {}
        for path in (self._waiting, self._replies):
            try:
                os.makedirs(path, exist_ok=True)
            except OSError as error:
                raise unwritable(f"The folder {path!r}", error) from error

    def put(self, entry: Entry) -> str:
        """Add an entry and wait for it; return its name."""
        name = f"{int(self._host.now().timestamp() * 1000):014d}-{entry.uid}.json"
        path = f"{self._waiting}/{name}"
        if file_locks.hold is None:
            files.write_bytes(path, distinct(entry.dump()), entry.uid)
        else:
            data = distinct(entry.evolve(held=True).dump())
            self._held[entry.uid] = files.write_held(path, data, entry.uid, file_locks.hold)
        return name

    def leave(self, uid: str) -> None:
        """Wait for an entry no longer."""
        if uid in self._held:
            files.close(self._held.pop(uid))

    def withdraw(self, name: str) -> bool:
        """Take an entry back; `False` if another process is carrying it out."""
        try:
            os.unlink(f"{self._waiting}/{name}")
        except FileNotFoundError:
            return False
        return True

    def is_empty(self) -> bool:
        """Whether no caller waits."""
        return not self._names()

    def take(self) -> list[Waiting]:
        """Take the oldest entries; those that no caller waits for any more are dropped."""
        now = self._host.now()
        taken: list[Waiting] = []
        for name in self._names()[:TAKEN_MAX]:
            entry = self._take(name)
            if entry is None:
                continue
            gone = entry.held and not file_locks.is_held(f"{self._waiting}/{_stem(name)}.taken")
            if gone or (entry.deadline is not None and entry.deadline < now):
                files.remove(f"{self._waiting}/{_stem(name)}.taken")
            else:
                taken.append(Waiting(entry, _stem(name)))
        return taken

    def deliver(self, waiting: Iterable[Waiting], replies: Mapping[str, Reply], own: str = "") -> None:
        """Write the replies, then forget the entries. `own`: of the caller, who needs no file for its reply."""
        for waiter in waiting:
            reply = replies.get(waiter.entry.uid)
            if reply is not None:
                with contextlib.suppress(StorageError):  # it stays, and is answered from the ledger another time
                    if waiter.entry.uid != own:
                        path = f"{self._replies}/{waiter.entry.uid}.json"
                        files.write_bytes(path, distinct(reply.dump()), waiter.entry.uid)
                    files.remove(f"{self._waiting}/{waiter.name}.taken")

    def reply(self, uid: str) -> Reply | None:
        """Return the reply to an entry once it is there, and forget it."""
        path = f"{self._replies}/{uid}.json"
        if not os.path.exists(path):
            return None
        data = files.read_json(path)
        files.remove(path)
        self.leave(uid)
        return Reply.parse(data)

    def _names(self) -> list[str]:
        return files.names_in(self._waiting, (".json", ".taken"))

    def _take(self, name: str) -> Entry | None:
        target = f"{self._waiting}/{_stem(name)}.taken"
        try:
            os.replace(f"{self._waiting}/{name}", target)
            return Entry.parse(files.read_json(target))
        except FileNotFoundError:
            return None  # its author withdrew it
        except DocumentError:
            files.remove(target)  # not ours, or cut off by a full disk: its author will time out and say so
            return None


def check_size(entry: Entry) -> None:
    """Refuse what the process that takes it could not read: an entry that disappears makes its author wait for nothing.

    Raises:
        InvalidError: it is too large.
    """
    size_bytes = len(distinct(entry.dump()))
    if size_bytes > files.FILE_BYTES_MAX:
        message = f"The command {entry.word} is too large: {size_bytes} bytes, of {files.FILE_BYTES_MAX} at most."
        raise InvalidError(message, hint="Shorten its texts, or give its steps in several commands.")


def _stem(name: str) -> str:
    return name.rpartition(".")[0]
