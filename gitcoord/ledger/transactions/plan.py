"""A plan: what a batch wants to write to one ledger, and what its callers get once that has landed.

Their replies say what was passed over: projects that only a newer version may use, or are damaged, and files that are.

Rules:
  * Every plan is begun by `Ground`: of what lands (`batch`), and of what is tried without writing
    (`service.claims.dry_run`). So both are decided on the same.
  * SAFE-9: a ledger that is back or gone (`lookback`) decides nothing.
  * The time of a tip that is far ahead of ours is not believed, and every reply about that ledger says so.

What this file does not know: how commands are decided, and swaps.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from gitcoord.core.documents.caller_notice import CallerNotice
from gitcoord.core.documents.doc import replace
from gitcoord.core.documents.json_text import Json, as_written, time_text
from gitcoord.core.documents.liveness import Life
from gitcoord.core.documents.names import amount
from gitcoord.core.documents.outcomes import Outcome
from gitcoord.errors import CoordError, RewoundError, SchemaError
from gitcoord.ledger.format.entry import Entry, Reply
from gitcoord.ledger.format.post import Post
from gitcoord.ledger.format.records import Done
from gitcoord.ledger.kinds.ledger import LedgerState
from gitcoord.ledger.liveness.clock_offset import BELIEVED
from gitcoord.ledger.readers.reader import Reader
from gitcoord.ledger.transactions.caller import Basis, Vantage
from gitcoord.remote.contract.protocol import Oid, RefName

AHEAD_MAX = timedelta(minutes=10)  # a tip further ahead than this has a wrong clock and is not believed
NAMED_MAX = 10  # how many projects are named

Passed = tuple[RefName, CoordError]


@dataclass(slots=True)
class Plan(Basis):
    """What a batch wants to write to one ledger.

    Attributes:
        doubt: why `over_by` is not `now`, which every reply says; see `clock_offset`.
        ahead: the time of the tip, where it is so far ahead that it was not believed.
        done: the commands that change something, in order.
        replies: for every command decided here, what its caller gets once the swap has landed.
        before: the outcomes of commands that were applied before; they stay on record, for we may die as well.
        refusals: what the commit carries of this clone's earlier refusals; see `carried`.
        posts: by the unique id of each command that another clone has posted, its post; see `inbox`.
    """

    doubt: str = ""
    ahead: datetime | None = None
    done: list[Done] = field(default_factory=list[Done])
    replies: dict[str, Reply] = field(default_factory=dict[str, Reply])
    before: dict[str, Outcome] = field(default_factory=dict[str, Outcome])
    refusals: dict[str, dict[str, Json]] = field(default_factory=dict[str, dict[str, Json]])
    posts: dict[str, Post] = field(default_factory=dict[str, Post])

    def carried(self) -> list[Post]:
        """Return the posts of other clones of which this commit has commands, or what those ask of its ledger."""
        found = {post.ref: post for done in self.done if (post := self.posts.get(done.entry.uid)) is not None}
        return [found[ref] for ref in sorted(found)]

    def folded(self) -> list[Post]:
        """Return the posts of other clones for this ledger that this commit carries out."""
        return [post for post in self.carried() if post.ledger == self.state.ref]

    def own_replies(self) -> dict[str, Reply]:
        """Return the replies to this clone's commands."""
        return {uid: reply for uid, reply in self.replies.items() if uid not in self.posts}

    def savepoint(self) -> "Savepoint":
        """Return how far it is, to roll back to."""
        return Savepoint(self.state, len(self.done), len(self.replies), len(self.before), frozenset(self.relied))

    def roll_back(self, to: "Savepoint") -> None:
        """Be as it was: what was decided since only added to it."""
        self.state, self.relied = to.state, {*to.relied}
        del self.done[to.done :]
        shorten(self.replies, to.replies)
        shorten(self.before, to.before)

    def take(self, done: Done, after: Any) -> None:  # noqa: ANN401 - the content of any kind
        """Take in what was done, and the ledger as it is after that."""
        self.state = replace(self.state, content=after)
        self.done.append(done)

    @property
    def judged_by(self) -> dict[str, Oid | None]:
        """Return the heartbeat of each clone whose silence was acted on, under all ids; `None`: it has none."""
        found: dict[str, Oid | None] = {}
        for held, life in (pair for done in self.done for pair in done.decision.judged):
            if life.life is Life.STALE and life.sighting.locked is None and held.clone:
                found[held.clone] = Oid(life.sighting.heartbeat) if life.sighting.heartbeat else None
                found |= {clone: Oid(tip) for clone, tip in (life.sighting.elsewhere or {}).items()}
        return found


@dataclass(frozen=True, slots=True)
class Savepoint:
    """How far a plan was; of what only grows, its length."""

    state: LedgerState[Any]
    done: int
    replies: int
    before: int
    relied: frozenset[RefName]


