"""Checks of this clone's store: that it is whole and can be written, lock files that were left, refs that are damaged.

Rules:
  * Looking changes nothing: a store that was never made is not made, a journal is not replayed.
  * A lock counts as left when it is older than the slowest swap could be (`remote/store/stale_locks`).
  * A damaged ref of a home goes back to the newest tip that can be read: what the journal still has first, then the
    last tips that were noted. Whatever was acknowledged after that tip is lost, and that is said before.
"""

import tempfile
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from gitcoord.core.documents.json_text import Json
from gitcoord.core.documents.names import amount
from gitcoord.errors import (
    ContendedError,
    CoordError,
    DocumentError,
    MissingObjectError,
    SchemaError,
    StorageError,
    StoreDamagedError,
    disk_hint,
    unwritable,
)
from gitcoord.ledger.format.refs import Refs
from gitcoord.ledger.kinds.table import LEDGERS
from gitcoord.ledger.readers.reader import Reader
from gitcoord.remote.contract.protocol import Oid, RefName
from gitcoord.remote.copies.damaged_files import DamagedFiles
from gitcoord.remote.store import stale_locks
from gitcoord.remote.store.home_tips import home_tips
from gitcoord.remote.store.stale_locks import STALE_LOCK_S, LockFile
from gitcoord.remote.store.store import Store, StoreMode, open_store
from gitcoord.remote.store.store_locks import locks_error, locks_hold, why_loose
from gitcoord.remote.store.swap_guards import GuardHeldError, SwapGuards, guards_of
from gitcoord.remote.transports.home import HomeTransport
from gitcoord.service.doctor.check_run import Check, Finding, NotCheckedError, Repair, Status, failed, ok, together
from gitcoord.service.doctor.replaced import keeper
from gitcoord.service.doctor.site import Site
from gitcoord.service.session.problems import skipped_by

LOCKED_S = 5.0  # a process of this clone holds its lock for at most one network timeout; who repairs can ask again
HELD_LOCK_S = 5.0  # the slowest swap measured took 0.2 s; a caller gives up after 15 s and is sent here
_ROOM = "Make room on the disk, or make the folder writable."


def checks(site: Site) -> list[Check]:
    """Return the checks of the store."""
    return [
        Check("store", lambda: store(site)),
        Check("locks", lambda: locks(site)),
        Check("refs", lambda: refs(site)),
    ]


def store(site: Site) -> Finding:
    """Look whether the store can be opened and written."""
    folder = site.coordination
    unwritable_here = _unwritable(folder if folder.exists() else folder.parent)
    try:
        found = open_store(folder.parent)
    except CoordError as error:
        return failed(error)
    if unwritable_here is not None:
        return failed(unwritable_here)
    if found is None:
        return ok("not made yet; the first command makes it", mode=None)
    facts: dict[str, Json] = {"mode": found.mode.value, "remote": found.remote, "path": str(found.path)}
    if found.mode is StoreMode.CACHE:
        return _cache(found, facts)
    facts["refs"] = "journal" if found.is_journaled else "loose"
    if found.is_journaled and not locks_hold(folder):
        return failed(locks_error(folder), **facts)
    if found.remote:
        return ok(f"given to {found.remote}; it keeps what that would not take", **facts)
    return ok(f"what is coordinated in this clone is here, and only here, {_refs_of(found)}", **facts)


def _refs_of(found: Store) -> str:
    """Say where the refs of a home are, and why where that is not its journal."""
    if found.is_journaled:
        return "in a journal"
    why = why_loose(found.folder) or "the next command that finds no session at work makes a journal of them"
    return f"as loose refs: {why}"


def _cache(found: Store, facts: Mapping[str, Json]) -> Finding:
    """Tell of a store that is a copy, and how much of it was damaged so far: it came again, but the disk may be ill."""
    damaged, text = DamagedFiles(found.path), "a cache of the remote; it may be deleted"
    sizes = damaged.sizes()
    if sizes:
        text += f"; set aside in {damaged.folder}: {amount(len(sizes), 'damaged file')}, {sum(sizes):,} bytes"
    return ok(text, **facts, damaged_files=len(sizes), damaged_bytes=sum(sizes))


