"""Following: what happens from a cursor on, turn by turn, whatever breaks on the way.

    turn ──a ref moved──> the events since, and the cursor behind them
      ├──nothing moved for so long──> an empty turn
      └──the remote, a ledger or the disk is in the way──> the problem, once; the next turn asks again

Rules:
  * A turn never ends the following: what is in the way is a row of it, and so is that it is no more.
  * A ledger that is damaged, back or gone is named once; the others go on.

What this file does not know: how a turn is shown.
"""

from typing import NamedTuple

from gitcoord.core.documents.json_text import Json
from gitcoord.errors import CoordError
from gitcoord.service.events import event_stream
from gitcoord.service.events.event_feed import Tips
from gitcoord.service.events.ledger_news import LedgerNews
from gitcoord.service.session.patience import Patience
from gitcoord.service.session.workspace import Workspace

PAGE = 1_000  # a page begins with a walk back to the cursor: 35 µs a commit, of up to 20,000
AFTER_TROUBLE = 4  # times the usual pause: what is away is asked less often


class Turn(NamedTuple):
    """One turn.

    Attributes:
        rows: events, as `event_stream` has them.
        cursor: goes on behind them.
        problems: what is in the way and was not before: `problem`, `hint`, and `ref` of a ledger.
        solved: the problems that are in the way no more.
    """

    rows: list[dict[str, Json]]
    cursor: str
    problems: list[dict[str, Json]]
    solved: list[str]


class EventFollower:
    """One reader that follows; one thread at a time uses it."""

    def __init__(self, workspace: Workspace, cursor: str | None) -> None:
        """Begin at a cursor; `None`: now.

        Raises:
            InvalidError: that is no cursor, or one of another remote.
            UnreachableError: the ledgers cannot be listed.
        """
        self._workspace = workspace
        self._news = LedgerNews(workspace)
        self._listed: Tips | None = None
        self._problems = dict[str, dict[str, Json]]()
        self._is_troubled = False
        self.cursor = event_stream.read(workspace, cursor, 0).cursor

    def turn(self, patience: Patience, seconds: float) -> Turn:
        """Wait for news for so long, or until the patience ends, and return what there is.

        A page that has more is followed by the next turn without a wait.
        """
        found = dict[str, dict[str, Json]]()
        rows = list[dict[str, Json]]()
        try:
            usual_s = 0.0 if self._is_troubled else seconds  # else it is said late that all is well again
            listed = self._listed if self._listed is not None else self._news.wait(patience, usual_s)
            self._listed = None
            if listed is not None:
                page = event_stream.read(self._workspace, self.cursor, PAGE, listed=listed)
                rows, self.cursor = page.rows, page.cursor
                self._listed = listed if page.has_more else None
        except CoordError as error:
            found[str(error)] = {"problem": str(error), "hint": error.hint}
            self._news.forget()
            patience.pause(min(AFTER_TROUBLE * self._news.pause_s, seconds))
        self._is_troubled = bool(found)
        found |= self._oddities()
        new = [row for text, row in found.items() if text not in self._problems]
        solved = [text for text in self._problems if text not in found]
        self._problems = found
        return Turn(rows, self.cursor, new, solved)

    @property
    def has_more(self) -> bool:
        """Whether the next turn has something without a wait."""
        return self._listed is not None

    def close(self) -> None:
        """Stop following."""
        self._news.close()

    def _oddities(self) -> dict[str, dict[str, Json]]:
        rows = [row for row in self._workspace.oddities() if isinstance(row, dict)]
        return {
            str(row["message"]): {"problem": row["message"], "hint": row["next_step"], "ref": row["ref"]}
            for row in rows
        }
