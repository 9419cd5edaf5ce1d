"""A push to the ledgers of a repository, judged before it lands: may each ref be moved so?

    a ledger         forward by commits that are what their records give, or a roll, or as `rewinds.json` says
    the team's ref   forward, or a roll
    a heartbeat      to a heartbeat of that clone; gone
    an archive       to the tip that a roll of the same push replaces; gone
    a post           to what its clone posts for that ledger, once; gone
    probes, relays   as their owners like: nothing is decided by them

Rules:
  * SEC-3: nothing else is taken. Who reads these ledgers need not trust who wrote them: what is there was decided by
    the rules, from the first commit that this was asked about.
  * All updates of a push are looked at together: a decision in the team's ref counts for a ledger beside it.
  * What a version of the rules decided that is newer than this one's cannot be judged, and is refused.
  * SAFE-9: a ledger goes back or away only by a decision that the team's ref has, with this push or before it.

What this file does not know: git's hooks, and how a commit is replayed.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from gitcoord.core.documents.json_text import time_text
from gitcoord.core.documents.rewind import Mark
from gitcoord.errors import CoordError
from gitcoord.ledger.audit.chain import Begin
from gitcoord.ledger.audit.ledger_audit import LedgerAudit, LedgerReport
from gitcoord.ledger.clone.host import Host
from gitcoord.ledger.format import commits, post
from gitcoord.ledger.format.meta import RULES
from gitcoord.ledger.format.refs import ARCHIVES, RELAYS, Refs
from gitcoord.ledger.kinds.table import LEDGERS, Ledgers
from gitcoord.ledger.readers.reader import Reader
from gitcoord.ledger.rewinds.lookback import decisions_at, descends, present_at
from gitcoord.ledger.transactions.plan import AHEAD_MAX
from gitcoord.remote.contract.protocol import Oid, RefName, RefUpdate, Transport


@dataclass(frozen=True, slots=True)
class ReceivingPlace:
    """A repository that is pushed to: its refs as they would be, and what an audit needs of it."""

    transport: Transport
    refs: Refs
    host: Host
    ledgers: Ledgers = LEDGERS

    def reader(self) -> Reader:
        """Return what reads its ledgers."""
        return Reader(self.transport, self.refs, ledgers=self.ledgers)


class Refusal(NamedTuple):
    """Why a ref is not moved, as the end of a sentence that begins with the ref."""

    ref: RefName
    why: str


def refusals(place: ReceivingPlace, updates: Sequence[RefUpdate]) -> list[Refusal]:
    """Judge a push; an empty list lets it pass. What is outside the namespace is not judged."""
    judge = _Judge(place, updates)
    own = [update for update in updates if update.ref.startswith(f"{place.refs.namespace}/") and not update.is_check]
    return [Refusal(update.ref, why) for update in own for why in judge.faults(update)]


class _Judge:
    """One push."""

    def __init__(self, place: ReceivingPlace, updates: Sequence[RefUpdate]) -> None:
        self._place, self._updates = place, updates
        self._objects = place.transport.objects
        self._listed: Mapping[RefName, Oid] = place.transport.read(place.refs.everything)
        self._decisions = decisions_at(self._objects, self._listed.get(place.refs.config))

    def faults(self, update: RefUpdate) -> Iterator[str]:
        """Yield why an update is refused."""
        refs = self._place.refs
        try:
            if update.ref == refs.config:
                yield from self._team(update)
            elif self._place.ledgers.at(refs, update.ref) is not None:
                yield from self._ledger(update)
            elif (clone := refs.clone_of(update.ref)) is not None:
                if update.new and clone not in self._place.reader().heartbeats({update.ref: update.new}):
                    yield f"is to be {update.new[:12]}, which is no heartbeat of the clone {clone}"
            elif refs.is_at(ARCHIVES, update.ref):
                yield from self._archive(update)
            elif refs.is_inbox(update.ref):
                yield from self._post(update)
            elif not refs.is_probe(update.ref) and not refs.is_at(RELAYS, update.ref):
                yield "is no ref of gitcoord's"
        except CoordError as error:
            yield f"cannot be judged: {error}"

    def _team(self, update: RefUpdate) -> Iterator[str]:
        if update.new is None:
            yield "has the team's rules, and is not deleted by a push"
        elif update.old and descends(self._objects, update.new, update.old) is not True:
            yield f"would lose its history: {update.new[:12]} does not come from {update.old[:12]}"
        else:
            commits.read(self._objects, update.new)

    def _ledger(self, update: RefUpdate) -> Iterator[str]:
        ref, old, new = update.ref, update.old, update.new
        if new is None:
            if old and not self._is_decided(ref, old, None):
                yield "would be deleted, and the team's rules have no decision that says so"
            return
        report = LedgerAudit(self._place, self._listed).run(ref, None, None if old is None else lambda at, _: at == old)
        if old is not None and report.begin is not Begin.SINCE:
            if not self._is_decided(ref, old, new):
                yield f"would lose its history: {new[:12]} does not come from {old[:12]}"
            return
        yield from self._unsound(report)

    def _unsound(self, report: LedgerReport) -> Iterator[str]:
        finding, passed = report.finding, report.passed
        if finding is not None:
            yield f"is to have the commit {finding.commit or ''}, which {finding.what}"
        elif any(rules > RULES for rules in report.taken):
            yield f"was written by rules {max(report.taken)}, and here it is judged by {RULES}: upgrade gitcoord here"
        elif passed is not None and passed.meta.at is not None:
            now = self._place.host.now()
            if passed.meta.at > now + AHEAD_MAX:
                yield f"was written at {time_text(passed.meta.at)}, and here it is {time_text(now)}"

    def _is_decided(self, ref: RefName, old: Oid, new: Oid | None) -> bool:
        ledger = ref.removeprefix(f"{self._place.refs.namespace}/")
        mark = Mark(old, present_at(self._objects, old, "").seq)
        return self._decisions.covers(ledger, mark, present_at(self._objects, new, "") if new else None)

    def _post(self, update: RefUpdate) -> Iterator[str]:
        name, new = self._place.refs.post_at(update.ref), update.new
        if new is None:
            return
        if name is None or post.read(self._objects, update.ref, new, name.clone, name.ledger) is None:
            yield f"is to be {new[:12]}, which is no post of that clone for that ledger"
        elif update.old is not None:
            yield "is a post, which is not replaced"

    def _archive(self, update: RefUpdate) -> Iterator[str]:
        rolled = {beside.old for beside in self._updates if self._place.ledgers.is_ledger(self._place.refs, beside.ref)}
        if update.new is not None and (update.old is not None or update.new not in rolled):
            yield "is an archive, and no roll of this push replaces what it is to name"
