"""What is in the journal of a home store and may not be in its repository yet, as this process has read it.

Rules:
  * A look costs one `stat` while nothing changed; else only what was appended since is read.
  * What the repository has by now is forgotten at the next look that reads.
  * A record that was taken out again (a full disk) is noticed, also with another in its place; then all is read anew,
    as it is of a journal that was begun anew.

What this file does not know: the repository.
"""

from gitcoord.remote.contract.protocol import Oid, RefName
from gitcoord.remote.journal.journal_file import BEGIN, JournalFile, OpenJournal, Record, Stamp
from gitcoord.remote.journal.pack_files import PackedObject


class Unwritten:
    """Refs and objects of the records that may be in the journal alone. `count`: how many records these are."""

    def __init__(self, journal: JournalFile) -> None:
        """Read nothing yet."""
        self._journal = journal
        self.end = BEGIN
        self.refs: dict[RefName, Oid | None] = {}
        self._objects: dict[Oid, PackedObject] = {}
        self._unread: list[Record] = []
        self._stamp: Stamp | None = None
        self._generation: int = -1
        self._last = (BEGIN, b"")
        self._records: dict[int, Record] = {}

    def _forget(self) -> None:
        self.end, self._generation, self._last = BEGIN, -1, (BEGIN, b"")
        self._keep([])

    @property
    def count(self) -> int:
        """How many records these are."""
        return len(self._records)

    def has_tip(self, oid: Oid) -> bool:
        """Whether a ref is there: no record moves one to what is not here. Nothing of the records is taken apart."""
        return oid in self.refs.values()

    def find(self, oid: Oid) -> PackedObject | None:
        """Return an object of the records that were read."""
        unread, self._unread = self._unread, []
        self._objects |= {item.oid: item for record in unread for item in record.objects()}
        return self._objects.get(oid)

    def look(self) -> bool:
        """Read what was appended since the last look; tell whether anything changed.

        Raises:
            OSError: the journal cannot be read.
        """
        stamp = self._journal.stamp()
        if stamp == self._stamp:
            return False
        with self._journal.opened() as opened:
            if opened is None:
                self._forget()
                self._stamp = None
            else:
                self.catch_up(opened)
        return True

    def catch_up(self, opened: OpenJournal) -> None:
        """Read what was appended since.

        Raises:
            OSError: the journal cannot be read.
        """
        stamp = opened.stamp()
        if stamp == self._stamp:
            return
        header, (begin, head) = opened.header, self._last
        is_same = header.generation == self._generation and stamp.size_bytes >= self.end
        if not is_same or (head and opened.head_at(begin) != head):
            self._forget()
            self._generation, self.end = header.generation, max(header.written, BEGIN)
            if self.end > stamp.size_bytes:
                self.end = BEGIN
        elif header.written > next(iter(self._records), header.written):
            self._keep([record for record in self._records.values() if record.begin >= header.written])
        for record in opened.records(self.end, stamp.size_bytes):
            self.add(record, opened)
        self._stamp = stamp

    def add(self, record: Record, opened: OpenJournal) -> None:
        """Add a record that stands behind all that are known."""
        self._add(record)
        self.end, self._last = record.end, (record.begin, opened.head_at(record.begin))

    def appended(self, record: Record, opened: OpenJournal) -> None:
        """Add the record that this process has just appended, under the lock."""
        self.add(record, opened)
        self._stamp = opened.stamp()

    def _keep(self, records: list[Record]) -> None:
        self._records, self._unread, self.refs, self._objects = {}, [], {}, {}
        for record in records:
            self._add(record)

    def _add(self, record: Record) -> None:
        self._records[record.begin] = record
        self.refs |= {update.ref: update.new for update in record.updates if not update.is_check}
        self._unread.append(record)
