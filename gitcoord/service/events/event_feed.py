"""The feed: what the ledgers record after given positions, in the order of each ledger's commits.

    refs/coord/claims   o──o──P──o──o──o     P: the position of a relay or a cursor; what follows is its feed
                                 └──┴──┴── events, each with an id that follows from what it is

Rules:
  * RELAY-4: an event has one id, which follows from its ledger, its command and its word: a receiver that has it knows
    it, however often and by however many processes it is delivered.
  * A ledger that is back or gone by what this clone saw is left alone until a person has decided (SAFE-9). After that,
    where the position is in its history no more, what is not older than the position counts as new.
  * A roll has the position of the tip that it replaces: nothing before it is new again. A reader that was further
    behind when its ledger was rolled goes on in the archive, which is brought for it.
  * SEC-2, SEC-6: what leaves has no credentials in it; under `texts = private` it has nothing that people wrote in
    their own words, even where a ledger still has that from before.

What this file does not know: who reads it, and where a position is kept.
"""

import contextlib
import heapq
from collections.abc import Collection, Iterable, Iterator, Mapping
from hashlib import sha256
from typing import NamedTuple

from gitcoord.core.documents.events import Event
from gitcoord.core.documents.json_text import Json, compact, moment_of, parse_time
from gitcoord.core.relay.relay import Delivery, Position
from gitcoord.core.steps.board import Board
from gitcoord.errors import CoordError, DocumentError, MissingObjectError
from gitcoord.ledger.archive import history
from gitcoord.ledger.format import commits
from gitcoord.ledger.format.commits import Commit
from gitcoord.ledger.format.root_commit import replaced_by
from gitcoord.redaction import redact
from gitcoord.remote.contract.protocol import Oid, RefName
from gitcoord.service.claims.event_facts import EventFacts
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.steps import event_rows

DETAIL_BYTES_MAX = 3_000  # of one event, which waits in a document with 500 others
TEXT_CHARS_MAX = 500  # of one text in it
Tips = Mapping[RefName, Oid]
_WORDS = frozenset(Event)
_OWN_WORDS = ("title", "description", "note")
_ELSEWHERE = ("event", "time", "outcome")  # beside the detail, or the same in each


class FeedItem(NamedTuple):
    """One step along a ledger. `position`: of its reader after it; `delivery`: `None` at the end of a commit."""

    position: Position
    delivery: Delivery | None


def tips(workspace: Workspace) -> Tips:
    """Return the ledgers that can be delivered now.

    Raises:
        UnreachableError: they cannot be read.
    """
    return ledgers_in(workspace, workspace.listed())


def ledgers_in(workspace: Workspace, listed: Tips) -> Tips:
    """Return the ledgers of a listing that can be delivered now."""
    setting, back = workspace.setting, workspace.rewound_refs
    return {
        ref: tip
        for ref, tip in listed.items()
        if setting.ledgers.is_ledger(setting.refs, ref) and ref not in back  # what is back waits for a person
    }


def position_at(workspace: Workspace, ref: RefName, tip: Oid) -> Position:
    """Return the position of who has read a ledger up to a commit."""
    try:
        at = commits.read(workspace.setting.transport.objects, tip).committed_at
    except CoordError:  # what is damaged is named where ledgers are listed
        at = workspace.setting.host.now()
    return Position(ledger=ref, commit=tip, at=moment_of(int(at.timestamp())))


def feed(
    workspace: Workspace, positions: Iterable[Position], listed: Tips, words: Collection[str]
) -> Iterator[FeedItem]:
    """Yield what is after positions, the oldest first; of events those of the words that are asked for.

    A position may have the beginning of a commit's id only.
    """
    known = {position.ledger: position for position in positions}
    moved = [
        (ref, tip, known.get(ref))
        for ref, tip in sorted(listed.items())
        if ref not in known or not is_at(known[ref], tip)
    ]
    if not moved:
        return iter(())
    facts = EventFacts(workspace.setting.transport.objects, event_rows.titles(workspace, listed))
    hidden = _OWN_WORDS if workspace.reader.policy(workspace.setting.refs.config, listed).is_private else ()
    walks = [_Walk(workspace, facts, ref, words, hidden).items(tip, position) for ref, tip, position in moved]
    return heapq.merge(*walks, key=lambda item: item.delivery.at if item.delivery else item.position.at)


def is_at(position: Position, commit: Oid) -> bool:
    """Whether a position is at this commit."""
    return bool(position.commit) and commit.startswith(position.commit)


