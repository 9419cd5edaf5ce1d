"""The replay: real clones on a remote in memory and in virtual time, where each request takes what was measured of one.

    Combiner ──> Transactions ──> Priced ──spends: client, server, disk──> MemoryRemote
        └ a thread for each process; the processes of a clone share its folder, its lock and its objects

Rules:
  * What a clone does is decided by the code that it runs; the replay knows what that costs, and nothing else of it.
  * Costs are measured of one clone at a time (`request_costs`); nothing is fitted to a crowd.
  * A request takes effect when the server has computed for it, as a ref is written last.
  * Chance is seeded, and threads take turns: a run is repeated exactly.

What is left out: packets, and that processes empty each other's caches.
"""

import random
import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import timedelta
from enum import StrEnum
from functools import cache, partial
from itertools import count
from pathlib import Path
from typing import NamedTuple, Protocol, TypeVar

from gitcoord.core.claims.claim_commands import ClaimFiles, Wish
from gitcoord.core.documents.doc import replace
from gitcoord.core.steps.step_commands import ClaimStep
from gitcoord.ledger.clone.host import Host
from gitcoord.ledger.format.refs import Refs
from gitcoord.ledger.transactions.combiner import Combiner
from gitcoord.ledger.transactions.transactions import Transactions
from gitcoord.remote.contract.protocol import Objects, Oid, RefName, RefUpdate, SwapOutcome, Transport
from gitcoord.remote.transports.memory import MemoryObjects, MemoryTransport
from tests.bench.scaling.virtual_time import VirtualTime
from tests.servers.http_backend import REQUESTS_AT_ONCE
from tests.unit.ledger.fakes import START, Member, World, Wrapped

STEPS = 100
AGENTS = 10  # of a process, each with a few claims
_PLACE = "https://replay.invalid/r.git"
_Answer = TypeVar("_Answer")


class Kind(StrEnum):
    """What a request is for; its size is how many refs it lists, commands it brings (`Brought`), or refs it writes."""

    LISTING = "a listing"
    FETCH = "a fetch"
    POST = "a post"
    WRITE = "a write"


class Line(NamedTuple):
    """Seconds by size."""

    fixed_s: float
    each_s: float = 0.0

    def at(self, size: int) -> float:
        """Return the seconds for a size."""
        return max(0.0, self.fixed_s + self.each_s * size)


class Cost(NamedTuple):
    """What one kind of request takes.

    Attributes:
        client: of a processor, with what the client computed since its last request.
        server: of a processor, with the processes that it starts.
        wait_s: for the disk, which other processes need not wait for.
        spread: the standard deviation of both, as a share.
    """

    client: Line
    server: Line
    wait_s: float = 0.0
    spread: float = 0.0


class Costs(NamedTuple):
    """What is spent for requests of each kind, and beside them.

    Attributes:
        end: after the last request of a command, by what the last fetch brought. What another process of the clone has
            fetched is read as well, and costs as much for each command.
        call_s: for a call, beside its command.
        look_s: for each look of a process that waits for another of its clone.
        processors: on which all of it is spent.
    """

    listing: Cost
    fetch: Cost
    post: Cost
    write: Cost
    end: Line = Line(0.0)
    call_s: float = 0.0
    look_s: float = 0.0
    processors: int = 2

    def of(self, kind: Kind) -> Cost:
        """Return the cost of a kind of request."""
        return {Kind.LISTING: self.listing, Kind.FETCH: self.fetch, Kind.POST: self.post, Kind.WRITE: self.write}[kind]


class Time(Protocol):
    """What a priced transport asks of the time: `VirtualTime`, here or in another process."""

    def spend(self, seconds: float) -> None:
        """Compute for so long."""
        ...

    def sleep(self, seconds: float) -> None:
        """Let so much time pass."""
        ...

    def admitted(self) -> AbstractContextManager[None]:
        """Wait in line for one of the places, and have it within the block."""
        ...


class Brought:
    """How many commands commits bring that a clone has not: as many as a fold has posts, and at least one each.

    Commits are read along their first parents, to one that was brought before.
    """

    def __init__(self, objects: Objects) -> None:
        """Begin with nothing brought."""
        self.last = 0
        self._objects = objects
        self._known: set[Oid] = set()

    def note(self, tips: Iterable[Oid]) -> int:
        """Take note of commits that are here now; return how many commands they bring, which is `last`."""
        self.last = self.skip(tips)
        return self.last

    def skip(self, tips: Iterable[Oid]) -> int:
        """Take note of commits, as `note` does, that need not be read after the last request."""
        count = 0
        for tip in tips:
            commit: Oid | None = tip
            while commit is not None and commit not in self._known and self._objects.has(commit):
                self._known.add(commit)
                header = self._objects.read(commit)[1].partition(b"\n\n")[0]
                parents = [line[7:].decode() for line in header.splitlines() if line.startswith(b"parent ")]
                count += max(1, len(parents) - 1)
                commit = Oid(parents[0]) if parents else None
        return count


