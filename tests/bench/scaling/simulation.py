"""A team on one remote as discrete events, with measured costs: what takes how long, and what is busy.

    agent ──command──> clone: one leader carries out all that wait
        push ──the ledger is as it was seen──> done
             └─it moved: list ──the write was old──> push again
                              └─others are at it──> post ──> look … ──the first that posted──> one push for all posts
    others were met in the last 10 s: post at once

A clone is a generator that yields for how many seconds it waits. A pool serves in the order of requests, so that the
end of a job is known when it begins, and no queue is kept. Chance is seeded: a run is repeated exactly.

What is left out: packets, fetches of objects that are small, clones that die, remotes that answer wrongly.
"""

import heapq
import itertools
import random
from bisect import bisect_right
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field

TOGETHER_MAX = 64  # commands of one clone in one push: `ledger/leader/spool`
# Of clones that meet: `ledger/transactions/inbox`.
FOLDED_MAX = 100  # posts in one push
FOLD_PUSHES, PLACES_MAX, LOOKS_A_FOLD, GATHER_PUSHES, FOLD_OF_WAIT = 4, 4, 4, 0.5, 2 / 3
PUSH_MIN_S, PUSH_MAX_S = 0.02, 2.0
RACE_S = 2.0
MET_S, FOLD_MAX_S = 10.0, 8.0  # `ledger/leader/crowd`
COMPANY_OF_FOLD, COMPANY_MAX_S = 0.25, 0.1  # for so long a leader lets others of its clone come: `combiner`
CROWDED_S = 10.0  # for so long after a lost race a clone lists refs before it pushes: `ledger/leader/lead_time`
LOOK_S = 15.0  # so often a server of a clone looks what others did
REFILL_S, PACED_MAX_S = 60.0 * 60 / 59, 25.0  # `ledger/leader/push_budget`, and for how long it is waited for at most

Process = Generator[float, None, None]


class Pool:
    """So many servers, each with one job at a time."""

    def __init__(self, count: int) -> None:
        """Let all be free."""
        self._free = [0.0] * count
        self.busy_s = 0.0

    def wait_s(self, now: float, job_s: float) -> float:
        """Take a job; return when it is done, as seconds from now."""
        begin = max(now, heapq.heappop(self._free))
        heapq.heappush(self._free, begin + job_s)
        self.busy_s += job_s
        return begin + job_s - now

    def load(self, seconds: float) -> float:
        """Return the share of the time for which it was busy; more than 1 means that work is left over."""
        return self.busy_s / (seconds * len(self._free))


@dataclass(frozen=True, slots=True)
class Costs:
    """What was measured, in seconds: of the server for a push and for a listing, of the client for a try."""

    push_s: float
    read_s: float
    try_s: float
    round_trip_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Team:
    """Who works how, against what.

    Attributes:
        clones: each with its agents.
        agents: in each clone.
        commands_an_hour: of each agent; `None`: as soon as the last one is answered.
        once: each agent has one command, all at the same moment.
        processors: of the server.
        shared: the clients compute on the same ones, as in a bench on one machine.
        pushes_a_minute: which the host admits; 0: all.
        budget: of pushes a minute, that a clone keeps by itself; 0: none, as where the host's limit is of each user.
        ledgers: over which commands are spread; 1: all claims of a team are in one.
        beat_s: a clone that has not pushed for so long says that it is alive; 0: no beats.
    """

    clones: int
    agents: int = 1
    commands_an_hour: float | None = None
    once: bool = False
    processors: int = 2
    shared: bool = False
    pushes_a_minute: float = 0
    budget: float = 0
    ledgers: int = 1
    beat_s: float = 0


@dataclass(slots=True)
class _Ledger:
    writes: list[float] = field(default_factory=list)
    posts: list["_Post"] = field(default_factory=list)

    @property
    def version(self) -> int:
        return len(self.writes)


@dataclass(slots=True, eq=False)
class _Post:
    waiting: Sequence[float]


@dataclass(slots=True)
class Result:
    """What came of a run: latencies in seconds, and how busy what was."""

    seconds: float
    latencies: list[float]
    waiting: list[float]
    pushes: int
    lost: int
    server: float
    limit: float

    def at(self, share: float) -> float:
        """Return a percentile of the latencies; who still waits counts with the time until the end, at least."""
        ranked = sorted([*self.latencies, *self.waiting]) or [0.0]
        return ranked[min(len(ranked) - 1, int(share * len(ranked)))]


