"""P6c: what each kind of request costs a clone, its server and the disk, where one clone is at work at a time.

The clones of a crowd take turns, in virtual time, at a real server: what they ask for is what a crowd asks for, and
nothing disturbs a request. Each is a process that has claimed once, as in P6: what it does for the first time costs
more than later. A program around git's own notes what each request took of a processor, with all that git started;
nginx and fcgiwrap are asked for theirs. What the client computed between two requests belongs to the second.

    process ──spend, sleep, enter, leave──> thread that stands for it ──> VirtualTime
       └──────────<──what time it is──────────┘
"""

import os
import random
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from statistics import linear_regression, mean, quantiles
from typing import Any, NamedTuple, TypeVar

from gitcoord.core.claims.claim_commands import Tidy
from gitcoord.core.documents.doc import replace
from gitcoord.ledger.clone import file_locks
from gitcoord.ledger.format.entry import Entry, Reply
from gitcoord.ledger.kinds.table import LEDGERS
from gitcoord.ledger.transactions.combiner import Combiner
from gitcoord.ledger.transactions.equipment import Setting
from gitcoord.ledger.transactions.transactions import Transactions
from gitcoord.remote.contract.protocol import Oid, RefName, RefUpdate, SwapOutcome, Transport
from gitcoord.runtime import make_host, open_workspace
from gitcoord.service.claims.claims import claim_files
from tests.bench.places import as_agent
from tests.bench.registry import measures
from tests.bench.remote.crowds_of_clones import Site, site
from tests.bench.report import Figure, Row
from tests.bench.scaling.replay import Brought, Cost, Costs, Kind, Line, Priced, kind_of
from tests.bench.scaling.virtual_time import VirtualTime
from tests.servers.http_backend import REQUESTS_AT_ONCE
from tests.unit.ledger.fakes import Wrapped

WAIT_S = 3.0  # some 30 looks
CROWDS = (8, 24)  # two, to tell what each more costs
END, CALL, LOOK = "end", "call", "look"  # what a command costs beside its requests
# By these the clones go on; all in one order of magnitude is enough for them to meet as a crowd does.
_ASSUMED = Cost(Line(0.006), Line(0.01), spread=0.35)
ASSUMED = Costs(_ASSUMED, _ASSUMED, _ASSUMED, _ASSUMED)
_AROUND = """\
#!{python} -IS
import resource, signal, subprocess, sys, time
signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # fcgiwrap ignores it, and then no child's time is added up
begin = time.time()
status = subprocess.call([{backend!r}])
took = time.time() - begin
used = resource.getrusage(resource.RUSAGE_CHILDREN)
with open({log!r}, "a") as log:
    log.write(f"{{begin}} {{took}} {{used.ru_utime + used.ru_stime}}\\n")
sys.exit(status)
"""
_Answer = TypeVar("_Answer")


class Request(NamedTuple):
    """One request as its clone saw it: when it began and ended (s since the epoch), and what the client computed."""

    kind: Kind
    size: int
    begin: float
    end: float
    client_s: float


class Served(NamedTuple):
    """A request as git served it: when it began (s since the epoch), what it took, and of that of a processor."""

    begin: float
    took_s: float
    processor_s: float


class Beside(NamedTuple):
    """What a client computed after the last request of a command, what that brought, for the call beside it, a look."""

    end_s: float
    brought: int
    call_s: float
    look_s: float = 0.0


class FarTime:
    """The virtual time of another process."""

    def __init__(self, pipe: Any) -> None:
        """Wait to be told what time it is."""
        self._pipe = pipe
        self._asking_s = 0.0  # of a processor
        self.now_s: float = pipe.recv()

    def ask(self, word: str, given: object) -> None:
        """Say something, and wait until it is time to go on."""
        begin_s = time.process_time()
        self._pipe.send((word, given))
        self.now_s = self._pipe.recv()
        self._asking_s += time.process_time() - begin_s

    def computed_s(self) -> float:
        """Return what this process has had of a processor, without what it took to ask."""
        return time.process_time() - self._asking_s

    def spend(self, seconds: float) -> None:
        """Compute for so long."""
        self.ask("spend", seconds)

    def sleep(self, seconds: float) -> None:
        """Let so much time pass."""
        self.ask("sleep", seconds)

    @contextmanager
    def admitted(self) -> Generator[None]:
        """Wait in line for one of the places, and have it within the block."""
        self.ask("enter", None)
        try:
            yield
        finally:
            self.ask("leave", None)


