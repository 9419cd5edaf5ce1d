"""Looking back: whether the ledgers of a listing have all that this clone saw of them.

    marks.load ──> list refs ──> for each ledger whose tip is not the marked one: numbers, descent ──> judge
                                   nothing: a new mark     BACK, GONE: a decision in the team's ref, or RewoundError

Rules:
  * SAFE-9: a ledger that is back or gone gives nothing out until a person, or `doctor --repair`, has decided.
  * Descent follows every parent, and a roll: a parentless commit with the same tree whose record names the tip that it
    `replaces`. A commit that joins two histories has what was seen of both.
  * What was seen at another place counts where the ledger here is the same one: they share a commit, or this clone
    wrote into it. Two remotes may have ledgers of one name that have nothing to do with each other. Where commits of
    the other place are not here, those that were noted of it tell: the first of its history, and the last ones seen.
  * What other clones saw is in their heartbeats (`Heartbeat.seen`), for who has not seen that ledger yet. It is a hint:
    one that says more than can have been written stops no clone, and `doctor` names it.
  * A tip that is marked costs nothing; one that another clone wrote costs a few reads. No ref is listed for it.
  * A clone may lack what its ledgers came from (`boundaries`). All marks of a place are of what came later, and what
    both histories lack has neither tip; where one alone lacks it, it is brought to judge. While it does not come, the
    ledger counts as well, and the mark stays where it is, so that the next look judges again. Only at another place its
    first commit is missed, by which any copy is known: there a ledger is the same one where a clone has written into
    both.

What this file does not know: commands; `transactions` and the services refuse.
"""

import contextlib
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from gitcoord.core.documents.liveness import Heartbeat
from gitcoord.core.documents.names import is_line
from gitcoord.core.documents.policy import Policy
from gitcoord.core.documents.rewind import Mark, Present, Rewind, is_behind, is_possible, judge
from gitcoord.errors import CoordError, DocumentError, RewoundError, SchemaError, UnreachableError
from gitcoord.ledger.format import commits, trees
from gitcoord.ledger.format.commits import WALK_MAX, Commit
from gitcoord.ledger.format.meta import APPLIED_KEPT, META, SCHEMA, WRITER, Applied, Meta, applied_path
from gitcoord.ledger.format.post import is_post
from gitcoord.ledger.format.refs import Refs
from gitcoord.ledger.format.team_layout import DECISIONS
from gitcoord.ledger.kinds.ledger import LedgerState
from gitcoord.ledger.kinds.table import LEDGERS, Ledgers
from gitcoord.ledger.readers.strays import STRAYS, Strays
from gitcoord.ledger.readers.team_rules import TeamRules, policy_at
from gitcoord.ledger.rewinds.marks import TOLD_MAX, Marks
from gitcoord.remote.contract.protocol import LeavesOut, Objects, Oid, RefName, here

if TYPE_CHECKING:
    from gitcoord.ledger.readers.reader import Reader
    from gitcoord.ledger.rewinds.decisions import Decisions


DAMAGED_MAX = 10  # commits on top of each other that someone else wrote, and that no writer of ours goes on from
Reports = dict[RefName, list[tuple[int, str]]]  # of each ledger what clones say that they saw
_STOPPED = "Nothing in it is given out until that is decided."
_HINT = "Run `gitcoord doctor --repair` in the clone that was at work last. Other ledgers go on."


