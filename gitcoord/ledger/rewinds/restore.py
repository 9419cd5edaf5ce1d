"""Restoring: what a person decided about a ledger that is back or gone becomes its next commit.

    put back   the marked tip again, where what is there now is in its history, or nothing is there: nothing is lost
               else a commit with the marked tree, whose parents are the marked tip and the present one
    keep       a commit with the present tree, whose parents are the present tip and, if it is here, the marked one
    delete     no commit: the ref goes, once the decision is recorded

Rules:
  * SAFE-9: no fence and no command id is given twice, whichever is decided: sequence number, counters and fences go on
    above all that is known, by RESERVE, for another clone may have seen more.
  * What is decided is recorded in the team's ref first (`rewinds.json`), so that each clone goes on when it finds it.
  * SEC-8: what comes back as it was is named by a decision first, where the team's policy asks who wrote it: who signs
    that answers for what is older than the policy.
  * Both histories stay reachable from the new commit, where they are here.
  * A clone that began with the tips alone has no more to send: what neither it nor the remote has is left behind a roll
    of the commit that was seen, which names it (SAFE-9), without an archive.
  * A holder whose step both histories have alike keeps its fence; of other steps the fence is new, and their holders
    get them back with it by claiming again (STEP-4).

Called under the clone's lock. What this file does not know: who decides.
"""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import TypeVar

from gitcoord.core.documents.doc import Doc
from gitcoord.core.documents.json_text import Json, compact
from gitcoord.core.documents.rewind import Mark, Present, is_possible
from gitcoord.core.steps.step import Step
from gitcoord.errors import (
    ContendedError,
    CoordError,
    DeniedError,
    DocumentError,
    MissingObjectError,
    UnreachableError,
)
from gitcoord.ledger.archive import roll
from gitcoord.ledger.archive.integrity import check_whole
from gitcoord.ledger.archive.publish import copy_whole
from gitcoord.ledger.format import commits, steps_layout, trees
from gitcoord.ledger.format.commits import Signature, walk
from gitcoord.ledger.format.meta import META, Applied, Meta, applied_path
from gitcoord.ledger.format.records import RecordHead, head_line
from gitcoord.ledger.format.refs import Refs
from gitcoord.ledger.format.team_layout import DECISIONS
from gitcoord.ledger.format.trees import Folder
from gitcoord.ledger.kinds.table import LEDGERS
from gitcoord.ledger.readers.reader import Reader
from gitcoord.ledger.readers.team_rules import check_is_rules, is_readable
from gitcoord.ledger.rewinds.decisions import DELETED, Decisions, RewindDecision
from gitcoord.ledger.rewinds.lookback import Lookback, decisions_at, descends, present_at
from gitcoord.remote.contract.protocol import Objects, Oid, RefName, RefUpdate, SwapOutcome, SwapStatus, Transport

RESERVE = 1000  # numbers that are left out: more than a clone gives between two heartbeats, a thousandth of what fits
RECORD_TRIES = 5
CANDIDATES_MAX = 100  # commits of one history that are read whole, one after another
_D = TypeVar("_D", bound=Doc)


