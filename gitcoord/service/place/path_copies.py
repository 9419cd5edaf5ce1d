"""Copying: of a remote on a path this clone keeps what it read in its own store, for when that is put back, or away.

    watcher                ──> all that is new: at each look while its agent works, else once a minute
    end of a command       ──> what is new, for KEEP_S at most; the next one goes on where it stopped
    end of the first       ──> the same, for FIRST_S at most, until a listing was noted
    watcher, once a day    ──> copies that no one misses go (`ledger/rewinds/copies`)

Rules:
  * What was listed counts as here (`last_listing`) once all of it is copied, heartbeats too.
  * What cannot be copied now is copied later; no command fails for it.
  * Through the git program every read brings the objects here, so that there is nothing to copy.
"""

import contextlib
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from gitcoord.errors import CoordError, UnreachableError
from gitcoord.ledger.rewinds.marks import newest_of_all
from gitcoord.remote.contract.protocol import Oid, RefName
from gitcoord.remote.copies.copied_objects import CopiedObjects, objects_of
from gitcoord.remote.store.files_refs import FilesRefs
from gitcoord.remote.store.pygit_objects import PygitObjects
from gitcoord.remote.store.store import StoreMode, ensure_store, keep_from_gc, let_go, open_store
from gitcoord.service.session.workspace import Workspace

if TYPE_CHECKING:
    from gitcoord.ledger.readers.last_listing import Listing


EVERY_S = 60.0  # what is lost with a backup that is put back is at most this; a copy is some files a write
PRUNED_EVERY_S = 86_400.0
KEEP_S = 0.03  # at the end of a command, after its answer: a tenth of what a cold one takes; some 20 writes fit
FIRST_S = 1.0  # while nothing can be answered from here: what COMMITS_MAX commits of a ledger take, see `copies`


class Copier:
    """One watcher's part in it. Of several in a clone each copies what the others have not yet."""

    def __init__(self, workspace: Workspace) -> None:
        """Copy at the first look."""
        self._workspace = workspace
        self._next = self._next_pruning = 0.0
        self._copied: Mapping[RefName, Oid] = {}

    def look(self, listing: "Listing") -> None:
        """Copy what has moved; at every look while our agent is at work, so that what it did is here."""
        if self._workspace.setting.host.monotonic() >= self._next_pruning:
            self._next_pruning = self._workspace.setting.host.monotonic() + PRUNED_EVERY_S
            _prune(self._workspace, listing)
        workspace, wanted = self._workspace, _wanted(self._workspace, listing)
        host, called_at = workspace.setting.host, workspace.called_at
        is_at_work = called_at is not None and host.now() - called_at < timedelta(seconds=EVERY_S)
        if wanted.refs != self._copied and host.monotonic() < self._next and not is_at_work:
            return
        self._next = host.monotonic() + EVERY_S
        if _keep(workspace, wanted, lambda: True):
            self._copied = wanted.refs


def keep(workspace: Workspace) -> None:
    """Copy what has moved, at the end of a command."""
    from gitcoord.ledger.readers.last_listing import Listing

    if _git_dir(workspace) is None:
        return
    host, last = workspace.setting.host, workspace.setting.last_listing
    end = host.monotonic() + (FIRST_S if last is not None and last.raw() is None else KEEP_S)
    with contextlib.suppress(CoordError):
        listing = Listing(host.now(), workspace.listed())
        _keep(workspace, _wanted(workspace, listing), lambda: host.monotonic() < end)


def _git_dir(workspace: Workspace) -> Path | None:
    """Return the remote's repository, if it is one on a path that is read in this process."""
    return getattr(workspace.setting.transport, "git_dir", None) if workspace.remote_url is not None else None


def _wanted(workspace: Workspace, listing: "Listing") -> "Listing":
    from gitcoord.ledger.readers.last_listing import Listing

    refs, ledgers = workspace.setting.refs, workspace.setting.ledgers
    kept = {ref: tip for ref, tip in listing.refs.items() if ledgers.is_ledger(refs, ref) or refs.clone_of(ref)}
    return Listing(listing.at, kept)


def _prune(workspace: Workspace, listing: "Listing") -> None:
    """Let go of the copies of ledgers that are rightly gone."""
    from gitcoord.ledger.rewinds import copies

    setting = workspace.setting
    with contextlib.suppress(CoordError):
        store = open_store(setting.clone.folder.parent)
        if store is None or workspace.rewound_refs:
            return
        copied = FilesRefs(store.path, now_ns=lambda: 0).read([copies.name_of(RefName(f"{setting.refs.namespace}/"))])
        missed = {*listing.refs, *newest_of_all(setting.clone.folder)}
        for name in copies.unused(objects_of(store), copied, missed, setting.host.now()):
            let_go(store, name)


def _keep(workspace: Workspace, wanted: "Listing", goes_on: Callable[[], bool]) -> bool:
    """Copy what is not here, and note the listing once all is; where a ledger went back, nothing is noted."""
    from gitcoord.ledger.rewinds import copies

    git_dir, last, rewound = _git_dir(workspace), workspace.setting.last_listing, workspace.rewound_refs
    if git_dir is None or last is None:
        return False
    sound = {ref: tip for ref, tip in wanted.refs.items() if ref not in rewound}
    is_whole = False
    with contextlib.suppress(CoordError):
        source = PygitObjects(git_dir, UnreachableError)
        store = ensure_store(workspace.setting.clone.folder.parent, StoreMode.CACHE)
        target = PygitObjects(store.path)
        wanting = {name: oid for name, oid in sound.items() if not target.has(oid)}
        if wanting and not CopiedObjects(store.path).indexes_again(workspace.repository.env):
            return False
        whole = True
        for name, oid in wanting.items():
            is_here = False
            with contextlib.suppress(CoordError):  # of one ledger
                is_here = copies.copy_history(source, target, oid, must_join=False, goes_on=goes_on)
                if is_here and workspace.setting.ledgers.is_ledger(workspace.setting.refs, name):
                    keep_from_gc(store, copies.name_of(name), oid)
            whole = whole and is_here
        is_whole = whole and not rewound
    if is_whole:
        last.note(wanted, workspace.setting.host.unique)
    return is_whole