@measures("P6c", limit_s=300)
def p6c() -> list[Figure]:
    """Measure the requests of crowds that take turns."""
    return measured(CROWDS)


def measured(crowds: Sequence[int]) -> list[Figure]:
    """Return what requests cost in crowds of so many clones, and what a command costs beside them."""
    requests: list[Request] = []
    served: list[Served] = []
    beside: list[Beside] = []
    own_s = 0.0
    for clones in crowds:
        with tempfile.TemporaryDirectory(prefix="gitcoord-bench-p6c-", ignore_cleanup_errors=True) as folder:
            log = Path(folder) / "served.log"
            with site(clones, partial(_around, Path(folder), log)) as given:
                for of_one, end_and_call in _in_turns(given):
                    requests += of_one
                    beside.append(end_and_call)
                own_s += given.server.own_s()
            served += [Served(*map(float, line.split())) for line in log.read_text().splitlines()]
    return [
        *figures(requests, served, own_s / len(served), len(beside)),
        _after_requests(beside),
        Figure(
            "P6c",
            "computing of a client for a call, beside its command",
            [1000 * of_one.call_s for of_one in beside],
            notes={"part": CALL, "processors": os.cpu_count() or 1},
        ),
        Figure(
            "P6c",
            "computing of a client for a look, while another process of its clone leads",
            [1000 * of_one.look_s for of_one in beside],
            notes={"part": LOOK},
        ),
    ]


def _in_turns(given: Site) -> list[tuple[list[Request], Beside]]:
    """Let each clone claim once more in a process of its own; return what each noted."""
    context = get_context("spawn")
    virtual = VirtualTime(ASSUMED.processors, REQUESTS_AT_ONCE)
    pipes = [context.Pipe() for _ in given.clones]
    processes = [
        context.Process(target=_claimer, args=(theirs, number, given.clones[number], given.env))
        for number, (_, theirs) in enumerate(pipes)
    ]
    found: list[Any] = []
    try:
        for process, (_, theirs) in zip(processes, pipes, strict=True):
            process.start()
            theirs.close()  # so that the end of a process is the end of its pipe
        for ours, _ in pipes:
            _stand_for(ours, virtual)
        virtual.run([lambda ours=ours: found.append(_stand_for(ours, virtual)) for ours, _ in pipes])
    finally:
        for process in processes:
            process.kill()
            process.join()
    return found


def _stand_for(pipe: Any, virtual: VirtualTime) -> Any:
    """Let a process go on, and do for it what it asks for, until it says what it has found."""
    with ExitStack() as places:
        while True:
            pipe.send(virtual.now_s)
            match pipe.recv():
                case ("spend", seconds):
                    virtual.spend(seconds)
                case ("sleep", seconds):
                    virtual.sleep(seconds)
                case ("enter", _):
                    places.enter_context(virtual.admitted())
                case ("leave", _):
                    places.close()
                case (_, found):
                    return found


def _claimer(pipe: Any, number: int, clone: Path, env: Mapping[str, str]) -> None:
    """Be one of the processes: claim to be a running one, then on the common word."""
    virtual = FarTime(pipe)
    seat = _Seat(clone, env, number, virtual)
    virtual.ask("is ready", None)
    seat.claim()
    requests = [*seat.metered.requests]
    pipe.send(("is done", (requests, seat.beside._replace(look_s=seat.look_s()))))


def _after_requests(beside: Sequence[Beside]) -> Figure:
    """Return what is computed for a command after its last request, by what that brought."""
    ends = [of_one.end_s for of_one in beside]
    figure = Figure("P6c", "computing of a client after the last request of a command", [1000 * end for end in ends])
    figure.notes = {"part": END, "client_ms": fitted([of_one.brought for of_one in beside], ends)}
    return figure