class Lookback:
    """Judges the ledgers of listings by the marks of one place."""

    def __init__(
        self,
        objects: Objects,
        refs: Refs,
        marks: Marks,
        strays: Strays | None = None,
        ledgers: Ledgers = LEDGERS,
        copy: Path | None = None,
    ) -> None:
        """Know nothing yet. `copy`: the clone's own store, which may have what a remote on a path has lost."""
        self._strays = strays or Strays()
        self._copy = copy
        self._whole = objects
        self._objects = here(objects)
        self._refs = refs
        self._ledgers = ledgers
        self.marks = marks
        self._heard: Reports | None = None  # by the last listing
        self._proved: Reports | None = None  # by the one before
        self._elsewhere: dict[RefName, Mark] = {}  # what was seen of ledgers of this place at another one
        self._unjudged: set[RefName] = set()  # ledgers of which history does not come now that was left out

    @classmethod
    def of_place(
        cls, folder: Path, url: str, refs: Refs, repo: str | None, objects: Objects, ledgers: Ledgers = LEDGERS
    ) -> Self:
        """Judge by the marks in a clone's folder. `url`: empty for the store of the clone."""
        marks, strays = Marks(folder, url, refs.namespace, repo), Strays(f"{folder}/{STRAYS}")
        return cls(objects, refs, marks, strays, ledgers, folder / "store.git")

    def begin(self) -> None:
        """Read what the clone has seen. Called before refs are listed."""
        self.marks.load()
        self._strays.load()
        self._proved, self._heard = self._heard, None

    def hear(self, beats: Mapping[str, tuple[Oid, Heartbeat]]) -> None:
        """Take over what other clones say that they saw, by the heartbeats of a listing.

        Refs are not listed at one instant, so only what an earlier listing said proves that a later one lacks it. The
        first one of a process counts as well; a caller that finds something by it lists again before it says so.
        """
        self._heard = {}
        for clone, (_, beat) in beats.items():
            # SEC-1, SEC-4: a stranger's heartbeat may name ledgers without end, and what is none.
            for ledger, seq in islice(beat.seen.items(), TOLD_MAX):
                if is_line(ledger):
                    ref = RefName(f"{self._refs.namespace}/{ledger}")
                    self._heard.setdefault(ref, []).append((seq, clone))

    @property
    def _reports(self) -> "Reports":
        return (self._heard if self._proved is None else self._proved) or {}

    def reported(self, ref: RefName, present: Present | None, now: datetime) -> tuple[int, str]:
        """Return the highest sequence number of a ledger that a clone can have seen and says it saw, and the clone."""
        said = (pair for pair in self._reports.get(ref, ()) if is_possible(pair[0], present, now))
        return max(said, default=(0, ""))

    def overstated(self, listed: Mapping[RefName, Oid], now: datetime) -> Iterator[tuple[RefName, int, str]]:
        """Yield each ledger with a sequence number that no clone can have seen, and the clone that says it did."""
        for ref, said in sorted(self._reports.items()):
            present = self._present(ref, listed.get(ref))
            yield from ((ref, seq, clone) for seq, clone in said if not is_possible(seq, present, now))

    def _present(self, ref: RefName, tip: Oid | None) -> Present | None:
        with contextlib.suppress(CoordError):  # its reader says so
            return present_at(self._objects, tip, "") if tip and self._strays.why(ref, tip) is None else None
        return None

    def mark_of(self, ref: RefName) -> Mark:
        """Return what a ledger that is back or gone is measured by."""
        return self.marks.of(ref) or self._elsewhere.get(ref) or Mark("", 0)

    def acknowledge(self, state: LedgerState[Any], command_id: str, now: datetime) -> None:
        """Note what landed, under the clone's lock: the id of the last command is `<clone>.<counter>`."""
        clone, _, counter = command_id.rpartition(".")
        seen = self.marks.of(state.ref) if state.ref in self._unjudged else None
        seen = seen or Mark(state.tip or "", state.meta.seq)
        self.marks.note(state.ref, Mark(seen.tip, seen.seq, clone, int(counter), int(now.timestamp())))
        self.marks.compact(command_id)

    def rewound(self, listed: Mapping[RefName, Oid], now: datetime) -> list[RewoundError]:
        """Return the problems of the ledgers of a listing, and note those without."""
        ledgers = (ref for ref in (*listed, *self._reports) if self._ledgers.is_ledger(self._refs, ref))
        refs = {*ledgers, *self.marks.refs()}
        found = [error for ref in sorted(refs) if (error := self.find(ref, listed, now)) is not None]
        self._strays.keep()
        return found

    def find(self, ref: RefName, listed: Mapping[RefName, Oid], now: datetime) -> RewoundError | None:
        """Return the problem of one ledger; `None`: none, or it cannot be read, which its reader says."""
        tip, mark = listed.get(ref), self.marks.of(ref)
        self._unjudged.discard(ref)
        if self._strays.why(ref, tip) is not None:
            return None
        try:
            is_known = mark is not None and mark.tip == tip
            found = None if is_known else self._judged(ref, tip, mark, listed, now)
            return found or self._missed(ref, tip, listed, now)
        except CoordError:
            if tip is not None:
                self._strays.pass_over(self._objects, ref, tip)
            return None

    def author_policies(self, reader: "Reader", listed: Mapping[RefName, Oid], now: datetime) -> tuple[Policy, ...]:
        """Return the policies that have to take what is written here (SEC-8): the team's, as a reader has it.

        Behind it the one that this clone saw last, where the team's ref is damaged, gone or behind.
        """
        config = self._refs.config
        present = reader.policy(config, listed)
        if (reader.rules.damage or self.find(config, listed, now)) is None:
            return (present,)
        tip = Oid(self.mark_of(config).tip)
        if not tip:
            return (present,)
        objects = self.objects_with(tip)
        counts, _ = TeamRules(objects, config, self.marks.tips).look(tip)
        return present, policy_at(objects, counts)

    def objects_with(self, tip: Oid) -> Objects:
        """Return where a marked commit is: the objects of the place, or of a remote on a path this clone's copy."""
        if self._objects.has(tip) or self._copy is None or not self._copy.is_dir():
            return self._whole
        from gitcoord.remote.copies.copied_objects import CopiedObjects  # who reads over a network may do without

        return CopiedObjects(self._copy)

    def _missed(
        self, ref: RefName, tip: Oid | None, listed: Mapping[RefName, Oid], now: datetime
    ) -> RewoundError | None:
        """Return the problem of a ledger by what others saw of it, where this clone never saw more."""
        mark, most = self.marks.of(ref), max((seq for seq, _ in self._reports.get(ref, ())), default=0)
        if most == 0 or (mark is not None and mark.tip == tip and mark.seq >= most):
            return None
        present = present_at(self._objects, tip, "") if tip else None
        seq, clone = self.reported(ref, present, now)
        if (present.seq if present else 0) >= seq or self._is_decided(ref, Mark("", seq), present, listed):
            return None
        has = f"the remote has {present.seq}" if present else "the remote does not have it"
        text = f"{ref} went back: clone {clone} saw it at sequence number {seq}, and {has}. {_STOPPED}"
        hint = (
            f"Run `gitcoord doctor --repair` in clone {clone}, which saw more; where that cannot be, here. "
            "Other ledgers go on."
        )
        error = RewoundError(text, where=ref, hint=hint)
        error.clone = clone
        return error

    def _is_decided(self, ref: RefName, mark: Mark, present: Present | None, listed: Mapping[RefName, Oid]) -> bool:
        ledger = ref.removeprefix(f"{self._refs.namespace}/")
        return decisions_at(self._objects, listed.get(self._refs.config)).covers(ledger, mark, present)

    def _judged(
        self, ref: RefName, tip: Oid | None, mark: Mark | None, listed: Mapping[RefName, Oid], now: datetime
    ) -> RewoundError | None:
        clone = mark.clone if mark else ""
        if mark is None and tip is not None:
            mark = self._seen_elsewhere(ref, tip)
        present = present_at(self._objects, tip, mark.clone if mark else "") if tip else None
        try:
            found = self._verdict(mark, tip, present, now)
            if mark is not None and found is Rewind.BACK:
                # Who puts a damaged ledger back to its last good commit takes nothing.
                mark = _sound(self._objects, mark)
                found = self._verdict(mark, tip, present, now)
        except UnreachableError:
            self._unjudged.add(ref)
            return None
        if mark is None or found is None:
            if tip and present:
                self._note_seen(ref, tip, present.seq)
            return None
        if self._is_decided(ref, mark, present, listed):
            if tip and present:
                self.marks.decide(ref, Mark(tip, present.seq, clone, present.counter or 0, mark.at_s))
            else:
                self.marks.forget(ref)
            return None
        saw = f"this clone saw it at sequence number {mark.seq} ({mark.tip[:12]})"
        if found is Rewind.GONE or present is None:
            text = f"{ref} is gone: {saw}, and the remote does not have it any more."
        else:
            text = f"{ref} went back: {saw}, and the remote has {present.seq} ({(tip or '')[:12]}) without that commit."
        return RewoundError(f"{text} {_STOPPED}", where=ref, hint=_HINT)

    def _note_seen(self, ref: RefName, tip: Oid, seq: int) -> None:
        before = self.marks.of(ref)
        if before is None:
            self._note_first(ref, tip)
        if before is not None and before.seq >= seq:  # what was seen was damaged
            self.marks.decide(ref, before._replace(tip=tip, seq=seq))
        else:
            self.marks.note(ref, Mark(tip, seq))

    def _note_first(self, ref: RefName, tip: Oid) -> None:
        """Note the first commit of a history, by which any copy of it is known, however old."""
        roots = [oid for oid, commit in _ancestry(self._objects, tip) if commit is not None and not commit.parents]
        if roots and roots[-1] != tip:  # behind its rolls
            self.marks.note(ref, Mark(roots[-1], 0))

    def _verdict(self, mark: Mark | None, tip: Oid | None, present: Present | None, now: datetime) -> Rewind | None:
        if mark is None or tip is None or present is None:
            return judge(mark, present, descends=None)
        is_kept = now.timestamp() - mark.at_s < APPLIED_KEPT.total_seconds()
        # The numbers first: they cost nothing, and a history that lacks the mark is walked to its end.
        is_lower = is_behind(mark, present, counter_is_kept=is_kept)
        descends_from_it = None if is_lower else descent(self._whole, tip, Oid(mark.tip))
        return judge(mark, present, descends=descends_from_it, counter_is_kept=is_kept)

    def _seen_elsewhere(self, ref: RefName, tip: Oid) -> Mark | None:
        for place, mark in self.marks.elsewhere(ref):
            wrote = mark.clone and present_at(self._objects, tip, mark.clone).counter is not None
            seen = [Oid(mark.tip), *map(Oid, self.marks.tips(ref, place))]
            if wrote or _share_history(self._objects, tip, seen) or _share_writers(self._objects, tip, seen[0]):
                self._elsewhere[ref] = mark
                return mark
        return None


