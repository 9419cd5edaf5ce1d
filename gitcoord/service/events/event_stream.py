"""The stream of events: a page of what happened after a cursor, each row with the cursor to go on from behind it.

    read(workspace, None)      no rows, and the cursor of now
    read(workspace, cursor)    what happened after it, the oldest first, and the cursor behind that
    START                      stands for the cursor before everything

Rules:
  * RELAY-4: a row has the id that a relay delivers the same event under.
  * After a ledger was put back or deleted an event may come again, under its id; none is left out by its place.
  * A cursor of another remote is refused, not read as one that is behind; unless the ledgers here know its commits: the
    same remote has several addresses, and the ledgers of a clone move to one.
  * A ledger that is damaged ends its own part; `workspace.oddities()` names it.

What this file does not know: who reads it, and how long one waits for news; see `ledger_news`.
"""

from typing import NamedTuple

from gitcoord.core.documents.events import Event
from gitcoord.core.documents.json_text import Json, time_text
from gitcoord.core.documents.names import shown
from gitcoord.core.relay.relay import Delivery
from gitcoord.errors import CoordError, InvalidError, UnreachableError
from gitcoord.ledger.format import commits
from gitcoord.service.events import cursor as cursors
from gitcoord.service.events import event_feed
from gitcoord.service.events.cursor import Cursor
from gitcoord.service.events.event_feed import Tips
from gitcoord.service.place.remote_poller import place_of
from gitcoord.service.session.workspace import Workspace

START = "start"
PAGE = 100
COMMITS_MAX = 2_000  # that one page reads without an event in them: about a second


class Page(NamedTuple):
    """A page of events.

    Attributes:
        rows: as `events/<word>` of the schemas describes them, with `id` and `cursor`; the oldest first.
        cursor: goes on behind them.
        has_more: whether there may be more already.
    """

    rows: list[dict[str, Json]]
    cursor: str
    has_more: bool


def read(workspace: Workspace, cursor: str | None, limit: int = PAGE, *, listed: Tips | None = None) -> Page:
    """Return what happened after a cursor; `None` begins now. `listed`: the ledgers, where they were just listed.

    Raises:
        InvalidError: that is no cursor, or one of another remote.
        UnreachableError: the ledgers cannot be listed, or a history that was left out of this clone does not come now.
    """
    tips = event_feed.tips(workspace) if listed is None else _tips_in(workspace, listed)
    here = cursors.begin(_place(workspace))
    if cursor is None:
        now = (event_feed.position_at(workspace, ref, tip) for ref, tip in sorted(tips.items()))
        return Page([], here.moved(*now).text, has_more=False)
    at = here if cursor == START else _of_here(workspace, cursors.parse(cursor), here, tips, cursor)
    positions = [position for ref in tips if (position := at.position_in(ref)) is not None]
    rows, quiet = list[dict[str, Json]](), 0
    for item in event_feed.feed(workspace, positions, tips, frozenset(Event)):
        if len(rows) >= limit or quiet >= COMMITS_MAX:
            return Page(rows, at.text, has_more=True)
        at = at.moved(item.position)
        quiet += item.delivery is None
        if item.delivery is not None:
            rows.append(_row(item.delivery, at))
    return Page(rows, at.text, has_more=False)


def _tips_in(workspace: Workspace, listed: Tips) -> Tips:
    """Return the ledgers of a listing; another session's may lack what this clone saw, or have what is not here yet."""
    tips = event_feed.ledgers_in(workspace, listed)
    has = workspace.setting.transport.objects.has
    is_usable = all(has(tip) for tip in tips.values()) and not workspace.rewound(listed)
    return tips if is_usable else event_feed.tips(workspace)


def _place(workspace: Workspace) -> str:
    """Name the place: every clone's own store is another one."""
    return place_of(workspace) if workspace.remote_url is not None else f"{place_of(workspace)} {workspace.clone_id}"


def _of_here(workspace: Workspace, given: Cursor, here: Cursor, tips: Tips, text: str) -> Cursor:
    """Return a cursor of this place, whatever the place was called when it was made."""
    if given.place != here.place and given.entries and not _is_known(workspace, given, tips):
        message = f"The cursor {shown(text, 40)} is not of {workspace.remote_name}."
        raise InvalidError(message, hint=f"Is this the right repository? {cursors.HINT}")
    return given._replace(place=here.place)


def _is_known(workspace: Workspace, given: Cursor, tips: Tips) -> bool:
    """Whether a commit of the cursor is in the history of a ledger."""
    for ref, tip in tips.items():
        position = given.position_in(ref)
        try:
            if position is not None and any(
                event_feed.is_at(position, oid) for oid, _ in commits.walk(workspace.setting.transport.objects, tip)
            ):
                return True
        except UnreachableError:  # it may be in what was left out of this clone
            raise
        except CoordError:  # damaged; named where ledgers are listed
            continue
    return False


def _row(event: Delivery, at: Cursor) -> dict[str, Json]:
    return {
        "id": event.id,
        "cursor": at.text,
        "event": event.event,
        "time": time_text(event.at),
        "outcome": "refused" if event.event == Event.CLAIM_REFUSED else "done",
        "agent": None,
        "project": None,
        **event.detail,
    }