def figures(requests: Sequence[Request], served: Sequence[Served], own_s: float, clones: int) -> list[Figure]:
    """Return the cost of each kind: what client and server compute for one. `own_s`: of nginx, for one of git's."""
    found: list[Figure] = []
    for kind in Kind:
        of_kind = [request for request in requests if request.kind is kind]
        parts = [[part for part in served if request.begin <= part.begin <= request.end] for request in of_kind]
        server_s = [sum(own_s + part.processor_s for part in of_one) for of_one in parts]
        # The least, as what takes longer has waited for other programs, too.
        wait_s = min(max(0.0, sum(part.took_s - part.processor_s for part in of_one)) for of_one in parts)
        sizes, client_s = [request.size for request in of_kind], [request.client_s for request in of_kind]
        both = [1000 * (mine + theirs) for mine, theirs in zip(client_s, server_s, strict=True)]
        figure = Figure("P6c", f"computing of client and server for {kind}", both)
        figure.notes = {
            "part": kind,
            "requests_a_clone": round(len(of_kind) / clones, 2),
            "mean_size": round(mean(sizes), 2),
            "client_ms": fitted(sizes, client_s),
            "server_ms": fitted(sizes, server_s),
            "wait_ms": round(1000 * wait_s, 3),
            "spread": spread(both),
        }
        found.append(figure)
    return found


def fitted(sizes: Sequence[int], seconds: Sequence[float]) -> tuple[float, float]:
    """Return the milliseconds of a request of size 0, and of each more, by least squares; no size makes it cheaper."""
    slope = linear_regression(sizes, seconds).slope if len({*sizes}) > 1 else 0.0
    slope = min(max(0.0, slope), mean(seconds) / max(1.0, mean(sizes)))
    return round(1000 * (mean(seconds) - slope * mean(sizes)), 3), round(1000 * slope, 3)


def spread(samples: Sequence[float]) -> float:
    """Return the standard deviation as a share, by the middle half: a few that were disturbed do not count."""
    low, middle, high = quantiles(samples)
    return round((high - low) / 1.349 / middle, 3)  # of a normal distribution, 1.349 deviations are the middle half


def costs_in(rows: Sequence[Row]) -> Costs | None:
    """Return the costs that a run has measured; `None`: it has not."""
    found = {row["notes"]["part"]: row for row in rows if row["id"] == "P6c" and row["n"]}
    if not found.keys() >= {*Kind, END, CALL, LOOK}:
        return None
    listing, fetch, post, write = (_cost(found[kind]["notes"]) for kind in Kind)
    end, call, look = _line(found[END]["notes"]["client_ms"]), found[CALL], found[LOOK]
    beside_s = call["median"] / 1000, look["median"] / 1000
    return Costs(listing, fetch, post, write, end, *beside_s, call["notes"]["processors"])


def _cost(notes: Mapping[str, Any]) -> Cost:
    return Cost(_line(notes["client_ms"]), _line(notes["server_ms"]), notes["wait_ms"] / 1000, notes["spread"])


def _line(milliseconds: Iterable[float]) -> Line:
    return Line(*(ms / 1000 for ms in milliseconds))


def _around(folder: Path, log: Path, backend: str) -> Path:
    """Write the program that runs git's own and notes what it took."""
    program = folder / "served"
    program.write_text(_AROUND.format(python=sys.executable, backend=backend, log=str(log)))
    program.chmod(0o755)
    return program


