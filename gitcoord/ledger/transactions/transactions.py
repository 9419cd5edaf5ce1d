"""Transactions: from entries to replies, through one commit and one swap a ledger.

    read tips ──> decide each entry (pure) ──> commit ──> swap ──> replies
        ▲                                                   │
        └──── LOST or UNKNOWN: read again, decide again ────┘

Rules:
  * TXN-1: on a lost race the *operation* is repeated on the new state, never the bytes.
  * TXN-2: a command id is `<clone>.<counter>`; what is in the ledger's `applied` already is answered from there.
  * SAFE-7: a swap that acts on a holder's silence carries a check of that clone's heartbeat ref. Where the remote
    compares writes only, it moves that ref (`judgements`); where it is not atomic either, the limit is doubled.
  * What rides along (a beat, what was refused before, a few deletions of old refs) never decides what becomes of the
    commands: where it may have cost the swap, they are sent again without it.
  * All calls together take as long as `lead_time` says; what is left is the timeout of each. Who loses races goes on
    until its caller's deadline, and takes in with each try who has come meanwhile.
  * SAFE-8: what would be too large to be read is refused before anything is sent; the others' commands land.
  * TXN-4: after UNKNOWN the same commands go to the same ledger again, which is safe: at most one of the two swaps can
    land. If time runs out, the remote is read once more; if that does not tell, the answer is UNKNOWN, and the clone's
    next command finds out.

Called only under the clone's lock (`combiner`).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from gitcoord.errors import CoordError, DeniedError, LimitError
from gitcoord.ledger.clone.bug_report import as_known
from gitcoord.ledger.format.entry import Entry, Reply, failed
from gitcoord.ledger.kinds.ledger import LedgerState
from gitcoord.ledger.leader import declined, failures, lost_swaps
from gitcoord.ledger.leader.crowd import Crowd
from gitcoord.ledger.leader.lead_time import LEAD_S, PATIENCE_S, LeadTime, Tries
from gitcoord.ledger.leader.push_budget import PushBudget
from gitcoord.ledger.liveness.cleanup import Sweeper
from gitcoord.ledger.readers import own_swaps
from gitcoord.ledger.transactions import half_landed, write
from gitcoord.ledger.transactions.carried import Carrier, checks_of, guards
from gitcoord.ledger.transactions.decider import Decider
from gitcoord.ledger.transactions.equipment import Setting
from gitcoord.ledger.transactions.inbox import Inbox
from gitcoord.ledger.transactions.plan import Plan
from gitcoord.remote.contract import deadline
from gitcoord.remote.contract.protocol import Oid, RefName, RefUpdate, SwapOutcome, SwapStatus

CROWD_TRIES = 3  # lost without a wait, where what waits is in the inbox: one that lost, one that posted, a fold
MISSING_MAX = 2  # listings in which an object may be missing because its ref moved meanwhile; then it is gone

Joining = Callable[[Mapping[str, Reply]], list[Entry]]


class Transactions:
    """Carries out entries. One at a time; remembers what it has read."""

    def __init__(self, setting: Setting) -> None:
        """Begin with nothing read."""
        self._setup = setting
        self.reader = setting.reader()
        self._pending = setting.pending()
        self._noting = True
        self._time = LeadTime(setting.host)
        self._began = 0.0  # the last try: where it waited for others, the last look of that
        self._refusals = setting.refusals
        self._lookback = setting.lookback()
        self._inbox = Inbox(setting, self.reader, setting.posted(), Crowd(setting.place_folder, setting.host))
        self.decider = Decider(setting, self.reader, self._pending, self._lookback, self._inbox)
        self._sweeper = Sweeper(setting.refs, setting.sessions, setting.clone.folder)
        self._carrier = Carrier(setting.transport, setting.push, setting.beats, self._sweeper)
        self.lost_swaps = 0
        self.won_swaps = 0
        self.no_answer: deadline.NoAnswerError | None = None  # to the last entries

    @property
    def place_folder(self) -> Path:
        """Return the folder of what is on its way to where they are carried out."""
        return self._setup.place_folder

    @property
    def push_budget(self) -> PushBudget:
        """Return how soon they may push again."""
        return self._setup.push_budget

    @property
    def asks_remote(self) -> bool:
        """Whether a swap goes over a network, and may have to be waited for."""
        return self._setup.transport.is_far

    @property
    def patience_s(self) -> float:
        """Return how long a caller waits for its command."""
        return PATIENCE_S if self.asks_remote else LEAD_S

    def take_over(self) -> None:
        """Go by what others of the clone have noted since this process held the clone's lock last."""
        self._pending.begin()
        self._inbox.posted.begin()

    def run(
        self,
        entries: Sequence[Entry],
        *,
        spooled: bool = True,
        left_s: float = LEAD_S,
        until: datetime | None = None,
        joining: Joining | None = None,
    ) -> dict[str, Reply]:
        """Carry out entries and return the reply to each.

        `spooled`: another process may have to find out what became of them, should this process die.
        `left_s`: for how long the clone's lock may still be held without an answer of the remote.
        `until`: while races are lost, it is held until then; who can wait for longer gets no reply, and waits on.
        `joining`: takes the replies so far, and returns who has come meanwhile and is tried together with the rest.
        """
        self._noting = spooled or self.asks_remote
        self.no_answer = None
        self._time.begin(left_s, until, waits=not self._inbox.is_usable)
        self.decider.begin()
        with deadline.asking_until(None), deadline.until(self._time.left_s):  # also for who only looks
            replies, waiting, tries = self._try(entries, joining)
            if waiting:
                self._inbox.withdraw([entry.uid for entry in waiting])
            pins = self._pins() if waiting else {}
            return replies | self._give_up(
                [entry for entry in waiting if entry.uid in pins or entry.ends_by(until)], tries
            )

    def _run(self, entries: Sequence[Entry]) -> dict[str, Reply]:
        replies, waiting, tries = self._try(entries, None)
        return replies | self._give_up(waiting, tries)

    def _try(self, entries: Sequence[Entry], joining: Joining | None) -> tuple[dict[str, Reply], list[Entry], Tries]:
        """Try until all are answered or no time is left; return the replies, and who has none after which tries."""
        host, tries = self._setup.host, Tries(self._setup.host.monotonic())
        replies: dict[str, Reply] = {}
        waiting: list[Entry] = list(entries)
        for delay in self._time.delays():
            if tries.count:
                if not self._time.fits():
                    break
                waiting += self._joined(joining, replies)
                over = [entry for entry in waiting if entry.deadline and entry.ends_by(host.now())]
                replies |= self._give_up(over, tries)
                waiting = [entry for entry in waiting if entry.uid not in replies]
            self._began = host.monotonic()
            tries.count += 1
            seen = self.decider.seen(self._time) if tries.count == 1 else None
            try:
                batch, listed = self.decider.decide(
                    waiting, may_retry=tries.count <= MISSING_MAX, seen=seen, look=partial(self._look, waiting)
                )
            except deadline.TooSlowError:
                break
            except Exception as error:  # noqa: BLE001 - every waiting process gets an answer, whatever broke in this one
                unread = as_known(error, "reading the ledgers")
                return replies | self.unsent((entry.uid for entry in waiting), unread), [], tries
            replies |= {
                uid: reply
                if reply.failure is None
                else failures.broken(reply.failure.as_error(), sent=uid in self._pins())
                for uid, reply in batch.answered.items()
            }
            found = [plan.state for plan in batch.plans.values() if plan.before]
            self._acknowledge(found)
            # Where others are at work, the rest is posted as soon as who waited has the reply.
            fresh = self._joined(joining, replies) if found and self._inbox.expects_crowd else []
            groups = [plans for plans in batch.groups() if not self._inbox.holds(plans)]
            may_post = not self.decider.owed and (self._inbox.expects_crowd or listed is not seen)
            swaps = [self._commit_or_fail(plans, listed, replies, may_post=may_post) for plans in groups]
            tries.note(swaps)
            lost = [plans for plans, swap in zip(groups, swaps, strict=True) if swap.status is SwapStatus.LOST]
            self._time.tried(self._began, lost=bool(lost), is_race=listed is not seen)
            for plans in lost:
                self._inbox.note_loss(plans, host.monotonic() - self._began, was_listed=listed is not seen)
            if lost and listed is seen:
                self.decider.note_loss()
            told = ((refused, replies.get(refused.entry.uid)) for refused in batch.refused)
            final = [refused for refused, reply in told if reply and reply.outcome is refused.outcome]
            self._refusals.note(final, host.now())
            waiting = [*(entry for entry in waiting if entry.uid not in replies), *fresh]
            is_idle = self._inbox.withdraw_idle([plan for plans in groups for plan in plans], waiting)
            if not waiting:
                break
            is_first = tries.count <= CROWD_TRIES and self._inbox.is_usable  # what was posted is in line
            if not (listed is seen or is_idle or is_first):  # else what is read now is news
                host.sleep(delay)
        return replies, waiting, tries

    def _look(self, entries: Sequence[Entry]) -> Mapping[RefName, Oid]:
        """List the refs, again and again while others are to carry out what was posted."""
        host = self._setup.host
        first_end = min((entry.deadline for entry in entries if entry.deadline), default=None)
        self._inbox.let_others_come(host.left_s(first_end))
        while True:
            self._began = host.monotonic()
            listed = self.decider.look()
            wait_s = self._inbox.look(listed, entries)
            if wait_s is None:
                return listed
            self._time.tried(self._began, lost=True)
            wait_s = min(wait_s, host.left_s(first_end))
            if wait_s <= 0 or not self._time.fits():
                return listed
            host.sleep(wait_s)

    def _pins(self) -> dict[str, RefName]:
        """Return the commands that may still land, each with its ledger."""
        posted = {uid: ledger for ledger, post in self._inbox.posted.posts().items() for uid in post.uids}
        return {**posted, **self._pending.pins()}

    def unsent(self, uids: Iterable[str], error: CoordError) -> dict[str, Reply]:
        """Answer entries of which nothing was sent, for the ledgers could not be read."""
        self._note(error)
        return self._not_landed(uids, error)

    def _note(self, error: CoordError) -> None:
        if isinstance(error, deadline.NoAnswerError):
            self.no_answer = error

    def _joined(self, joining: Joining | None, replies: Mapping[str, Reply]) -> list[Entry]:
        if joining is None:
            return []
        joined = joining(replies)
        self.decider.owed.clear()
        self._noting = self._noting or bool(joined)
        return joined

    def _commit_or_fail(
        self, plans: list[Plan], listed: Mapping[RefName, Oid], replies: dict[str, Reply], *, may_post: bool
    ) -> SwapOutcome:
        """Commit, or post where others write at the same time.

        What cannot be written here (a full disk) was not sent, and harms no other project's commands.
        """
        try:
            is_crowded = may_post and not self._pending.pins() and self._inbox.is_crowded(plans)
            posted = self._inbox.post(plans, listed) if is_crowded else None
            if posted is not None:
                self._unsent_if_away(plans, posted, replies)
            return posted or self._commit(plans, listed, replies)
        except LimitError as error:  # of one command, or of all of them together
            return self._fail_apart(plans, error, replies)
        except CoordError as error:
            replies |= self._not_landed((uid for plan in plans for uid in plan.own_replies()), error)
            return SwapOutcome(SwapStatus.UNREACHABLE, str(error))
        except Exception as error:  # noqa: BLE001 - the boundary between commands of different callers
            return self._fail_apart(plans, error, replies)

    def _fail_apart(self, plans: list[Plan], error: Exception, replies: dict[str, Reply]) -> SwapOutcome:
        entries = _waiting_in(plans)
        if any(plan.folded() for plan in plans):  # what is of others may be what broke
            self._inbox.rest(is_declined=False)
        elif len(entries) > 1:
            self._run_apart(entries, replies)
        else:
            for entry in entries:
                replies |= self._not_landed([entry.uid], as_known(error, entry.word))
        return SwapOutcome(SwapStatus.UNKNOWN, str(error))

    def _run_apart(self, entries: Sequence[Entry], replies: dict[str, Reply]) -> None:
        """Carry out each alone: one of them is what broke, or what the remote does not like."""
        for entry in entries:
            replies |= self._run([entry])

    def _commit(self, plans: list[Plan], listed: Mapping[RefName, Oid], replies: dict[str, Reply]) -> SwapOutcome:
        """Commit plans, of which all land or none; where the remote cannot do that, in their order."""
        if len(plans) > 1 and not self._setup.transport.atomic:
            return self._commit_in_order(plans, listed, replies)
        now = self._setup.host.now()  # of our beat; the ledger has a time of its own, `plan.now`
        writes = {plan.state.ref for plan in plans}
        refs, sends_checks = self._setup.refs, self._setup.transport.sends_checks
        needed = [checks_of(plan, listed, refs, sends_checks=sends_checks) for plan in plans]
        checks = {ref: oid for found in needed for ref, oid in found.items() if ref not in writes}
        config = listed.get(refs.config)
        taken = self._inbox.deletions(plans, listed)
        new_states = [self._write(plan, checks, config) for plan in plans]
        judged = {refs.heartbeat(clone) for plan in plans for clone in plan.judged_by}
        swap = guards(self._setup.transport, self._setup.clone, checks, judged, now)
        swap += [
            RefUpdate(plan.state.ref, plan.state.tip, new.tip) for plan, new in zip(plans, new_states, strict=True)
        ]
        if self._noting:
            self._pending.add((plan.state.ref, plan.state.tip, plan.own_replies()) for plan in plans)
        meets = self._inbox.is_usable  # then what is lost is decided on a new listing at once
        outcome = self._carrier.swap([*swap, *taken], listed, now, checks, is_lost_for_all=meets)
        if self._setup.beats.place:
            declined.note(self._setup.place_folder, outcome, now, self._setup.host.unique)
        if outcome.status is SwapStatus.WON:
            for plan, new in zip(plans, new_states, strict=True):
                self.won_swaps += 1
                self.reader.remember(new)
                own = self.reader.applied(new, self._setup.clone.id)
                self._lookback.acknowledge(new, f"{own.clone}.{own.counter}", plan.now)
                replies |= plan.own_replies()
                self._refusals.forget(new.ref, plan.refusals)
            self._pending.forget(writes)
            self._inbox.won(plans, taken)
            self._acknowledge(new_states)
            self._sweeper.sweep_files(now)
        elif taken and outcome.status is SwapStatus.DENIED:
            self._inbox.rest()
            for plan in plans:
                self._pending.take_back(plan.state.ref)
            return SwapOutcome(SwapStatus.LOST, outcome.message)
        else:
            self._not_won(plans, outcome, replies)
        return outcome

    def _commit_in_order(
        self, plans: list[Plan], listed: Mapping[RefName, Oid], replies: dict[str, Reply]
    ) -> SwapOutcome:
        """Swap one after the other: a half confers nothing, whichever it is; see `Coupling.goes_first`."""
        takes = half_landed.takes(plans)
        outcome = SwapOutcome(SwapStatus.LOST)
        for plan in plans if takes else reversed(plans):
            outcome = self._commit([plan], listed, replies)
            if outcome.status is not SwapStatus.WON:
                return outcome
        if takes:
            now = self.reader.list_refs()
            lost = half_landed.undone(plans, lambda ref: self.reader.ledger(ref, now.get(ref)).content)
            for done, command, handed_back in list(lost):
                entry, uid = done.entry, self._setup.host.draw_id()
                undo = self._setup.ledgers.entry_of(uid, command, entry.actor, replies[entry.uid].project)
                self._run([undo])
                replies[entry.uid] = Reply(outcome=handed_back)
        return outcome

    def _acknowledge(self, states: Sequence[LedgerState[Any]]) -> None:
        """Note ledgers that have what callers read as done, where sessions go by what another has listed."""
        if states and self.asks_remote:
            own_swaps.note(self._setup.place_folder, states, self._setup.host.now(), self._setup.host.unique)

    def _not_won(self, plans: list[Plan], outcome: SwapOutcome, replies: dict[str, Reply]) -> None:
        if outcome.status is SwapStatus.LOST:
            self.lost_swaps += 1
            lost_swaps.count(self._setup.clone.folder, self._setup.host.unique)
        if outcome.status is SwapStatus.UNKNOWN:
            for plan in [] if self._noting else plans:
                self._pending.note_sent(plan.state.ref, plan.state.tip, plan.own_replies())
            return
        for plan in plans:
            self._pending.take_back(plan.state.ref)
        entries = _waiting_in(plans)
        if outcome.status is SwapStatus.DENIED and len(entries) == 1:
            hint = "Ask the remote's administrator to allow pushes to refs/coord/*, by force too, or go elsewhere."
            error = DeniedError(f"The remote declined: {outcome.message or 'it gave no reason'}.", hint=hint)
            replies |= self._not_landed([entries[0].uid], error)
        elif outcome.status is SwapStatus.DENIED:
            self._run_apart(entries, replies)
        self._unsent_if_away(plans, outcome, replies)

    def _unsent_if_away(self, plans: Sequence[Plan], outcome: SwapOutcome, replies: dict[str, Reply]) -> None:
        if outcome.status is SwapStatus.UNREACHABLE and not isinstance(outcome.cause, deadline.TooSlowError):
            answered = {uid for plan in plans for uid in plan.own_replies()}
            replies |= self.unsent(answered, outcome.cause or failures.unreachable(outcome.message))

    def _not_landed(self, uids: Iterable[str], error: CoordError) -> dict[str, Reply]:
        """Say what broke; unless an earlier try of the same command may still land."""
        pins = self._pins()
        return {uid: failures.broken(error, sent=uid in pins) for uid in uids}

    def _write(self, plan: Plan, checks: Mapping[RefName, Oid | None], config: Oid | None) -> LedgerState[Any]:
        damage = self.reader.rules_at(config)[1]
        config = None if self._setup.refs.config in checks else config
        clone = self._setup.clone
        read = write.head_of(plan, checks, config, damage, clone.id if plan.carried() else "")
        return write.write(self._setup.transport.objects, self.reader, clone, plan, read)

    def _give_up(self, entries: Sequence[Entry], tries: Tries) -> dict[str, Reply]:
        """Answer who cannot be waited for any longer; after one more look, where a swap has no answer."""
        if entries:
            self._inbox.withdraw([entry.uid for entry in entries])
        pins = self._pins() if entries else {}
        landed = self._landed(entries) if any(entry.uid in pins for entry in entries) else {}
        pins = self._pins() if pins else {}
        now = self._setup.host.monotonic()
        replies = {entry.uid: failed(tries.failure(now, sent=entry.uid in pins)) for entry in entries}
        return replies | landed

    def _landed(self, entries: Sequence[Entry]) -> dict[str, Reply]:
        """Read once more, and return the replies to those that a swap without an answer has landed."""
        self._time.find_out()
        try:
            with deadline.asking_again():
                batch, _ = self.decider.decide(entries, may_retry=False)
        except CoordError as error:
            self._note(error)
            return {}
        replies = batch.answered
        return {uid: replies[uid] for plan in batch.plans.values() for uid in plan.before if uid in replies}


def _waiting_in(plans: Sequence[Plan]) -> list[Entry]:
    """Return the commands that plans write and whose callers wait; not what follows from them, or rides along."""
    return [done.entry for plan in plans for done in plan.done if done.entry.uid in plan.own_replies()]
