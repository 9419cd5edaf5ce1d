"""A remote in memory, clones of it, and remotes that are wrong in one way each; time and chance are turned by hand.

world = World(tmp_path)
ann, bob = world.clone("ann"), world.clone("bob", lambda inner: Lossy(inner, …))
ann.create("app", 3); bob.claim("app")
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from gitcoord.core.claims.claim_commands import ClaimCommand
from gitcoord.core.documents.actor import Actor
from gitcoord.core.documents.liveness import SessionBeat
from gitcoord.core.steps.board import Board
from gitcoord.core.steps.step import Step, StepDefinition
from gitcoord.core.steps.step_commands import AddSteps, ClaimStep, Command, CompleteStep, CreateProject
from gitcoord.ledger.archive.history import Event, events
from gitcoord.ledger.clone.host import Clone, Host
from gitcoord.ledger.clone.sessions import OpenSession, Sessions
from gitcoord.ledger.format.commits import Signature
from gitcoord.ledger.format.entry import Entry, Reply
from gitcoord.ledger.format.refs import Refs
from gitcoord.ledger.kinds.ledger import LedgerState
from gitcoord.ledger.kinds.table import LEDGERS
from gitcoord.ledger.liveness.clock_offset import ClockOffset
from gitcoord.ledger.liveness.clocks import Watchfulness
from gitcoord.ledger.liveness.heartbeat import Beats
from gitcoord.ledger.readers.reader import Reader
from gitcoord.ledger.transactions.equipment import Setting
from gitcoord.ledger.transactions.transactions import Transactions
from gitcoord.remote.contract.protocol import (
    Objects,
    Oid,
    RefFault,
    RefName,
    RefUpdate,
    SwapOutcome,
    SwapStatus,
    Transport,
)
from gitcoord.remote.transports.memory import MemoryRemote, MemoryTransport

START = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
BASE_COMMIT = "1" * 40
REFS = Refs()
SIGNATURE = Signature("Test Author", "author@example.invalid")

WON, LOST, UNKNOWN = SwapOutcome(SwapStatus.WON), SwapOutcome(SwapStatus.LOST), SwapOutcome(SwapStatus.UNKNOWN, "cut")
UNREACHABLE = SwapOutcome(SwapStatus.UNREACHABLE, "no route")
DENIED = SwapOutcome(SwapStatus.DENIED, "not on a Friday")


@dataclass
class Clock:
    """Time that moves only when somebody sleeps or a test says so."""

    now: datetime = START
    monotonic_s: float = 0.0
    slept: list[float] = field(default_factory=list[float])
    drawn: int = 0

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.advance(seconds=seconds)

    def advance(self, **delta: float) -> None:
        step = timedelta(**delta)
        self.now += timedelta(milliseconds=int(step.total_seconds() * 1000))
        self.monotonic_s += step.total_seconds()

    def draw(self) -> str:
        self.drawn += 1
        return f"id{self.drawn:014d}"


def host_of(clock: Clock, *, boot: str = "boot", pid: int = 7) -> Host:
    return Host(
        now=lambda: clock.now,
        monotonic=lambda: clock.monotonic_s,
        sleep=clock.sleep,
        chance=lambda: 0.5,
        draw_id=clock.draw,
        pid=pid,
        unique=str(pid),
        boot=boot,
    )


def no_branch(branches: Collection[str], *, here: bool) -> dict[str, tuple[Oid, datetime]]:
    """Find nothing: no step's branch is anywhere."""
    return {}


class Wrapped:
    """A transport that passes everything on. An answer may be missing, as of one that is far."""

    name = "wrapped"
    is_far = True

    def __init__(self, inner: Transport) -> None:
        self.inner = inner
        self.swaps: list[list[RefUpdate]] = []

    @property
    def atomic(self) -> bool:
        return self.inner.atomic

    @property
    def sends_checks(self) -> bool:
        return self.inner.sends_checks

    @property
    def faults(self) -> Sequence[RefFault]:
        return self.inner.faults

    @property
    def objects(self) -> Objects:
        return self.inner.objects

    def read(self, prefixes: Sequence[str]) -> Mapping[RefName, Oid]:
        return self.inner.read(prefixes)

    def fetch(self, oids: Iterable[Oid]) -> None:
        self.inner.fetch(oids)

    def swap(self, updates: Sequence[RefUpdate]) -> SwapOutcome:
        self.swaps.append(list(updates))
        return self.send(updates)

    def send(self, updates: Sequence[RefUpdate]) -> SwapOutcome:
        return self.inner.swap(updates)


class Interleaved(Wrapped):
    """Lets others write between our read and our swap: each of `before` runs once, before a swap of ours."""

    def __init__(self, inner: Transport, before: list[Callable[[], object]]) -> None:
        super().__init__(inner)
        self.before = before

    def send(self, updates: Sequence[RefUpdate]) -> SwapOutcome:
        if self.before:
            self.before.pop(0)()
        return self.inner.swap(updates)


class Lossy(Wrapped):
    """Loses answers and requests: `plan` has a word for each swap, and `then` for those after it.

    ok: as it is · landed: it lands, no answer comes · gone: nothing lands, no answer · later: it stays on its way
    until `arrive` · late: what is on its way arrives, then this swap is sent · anything else: that outcome, not sent
    """

    def __init__(self, inner: Transport, plan: Sequence[str | SwapOutcome], then: str | SwapOutcome = "ok") -> None:
        super().__init__(inner)
        self.plan = list(plan)
        self.then = then
        self.on_its_way: list[list[RefUpdate]] = []
        self.arrived: list[SwapOutcome] = []

    def send(self, updates: Sequence[RefUpdate]) -> SwapOutcome:
        word = self.plan.pop(0) if self.plan else self.then
        if isinstance(word, SwapOutcome):
            return word
        if word == "late":
            self.arrive()
        if word == "landed":
            self.inner.swap(updates)
        if word == "later":
            self.on_its_way.append(list(updates))
        return UNKNOWN if word in {"landed", "gone", "later"} else self.inner.swap(updates)

    def arrive(self) -> None:
        """What was on its way reaches the remote now."""
        waiting, self.on_its_way = self.on_its_way, []
        self.arrived += [self.inner.swap(updates) for updates in waiting]


