"""The register: the state of the claims ledger, with an index of who has what.

Rules:
  * A register is a value: `with_changes` returns another one and leaves this one as it is.
  * A change costs what it touches, and a copy of small tables; nothing is rebuilt.

What this file does not know: commands, the rules, trees, refs.
"""

import bisect
from collections.abc import Callable, Hashable, Iterable, Mapping
from datetime import datetime
from typing import TypeVar

from gitcoord.core.claims.claim import Claim
from gitcoord.core.claims.notice import Barrier, Notice
from gitcoord.core.claims.persistent_tables import PersistentMap, PersistentOrder, Row
from gitcoord.core.claims.queue_entry import QueueEntry
from gitcoord.core.claims.release_request import ReleaseRequest
from gitcoord.core.documents.actor import Actor
from gitcoord.core.documents.decision import Change, Gone
from gitcoord.core.documents.doc import Struct, field, replace
from gitcoord.core.documents.names import check_lines
from gitcoord.core.patterns.area import Area
from gitcoord.core.patterns.index import PatternIndex
from gitcoord.core.patterns.path_pattern import Pattern
from gitcoord.core.patterns.segment import UNWRITABLE

Holder = tuple[str, str]
RegisterDoc = Claim | QueueEntry | ReleaseRequest | Notice | Barrier
_Key = tuple[str, int]
_T = TypeVar("_T", bound=RegisterDoc)
_K = TypeVar("_K", bound=Hashable)
_OWN = ("id", "agent", "clone", "session")
_LINES: Mapping[type[RegisterDoc], tuple[str, ...]] = {
    Claim: (*_OWN, "branch", "step", "queue_id", "commit"),
    QueueEntry: _OWN,
    ReleaseRequest: (*_OWN, "claim", "holder_agent", "holder_clone", "holder_session", "granted"),
    Notice: ("id", "agent", "clone", "event", "claim", "by", "step", "commit", "reason"),
    Barrier: ("id", "agent", "branch", "commit"),
}


