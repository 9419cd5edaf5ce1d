"""The store of a clone as the remote itself: one clone, any number of worktrees and agents, no set-up at all.

Beside what `local` does, each write survives a power cut (`journal`) and is noted in `home-tips`, from which a
damaged ref can be repaired.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from gitcoord.errors import DocumentError, MissingObjectError, StoreDamagedError, unwritable
from gitcoord.remote.contract.clocks import Clocks
from gitcoord.remote.contract.protocol import ObjectKind, Oid, RefName, RefUpdate, SwapOutcome, SwapStatus
from gitcoord.remote.store.journal import Journal, JournalRecord, RecordLeftError, last_tips
from gitcoord.remote.store.pygit_objects import PygitObjects, open_repository
from gitcoord.remote.store.ref_locks import PACKED_LOCK, RefLock
from gitcoord.remote.store.store import Store, moved_to, record_home_tips
from gitcoord.remote.transports.local import LocalTransport


class NotedObjects(PygitObjects):
    """Objects that remember what was written since the last swap that was won: a retry may use them again."""

    def __init__(self, path: Path) -> None:
        """Remember nothing yet."""
        super().__init__(path)
        self.path = path
        self._noted: list[tuple[ObjectKind, bytes]] = []

    def write(self, kind: ObjectKind, data: bytes) -> Oid:
        """Store an object and note it for the journal."""
        self._noted.append((kind, data))
        return super().write(kind, data)

    def delete_ref(self, ref: str) -> None:
        """Remove a ref, loose or packed, if it is there."""
        repository = open_repository(self.path)
        if ref in repository.references:
            repository.references.delete(ref)

    @property
    def noted(self) -> tuple[tuple[ObjectKind, bytes], ...]:
        """The noted objects that were not taken yet."""
        return tuple(self._noted)

    def take_noted(self) -> tuple[tuple[ObjectKind, bytes], ...]:
        """Return the noted objects, and forget them."""
        noted, self._noted = self._noted, []
        return tuple(noted)


class HomeTransport(LocalTransport):
    """Refs and objects of the clone's own store, which are the truth. Swap only under the clone's lock."""

    def __init__(self, store: Store, *, clocks: Clocks, is_place: bool = False) -> None:
        """Drive an embedded store; if it `is_place` to coordinate, only for as long as it is."""
        self._noted = NotedObjects(store.path)
        super().__init__(store.path, clocks=clocks, own_store=True, objects=self._noted)
        self._home = store
        self._is_place = is_place
        self._journal = Journal(store.folder)

    def swap(self, updates: Sequence[RefUpdate]) -> SwapOutcome:
        """Compare all, then write all; note what was written."""
        if self._is_place:
            try:
                remote = moved_to(self._home)
            except StoreDamagedError as error:
                return SwapOutcome(SwapStatus.UNREACHABLE, str(error))
            if remote:
                moved = f"what was coordinated in this clone is at {remote} now"
                return SwapOutcome(SwapStatus.UNREACHABLE, moved)
        outcome = super().swap(updates)
        if outcome.status is SwapStatus.WON:
            with suppress(OSError):  # it has landed; what is noted for repair must not make it look otherwise
                record_home_tips(self._home, updates)
        return outcome

    def _write(self, updates: Sequence[RefUpdate], locks: Mapping[str, RefLock]) -> SwapOutcome:
        try:
            return self._write_noted(updates, locks)
        except RecordLeftError as error:  # no ref moved, but a replay after a power cut may move it
            return SwapOutcome(SwapStatus.UNKNOWN, f"the journal in {str(self._home.folder)!r} cannot be cut: {error}")

    def _write_noted(self, updates: Sequence[RefUpdate], locks: Mapping[str, RefLock]) -> SwapOutcome:
        try:
            size_bytes = self._journal.append(JournalRecord(tuple(updates), self._noted.noted))
        except OSError as error:
            cause = unwritable(f"The journal in {str(self._home.folder)!r}", error.strerror or error)
            return SwapOutcome(SwapStatus.UNREACHABLE, str(cause), cause)
        outcome = super()._write(updates, locks)
        if outcome.status is SwapStatus.UNREACHABLE:
            self._journal.cut(size_bytes)  # no ref moved, and a replay must not move it
        else:
            self._noted.take_noted()
        return outcome

    def is_whole(self, boot: str) -> bool:
        """Whether nothing can have been lost since the store was last used: the machine runs since then.

        A machine that has no id of its boot is asked for nothing: every ref must be readable, and where the journal
        put it last; one that a power cut took back to an older tip is readable, too.
        """
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
        records = list(self._journal.records())
        for record in records:
            for kind, data in record.objects:
                oid = PygitObjects.write(self._noted, kind, data)
                if not self._is_readable(oid):
                    path = self._home.path / "objects" / oid[:2] / oid[2:]
                    path.chmod(0o644)
                    path.unlink()
                    self._noted.reopen()
                    PygitObjects.write(self._noted, kind, data)
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
            self._journal.append(JournalRecord((update,), ()))  # else a replay would undo it
            self._put(ref, tip)
            record_home_tips(self._home, [update])
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
            self._noted.read(tip)
        except (DocumentError, MissingObjectError):
            return False
        return True