class Priced(Wrapped):
    """A transport whose requests take what they cost, in virtual time."""

    def __init__(self, inner: Transport, time: Time, costs: Costs, chance: random.Random) -> None:
        super().__init__(inner)
        self.pushes, self.client_s = 0, 0.0
        self._time, self._costs, self._chance = time, costs, chance
        self._listed = 1
        self.brought = Brought(inner.objects)

    def read(self, prefixes: Sequence[str]) -> Mapping[RefName, Oid]:
        listed = self._pay(Kind.LISTING, self._listed, lambda: self.inner.read(prefixes))
        self._listed = len(listed)
        self.compute(self._costs.end.each_s * self.brought.skip(listed.values()))  # a neighbour has fetched them
        return listed

    def fetch(self, oids: Iterable[Oid]) -> None:
        lacking = [oid for oid in oids if not self.inner.objects.has(oid)]
        if lacking:
            self.inner.fetch(lacking)  # what comes is known by its name; only when it is here counts
            self._pay(Kind.FETCH, self.brought.note(lacking), lambda: None)

    def swap(self, updates: Sequence[RefUpdate]) -> SwapOutcome:
        self.pushes += 1
        outcome = self._pay(kind_of(updates), len(updates), lambda: self.inner.swap(updates))
        self.brought.skip(update.new for update in updates if update.new)  # what this process wrote it has read
        return outcome

    def compute(self, seconds: float) -> None:
        """Let the client compute."""
        self.client_s += seconds
        self._time.spend(seconds)

    def _pay(self, kind: Kind, size: int, request: Callable[[], _Answer]) -> _Answer:
        cost = self._costs.of(kind)
        self.compute(cost.client.at(size) * self._drawn(cost))
        with self._time.admitted():
            self._time.spend(cost.server.at(size) * self._drawn(cost))
            self._time.sleep(cost.wait_s)
            return request()

    def _drawn(self, cost: Cost) -> float:
        """Return a factor that is 1 in the mean, and never below 0."""
        shape = cost.spread**-2 if cost.spread else 0.0
        return self._chance.gammavariate(shape, 1 / shape) if shape else 1.0


def kind_of(updates: Sequence[RefUpdate]) -> Kind:
    """Tell a push that posts from one that writes a ledger."""
    writes = [update for update in updates if not update.is_check]
    return Kind.POST if all(update.new and Refs().is_inbox(update.ref) for update in writes) else Kind.WRITE


class Result(NamedTuple):
    """What came of a run.

    Attributes:
        latencies: of each call, in seconds.
        took_s: until the last one was done.
        pushes: of all clones.
        busy: the share of the processors that was in use.
        client_s: of a processor, which a client computed for a call.
    """

    latencies: Sequence[float]
    took_s: float
    pushes: int
    busy: float
    client_s: float