class Register(Struct, frozen=True):
    """Claims, the line of waiters, requests, notices and barriers.

    Attributes:
        seq: the ledger's sequence number; the next fence is one more.
        grants: how many entries of the line were served.
        held: for each holder the ids of its claims.
        sessions: for each session (session id, clone) the ids of its claims.
        asked: for each claim the ids of its undecided requests.
        due: (when its first item ends, id) of every claim, soonest first.
        leaving: (when it waits no longer, id) of every entry, soonest first.
        unacknowledged: the claims that a waiter was granted and has not acknowledged yet.
        index, waiting, barred: the patterns of all items of claims, of all wishes of entries, and of all barriers.
    """

    seq: int = 0
    grants: int = 0
    claims: PersistentMap[str, Claim] = field(default_factory=PersistentMap[str, Claim])
    entries: Mapping[str, QueueEntry] = field(default_factory=dict[str, QueueEntry])
    requests: Mapping[str, ReleaseRequest] = field(default_factory=dict[str, ReleaseRequest])
    notices: Mapping[str, Notice] = field(default_factory=dict[str, Notice])
    barriers: Mapping[str, Barrier] = field(default_factory=dict[str, Barrier])
    held: Mapping[Holder, tuple[str, ...]] = field(default_factory=dict[Holder, tuple[str, ...]])
    sessions: Mapping[Holder, tuple[str, ...]] = field(default_factory=dict[Holder, tuple[str, ...]])
    asked: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    due: PersistentOrder = field(default_factory=PersistentOrder)
    leaving: tuple[tuple[datetime, str], ...] = ()
    unacknowledged: frozenset[str] = frozenset()
    index: PatternIndex[_Key] = field(default_factory=PatternIndex[_Key])
    waiting: PatternIndex[_Key] = field(default_factory=PatternIndex[_Key])
    barred: PatternIndex[_Key] = field(default_factory=PatternIndex[_Key])

    def with_changes(self, changes: Iterable[Change]) -> "Register":
        """Return the register after these documents replaced those of the same id, or left."""
        tables = _Tables({}, {}, {}, {}, {})
        for change in changes:
            tables.sort_in(change)
        register = _with_claims(self, tables.claims) if tables.claims else self
        register = _with_entries(register, tables.entries) if tables.entries else register
        register = _with_requests(register, tables.requests) if tables.requests else register
        register = _with_barriers(register, tables.barriers) if tables.barriers else register
        notices = _merged(register.notices, tables.notices)
        return replace(register, notices=notices) if tables.notices else register

    def find(self, kind: type[RegisterDoc], doc_id: str) -> RegisterDoc | None:
        """Return the document of that kind and id."""
        tables: Mapping[type[RegisterDoc], Mapping[str, RegisterDoc]] = {
            Claim: self.claims,
            QueueEntry: self.entries,
            ReleaseRequest: self.requests,
            Notice: self.notices,
            Barrier: self.barriers,
        }
        return tables[kind].get(doc_id)

    def claims_of(self, holder: Holder) -> list[Claim]:
        """Return a holder's claims, oldest first."""
        return [self.claims[claim_id] for claim_id in self.held.get(holder, ())]

    def claims_of_party(self, actor: Actor) -> list[Claim]:
        """Return what an agent and its partners hold, by holder."""
        return [claim for holder in self.held if actor.is_party(*holder) for claim in self.claims_of(holder)]

    def claims_of_session(self, session: str, clone: str) -> list[Claim]:
        """Return what a session holds, its sub-agents' claims too, oldest first."""
        return [self.claims[claim_id] for claim_id in self.sessions.get((session, clone), ())]

    def claims_by(self, actor: Actor) -> list[Claim]:
        """Return what an agent holds, and what its session does, under every id of its clone."""
        found: dict[str, Claim] = {}
        for holder in actor.holders:
            found |= {claim.id: claim for claim in self.claims_of(holder)}
        for clone in actor.session_clones:
            found |= {claim.id: claim for claim in self.claims_of_session(actor.session, clone)}
        return list(found.values())

    def near(self, area: Area, counts: Callable[[Claim], bool] = lambda _: True) -> list[tuple[Claim, int]]:
        """Return (claim, number of its item) of all that count and may overlap an area, oldest claim first.

        `counts` is asked once of a claim: it may have hundreds of items here.
        """
        found: dict[str, list[int]] = {}
        for claim_id, index in self.index.candidates(area.pattern):
            found.setdefault(claim_id, []).append(index)
        claims = sorted((self.claims[claim_id] for claim_id in found), key=lambda claim: (claim.fence, claim.id))
        return [(claim, index) for claim in claims if counts(claim) for index in sorted(found[claim.id])]

    def waiters_near(self, area: Area) -> list[QueueEntry]:
        """Return the entries that may overlap an area."""
        ids = {key[0] for key in self.waiting.candidates(area.pattern)}
        return sorted((self.entries[entry_id] for entry_id in ids), key=lambda entry: (entry.number, entry.id))

    def barriers_near(self, area: Area) -> list[Barrier]:
        """Return the barriers that may overlap an area, oldest first."""
        ids = {key[0] for key in self.barred.candidates(area.pattern)}
        return sorted((self.barriers[barrier_id] for barrier_id in ids), key=lambda barrier: (barrier.at, barrier.id))

    def pending_by(self, actor: Actor) -> list[ReleaseRequest]:
        """Return the undecided requests for what an agent, its session or a partner holds, oldest first."""
        own = {claim.id for claim in self.claims_by(actor)} if self.asked else set[str]()
        asked = (self.claims[claim_id] for claim_id in self.asked if claim_id in self.claims)
        held = [claim for claim in asked if claim.id in own or actor.is_partner(claim.agent, claim.clone)]
        requests = [request for claim in held for request in self.pending_for(claim.id)]
        return sorted(requests, key=lambda request: (request.created_at, request.id))

    def pending_for(self, claim: str) -> list[ReleaseRequest]:
        """Return the undecided requests for a claim, oldest first."""
        requests = [self.requests[request_id] for request_id in self.asked.get(claim, ())]
        return sorted(requests, key=lambda request: (request.created_at, request.id))