def present_at(objects: Objects, tip: Oid, clone: str) -> Present:
    """Return what a ledger says of itself at a commit.

    Raises:
        CoordError: it is damaged, or not here.
    """
    tree = commits.read(objects, tip).tree
    meta = trees.find(objects, tree, META)
    applied = trees.find(objects, tree, applied_path(clone)) if clone else None
    if meta is None:
        raise DocumentError(f"Commit {tip} is not of a ledger: it has no {META}.", where=tip)
    said = Meta.decode(objects.read(meta)[1])
    if said.schema > SCHEMA or said.writer_min > WRITER:  # nothing is given out of it here
        raise SchemaError(f"Commit {tip} is of a newer version (schema {said.schema}).", where=tip)
    counter = Applied.decode(objects.read(applied)[1]).counter if applied else None
    return Present(said.seq, counter, said.at)


def decisions_at(objects: Objects, config: Oid | None) -> "Decisions":
    """Return the decisions at a tip of the team's ref; none where it cannot be read."""
    from gitcoord.ledger.rewinds.decisions import Decisions

    if config is None:
        return Decisions()
    try:
        oid = trees.find(objects, commits.read(objects, config).tree, DECISIONS)
        return Decisions.decode(objects.read(oid)[1]) if oid else Decisions()
    except CoordError:
        return Decisions()


