"""The past: what happened in the last days, read once and carried on from tip to tip.

    a new tip ──back to the one before──> in front ─┐
                                                    ├─> occurrences, the newest first
    older commits, so many at a time ──> behind ────┘

Rules:
  * A commit is read once. A ledger whose tip does not lead to the one before is another one: all of it is read.
  * `complete_since` is the moment from which all was read, where that is later than the first day: while older commits
    are still to be read, and where history is not here or damaged.

What this file does not know: what is made of it.
"""

import heapq
import itertools
from collections import Counter, deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import NamedTuple

from gitcoord.core.activity import occurrence
from gitcoord.core.activity.occurrence import Occurrence
from gitcoord.core.activity.spans import Span, spans
from gitcoord.core.activity.totals import by_day
from gitcoord.core.documents.events import Event
from gitcoord.errors import DocumentError, MissingObjectError
from gitcoord.ledger.format import commits
from gitcoord.ledger.format.commits import Commit
from gitcoord.remote.contract.protocol import Objects, Oid, RefName, here
from gitcoord.service.session import earlier_history
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.steps.activity import COMMITS_MAX
from gitcoord.service.steps.commit_occurrences import CommitOccurrences

_SLACK = timedelta(hours=1)  # so far may the clocks of two writers of one ledger be apart


class _ReadCommit(NamedTuple):
    """A commit that was read."""

    at: datetime
    happened: tuple[Occurrence, ...]


@dataclass(slots=True)
class _LedgerPast:
    """One ledger: what was read of it, the newest first, and where the rest of it begins.

    Attributes:
        older: the commits that were not read yet, the newest first.
        next: the first of them.
        cut: of a history that is not here, or damaged, the moment from which it is.
        made: of a project, what was made of what was read of the days from that moment on.
    """

    tip: Oid
    older: Iterator[tuple[Oid, Commit]]
    read: deque[_ReadCommit] = field(default_factory=deque[_ReadCommit])
    next: Commit | None = None
    last: Commit | None = None
    cut: datetime | None = None
    made: tuple[datetime, list[Span], Counter[tuple[str, str]]] | None = None

    def advance(self, since: datetime, now: datetime) -> Commit | None:
        """Find and return the next commit; none of before `since`."""
        try:
            self.next = next((commit for _, commit in self.older), None)
            is_cut = self.next is None and (self.last is None or not commits.is_first(self.last))
        except (DocumentError, MissingObjectError):
            self.next, is_cut = None, True
        if self.next is not None and self.next.committed_at < since:
            self.next = None
        elif is_cut:
            self.cut = self.last.committed_at if self.last else now
        return self.next

    def resume(self, objects: Objects, since: datetime, now: datetime) -> bool:
        """Go on where the history was cut off, if more of it is here by now; tell whether that is so."""
        cut, self.cut = self.cut, None
        try:
            behind = commits.before(objects, self.last) if self.last else self.tip
        except (DocumentError, MissingObjectError):
            behind = None
        self.older = commits.walk(objects, behind) if behind else iter(())
        self.advance(since, now)
        return self.cut != cut


