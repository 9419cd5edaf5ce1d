"""The watch: beats for the agent and sees what others do, in a thread, for as long as the server runs.

A hook of the session rings when there is something to do at once.
"""

import sys
import threading
from collections.abc import Callable

from gitcoord.ledger.clone.bug_report import bug
from gitcoord.service.session.wakeup import Bell
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.watch import watch

AFTER_A_BUG_S = 60.0  # rarely enough to be quiet, often enough to stay alive within the stale limit


class Watch:
    """Ticks until it is stopped."""

    def __init__(self, workspace: Workspace, changed: Callable[[list[str]], None]) -> None:
        self._workspace = workspace
        self._changed = changed
        self._stopped = threading.Event()
        self._bell = Bell(workspace.bell_path)
        workspace.wake = self._bell.ring
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Stop before the next tick; one that waits for the network is left behind."""
        self._stopped.set()
        self._bell.close()

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                tick = watch.tick(self._workspace)
            except Exception as error:  # noqa: BLE001 - without its watch an agent would look dead
                sys.stderr.write(f"{bug(error, 'watching')}\n")
                self._bell.wait(AFTER_A_BUG_S)
                continue
            if tick.changed and not self._stopped.is_set():
                self._changed(tick.changed)
            self._bell.wait(tick.next_s)