@dataclass
class Member:
    """One clone: its transactions, its clock, and shorter ways to give commands."""

    name: str
    setting: Setting
    transactions: Transactions
    clock: Clock
    sessions: Sessions

    @property
    def transport(self) -> Transport:
        return self.setting.transport

    def entry(
        self, command: Command | ClaimCommand, project: str | None, agent: str | None = None, uid: str = ""
    ) -> Entry:
        session = self.sessions.live_agents().get(agent or self.name, f"s-{agent or self.name}")
        actor = Actor(agent=agent or self.name, clone=self.setting.clone.id, session=session)
        return LEDGERS.entry_of(uid or f"{self.name}-{self.clock.draw()}", command, actor, project)

    def run(self, *entries: Entry) -> list[Reply]:
        replies = self.transactions.run(entries)
        assert replies.keys() == {entry.uid for entry in entries}
        return [replies[entry.uid] for entry in entries]

    def do(self, command: Command | ClaimCommand, project: str | None = "app", agent: str | None = None) -> Reply:
        return self.run(self.entry(command, project, agent))[0]

    def create(self, project: str = "app", steps: int = 3) -> Reply:
        return self.do(create(project, steps), project)

    def claim(self, project: str | None = "app", agent: str | None = None, **how: int | str) -> Reply:
        return self.do(ClaimStep.parse(how), project, agent)

    def complete(self, num: int, fence: int, project: str = "app", agent: str | None = None) -> Reply:
        return self.do(CompleteStep(step_num=num, commit_hash="c" * 40, fence=fence), project, agent)

    def restarted(self) -> "Member":
        """Return the same clone in another process: nothing is remembered but what is on disk."""
        return Member(self.name, self.setting, Transactions(self.setting), self.clock, self.sessions)

    def open_session(self, agent: str | None = None) -> OpenSession:
        name = agent or self.name
        return self.sessions.open(SessionBeat(id=f"s-{name}", agents=(name,), since=self.clock.now))


class World:
    """One remote in memory, and any number of clones of it."""

    def __init__(self, folder: Path, *, sends_checks: bool = True, atomic: bool = True) -> None:
        self.remote = MemoryRemote()
        self.clock = Clock()
        self._folder = folder
        self._checks, self._atomic = sends_checks, atomic
        self.place_time: Callable[[], datetime | None] = lambda: self.clock.now

    def time_there(self) -> datetime | None:
        """Return what time the remote says it is now."""
        return self.place_time()

    def plain(self) -> MemoryTransport:
        return MemoryTransport(self.remote, sends_checks=self._checks, atomic=self._atomic)

    def clone(self, name: str, wrap: Callable[[Transport], Transport] = Wrapped, clock: Clock | None = None) -> Member:
        clock = clock or self.clock
        folder = self._folder / name
        folder.mkdir(parents=True, exist_ok=True)
        host, sessions = host_of(clock), Sessions(folder, "1")
        clone = Clone(name, folder, SIGNATURE)
        transport = wrap(self.plain())
        beats = Beats(host, clone, REFS, sessions, 60)
        watchful = Watchfulness(host, 60, folder / "clocks.json")
        offset = ClockOffset(host, watchful, self.time_there)
        setting = Setting(host, clone, transport, REFS, sessions, beats, no_branch, watchful, offset)
        setting.place_folder.mkdir(parents=True, exist_ok=True)
        return Member(name, setting, Transactions(setting), clock, sessions)

    def reader(self) -> Reader:
        return Reader(self.plain(), REFS)

    def state(self, project: str = "app") -> LedgerState[Board | None]:
        """Return a project as somebody reads it who has read nothing before."""
        ref = REFS.steps(project)
        return self.reader().project(ref, self.remote.refs.get(ref))

    def board(self, project: str = "app") -> Board:
        board = self.state(project).content
        assert board is not None
        return board

    def step(self, num: int, project: str = "app") -> Step:
        return self.board(project).steps[num]

    def events(self, project: str = "app") -> list[Event]:
        """Return what happened to a project, oldest first."""
        return list(events(self.remote.objects, self.remote.refs[REFS.steps(project)]))[::-1]

    def did(self, project: str = "app") -> list[str]:
        """Return the words of the commands that landed, oldest first."""
        return [str(event.record.line["do"]) for event in self.events(project)]

    def uids(self) -> list[str]:
        """Return the unique id of every command that landed in any project."""
        projects = [ref.rsplit("/", 1)[1] for ref in self.remote.refs if REFS.is_steps(ref)]
        return [str(event.record.line["uid"]) for project in projects for event in self.events(project)]


def create(project: str = "app", steps: int = 3) -> CreateProject:
    definitions = tuple(StepDefinition(step_num=num) for num in range(1, steps + 1))
    return CreateProject(name=project, base_commit=BASE_COMMIT, steps=definitions)


def add(*nums: int) -> AddSteps:
    return AddSteps(steps=tuple(StepDefinition(step_num=num) for num in nums))


def code(reply: Reply) -> str:
    """Return the one word for what came of a command."""
    if reply.failure is not None:
        return reply.failure.code
    assert reply.outcome is not None
    return reply.outcome.code


def fact(reply: Reply, name: str) -> object:
    assert reply.outcome is not None
    return reply.outcome.facts.get(name)