@dataclass(slots=True)
class RecentHistory:
    """What happened from the first of the last days on, as far as it was read.

    Attributes:
        days: how many, today among them (UTC).
        is_complete: whether all of it was read.
        is_whole: whether nothing is lacking that was left out of this clone.
        version: how often there was something new.
        steps_version: how often there was of projects.
    """

    workspace: Workspace
    days: int
    is_complete: bool = False
    is_whole: bool = True
    version: int = 0
    steps_version: int = 0
    _walks: dict[RefName, _LedgerPast] = field(default_factory=dict[RefName, _LedgerPast])
    _read: CommitOccurrences = field(init=False)

    def __post_init__(self) -> None:
        """Have read nothing."""
        setting = self.workspace.setting
        self._read = CommitOccurrences(here(setting.transport.objects), setting.refs)

    @property
    def since(self) -> datetime:
        """The first moment of the first day."""
        today = self.workspace.setting.host.now().astimezone(UTC).date()
        return datetime.combine(today - timedelta(days=self.days - 1), time(), UTC)

    @property
    def complete_since(self) -> datetime | None:
        """The moment from which all was read; `None`: that is from the first day on."""
        since = self.since
        cuts = [walk.cut for walk in self._walks.values() if walk.cut is not None]
        cuts += [walk.next.committed_at for walk in self._walks.values() if walk.next is not None]
        return max((cut for cut in cuts if cut > since), default=None)

    def follow(self, listed: Mapping[RefName, Oid], commits_max: int = COMMITS_MAX) -> None:
        """Read what is new at these tips, and then at most so many older commits."""
        refs = self.workspace.setting.refs
        wanted = {ref: tip for ref, tip in listed.items() if ref == refs.claims or refs.is_steps(ref)}
        self.is_whole = earlier_history.bring(self.workspace, wanted.values())
        since, now = self.since - _SLACK, self.workspace.setting.host.now()
        objects = here(self.workspace.setting.transport.objects)
        with self.workspace.lock:
            for ref in self._walks.keys() - wanted.keys():
                self._note_change(ref)
                del self._walks[ref]
            for ref, tip in wanted.items():
                known = self._walks.get(ref)
                if known is None or known.tip != tip:
                    self._note_change(ref)
                if known is None or (known.tip != tip and not self._catch_up(ref, known, tip)):
                    self._walks[ref] = _LedgerPast(tip, commits.walk(objects, tip))
                    self._walks[ref].advance(since, now)
                elif known.cut is not None and known.resume(objects, since, now):
                    self._note_change(ref)
            self._go_back(commits_max, since, now)
        self.is_complete = all(walk.next is None for walk in self._walks.values())
        for walk in self._walks.values():
            while walk.read and walk.read[-1].at < since:
                walk.read.pop()

    def of_claims(self) -> list[Occurrence]:
        """Return what happened to claims, the newest first; a refusal once, however often it was carried."""
        since, now, counted = self.since, self.workspace.setting.host.now(), set[str]()
        claims = self.workspace.setting.refs.claims
        noted = self.workspace.setting.refusals.noted(claims)
        here = (happened for refusal in noted for happened in occurrence.of_refusal(refusal, now))
        walk = self._walks.get(claims)
        read = (happened for commit in (walk.read if walk else ()) for happened in commit.happened)
        found: list[Occurrence] = []
        for happened in itertools.chain(here, read):
            if happened.kind == Event.CLAIM_REFUSED and happened.subject:
                if happened.subject in counted:
                    continue
                counted.add(happened.subject)
            if happened.at >= since:
                found.append(happened)
        return found

    def of_steps(self) -> tuple[list[Span], Counter[tuple[str, str]]]:
        """Return who had which step from when to when, and how often what happened to steps on each day."""
        since, refs = self.since, self.workspace.setting.refs
        every, days = list[Span](), Counter[tuple[str, str]]()
        for ref, walk in self._walks.items():
            if not refs.is_steps(ref):
                continue
            if walk.made is None or walk.made[0] != since:
                in_order = (found for commit in reversed(walk.read) for found in reversed(commit.happened))
                happened = [found for found in in_order if found.at >= since]
                walk.made = (since, spans(happened), by_day(happened))
            every += walk.made[1]
            days.update(walk.made[2])
        return every, days

    def _note_change(self, ref: RefName) -> None:
        self.version += 1
        self.steps_version += self.workspace.setting.refs.is_steps(ref)

    def _go_back(self, commits_max: int, since: datetime, now: datetime) -> None:
        """Read at most so many older commits, of all ledgers together the newest first."""
        behind = [
            (-walk.next.committed_at.timestamp(), ref, walk.next)
            for ref, walk in self._walks.items()
            if walk.next is not None
        ]
        heapq.heapify(behind)
        for _, ref, _ in behind:
            self._note_change(ref)
        for _ in range(commits_max if behind else 0):
            _, ref, commit = heapq.heappop(behind)
            walk = self._walks[ref]
            walk.read.append(self._of(ref, commit))
            walk.last, walk.made = commit, None
            following = walk.advance(since, now)
            if following is not None:
                heapq.heappush(behind, (-following.committed_at.timestamp(), ref, following))
            elif not behind:
                return

    def _of(self, ref: RefName, commit: Commit) -> _ReadCommit:
        return _ReadCommit(commit.committed_at, tuple(self._read.of(ref, commit)))

    def _catch_up(self, ref: RefName, walk: _LedgerPast, tip: Oid) -> bool:
        """Read the commits from a new tip back to the one before; tell whether that is among them, and was read."""
        new: list[_ReadCommit] = []
        if walk.last is None:
            return False
        try:
            objects = here(self.workspace.setting.transport.objects)
            for oid, commit in itertools.islice(commits.walk(objects, tip), COMMITS_MAX):
                if oid == walk.tip:
                    walk.read.extendleft(reversed(new))
                    walk.tip, walk.made = tip, None
                    return True
                new.append(self._of(ref, commit))
        except (DocumentError, MissingObjectError):
            pass
        return False