def descends(objects: Objects, tip: Oid, seen: Oid) -> bool | None:
    """Whether a commit has another in its history, rolls included; `None`: so much of it is not here.

    Raises:
        CoordError: a commit is damaged.
    """
    lacking = _lacking(objects, tip, seen)
    return True if lacking is None else None if lacking else False


def descent(objects: Objects, tip: Oid, seen: Oid) -> bool | None:
    """Return the same of objects of which history may have been left out: that is brought only where it may tell.

    Raises:
        UnreachableError: it does not come now.
        CoordError: a commit is damaged.
    """
    known = here(objects)
    lacking = _lacking(known, tip, seen)
    if lacking and isinstance(objects, LeavesOut):
        # What the one that was seen came from does not come from it.
        lacking -= {oid for oid, commit in _ancestry(known, seen) if commit is None}
        if any(objects.why_left_out(oid) is not None for oid in lacking):
            return descends(objects, tip, seen)
    return True if lacking is None else None if lacking else False


def _lacking(objects: Objects, tip: Oid, seen: Oid) -> set[Oid] | None:
    """Return the commits of a history that are not here; `None`: one that was seen is in it."""
    line = commits.walk(objects, tip)  # along the first parents, as most are: no post has to be read for that
    if any(seen in (oid, commits.before(objects, commit)) for oid, commit in line):
        return None
    lacking = set[Oid]()
    for oid, commit in _ancestry(objects, tip):
        if oid == seen:
            return None
        if commit is None:
            lacking.add(oid)
    return lacking


