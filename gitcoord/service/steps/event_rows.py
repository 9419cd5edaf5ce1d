"""Events as rows: what a log shows and a webhook carries of each thing that the ledgers' commits record.

    a command on the claims   ──> a row for each event in its record
    a command on a step       ──> a row of its outcome, and one for each event beside it
    a refusal                 ──> a row of its own, earlier than the commit that carries it

What this file does not know: who asks, and for which of them.
"""

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from gitcoord.core.documents.caller_notice import CallerNotice
from gitcoord.core.documents.json_text import Json, time_text
from gitcoord.core.documents.names import split_step_id
from gitcoord.core.steps.board import Board
from gitcoord.errors import CoordError, DocumentError, MissingObjectError
from gitcoord.ledger.archive import history
from gitcoord.ledger.archive.history import CommitEvents, Event
from gitcoord.remote.contract.protocol import LeavesOut, Objects, Oid, RefName, here
from gitcoord.service.claims.event_facts import PATTERNS_SHOWN, FactsMemo
from gitcoord.service.session.freshness import LEFT_OUT
from gitcoord.service.session.memo import Memo
from gitcoord.service.session.workspace import Workspace

_SILENT = ("beat_claims", "tidy", "tell_refusals", "keep_waiting")


@dataclass(frozen=True, slots=True)
class KnownEvents:
    """What commits did, and the facts of it, for who asks for the newest of it again and again."""

    commits: Memo[Oid, CommitEvents] = field(default_factory=Memo[Oid, CommitEvents])
    facts: FactsMemo = field(default_factory=FactsMemo)

    def begin(self) -> None:
        """Begin the next answer."""
        self.commits.begin()
        self.facts.begin()

    def read(self, objects: Objects, oid: Oid) -> CommitEvents | None:
        """Return what a commit did; see `history.events_of`."""
        known = self.commits.get(oid) or history.events_of(objects, oid)
        return known and self.commits.keep(oid, known)


def titles(workspace: Workspace, listed: Mapping[RefName, Oid]) -> Callable[[str], str]:
    """Return what finds the title of a step; "" for one of a project that is gone or cannot be read."""

    def title_of(step_id: str) -> str:
        with contextlib.suppress(CoordError):
            project, num = split_step_id(step_id)
            ref = workspace.setting.refs.steps(project)
            board = workspace.reader.project(ref, listed.get(ref)).content
            step = board.steps.get(num) if board else None
            return step.title if step else ""
        return ""

    return title_of


def once(events: Iterable[tuple[str, Event]]) -> Iterator[tuple[str, Event]]:
    """Leave out refusals that were carried before: an answer was lost, and they were sent again."""
    seen: set[Json] = set()
    for name, event in events:
        uid = event.record.line.get("uid") if _is_refusal(event) else None
        if isinstance(uid, str):
            if uid in seen:
                continue
            seen.add(uid)
        yield name, event


def _is_refusal(event: Event) -> bool:
    return "do" in event.record.line and "event" in event.record.line


def events_of(workspace: Workspace, ref: RefName, tip: Oid, known: KnownEvents) -> Iterator[tuple[str, Event]]:
    """Walk what is here of one ledger; what is damaged ends its own walk alone, and is named where projects are listed.

    A notice says which history was left out of this clone and has not come.
    """
    every = workspace.setting.transport.objects

    def read(objects: Objects, oid: Oid) -> CommitEvents | None:
        found = known.read(objects, oid)
        lacking = every.why_left_out(oid) if found is None and isinstance(every, LeavesOut) else None
        if lacking is not None:
            workspace.notify(CallerNotice.of(LEFT_OUT, f"{ref}: {lacking}", lacking.hint, ref=ref))
        return found

    try:
        content = None if ref == workspace.setting.refs.config else workspace.reader.ledger(ref, tip).content
        name = content.project.name if isinstance(content, Board) else ""
        for event in history.events(here(every), tip, read):
            yield name, event
    except (DocumentError, MissingObjectError):
        return


def rows_of(project: str, event: Event) -> list[dict[str, Json]]:
    """Return one row for each thing that a command on the claims brought about, or the one of a command on a step."""
    if _is_refusal(event):
        line = event.record.line
        # A refusal happened before the commit that carries it.
        refused: dict[str, Json] = {"time": line.get("at") or time_text(event.record.now), "agent": line.get("by")}
        refused |= {"event": line.get("event"), "outcome": "refused", "project": None, "commit": event.commit}
        refused |= {"claims": [], "reason": line.get("code"), "count": line.get("count")}
        return [{**refused, "patterns": line.get("patterns") or []}]
    row = _row(project, event)
    happened = event.record.line.get("events")
    events = [event for event in happened if isinstance(event, dict)] if isinstance(happened, list) else []
    if project:
        plain = {name: value for name, value in row.items() if name not in ("step", "fence")}
        return [*({**plain, "event": event.get("event")} for event in reversed(events)), row]
    if not events:
        return [] if event.record.line.get("do") in _SILENT else [row]
    by = {"by": row["agent"]}
    # `agent` is whom it concerns.
    return [
        {
            **row,
            "event": event.get("event"),
            "agent": event.get("agent") or row["agent"],
            "claims": [event[name] for name in ("claim", "entry", "request") if event.get(name)],
            **{name: event[name] for name in ("reason", "note", "decision", "pattern", "symbols") if event.get(name)},
            **({"patterns": ended[:PATTERNS_SHOWN]} if isinstance(ended := event.get("items"), list) else {}),
        }
        | (by if event.get("agent") != row["agent"] else {})
        for event in reversed(events)
    ]


def _row(project: str, event: Event) -> dict[str, Json]:
    line = event.record.line
    by, outcome = line.get("by"), line.get("outcome")
    facts = outcome.get("facts") if isinstance(outcome, dict) else None
    num = facts.get("step_num") if isinstance(facts, dict) else None
    fence = facts.get("fence") if isinstance(facts, dict) else None
    row: dict[str, Json] = {
        "time": time_text(event.record.now),
        "agent": by.get("agent") if isinstance(by, dict) else None,
        "event": outcome.get("code") if isinstance(outcome, dict) else line.get("do"),
        "outcome": outcome.get("verdict") if isinstance(outcome, dict) else None,
        "project": project or None,
        "commit": event.commit,
    }
    if not project:
        found = facts if isinstance(facts, dict) else dict[str, Json]()
        values = [found.get(name) for name in ("claim", "request", "queue_id")]
        several = [found.get(name) for name in ("released", "claims")]
        more = [item for rows in several if isinstance(rows, list | dict) for item in rows]
        row["claims"] = list(dict.fromkeys(str(text) for text in (*values, *more) if text))
        known = facts if isinstance(facts, dict) else {}
        row |= {name: known[name] for name in ("pattern", "name", "value") if name in known}
    if num is not None:
        row["step"] = f"{project}/{num}"
    if fence is not None:
        row["fence"] = fence
    return row
