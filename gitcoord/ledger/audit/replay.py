"""Replaying: the recorded commands of one commit, decided again by the rules on the ledger as it was before.

    ledger before ──commands, by the rules, with what the record says they read──> ledger after, outcomes, tree
                                                                                    │ compared with the commit

Rules:
  * Nothing is read but the ledger before, the record, and the team's rules at the commit that the record names: no
    clock, no heartbeat, no other ledger. What a decision read of those is in the record: evidence, and answers.
  * The tree is made as `transactions.write` makes it, by the same function, and only its id is compared; what is the
    same is not read again.
  * The time of a ledger goes back only behind a tip that was far ahead of its writer, which the record says.

What this file does not know: which commits there are, and those that no command made (`special_commits`).
"""

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, TypeVar

from gitcoord.core.documents.decision import Context, Decision
from gitcoord.core.documents.doc import Doc, replace
from gitcoord.core.documents.json_text import Json, compact, load_json, time_text
from gitcoord.core.documents.liveness import INTERVAL_MAX_S, Held, Sighting
from gitcoord.core.documents.outcomes import Outcome
from gitcoord.core.documents.policy import Policy
from gitcoord.core.steps.step import Step
from gitcoord.errors import CoordError, LimitError
from gitcoord.ledger.audit.problem import Difference, Problem, UnsoundError, differences, of_bytes
from gitcoord.ledger.audit.recorded_batch import CommandLine, Head, RecordedBatch
from gitcoord.ledger.format import trees
from gitcoord.ledger.format.commits import Commit
from gitcoord.ledger.format.meta import RECORD
from gitcoord.ledger.format.records import Done, line_of
from gitcoord.ledger.format.refs import Refs
from gitcoord.ledger.format.trees import Folder
from gitcoord.ledger.kinds.ledger import LedgerState, Question
from gitcoord.ledger.kinds.table import Ledgers
from gitcoord.ledger.readers.reader import Reader
from gitcoord.ledger.transactions.plan import AHEAD_MAX
from gitcoord.ledger.transactions.write import Decided, edits_of
from gitcoord.remote.contract.protocol import Objects, Oid, RefName

_A = TypeVar("_A")
LIMIT_FACTORS = (1, 2)  # of a swap that can compare the heartbeat which silence was judged by, and of one that cannot
_COMPARED = ("id", "outcome", "judged", "events")  # of a line; the rest of it is what the decision is made on


class Rules(NamedTuple):
    """The team's rules that a record names: the commit that its writer listed, and whose policy counted."""

    listed: Oid | None
    policy: Policy


class _UnreadError(Exception):
    """Another ledger is not here as it was, or the record does not say how it was."""


class Elsewhere(Protocol):
    """The other ledgers, as they were at the commits that a swap checked."""

    def content(self, ref: RefName, tip: Oid) -> Any:  # noqa: ANN401 - of any kind
        """Return what a ledger held there; `CoordError`: it is not here."""
        ...


@dataclass(frozen=True, slots=True)
class RecordedAnswers:
    """The other ledgers, as far as the record says what was read of them; see `Others`.

    An answer is looked up as well where the swap checked the ledger that gave it, and that is here.
    """

    refs: Refs
    head: Head
    line: CommandLine
    elsewhere: Elsewhere
    repo: str | None = None

    def ask(self, question: Question[_A], about: str, look: Callable[[], _A | None]) -> _A | None:
        """Return the recorded answer."""
        found = self.line.answers(question.word).get(about)
        if found is None:
            return None
        with contextlib.suppress(_UnreadError):
            answer = look()
            given = None if answer is None else question.spell(answer)
            if given != found:
                what = f"says of {about[:40]} what the ledger that it read does not say: {question.word}"
                raise UnsoundError(Problem.BESIDE, what, tuple(differences(question.word, found, given)))
        return question.parse(found)

    def content(self, ref: RefName) -> Any:  # noqa: ANN401 - of any kind
        """Return what a ledger held that the swap checked."""
        tip = self.head.checks.get(ref)
        if not isinstance(tip, str):
            raise _UnreadError
        try:
            return self.elsewhere.content(ref, Oid(tip))
        except CoordError:
            raise _UnreadError from None

    def decide(self, ref: RefName, content: Any, command: Doc) -> Decision[Any]:  # noqa: ANN401, ARG002
        """Refuse: what this read beside would not be in the record."""
        raise _UnreadError

    def rely_on(self, ref: RefName) -> None:
        """Nothing is swapped here."""