def _sound(objects: Objects, mark: Mark) -> Mark:
    """Return a mark at the newest commit that is whole, from the one that was seen on."""
    from gitcoord.ledger.archive.integrity import faults

    for oid, commit in islice(_ancestry(objects, Oid(mark.tip)), DAMAGED_MAX):
        if commit is None:
            return mark
        if not any(faults(objects, oid, 0)):
            return mark if oid == mark.tip else mark._replace(tip=oid, seq=present_at(objects, oid, "").seq)
    return mark


def _share_history(objects: Objects, tip: Oid, seen: Sequence[Oid]) -> bool:
    """Whether a history has one of the commits that were seen, or one of those that the first of them came from."""
    theirs = {*seen, *(oid for oid, commit in _ancestry(objects, seen[0]) if commit is not None)}
    return any(oid in theirs for oid, _ in _ancestry(objects, tip))


def _share_writers(objects: Objects, tip: Oid, seen: Oid) -> bool:
    """Whether a clone wrote into both, where the first commit of the one that was seen was left out."""
    before = (commit.parents[:1] for _, commit in _ancestry(objects, seen) if commit is not None)
    if all(objects.has(parent) for parents in before for parent in parents):
        return False
    folders = (trees.load(objects, commits.read(objects, oid).tree).folders.get("applied") for oid in (seen, tip))
    ours, theirs = ({path for path, _ in trees.changes(trees.EMPTY, found or trees.EMPTY)} for found in folders)
    return not ours.isdisjoint(theirs)


def _ancestry(objects: Objects, tip: Oid) -> Iterator[tuple[Oid, Commit | None]]:
    """Yield a commit and those that it came from, the nearest first; `None` for what is not here, or too far."""
    waiting, known = deque([tip]), {tip}
    while waiting:
        commit_oid = waiting.popleft()
        commit = commits.read(objects, commit_oid) if len(known) <= WALK_MAX and objects.has(commit_oid) else None
        yield commit_oid, commit
        if commit is None:
            continue
        replaced = commits.before(objects, commit)
        further = tuple(parent for parent in commit.parents[1:] if not is_post(objects, parent))
        parents = (*commit.parents[:1], *further) or ((replaced,) if replaced else ())
        waiting.extend(parent for parent in parents if parent not in known)
        known.update(parents)
