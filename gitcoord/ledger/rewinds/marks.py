"""Marks: what this clone saw of each ledger, on disk, so that one that goes back or disappears is noticed.

    seen/<key>      "<place> <seq> <tip> <clone> <counter> <seconds> <ref>" for each tip that was seen or written;
                    with `=` before the place it replaces what was known, for a person decided so

Rules:
  * SAFE-9: kept by namespace and repository, not by URL: a move to another host is when ledgers do go back. What was
    seen at another place counts where this one was not read yet (`elsewhere`); the place is a hash, for a URL may have
    credentials in it.
  * Appended, for replacing a file costs a flush of the disk on ext4 (1.5 ms). A line is never taken back by one that
    comes late: the highest sequence number counts, and of a clone's counters the highest.
  * Written over only under the clone's lock. A line that another process adds meanwhile may be lost; it adds the next.

What this file does not know: how a ledger is read.
"""

import contextlib
import hashlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from gitcoord.core.documents.rewind import Mark
from gitcoord.errors import StorageError
from gitcoord.ledger.clone import files
from gitcoord.ledger.clone.remote_folder import KEY_CHARS, former_key_of, key_of
from gitcoord.remote.contract.protocol import RefName

FOLDER = "seen"
BYTES_MAX = 64 * 1024  # about 500 lines, read in 1 ms by a process that begins
HOME = "home"  # the store of the clone as the place
TOLD_MAX = 20  # ledgers that a heartbeat tells of: 40 bytes each, and few projects change within a beat
_FIELDS = 7

Known = dict[tuple[str, RefName], Mark]


