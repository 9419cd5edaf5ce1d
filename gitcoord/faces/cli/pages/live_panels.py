"""Live panels: one thread looks at the ledgers for all open pages, and makes anew what has changed.

    no page is open ──one asks──> look at the refs ──one moved, or it is time──> facts ──> panels of new facts
                                        └──────── pause <─────────────────────────────────┘

Rules:
  * One look is for all pages; but for one at the start there is none while no page is open.
  * A panel is made anew where its facts are other ones; its digest names the facts that it shows.
  * What cannot be read leaves the panels as they were; the condition says why, and of which moment they are.
  * For a page that reads slowly nothing is kept: it gets what is newest when it reads again.

What this file does not know: what the panels show, and how they come to a page.
"""

import hashlib
import threading
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import NamedTuple
from xml.etree import ElementTree as ET

from gitcoord.core.documents.json_text import Json, distinct, time_text
from gitcoord.errors import CoordError
from gitcoord.faces.cli.pages.panels import PANELS
from gitcoord.ledger.clone.bug_report import LastBug
from gitcoord.service.dashboard.dashboard import FIRST_COMMITS, Dashboard
from gitcoord.service.events.ledger_news import LedgerNews
from gitcoord.service.session import freshness
from gitcoord.service.session.workspace import Workspace

NEAR_S = 0.1  # between two looks at refs on this machine: below a millisecond each, and a person sees it at once
REST = 2.0  # a look costs a rest of twice its time: a third of one processor, however fast the ledgers move
OWED_S = 3.0  # of looks and rests together: so long may rests wait, so that after a quiet time news come at once
AGAIN_S = 10.0  # holders fall silent and claims end by time alone, without a commit
AWAY_S = 10.0  # a remote that does not answer is not asked more often
OLD_S = 45.0  # three times as long as lies between two questions: the remote does not answer, or who asks it hangs


class Fragment(NamedTuple):
    """A panel as it is shown. `digest`: of the facts that it shows."""

    digest: str
    html: str


class Condition(NamedTuple):
    """Of which moment the panels are; why not of now, as a sentence, and what to do about it: "" where they are."""

    at: datetime
    trouble: str = ""
    hint: str = ""

    def as_json(self) -> dict[str, Json]:
        """Return it for a page."""
        return {"at": time_text(self.at), "trouble": self.trouble, "hint": self.hint}


class Picture(NamedTuple):
    """What one look showed. `number`: how many looks there were, with this one."""

    number: int
    panels: Mapping[str, Fragment]
    condition: Condition


class Pace:
    """When to look again: rests are owed for a while, then taken after each look."""

    def __init__(self) -> None:
        """Owe nothing."""
        self._even = 0.0

    def rest_s(self, began: float, ended: float) -> float:
        """Return how long to rest after a look, by the steady clock, in seconds."""
        self._even = max(self._even, began) + (1 + REST) * (ended - began)
        return max(0.0, self._even - OWED_S - ended)


def made(facts: Mapping[str, Json], now: datetime, before: Mapping[str, Fragment]) -> dict[str, Fragment]:
    """Return every panel by name; one whose facts are as before is as it was."""
    found: dict[str, Fragment] = {}
    for panel in PANELS:
        digest = hashlib.sha256(distinct(facts.get(panel.key))).hexdigest()[:16]
        known = before.get(panel.name)
        if known is None or known.digest != digest:
            section = panel.of(facts, now)
            section.set("data-panel", panel.name)
            section.set("data-digest", digest)
            known = Fragment(digest, ET.tostring(section, encoding="unicode", method="html"))
        found[panel.name] = known
    return found


