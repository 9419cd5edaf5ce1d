"""The workspace of this server: opened when it is first needed, tried again while there is none, closed at the end.

Outside a repository the server keeps running, and each call says what is missing. For as long as it runs, a watch beats
for the agent and sees what others do, in a thread; a hook of the session rings when there is something to do at once.
"""

import sys
import threading
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path

from gitcoord.core.documents.json_text import Json
from gitcoord.errors import CoordError, RepositoryError
from gitcoord.faces.mcp.client import UNKNOWN, client_of, session_of, tool_name
from gitcoord.faces.mcp.manifest import LISTS
from gitcoord.ledger.clone.bug_report import bug
from gitcoord.runtime import open_workspace
from gitcoord.service.session.wakeup import Bell
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.watch import watch
from gitcoord.service.watch.notices import take_notices
from gitcoord.service.watch.watch import Tick

# What a client asks that only looks whether we are there; no workspace is opened for it.
_LOOKING = frozenset({"initialize", "server/discover", "ping", *LISTS})
UNHEARD_MAX = 100  # looks while the engine loads, which takes a second; an engine that never loads hears of none
AFTER_A_BUG_S = 60.0  # rarely enough to be quiet, often enough to stay alive within the stale limit
CLOSE_S = 1.0  # for a thread that is opening; the session's lock ends with the process anyway


class Workplace:
    """Where the server's agent works.

    Attributes:
        folder: where the server was started.
    """

    def __init__(self, cwd: Path, env: Mapping[str, str]) -> None:
        self.folder = cwd
        self._env = env
        self._listening = threading.Lock()
        self._listener: Callable[[Tick], None] | None = None
        self._unheard = deque[Tick](maxlen=UNHEARD_MAX)
        self._lock = threading.Lock()
        self._workspace: Workspace | None = None
        self._watch: Watch | None = None
        self._begun = False
        self.tool = UNKNOWN

    def meet(self, method: str, params: Mapping[str, Json]) -> None:
        """See each message first: it may say who the client is, and that work begins.

        Then the workspace is opened in the background, so that the first call need not wait and others see this agent.
        """
        name = client_of(method, params)
        if name is not None:
            self.tool = tool_name(name)
        if method not in _LOOKING and not self._begun:
            self._begun = True
            threading.Thread(target=self._try_open, name="opening", daemon=True).start()

    def listen(self, ticked: Callable[[Tick], None]) -> None:
        """Call this with what each look brings, in a thread of its own, and first with what earlier ones brought."""
        with self._listening:
            self._listener = ticked
            for tick in self._unheard:
                ticked(tick)
            self._unheard.clear()

    def open(self) -> Workspace:
        """Return the workspace.

        Raises:
            CoordError: there is none here; the next call tries again.
        """
        with self._lock:
            if self._workspace is None:
                try:
                    self._workspace = self._opened_in(self.folder)
                except RepositoryError:
                    project = self._env.get("CLAUDE_PROJECT_DIR")
                    if not project or Path(project) == self.folder:
                        raise
                    self._workspace = self._opened_in(Path(project))
                self._watch = Watch(self._workspace, self._tell)
                self._watch.start()
            return self._workspace

    def take_notices(self) -> list[dict[str, Json]]:
        """Return the notices that the agent has not got yet."""
        return take_notices(self.open())

    def close(self) -> None:
        """End the session; its steps and claims stay for the grace."""
        if not self._lock.acquire(timeout=CLOSE_S):
            return
        try:
            if self._watch is not None:
                self._watch.stop()
            if self._workspace is not None:
                self._workspace.close()
        finally:
            self._lock.release()

    def _tell(self, tick: Tick) -> None:
        with self._listening:
            listener = self._listener
            if listener is None:
                self._unheard.append(tick)
        if listener is not None:
            listener(tick)

    def _opened_in(self, folder: Path) -> Workspace:
        return open_workspace(folder, self._env, tool=self.tool, session=session_of(self._env), serve=True)

    def _try_open(self) -> None:
        try:
            self.open()
        except (CoordError, OSError):
            return  # the first call says why


class Watch:
    """Ticks until it is stopped."""

    def __init__(self, workspace: Workspace, ticked: Callable[[Tick], None]) -> None:
        self._workspace = workspace
        self._ticked = ticked
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
                self._ticked(tick if self._workspace.preferences.wakes else Tick(tick.changed, tick.next_s))
            self._bell.wait(tick.next_s)
