"""Deciding entries: on refs as they were seen a moment ago, where a swap will prove that; else on refs as they are now.

Rules:
  * SAFE-2: what was listed a moment ago is enough for a first try (`recent_refs`): a swap that is won proves it, a
    loss is decided again on what is read then. A refusal has no swap that proves it: refs are listed anew.
  * SAFE-7: who is silent is judged on refs as they are now: a session that goes on under another id of its clone may
    have a heartbeat since, and no swap compares a ref that was not listed.
  * Where others write often, a push that loses costs more than a look: for a while after one, refs are listed first.
  * While a swap without an answer is pending, nothing is decided by what was seen before.
  * TXN-4: what a listing shows to be over, of what was sent or posted, is forgotten once its ledger was read. Where
    that cannot be read, the command may have landed.
  * LIVE-1: who wins time after time without a look does not see who waits, and is quicker than who carries out what
    many have posted (`inbox`). So after a few wins in as many folds refs are listed first; who writes less often leaves
    a fold the time that it takes.

What this file does not know: swaps.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

from gitcoord.core.steps.step import Step
from gitcoord.ledger.format.entry import Entry
from gitcoord.ledger.leader.lead_time import CROWDED_S, LeadTime
from gitcoord.ledger.leader.pending import Pending
from gitcoord.ledger.readers.reader import Reader
from gitcoord.ledger.readers.recent_refs import recent
from gitcoord.ledger.rewinds.lookback import Lookback
from gitcoord.ledger.transactions import author_rule
from gitcoord.ledger.transactions.batch import Batch
from gitcoord.ledger.transactions.equipment import Setting
from gitcoord.ledger.transactions.inbox import FOLD_PUSHES, Inbox
from gitcoord.ledger.transactions.plan import Ground
from gitcoord.remote.contract.protocol import Oid, RefName

BLIND_MAX = 3  # tries without a look, one a fold or more; a listing of the clone's server begins anew

Pins = Mapping[str, RefName]


class Decider:
    """Decides for the transactions of a clone. Under the clone's lock."""

    def __init__(self, setting: Setting, reader: Reader, pending: Pending, lookback: Lookback, inbox: Inbox) -> None:
        """Share what the transactions have."""
        self._inbox = inbox
        self._setup = setting
        self.reader = reader
        self._pending = pending
        self._lookback = lookback
        self._refusals = setting.refusals
        self._lost_at: float | None = None
        self._blind: list[float] = []  # when each try without a look began
        self.owed: set[str] = set()  # commands whose outcome is in `applied` alone, and not delivered

    def begin(self) -> None:
        """Begin with commands of which none has lost a race, and no outcome is owed."""
        self.owed.clear()
        self._inbox.begin()

    def seen(self, time: LeadTime) -> Mapping[RefName, Oid] | None:
        """Return the refs that a first try may go by without asking for them; `None`: it may not.

        Where a race was lost a moment ago it may not; but what is posted then may be decided on what is older.
        """
        setup, now_s = self._setup, self._setup.host.monotonic()
        is_lost = self._lost_at is not None and now_s - self._lost_at < CROWDED_S
        if (is_lost or time.is_crowded()) and not self._inbox.expects_crowd:
            return None
        self._blind = [at_s for at_s in self._blind if now_s - at_s < BLIND_MAX * FOLD_PUSHES * time.took_s]
        if len(self._blind) >= BLIND_MAX or self._pending.pins() or self._inbox.posted.posts():
            return None
        self._blind.append(now_s)
        return recent(setup.transport, setup.last_listing, self.reader, setup.host.now())

    def note_loss(self) -> None:
        """Note that what was seen a moment ago was too old: others write often."""
        self._lost_at = self._setup.host.monotonic()

    def look(self) -> Mapping[RefName, Oid]:
        """List the refs, as they are now.

        Raises:
            CoordError: the remote cannot be read.
        """
        self._blind.clear()
        self._lookback.begin()
        return self.reader.list_refs()

    def decide(
        self,
        entries: Sequence[Entry],
        *,
        may_retry: bool,
        seen: Mapping[RefName, Oid] | None = None,
        look: Callable[[], Mapping[RefName, Oid]] | None = None,
    ) -> tuple[Batch, Mapping[RefName, Oid]]:
        """Decide entries; return that, and the refs that it was decided on: `seen`, or a new listing.

        `look`: lists the refs, once it is this clone's turn to write.

        Raises:
            CoordError: the remote cannot be read.
        """
        if seen is not None:
            self._lookback.begin()
            self._lookback.hear(self.reader.heartbeats(seen))
            batch = self._batch(entries, seen, ({}, {}), may_retry=True)
            if batch.lands(entries) and not any(plan.judged_by for plan in batch.plans.values()):
                return batch, seen
        listed = (look or self.look)()
        swaps, posts = self._pending.resolve(listed), self._inbox.posted.resolve(listed)
        folded = self._inbox.to_fold() if look else []
        self.reader.prefetch(listed, folded)
        self._setup.hear(listed, self.reader, self._lookback)
        pins = ({**posts[0], **swaps[0]}, {**posts[1], **swaps[1]})
        batch = self._batch(entries, listed, pins, may_retry=may_retry, folded=folded)
        # Only now: until the ledger says what became of them, who fails here may have landed.
        unread = {entry.uid for entry in entries} & batch.sent.keys() - batch.looked_up
        self._pending.settle(listed, unread)
        self._inbox.posted.settle(listed, unread)
        return batch, listed

    def _batch(
        self,
        entries: Sequence[Entry],
        listed: Mapping[RefName, Oid],
        pins: tuple[Pins, Pins],
        *,
        may_retry: bool,
        folded: Sequence[RefName] = (),
    ) -> Batch:
        setup, reader, now = self._setup, self.reader, self._setup.host.now()
        sight = setup.sight(partial(reader.heartbeats, listed), partial(self._held_steps, listed))
        policies = self._lookback.author_policies(reader, listed, now)
        ground = Ground(
            reader=reader,
            listed=listed,
            clone=setup.clone.id,
            now=now,
            vantage=setup.vantage(policies[0], sight),
            rewound=partial(self._lookback.find, listed=listed, now=now),
        )
        batch = Batch(
            ledgers=setup.ledgers,
            refs=setup.refs,
            ground=ground,
            lookback=self._lookback,
            sent=pins[0],
            pins=pins[1],
            may_retry=may_retry,
            signature=setup.clone.signature,
            author_rules=policies,
            owed=self.owed,
        )
        for post in self._inbox.read(folded, listed):
            if all(author_rule.takes_post(setup.transport.objects, policy, post) for policy in policies):
                batch.fold(post)
        for entry in entries:
            batch.add(entry)
        batch.carry(self._refusals.waiting, setup.host.draw_id)
        self.owed |= {uid for plan in batch.plans.values() for uid in plan.before}
        return batch

    def _held_steps(self, listed: Mapping[RefName, Oid]) -> Iterator[Step]:
        boards = (state.content for state in self.reader.projects(listed))
        return (step for board in boards if board for step in board.held_steps())