class Metered(Wrapped):
    """A transport that notes each request, with what its thread computed for it and since the one before."""

    def __init__(self, inner: Transport, computed_s: Callable[[], float]) -> None:
        super().__init__(inner)
        self._computed_s = computed_s
        self.requests: list[Request] = []
        self.since_s = 0.0  # of the thread's processor time, where the last request ended
        self.brought = Brought(inner.objects)

    def read(self, prefixes: Sequence[str]) -> Mapping[RefName, Oid]:
        return self._noted(Kind.LISTING, lambda: self.inner.read(prefixes), len)

    def fetch(self, oids: Iterable[Oid]) -> None:
        wanted = list(oids)
        self._noted(Kind.FETCH, lambda: self.inner.fetch(wanted), lambda _: self.brought.note(wanted))

    def swap(self, updates: Sequence[RefUpdate]) -> SwapOutcome:
        return self._noted(kind_of(updates), lambda: self.inner.swap(updates), lambda _: len(updates))

    def _noted(self, kind: Kind, request: Callable[[], _Answer], size: Callable[[_Answer], int]) -> _Answer:
        begin = time.time()
        answer = request()
        ended_s = self._computed_s()
        end = time.time()
        self.requests.append(Request(kind, size(answer), begin, end, ended_s - self.since_s))
        self.since_s = self._computed_s()
        return answer


class _MeteredCombiner(Combiner):
    """Notes what was computed for a command after its last request, and what for the command as a whole."""

    def __init__(self, setting: Setting, metered: Metered, computed_s: Callable[[], float]) -> None:
        super().__init__(setting.clone.folder, setting.host, Transactions(setting))
        self._computed_s = computed_s
        self.end_s = self.took_s = 0.0
        self._metered = metered

    def submit(self, entry: Entry, wait_s: float | None = None) -> Reply:
        self._metered.brought.last = 0
        begin_s = self._metered.since_s = self._computed_s()
        reply = super().submit(entry, wait_s)
        ended_s = self._computed_s()
        self.end_s, self.took_s = ended_s - self._metered.since_s, ended_s - begin_s
        return reply


class _Seat:
    """A clone in virtual time, at a real server."""

    def __init__(self, clone: Path, env: Mapping[str, str], number: int, virtual: FarTime) -> None:
        """Claim once, to be a running process."""
        chance, real = random.Random(number), make_host()
        began = real.now()
        host = replace(
            real,
            now=lambda: began + timedelta(milliseconds=int(virtual.now_s * 1000)),
            monotonic=lambda: virtual.now_s,
            sleep=virtual.sleep,
            chance=chance.random,
        )
        self.workspace = open_workspace(
            clone, {**env, "GITCOORD_AGENT": f"bench/cli/{number}"}, tool="bench", host=host
        )
        self.metered = Metered(self.workspace.setting.transport, virtual.computed_s)
        transport = Priced(self.metered, virtual, ASSUMED, chance)
        self.workspace.setting = replace(self.workspace.setting, transport=transport)
        self._combiner = _MeteredCombiner(self.workspace.setting, self.metered, virtual.computed_s)
        self.workspace.combiner = self._combiner
        self._computed_s = virtual.computed_s
        self.beside = Beside(0.0, 0, 0.0)
        self.claim()
        as_agent(self.workspace, f"bench/cli/of-{number}")
        self.metered.requests.clear()

    def claim(self) -> None:
        """Claim a file that no other clone wants."""
        begin_s, combiner = self._computed_s(), self._combiner
        assert claim_files(self.workspace, patterns=[f"{self.workspace.agent}.py"])["granted"]
        call_s = self._computed_s() - begin_s - combiner.took_s
        self.beside = Beside(combiner.end_s, self.metered.brought.last, call_s)

    def look_s(self) -> float:
        """Wait in vain while another holds the clone's lock, and return what a look took."""
        setting, looks = self.workspace.setting, list[float]()

        def sleep(seconds: float) -> None:
            looks.append(seconds)
            setting.host.sleep(seconds)

        waiter = Combiner(setting.clone.folder, replace(setting.host, sleep=sleep), Transactions(setting))
        entry = LEDGERS.entry_of(setting.host.draw_id(), Tidy(), self.workspace.actor(), None)
        free = file_locks.take(f"{setting.clone.folder}/lock")
        assert free is not None
        begin_s = self._computed_s()
        waiter.submit(entry, wait_s=WAIT_S)
        took_s = self._computed_s() - begin_s
        free()
        return took_s / len(looks)
