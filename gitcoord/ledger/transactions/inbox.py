"""The inbox: how clones that lost a race have one of them carry out the commands of all, with one swap.

    swap ──LOST to a race──> post ──listed──> who posted first folds at once; who posted later looks again, and folds
      └──WON                   ^              │ where no fold came in the time that one takes, times its place in line
       others were met lately ─┘              └─ gone from the list: folded; the outcome is in `applied/<clone>.json`

A fold is one commit with all posts of the ledger, and its swap deletes them.

Rules:
  * LIVE-1: one push of a crowd carries out what all of it has posted. Whose fold does not come is folded by the next.
  * TXN-2: a post is folded while its clone's counter in the ledger is the one that it names (`post`), and its ref is
    deleted by that swap. Nothing else of the clone goes to the ledger meanwhile, but by a fold of its own.
  * TXN-4: a caller's deadline takes the post away by compare-and-delete; where that fails it was folded.
  * What a fold would refuse is left to the clone that posted it, which knows more of its own sessions. So is what only
    another version knows, what is over, and what was decided by rules of the team that are no longer those. Who
    posted that may be dead: for a while after a fold of this clone it is no company, and nothing waits for it.
  * SAFE-5: only where a remote takes several refs at once, and deletes refs. Where it declines that, none is posted for
    a while, and losers try again as `lead_time` says.

Used under the clone's lock. What this file does not know: how commands are decided.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from gitcoord.ledger.format import post
from gitcoord.ledger.format.entry import Entry
from gitcoord.ledger.format.post import Post, PostedCommands
from gitcoord.ledger.leader.crowd import Crowd
from gitcoord.ledger.leader.lead_time import PATIENCE_S
from gitcoord.ledger.leader.posted import OwnPost, Posted
from gitcoord.ledger.readers.reader import Reader
from gitcoord.ledger.transactions.equipment import Setting
from gitcoord.ledger.transactions.plan import Plan
from gitcoord.remote.contract.protocol import Oid, RefName, RefUpdate, SwapOutcome, SwapStatus

FRESH = timedelta(minutes=2)  # twice what a caller waits; older posts are of clones that died, or whose clock is wrong
FOLDED_MAX = 100  # posts in one fold; its record stays readable
FOLD_PUSHES = 4  # a fold takes as long as so many pushes: it lists, fetches, decides, and pushes more
PLACES_MAX = 4  # a clone that has waited for so many folds folds, however many posted before it
POST_BYTES_MAX = 64 * 1024  # a larger one is sent once, as the commit that it becomes
GATHER_PUSHES = 0.5  # for so long who is first lets others come, where they were met
LOOKS_A_FOLD = 4  # of who waits for it: a listing costs the server half of what a push does
FOLD_OF_WAIT = 2 / 3  # who has posted waits for what is left of one fold, and for the next
RACE_S = 2.0  # what was written so recently shows that others are at work now
PUSH_MIN_S, PUSH_MAX_S = 0.02, 2.0

_POSTED = SwapOutcome(SwapStatus.LOST, "others write at the same time")


class _Lost(NamedTuple):
    """A swap that was lost: when it began, what it took, whether refs had been listed, what it was decided on."""

    began: datetime
    took: timedelta
    was_listed: bool
    seqs: Mapping[RefName, int]


class Inbox:
    """What a clone posts, waits for and folds in one place."""

    def __init__(self, setting: Setting, reader: Reader, posted: Posted, met: Crowd) -> None:
        """Begin with no post."""
        self._setup = setting
        self._reader = reader
        self.posted = posted
        self._met = met
        self._oldest: dict[RefName, tuple[RefName, float]] = {}  # of each ledger the first in line, and since when
        self._new: dict[RefName, float] = {}  # posts that were not looked for yet, and when they arrived
        self._crowds: dict[RefName, list[RefName]] = {}  # fresh posts by ledger, the oldest first
        self._left: frozenset[str] = frozenset()  # posts that a fold of this clone has left alone lately
        self._turns: set[RefName] = set()  # ledgers of which a fold is decided now
        self._waits: set[RefName] = set()
        self._told: set[RefName] = set()  # posts from whose wait it was learned what a fold takes
        self._push_s = PUSH_MIN_S
        self._lost: _Lost | None = None

    @property
    def expects_crowd(self) -> bool:
        """Whether others are taken to write at this moment: a swap would be lost to them, and a post is not."""
        return self.is_usable and self._met.fold_s is not None

    @property
    def is_usable(self) -> bool:
        """Whether clones may meet here: over a network, at a remote that takes several refs at once."""
        setup = self._setup
        is_shared = bool(setup.beats.place) and setup.transport.is_far and not setup.refs.under_heads
        return is_shared and setup.transport.atomic and not self._met.is_resting

    def rest(self, *, is_declined: bool = True) -> None:
        """Post and fold nothing for a while; unless the remote declines it, this process alone."""
        self._met.rest(is_declined=is_declined)

    def begin(self) -> None:
        """Begin with commands of which none has lost a race."""
        self._lost, self._told, self._turns = None, set(), set()

    def note_loss(self, plans: Sequence[Plan], took_s: float, *, was_listed: bool) -> None:
        """Note a swap that was lost. `was_listed`: refs had been listed for it, so it was lost to a race.

        `took_s`: the try, without the wait for others before its last listing.
        """
        self._push_s = max(self._push_s, took_s / FOLD_PUSHES)
        took, seqs = timedelta(seconds=took_s), {plan.state.ref: plan.state.meta.seq for plan in plans}
        self._lost = _Lost(self._setup.host.now() - took, took, was_listed, seqs)

    def _is_race(self, plan: Plan) -> bool:
        """Whether a ledger was lost to who wrote at the same time, rather than for what it was decided on was old."""
        lost, meta = self._lost, plan.state.meta
        if lost is None or plan.state.ref not in lost.seqs:
            return False
        if lost.was_listed or meta.at is None:
            return lost.was_listed
        is_recent = self._setup.host.now() - meta.at < timedelta(seconds=RACE_S)
        return meta.at > lost.began - lost.took / 3 or (is_recent and meta.seq - lost.seqs[plan.state.ref] > 1)

    # -- waiting ------------------------------------------------------------------------------------------------------

    def look(self, listed: Mapping[RefName, Oid], entries: Sequence[Entry]) -> float | None:
        """Take in a listing; return for how long to wait before the next, where others are to fold; `None`: go on."""
        self._crowds, self._turns, self._waits = {}, set(), set()
        now_ms = self._setup.host.now().timestamp() * 1000
        for ref in sorted(listed) if self.is_usable else ():
            name = self._setup.refs.post_at(ref)
            if name is not None and abs(now_ms - name.posted_ms) < FRESH.total_seconds() * 1000:
                self._crowds.setdefault(name.ledger, []).append(ref)
        self._left = self._met.left_alone if self._crowds else frozenset()
        if not self.posted.posts():
            return None
        uids, now_s = {entry.uid for entry in entries}, self._setup.host.monotonic()
        gather_s = self._gather_s
        fold_s = max(self._met.fold_s or 0.0, FOLD_PUSHES * self._usual_push_s)
        nearest, is_told = PLACES_MAX, False
        for ledger, own in self.posted.posts().items():
            crowd = [ref for ref in self._crowds.get(ledger, ()) if ref not in self._left] or [own.ref]
            if listed.get(own.ref) != own.tip:
                is_told = is_told or self._is_told(own, uids, now_ms)
                continue
            arrived_s = self._new.pop(own.ref, None)
            if self._oldest.get(ledger, ("", 0.0))[0] != crowd[0]:  # a fold came, or this is the first look
                since_s = arrived_s if arrived_s is not None and crowd[0] == own.ref else now_s
                self._oldest[ledger] = crowd[0], since_s
            place = min(sum(ref < own.ref and self._is_waiting(ref, now_ms) for ref in crowd), PLACES_MAX)
            waited_s = now_s - self._oldest[ledger][1]
            is_turn = waited_s >= place * fold_s + gather_s or uids.isdisjoint(own.uids)
            (self._turns if is_turn else self._waits).add(ledger)
            nearest = nearest if is_turn else min(nearest, place)
            if any(map(self._is_others, crowd)):
                self._met.meet()
            elif is_turn:
                self._met.leave()
        if is_told or self._turns or not self._waits:
            return None
        wait_s = fold_s / LOOKS_A_FOLD if nearest else gather_s
        return wait_s * (0.75 + self._setup.host.chance() / 2)

    def let_others_come(self, left_s: float) -> None:
        """Wait until others had the time to come along with what was posted just now: a look would be too early.

        `left_s`: for how long a caller waits at most.
        """
        host = self._setup.host
        early_s = max((at_s + self._gather_s - host.monotonic() for at_s in self._new.values()), default=0.0)
        if min(early_s, left_s) > 0:
            host.sleep(min(early_s, left_s))

    @property
    def _usual_push_s(self) -> float:
        """What a push takes here, in seconds, where one that was odd does not count."""
        return min(max(self._push_s, PUSH_MIN_S), PUSH_MAX_S)

    @property
    def _gather_s(self) -> float:
        return GATHER_PUSHES * self._usual_push_s if self._met.fold_s is not None else 0.0

    def _is_told(self, own: OwnPost, uids: Collection[str], now_ms: float) -> bool:
        """Whether the ledger has what a post that is gone was for, and someone waits for that."""
        name = self._setup.refs.post_at(own.ref)
        if not own.made or name is None or not any(uid in uids for uid in own.uids):  # else: of a process that died
            return False
        if own.ref not in self._told:
            self._told.add(own.ref)
            self._met.meet((now_ms - name.posted_ms) / 1000 * FOLD_OF_WAIT)
        return True

    def _is_waiting(self, ref: RefName, now_ms: float) -> bool:
        """Whether the clone that posted may still fold: what is older was posted by one that died."""
        name = self._setup.refs.post_at(ref)
        return name is not None and now_ms - name.posted_ms < PATIENCE_S * 1000

    def _is_others(self, ref: RefName) -> bool:
        """Whether another clone has posted this, and may still be there."""
        name = self._setup.refs.post_at(ref)
        return name is not None and name.clone not in self._setup.clone.ids and ref not in self._left

    def holds(self, plans: Sequence[Plan]) -> bool:
        """Whether others are to write one of these ledgers for us."""
        return any(plan.state.ref in self._waits for plan in plans)

    # -- posting ------------------------------------------------------------------------------------------------------

    def is_crowded(self, plans: Sequence[Plan]) -> bool:
        """Whether these commands are better posted: a race for a ledger was lost, or others have posted."""
        if not self.is_usable:
            return False
        if any(plan.state.ref in self.posted.posts() for plan in plans):
            return False
        crowds = (ref for plan in plans for ref in self._crowds.get(plan.state.ref, ()))
        if any(map(self._is_race, plans)) or any(map(self._is_others, crowds)):
            self._met.meet()
            return True
        return self.expects_crowd

    def post(self, plans: Sequence[Plan], listed: Mapping[RefName, Oid]) -> SwapOutcome | None:
        """Post what plans would write, a post a ledger; `None`: it has to be written here.

        As a commit would, it lands only while the team's rules are those by which it was decided.

        Raises:
            CoordError: this machine's disk cannot be written.
        """
        setup = self._setup
        now, objects = setup.host.now(), setup.transport.objects
        posts: dict[RefName, OwnPost] = {}
        for plan in plans:
            # As they were given: another step may be taken by them than the one for which they were decided here.
            entries = tuple(done.given or done.entry for done in plan.done if done.entry.uid in plan.replies)
            if not entries:
                continue
            kept = tuple(entry.evolve(held=False, pid=0, place="") for entry in entries)
            applied = self._reader.applied(plan.state, setup.clone.id)
            said = PostedCommands(clone=setup.clone.id, ledger=plan.state.ref, counter=applied.counter, entries=kept)
            if len(entries) > post.ENTRIES_MAX or len(said.encode()) > POST_BYTES_MAX:
                return None
            ref = setup.refs.post(plan.state.ref, int(now.timestamp() * 1000), setup.clone.id, setup.host.draw_id())
            tip = post.write(objects, said, setup.clone.signature, now)
            posts[plan.state.ref] = OwnPost(ref, tip, tuple(entry.uid for entry in entries), made=False)
        if not posts:
            return None
        self.posted.add(posts)
        began = setup.host.monotonic()
        config = listed.get(setup.refs.config)
        checks = [RefUpdate(setup.refs.config, config, config)] if config and setup.transport.sends_checks else []
        outcome = setup.push([*checks, *(RefUpdate(own.ref, None, own.tip) for own in posts.values())])
        self._push_s = setup.host.monotonic() - began
        match outcome.status:
            case SwapStatus.WON:
                self.posted.made(posts)
                self._new = dict.fromkeys((own.ref for own in posts.values()), setup.host.monotonic())
                return _POSTED
            case SwapStatus.UNKNOWN:
                return outcome
            case SwapStatus.DENIED:
                self.posted.forget(posts)
                self.rest()
                return SwapOutcome(SwapStatus.LOST, outcome.message)  # what was seen is too old for a swap
            case SwapStatus.LOST:
                self.posted.forget(posts)
                return None
            case SwapStatus.UNREACHABLE:
                self.posted.forget(posts)
                return outcome

    def withdraw(self, uids: Sequence[str]) -> None:
        """Take back the posts that have one of these commands; one that is gone was folded, which the ledger says."""
        for ledger, own in self.posted.posts().items():
            if own.made and not {*uids}.isdisjoint(own.uids):
                outcome = self._setup.push([RefUpdate(own.ref, own.tip, None)])
                if outcome.status is SwapStatus.WON:
                    self.posted.forget([ledger])

    def withdraw_idle(self, plans: Sequence[Plan], entries: Sequence[Entry]) -> bool:
        """Take back the posts whose turn it is and of which nothing would be written; tell whether there were any."""
        writes = {uid for plan in plans if plan.done for uid in plan.replies}
        posts = self.posted.posts()
        idle = [uid for ledger in self._turns if ledger in posts for uid in posts[ledger].uids]
        if not idle or not writes.isdisjoint(idle):
            return False
        self.withdraw(idle)
        return bool({entry.uid for entry in entries} & {*idle})

    # -- folding ------------------------------------------------------------------------------------------------------

    def to_fold(self) -> list[RefName]:
        """Return the posts of others that are folded now, the oldest first."""
        own = {post.ref for post in self.posted.posts().values()}
        crowds = (ref for ledger in sorted(self._turns) for ref in self._crowds.get(ledger, ()))
        return [ref for ref in crowds if ref not in own][:FOLDED_MAX]

    def read(self, refs: Sequence[RefName], listed: Mapping[RefName, Oid]) -> list[Post]:
        """Read posts; those of which nothing is to be carried out are left out."""
        found: list[Post] = []
        now = self._setup.host.now()
        for ref in refs:
            name = self._setup.refs.post_at(ref)
            if name is None or name.clone in self._setup.clone.ids:
                continue
            said = post.read(self._setup.transport.objects, ref, listed[ref], name.clone, name.ledger)
            if said is not None and not all(entry.deadline and entry.ends_by(now) for entry in said.said.entries):
                found.append(said)
        return found

    def deletions(self, plans: Sequence[Plan], listed: Mapping[RefName, Oid]) -> list[RefUpdate]:
        """Return the lines that take away what these plans carry out."""
        if not self.is_usable:
            return []
        folded = {post.ref: post.tip for plan in plans for post in plan.folded()}
        posts = self.posted.posts()
        for plan in plans:
            own = posts.get(plan.state.ref)
            if own is not None and listed.get(own.ref) == own.tip:
                folded[own.ref] = own.tip
        return [RefUpdate(ref, tip, None) for ref, tip in sorted(folded.items())]

    def won(self, plans: Sequence[Plan], deleted: Sequence[RefUpdate]) -> None:
        """Note a swap of plans that was won: it has deleted what it carried out, and made void what is on its way."""
        gone = {line.ref for line in deleted}
        left = {*self.to_fold()} - gone
        self._met.leave_alone([ref for plan in plans for ref in self._crowds.get(plan.state.ref, ()) if ref in left])
        posts = self.posted.posts()
        own = {plan.state.ref for plan in plans if any(done.entry.uid not in plan.posts for done in plan.done)}
        self.posted.forget(ledger for ledger, post in posts.items() if ledger in own or post.ref in gone)
