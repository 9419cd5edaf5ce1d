"""Swaps in a repository on this machine, in this process: the embedded store, or a path remote of ours.

Rules:
  * Lock every ref of the swap, compare every ref, then write in the order given (`ref_locks`).
  * What is compared is read from disk under the locks, past every cache.
  * A lock that stays taken for a second makes the swap LOST, and is named. One of a swap of ours that died is taken
    over: by its guard in a shared repository (`swap_guards`), by its age in the clone's own store (`stale_locks`).
  * DENIED is said of what waiting cannot change: a name that cannot be, a right that is missing.
  * Whether the files are flushed is decided by `core.fsyncObjectFiles` of the repository.

A swap that dies half-way (power cut, kill) leaves the first refs written and the rest not, and lock files.

What this file does not know: how refs are stored (`files_refs`, `ref_locks`) or what a ledger is.
"""

import errno
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from gitcoord.errors import (
    MissingObjectError,
    StorageError,
    StoreDamagedError,
    UnreachableError,
    unwritable,
)
from gitcoord.remote.contract.clocks import Clocks
from gitcoord.remote.contract.protocol import (
    Objects,
    Oid,
    RefFault,
    RefName,
    RefUpdate,
    SwapOutcome,
    SwapStatus,
    first_stale,
    half_landed,
    lost_at,
)
from gitcoord.remote.store.files_refs import FilesRefs, packed_without
from gitcoord.remote.store.kept_objects import KeptObjects
from gitcoord.remote.store.pygit_objects import PygitObjects, open_repository
from gitcoord.remote.store.swap_guards import SwapGuards, guards_of

if TYPE_CHECKING:
    from gitcoord.remote.store.ref_locks import LockBusyError, RefLock


# Of these the remote is to blame, as of a rule; of the rest (a full disk, a broken one) it is not.
_NOT_ALLOWED: Final = frozenset(
    {
        errno.EACCES,
        errno.EPERM,
        errno.EROFS,
        errno.ENAMETOOLONG,
        errno.ENOTDIR,
        errno.EISDIR,
        errno.ENOTEMPTY,
        errno.EINVAL,
        errno.EILSEQ,
    }
)
_GONE: Final = "Check that the folder is there and readable, or name another place in gitcoord.remote."


