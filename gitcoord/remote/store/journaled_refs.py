"""Refs of a home store whose journal is the truth: what the records say, and of other refs what the repository has.

Rules:
  * A swap is one record: appended and flushed under the journal's lock, after all refs were compared with the records
    before it and, of those that no record names, with the repository.
  * Refs are listed as of one moment: the journal is looked at again after the files were read.
  * A record is taken out again only where the disk did not take all of it. Where that fails the outcome is UNKNOWN.

What this file does not know: ledgers, who coordinates here.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Final

from gitcoord.errors import CoordError, DocumentError, MissingObjectError, unwritable
from gitcoord.remote.contract.clocks import Clocks
from gitcoord.remote.contract.protocol import (
    Oid,
    RefFault,
    RefName,
    RefUpdate,
    SwapOutcome,
    SwapStatus,
    first_stale,
    is_under,
    lost_at,
)
from gitcoord.remote.journal.journal_file import BEGIN, JournalFile, OpenJournal, Record
from gitcoord.remote.journal.loose_journal import RecordLeftError
from gitcoord.remote.journal.pack_files import PackedObject, write_pack
from gitcoord.remote.journal.unwritten import Unwritten
from gitcoord.remote.store import write_out
from gitcoord.remote.store.files_refs import FilesRefs, is_ref_name
from gitcoord.remote.store.home_objects import HomeObjects
from gitcoord.remote.store.home_tips import record_home_tips
from gitcoord.remote.store.pygit_objects import PygitObjects
from gitcoord.remote.store.store import Store

RECORDS_MAX: Final = 256  # that may wait; they take 20 ms to write out
_LOOKS_MAX: Final = 8  # at a journal that changes while refs are read, which takes less time than a swap


class JournaledRefs:
    """The refs of one store."""

    def __init__(self, store: Store, objects: HomeObjects, clocks: Clocks) -> None:
        """Read nothing yet."""
        self.faults: Sequence[RefFault] = ()
        self.unwritten = Unwritten(JournalFile(store.folder))
        self._store = store
        self._objects = objects
        self._clocks = clocks
        self._journal = JournalFile(store.folder)
        self._files = FilesRefs(store.path, now_ns=clocks.wall_ns)

    def read(self, prefixes: Sequence[str]) -> dict[RefName, Oid]:
        """List refs, as they are now.

        Raises:
            StorageError, OSError: they cannot be read.
        """
        self.unwritten.look()
        listed = self._files.read(prefixes)
        for _ in range(_LOOKS_MAX):
            if not self.unwritten.look():
                break
            listed = self._files.read(prefixes)
        return self._merged(listed, prefixes)

    def swap(self, updates: Sequence[RefUpdate]) -> SwapOutcome:
        """Compare all, then append the record of all."""
        lacking = [oid for update in updates if (oid := update.new) is not None and not self._objects.has(oid)]
        if lacking:
            return SwapOutcome(SwapStatus.LOST, f"missing necessary objects: {', '.join(lacking)}")
        wrong = [update.ref for update in updates if not is_ref_name(update.ref)]
        if wrong:
            return SwapOutcome(SwapStatus.DENIED, f"{wrong[0]!r} is not a ref name")
        try:
            with self._journal.locked(self._clocks.wall_ns()) as opened:
                self._catch_up(opened)
                refusal = self._refusal(updates)
                if refusal is None:
                    self._append(Record.of(updates, self._objects.packed()), opened)
        except RecordLeftError as error:
            where = str(self._store.folder)
            return SwapOutcome(SwapStatus.UNKNOWN, f"the journal in {where!r} cannot be cut: {error}")
        except CoordError as error:
            return SwapOutcome(SwapStatus.UNREACHABLE, str(error), error)
        except OSError as error:
            cause = unwritable(f"The journal in {str(self._store.folder)!r}", error)
            return SwapOutcome(SwapStatus.UNREACHABLE, str(cause), cause)
        if refusal is None and self.unwritten.count >= RECORDS_MAX:
            self.write_out(wait_s=0)
        return refusal or SwapOutcome(SwapStatus.WON)

    def write_out(self, *, wait_s: float = write_out.WAIT_S) -> bool:
        """Bring the repository up to the journal; tell whether it is."""
        with suppress(OSError, CoordError):  # the journal has it
            return write_out.write_out(self._store.folder, self._clocks, wait_s=wait_s)
        return False

    def put(self, ref: RefName, tip: Oid) -> None:
        """Put a ref somewhere, whatever it says now.

        Raises:
            OSError, RecordLeftError: the disk cannot be written.
        """
        with self._journal.locked(self._clocks.wall_ns()) as opened:
            self._catch_up(opened)
            self._append(Record.of([RefUpdate(ref, None, tip)], []), opened)
        self.write_out()

    def boot(self) -> str:
        """Return in which boot of the machine the repository has what the journal says that it has."""
        with self._journal.opened() as opened:
            return opened.header.boot if opened is not None else ""

    def replay(self, boot: str) -> int:
        """Bring all that the journal has, after a power cut; return how many refs were moved. Under the clone's lock.

        Raises:
            OSError: the disk cannot be written; nothing is lost.
        """
        moved, repository, missing = 0, PygitObjects(self._store.path), list[PackedObject]()
        with write_out.alone(self._store.folder, self._clocks, write_out.WAIT_S) as is_ours:
            if not is_ours:
                return 0
            with self._journal.locked(self._clocks.wall_ns()) as opened:
                size_bytes = opened.size_bytes
                records = list(opened.records(BEGIN, size_bytes))
                for item in {item.oid: item for record in records for item in record.objects()}.values():
                    try:
                        repository.read(item.oid)
                    except MissingObjectError:
                        missing.append(item)
                    except DocumentError:
                        self._objects.write_again(*item.content())
                write_pack(self._store.path / "objects", missing)
                self._objects.reopen()
                tips = write_out.last_tips(records)
                now = self._files.read([*tips])
                moves = {ref: tip for ref, tip in tips.items() if now.get(ref) != tip and self._is_readable(tip)}
                if write_out.put_refs(self._store.path, moves, self._clocks):
                    moved = len(moves)
                    written = records[-1].end if records else BEGIN
                    with suppress(OSError):
                        record_home_tips(self._store.folder, [RefUpdate(ref, None, tip) for ref, tip in moves.items()])
                    opened.note(opened.header._replace(written=written, boot=boot))
        return moved

    def _is_readable(self, tip: Oid | None) -> bool:
        try:
            return tip is None or bool(PygitObjects(self._store.path).read(tip))
        except (DocumentError, MissingObjectError):
            return False

    def _catch_up(self, opened: OpenJournal) -> None:
        """Read what others appended, and cut off what a process that died has left of a record. Under the lock."""
        self.unwritten.catch_up(opened)
        if opened.size_bytes > self.unwritten.end:
            opened.cut(self.unwritten.end)

    def _append(self, record: Record, opened: OpenJournal) -> None:
        self.unwritten.appended(opened.append(record), opened)
        self._objects.forget_noted()

    def _merged(self, listed: Mapping[RefName, Oid], prefixes: Sequence[str]) -> dict[RefName, Oid]:
        recorded = self.unwritten.refs
        self.faults = [fault for fault in self._files.faults if fault.ref not in recorded]
        refs = {ref: tip for ref, tip in listed.items() if ref not in recorded}
        return refs | {ref: tip for ref, tip in recorded.items() if tip is not None and is_under(ref, prefixes)}

    def _refusal(self, updates: Sequence[RefUpdate]) -> SwapOutcome | None:
        """Compare all. Under the lock, so that no record comes meanwhile."""
        names = [update.ref for update in updates]
        fresh = {ref: self._files.read_fresh(ref) for ref in names if ref not in self.unwritten.refs}
        refs = self._merged({ref: tip for ref, tip in fresh.items() if tip is not None}, names)
        stale = first_stale(refs, updates)
        return lost_at(stale) if stale else self._first_clash(updates)

    def _first_clash(self, updates: Sequence[RefUpdate]) -> SwapOutcome | None:
        """Return DENIED if a ref to be created is symbolic or damaged, or lies above or below another ref."""
        for update in updates:
            if update.old is not None or update.new is None:
                continue
            self._merged(self._files.read([update.ref]), [update.ref])
            if self.faults:
                known = "; ".join(f"{fault.ref!r} {fault.what}" for fault in self.faults)
                return SwapOutcome(SwapStatus.DENIED, f"{update.ref} is there: {known}")
            parts = update.ref.split("/")
            near = ["/".join(parts[:count]) for count in range(2, len(parts))] + [f"{update.ref}/"]
            new = {other.ref for other in updates if other.new is not None and is_under(other.ref, near)}
            there = new | self._merged(self._files.read(near), near).keys()
            if there:
                return SwapOutcome(SwapStatus.DENIED, f"{update.ref} cannot be beside {min(there)}")
        return None
