"""Transactions: from entries to replies, through one commit and one swap a ledger.

    read tips ──> decide each entry (pure) ──> commit ──> swap ──> replies
        ▲                                                   │
        └──── LOST or UNKNOWN: read again, decide again ────┘

Rules:
  * On a lost race the *operation* is repeated on the new state, never the bytes.
  * A command id is `<clone>.<counter>`; what is in the ledger's `applied` already is answered from there.
  * SAFE-7: a swap that acts on somebody's silence carries a check of that clone's heartbeat ref. Where the remote
    compares writes only, it moves that ref (`judgements`); where it is not atomic either, the limit is doubled.
  * What rides along (a beat, what was refused before, a few deletions of old refs) never decides what becomes of the
    commands: where it may have cost the swap, they are sent again without it.
  * All calls together take LEAD_S at most; what is left is the timeout of each.
  * SAFE-8: what would be too large to be read is refused before anything is sent; the others' commands land.
  * After UNKNOWN the same commands go to the same ledger again, which is safe: at most one of the two swaps can
    land. If retries run out, the answer is UNKNOWN, and the clone's next command finds out.

Called only under the clone's lock (`combining`).
"""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from gitcoord.core.register import Register
from gitcoord.core.steps import Step
from gitcoord.errors import CoordError, DeniedError, LimitError, RepositoryError
from gitcoord.ledger import acknowledged, failures, files, halves, judgements, writing
from gitcoord.ledger.batch import Batch
from gitcoord.ledger.beats import Beats
from gitcoord.ledger.bug_report import as_known
from gitcoord.ledger.entry import Entry, Reply, entry_of, failed
from gitcoord.ledger.host import Clone, Host
from gitcoord.ledger.lookback import Lookback
from gitcoord.ledger.pending import Pending
from gitcoord.ledger.place_folder import folder_of
from gitcoord.ledger.plan import Plan, Refused
from gitcoord.ledger.reader import LedgerState, Reader
from gitcoord.ledger.records import Read
from gitcoord.ledger.refs import Refs
from gitcoord.ledger.refusals import Refusals
from gitcoord.ledger.retry import delays
from gitcoord.ledger.sessions import Sessions
from gitcoord.ledger.sight import BranchLook, Sight
from gitcoord.ledger.sweeping import Sweeper
from gitcoord.ledger.vantage import vantage_of
from gitcoord.ledger.watchfulness import Watchfulness
from gitcoord.remote.deadline import LEFT_MIN_S, until
from gitcoord.remote.protocol import Oid, RefName, RefUpdate, SwapOutcome, SwapStatus, Transport

LOST = "lost-swaps.json"
LEAD_S = 15.0  # one network timeout: as long as others of the clone wait for the lock
MISSING_MAX = 2  # listings in which an object may be missing because its ref moved meanwhile; then it is gone
CARRY_REST = timedelta(minutes=10)  # a remote's rule changes rarely; a beat of its own is sent meanwhile
_ANSWERS_ALWAYS = ("local", "memory")  # a swap in this process: it cannot land after we are gone


@dataclass(frozen=True, slots=True)
class Setting:
    """Everything a transaction works with."""

    host: Host
    clone: Clone
    transport: Transport
    refs: Refs
    sessions: Sessions
    beats: Beats
    branch_look: BranchLook
    watchfulness: Watchfulness
    repo: str | None = None

    def lookback(self) -> Lookback:
        """Return what judges listings of this place by what the clone saw there."""
        return Lookback.of_place(self.clone.folder, self.beats.place, self.refs, self.repo, self.transport.objects)

    @property
    def place_folder(self) -> Path:
        """Return the folder of what is on its way to this place; see `place_folder`."""
        return folder_of(self.clone.folder, self.beats.place, self.refs.namespace)

    @property
    def refusals(self) -> Refusals:
        """Return what was refused here and waits to be carried: of one place, for it is no other's business."""
        return Refusals(self.clone.folder / f"refusals-{self.place_folder.name}.json", self.host.unique)