def check_texts(doc: RegisterDoc) -> None:
    """Look at the names, the symbols and the patterns of a document that another client may have written.

    Raises:
        ValueError: one is none; the end of a sentence says which.
    """
    check_lines(doc, _LINES[type(doc)])
    if isinstance(doc, Claim):
        for part in (*doc.items, *doc.partners, *(part for item in doc.items for part in item.carved)):
            check_lines(part, ("symbols",))
    elif isinstance(doc, QueueEntry | ReleaseRequest):
        check_lines(doc.call, ("claim_id", "branch"))
        for wish in doc.call.wishes:
            check_lines(wish, ("symbols",))
    elif isinstance(doc, Notice) and UNWRITABLE.search(doc.text):
        message = "has a text of several lines, or with control characters"
        raise ValueError(message)
    try:
        _ = _patterns(doc)
    except ValueError as error:
        message = f"has an invalid pattern: {error}"
        raise ValueError(message) from None


def _patterns(doc: RegisterDoc) -> "list[tuple[_Key, Pattern]]":
    match doc:
        case Claim():
            return _keys(doc)
        case QueueEntry() | ReleaseRequest():
            return _wishes(doc)
        case Barrier():
            return _barred(doc)
        case _:
            return []


def first_end(claim: Claim) -> datetime:
    """Return when the first item of a claim ends."""
    return min(item.expires_at for item in claim.items)


class _Tables(Struct, frozen=True):
    """Changes by kind and id: the document, or `None` for one that leaves. The last one of an id counts."""

    claims: dict[str, Claim | None]
    entries: dict[str, QueueEntry | None]
    requests: dict[str, ReleaseRequest | None]
    notices: dict[str, Notice | None]
    barriers: dict[str, Barrier | None]

    def sort_in(self, change: Change) -> None:
        """Put a change where it belongs; what is of another ledger belongs nowhere."""
        is_gone = isinstance(change, Gone)
        match change.doc if isinstance(change, Gone) else change:
            case Claim() as doc:
                self.claims[doc.id] = None if is_gone else doc
            case QueueEntry() as doc:
                self.entries[doc.id] = None if is_gone else doc
            case ReleaseRequest() as doc:
                self.requests[doc.id] = None if is_gone else doc
            case Notice() as doc:
                self.notices[doc.id] = None if is_gone else doc
            case Barrier() as doc:
                self.barriers[doc.id] = None if is_gone else doc
            case _:
                pass


def _with_claims(register: Register, changes: Mapping[str, Claim | None]) -> Register:
    claims = register.claims.with_changes(changes)
    held, sessions = dict(register.held), dict(register.sessions)
    unacknowledged = set(register.unacknowledged)
    before = [register.claims[claim_id] for claim_id in changes if claim_id in register.claims]
    after = [claim for claim in changes.values() if claim is not None]
    for claim in before:
        _drop(held, claim.holder, claim.id)
        _drop(sessions, (claim.session or "", claim.clone), claim.id)
        unacknowledged.discard(claim.id)
    for claim in after:
        _add(held, claim.holder, claim.id, claims)
        if claim.session:
            _add(sessions, (claim.session, claim.clone), claim.id, claims)
        if claim.ack_by is not None:
            unacknowledged.add(claim.id)
    return replace(
        register,
        claims=claims,
        held=held,
        sessions=sessions,
        due=register.due.with_changes(map(_due, before), map(_due, after)),
        unacknowledged=frozenset(unacknowledged),
        index=_reindexed(
            register.index,
            added=[pair for claim in after for pair in _keys(claim)],
            removed=[pair for claim in before for pair in _keys(claim)],
        ),
    )