class Simulation:
    """One run."""

    def __init__(self, team: Team, costs: Costs, seed: int = 1) -> None:
        """Begin with a ledger that all clones have seen."""
        self.team, self.costs = team, costs
        self.now = 0.0
        self.chance = random.Random(seed)
        self.server = Pool(team.processors)
        self.limit = Pool(1)
        self.ledgers = [_Ledger() for _ in range(team.ledgers)]
        self.latencies: list[float] = []
        self.pushes = self.lost = 0
        self._events: list[tuple[float, int, Process]] = []
        self._clones = [_Clone(self) for _ in range(team.clones)]

    def run(self, seconds: float) -> Result:
        """Let all clones go; end when nothing is left to do, or after so many seconds."""
        for number, clone in enumerate(self._clones):
            heapq.heappush(self._events, (0.0, number, clone.lead()))
        count = len(self._clones)
        while self._events and self._events[0][0] <= seconds:
            self.now, _, process = heapq.heappop(self._events)
            delay = next(process, None)
            if delay is not None:
                count += 1
                heapq.heappush(self._events, (self.now + delay, count, process))
        if self.team.commands_an_hour:
            self.server.busy_s += self.costs.read_s * self.team.clones * seconds / LOOK_S
        open_ = (arrived for clone in self._clones for arrived in (*clone.arrivals, *clone.taken) if arrived <= seconds)
        waiting = [seconds - arrived for arrived in open_]
        took = self.now if self.team.once else seconds
        return Result(
            took, self.latencies, waiting, self.pushes, self.lost, self.server.load(took), self.limit.load(took)
        )

    # What a clone does, in steps of time.

    def compute(self) -> Process:
        """Decide, and write what is sent."""
        job_s = self.costs.try_s
        yield self.server.wait_s(self.now, job_s) if self.team.shared else job_s

    def read(self) -> Process:
        """List the refs, and fetch what is new."""
        yield self.costs.round_trip_s / 2
        yield self.server.wait_s(self.now, self.costs.read_s)
        yield self.costs.round_trip_s / 2

    def push(self) -> Process:
        """Send something and have it written; what was compared is as it is at the end of this."""
        if self.team.pushes_a_minute:
            yield self.limit.wait_s(self.now, 60 / self.team.pushes_a_minute)
        yield self.costs.round_trip_s / 2
        self.pushes += 1
        yield self.server.wait_s(self.now, self.costs.push_s)

    def answer(self) -> Process:
        """Wait for the answer's way back."""
        yield self.costs.round_trip_s / 2