class Transactions:
    """Carries out entries. One at a time; remembers what it has read."""

    def __init__(self, setting: Setting) -> None:
        """Begin with nothing read."""
        self._set = setting
        self.reader = Reader(setting.transport, setting.refs)
        self._pending = Pending(setting.place_folder, setting.host.unique)
        self._noting = True
        self._end = 0.0
        self._refusals = setting.refusals
        self._lookback = setting.lookback()
        self._sweeper = Sweeper(setting.refs, setting.sessions, setting.clone.folder)
        self._carries_from: datetime | None = None
        self.lost_swaps = 0
        self.won_swaps = 0

    @property
    def place_folder(self) -> Path:
        """Return the folder of what is on its way to where they are carried out."""
        return self._set.place_folder

    def run(self, entries: Sequence[Entry], *, spooled: bool = True, left_s: float = LEAD_S) -> dict[str, Reply]:
        """Carry out entries and return the reply to each.

        `spooled`: somebody else may have to find out what became of them, should this process die.
        `left_s`: for how long the clone's lock may still be held.
        """
        self._noting = spooled or self._set.transport.name not in _ANSWERS_ALWAYS
        self._end = self._set.host.monotonic() + left_s
        with until(self._left_s):
            return self._run(entries)

    def _left_s(self) -> float:
        return self._end - self._set.host.monotonic()

    def _run(self, entries: Sequence[Entry]) -> dict[str, Reply]:
        begin, attempts = self._set.host.monotonic(), 0
        replies: dict[str, Reply] = {}
        waiting = list(entries)
        outcome = SwapOutcome(SwapStatus.LOST)
        for attempt, delay in enumerate(delays(self._set.host.chance)):
            if attempt and self._left_s() < LEFT_MIN_S:
                break
            attempts += 1
            try:
                batch, listed = self._decide(waiting, may_retry=attempt < MISSING_MAX)
            except Exception as error:  # noqa: BLE001 - who waits for this process is answered, whatever broke in it
                unread = as_known(error, "reading the ledgers")
                return {**{entry.uid: self._not_landed(entry.uid, unread) for entry in waiting}, **replies}
            replies |= {uid: self._settled(uid, reply) for uid, reply in batch.answered.items()}
            self._acknowledge([plan.state for plan in batch.plans.values() if plan.before])
            for plans in batch.groups():
                outcome = self._commit_or_fail(plans, listed, replies)
            self._refusals.note(_told(batch, replies), self._set.host.now())
            waiting = [entry for entry in waiting if entry.uid not in replies]
            if not waiting:
                return replies
            self._set.host.sleep(delay)
        tried = f"{attempts} attempts in {self._set.host.monotonic() - begin:.1f} s"
        return replies | {entry.uid: self._given_up(entry, outcome, tried) for entry in waiting}

    def _decide(self, entries: Sequence[Entry], *, may_retry: bool) -> tuple[Batch, Mapping[RefName, Oid]]:
        self._lookback.begin()
        listed = self.reader.list_refs()
        sent = self._pending.pins()
        self._pending.resolve(listed)
        self.reader.prefetch(listed)
        self._set.watchfulness.observe(self._set.refs.heartbeats_in(listed), self.reader.beat_of)
        batch = Batch(
            reader=self.reader,
            refs=self._set.refs,
            listed=listed,
            clone=self._set.clone.id,
            now=self._set.host.now(),
            vantage=vantage_of(self._set, self.reader.policy(self._set.refs.config, listed), self.sight(listed)),
            lookback=self._lookback,
            pins=self._pending.pins(),
            sent=sent,
            may_retry=may_retry,
        )
        for entry in entries:
            batch.add(entry)
        batch.carry(self._refusals.waiting(self._set.refs.claims).values(), self._set.host.draw_id)
        return batch, listed

    def sight(self, listed: Mapping[RefName, Oid]) -> Sight:
        """Return a look at everybody, by the heartbeats that are listed."""
        setting = self._set
        return Sight(
            setting.clone.ids,
            setting.sessions,
            lambda: self.reader.heartbeats(listed),
            setting.branch_look,
            setting.watchfulness,
            lambda: self._held_steps(listed),
        )

    def _held_steps(self, listed: Mapping[RefName, Oid]) -> Iterator[Step]:
        boards = (state.board for state in self.reader.projects(listed))
        return (step for board in boards if board for step in board.held_steps())

    def _commit_or_fail(
        self, plans: list[Plan], listed: Mapping[RefName, Oid], replies: dict[str, Reply]
    ) -> SwapOutcome:
        """Commit; what cannot be written here (a full disk) was not sent, and harms no other project's commands."""
        try:
            return self._commit(plans, listed, replies)
        except LimitError as error:  # of one command, or of all of them together
            return self._fail_apart(plans, error, replies)
        except CoordError as error:
            replies |= {uid: self._not_landed(uid, error) for plan in plans for uid in plan.replies}
            return SwapOutcome(SwapStatus.UNREACHABLE, str(error))
        except Exception as error:  # noqa: BLE001 - the boundary between commands of different callers
            return self._fail_apart(plans, error, replies)

    def _fail_apart(self, plans: list[Plan], error: Exception, replies: dict[str, Reply]) -> SwapOutcome:
        entries = _waiting_in(plans)
        if len(entries) > 1:
            self._run_apart(entries, replies)
        else:
            replies |= {one.uid: self._not_landed(one.uid, as_known(error, one.word)) for one in entries}
        return SwapOutcome(SwapStatus.UNKNOWN, str(error))

    def _run_apart(self, entries: Sequence[Entry], replies: dict[str, Reply]) -> None:
        """Carry out each alone: one of them is what broke, or what the remote does not like."""
        for entry in entries:
            replies |= self._run([entry])

    def _commit(self, plans: list[Plan], listed: Mapping[RefName, Oid], replies: dict[str, Reply]) -> SwapOutcome:
        """Commit plans, of which all land or none; where the remote cannot do that, in their order."""
        if len(plans) > 1 and not self._set.transport.atomic:
            return self._commit_in_order(plans, listed, replies)
        now = self._set.host.now()  # of our beat; the ledger has a time of its own, `plan.now`
        writes = {plan.state.ref for plan in plans}
        checks = {ref: oid for plan in plans for ref, oid in self._checks(plan, listed).items() if ref not in writes}
        config = listed.get(self._set.refs.config)
        new_states = [self._write(plan, checks, config) for plan in plans]
        judged = {self._set.refs.heartbeat(clone) for plan in plans for clone in plan.judged_by}
        swap = judgements.guards(self._set.transport, self._set.clone, checks, judged, now)
        swap += [
            RefUpdate(plan.state.ref, plan.state.tip, new.tip) for plan, new in zip(plans, new_states, strict=True)
        ]
        for plan in plans if self._noting else ():
            self._pending.add(plan.state.ref, plan.state.tip, plan.replies)
        outcome = self._swap(swap, listed, now, checks)
        if outcome.status is SwapStatus.WON:
            for plan, new in zip(plans, new_states, strict=True):
                self._won(new, plan, replies)
            self._acknowledge(new_states)
            self._sweeper.sweep_files(now)
        else:
            self._not_won(plans, outcome, replies)
        return outcome

    def _commit_in_order(
        self, plans: list[Plan], listed: Mapping[RefName, Oid], replies: dict[str, Reply]
    ) -> SwapOutcome:
        """Swap one after the other: a half confers nothing, whichever it is; see `step_paths.is_void`."""
        words = {done.entry.word for plan in plans for done in plan.done}
        takes = bool(words & {"claim_files", "follow_step"})
        outcome = SwapOutcome(SwapStatus.LOST)
        for plan in plans if takes else reversed(plans):
            outcome = self._commit([plan], listed, replies)
            if outcome.status is not SwapStatus.WON:
                return outcome
        if takes:
            self._hand_back(plans, replies)
        return outcome

    def _hand_back(self, plans: list[Plan], replies: dict[str, Reply]) -> None:
        """Give back the steps whose paths were lost between the two swaps."""
        register = self.reader.claims(self.reader.list_refs()).register or Register()
        for done, command in list(halves.without_paths(plans, register)):
            entry = done.entry
            self._run([entry_of(self._set.host.draw_id(), command, entry.actor, replies[entry.uid].project)])
            replies[entry.uid] = Reply(outcome=halves.handed_back(command.step_num))

    def _checks(self, plan: Plan, listed: Mapping[RefName, Oid]) -> dict[RefName, Oid | None]:
        """Return the refs that have to be unchanged, for the decisions rest on them."""
        # Of a heartbeat that cannot be read, what was listed is checked: its clone may write a good one meanwhile.
        judged_by = {self._set.refs.heartbeat(clone): oid for clone, oid in plan.judged_by.items()}
        checks = {ref: oid or listed.get(ref) for ref, oid in judged_by.items()}
        checks |= {ref: listed.get(ref) for ref in plan.relied}
        config = listed.get(self._set.refs.config)
        if config and self._set.transport.sends_checks:
            checks[self._set.refs.config] = config
        return checks

    def _swap(
        self,
        swap: list[RefUpdate],
        listed: Mapping[RefName, Oid],
        now: datetime,
        checks: Mapping[RefName, Oid | None],
    ) -> SwapOutcome:
        """Swap, with what rides along; without it where that is in the way."""
        beat, deletions = self._to_carry(listed, now, checks)
        carried = [*([beat] if beat else []), *deletions]
        outcome = self._set.transport.swap([*swap, *carried])
        if carried and outcome.status in (SwapStatus.LOST, SwapStatus.DENIED):
            beat = None
            denied = outcome.status is SwapStatus.DENIED
            outcome = self._set.transport.swap(swap)
            if denied and outcome.status is not SwapStatus.DENIED:
                self._carry_nothing_for_a_while(now)
        if beat and outcome.status is SwapStatus.WON:
            self._set.beats.sent(beat, now)
        return outcome

    def _won(self, state: LedgerState, plan: Plan, replies: dict[str, Reply]) -> None:
        self.won_swaps += 1
        self.reader.remember(state)
        self._lookback.acknowledge(state, plan.done[-1].command_id, plan.now)
        replies |= plan.replies
        self._pending.forget(state.ref)
        self._refusals.forget(state.ref, plan.refusals)

    def _acknowledge(self, states: Sequence[LedgerState]) -> None:
        """Note ledgers that have what callers are told was done, where sessions go by what another has listed."""
        if states and self._set.transport.name not in _ANSWERS_ALWAYS:
            acknowledged.note(self._set.place_folder, states, self._set.host.now(), self._set.host.unique)

    def _not_won(self, plans: list[Plan], outcome: SwapOutcome, replies: dict[str, Reply]) -> None:
        if outcome.status is SwapStatus.LOST:
            self._count_lost()
        if outcome.status is SwapStatus.UNKNOWN:
            return
        for plan in plans:
            self._pending.take_back(plan.state.ref)
        told = {uid for plan in plans for uid in plan.replies}
        entries = _waiting_in(plans)
        if outcome.status is SwapStatus.DENIED and len(entries) == 1:
            hint = "Ask whoever runs the remote to allow pushes to refs/coord/*, or coordinate elsewhere."
            error = DeniedError(f"The remote declined: {outcome.message or 'it gave no reason'}.", hint=hint)
            replies[entries[0].uid] = self._not_landed(entries[0].uid, error)
        elif outcome.status is SwapStatus.DENIED:
            self._run_apart(entries, replies)
        elif outcome.status is SwapStatus.UNREACHABLE:
            error = outcome.cause or failures.unreachable(outcome.message)
            replies |= {uid: self._not_landed(uid, error) for uid in told}

    def _not_landed(self, uid: str, error: CoordError) -> Reply:
        """Say what broke; unless an earlier try of the same command may still land."""
        return failed(failures.unknown(str(error)) if uid in self._pending.pins() else error)

    def _settled(self, uid: str, reply: Reply) -> Reply:
        """Return an answer as it may be given; what broke says nothing of a try that is still on its way."""
        return reply if reply.failure is None else self._not_landed(uid, reply.failure.as_error())

    def _count_lost(self) -> None:
        """Count a lost swap, for the whole clone: the only sign of how much the clones are in each other's way."""
        self.lost_swaps += 1
        lost = lost_swaps(self._set.clone)
        with contextlib.suppress(RepositoryError):  # a full disk must not decide what became of a swap
            files.write_json(self._set.clone.folder / LOST, {"lost": lost + 1}, self._set.host.unique)

    def _write(self, plan: Plan, checks: Mapping[RefName, Oid | None], config: Oid | None) -> LedgerState:
        plan.refusals = self._refusals.waiting(plan.state.ref)
        config = None if self._set.refs.config in checks else config
        read = Read(plan.now, checks, plan.vantage, config, plan.ahead)
        return writing.write(self._set.transport.objects, self.reader, self._set.clone, plan, read)

    def _to_carry(
        self, listed: Mapping[RefName, Oid], now: datetime, checks: Mapping[RefName, Oid | None]
    ) -> tuple[RefUpdate | None, list[RefUpdate]]:
        """Return what the swap carries beside what it is for: a beat that is due, deletions of old refs."""
        resting = self._carries_from is not None and now < self._carries_from <= now + CARRY_REST
        if resting or not self._set.transport.atomic:
            return None, []
        keep = {*checks, self._set.beats.ref}
        deletions = self._sweeper.deletions(self._set.transport.objects, listed, now, keep)
        return self._beat_to_carry(listed, now, checks), deletions

    def _carry_nothing_for_a_while(self, now: datetime) -> None:
        """Note that the remote declines what rides along: the commands would need two swaps each time."""
        self._carries_from = now + CARRY_REST
        self._sweeper.rest(now)

    def _beat_to_carry(
        self, listed: Mapping[RefName, Oid], now: datetime, checks: Mapping[RefName, Oid | None]
    ) -> RefUpdate | None:
        beats = self._set.beats
        carried = self._set.transport.atomic and beats.ref not in checks
        if not carried or not beats.is_due(now, 0.5) or not beats.has_news(now):
            return None
        objects = self._set.transport.objects
        return None if beats.moved_by_stranger(objects, listed) else beats.prepare(objects, listed, now)

    def _given_up(self, entry: Entry, outcome: SwapOutcome, tried: str) -> Reply:
        if entry.uid in self._pending.pins():
            return failed(failures.unknown(outcome.message))
        if outcome.status is SwapStatus.UNREACHABLE:
            return failed(failures.unreachable(outcome.message))
        return failed(failures.contended(outcome, tried))


def _waiting_in(plans: Sequence[Plan]) -> list[Entry]:
    """Return the commands that plans write and whose callers wait; not what follows from them, or rides along."""
    return [done.entry for plan in plans for done in plan.done if done.entry.uid in plan.replies]


def _told(batch: Batch, replies: Mapping[str, Reply]) -> list[Refused]:
    """Return what was refused for good: its caller is told so now."""
    return [one for one in batch.refused if one.entry.uid in replies and replies[one.entry.uid].outcome is one.outcome]


def lost_swaps(clone: Clone) -> int:
    """Return how many swaps this clone has lost, and decided again, since it was made."""
    lost = files.read_json(clone.folder / LOST).get("lost")
    return lost if isinstance(lost, int) else 0
