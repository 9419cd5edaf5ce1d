"""What a command raises, whatever it is, is its own reply: the others of its batch land, in whichever process."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest

from gitcoord.core.claims.claim_commands import ClaimFiles, Wish
from gitcoord.core.documents import outcomes
from gitcoord.core.documents.doc import replace
from gitcoord.core.steps.step import StepDefinition
from gitcoord.core.steps.step_commands import ClaimStep, CreateProject, UpdateStep
from gitcoord.errors import StorageError
from gitcoord.ledger.clone.bug_report import LastBug
from gitcoord.ledger.clone.remote_folder import key_of
from gitcoord.ledger.format.entry import Entry, Reply
from gitcoord.ledger.leader.spool import Spool
from gitcoord.ledger.transactions.combiner import Combiner
from gitcoord.ledger.transactions.plan import Refused
from gitcoord.ledger.transactions.transactions import Transactions
from gitcoord.remote.contract.protocol import ObjectKind, Objects, Oid, Transport
from tests.unit.ledger.fakes import BASE_COMMIT, REFS, Lossy, Member, World, Wrapped, add, code, host_of


@pytest.fixture(autouse=True)
def reports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the bug reports."""
    folder = tmp_path / "reports"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    return folder


@dataclass
class Poisoned:
    """Objects of which some cannot be read, or written, for a reason that nobody foresaw."""

    inner: Objects
    unreadable: Callable[[Oid], bool] = lambda _: False
    unwritable: bytes | None = None

    @property
    def object_format(self) -> str:
        return self.inner.object_format

    def has(self, oid: Oid) -> bool:
        return self.inner.has(oid)

    def read(self, oid: Oid) -> tuple[ObjectKind, bytes]:
        if self.unreadable(oid):
            raise ZeroDivisionError
        return self.inner.read(oid)

    def write(self, kind: ObjectKind, data: bytes) -> Oid:
        if self.unwritable is not None and self.unwritable in data:
            raise ZeroDivisionError
        return self.inner.write(kind, data)


class Poisoning(Wrapped):
    """A transport with such objects."""

    def __init__(self, inner: Transport) -> None:
        super().__init__(inner)
        self.poisoned = Poisoned(inner.objects)

    @property
    def objects(self) -> Objects:
        return self.poisoned


def poisoned_branch(branches: Collection[str], *, here: bool) -> dict[str, tuple[Oid, datetime]]:
    """Break where the branch of a silent holder's step is looked at."""
    raise ZeroDivisionError(branches, here)


def with_poison(member: Member) -> Member:
    """Return a clone in which judging a silent holder breaks."""
    setting = replace(member.setting, branch_look=poisoned_branch)
    return Member(member.name, setting, Transactions(setting), member.clock, member.sessions)


def held_by_a_silent_one(world: World) -> Member:
    """Have the only step of the project `held` be held by bob, who is not heard of any more; return ann."""
    bob = world.clone("bob")
    bob.do(
        CreateProject(name="held", base_commit=BASE_COMMIT, steps=(StepDefinition(step_num=1, branch="work"),)), "held"
    )
    assert code(bob.claim("held")) == "step_claimed"
    world.clock.advance(hours=5)
    return with_poison(world.clone("ann"))


@pytest.mark.rule("TXN-3", "LIVE-1")
def test_a_command_that_raises_is_answered_as_a_bug_and_the_others_land(tmp_path: Path, reports: Path) -> None:
    world = World(tmp_path)
    ann = held_by_a_silent_one(world)
    ann.create("app", 2)
    before, bad, after = ann.entry(add(7), "app"), ann.entry(ClaimStep(), "held"), ann.entry(add(8), "app")

    replies = ann.run(before, bad, after)

    assert [code(reply) for reply in replies] == ["steps_added", "bug", "steps_added"]
    assert sorted(world.board().steps) == [1, 2, 7, 8]
    (report,) = reports.iterdir()
    failure = replies[1].failure
    assert failure is not None
    assert (failure.message.split()[0], str(report) in failure.hint) == ("claim_step", True)
    assert "poisoned_branch" in report.read_text()


@pytest.mark.rule("TXN-3", "LIVE-1")
def test_another_process_s_command_that_raises_harms_nobody_who_carries_it_out(tmp_path: Path) -> None:
    world = World(tmp_path)
    ann = held_by_a_silent_one(world)
    ann.create("app", 2)
    spool = Spool(ann.setting.place_folder, ann.setting.host)
    bad = ann.entry(ClaimStep(), "held").evolve(place=key_of("", REFS.namespace))
    spool.put(bad)
    combiner = Combiner(ann.setting.clone.folder, ann.setting.host, ann.transactions)

    own = combiner.submit(ann.entry(add(7), "app"))

    theirs = spool.reply(bad.uid)
    assert theirs is not None
    assert (code(own), code(theirs)) == ("steps_added", "bug")
    assert spool.is_empty()