class _Clone:
    """The commands of a clone's agents, and its leader."""

    def __init__(self, world: Simulation) -> None:
        self._world = world
        self._seen = [0] * world.team.ledgers
        self._lost_at = self._pushed_at = self._met_at = self._paid_at = -1e9
        self._left = world.team.budget
        self._fold_s = 0.0  # what a fold was seen to take, where others were met
        self._push_s = PUSH_MIN_S
        self._has_company = False
        agents = world.team.agents
        self.arrivals = [0.0 if self._is_closed else self._next() for _ in range(agents)]
        heapq.heapify(self.arrivals)
        self.taken: list[float] = []

    @property
    def _is_closed(self) -> bool:
        return self._world.team.once or self._world.team.commands_an_hour is None

    def _next(self) -> float:
        """Return when an agent that has just been answered has its next command."""
        rate = self._world.team.commands_an_hour
        return self._world.now + (self._world.chance.expovariate(rate / 3600) if rate else self._world.costs.try_s)

    def lead(self) -> Process:
        """Carry out what waits, for as long as the run goes on."""
        world = self._world
        if world.team.beat_s:
            self._pushed_at = -world.chance.random() * world.team.beat_s
        while self.arrivals:
            due = self.arrivals[0]
            beat_at = self._pushed_at + world.team.beat_s if world.team.beat_s else float("inf")
            if min(due, beat_at) > world.now:
                yield min(due, beat_at) - world.now
            if self.arrivals[0] > world.now:
                yield from self._push()
                self._pushed_at = world.now
                continue
            yield self._paced_s()
            if self._has_company and self._expects_crowd:
                yield min(COMPANY_OF_FOLD * self._fold_s, COMPANY_MAX_S)
            groups = self._take()
            self._has_company = sum(map(len, groups.values())) > 1
            for number, group in groups.items():
                yield from self._carry_out(number, group)
                self._pushed_at = world.now
                world.latencies += (world.now - arrived for arrived in group)
            self.taken = []
            for _ in () if world.team.once else itertools.chain(*groups.values()):
                heapq.heappush(self.arrivals, self._next())

    def _push(self) -> Process:
        """Push, and count that."""
        self._left, self._paid_at = max(self._budget() - 1, -self._world.team.budget), self._world.now
        yield from self._world.push()

    def _budget(self) -> float:
        most, passed_s = self._world.team.budget, self._world.now - self._paid_at
        return min(most, self._left + passed_s * most / REFILL_S)

    def _paced_s(self) -> float:
        """Return for how long what waits is gathered until there is a push to make; not where that is too long."""
        per_minute = self._world.team.budget
        wait_s = max(0.0, 1 - self._budget()) * REFILL_S / per_minute if per_minute else 0.0
        return wait_s if wait_s <= PACED_MAX_S else 0.0

    @property
    def _expects_crowd(self) -> bool:
        return self._world.now - self._met_at < MET_S

    def _meet_others(self, fold_s: float = 0.0) -> None:
        """Note that others are at work, and what a fold of theirs took."""
        last_s = self._fold_s if self._expects_crowd else 0.0
        known = [took_s for took_s in (last_s, min(fold_s, FOLD_MAX_S)) if took_s]
        self._met_at, self._fold_s = self._world.now, sum(known) / len(known) if known else 0.0

    def _take(self) -> dict[int, list[float]]:
        """Take what waits, by the ledger that it is for."""
        world, groups, count = self._world, dict[int, list[float]](), 0
        while self.arrivals and self.arrivals[0] <= world.now and count < TOGETHER_MAX:
            number = world.chance.randrange(world.team.ledgers)
            self.taken.append(heapq.heappop(self.arrivals))
            groups.setdefault(number, []).append(self.taken[-1])
            count += 1
        return groups

    def _carry_out(self, number: int, group: Sequence[float]) -> Process:
        world, ledger = self._world, self._world.ledgers[number]
        if self._expects_crowd:
            yield from self._meet(number, _Post(group))
            return
        is_listed = world.now - self._lost_at < CROWDED_S
        looked_at = world.now - world.chance.random() * LOOK_S  # by a server of the clone
        self._seen[number] = max(self._seen[number], bisect_right(ledger.writes, looked_at))
        while True:
            if is_listed:
                yield from world.read()
                self._seen[number] = ledger.version
                if ledger.posts:
                    break
            yield from world.compute()
            began = world.now
            yield from self._push()
            if ledger.version == self._seen[number]:
                self._write(number)
                yield from world.answer()
                return
            took, written_at, gap = world.now - began, ledger.writes[-1], ledger.version - self._seen[number]
            world.lost += 1
            self._lost_at = world.now
            yield from world.answer()
            was_listed, is_listed = is_listed, True
            is_recent = world.now - written_at < RACE_S
            if was_listed or written_at > began - took / 3 or (is_recent and gap > 1):
                yield from world.read()
                self._seen[number] = ledger.version
                break
        yield from self._meet(number, _Post(group))

    def _meet(self, number: int, post: _Post) -> Process:
        """Post, and have one of those who posted write for all."""
        world, ledger = self._world, self._world.ledgers[number]
        self._meet_others()
        yield from world.compute()
        began = world.now
        yield from self._push()
        ledger.posts.append(post)
        yield from world.answer()
        posted_at, self._push_s = world.now, world.now - began
        yield self._gather_s
        oldest, since = post, posted_at
        while True:
            yield from world.read()
            self._seen[number] = ledger.version
            if post not in ledger.posts:
                self._meet_others((world.now - posted_at) * FOLD_OF_WAIT)
                return
            if ledger.posts[0] is not oldest:
                oldest, since = ledger.posts[0], world.now
            place = min(ledger.posts.index(post), PLACES_MAX)
            fold_s = max(self._fold_s, FOLD_PUSHES * self._usual_push_s)
            if world.now - since < place * fold_s + self._gather_s:
                self._meet_others()
                yield (fold_s / LOOKS_A_FOLD if place else self._gather_s) * (0.75 + world.chance.random() / 2)
            elif (yield from self._fold(number, post)):
                return

    def _fold(self, number: int, post: _Post) -> Generator[float, None, bool]:
        """Carry out what was posted; return whether that was won."""
        world, ledger = self._world, self._world.ledgers[number]
        folded = [post, *(other for other in ledger.posts if other is not post)][:FOLDED_MAX]
        if folded[1:]:
            self._meet_others()
        else:
            self._met_at = -1e9
        yield from world.compute()
        began = world.now
        yield from self._push()
        is_won = ledger.version == self._seen[number] and all(other in ledger.posts for other in folded)
        if is_won:
            self._write(number)
            ledger.posts = [other for other in ledger.posts if other not in folded]
        else:
            world.lost += 1
            self._push_s = max(self._push_s, (world.now - began) / FOLD_PUSHES)
        yield from world.answer()
        return is_won

    @property
    def _usual_push_s(self) -> float:
        return min(max(self._push_s, PUSH_MIN_S), PUSH_MAX_S)

    @property
    def _gather_s(self) -> float:
        return GATHER_PUSHES * self._usual_push_s if self._expects_crowd else 0.0

    def _write(self, number: int) -> None:
        ledger = self._world.ledgers[number]
        ledger.writes.append(self._world.now)
        self._seen[number] = ledger.version
