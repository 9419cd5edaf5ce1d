"""Copying: a watcher on a remote on a path keeps what is new of each ledger in its clone's own store, once a minute."""

import contextlib
from collections.abc import Mapping
from pathlib import Path

from gitcoord.errors import CoordError
from gitcoord.ledger import copies
from gitcoord.remote import store as stores
from gitcoord.remote.protocol import Oid, RefName
from gitcoord.remote.pygit_objects import PygitObjects
from gitcoord.remote.store import StoreMode
from gitcoord.service.workspace import Workspace

EVERY_S = 60.0  # what is lost with a backup that is put back is at most this; a copy is some files a write


class Copier:
    """One watcher's part in it. Of several in a clone each copies what the others have not yet."""

    def __init__(self, workspace: Workspace) -> None:
        """Copy at the first look."""
        self._workspace = workspace
        self._next = 0.0
        self._copied: dict[RefName, Oid] = {}

    def look(self, listed: Mapping[RefName, Oid]) -> None:
        """Copy what has moved; what cannot be copied now is tried again a minute later."""
        workspace = self._workspace
        now = workspace.setting.host.monotonic()
        git_dir: Path | None = getattr(workspace.setting.transport, "git_dir", None)  # only one on a path has it
        if workspace.remote_url is None or git_dir is None or now < self._next:
            return
        self._next = now + EVERY_S
        is_ledger, rewound = workspace.setting.refs.is_ledger, workspace.rewound_refs
        wanted = {ref: tip for ref, tip in listed.items() if is_ledger(ref) and ref not in rewound}
        moved = {ref: tip for ref, tip in wanted.items() if self._copied.get(ref) != tip}
        with contextlib.suppress(CoordError):
            self._copy(PygitObjects(git_dir), moved)

    def _copy(self, source: PygitObjects, moved: Mapping[RefName, Oid]) -> None:
        store = stores.ensure_store(self._workspace.setting.clone.folder.parent, StoreMode.CACHE)
        for ref, tip in moved.items():
            with contextlib.suppress(CoordError):  # of one ledger
                copies.copy_history(source, PygitObjects(store.path), tip, must_join=False)
                stores.keep_from_gc(store, copies.name_of(ref), tip)
                self._copied[ref] = tip
