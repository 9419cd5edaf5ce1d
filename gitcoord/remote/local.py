"""Swaps in a repository on this machine, by libgit2 in this process: the embedded store, or a path remote of ours.

Rules:
  * Lock every ref of the swap, compare every ref, then write in the order given. One libgit2 transaction a ref,
    because a transaction of several refs commits them in the order of a hash.
  * Locks are taken in the order of names, so that two swaps cannot wait for each other.
  * What is compared is read from disk under the locks, past every cache.
  * A lock that stays taken for a second makes the swap LOST, and is named. One that a dead process left is removed in
    the clone's own store only (`left_locks`).
  * Whether the files are flushed is decided by `core.fsyncObjectFiles` of the repository; libgit2 reads it.

A swap that dies half-way (power cut, kill) leaves the first refs written and the rest not, and lock files.

This module must not know how refs are stored (`files_refs`) or what a ledger is.
"""

import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import pygit2
from pygit2.transaction import ReferenceTransaction

from gitcoord.errors import MissingObjectError, RepositoryError, UnreachableError, unwritable
from gitcoord.remote.contract import first_stale, half_landed, lost_at
from gitcoord.remote.files_refs import FilesRefs
from gitcoord.remote.left_locks import LOCK_WAIT_S, PACKED_LOCK, STALE_LOCK_S, LockWaits
from gitcoord.remote.protocol import Oid, RefName, RefUpdate, SwapOutcome, SwapStatus
from gitcoord.remote.pygit_objects import LIBGIT2_ERRORS, PygitObjects, open_repository
from gitcoord.remote.waiting import Waiting

# Why a lock can never be taken, in the words of libgit2 1.9 and of the system.
_DISK: Final = ("Permission denied", "Read-only file system", "No space left on device", "Disk quota exceeded")
_PERMANENT: Final = (
    "File name too long",
    "there are refs beneath",
    "parent is not directory",
)


_GONE: Final = "Check that the folder is there and readable, or name another place in gitcoord.remote."


class _LockedError(Exception):
    """The lock file at `path` could not be made, because it is there already or for what libgit2 says.

    libgit2 has one class of error and several sentences for a lock that is taken, so waiting is the rule and
    what cannot change is listed in `_PERMANENT`.
    """

    def __init__(self, path: str, words: str) -> None:
        super().__init__(words)
        self.path = path