@dataclass(frozen=True, slots=True)
class Restorer:
    """Writes what was decided.

    Attributes:
        by: who decides.
    """

    transport: Transport
    refs: Refs
    lookback: Lookback
    signature: Signature
    now: datetime
    by: str

    @property
    def _objects(self) -> Objects:
        return self.transport.objects

    def put_back(self, ref: RefName, mark: Mark) -> str:
        """Make a ledger what this clone saw of it; return what was done.

        Raises:
            CoordError: the marked commit is not here whole, or the remote does not take it.
        """
        listed = self._listed()
        ours, theirs = Oid(mark.tip), listed.get(ref)
        check_whole(self._objects, ours)
        sent = self._sendable(ref, ours, theirs)
        if present_at(self._objects, ours, "").seq < mark.seq:  # a copy from before what was seen last
            self._decide(ref, mark, sent, theirs or sent, theirs, "restored")
            return f"{ref} is what this clone kept of it, {ours[:12]}; what came after that is lost"
        if theirs is None or descends(self._objects, ours, theirs):
            if ref != self.refs.config and self._asks_who_wrote(listed):
                # Of what is older than such a policy a server takes what a decision names, and nothing else.
                self._record(self._decision(ref, "restored", 0, 0, None, sent))
            self._swap(RefUpdate(ref, theirs, sent))
            self.lookback.marks.note(ref, mark._replace(tip=sent))
            return _again(ref, ours, sent, f"at {ours[:12]}")
        self._decide(ref, mark, sent, theirs, theirs, "restored")
        return (
            f"{ref} is what this clone saw at {ours[:12]}; what was written since is in the history, at {theirs[:12]}"
        )

    def keep(self, ref: RefName, mark: Mark) -> str:
        """Accept what a ledger is now; return what was done.

        Raises:
            CoordError: it cannot be read, or the remote does not take it.
        """
        theirs = self._listed().get(ref)
        if theirs is None:
            self._record(self._decision(ref, DELETED, self._gone(ref, mark, None), 0, None, None))
            self.lookback.marks.forget(ref)
            return f"it is recorded that {ref} is gone"
        self._decide(ref, mark, theirs, Oid(mark.tip or theirs), theirs, "kept")
        return f"{ref} stays as it is; its numbers go on above all that were given out"

    def delete(self, ref: RefName) -> bool:
        """Take a ledger away, which is recorded before; tell whether it was there.

        Raises:
            CoordError: the remote does not take it, or another clone wrote meanwhile.
        """
        theirs, mark = self._listed().get(ref), self.lookback.mark_of(ref)
        if theirs is None:
            return False
        present: Present | None = None
        with contextlib.suppress(CoordError):  # one that cannot be read goes as well
            present = present_at(self._objects, theirs, "")
        if ref != self.refs.config:
            self._record(self._decision(ref, DELETED, self._gone(ref, mark, present), 0, None, theirs))
        self._swap(RefUpdate(ref, theirs, None))
        self.lookback.marks.forget(ref)
        return True

    def remove(self, update: RefUpdate) -> bool:
        """Take away a ref that is no ledger of the present, or the team's own; tell whether it was as it was listed."""
        status = self.transport.swap([update]).status
        if status is SwapStatus.WON:
            self.lookback.marks.forget(update.ref)
        return status is SwapStatus.WON

    def repair(self, ref: RefName, mark: Mark, store: Objects) -> str:
        """Put a ledger back to the newest commit that is whole, in the remote or in this clone's store.

        Raises:
            CoordError: there is none, or the remote does not take it.
        """
        theirs = self._listed().get(ref)
        whole = self.newest_whole(ref, theirs, store)
        if theirs is None or whole is None:
            message = f"No commit of {ref} that is whole is here."
            raise DocumentError(message, where=ref, hint="Try it in another clone.")
        is_far = self.transport.is_far  # what the remote has is reached by fetch and push alone
        sent = self._sendable(ref, whole, None if is_far else theirs)  # its history is brought as long as it is there
        if is_far:
            # Delete a damaged ref of a remote that is pushed to; what is published after that is sent whole.
            self.lookback.marks.note(ref, Mark(whole, present_at(self._objects, whole, "").seq))  # if this ends here
            self._swap(RefUpdate(ref, theirs, None))
        if whole == theirs:
            if is_far:
                if ref != self.refs.config:  # a server that asks for signatures takes what is older by this
                    self._record(self._decision(ref, "mended", 0, 0, None, sent))
                self._swap(RefUpdate(ref, None, sent))
            return _again(ref, theirs, sent, "whole")
        self._decide(ref, mark, sent, Oid(mark.tip or theirs), None if is_far else theirs, "mended")
        return f"{ref} is back at {whole[:12]}; what came after that, up to {theirs[:12]}, is not in it any more"

    def newest_whole(self, ref: RefName, theirs: Oid | None, store: Objects) -> Oid | None:
        """Return the newest commit that is whole, which may be put together from this clone's store; or none."""
        found = (tip for tip in self._candidates(ref, theirs, store) if self._made_whole(ref, tip, store))
        return next(found, None)

    def go_back(self, ref: RefName, mark: Mark, sound: Oid, judged: Oid) -> str:
        """Put a ledger back to a commit that an audit of the tip `judged` has passed; return what was done.

        Raises:
            ContendedError: it has moved since.
            CoordError: the remote does not take it.
        """
        if self._listed().get(ref) != judged:
            raise ContendedError(f"{ref} has moved meanwhile.", hint="Run gitcoord doctor again.")
        self._decide(ref, mark, sound, judged, judged, "mended")
        then = f"what was written since is in its history, at {judged[:12]}"
        return f"{ref} is back at {sound[:12]}, the last commit that is what its commands give; {then}"

    def _candidates(self, ref: RefName, theirs: Oid | None, store: Objects) -> Iterator[Oid]:
        """Yield the commits that a ledger may be put back to, the newest first, each once."""
        known: set[Oid] = set()
        for tip in [*([theirs] if theirs else []), *map(Oid, self.lookback.marks.tips(ref))]:
            for objects in (self._objects, store):
                for oid in (tip, *(parent for parent, _ in self._walk(objects, tip))):
                    if oid not in known:
                        known.add(oid)
                        yield oid

    def _walk(self, objects: Objects, tip: Oid) -> Iterator[tuple[Oid, object]]:
        with contextlib.suppress(CoordError):  # where it is damaged, history ends
            yield from islice(walk(objects, tip), CANDIDATES_MAX)

    def _made_whole(self, ref: RefName, tip: Oid, store: Objects) -> bool:
        """Whether a commit is whole in the remote and can be read, if need be with what the store has of it."""
        if self._is_whole(tip):
            return self._can_be_read(ref, tip)
        with contextlib.suppress(CoordError):
            kind, data = store.read(tip)
            tree = commits.read(store, tip).tree
            trees.load(store, tree)  # SEC-4: what unfolds without end is refused before it is copied
            copy_whole(store, self._objects, tree)
            self._objects.write(kind, data)
            return self._can_be_read(ref, tip)
        return False

    def _sendable(self, ref: RefName, tip: Oid, theirs: Oid | None) -> Oid:
        """Return a commit of a clone as it can be pushed; `theirs`: what the remote has."""
        if not roll.lacks_history(self._objects, tip, theirs):
            return tip
        return roll.without_history(self._objects, tip, self.by, self.signature, self.now, ref.rsplit("/", 1)[1])

    def _can_be_read(self, ref: RefName, tip: Oid) -> bool:
        """Whether readers of its kind take a commit: one that is whole may still be no ledger."""
        if ref == self.refs.config:
            return is_readable(self._objects, tip)
        with contextlib.suppress(CoordError):
            Reader(self.transport, self.refs).ledger(ref, tip)
            return True
        return False

    def _is_whole(self, tip: Oid) -> bool:
        with contextlib.suppress(CoordError):
            check_whole(self._objects, tip)
            return True
        return False

    def _listed(self) -> Mapping[RefName, Oid]:
        listed = self.transport.read(self.refs.everything)
        with contextlib.suppress(MissingObjectError):  # reading it says which
            self.transport.fetch([tip for ref, tip in listed.items() if LEDGERS.is_ledger(self.refs, ref)])
        return listed

    def _asks_who_wrote(self, listed: Mapping[RefName, Oid]) -> bool:
        reader = Reader(self.transport, self.refs, seen=self.lookback.marks.tips)
        policy = reader.policy(self.refs.config, listed)
        return policy.requires_signatures or bool(policy.pin_agents)

    def _decide(self, ref: RefName, mark: Mark, base: Oid, other: Oid, theirs: Oid | None, what: str) -> None:
        """Write the commit that goes on from one history, above both, after what was decided is recorded."""
        folder = trees.load(self._objects, commits.read(self._objects, base).tree)
        try:
            aside = trees.load(self._objects, commits.read(self._objects, other).tree)
        except CoordError:
            aside = trees.EMPTY
        meta = _doc(self._objects, folder, META, Meta) or Meta()
        beside = _readable(self._objects, aside, META, Meta) or Meta()

        def most(known: int, *said: int) -> int:
            """Return the highest of some numbers that can have been given: the other history may say anything."""
            return max(
                [known, *(number for number in said if is_possible(number, Present(known, at=before), self.now))]
            )

        before, seen = meta.at, self._most(ref, max(mark.seq, meta.seq, beside.seq), Present(meta.seq, at=meta.at))
        grants = most(meta.grants, beside.grants)
        meta = meta.evolve(seq=most(meta.seq, seen, mark.seq, beside.seq) + RESERVE, grants=grants, at=self.now)
        edits = {META: meta.encode()}
        if ref != self.refs.config:
            edits |= {path: doc.encode() for path, doc in self._renumbered(folder, aside, mark, most)}
        else:
            found = decisions_at(self._objects, base)
            edits[DECISIONS] = found.with_one(self._decision(ref, what, seen, meta.seq, None, theirs)).encode()
        tree = trees.write(self._objects, folder, edits).oid or Oid("")
        has_other = other != base and self._is_whole(other) and not roll.lacks_history(self._objects, other, theirs)
        parents = [base, *([other] if has_other else [])]
        new = self._commit(
            tree, parents, f"{what} {ref.rsplit('/', 1)[1]}", {"ledger": what, "base": base, "other": other}
        )
        if ref != self.refs.config:
            self._record(self._decision(ref, what, seen, meta.seq, new, theirs))
        self._swap(RefUpdate(ref, theirs, new))
        self.lookback.marks.decide(ref, Mark(new, meta.seq, mark.clone, mark.counter + RESERVE, mark.at_s))

    def _most(self, ref: RefName, known: int, present: Present | None = None) -> int:
        """Return the highest sequence number that this clone, the ledger or another clone can have seen."""
        return max(known, present.seq if present else 0, self.lookback.reported(ref, present, self.now)[0])

    def _gone(self, ref: RefName, mark: Mark, present: Present | None) -> int:
        """Return the highest number that clones can have seen of a ledger that goes: a forged one would cover any."""
        numbers = mark.seq, present.seq if present else 0, self.lookback.reported(ref, None, self.now)[0]
        return max((number for number in numbers if is_possible(number, None, self.now)), default=0)

    def _renumbered(
        self, base: Folder, other: Folder, mark: Mark, most: Callable[..., int]
    ) -> Iterator[tuple[str, Doc]]:
        """Yield what gets new numbers: the counters of clones, the fences of steps."""
        for path, oid in trees.changes(trees.EMPTY, base):
            if oid is None or not steps_layout.is_step(path):
                continue
            step = Step.decode(self._objects.read(oid)[1])
            if oid != other.file(path) or not step.is_held:
                beside = _readable(self._objects, other, path, Step)
                yield path, step.evolve(fence=most(step.fence, beside.fence if beside else 0) + RESERVE)
        ours, theirs = dict(_counters(self._objects, base)), dict(_counters(self._objects, other))
        own = {mark.clone: Applied(clone=mark.clone, at=self.now)} if mark.clone else {}
        for clone, applied in {**own, **theirs, **ours}.items():
            known = max(ours[clone].counter if clone in ours else 0, mark.counter if clone == mark.clone else 0)
            counter = most(known, theirs[clone].counter if clone in theirs else 0) + RESERVE
            yield applied_path(clone), applied.evolve(counter=counter)

    def _decision(
        self, ref: RefName, what: str, seen: int, seq: int, tip: Oid | None, replaced: Oid | None
    ) -> RewindDecision:
        ledger = ref.removeprefix(f"{self.refs.namespace}/")
        return RewindDecision(
            ledger=ledger, what=what, seen=seen, seq=seq, tip=tip, replaced=replaced, by=self.by, at=self.now
        )

    def _record(self, decision: RewindDecision) -> None:
        """Write a decision to the team's ref.

        Raises:
            DocumentError: that holds what is no rules of a team.
            CoordError: the remote does not take it.
        """
        ref, outcome = self.refs.config, SwapOutcome(SwapStatus.LOST)
        for _ in range(RECORD_TRIES):
            tip = self._listed().get(ref)
            folder = trees.load(self._objects, commits.read(self._objects, tip).tree) if tip else trees.EMPTY
            check_is_rules(folder, ref, tip)
            meta = _doc(self._objects, folder, META, Meta) or Meta()
            known = _doc(self._objects, folder, DECISIONS, Decisions) or Decisions()
            edits = {
                META: meta.evolve(seq=meta.seq + 1, at=self.now).encode(),
                DECISIONS: known.with_one(decision).encode(),
            }
            tree = trees.write(self._objects, folder, edits).oid or Oid("")
            said = f"{decision.what} {decision.ledger}"
            new = self._commit(tree, [tip] if tip else [], said, decision.dump())
            outcome = self.transport.swap([RefUpdate(ref, tip, new)])
            if outcome.status is not SwapStatus.LOST:
                break
        _check(outcome, ref)

    def _commit(self, tree: Oid, parents: list[Oid], title: str, repaired: Mapping[str, Json]) -> Oid:
        lines = f"{head_line(RecordHead(self.now, {}))}\n{compact({'repaired': {**repaired}, 'by': self.by})}"
        return commits.write(self._objects, tree, parents, self.signature, self.now, f"{title}\n\n{lines}")

    def _swap(self, update: RefUpdate) -> None:
        _check(self.transport.swap([update]), update.ref)


