"""The store of a clone as the remote itself: one clone, any number of worktrees and agents, no set-up at all.

    the journal is the truth    a swap is one durable record; the repository follows within a second (`journaled_refs`)
    loose refs                  where file locks do not hold between processes, and while a session of an older version
                                lives: what `local` does, beside a journal that survives a power cut (`journal`)

Rules:
  * STORE-1: what was acknowledged survives a power cut, a kill and a full disk.
  * Each write is noted in `home-tips`, from which a damaged ref can be repaired.
  * Which of the two a store is stands in its description, looked at before each read and swap: it may change.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from gitcoord.errors import (
    DocumentError,
    MissingObjectError,
    SchemaError,
    StorageError,
    StoreDamagedError,
    disk_hint,
    unwritable,
)
from gitcoord.remote.contract.clocks import Clocks
from gitcoord.remote.contract.protocol import Oid, RefFault, RefName, RefUpdate, SwapOutcome, SwapStatus
from gitcoord.remote.journal.loose_journal import Journal, JournalRecord, RecordLeftError, last_tips
from gitcoord.remote.store.home_objects import HomeObjects
from gitcoord.remote.store.home_tips import record_home_tips
from gitcoord.remote.store.journaled_refs import JournaledRefs
from gitcoord.remote.store.pygit_objects import PygitObjects
from gitcoord.remote.store.ref_locks import PACKED_LOCK, RefLock
from gitcoord.remote.store.store import Description, Store
from gitcoord.remote.store.store_locks import locks_error, locks_hold
from gitcoord.remote.transports.local import LocalTransport

Later = Callable[[Path], None]


class HomeTransport(LocalTransport):
    """Refs and objects of the clone's own store, which are the truth. Swap only under the clone's lock."""

    def __init__(self, store: Store, *, clocks: Clocks, is_place: bool = False, later: Later | None = None) -> None:
        """Drive an embedded store; if it `is_place` to coordinate, only for as long as it is.

        `later`: sees to it that what a swap left in the journal is in the repository soon.
        """
        self._noted = HomeObjects(store.path)
        super().__init__(store.path, clocks=clocks, own_store=True, objects=self._noted)
        self._home = store
        self._is_place = is_place
        self._journal = Journal(store.folder)
        self._journaled = JournaledRefs(store, self._noted, clocks)
        self._later = later
        self._description = Description(store)
        self._is_journaled()

    @property
    def faults(self) -> Sequence[RefFault]:
        """What the last read skipped: symbolic refs and damaged files."""
        return self._journaled.faults if self._is_journaled() else super().faults

    def read(self, prefixes: Sequence[str]) -> Mapping[RefName, Oid]:
        """List the refs under `prefixes`; see `LocalTransport.read`."""
        if not self._is_journaled() or not os.path.isdir(f"{self._home.path}/refs"):  # noqa: PTH112 - before each claim
            return super().read(prefixes)
        try:
            return self._journaled.read(prefixes)
        except OSError as error:
            message = f"The journal in {str(self._home.folder)!r} cannot be read: {error.strerror or error}."
            raise StorageError(message, hint=disk_hint(error.errno)) from error

    def swap(self, updates: Sequence[RefUpdate]) -> SwapOutcome:
        """Compare all, then write all; note what was written."""
        try:
            is_journaled = self._is_journaled()
            remote = self._description.now().remote if self._is_place else ""
        except (StoreDamagedError, SchemaError) as error:
            return SwapOutcome(SwapStatus.UNREACHABLE, str(error), error)
        if remote:
            moved = f"what was coordinated in this clone is at {remote} now"
            return SwapOutcome(SwapStatus.UNREACHABLE, moved)
        if is_journaled and not locks_hold(self._home.folder):
            error = locks_error(self._home.folder)
            return SwapOutcome(SwapStatus.UNREACHABLE, str(error).rstrip("."), error)
        if is_journaled and os.path.isdir(f"{self._home.path}/refs"):  # noqa: PTH112 - at each claim
            outcome = self._journaled.swap(updates)
            if self._later is not None and outcome.status is SwapStatus.WON:
                self._later(self._home.folder)
            return outcome
        outcome = super().swap(updates)
        if outcome.status is SwapStatus.WON:
            with suppress(OSError):  # it has landed; what is noted for repair must not make it look otherwise
                record_home_tips(self._home.folder, updates)
        return outcome

    def write_out(self) -> bool:
        """Bring the repository up to the journal, for readers that know only that; tell whether it is."""
        return not self._is_journaled() or self._journaled.write_out()

    def _is_journaled(self) -> bool:
        """Whether the journal is the truth, as the description says now."""
        is_journaled = self._description.is_journaled()
        self._noted.unwritten = self._journaled.unwritten if is_journaled else None
        return is_journaled

    def _write(self, updates: Sequence[RefUpdate], locks: Mapping[str, RefLock]) -> SwapOutcome:
        try:
            return self._write_noted(updates, locks)
        except RecordLeftError as error:  # no ref moved, but a replay after a power cut may move it
            return SwapOutcome(SwapStatus.UNKNOWN, f"the journal in {str(self._home.folder)!r} cannot be cut: {error}")

    def _write_noted(self, updates: Sequence[RefUpdate], locks: Mapping[str, RefLock]) -> SwapOutcome:
        try:
            size_bytes = self._journal.append(JournalRecord(tuple(updates), self._noted.noted))
        except OSError as error:
            cause = unwritable(f"The journal in {str(self._home.folder)!r}", error)
            return SwapOutcome(SwapStatus.UNREACHABLE, str(cause), cause)
        outcome = super()._write(updates, locks)
        if outcome.status is SwapStatus.UNREACHABLE:
            self._journal.cut(size_bytes)  # no ref moved, and a replay must not move it
        else:
            self._noted.forget_noted()
        return outcome

    def is_whole(self, boot: str) -> bool:
        """Whether nothing can have been lost since the store was last used: the machine runs since then.

        A machine that has no id of its boot is asked for nothing: every ref must be readable, and where the journal
        put it last; one that a power cut took back to an older tip is readable, too.
        """
        if self._is_journaled():
            return bool(boot) and self._journaled.boot() == boot
        if boot:
            return self._journal.last_boot() == boot
        now = self.read(["refs/"])
        if any(now.get(ref) != tip for ref, tip in self._journal.last_tips().items()):
            return False
        return all(self._is_readable(tip) for tip in now.values())

    def replay(self, boot: str) -> int:
        """Put the store where the journal says, after a power cut; return how many refs were moved.

        The caller holds the clone's lock.
        """
        # Remove what a swap that the power cut stopped had locked; we hold the clone's lock, so no process
        # swaps.
        for lock in (*(self._home.path / "refs").rglob("*.lock"), self._home.path / PACKED_LOCK):
            lock.unlink(missing_ok=True)
        if self._is_journaled():
            return self._journaled.replay(boot)
        records = list(self._journal.records())
        for record in records:
            for kind, data in record.objects:
                if not self._is_readable(PygitObjects.write(self._noted, kind, data)):
                    self._noted.write_again(kind, data)
        moved = 0
        now = self.read(["refs/"])
        for ref, tip in last_tips(records).items():
            if now.get(ref) != tip and (tip is None or self._is_readable(tip)):
                moved += self._put(ref, tip)
        self._journal.note_boot(boot)
        return moved

    def put_back(self, ref: RefName, tip: Oid) -> None:
        """Put a damaged ref where it was once, whatever it says now. The caller holds the clone's lock.

        Raises:
            StorageError: the disk cannot be written.
        """
        update = RefUpdate(ref, None, tip)
        try:
            if self._is_journaled():
                self._journaled.put(ref, tip)
                return
            self._journal.append(JournalRecord((update,), ()))  # else a replay would undo it
            self._put(ref, tip)
            record_home_tips(self._home.folder, [update])
        except (OSError, RecordLeftError) as error:
            raise unwritable(f"The store {str(self._home.folder)!r}", error) from error

    def _put(self, ref: RefName, tip: Oid | None) -> bool:
        path = self._home.path / ref
        if tip is None:
            self._noted.delete_ref(ref)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{tip}\n", "ascii")
        return True

    def _is_readable(self, tip: Oid) -> bool:
        try:
            PygitObjects.read(self._noted, tip)
        except (DocumentError, MissingObjectError):
            return False
        return True
