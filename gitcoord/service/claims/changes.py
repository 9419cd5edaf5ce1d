"""News of the claims for a waiter: whether the ledger has moved, found out as cheaply as the place allows.

Rules:
  * The store and a remote on a path are looked at directly, one ref and no process.
  * Where a process has to be started for it, one session of the clone asks for all; see `remote_poller`.

What this file does not know: what is waited for.
"""

import contextlib
from collections.abc import Mapping

from gitcoord.core.claims.register import Register
from gitcoord.errors import MissingObjectError, StorageError
from gitcoord.remote.contract.protocol import Oid, RefName
from gitcoord.service.place.remote_poller import Lookout, place_of, wait_for_news
from gitcoord.service.session.workspace import Workspace

NEAR_S = 0.1  # between two looks at a ref on this machine: 50 µs each
FAR_S = 0.5  # between two looks at what another session saw; the remote itself is asked every few seconds
WAITED_S = 10.0  # for how long in advance the clone knows that a call waits


class ClaimNews:
    """One waiter's look at the claims."""

    def __init__(self, workspace: Workspace) -> None:
        """Begin with the ledger as it is when it is first looked at."""
        self._workspace = workspace
        self._seen: Oid | None = None
        self._has_looked = False
        self._lookout: Lookout | None = None

    @property
    def pause_s(self) -> float:
        """Return how long to wait between two looks."""
        return FAR_S if self._is_far else NEAR_S

    def look(self) -> Register | None:
        """Return the claims if they may have changed since the last look.

        Raises:
            CoordError: they cannot be read now.
        """
        workspace = self._workspace
        listed = self._listed()
        tip = listed.get(workspace.setting.refs.claims)
        if self._has_looked and tip == self._seen:
            return None
        try:
            register = workspace.register(listed)
        except MissingObjectError:  # another session has seen it and not brought it here yet
            register = workspace.register()
        self._has_looked, self._seen = True, tip
        return register

    def close(self) -> None:
        """Stop looking."""
        if self._lookout is not None:
            self._lookout.close()
            self._lookout = None

    @property
    def _is_far(self) -> bool:
        return self._workspace.setting.transport.is_far

    def _listed(self) -> Mapping[RefName, Oid]:
        workspace = self._workspace
        workspace.follow()
        if not self._is_far:
            with workspace.lock:
                return workspace.setting.transport.read([workspace.setting.refs.claims])
        if self._lookout is None or self._lookout.place != place_of(workspace):
            self.close()
            self._lookout = Lookout(workspace, since=workspace.setting.host.now())
        with contextlib.suppress(StorageError):  # the disk is full: news come later
            wait_for_news(workspace.setting.clone.folder, workspace.setting.host, WAITED_S)
        return self._lookout.look()