class LivePanels:
    """The panels of one workspace, for as long as a server runs."""

    def __init__(self, workspace: Workspace, days: int) -> None:
        """Look at nothing yet."""
        self._workspace = workspace
        self._dashboard = Dashboard(workspace, days)
        self._host = workspace.setting.host
        self._news = LedgerNews(workspace)
        self._bell = threading.Condition()
        self._tells: list[Callable[[], None]] = []
        self._trouble: CoordError | None = None
        self._bugs = LastBug()
        self._next = 0.0
        self._looked_at = float("-inf")
        self._thread = threading.Thread(target=self._run, name="panels", daemon=True)
        self.is_over = False
        self.latest = Picture(0, {}, Condition(self._host.now()))

    def start(self) -> None:
        """Begin with a look; the next one waits for a page."""
        self._thread.start()

    def stop(self) -> None:
        """Stop looking, and tell all pages; a look that waits for the network is left behind."""
        with self._bell:
            self.is_over = True
            self._bell.notify_all()
            tells = [*self._tells]
        for tell in tells:
            tell()

    @contextmanager
    def watched(self, tell: Callable[[], None], *, young_s: float = 0.0) -> Generator[int]:
        """Look for as long as the block runs; `tell` is called after each look, in a thread of its own.

        Args:
            tell: it may be called once more after the block.
            young_s: how old a look may be that is as good as one of now, since what moves after it is seen.

        Yields:
            The number of the last look that is too old to be shown as what is now.
        """
        with self._bell:
            is_young = bool(self._tells) or self._host.monotonic() - self._looked_at < young_s
            old = 0 if is_young else self.latest.number
            if not is_young:
                self._next = 0.0
            self._tells.append(tell)
            self._bell.notify_all()
        try:
            yield old
        finally:
            with self._bell:
                self._tells.remove(tell)

    def _run(self) -> None:
        is_far, pace = self._workspace.setting.transport.is_far, Pace()
        self.turn()  # so that the first page need not wait for documents that were never read
        while not self.is_over:
            with self._bell:
                self._bell.wait_for(lambda: self.is_over or bool(self._tells))
            began = self._host.monotonic()
            self.turn()
            usual_s = AWAY_S if self._trouble else self._news.pause_s if is_far else NEAR_S
            pause_s = max(usual_s, pace.rest_s(began, self._host.monotonic()))
            with self._bell:
                self._bell.wait_for(lambda: self.is_over or self._next == 0.0, pause_s)
        self._news.close()

    def turn(self) -> None:
        """Look at the refs, and at what the panels show if that may be other than before."""
        has_moved, trouble = False, None
        try:
            has_moved = self._news.look() is not None
        except Exception as error:  # noqa: BLE001 - the page says it; else this thread would end, and no one know why
            trouble = self._bugs.as_known(error, "looking for news of the ledgers")
        is_other = str(trouble) != str(self._trouble)
        self._trouble = trouble
        if not (has_moved or is_other or self._host.monotonic() >= self._next) or self.is_over:
            return
        before = self.latest
        try:
            panels, condition = self.look()
        except Exception as error:  # noqa: BLE001 - as above
            self._trouble = known = self._bugs.as_known(error, "showing the ledgers")
            panels, condition = before.panels, Condition(before.condition.at, str(known), known.hint)
        self.latest = Picture(before.number + 1, panels, condition)
        with self._bell:
            self._looked_at = self._host.monotonic()
            self._next = self._looked_at + (AGAIN_S if self._dashboard.is_complete else 0.0)
            tells = [*self._tells]
        for tell in tells:
            tell()

    def look(self) -> tuple[Mapping[str, Fragment], Condition]:
        """Return the panels as they are now, or as what is here has them.

        Raises:
            CoordError: nothing can be said.
        """
        trouble, is_far = self._trouble, self._workspace.setting.transport.is_far
        with freshness.reading(self._host, asks=not is_far and trouble is None) as read:
            facts = self._dashboard.panels(commits_max=FIRST_COMMITS)
        now = self._host.now()
        at = now if read.listing is None else read.listing.at
        age_s = (now - at).total_seconds()
        condition = Condition(at)
        if trouble is not None:
            condition = Condition(at, str(trouble), trouble.hint)
        elif age_s > OLD_S:
            condition = Condition(at, f"The remote was not read for more than {OLD_S:.0f} s.")
        return made(facts, now, self.latest.panels), condition