def _again(ref: RefName, tip: Oid, sent: Oid, what: str) -> str:
    if sent != tip:
        return f"{ref} is at {sent[:12]}, with all that was in {tip[:12]}; the history before that is lost"
    return f"{ref} is {what} again: nothing is lost"


def _counters(objects: Objects, folder: Folder) -> Iterator[tuple[str, Applied]]:
    below = folder.folders.get("applied", trees.EMPTY)
    for path, _ in trees.changes(trees.EMPTY, below, "applied/"):
        applied = _readable(objects, folder, path, Applied)
        if applied is not None:
            yield applied.clone, applied


def _doc(objects: Objects, folder: Folder, path: str, kind: type[_D]) -> _D | None:
    oid = folder.file(path)
    return kind.decode(objects.read(oid)[1]) if oid else None


def _readable(objects: Objects, folder: Folder, path: str, kind: type[_D]) -> _D | None:
    """Return a document of the history that is given up, if it can be read."""
    with contextlib.suppress(CoordError):
        return _doc(objects, folder, path, kind)
    return None


def _check(outcome: SwapOutcome, ref: RefName) -> None:
    """Raise what hindered a swap."""
    why = (outcome.message or outcome.status.value).rstrip(".")
    match outcome.status:
        case SwapStatus.WON:
            return
        case SwapStatus.LOST:
            raise ContendedError(f"{ref} has moved meanwhile: {why}.", hint="Run gitcoord doctor again.")
        case SwapStatus.DENIED:
            raise DeniedError(f"The remote declined {ref}: {why}.", hint="Ask for the right to push there.")
        case SwapStatus.UNREACHABLE | SwapStatus.UNKNOWN:
            raise UnreachableError(f"{ref} could not be written: {why}.", hint="Run gitcoord doctor again.")
