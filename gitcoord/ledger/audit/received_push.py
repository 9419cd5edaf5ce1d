"""A push to the ledgers of a repository, judged before it lands: may each ref be moved so?

    a ledger         forward by commits that are what their records give, or a roll, or as `rewinds.json` says;
                     one that is damaged here: away, or to another history
    the team's ref   forward, or a roll; damaged here: to what can be read, or away; where no ledger is left: away
    a heartbeat      to a heartbeat of that clone; gone
    an archive       to the tip that a roll of the same push replaces; gone
    a post           to what its clone posts for that ledger, once; gone
    probes, relays   as their owners like: nothing is decided by them

Rules:
  * SEC-3: nothing else is taken. Who reads these ledgers need not trust who wrote them: what is there was decided by
    the rules, from the first commit that this was asked about.
  * All updates of a push are looked at together: a decision in the team's ref counts for a ledger beside it.
  * What another version of the rules decided, newer or older, cannot be judged, and is refused.
  * Each commit is looked at, not the last one alone: a time far ahead, in a commit below it, ends what others hold.
  * What a decision puts in a ledger's place is replayed from the commit on that both histories have, or its first one.
  * A commit that does not believe the time of the one before it is believed where that is ahead of the clock here.
  * SEC-8: ledgers, the team's ref, posts and heartbeats are signed where the policy from before the push asks for it,
    and commands of a name that is pinned come from whom it is pinned to. Of a heartbeat the names are not compared.
    What comes back after a ledger went was judged when it came: the commits before the tip of its last decision,
    which is in the team's ref, so that who is known has signed for them.
  * SAFE-9: a ledger goes back or away only by a decision about its very tip, which the team's ref has with this push or
    before it: an old one of the same name is none. A repair that is put on top is the one that a decision names. One
    whose tip is not whole here, which no push that passed did, needs none: git may take no other push while it is
    there, so the decision comes after it. What then stands there is replayed as any other.

What this file does not know: git's hooks, and how a commit is replayed.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile
from typing import NamedTuple

from gitcoord.core.documents.json_text import time_text
from gitcoord.core.documents.policy import KEY
from gitcoord.errors import CoordError, DocumentError, MissingObjectError, SchemaError
from gitcoord.ledger.archive.integrity import check_whole
from gitcoord.ledger.audit.author_audit import AuthorAudit
from gitcoord.ledger.audit.chain import Begin
from gitcoord.ledger.audit.ledger_audit import LedgerAudit, LedgerReport
from gitcoord.ledger.audit.team_policies import OnePolicy
from gitcoord.ledger.clone.host import Host
from gitcoord.ledger.format import commits, post, trees
from gitcoord.ledger.format.meta import META, RULES, SCHEMA, WRITER, Meta
from gitcoord.ledger.format.refs import ARCHIVES, RELAYS, Refs
from gitcoord.ledger.kinds.table import LEDGERS, Ledgers
from gitcoord.ledger.readers.reader import Reader
from gitcoord.ledger.readers.team_rules import is_readable
from gitcoord.ledger.rewinds.decisions import DELETED
from gitcoord.ledger.rewinds.lookback import decisions_at, descends
from gitcoord.ledger.transactions.plan import AHEAD_MAX
from gitcoord.remote.contract.protocol import Objects, Oid, RefName, RefUpdate, Transport
from gitcoord.remote.git.signature_check import SignatureCheck

COMMITS_MAX = 25_000  # of one ledger, which is rolled at 20,000; 100 s of processor


@dataclass(frozen=True, slots=True)
class ReceivingPlace:
    """A repository that is pushed to: its refs as they would be, and what an audit needs of it.

    `check`: returns what checks signatures by the settings of its git; without it none is checked.
    """

    transport: Transport
    refs: Refs
    host: Host
    ledgers: Ledgers = LEDGERS
    check: Callable[[], SignatureCheck] | None = None

    def reader(self) -> Reader:
        """Return what reads its ledgers."""
        return Reader(self.transport, self.refs, ledgers=self.ledgers)


class Refusal(NamedTuple):
    """Why a ref is not moved, as the end of a sentence that begins with the ref."""

    ref: RefName
    why: str


def refusals(place: ReceivingPlace, updates: Sequence[RefUpdate]) -> list[Refusal]:
    """Judge a push; an empty list lets it pass. What is outside the namespace is not judged.

    Inside is what a disk that knows no case may take for it, and the namespace itself, which would stop all below it.
    """
    judge = _Judge(place, updates)
    inside = place.refs.namespace.casefold()
    own = [update for update in updates if f"{update.ref.casefold()}/".startswith(f"{inside}/") and not update.is_check]
    return [Refusal(update.ref, why) for update in own for why in judge.faults(update)]


class _Judge:
    """One push."""

    def __init__(self, place: ReceivingPlace, updates: Sequence[RefUpdate]) -> None:
        self._place, self._updates = place, updates
        self._objects = place.transport.objects
        self._listed: Mapping[RefName, Oid] = place.transport.read(place.refs.everything)
        before = next((update.old for update in updates if update.ref == place.refs.config and not update.new), None)
        self._decisions = decisions_at(self._objects, before or self._listed.get(place.refs.config))
        self._authors = self._author_audit()

    def faults(self, update: RefUpdate) -> Iterator[str]:
        """Yield why an update is refused."""
        refs = self._place.refs
        try:
            yield from self._by_whom(update)
            if update.ref == refs.config:
                yield from self._team(update)
            elif update.new and refs.is_steps(update.ref) and update.ref != update.ref.lower():
                yield "is no ref of gitcoord's: the name of a project's is in lower case"
            elif self._place.ledgers.at(refs, update.ref) is not None:
                yield from self._ledger(update)
            elif (clone := refs.clone_of(update.ref)) is not None:
                beats = self._place.reader().heartbeats({update.ref: update.new}) if update.new else {}
                if update.new and [beat.clone for _, beat in beats.values()] != [clone]:
                    yield f"is to be {update.new[:12]}, which is no heartbeat of the clone {clone}"
            elif refs.is_at(ARCHIVES, update.ref):
                yield from self._archive(update)
            elif refs.is_inbox(update.ref):
                yield from self._post(update)
            elif not refs.is_probe(update.ref) and not refs.is_at(RELAYS, update.ref):
                yield "is no ref of gitcoord's"
        except CoordError as error:
            yield f"cannot be judged: {error}"

    def _author_audit(self) -> AuthorAudit | None:
        """Return what looks at authors, by the policy from before the push, where that asks for anything."""
        config, place = self._place.refs.config, self._place
        before = next((update.old for update in self._updates if update.ref == config), self._listed.get(config))
        policy = place.reader().policy(config, {config: before} if before else {})
        is_checked = policy.requires_signatures or KEY in policy.pin_agents
        check = place.check() if place.check is not None and is_checked else None
        asks = policy.requires_signatures or policy.pin_agents
        return AuthorAudit(self._objects, OnePolicy(policy), check, place.ledgers) if asks else None

    def _by_whom(self, update: RefUpdate) -> Iterator[str]:
        """Yield which of the commits that an update brings the team's policy does not take from who wrote it."""
        ref, old, new, refs = update.ref, update.old, update.new, self._place.refs
        authors, is_post = self._authors, refs.is_inbox(ref)
        is_chain = ref == refs.config or self._place.ledgers.at(refs, ref) is not None
        if authors is None or new is None or not (is_chain or is_post or refs.clone_of(ref) is not None):
            return
        brought = [new]
        if is_chain:
            walked = [*takewhile(lambda at: at != old, (at for at, _ in commits.walk(self._objects, new)))]
            there = self._decided_upon(ref, walked)
            if old and not _leads_to(self._objects, new, old):
                with suppress(CoordError):  # where it is damaged, history ends
                    there.update(at for at, _ in commits.walk(self._objects, old))
            brought = [at for at in walked if at not in there]
        now = self._place.host.now()
        since: datetime | None = now
        if is_chain:  # what it comes after may be far ahead of all clocks
            base = commits.before(self._objects, commits.read(self._objects, brought[-1])) if brought else None
            base = base or (old if ref == refs.config else None)
            since = self._dated(base, now) if base else now  # what begins here begins now
        for finding in authors.run(ref, brought[::-1], since, has_agents=is_post, is_team=ref == refs.config).findings:
            yield f"is to have the commit {finding.commit or ''}, which {finding.what}"

    def _dated(self, base: Oid | None, now: datetime) -> datetime | None:
        """Return what a commit behind another may be dated at; `None`: that one is not there, or is damaged."""
        with suppress(CoordError):
            return min(now, commits.read(self._objects, base).committed_at) if base else None
        return None

    def _decided_upon(self, ref: RefName, brought: list[Oid]) -> set[Oid]:
        """Return which commits its last decision says were there, and which its new tip is on, the newest first."""
        ledger, found = ref.removeprefix(f"{self._place.refs.namespace}/"), set[Oid]()
        ours = [decision for decision in self._decisions.decisions if decision.ledger == ledger]
        for tip, is_judged in ((ours[-1].replaced, False), (ours[-1].tip, True)) if ours else ():
            if tip and tip in brought:  # else it is behind what is here; a ledger that comes back has it
                found.update(brought[brought.index(Oid(tip)) + is_judged :])
        return found

    def _team(self, update: RefUpdate) -> Iterator[str]:
        ledgers = (ref for ref in self._listed if self._place.ledgers.is_ledger(self._place.refs, ref))
        is_damaged = update.old is not None and not is_readable(self._objects, update.old)
        if update.new is None:
            if not is_damaged and any(ledgers):
                yield "has the team's rules, and is deleted after the last ledger"
        elif update.old and not is_damaged and descends(self._objects, update.new, update.old) is not True:
            yield f"would lose its history: {update.new[:12]} does not come from {update.old[:12]}"
        elif not is_readable(self._objects, update.new):
            yield f"is to be {update.new[:12]}, which no gitcoord reads as rules of a team"
        else:
            yield from self._versions(update.new)

    def _ledger(self, update: RefUpdate) -> Iterator[str]:
        ref, old, new = update.ref, update.old, update.new
        if new is None:
            if old and not self._is_damaged(ref, old) and not self._is_decided(ref, old, None):
                yield "would be deleted, and the team's rules have no decision that says so"
            return
        there = set[Oid]() if old is None else {old}
        if old is not None and not _leads_to(self._objects, new, old):
            if not self._is_damaged(ref, old) and not self._is_decided(ref, old, new):
                yield f"would lose its history: {new[:12]} does not come from {old[:12]}"
                return
            with suppress(CoordError):  # where it is damaged, history ends
                there.update(at for at, _ in commits.walk(self._objects, old))
        report = LedgerAudit(self._place, self._listed).run(ref, None, lambda at, _: at in there, COMMITS_MAX)
        if report.left:
            yield f"has {report.left} commits more than the {COMMITS_MAX} that are replayed at once: push it in parts"
        if old is not None and report.begin not in (Begin.SINCE, Begin.FIRST):
            yield f"is to be {new[:12]}, which begins with what cannot be replayed"
        yield from self._unsound(report, is_on_top=there == {old})
        decided = {decision.tip for decision in self._decisions.decisions}
        for at in report.repaired if old is not None else ():
            if at not in decided:
                yield f"is to have the commit {at}, a repair, and the team's rules have no decision that says so"
        yield from self._versions(new)

    def _unsound(self, report: LedgerReport, *, is_on_top: bool) -> Iterator[str]:
        finding, now = report.finding, self._place.host.now()
        if finding is not None:
            yield f"is to have the commit {finding.commit or ''}, which {finding.what}"
        elif report.taken:
            rules = max(report.taken)
            where = "here" if rules > RULES else "where it was written"
            yield f"was written by rules {rules}, and here it is judged by {RULES}: upgrade gitcoord {where}"
        elif is_on_top and report.doubted is not None and report.doubted <= now:
            at = time_text(report.doubted)
            yield f"goes back in time from {at}, as if that had been ahead, and here it is {time_text(now)}"
        elif report.latest is not None and report.latest > now + AHEAD_MAX:
            yield f"was written at {time_text(report.latest)}, and here it is {time_text(now)}"

    def _versions(self, tip: Oid) -> Iterator[str]:
        """Yield why no writer of this version could go on from a commit."""
        found = trees.find(self._objects, commits.read(self._objects, tip).tree, META)
        meta = Meta.decode(self._objects.read(found)[1]) if found else Meta()
        if meta.schema > SCHEMA or meta.rules > RULES or meta.writer_min > WRITER:
            asked = f"schema {meta.schema}, rules {meta.rules}, writer {meta.writer_min}"
            yield f"asks for {asked}, which gitcoord here does not have: upgrade it"

    def _is_damaged(self, ref: RefName, tip: Oid) -> bool:
        """Whether a ledger is not whole here, or is none; of a newer version it is sound.

        Raises:
            CoordError: it cannot be looked at, which is no damage.
        """
        try:
            check_whole(self._objects, tip)
            self._place.reader().ledger(ref, tip)
        except SchemaError:
            return False
        except (DocumentError, MissingObjectError):
            return True
        return False

    def _is_decided(self, ref: RefName, old: Oid, new: Oid | None) -> bool:
        """Whether a decision is about this very tip, and what it puts there is in the history of the new one."""
        found = self._decisions.replacing(ref.removeprefix(f"{self._place.refs.namespace}/"), old)
        if new is None:
            return any(decision.what == DELETED for decision in found)
        return any(_leads_to(self._objects, new, Oid(decision.tip)) for decision in found if decision.tip)

    def _post(self, update: RefUpdate) -> Iterator[str]:
        name, new = self._place.refs.post_at(update.ref), update.new
        if new is None:
            return
        if name is None or post.read(self._objects, update.ref, new, name.clone, name.ledger) is None:
            yield f"is to be {new[:12]}, which is no post of that clone for that ledger"
        elif update.old is not None:
            yield "is a post, which is not replaced"

    def _archive(self, update: RefUpdate) -> Iterator[str]:
        archive, refs = self._place.refs.archive, self._place.refs
        own = (beside for beside in self._updates if update.ref.startswith(archive(beside.ref, "")))
        rolled = {beside.old for beside in own if self._place.ledgers.is_ledger(refs, beside.ref)}
        if update.new is not None and (update.old is not None or update.new not in rolled):
            yield "is an archive, and no roll of this push replaces what it is to name"


def _leads_to(objects: Objects, tip: Oid, earlier: Oid) -> bool:
    """Whether a ledger's commit came after another one, by what an audit follows: first parents, and rolls."""
    return any(at == earlier for at, _ in commits.walk(objects, tip))