@dataclass(slots=True)
class Replay:
    """Replays commits of one ledger. `objects` writes nothing."""

    objects: Objects
    reader: Reader
    refs: Refs
    ledgers: Ledgers
    elsewhere: Elsewhere

    def next_state(
        self, before: LedgerState[Any], tip: Oid, commit: Commit, batch: RecordedBatch, rules: Rules
    ) -> LedgerState[Any]:
        """Return the ledger after a commit.

        Raises:
            UnsoundError: the commit is not what its record gives.
            CoordError: something that has to be read for it is damaged, or not here.
        """
        check_time(before, commit, batch.head)
        content: Any = before.content
        done: list[Done] = []
        counters: dict[str, int] = {}
        for line, raw in zip(batch.lines, batch.raw, strict=True):
            clone = line.clone or batch.clone
            counters.setdefault(clone, self.reader.applied(before, clone).counter)
            counters[clone] += 1
            made, decision = self._decided(before, content, line, f"{clone}.{counters[clone]}", batch.head, rules)
            _compare(made, raw)
            done.append(made)
            content = decision.after
        after = replace(before, content=content)
        decided = Decided(after, batch.clone, batch.head.now, done, self._before(before, batch), batch.refusals)
        try:
            edits = edits_of(self.objects, self.reader, decided)
            if batch.apart is not None or before.folder.file(RECORD):
                edits.files[RECORD] = batch.apart
            folder = trees.write(self.objects, before.folder, edits.files)
        except LimitError as error:
            raise UnsoundError(Problem.LIMIT, f"is beyond what a reader takes: {error}") from None
        if folder.oid != commit.tree:
            self.explain(before.folder, edits.files, folder, commit.tree)
        return replace(after, tip=tip, folder=folder, meta=edits.meta, size_bytes=edits.size_bytes)

    def explain(self, before: Folder, edits: Mapping[str, bytes | None], given: Folder, found_tree: Oid) -> None:
        """Say which documents differ.

        Raises:
            UnsoundError: always.
        """
        found = trees.load(self.objects, found_tree, before)
        rows: list[Difference] = []
        names: list[str] = []
        for path, oid in trees.changes(given, found):
            names.append(path)
            known = before.file(path)
            expected = edits[path] if path in edits else self.objects.read(known)[1] if known else None
            rows += of_bytes(path, self.objects.read(oid)[1] if oid else None, expected)
        more = f" and {len(names) - 1} more" if len(names) > 1 else ""
        what = f"has {names[0]}{more} otherwise than its commands give" if names else "has a tree that is spelled anew"
        raise UnsoundError(Problem.DOCUMENT, what, tuple(rows[:10]))

    def _decided(
        self,
        before: LedgerState[Any],
        content: Any,  # noqa: ANN401 - of any kind
        line: CommandLine,
        command_id: str,
        head: Head,
        rules: Rules,
    ) -> tuple[Done, Decision[Any]]:
        project = before.ref.rpartition("/")[2]
        try:
            command = before.kind.commands[line.do].parse(line.args)
        except KeyError:
            raise UnsoundError(
                Problem.RECORD, f"has the command {line.do[:40]!r}, which is none of its ledger"
            ) from None
        except CoordError as error:
            raise UnsoundError(Problem.RECORD, f"has a command that cannot be read: {error}") from None
        entry = self.ledgers.entry_of(line.uid, command, line.by, project).evolve(arguments=line.args)
        try:
            decision = before.kind.decide(
                content,
                command,
                _context(head, line, rules.policy),
                RecordedAnswers(self.refs, head, line, self.elsewhere),
            )
        except _UnreadError:
            what = f"has the command {line.do[:40]}, which reads another ledger, and its record does not say what"
            raise UnsoundError(Problem.BESIDE, what) from None
        except (CoordError, ArithmeticError, LookupError, TypeError, ValueError) as error:
            what = f"has a command that the rules cannot decide: {type(error).__name__}: {str(error)[:200]}"
            raise UnsoundError(Problem.RECORD, what) from None
        return Done(entry, command_id, decision), decision

    def _before(self, before: LedgerState[Any], batch: RecordedBatch) -> Mapping[str, Outcome]:
        applied = self.reader.applied(before, batch.clone)
        found = {uid: applied.outcome_of(uid) for uid in batch.head.before}
        missing = [uid for uid, outcome in found.items() if outcome is None]
        if missing:
            raise UnsoundError(
                Problem.RECORD, f"keeps the outcome of {missing[0][:40]!r}, which was not applied before"
            )
        return {uid: outcome for uid, outcome in found.items() if outcome is not None}


