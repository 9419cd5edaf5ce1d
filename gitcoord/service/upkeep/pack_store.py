"""Packing the clone's store, and keeping in it what may be needed though no ref of the store names it.

Rules:
  * SAFE-9: what this clone saw last of each ledger stays, which a ledger that went back is put back from; so does what
    it answers from while its remote is away, and what it has of the archives that the remote keeps.
  * What was named while the store was packed, and went, is in the journal of a store that is the truth, and is written
    again from there; a copy of a remote's is brought again.
  * Archives that the remote has given up go with the rest.
"""

from collections.abc import Mapping
from contextlib import suppress

from filelock import Timeout

from gitcoord.core.documents.json_text import Json
from gitcoord.errors import StorageError, StoreDamagedError
from gitcoord.ledger.rewinds.marks import newest_of_all
from gitcoord.remote.contract.protocol import Oid, RefName
from gitcoord.remote.copies.copied_objects import CopiedObjects
from gitcoord.remote.store.compaction import StoreSize, compact, lacking, size_of
from gitcoord.remote.store.files_refs import FilesRefs
from gitcoord.remote.store.pygit_objects import PygitObjects
from gitcoord.remote.store.store import Store, StoreMode, keep_from_gc, let_go, open_store
from gitcoord.remote.transports.home import HomeTransport
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.upkeep.roll_ledgers import with_archives

PREFIX = "refs/gitcoord-kept/"


def pack_store(workspace: Workspace, *, dry_run: bool) -> Json:
    """Pack the store; return its size `before` and `after`, `None` where there is no store.

    Raises:
        StorageError: it was not packed; nothing is lost.
        StoreDamagedError: it needs `doctor`.
    """
    store, env = open_store(workspace.setting.clone.folder.parent), workspace.repository.env
    if store is None:
        return None
    home = workspace.setting.transport
    if isinstance(home, HomeTransport):
        home.write_out()  # what is named is looked for in the repository
    before = size_of(store.path, env)
    if dry_run:
        return {"before": _size(before), "after": None}
    _keep(workspace, store)
    refs = FilesRefs(store.path, now_ns=lambda: 0)
    named = refs.read(["refs/"])
    compact(store.path, env)
    _look_after(workspace, store, named)
    return {"before": _size(before), "after": _size(size_of(store.path, env))}


def _size(size: StoreSize) -> Json:
    return {"loose": size.loose, "packs": size.packs, "bytes": size.size_bytes}


def _keep(workspace: Workspace, store: Store) -> None:
    """Name what has to stay, and no more than that."""
    is_copy, env = store.mode is StoreMode.CACHE, workspace.repository.env
    if is_copy and not CopiedObjects(store.path).indexes_again(env):
        message = f"The store {str(store.path)!r} has a pack with a damaged index, which cannot be made again."
        raise StorageError(message, hint="Make room on the disk, or make the folder writable.")
    last, objects = workspace.setting.last_listing, PygitObjects(store.path)
    listing = last.raw() if last is not None else None
    wanted = {*with_archives(workspace).values(), *(listing.refs.values() if listing else ())}
    wanted |= {Oid(mark.tip) for mark in newest_of_all(workspace.setting.clone.folder).values()}
    kept = FilesRefs(store.path, now_ns=lambda: 0).read([PREFIX])
    here = {RefName(f"{PREFIX}{oid}"): oid for oid in wanted if oid.isalnum() and objects.has(oid)}
    for name in here.keys() - kept.keys():
        keep_from_gc(store, name, here[name])
    for name in kept.keys() - here.keys():
        let_go(store, name)


def _look_after(workspace: Workspace, store: Store, named: Mapping[RefName, Oid]) -> None:
    """Write again what writers have come to need meanwhile and found here just before it went."""
    try:
        is_whole = not lacking(store.path, workspace.repository.env, named.values())
    except StorageError:
        is_whole = False  # git stops at a commit that is not here
    home = workspace.setting.transport
    if is_whole or not isinstance(home, HomeTransport):  # no other store is written to, but as a copy
        return
    with suppress(Timeout), workspace.combiner.lock():
        home.replay(workspace.setting.host.boot)
        return
    raise StoreDamagedError("The store lacks what was written while it was packed.", hint="Run gitcoord doctor.")