def shorten(grown: dict[str, Any], count: int) -> None:
    """Take out what was put in last, down to so many."""
    while len(grown) > count:
        grown.popitem()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What plans are begun on: the ledgers of one listing, and what this clone decides by.

    Attributes:
        rewound: returns the problem of a ledger that is back or gone.
        lock: held while the ledgers are read, where other threads read them, too.
    """

    reader: Reader
    listed: Mapping[RefName, Oid]
    clone: str
    now: datetime
    vantage: Vantage
    rewound: Callable[[RefName], CoordError | None]
    lock: AbstractContextManager[object] = field(default_factory=nullcontext[None])

    def plan(self, ref: RefName) -> Plan:
        """Begin the plan of a ledger.

        Raises:
            RewoundError: it is back or gone.
            CoordError: it cannot be read.
        """
        rewound = self.rewound(ref)
        if rewound is not None:
            raise rewound
        with self.lock:
            state = self.reader.ledger(ref, self.listed.get(ref))
            if state.tip is None:
                state = replace(state, meta=self.reader.first_meta(self.listed))
            self.hear(state)
        now, at = self.now, state.meta.at
        ahead = at if at is not None and at > now + AHEAD_MAX else None
        if at is not None and ahead is None:
            now = max(now, at)  # a ledger's time does not go back
        # How far our clock is believed is asked only where something is over by it: over http that takes a connection.
        is_over = state.kind.is_anything_over(state.content, now)
        belief = self.vantage.sight.belief() if is_over else BELIEVED
        return Plan(state, now, self.vantage, as_written(belief.over_by or now), belief.doubt, ahead)

    def hear(self, state: LedgerState[Any]) -> None:
        """Take note of when another clone wrote a ledger last."""
        self.vantage.sight.hear(self.reader.written_by_others(state, self.clone))


class Refused(NamedTuple):
    """A command that the rules refused, in the ledger that they read for it."""

    ref: RefName
    entry: Entry
    outcome: Outcome


def reply_of(plan: Plan, outcome: Outcome) -> Reply:
    """Return the reply to the caller of a command."""
    ref, notices = plan.state.ref, list[CallerNotice]()
    if plan.ahead:  # nothing is decided by a clock that was wrong, and leases only get longer
        tip, now = time_text(plan.ahead), time_text(plan.now)
        message = f"{ref} was last written at {tip}, and here it is {now}: one of the two clocks is wrong."
        notices.append(CallerNotice.of("clock_ahead", message, ref=ref, tip_at=tip, now=now))
    if plan.doubt:  # what is over by this clone's clock still counts
        todo = "Have it set by the network (NTP). Any command of another clone that writes shows the time."
        notices.append(CallerNotice.of("clock_off", plan.doubt, todo, ref=ref))
    notices += left_out_of(plan.state)
    return plan.state.kind.reply(plan.state.content, outcome).evolve(notices=tuple(notices))


def unwritable(state: LedgerState[Any]) -> list[Passed]:
    """Return why this version may not write a project; nothing if it may."""
    try:
        state.check_writable()
    except SchemaError as error:
        return [(state.ref, error)]
    return []


def notices_of(passed: Sequence[Passed]) -> list[CallerNotice]:
    """Return the caller's notices: one notice of all that are newer, and one of each that is damaged."""
    newer = [ref for ref, error in passed if isinstance(error, SchemaError)]
    damaged = [skipped for skipped in passed if not isinstance(skipped[1], SchemaError)][:NAMED_MAX]
    return [*([_newer(newer)] if newer else []), *(_damaged(ref, error) for ref, error in damaged)]


def left_out_of(state: LedgerState[Any]) -> list[CallerNotice]:
    """Return the caller's notices of files that cannot be read: one notice, which names the first."""
    if not state.left_out:
        return []
    path, error = min(state.left_out.items())
    more = f" Left out besides: {amount(len(state.left_out) - 1, 'file')}." if len(state.left_out) > 1 else ""
    message = f"{state.ref}: {path} cannot be read and is ignored. {error}{more}"
    facts = {"ref": state.ref, "path": path, "object": error.where, "count": len(state.left_out)}
    return [CallerNotice.of("left_out", message, "gitcoord doctor --repair", **facts)]


def _newer(refs: Sequence[RefName]) -> CallerNotice:
    names = sorted(ref.rpartition("/")[2] for ref in refs)
    what = ", ".join(names[:NAMED_MAX]) + (f" and {len(names) - NAMED_MAX} more" if len(names) > NAMED_MAX else "")
    message = f"Passed over, because only a newer gitcoord may write there: {what}. Upgrade gitcoord here."
    return CallerNotice.of("passed_over", message, projects=[*names[:NAMED_MAX]])


def _damaged(ref: RefName, error: CoordError) -> CallerNotice:
    notice = error.code if isinstance(error, RewoundError) else "damaged"
    return CallerNotice.of(notice, f"Passed over: {error}", error.hint, ref=ref)