class _Walk(NamedTuple):
    """A walk along one ledger. `hidden`: what the details of events leave out."""

    workspace: Workspace
    facts: EventFacts
    ref: RefName
    words: Collection[str]
    hidden: Collection[str]

    def items(self, tip: Oid, position: Position | None) -> Iterator[FeedItem]:
        """Yield what is after a position; damage ends that of its ledger, and `workspace.oddities` names it."""
        try:
            content = None
            if tip and self.ref != self.workspace.setting.refs.config:
                content = self.workspace.reader.ledger(self.ref, tip).content
            project = content.project.name if isinstance(content, Board) else ""
            delivered, ids = self._after(tip, position)
            for commit in reversed(ids):
                here = position_at(self.workspace, self.ref, commit)
                before = position or here.evolve(commit="")
                for number, delivery in enumerate(self._deliveries(project, commit), 1):
                    if number > delivered:
                        wanted = delivery if delivery.event in self.words else None
                        yield FeedItem(before.evolve(events=number), wanted)
                delivered, position = 0, here
                yield FeedItem(here, None)
            self.workspace.reader.problems.pop(self.ref, None)
        except (DocumentError, MissingObjectError) as error:
            self.workspace.reader.problems[self.ref] = error

    def _after(self, tip: Oid, position: Position | None) -> tuple[int, list[Oid]]:
        """Return the commits after a position, the newest first, and how many events of the oldest are delivered."""
        found: list[tuple[Oid, int]] = []
        for oid, commit in self._history(tip, is_sought=position is not None and bool(position.commit)):
            if position is not None and is_at(position, oid):
                return position.events, [oid for oid, _ in found]
            replaced = None if commit.parents or position is None else replaced_by(commit.message)
            if position is not None and replaced is not None and is_at(position, replaced):
                return position.events, [oid for oid, _ in found]
            found.append((oid, int(commit.committed_at.timestamp())))
        if position is None or not position.commit:
            return position.events if position else 0, [oid for oid, _ in found]
        first = int(position.at.timestamp())
        return 0, [oid for oid, at in found if at >= first]

    def _history(self, tip: Oid, *, is_sought: bool) -> Iterator[tuple[Oid, Commit]]:
        """Walk a ledger; where a position is sought, into archives as well that were never read here."""
        transport, at = self.workspace.setting.transport, tip
        while True:
            last: Commit | None = None
            for oid, last in commits.walk(transport.objects, at):
                yield oid, last
            before = commits.before(transport.objects, last) if last and is_sought and not last.parents else None
            if before is None or transport.objects.has(before):
                return
            with contextlib.suppress(CoordError):  # it is away, or the archive is gone: what is not older counts as new
                transport.fetch([before])
            at = before

    def _deliveries(self, project: str, commit: Oid) -> Iterator[Delivery]:
        objects = self.workspace.setting.transport.objects
        records = reversed(history.records_of(objects, commits.read(objects, commit)))
        for line_number, record in enumerate(records):
            event = history.Event(commit, record)
            rows = [row for row in event_rows.rows_of(project, event) if row.get("event") in _WORDS]
            if not _happened(record.line.get("outcome")):
                continue
            key = str(record.line.get("uid") or f"{commit}.{line_number}")
            for index, row in enumerate(self.facts.complete(reversed(rows))):
                word = str(row["event"])
                name = "\n".join((self.ref, key, word, str(index)))
                try:
                    at = parse_time(str(row.get("time")))
                except ValueError:
                    at = record.now
                drawn = sha256(name.encode("utf-8", "replace")).hexdigest()[:32]
                yield Delivery(id=drawn, event=word, at=at, detail=self._detail(row))

    def _detail(self, row: Mapping[str, Json]) -> dict[str, Json]:
        left_out = {*self.hidden, *_ELSEWHERE}
        detail = {
            name: _clean(value) for name, value in row.items() if name not in left_out and value not in (None, "", [])
        }
        for name in ("symbols", "patterns", "description", "title", "claims"):
            if len(compact(detail).encode()) > DETAIL_BYTES_MAX:
                detail.pop(name, None)
        return detail


def _happened(outcome: Json) -> bool:
    """Whether a command did something: it was not refused, and had not been done before."""
    facts = outcome.get("facts") if isinstance(outcome, dict) else None
    is_again = isinstance(facts, dict) and bool(facts.get("already"))
    return not isinstance(outcome, dict) or (outcome.get("verdict") == "done" and not is_again)


def _clean(value: Json) -> Json:
    """Return a value of a record as it may leave: without credentials, short, and with text that can be written."""
    if isinstance(value, str):
        return redact(value).encode("utf-8", "replace").decode()[:TEXT_CHARS_MAX]
    if isinstance(value, list):
        return [_clean(element) for element in value]
    return value if value is None or isinstance(value, int | float) else str(value)[:TEXT_CHARS_MAX]
