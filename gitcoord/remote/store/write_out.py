"""Brings the repository of a home store up to its journal: new objects as one pack, then the refs that moved.

    <folder>/journal ──> store.git/objects/pack/…, store.git/refs/…, home-tips ──> the header says how far

Rules:
  * One process at a time does it, under the lock of `journal.out`; swaps go on meanwhile. Where locks may not hold none
    does (`store_locks`).
  * A process that dies in it has lost nothing: the header still says less, and the next one does it again. A pack that
    is there twice does no harm.
  * Only packs are flushed. After a power cut (another boot) everything that the journal has is brought again, so the
    rest is flushed (`sync`) before a journal that became long is begun anew.
  * Refs are written under git's own locks, in which `git gc` may be at work; where one stays taken nothing is noted,
    and the next one does it again.

What this file does not know: ledgers, what is compared before a swap.
"""

import os
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from gitcoord.remote.contract.clocks import Clocks
from gitcoord.remote.contract.protocol import Oid, RefName
from gitcoord.remote.journal.journal_file import BEGIN, Header, JournalFile, Record
from gitcoord.remote.journal.pack_files import tidy_packs, write_pack
from gitcoord.remote.store.files_refs import FilesRefs, packed_without
from gitcoord.remote.store.home_tips import record_home_tips
from gitcoord.remote.store.ref_locks import PACKED, LockBusyError, lock_refs
from gitcoord.remote.store.stale_locks import LockWaits
from gitcoord.remote.store.store_locks import locks_hold
from gitcoord.remote.store.swap_guards import SwapGuards

try:
    import fcntl
except ImportError:  # no flock on this system: its stores have loose refs
    fcntl = None

SIZE_BYTES_MAX: Final = 16 * 1024 * 1024  # about 5,000 claims; after a power cut it takes two seconds
WAIT_S: Final = 5.0  # 256 records take 0.02 s, a long journal that is begun anew as long as `sync`
_LOOK_S: Final = 0.005


def is_behind(folder: Path) -> bool:
    """Whether the journal has what the repository has not."""
    try:
        with JournalFile(folder).opened() as journal:
            return journal is not None and journal.size_bytes > journal.header.written
    except OSError:
        return True


def write_out(folder: Path, clocks: Clocks, *, wait_s: float = WAIT_S) -> bool:
    """Bring the repository up to the journal; tell whether it is. `folder`: the one of the clone.

    Raises:
        OSError: the disk is full or cannot be written; nothing is lost.
    """
    if not is_behind(folder):
        return True
    if not locks_hold(folder):
        return False
    with alone(folder, clocks, wait_s) as is_ours:
        return is_ours and _write_out(folder, clocks)


@contextmanager
def alone(folder: Path, clocks: Clocks, wait_s: float) -> Generator[bool]:
    """Be the one process that writes out, or tell that another one is, for longer than that."""
    handle = os.open(folder / "journal.out", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        end = clocks.monotonic() + wait_s
        while not (is_ours := _locks(handle)) and clocks.monotonic() < end:
            clocks.sleep(_LOOK_S)
        yield is_ours
    finally:
        os.close(handle)


def _locks(handle: int) -> bool:
    if fcntl is None:
        return True
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _write_out(folder: Path, clocks: Clocks) -> bool:
    journal = JournalFile(folder)
    with journal.opened(to_write=True) as opened:
        if opened is None:
            return True
        records = list(opened.records(opened.header.written, opened.size_bytes))
        if records:
            objects = {item.oid: item for record in records for item in record.objects()}
            write_pack(folder / "store.git" / "objects", objects.values())
            if not put_refs(folder / "store.git", last_tips(records), clocks):
                return False
            with suppress(OSError):  # it is for repair alone
                record_home_tips(folder, [update for record in records for update in record.updates])
            opened.note(opened.header._replace(written=records[-1].end))
        else:  # a process that died has left a part of a record: let no one look at it again and again
            with journal.locked(clocks.wall_ns()) as torn:
                if not any(torn.records(torn.header.written, torn.size_bytes)):
                    torn.cut(torn.header.written)
    with suppress(OSError):
        tidy_packs(folder / "store.git" / "objects", clocks.wall_ns() / 1e9)
    if opened.header.written > SIZE_BYTES_MAX:
        _begin_anew(journal, clocks)
    return True


def _begin_anew(journal: JournalFile, clocks: Clocks) -> None:
    """Begin a new journal, unless a swap has just come: then the next one does it."""
    if hasattr(os, "sync"):
        os.sync()
    with journal.locked(clocks.wall_ns()) as opened:
        if not any(opened.records(opened.header.written, opened.size_bytes)):
            generation = max(opened.header.generation + 1, clocks.wall_ns())
            journal.begin(Header(generation, BEGIN, opened.header.boot))


def last_tips(records: Sequence[Record]) -> dict[RefName, Oid | None]:
    """Return where each ref was last put."""
    return {update.ref: update.new for record in records for update in record.updates if not update.is_check}


def put_refs(git_dir: Path, tips: Mapping[RefName, Oid | None], clocks: Clocks) -> bool:
    """Put refs where they belong; return False where a lock stayed taken.

    Raises:
        OSError: the disk is full or cannot be written.
    """
    refs = FilesRefs(git_dir, now_ns=clocks.wall_ns)
    now = refs.read(list(tips)) if tips else {}
    gone = [ref for ref, tip in tips.items() if tip is None]  # first: one may be where a folder has to be
    moved = {ref: tip for ref, tip in tips.items() if tip is not None and now.get(ref) != tip}
    waits, guards = LockWaits(clocks, own_store=True), SwapGuards(git_dir)  # a lock that a killed one left is ours
    while True:
        try:
            if gone:
                _remove_refs(git_dir, gone, refs, guards)
            with lock_refs(str(git_dir), moved, guards) as locks:
                for ref, tip in moved.items():
                    locks[ref].write(f"{tip}\n".encode(), flush=False)
        except LockBusyError as busy:
            if not waits.goes_on(busy.path):
                return False
        else:
            return True


def _remove_refs(git_dir: Path, gone: Sequence[RefName], refs: FilesRefs, guards: SwapGuards) -> None:
    packed = [ref for ref in gone if refs.is_packed(ref)]
    with lock_refs(str(git_dir), [*gone, *([PACKED] if packed else [])], guards) as locks:
        if packed:  # first, as git does: else a reader sees for a moment what the ref was when it was packed
            content = Path(locks[PACKED].target).read_bytes()
            for ref in packed:
                content = packed_without(content, ref)
            locks[PACKED].write(content, flush=False)
        for ref in gone:
            locks[ref].remove(flush=False)