def _unwritable(folder: Path) -> StorageError | None:
    try:
        with tempfile.TemporaryFile(dir=folder):
            return None
    except OSError as error:
        return unwritable(f"The folder {str(folder)!r}", error.strerror or error)


def locks(site: Site) -> Finding:
    """Look for lock files of refs that a process left behind."""
    now_ns = site.clocks().wall_ns()
    found: list[Finding] = []
    opened = _opened(site)
    if opened is not None:
        own = [lock for lock in stale_locks.left_in(opened.path, "refs") if lock.age_s(now_ns) > STALE_LOCK_S]
        found += [_left(lock, now_ns, _remove_own(site, lock)) for lock in own]
    place = site.place
    if place is not None and place.git_dir is not None:
        guards = guards_of(place.git_dir)
        theirs = stale_locks.left_in(place.git_dir, place.refs.namespace)
        found += [finding for lock in theirs if (finding := _shared(guards, lock, now_ns))]
    return together(found, ok("none was left"))


_MAY_BE_STOPPED = "a process that was only stopped would go on, and damage the ref; be sure that none is"


def _shared(guards: SwapGuards | None, lock: LockFile, now_ns: int) -> Finding | None:
    """Tell of a lock in a remote on a path; of one whose swap died there is nothing to tell: the next takes it over."""
    try:
        if guards and guards.is_left(lock.path):
            return None
    except GuardHeldError as held:
        if lock.age_s(now_ns) <= HELD_LOCK_S:
            return None
        holder = f"process {held.pid}" if held.pid else "a process"
        text = f"The lock file {lock.path} is held by {holder} of this machine for {lock.age_s(now_ns):.0f} s."
        hint = "Let that process go on (`kill -CONT`) or end it: the next write takes the lock over. Leave the file."
        return Finding(Status.FAIL, text, hint, {"locks": [lock.path], "pid": held.pid})
    is_old = lock.age_s(now_ns) > STALE_LOCK_S
    return _left(lock, now_ns, _remove_shared(guards, lock), _MAY_BE_STOPPED) if is_old else None


def _left(lock: LockFile, now_ns: int, repair: Repair, why: str = "") -> Finding:
    text = f"The lock file {lock.path} is {lock.age_s(now_ns) / 60:.0f} min old, so nothing can be written there."
    hint = "gitcoord doctor --repair removes it" + (f" ({why})." if why else ".")
    facts: dict[str, Json] = {"locks": [lock.path]}
    return Finding(Status.FAIL, text, hint, facts, (Repair(repair.text, repair.do, why),))


def _remove_own(site: Site, lock: LockFile) -> Repair:
    def do() -> str:
        with locked(site):
            return _removed(lock)

    return Repair(f"remove {lock.path}", do)


def _remove_shared(guards: SwapGuards | None, lock: LockFile) -> Repair:
    def do() -> str:
        with suppress(GuardHeldError):
            if guards:
                guards.is_left(lock.path)
            return _removed(lock)
        raise ContendedError(
            f"A process of this machine holds {lock.path} now; it was not removed.", hint="Look again."
        )

    return Repair(f"remove {lock.path}", do)


def _removed(lock: LockFile) -> str:
    if stale_locks.remove_same(lock):
        return f"removed {lock.path}"
    if stale_locks.look_at(lock.path) is None:
        return f"{lock.path} is gone already"
    raise ContendedError(f"{lock.path} cannot be removed, or another process has just taken it.", hint="Look again.")


