"""News of the ledgers: waiting until a ref of coordination has moved, as cheaply as the place allows.

    look ──nothing moved──> pause ──> look …
      └──moved──> the refs, as they are now

Rules:
  * The store and a remote on a path are looked at directly, without a process.
  * Where a process has to be started for it, one session of the clone asks for all, every few seconds while someone
    waits; see `gitcoord.service.place.remote_poller`.

What this file does not know: what the news is.
"""

import contextlib
from collections.abc import Mapping

from gitcoord.errors import StorageError
from gitcoord.remote.contract.deadline import asking_again
from gitcoord.remote.contract.protocol import Oid, RefName
from gitcoord.service.place.remote_poller import Lookout, place_of, wait_for_news
from gitcoord.service.session.patience import Patience
from gitcoord.service.session.workspace import Workspace

NEAR_S = 0.5  # between two looks at refs on this machine: below a millisecond each
FAR_S = 1.0  # between two looks at what another session saw; the remote itself is asked every few seconds
WAITED_S = 10.0  # for how long in advance the clone knows that someone waits


class LedgerNews:
    """One reader's look at the refs; one thread at a time uses it."""

    def __init__(self, workspace: Workspace) -> None:
        """Begin with the refs as they are when they are first looked at, which is news."""
        self._workspace = workspace
        self._seen: Mapping[RefName, Oid] | None = None
        self._lookout: Lookout | None = None

    @property
    def pause_s(self) -> float:
        """Return how long to wait between two looks."""
        return FAR_S if self._workspace.setting.transport.is_far else NEAR_S

    def look(self) -> Mapping[RefName, Oid] | None:
        """Return the refs if one has moved since the last look.

        Raises:
            CoordError: they cannot be read now.
        """
        with asking_again():
            listed = dict(self._listed())
        if listed == self._seen:
            return None
        self._seen = listed
        return listed

    def forget(self) -> None:
        """Let the next look be news: what came with the last one could not be read."""
        self._seen = None

    def wait(self, patience: Patience, seconds: float) -> Mapping[RefName, Oid] | None:
        """Wait until a ref has moved; `None`: nothing did for so long, or the patience is over.

        Raises:
            CoordError: the refs cannot be read now.
        """
        monotonic = self._workspace.setting.host.monotonic
        end = monotonic() + seconds
        while True:
            listed = self.look()
            left = end - monotonic()
            if listed is not None or left <= 0 or patience.pause(min(self.pause_s, left)):
                return listed

    def close(self) -> None:
        """Stop looking; another session of the clone asks from now on."""
        if self._lookout is not None:
            self._lookout.close()
            self._lookout = None

    def _listed(self) -> Mapping[RefName, Oid]:
        workspace = self._workspace
        workspace.follow()
        if not workspace.setting.transport.is_far:
            return workspace.listed()
        if self._lookout is None or self._lookout.place != place_of(workspace):
            self.close()
            self._lookout = Lookout(workspace)
        with contextlib.suppress(StorageError):  # the disk is full: news come later
            wait_for_news(workspace.setting.clone.folder, workspace.setting.host, WAITED_S)
        return self._lookout.look()