def step_with_paths(member: Member) -> Entry:
    return member.entry(ClaimStep(claim_id="c-00000001", step_num=1), "app")


@pytest.mark.rule("SAFE-5", "LIVE-1")
def test_a_step_whose_paths_cannot_be_tried_is_not_taken_by_half(tmp_path: Path) -> None:
    world = World(tmp_path)
    steps = (StepDefinition(step_num=1, paths=("src/**",)), StepDefinition(step_num=2))
    world.clone("bob").do(CreateProject(name="app", base_commit=BASE_COMMIT, steps=steps), "app")
    world.clone("bob").do(ClaimFiles(claim_id="c-00000009", wishes=(Wish(pattern="docs/**"),)), None)
    ann = world.clone("ann", Poisoning)
    assert isinstance(ann.transport, Poisoning)
    claims = world.remote.refs[REFS.claims]
    ann.transport.poisoned.unreadable = lambda oid: oid == claims

    bad, good = ann.run(step_with_paths(ann), ann.entry(ClaimStep(step_num=2), "app", "ann/two"))

    assert (code(bad), code(good)) == ("bug", "step_claimed")
    assert (world.step(1).is_held, world.step(2).is_held) == (False, True)


@pytest.mark.rule("LIVE-1")
def test_what_cannot_be_written_for_one_command_is_written_for_the_others(tmp_path: Path, reports: Path) -> None:
    world = World(tmp_path)
    ann = world.clone("ann", Poisoning)
    ann.create("app", 2)
    assert isinstance(ann.transport, Poisoning)
    ann.transport.poisoned.unwritable = b"poison"

    replies = ann.run(
        ann.entry(add(7), "app"), ann.entry(UpdateStep(step_num=1, title="poison"), "app"), ann.entry(add(8), "app")
    )

    assert [code(reply) for reply in replies] == ["steps_added", "bug", "steps_added"]
    assert sorted(world.board().steps) == [1, 2, 7, 8]
    assert len([*reports.iterdir()]) == 1


def refusal_of(member: Member) -> Refused:
    """Return a refusal that the next commit of the claims ledger carries."""
    call = member.entry(ClaimFiles(claim_id="c-00000002", wishes=(Wish(pattern="src/a.py"),)), None)
    return Refused(REFS.claims, call, outcomes.refused("conflict", "Held."))


def claim_of(member: Member) -> Entry:
    return member.entry(ClaimFiles(claim_id="c-00000003", wishes=(Wish(pattern="src/b.py"),)), None)


def broken() -> str:
    raise ZeroDivisionError


@pytest.mark.rule("LIVE-1", "CLAIM-23")
def test_telling_holders_that_raises_costs_no_command_that_it_rides_with(tmp_path: Path, reports: Path) -> None:
    world = World(tmp_path)
    ann = world.clone("ann")
    ann.setting.refusals.note([refusal_of(ann)], world.clock.now)
    setting = replace(ann.setting, host=replace(ann.setting.host, draw_id=broken))
    ann = Member("ann", setting, Transactions(setting), world.clock, ann.sessions)

    (reply,) = ann.run(claim_of(ann))

    assert code(reply) == "claim_granted"
    assert [*reports.iterdir()] == []  # nobody asked for it


@pytest.mark.rule("TXN-4")
def test_a_bug_says_nothing_of_a_try_that_may_still_land(tmp_path: Path) -> None:
    world = World(tmp_path)
    ann = world.clone("ann", lambda inner: Lossy(inner, ["later"], then="gone"))
    entry = ann.entry(add(7), "app")
    world.clone("bob").create("app", 2)
    (first,) = ann.run(entry)
    ann = with_poison_of_reading(ann)

    (second,) = ann.run(entry)

    assert (code(first), code(second)) == ("unknown_outcome", "unknown_outcome")


def with_poison_of_reading(member: Member) -> Member:
    def unreadable(prefixes: object) -> Reply:
        raise ZeroDivisionError(prefixes)

    transport = Wrapped(member.transport)
    transport.read = unreadable  # type: ignore[assignment,method-assign]
    setting = replace(member.setting, transport=transport, host=host_of(member.clock))
    return Member(member.name, setting, Transactions(setting), member.clock, member.sessions)


def test_a_loop_that_goes_on_reports_a_bug_once_for_as_long_as_it_is_the_same() -> None:
    bugs, known = LastBug(), StorageError("The disk is full.")

    first, again = (bugs.as_known(ValueError("x"), "looking") for _ in range(2))
    other, back = (bugs.as_known(error, "looking") for error in (KeyError("y"), ValueError("x")))

    assert first is again
    assert len({first.hint, other.hint, back.hint}) == 3  # each names a file of its own
    assert bugs.as_known(known, "looking") is known