def check_time(before: LedgerState[Any], commit: Commit, head: Head) -> None:
    """Look at the time of a commit, and at how its writer reckoned.

    Raises:
        UnsoundError: it goes back, or is not the one of its record; silence was judged as no writer judges it.
    """
    at = before.meta.at
    if head.limit_factor not in LIMIT_FACTORS or not 0 < head.beat_s <= INTERVAL_MAX_S:
        what = f"reckons with {head.limit_factor} times the limit of silence, and beats every {head.beat_s} s"
        raise UnsoundError(Problem.RECORD, f"{what}: no writer does")
    if head.over_by is not None and head.over_by > head.now:
        what = f"ends what others hold by {time_text(head.over_by)}, and is of {time_text(head.now)}"
        raise UnsoundError(Problem.TIME, what)
    if int(head.now.timestamp()) != int(commit.committed_at.timestamp()):
        what = f"is dated {time_text(commit.committed_at)}, and its record {time_text(head.now)}"
        raise UnsoundError(Problem.TIME, what)
    if at is None or head.now >= at:
        return
    if head.ahead != at or at <= head.now + AHEAD_MAX:
        raise UnsoundError(Problem.TIME, f"goes back in time, from {time_text(at)} to {time_text(head.now)}")


def _compare(made: Done, raw: Mapping[str, Json]) -> None:
    """Compare what the rules say of a command with what its line says."""
    given = load_json(compact(line_of(made)).encode())
    if not isinstance(given, dict):
        return
    differing = [name for name in _COMPARED if raw.get(name) != given.get(name)]
    word, found = made.entry.word, {name: raw.get(name) for name in differing}
    rows = differences(word, found, {name: given.get(name) for name in differing}) if differing else []
    if not rows:
        return
    what = f"says of {word} {made.command_id} what the rules do not: {rows[0].field}"
    by_id = next((row for row in rows if row.field == "id"), None)
    if by_id is not None:
        what = f"has the command {by_id.found[:40]}, where {by_id.given[:40]} is next: one was left out or put in"
    raise UnsoundError(Problem.OUTCOME, what, tuple(rows[:10]))


def _context(head: Head, line: CommandLine, policy: Policy) -> Context:
    seen: dict[object, Sighting] = {judged.claim or judged.step_num: judged.sighting for judged in line.judged}

    def look(held: Held) -> Sighting:
        return seen.get(held.step_num if isinstance(held, Step) else held.id, Sighting())

    return Context(
        now=head.now,
        actor=line.by,
        policy=policy,
        look=look,
        limit_factor=head.limit_factor,
        may_judge=head.may_judge,
        over_by=head.over_by or head.now,
        beat_s=head.beat_s,
    )