class LocalTransport:
    """Refs and objects of one git directory. A path remote must first pass `path_remote.why_not_local`."""

    name = "local"
    atomic = True
    sends_checks = True

    def __init__(
        self, git_dir: Path, *, waiting: Waiting, own_store: bool = False, objects: PygitObjects | None = None
    ) -> None:
        """Drive the repository at `git_dir` (the common one, where there are linked worktrees).

        Args:
            git_dir: a bare repository, or the `.git` folder of one that is not.
            waiting: clocks, sleep and randomness.
            own_store: whether the lock of a ref that is met has no owner. Give True only for the clone's own store
                and only to a caller that holds the clone's lock while it swaps.
            objects: the object database, if the caller has it open already.
        """
        self.objects = objects or PygitObjects(git_dir)
        self._git_dir = git_dir
        self._waiting = waiting
        self._own_store = own_store
        self._refs = FilesRefs(git_dir, now_ns=waiting.wall_ns)
        self._oddities: Sequence[str] = ()
        self._repository: pygit2.Repository | None = None

    @property
    def oddities(self) -> Sequence[str]:
        """What the last read skipped: symbolic refs and damaged files, each with its name."""
        return self._oddities

    def read(self, prefixes: Sequence[str]) -> Mapping[RefName, Oid]:
        """List the refs under `prefixes`.

        Raises:
            UnreachableError: the repository is not there or cannot be read.
        """
        if not (self._git_dir / "refs").is_dir():
            message = f"There is no git repository at {str(self._git_dir)!r}."
            raise UnreachableError(message, hint=_GONE)
        try:
            refs = self._refs.read(prefixes)
        except RepositoryError as error:
            raise UnreachableError(str(error), hint=_GONE) from error
        self._oddities = tuple(self._refs.oddities)
        return refs

    def fetch(self, oids: Iterable[Oid]) -> None:
        """Objects are shared with the repository: only say whether they are there.

        Raises:
            MissingObjectError: one of them is not.
        """
        for oid in oids:
            if not self.objects.has(oid):
                message = f"Object {oid} is not in {str(self._git_dir)!r}."
                raise MissingObjectError(message)

    def swap(self, updates: Sequence[RefUpdate]) -> SwapOutcome:
        """Compare all, then write all, under the locks of all."""
        refusal = self._first_refusal(updates)
        if refusal is not None:
            return refusal
        waits = LockWaits(self._waiting, own_store=self._own_store)
        while True:
            try:
                return self._swap_locked(updates)
            except _LockedError as error:
                if not waits.goes_on(error.path):
                    return _gave_up(error, stale=waits.is_stale(error.path))

    def _first_refusal(self, updates: Sequence[RefUpdate]) -> SwapOutcome | None:
        try:
            self._opened()
            lacking = [oid for update in updates if (oid := update.new) is not None and not self.objects.has(oid)]
        except RepositoryError as error:
            return SwapOutcome(SwapStatus.UNREACHABLE, str(error), error)
        if lacking:
            return SwapOutcome(SwapStatus.LOST, f"missing necessary objects: {', '.join(lacking)}")
        wrong = [update.ref for update in updates if not pygit2.reference_is_valid_name(update.ref)]
        if wrong:
            return SwapOutcome(SwapStatus.DENIED, f"{wrong[0]!r} is not a ref name")
        return None

    def _swap_locked(self, updates: Sequence[RefUpdate]) -> SwapOutcome:
        with ExitStack() as locks:
            transactions: dict[RefName, ReferenceTransaction] = {}
            for ref in sorted({update.ref for update in updates}):
                transaction = self._opened().transaction()
                locks.callback(_give_up, transaction)
                denied = self._lock(transaction, ref)
                if denied is not None:
                    return denied
                transactions[ref] = transaction
            refs = {ref: oid for ref in transactions if (oid := self._refs.read_fresh(ref)) is not None}
            stale = first_stale(refs, updates)
            if stale is not None:
                return lost_at(stale)
            clash = self._first_clash(updates)
            if clash is not None:
                return clash
            self._look_for_packed_lock(updates)
            return self._write(updates, transactions)

    def _lock(self, transaction: ReferenceTransaction, ref: RefName) -> SwapOutcome | None:
        try:
            transaction.lock_ref(ref)
        except LIBGIT2_ERRORS as error:
            words = str(error)
            if self._own_store and any(disk in words for disk in _DISK):
                return self._not_written(words)
            if any(permanent in words for permanent in (*_DISK, *_PERMANENT)):
                return SwapOutcome(SwapStatus.DENIED, words)
            raise _LockedError(f"{self._git_dir}/{ref}.lock", words) from error
        return None

    def _look_for_packed_lock(self, updates: Sequence[RefUpdate]) -> None:
        """Wait before anything is written: libgit2 needs this lock only when it removes a packed ref."""
        path = f"{self._git_dir}/{PACKED_LOCK}"
        deleted = [update.ref for update in updates if update.new is None]
        if deleted and os.path.lexists(path) and any(self._refs.is_packed(ref) for ref in deleted):
            raise _LockedError(path, f"failed to lock file {path!r}")

    def _first_clash(self, updates: Sequence[RefUpdate]) -> SwapOutcome | None:
        """Return DENIED if a ref to be created is symbolic or damaged, or lies above or below another ref."""
        for update in updates:
            if update.old is not None or update.new is None:
                continue
            if self._refs.read([update.ref]) or self._refs.oddities:
                return SwapOutcome(SwapStatus.DENIED, f"{update.ref} is there: {'; '.join(self._refs.oddities)}")
            parts = update.ref.split("/")
            above = ["/".join(parts[:count]) for count in range(2, len(parts))]
            near = self._refs.read([*above, f"{update.ref}/"])
            if near:
                return SwapOutcome(SwapStatus.DENIED, f"{update.ref} cannot be beside {min(near)}")
        return None

    def _write(self, updates: Sequence[RefUpdate], transactions: Mapping[RefName, ReferenceTransaction]) -> SwapOutcome:
        landed: list[str] = []
        for update in updates:
            if update.is_check:
                continue
            transaction = transactions[update.ref]
            try:
                if update.new is None:
                    transaction.remove(update.ref)
                else:
                    # No signature: pygit2 1.21 fails when it is given one.
                    transaction.set_target(update.ref, update.new)
                transaction.commit()
            except LIBGIT2_ERRORS as error:
                return self._failed(landed, update, error)
            landed.append(update.ref)
        return SwapOutcome(SwapStatus.WON)

    def _failed(self, landed: Sequence[str], update: RefUpdate, error: Exception) -> SwapOutcome:
        """Say what a write error means: nothing happened, or only a part, or nobody knows."""
        untouched = self._refs.read_fresh(update.ref) == update.old
        failed = self._not_written(error) if self._own_store else SwapOutcome(SwapStatus.UNREACHABLE, str(error))
        outcome = failed if untouched else SwapOutcome(SwapStatus.UNKNOWN, str(error))
        return half_landed(landed, update.ref, outcome) if landed else outcome

    def _not_written(self, reason: object) -> SwapOutcome:
        cause = unwritable(f"The store {str(self._git_dir)!r}", reason)
        return SwapOutcome(SwapStatus.UNREACHABLE, str(cause), cause)

    def _opened(self) -> pygit2.Repository:
        if self._repository is None:
            self._repository = open_repository(self._git_dir)
        return self._repository


def _give_up(transaction: ReferenceTransaction) -> None:
    """Release what is still locked. `__exit__` commits unless it is told of an exception."""
    transaction.__exit__(_LockedError, None, None)  # pyright: ignore[reportUnknownMemberType] - pygit2 has no types


def _gave_up(error: _LockedError, *, stale: bool) -> SwapOutcome:
    if stale:
        left = "look for a process that is stopped; if there is none, remove the file"
        why = f"is older than {STALE_LOCK_S:.0f} s: {left}"
    elif os.path.lexists(error.path):
        why = f"stayed taken for {LOCK_WAIT_S:.0f} s"
    else:
        return SwapOutcome(SwapStatus.DENIED, str(error))
    return SwapOutcome(SwapStatus.LOST, f"the lock {error.path!r} {why}")