def _with_entries(register: Register, changes: Mapping[str, QueueEntry | None]) -> Register:
    entries, leaving = dict(register.entries), list(register.leaving)
    added: list[tuple[_Key, Pattern]] = []
    removed: list[tuple[_Key, Pattern]] = []
    for entry_id, new in changes.items():
        old = entries.pop(entry_id, None)
        if old is not None:
            removed += _wishes(old)
            del leaving[bisect.bisect_left(leaving, (old.ends_at, entry_id))]
        if new is not None:
            entries[entry_id] = new
            added += _wishes(new)
            bisect.insort(leaving, (new.ends_at, entry_id))
    waiting = _reindexed(register.waiting, added, removed)
    return replace(register, entries=entries, leaving=tuple(leaving), waiting=waiting)


def _with_requests(register: Register, changes: Mapping[str, ReleaseRequest | None]) -> Register:
    asked = dict(register.asked)
    for request_id, new in changes.items():
        old = register.requests.get(request_id)
        if old is not None and old.is_pending:
            _drop(asked, old.claim, request_id)
        if new is not None and new.is_pending:
            asked[new.claim] = tuple(sorted((*asked.get(new.claim, ()), request_id)))
    return replace(register, requests=_merged(register.requests, changes), asked=asked)


def _with_barriers(register: Register, changes: Mapping[str, Barrier | None]) -> Register:
    before = [register.barriers[barrier_id] for barrier_id in changes if barrier_id in register.barriers]
    removed = [pair for barrier in before for pair in _barred(barrier)]
    added = [pair for barrier in changes.values() if barrier is not None for pair in _barred(barrier)]
    barred = _reindexed(register.barred, added, removed)
    return replace(register, barriers=_merged(register.barriers, changes), barred=barred)


def _reindexed(
    index: PatternIndex[_Key], added: list[tuple[_Key, Pattern]], removed: list[tuple[_Key, Pattern]]
) -> PatternIndex[_Key]:
    """Return an index after a change; what only came back to its place is not touched."""
    before, after = dict(removed), dict(added)
    return index.with_changes(
        added=[(key, pattern) for key, pattern in added if before.get(key) != pattern],
        removed=[(key, pattern) for key, pattern in removed if after.get(key) != pattern],
    )


def _merged(table: Mapping[str, _T], changes: Mapping[str, _T | None]) -> dict[str, _T]:
    out = dict(table)
    for doc_id, new in changes.items():
        out.pop(doc_id, None)
        if new is not None:
            out[doc_id] = new
    return out


def _due(claim: Claim) -> Row:
    return first_end(claim), claim.id


def _keys(claim: Claim) -> list[tuple[_Key, Pattern]]:
    return [((claim.id, index), item.area.pattern) for index, item in enumerate(claim.items)]


def _wishes(doc: QueueEntry | ReleaseRequest) -> list[tuple[_Key, Pattern]]:
    return [((doc.id, index), Pattern.of(wish.pattern, wish.reading)) for index, wish in enumerate(doc.call.wishes)]


def _barred(barrier: Barrier) -> list[tuple[_Key, Pattern]]:
    return [((barrier.id, index), Pattern.of(pattern)) for index, pattern in enumerate(barrier.patterns)]


def _add(table: dict[Holder, tuple[str, ...]], key: Holder, claim_id: str, claims: Mapping[str, Claim]) -> None:
    others = list(table.get(key, ()))
    bisect.insort(others, claim_id, key=lambda name: (claims[name].fence, name))
    table[key] = tuple(others)


def _drop(table: dict[_K, tuple[str, ...]], key: _K, claim_id: str) -> None:
    left = tuple(other for other in table.get(key, ()) if other != claim_id)
    if left:
        table[key] = left
    else:
        table.pop(key, None)