def refs(site: Site) -> Finding:
    """Look for refs of a home that are damaged, or whose ledger cannot be read."""
    opened = _opened(site)
    if opened is None:
        raise NotCheckedError("nothing was coordinated in this clone yet")
    if opened.mode is not StoreMode.HOME or opened.remote:
        raise NotCheckedError("the refs of this store are copies")
    names = Refs() if site.place is None else site.place.refs
    home = HomeTransport(opened, clocks=site.clocks())
    listed = home.read(names.everything)
    reader = Reader(home, names)
    damaged = {RefName(oddity.ref): oddity.what for oddity in skipped_by(home, is_home=True)}
    for name, tip in listed.items():
        damage = unreadable(reader, names, name, tip)
        if damage:
            damaged[name] = damage
    noted = home_tips(opened.folder)
    for name, tips in noted.items():
        if LEDGERS.is_ledger(names, name) and name not in listed and tips[-1] is not None:
            damaged.setdefault(name, "was written and cannot be found any more")
    count = len(listed)
    last = {ref: [tip for tip in (*noted.get(ref, []), listed.get(ref)) if tip is not None] for ref in damaged}
    found = [_damage(site, opened, ref, why, names, last[ref]) for ref, why in sorted(damaged.items())]
    return together(found, ok(f"{amount(count, 'ref')}, each can be read", count=count))


def unreadable(reader: Reader, names: Refs, ref: RefName, tip: Oid) -> str:
    """Return why a ledger is damaged, as the end of a sentence; "": it is not, or the ref is another."""
    if not LEDGERS.is_ledger(names, ref) or ref == names.config:  # of damaged rules `ledgers` says it
        return ""
    try:
        reader.ledger(ref, tip)
    except SchemaError:
        return ""  # whole: a newer version wrote it
    except (DocumentError, MissingObjectError) as error:
        return f"cannot be read: {str(error).rstrip('.')}"
    return ""


def _damage(site: Site, opened: Store, ref: RefName, why: str, names: Refs, last: Sequence[Oid]) -> Finding:
    def do() -> str:
        if opened.is_journaled and not locks_hold(opened.folder):
            raise locks_error(opened.folder)
        with locked(site):
            home = HomeTransport(opened, clocks=site.clocks())
            home.replay(site.host.boot)  # the journal may have the very objects that are damaged
            fresh = HomeTransport(opened, clocks=site.clocks())
            listed = fresh.read([ref])
            if ref in listed and not unreadable(Reader(fresh, names), names, ref, listed[ref]):
                return f"{ref} is at {listed[ref][:12]} again, from the journal: nothing is lost"
            reader = Reader(fresh, names)
            tips = (
                tip
                for tip in reversed(home_tips(opened.folder).get(ref, []))
                if tip is not None and fresh.objects.has(tip)
            )
            tip = next((tip for tip in tips if not unreadable(reader, names, ref, tip)), None)
            if tip is None:
                message = f"None of the last tips of {ref} can be read."
                raise StoreDamagedError(message, hint=f"Put back a copy of {opened.folder}, or move that folder away.")
            fresh.put_back(ref, tip)
            site.forget()
            if any(error.where == ref for error in site.rewound()):  # the fences after it must not be given again
                site.restorer().keep(ref, site.lookback().mark_of(ref))
            return f"{ref} is back at {tip[:12]}; what came after that is not in it any more"

    lost = "what was coordinated there after that tip is lost, unless the journal has it"
    hint = f"gitcoord doctor --repair puts {ref} back to the newest tip that can be read; {lost}."
    keeps = keeper(site, ref, last[-1] if last else None)
    repair = Repair(f"put {ref} back to the newest tip that can be read", do, lost, keeps)
    facts: dict[str, Json] = {"damaged": [ref]}
    return Finding(Status.FAIL, f"{ref} {why}.", hint, facts, (repair,))


def _opened(site: Site) -> Store | None:
    try:
        return open_store(site.in_repository().common_dir)
    except CoordError:
        raise NotCheckedError("the store cannot be opened") from None


@contextmanager
def locked(site: Site) -> Generator[None]:
    """Hold the clone's lock."""
    try:
        with FileLock(site.coordination / "lock", timeout=LOCKED_S):
            yield
    except Timeout:
        raise ContendedError("Another process of this clone is at work; nothing was changed.", hint="Again.") from None
    except OSError as error:
        message = f"The store cannot be locked: {error.strerror or error}."
        raise StorageError(message, hint=disk_hint(error.errno)) from error