class LocalTransport:
    """Refs and objects of one git directory. A path remote must first pass `path_remote.why_not_local`."""

    name = "local"
    is_far = False
    atomic = True
    sends_checks = True

    def __init__(
        self,
        git_dir: Path,
        *,
        clocks: Clocks,
        own_store: bool = False,
        objects: PygitObjects | None = None,
        copy: Path | None = None,
        guards: Callable[[Path], SwapGuards | None] = guards_of,
    ) -> None:
        """Drive the repository at `git_dir` (the common one, where there are linked worktrees).

        Args:
            git_dir: a bare repository, or the `.git` folder of one that is not.
            clocks: clocks, sleep and randomness.
            own_store: whether the lock of a ref that is met has no owner. Give True only for the clone's own store
                and only to a caller that holds the clone's lock while it swaps.
            objects: the object database, if the caller has it open already.
            copy: a repository that has a copy of what was read, for when this one is away.
            guards: how a swap in a shared repository shows that it lives, if it can.
        """
        kept = KeptObjects(git_dir, cache(partial(_copied, copy)) if copy else None)
        self.objects: PygitObjects = objects or kept
        self._kept = kept if objects is None else None
        self._git_dir = git_dir
        self._clocks = clocks
        self._own_store = own_store
        self._guards = guards
        self._refs = FilesRefs(git_dir, now_ns=clocks.wall_ns)
        self._faults: Sequence[RefFault] = ()
        self._locks_met: Sequence[str] = ()
        self._opened: _Opened | None = None

    @property
    def git_dir(self) -> Path:
        """The repository that is driven."""
        return self._git_dir

    @property
    def faults(self) -> Sequence[RefFault]:
        """What the last read skipped: symbolic refs and damaged files."""
        return self._faults

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
        except StorageError as error:
            raise UnreachableError(str(error), hint=_GONE) from error
        self._faults, self._locks_met = tuple(self._refs.faults), tuple(self._refs.locks)
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
        from gitcoord.remote.store.ref_locks import PACKED_LOCK, LockBusyError
        from gitcoord.remote.store.stale_locks import LockWaits

        refusal = self._first_refusal(updates)
        if refusal is not None:
            return refusal
        if guards := self._repository().guards:
            for lock in (*self._locks_met, f"{self._git_dir}/{PACKED_LOCK}"):
                guards.clear(lock)
        waits = LockWaits(self._clocks, own_store=self._own_store)
        while True:
            try:
                return self._looked_after(self._swap_locked(updates))
            except LockBusyError as busy:
                if not waits.goes_on(busy.path):
                    return _gave_up(busy, is_old=waits.is_stale(busy.path))
            except OSError as error:
                if not self._own_store and error.errno in _NOT_ALLOWED:
                    return SwapOutcome(SwapStatus.DENIED, _words(error))
                return self._not_written(error)

    def _looked_after(self, outcome: SwapOutcome) -> SwapOutcome:
        """Look for what a swap needs once it was won: a gc beside it may have taken that away."""
        if outcome.status is SwapStatus.WON and self._kept is not None:
            with suppress(StorageError):  # it has landed; a reader reports what is missing
                self._kept.look_after()
        return outcome

    def _first_refusal(self, updates: Sequence[RefUpdate]) -> SwapOutcome | None:
        try:
            self._repository()
            lacking = [oid for update in updates if (oid := update.new) is not None and not self.objects.has(oid)]
        except (UnreachableError, StorageError, StoreDamagedError) as error:
            return SwapOutcome(SwapStatus.UNREACHABLE, str(error), error)
        if lacking:
            return SwapOutcome(SwapStatus.LOST, f"missing necessary objects: {', '.join(lacking)}")
        from pygit2 import reference_is_valid_name

        wrong = [update.ref for update in updates if not reference_is_valid_name(update.ref)]
        if wrong:
            return SwapOutcome(SwapStatus.DENIED, f"{wrong[0]!r} is not a ref name")
        return None

    def _swap_locked(self, updates: Sequence[RefUpdate]) -> SwapOutcome:
        from gitcoord.remote.store.ref_locks import PACKED, lock_refs

        names, guards = {update.ref for update in updates}, self._repository().guards
        with lock_refs(str(self._git_dir), names, guards) as locks:
            refs = {ref: oid for ref in names if (oid := self._refs.read_fresh(ref)) is not None}
            stale = first_stale(refs, updates)
            refusal = lost_at(stale) if stale else self._first_clash(updates)
            if refusal is not None:
                return refusal
            packed = [PACKED for update in updates if update.new is None and self._refs.is_packed(update.ref)]
            with lock_refs(str(self._git_dir), set(packed), guards) as more:
                return self._write(updates, {**locks, **more})

    def _first_clash(self, updates: Sequence[RefUpdate]) -> SwapOutcome | None:
        """Return DENIED if a ref to be created is symbolic or damaged, or lies above or below another ref."""
        for update in updates:
            if update.old is not None or update.new is None:
                continue
            if self._refs.read([update.ref]) or self._refs.faults:
                known = "; ".join(f"{fault.ref!r} {fault.what}" for fault in self._refs.faults)
                return SwapOutcome(SwapStatus.DENIED, f"{update.ref} is there: {known}")
            parts = update.ref.split("/")
            above = ["/".join(parts[:count]) for count in range(2, len(parts))]
            near = self._refs.read([*above, f"{update.ref}/"])
            if near:
                return SwapOutcome(SwapStatus.DENIED, f"{update.ref} cannot be beside {min(near)}")
        return None

    def _write(self, updates: Sequence[RefUpdate], locks: "Mapping[str, RefLock]") -> SwapOutcome:
        landed: list[str] = []
        for update in updates:
            if update.is_check:
                continue
            try:
                self._write_ref(update, locks)
            except OSError as error:
                # Say what a write error means: nothing happened, or only a part, or it is unknown.
                untouched = self._refs.read_fresh(update.ref) == update.old
                outcome = self._not_written(error) if untouched else SwapOutcome(SwapStatus.UNKNOWN, _words(error))
                return half_landed(landed, update.ref, outcome) if landed else outcome
            landed.append(update.ref)
        return SwapOutcome(SwapStatus.WON)

    def _write_ref(self, update: RefUpdate, locks: "Mapping[str, RefLock]") -> None:
        from gitcoord.remote.store.ref_locks import PACKED

        flush = self._repository().flushes
        if update.new is not None:
            locks[update.ref].write(f"{update.new}\n".encode(), flush=flush)
            return
        packed = locks.get(PACKED)
        if packed:  # first, as git does: else a reader sees for a moment what the ref was when it was packed
            packed.write(packed_without(Path(packed.target).read_bytes(), update.ref), flush=flush)
        locks[update.ref].remove(flush=flush)

    def _not_written(self, error: OSError) -> SwapOutcome:
        what = "The store" if self._own_store else "The repository"
        cause = unwritable(f"{what} {str(self._git_dir)!r}", error)
        return SwapOutcome(SwapStatus.UNREACHABLE, str(cause), cause)

    def _repository(self) -> "_Opened":
        if self._opened is None:
            failure = StoreDamagedError if self._own_store else UnreachableError
            config = open_repository(self._git_dir, failure).config
            flushes = "core.fsyncObjectFiles" in config and config.get_bool("core.fsyncObjectFiles")
            self._opened = _Opened(flushes, None if self._own_store else self._guards(self._git_dir))
        return self._opened


class _Opened(NamedTuple):
    """What was read of a repository once: that it can be opened, whether it flushes, what guards swaps in it."""

    flushes: bool
    guards: SwapGuards | None


def _copied(path: Path) -> Objects:
    from gitcoord.remote.copies.copied_objects import CopiedObjects  # only where the repository is away

    return CopiedObjects(path)


def _words(error: OSError) -> str:
    return f"{error.strerror or error}: {error.filename!r}" if error.filename else str(error.strerror or error)


def _gave_up(busy: "LockBusyError", *, is_old: bool) -> SwapOutcome:
    from gitcoord.remote.store.stale_locks import LOCK_WAIT_S, STALE_LOCK_S

    if busy.is_guarded:
        holder = f"process {busy.pid}" if busy.pid else "a process"
        why = f"is held by {holder} of this machine, which is slow or stopped"
    elif is_old:
        why = f"is older than {STALE_LOCK_S:.0f} s: git, or an older gitcoord, left it or is stopped"
    else:
        why = f"stayed taken for {LOCK_WAIT_S:.0f} s"
    return SwapOutcome(SwapStatus.LOST, f"the lock {busy.path!r} {why}", lock_path=busy.path)