class Replay:
    """Clones with so many processes each, which have claimed once."""

    def __init__(self, folder: Path, clones: int, processes: int, costs: Costs, seed: int) -> None:
        """Let the processes claim once, one after the other, as running ones have."""
        self.time = VirtualTime(costs.processors, REQUESTS_AT_ONCE)
        self._costs, self._seed, self._world = costs, seed, World(folder)
        self._world.place_time = lambda: None
        self.seats = [seat for clone in range(clones) for seat in self._seats(clone, processes)]
        self.seats[0].member.create(steps=STEPS)
        for seat in self.seats:
            seat.claim(f"first/{seat.name}.py")

    def _seats(self, clone: int, processes: int) -> list["Seat"]:
        first, objects = self._world.clone(f"c{clone}"), MemoryObjects()
        seats: list[Seat] = []
        for number in range(processes):
            name = f"c{clone}p{number}"
            chance = random.Random(f"{self._seed} {name}")
            host = self._host(name, chance)
            inner = MemoryTransport(self._world.remote, objects=objects)
            priced = Priced(inner, self.time, self._costs, chance)
            beats = replace(first.setting.beats, place=_PLACE, host=host)
            setting = replace(first.setting, host=host, transport=priced, beats=beats)
            setting.place_folder.mkdir(parents=True, exist_ok=True)
            member = Member(name, setting, Transactions(setting), first.clock, first.sessions)
            waiter = replace(host, sleep=partial(self._sleep_and_look, priced))
            seats.append(Seat(member, priced, Combiner(setting.clone.folder, waiter, member.transactions)))
        return seats

    def _host(self, name: str, chance: random.Random) -> Host:
        numbers = count()
        return Host(
            now=lambda: START + timedelta(milliseconds=int(self.time.now_s * 1000)),
            monotonic=lambda: self.time.now_s,
            sleep=self.time.sleep,
            chance=chance.random,
            draw_id=lambda: f"{name}n{next(numbers)}".ljust(16, "x"),
            pid=7,
            unique=name,
            boot="boot",
        )

    def _sleep_and_look(self, priced: Priced, seconds: float) -> None:
        self.time.sleep(seconds)
        priced.compute(self._costs.look_s)

    def together(self, what: str, within_s: float) -> Result:
        """Let each claim a file or a step; all begin within so long, one after the other."""

        def work(number: int, seat: "Seat") -> list[float]:
            self.time.sleep(within_s * number / len(self.seats))
            return self._timed(seat, partial(seat.claim_any, what))

        return self._run([partial(work, number, seat) for number, seat in enumerate(self.seats)])

    def on_and_on(self, seconds: float) -> Result:
        """Let each claim one file after another for so long."""
        end_s = self.time.now_s + seconds

        def work(seat: "Seat") -> list[float]:
            took: list[float] = []
            while self.time.now_s < end_s:
                claim = partial(seat.claim, f"{seat.name}/{len(took)}.py", f"{seat.name}a{len(took) % AGENTS}")
                took += self._timed(seat, claim)
            return took

        return self._run([partial(work, seat) for seat in self.seats])

    def _timed(self, seat: "Seat", claim: Callable[[], object]) -> list[float]:
        begin_s = self.time.now_s
        seat.priced.compute(self._costs.call_s)
        leads, seat.priced.brought.last = seat.combiner.leads, 0
        claim()
        if seat.combiner.leads > leads:
            seat.priced.compute(self._costs.end.at(seat.priced.brought.last))
        return [self.time.now_s - begin_s]

    def _run(self, works: Sequence[Callable[[], list[float]]]) -> Result:
        begin_s, busy_s = self.time.now_s, self.time.busy_s
        for seat in self.seats:
            seat.priced.pushes, seat.priced.client_s = 0, 0.0
        latencies: list[float] = []
        self.time.run([lambda work=work: latencies.extend(work()) for work in works])
        took_s = self.time.now_s - begin_s
        busy = (self.time.busy_s - busy_s) / took_s / self._costs.processors
        pushes = sum(seat.priced.pushes for seat in self.seats)
        client_s = sum(seat.priced.client_s for seat in self.seats) / len(latencies)
        return Result(latencies, took_s, pushes, busy, client_s)


class Seat(NamedTuple):
    """One process of a clone."""

    member: Member
    priced: Priced
    combiner: Combiner

    @property
    def name(self) -> str:
        """Return its name, which no other has."""
        return self.member.name

    def claim_any(self, what: str) -> None:
        """Claim a file, or `a step`."""
        if what == "a step":
            self._submit(ClaimStep(claim_id=f"c-{self.member.setting.host.draw_id()}"))
        else:
            self.claim(f"made/{self.name}.py")

    def claim(self, pattern: str, agent: str | None = None) -> None:
        """Claim a file that nobody else wants, for an agent."""
        claim_id = f"c-{self.member.setting.host.draw_id()}"
        self._submit(ClaimFiles(claim_id=claim_id, wishes=(Wish(pattern=pattern),)), agent)

    def _submit(self, command: ClaimFiles | ClaimStep, agent: str | None = None) -> None:
        entry = self.member.entry(command, None, agent, uid=self.member.setting.host.draw_id())
        reply = self.combiner.submit(entry)
        assert reply.outcome is not None, reply
        assert reply.outcome.is_done, reply


@cache
def together(clones: int, what: str, costs: Costs, seed: int = 1, within_s: float = 0.0) -> Result:
    """Replay a crowd of clones that begin within so many seconds."""
    return _replayed(lambda replay: replay.together(what, within_s), clones, 1, costs, seed)


@cache
def on_and_on(clones: int, processes: int, seconds: float, costs: Costs, seed: int = 1) -> Result:
    """Replay clones that claim for so long, in so many processes each."""
    return _replayed(lambda replay: replay.on_and_on(seconds), clones, processes, costs, seed)


def _replayed(measured: Callable[[Replay], Result], clones: int, processes: int, costs: Costs, seed: int) -> Result:
    folder = Path(tempfile.mkdtemp(prefix="gitcoord-replay-"))
    try:
        return measured(Replay(folder, clones, processes, costs, seed))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
