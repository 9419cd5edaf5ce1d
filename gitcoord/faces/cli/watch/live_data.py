"""Live data: what the screen shows, brought by a thread of its own, so that no key waits for a remote.

    the thread: news, or a while has passed ──> one look, with its age ──> the screen

What this file does not know: how it is drawn.
"""

import threading
from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

from gitcoord.core.documents.json_text import Json
from gitcoord.errors import CoordError
from gitcoord.faces.cli.terminal import commands
from gitcoord.faces.cli.terminal.calls import Result
from gitcoord.faces.cli.terminal.fields import records, text
from gitcoord.ledger.clone.bug_report import LastBug
from gitcoord.service.events import event_follower
from gitcoord.service.place import path_copies
from gitcoord.service.session import freshness
from gitcoord.service.session.patience import Patience
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.steps import step_views
from gitcoord.service.team import hotspots
from gitcoord.service.watch import live_view

TURN_S = 10.0  # who is alive changes with time alone
FAR_TURN_S = 30.0  # where each look asks a remote
HOT_S = 60.0  # between two counts of refusals, which change slowly
EVENTS_MAX = 1_000
EVENTS_FIRST = 200
AFTER_TROUBLE_S = 2.0
AFTER_A_BUG_S = 60.0  # each has a report of its own
_WITHOUT_SENTENCES = ("steps", "claims", "agents", "projects")  # of ours; ten thousand rows take 0.2 s to look through


class LiveLook(NamedTuple):
    """One look. `age`: how old it is, in words, where the remote did not answer; `problem`: why there is none."""

    data: Result
    at: datetime
    age: str = ""
    problem: str = ""


class LiveData:
    """Looks until it is stopped; `show` is called with each look, in the thread of this."""

    def __init__(self, workspace: Workspace, show: Callable[[LiveLook], None]) -> None:
        """Look at nothing yet."""
        self._workspace, self._show = workspace, show
        self._patience = Patience()
        self._bugs = LastBug()
        self._events: list[Json] = []
        self._follower: event_follower.EventFollower | None = None
        self._last: Result = {}
        self._hot: Json = []
        self._hot_due = 0.0

    def begin(self) -> None:
        """Look, in a thread that does not keep the process alive: one may wait for a network."""
        threading.Thread(target=self._run, name="looking", daemon=True).start()

    def stop(self) -> None:
        """Stop looking; a look on its way is left behind."""
        self._patience.stop()

    def _run(self) -> None:
        while not self._patience.is_over:
            try:
                self._tell(self._look())
                self._wait()
            except Exception as error:  # noqa: BLE001 - without this thread the screen would stand still
                self._tell(self._without(self._bugs.as_known(error, "looking at the ledgers")))
                self._patience.pause(AFTER_A_BUG_S)

    def _tell(self, look: LiveLook) -> None:
        if not self._patience.is_over:
            self._show(look)

    def _wait(self) -> None:
        """Wait for news; what is in the way is in the next look."""
        try:
            if self._follower is None:
                self._patience.pause(AFTER_TROUBLE_S)
                return
            is_far = self._workspace.setting.transport.is_far
            turn = self._follower.turn(self._patience, FAR_TURN_S if is_far else TURN_S)
            # The log, whose rows have no ids, was read a bit later than the cursor of the follower.
            known = {text(event.get("commit")) for event in records(self._events) if "id" not in event}
            new: list[Json] = [row for row in reversed(turn.rows) if text(row.get("commit")) not in known]
            self._events = [*new, *self._events][:EVENTS_MAX]
        except CoordError:
            self._patience.pause(AFTER_TROUBLE_S)

    def _look(self) -> LiveLook:
        workspace, host = self._workspace, self._workspace.setting.host
        try:
            with freshness.reading(host) as read:
                if self._follower is None:
                    self._follower = event_follower.EventFollower(workspace, None)
                    found = step_views.get_agent_events(workspace, limit=EVENTS_FIRST)["events"]
                    self._events = [*found] if isinstance(found, list) else []
                data = live_view.live(workspace)
                if host.monotonic() >= self._hot_due:
                    self._hot, self._hot_due = hotspots.hotspots(workspace)["hotspots"], host.monotonic() + HOT_S
                age = read.sentence()
            if read.is_fresh:
                path_copies.keep(workspace)  # as a command does at its end: what is shown while a remote is away
        except CoordError as error:
            return self._without(error)
        said = {name: value for name, value in data.items() if name not in _WITHOUT_SENTENCES}
        self._last = {**data, **commands.result_for_shell(said), "hotspots": self._hot}
        return LiveLook({**self._last, "events": self._events}, host.now(), age)

    def _without(self, error: CoordError) -> LiveLook:
        """Return what was seen last, with why there is nothing newer."""
        problem = f"{error} {commands.for_shell(error.hint)}".strip()
        return LiveLook({**self._last, "events": self._events}, self._workspace.setting.host.now(), problem=problem)
