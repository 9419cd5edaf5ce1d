"""The audit of one ledger: its commits one after another, up to the first that is not what its record gives.

    before ──commit──> a record of commands   replayed by the rules (`replay`)
                       of another version      taken as it is, counted, and said
                       a special commit        has the shape that it says (`special_commits`)
                       anything else           a finding: who wrote it, and what differs

Rules:
  * A commit is decided by the version of the rules that its record names. Those of another version than this one's
    cannot be decided again here: what they left is where the replay goes on from. Once a ledger asks for a version of
    the rules, no older one writes it.
  * What cannot be read is a finding of its ledger; the other ledgers are audited all the same.

What this file does not know: which ledgers there are, and where checkpoints are kept.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from gitcoord.core.documents.doc import replace
from gitcoord.core.documents.json_text import time_text
from gitcoord.core.documents.names import shown
from gitcoord.core.documents.rewind import Mark
from gitcoord.errors import CoordError, DocumentError
from gitcoord.ledger.audit import recorded_batch, special_commits
from gitcoord.ledger.audit.chain import Begin, IsBefore, chain_of
from gitcoord.ledger.audit.checkpoint import Checkpoint
from gitcoord.ledger.audit.problem import Finding, Problem, UnsoundError
from gitcoord.ledger.audit.recorded_batch import Head
from gitcoord.ledger.audit.replay import Replay
from gitcoord.ledger.audit.team_history import TeamHistory
from gitcoord.ledger.audit.trial_objects import TrialObjects
from gitcoord.ledger.clone.host import Host
from gitcoord.ledger.format import commits, post
from gitcoord.ledger.format.commits import Commit
from gitcoord.ledger.format.meta import RULES
from gitcoord.ledger.format.refs import Refs
from gitcoord.ledger.format.root_commit import replaced_by
from gitcoord.ledger.kinds.ledger import LedgerState, absent
from gitcoord.ledger.kinds.table import Ledgers
from gitcoord.ledger.readers.reader import Reader
from gitcoord.ledger.rewinds.lookback import decisions_at, descends, present_at
from gitcoord.ledger.transactions.plan import AHEAD_MAX
from gitcoord.remote.contract.protocol import Oid, RefName, Transport


@dataclass(slots=True)
class LedgerReport:
    """What an audit of one ledger found.

    Attributes:
        begin, before: where it began, and the commit that was taken as it is, if any.
        replayed: how many commits are what their commands give.
        taken: how many were decided by another version of the rules, by that version.
        warnings: what is no proof of anything, as sentences.
        finding: the first commit that is not sound; the audit of this ledger ends there.
        passed: the ledger at the last commit that is.
        repaired: the commits among them that say that they repair the ledger.
        left: how many commits were left out, for there were more than were asked for.
        latest: the latest time that a replayed commit gives its ledger.
        doubted: the earliest time of a ledger that the next commit did not believe, and went back behind.
    """

    ref: RefName
    tip: Oid
    begin: Begin = Begin.FIRST
    before: Oid | None = None
    replayed: int = 0
    taken: dict[int, int] = field(default_factory=dict[int, int])
    warnings: list[str] = field(default_factory=list[str])
    finding: Finding | None = None
    passed: LedgerState[Any] | None = None
    repaired: list[Oid] = field(default_factory=list["Oid"])
    latest: datetime | None = None
    doubted: datetime | None = None
    left: int = 0


class Place(Protocol):
    """What an audit needs of the place where the ledgers are."""

    @property
    def transport(self) -> Transport: ...
    @property
    def refs(self) -> Refs: ...
    @property
    def ledgers(self) -> Ledgers: ...
    @property
    def host(self) -> Host: ...
    def reader(self) -> Reader: ...


@dataclass(slots=True)
class LedgerAudit:
    """Audits ledgers of one listing, each by a reader of its own."""

    setting: Place
    listed: Mapping[RefName, Oid]

    def run(
        self, ref: RefName, known: Checkpoint | None, is_before: IsBefore | None = None, count_max: int | None = None
    ) -> LedgerReport:
        """Audit one ledger, from a checkpoint if its history has it. Never raises for what is in the ledger.

        `count_max`: the oldest so many commits, of those that are here; all, fetched, if not given.
        """
        tip = self.listed[ref]
        report = LedgerReport(ref, tip)
        walk = _LedgerWalk(self.setting, self.listed, report)
        at: Oid = tip
        try:
            chain = chain_of(self.setting.transport, tip, known, is_before, fetches=count_max is None)
        except DocumentError as error:
            report.finding = walk.finding(Oid(error.where), Problem.UNREADABLE, f"cannot be read: {error}")
            return report
        try:
            report.begin, report.before = chain.begin, chain.before
            if known is not None and chain.begin in (Begin.FIRST, Begin.CUT_OFF, Begin.ROLL):
                walk.check_descent(tip, known)
            at = chain.before or tip
            state = walk.first_state(chain.before)
            report.passed = state if chain.before else None
            todo = chain.oids[::-1][:count_max]
            report.left = len(chain.oids) - len(todo)
            for at in todo:
                state = report.passed = walk.step(state, at, commits.read(self.setting.transport.objects, at))
                report.latest = max(filter(None, (report.latest, state.meta.at)), default=None)
            now = self.setting.host.now()
            if state.meta.at is not None and state.meta.at > now + AHEAD_MAX:
                text = f"{ref} was last written at {time_text(state.meta.at)}, and here it is {time_text(now)}."
                report.warnings.append(text)
        except UnsoundError as error:
            report.finding = walk.finding(at, error.problem, error.what, error)
        except CoordError as error:
            report.finding = walk.finding(at, Problem.UNREADABLE, f"cannot be read: {error}")
        return report


class _CheckedLedgers:
    """Reads other ledgers as they were; the reader is made by the first that is asked for."""

    def __init__(self, setting: Place) -> None:
        self._setting = setting
        self._reader: Reader | None = None

    def content(self, ref: RefName, tip: Oid) -> Any:  # noqa: ANN401 - of any kind
        self._reader = self._reader or self._setting.reader()
        return self._reader.ledger(ref, tip).content


class _LedgerWalk:
    """One walk through a ledger."""

    def __init__(self, setting: Place, listed: Mapping[RefName, Oid], report: LedgerReport) -> None:
        self._objects = setting.transport.objects
        self._refs, self._ledgers, self._listed = setting.refs, setting.ledgers, listed
        self._report = report
        self._reader: Reader = setting.reader()
        self._team = TeamHistory(self._objects, self._reader, setting.refs.config, listed.get(setting.refs.config))
        objects = TrialObjects(self._objects)
        self._replay = Replay(objects, self._reader, setting.refs, setting.ledgers, _CheckedLedgers(setting))
        self._clone = ""

    def first_state(self, before: Oid | None) -> LedgerState[Any]:
        if before is not None:
            return self._reader.ledger(self._report.ref, before)
        kind = self._ledgers.at(self._refs, self._report.ref)
        if kind is None:
            raise DocumentError(f"{self._report.ref} is not a ledger.", where=self._report.ref)
        return absent(kind, self._report.ref)

    def check_descent(self, tip: Oid, known: Checkpoint) -> None:
        """Look whether a history that does not lead to the checkpoint was repaired so, or is another one."""
        ledger = self._report.ref.removeprefix(f"{self._refs.namespace}/")
        decisions = decisions_at(self._objects, self._listed.get(self._refs.config))
        mark = Mark(known.tip, known.seq, at_s=int(known.at.timestamp()))
        is_decided = decisions.covers(ledger, mark, present_at(self._objects, tip, ""))
        is_there = True if is_decided else descends(self._objects, tip, Oid(known.tip))
        if is_there is False:
            what = f"does not come from {known.tip[:12]}, up to which this clone audited it: the history was rewritten"
            raise UnsoundError(Problem.REWRITTEN, what)
        if is_there is None:
            text = f"What came between {known.tip[:12]}, which was audited, and the roll is not here any more."
            self._report.warnings.append(text)

    def step(self, before: LedgerState[Any], tip: Oid, commit: Commit) -> LedgerState[Any]:
        self._clone = ""
        if not commit.parents and before.tip is not None:
            return self._rolled(before, tip, commit)
        if not recorded_batch.is_recorded(commit):
            return self._without_record(before, tip, commit)
        text, apart = recorded_batch.text_of(self._objects, commit)
        head = recorded_batch.head_of(text)
        second = recorded_batch.second_of(text)
        by = second.get("by")
        self._clone = str(by.get("clone") or "") if isinstance(by, dict) else ""
        if head.rules < before.meta.rules:
            what = f"was decided by rules {head.rules}, and its ledger asks for {before.meta.rules}"
            raise UnsoundError(Problem.RULES, what)
        if head.rules != RULES:
            return self._taken(before, tip, head)
        posts = [post.commands_in(self._objects, other) for other in commit.parents[1:]]
        if special_commits.REPAIRED not in second and (None in posts or (posts and special_commits.is_special(second))):
            raise UnsoundError(Problem.RECORD, "joins histories, which only a repair does")
        if special_commits.is_special(second):
            special_commits.check(self._replay, before, commit, head, second, apart)
            self._report.replayed += 1
            self._report.repaired += [tip] if special_commits.REPAIRED in second else []
            return self._loaded(before, tip)
        rules = self._team.rules_of(head)
        if before.tip is None:
            listed = {self._refs.config: rules.listed} if rules.listed else {}
            before = replace(before, meta=self._reader.first_meta(listed))
        batch = recorded_batch.batch_of(text, apart)
        said = [posted for posted in posts if posted is not None]
        recorded_batch.check_posts(batch, said, self._report.ref, self._ledgers)
        after = self._replay.next_state(before, tip, commit, batch, rules)
        self._report.replayed += 1
        if head.ahead is not None:
            text = f"The clone that wrote {tip[:12]} did not believe the time of the commit before"
            self._report.warnings.append(f"{text}: {time_text(head.ahead)}.")
            self._report.doubted = min(head.ahead, self._report.doubted or head.ahead)
        return after

    def finding(self, at: Oid, problem: Problem, what: str, error: UnsoundError | None = None) -> Finding:
        try:
            author = shown(commits.read(self._objects, at).by)[1:-1]
        except CoordError:
            author = ""
        differences = error.differences if error else ()
        return Finding(self._report.ref, at, problem, what, author, shown(self._clone)[1:-1], differences)

    def _rolled(self, before: LedgerState[Any], tip: Oid, commit: Commit) -> LedgerState[Any]:
        if replaced_by(commit.message) != before.tip or commit.tree != before.folder.oid:
            raise UnsoundError(Problem.ROLL, "is a roll that does not have the tree of the tip that it replaces")
        self._report.replayed += 1
        return replace(before, tip=tip)

    def _without_record(self, before: LedgerState[Any], tip: Oid, commit: Commit) -> LedgerState[Any]:
        if before.tip is not None or commit.parents:
            raise UnsoundError(Problem.RECORD, "has no record: no gitcoord wrote it")
        self._report.begin, self._report.before = Begin.PUBLISHED, tip
        return self._loaded(before, tip)

    def _taken(self, before: LedgerState[Any], tip: Oid, head: Head) -> LedgerState[Any]:
        self._report.taken[head.rules] = self._report.taken.get(head.rules, 0) + 1
        after = self._loaded(before, tip)
        if after.meta.seq < before.meta.seq:
            what = f"lowers the sequence number from {before.meta.seq} to {after.meta.seq}"
            raise UnsoundError(Problem.DOCUMENT, what)
        return after

    def _loaded(self, before: LedgerState[Any], tip: Oid) -> LedgerState[Any]:
        if before.tip is not None:
            self._reader.remember(before)
        return self._reader.ledger(self._report.ref, tip)