class Marks:
    """The marks of one place. `load` before refs are listed: what was seen before must be in what is listed then."""

    def __init__(self, folder: Path, url: str, namespace: str, repo: str | None, *, is_kept: bool = True) -> None:
        """Know nothing yet. `folder`: the clone's; `url`: empty for the store of the clone.

        `is_kept`: whether what is noted is written down; not by who only reads.
        """
        self._is_kept = is_kept
        key = hashlib.sha256(f"{namespace}\n{repo or ''}".encode("utf-8", "surrogatepass")).hexdigest()[:KEY_CHARS]
        self._name = f"{folder}/{FOLDER}/{key}"
        self._place = key_of(url, namespace) if url else HOME
        former = former_key_of(url, namespace)
        self._renamed = {former: self._place} if former else {}  # as older versions named it
        self._read_to = (0, 0)  # the file's inode, and how much of it
        self._known: Known = {}

    def load(self) -> None:
        """Read what other processes of the clone have added."""
        try:
            status = os.stat(self._name)  # noqa: PTH116 - on the way of every command; see `files`
        except OSError:
            self._known, self._read_to = {}, (0, 0)
            return
        inode, size_bytes = self._read_to
        if status.st_ino != inode or status.st_size < size_bytes:
            self._known, size_bytes = {}, 0
        if status.st_size > size_bytes:
            size_bytes += _take_lines(self._known, self._name, size_bytes, self._renamed)
        self._read_to = (status.st_ino, size_bytes)

    def of(self, ref: RefName) -> Mark | None:
        """Return the mark of a ledger at this place."""
        return self._known.get((self._place, ref))

    def newest(self, namespace: str) -> dict[str, int]:
        """Return the sequence numbers of the ledgers that were seen last, without the namespace, for others to know."""
        self.load()
        found = [(ref, mark.seq) for (place, ref), mark in self._known.items() if place == self._place]
        return {ref.removeprefix(f"{namespace}/"): seq for ref, seq in found[-TOLD_MAX:]}

    def refs(self) -> list[RefName]:
        """Return the ledgers that were seen at this place."""
        return [ref for place, ref in self._known if place == self._place]

    def tips(self, ref: RefName, place: str | None = None) -> list[str]:
        """Return tips that were seen of a ledger, here or at another place: the last and the first, newest first."""
        found = [
            mark
            for at, name, mark, _ in _lines(_text(self._name), self._renamed)
            if (at, name) == (place or self._place, ref)
        ]
        found.sort(key=lambda mark: mark.seq)  # stable: of equals the later one is newer
        return list(dict.fromkeys(mark.tip for mark in reversed(found) if mark.tip != "-"))

    def elsewhere(self, ref: RefName) -> list[tuple[str, Mark]]:
        """Return the most that was seen of ledgers of its name at each other remote, the highest first."""
        found = [
            (place, mark)
            for (place, name), mark in self._known.items()
            if name == ref and place not in (self._place, HOME)
        ]
        return sorted(found, key=lambda pair: -pair[1].seq)

    def note(self, ref: RefName, mark: Mark) -> None:
        """Note what was seen, or acknowledged."""
        self._add(ref, mark, "")

    def decide(self, ref: RefName, mark: Mark) -> None:
        """Note what counts from now on, whatever was seen before."""
        self._add(ref, mark, "=")

    def forget(self, ref: RefName) -> None:
        """Note that a ledger is rightly gone."""
        self._add(ref, Mark("-", 0), "=")

    def compact(self, unique: str) -> None:
        """Write the file anew where it has grown. Called under the clone's lock."""
        if self._read_to[1] > BYTES_MAX:
            with contextlib.suppress(StorageError):  # it grows on, and the next try comes soon
                text, known = _text(self._name), _read(self._name, self._renamed)
                # A copy that was made long ago shows by what was seen first of each ledger.
                firsts: Known = {}
                for place, ref, mark, _ in _lines(text, self._renamed):
                    if (place, ref) in known and mark.tip != "-":
                        firsts.setdefault((place, ref), mark)
                _write(
                    self._name,
                    known,
                    unique,
                    "".join(f"{_line(place, ref, mark)}\n" for (place, ref), mark in firsts.items())
                    + text[-BYTES_MAX // 4 :],
                )

    def _add(self, ref: RefName, mark: Mark, sign: str) -> None:
        line = f"\n{sign}{_line(self._place, ref, mark)}\n".encode()
        _take(self._known, (self._place, ref), mark, replaces=bool(sign))
        if not self._is_kept:
            return
        with contextlib.suppress(OSError):  # a disk that cannot be written must not decide what becomes of a command
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
            try:
                handle = os.open(self._name, flags, 0o666)
            except FileNotFoundError:
                Path(self._name).parent.mkdir(parents=True, exist_ok=True)
                handle = os.open(self._name, flags, 0o666)
            try:
                os.write(handle, line)
                status = os.fstat(handle)
                if self._read_to == (status.st_ino, status.st_size - len(line)):  # no other process has added any
                    self._read_to = (status.st_ino, status.st_size)
            finally:
                os.close(handle)


def newest_of_all(folder: Path) -> dict[RefName, Mark]:
    """Return the most that was seen of each ledger, at whatever place, as far as it was not forgotten since."""
    newest: dict[RefName, Mark] = {}
    for name in files.names_in(folder / FOLDER, ""):
        for (_, ref), mark in _read(f"{folder}/{FOLDER}/{name}", {}).items():
            newest[ref] = max(newest.get(ref, mark), mark, key=lambda mark: mark.seq)
    return newest


def forget_home(folder: Path, unique: str) -> None:
    """Forget the marks of the clone's store: it begins anew. Called under the clone's lock."""
    for name in files.names_in(folder / FOLDER, ""):
        path = f"{folder}/{FOLDER}/{name}"
        known = {key: mark for key, mark in _read(path, {}).items() if key[0] != HOME}
        _write(path, known, unique)


def _write(path: str, known: Known, unique: str, last: str = "") -> None:
    """Write the marks, after the last lines that were there: they name the tips from which a ledger is repaired."""
    text = last + "\n" + "".join(f"={_line(place, ref, mark)}\n" for (place, ref), mark in known.items())
    files.write_bytes(path, text.encode(), unique)


def _line(place: str, ref: RefName, mark: Mark) -> str:
    return f"{place} {mark.seq} {mark.tip} {mark.clone or '-'} {mark.counter} {mark.at_s} {ref}"


def _read(path: str, renamed: Mapping[str, str]) -> Known:
    known: Known = {}
    _take_lines(known, path, 0, renamed)
    return known


def _text(path: str) -> str:
    return _data(path, 0).decode("utf-8", "replace")


def _data(path: str, begin: int) -> bytes:
    """Return the whole lines of a file from a place on."""
    try:
        handle = os.open(path, os.O_RDONLY)
    except OSError:
        return b""
    try:
        data = os.pread(handle, files.FILE_BYTES_MAX, begin)
    finally:
        os.close(handle)
    return data[: data.rfind(b"\n") + 1]


def _take_lines(known: Known, path: str, begin: int, renamed: Mapping[str, str]) -> int:
    """Take over the lines of a file from a place on; return how many bytes these are."""
    data = _data(path, begin)
    for place, ref, mark, replaces in _lines(data.decode("utf-8", "replace"), renamed):
        _take(known, (place, ref), mark, replaces=replaces)
    return len(data)


def _lines(text: str, renamed: Mapping[str, str]) -> Iterator[tuple[str, RefName, Mark, bool]]:
    """Read what can be read: a crash tears a line off, and each begins on a line of its own."""
    for line in text.splitlines():
        fields = line.split(" ")
        numbers = [fields[index] for index in (1, 4, 5)] if len(fields) == _FIELDS else []
        if not numbers or not all(number.isascii() and number.isdigit() for number in numbers):
            continue
        seq, counter, at_s = map(int, numbers)
        mark = Mark(fields[2], seq, "" if fields[3] == "-" else fields[3], counter, at_s)
        place = fields[0].removeprefix("=")
        yield renamed.get(place, place), RefName(fields[6]), mark, line.startswith("=")


def _take(known: Known, key: tuple[str, RefName], mark: Mark, *, replaces: bool) -> None:
    before = known.pop(key, None)  # the order is that of the last change
    if replaces and mark.tip == "-":
        return
    if before is None or replaces:
        known[key] = mark
    else:
        newest = mark if mark.seq >= before.seq else before
        counted = mark if mark.clone and (mark.clone != before.clone or mark.counter >= before.counter) else before
        if newest is counted:
            known[key] = newest
        else:
            known[key] = Mark(newest.tip, newest.seq, counted.clone, counted.counter, counted.at_s)
