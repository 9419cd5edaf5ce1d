"""Watchfulness: a wake-up is known to the whole clone, and no date of others makes them live for ever."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from gitcoord.core.documents.doc import replace
from gitcoord.core.documents.liveness import SessionBeat
from gitcoord.core.steps.step import StepDefinition
from gitcoord.core.steps.step_commands import CreateProject
from gitcoord.ledger.liveness.clocks import HEARD_MAX, Watchfulness
from gitcoord.ledger.transactions.combiner import Combiner
from gitcoord.ledger.transactions.send_heartbeat import beat_now
from gitcoord.remote.contract.protocol import Oid
from tests.unit.ledger.fakes import BASE_COMMIT, START, Clock, Member, World, code, host_of

TIP = Oid("e" * 40)


def process(clock: Clock, folder: Path, *, boot: str = "boot") -> Watchfulness:
    """Return what a process that begins now knows."""
    return Watchfulness(host_of(clock, boot=boot), 60, folder / "clocks.json")


def sleep(clock: Clock, **delta: float) -> None:
    """Suspend the machine: the monotonic clock stands still."""
    clock.now += timedelta(**delta)


def beat(member: Member) -> bool:
    combiner = Combiner(member.setting.clone.folder, member.setting.host, member.transactions)
    return beat_now(member.setting, combiner, force=True)


@pytest.mark.rule("SAFE-7")
def test_the_first_process_after_a_wake_up_judges_nobody_for_one_interval(tmp_path: Path) -> None:
    world = World(tmp_path)
    bob = world.clone("bob")
    session = bob.open_session()
    bob.create(steps=1)
    bob.claim()
    assert beat(bob)
    clock = Clock(now=world.clock.now)
    world.place_time = lambda: clock.now
    assert code(world.clone("ann", clock=clock).claim()) == "nothing_available"
    sleep(clock, minutes=20)

    first = world.clone("ann", clock=clock).claim()
    clock.advance(seconds=59)
    next_one = world.clone("ann", clock=clock).claim()
    clock.advance(seconds=2)
    after = world.clone("ann", clock=clock).claim()

    assert [code(one) for one in (first, next_one, after)] == ["nothing_available", "nothing_available", "step_claimed"]
    session.forget()


@pytest.mark.parametrize("seconds", [-3600, -31, 31, 3600])
def test_a_jump_either_way_is_noticed_by_processes_that_began_before_and_after(tmp_path: Path, seconds: float) -> None:
    clock = Clock()
    before = process(clock, tmp_path)
    assert before.may_judge()

    sleep(clock, seconds=seconds)

    assert not process(clock, tmp_path).may_judge()
    assert not before.may_judge()


def test_time_that_passes_on_both_clocks_and_small_corrections_are_no_wake_up(tmp_path: Path) -> None:
    clock = Clock()
    for _ in range(5):
        assert process(clock, tmp_path).may_judge()
        clock.advance(hours=1)
        sleep(clock, seconds=29)


@pytest.mark.parametrize(("boot", "ticks"), [("another", 1000.0), ("boot", -1.0), ("boot", 0.0)])
def test_a_reboot_is_no_wake_up(tmp_path: Path, boot: str, ticks: float) -> None:
    clock = Clock(monotonic_s=500.0)
    assert process(clock, tmp_path).may_judge()
    clock.now += timedelta(hours=8)
    clock.monotonic_s = 500.0 + ticks if boot == "another" else ticks + 1

    assert process(clock, tmp_path, boot=boot).may_judge()


@pytest.mark.rule("SAFE-6")
@pytest.mark.parametrize(
    "damage",
    [
        "",
        "[]",
        '{"boot":"boot","wall":"soon","ticks":1}',
        '{"boot":"boot","wall":"2026-11-21T09:30:00.000Z","ticks":"x"}',
        '{"boot":"boot","wall":"2026-11-21T09:30:00.000Z","ticks":NaN}',
        '{"boot":"boot","wall":"2026-11-21T09:30:00.000Z","ticks":-Infinity}',
        '{"boot":"boot","wall":"2026-11-21T09:30:00.000Z","ticks":0,"rests_until":"x","heard":7}',
        '{"boot":"boot","wall":"2026-11-21T09:30:00.000Z","ticks":0,"heard":{"x":7}}',
    ],
)
def test_a_damaged_note_of_the_clocks_is_as_good_as_none(tmp_path: Path, damage: str) -> None:
    (tmp_path / "clocks.json").write_text(damage)

    assert process(Clock(), tmp_path).may_judge()


def test_no_note_makes_a_clone_rest_for_longer_than_an_interval(tmp_path: Path) -> None:
    wall = "2026-11-21T09:30:00.000Z"
    (tmp_path / "clocks.json").write_text(f'{{"boot":"boot","wall":"{wall}","ticks":0,"rests_until":1e300}}')
    clock = Clock()
    one = process(clock, tmp_path)

    before = one.may_judge()
    clock.advance(seconds=60)

    assert (before, one.may_judge()) == (False, True)


def test_a_moment_to_come_counts_as_when_this_clone_first_heard_of_it(tmp_path: Path) -> None:
    clock = Clock()
    stated = START + timedelta(hours=3)

    found: list[datetime] = []
    for hours in (0, 1, 3):
        found.append(process(clock, tmp_path).believed(TIP, stated))
        clock.advance(hours=hours)

    assert found == [START, START, START]
    assert process(clock, tmp_path).believed(Oid("f" * 40), clock.now + timedelta(minutes=5)) > clock.now


def test_the_moments_to_come_that_are_noted_are_few(tmp_path: Path) -> None:
    clock = Clock()
    one = process(clock, tmp_path)
    for at in range(HEARD_MAX + 1):
        one.believed(Oid(f"{at:040x}"), START + timedelta(hours=3))
    clock.advance(minutes=1)

    again = process(clock, tmp_path)

    assert again.believed(Oid(f"{HEARD_MAX:040x}"), START + timedelta(hours=3)) == START
    assert again.believed(Oid(f"{0:040x}"), START + timedelta(hours=3)) == clock.now


@pytest.mark.rule("LIVE-2")
def test_a_dead_holder_whose_beat_is_dated_years_ahead_is_taken_over_in_due_time(tmp_path: Path) -> None:
    world = World(tmp_path)
    bob = world.clone("bob", clock=Clock(now=START + timedelta(days=3650)))
    session = bob.open_session()
    world.clone("ann").create(steps=1)
    world.clone("bob").claim()
    assert beat(bob)

    before = world.clone("ann").claim()
    world.clock.advance(minutes=15)
    then = world.clone("ann").claim()
    world.clock.advance(minutes=1)
    after = world.clone("ann").claim()

    assert [code(one) for one in (before, then, after)] == ["nothing_available", "nothing_available", "step_claimed"]
    session.forget()


@pytest.mark.rule("LIVE-2")
def test_a_commit_dated_years_ahead_keeps_nobody_alive(tmp_path: Path) -> None:
    world = World(tmp_path)
    step = StepDefinition(step_num=1, branch="feat/1")
    world.clone("bob").do(CreateProject(name="app", base_commit=BASE_COMMIT, steps=(step,)))
    session = world.clone("bob").open_session()
    world.clone("bob").claim()
    beat(world.clone("bob"))

    def claim() -> str:
        ann = world.clone("ann")
        tip = (TIP, START + timedelta(days=3650))
        look = lambda branches, *, here: dict.fromkeys(branches, tip)  # noqa: ARG005, E731 - a branch of each name
        ann.setting = replace(ann.setting, branch_look=look)
        return code(ann.restarted().claim())

    found: list[str] = []
    for minutes in (16, 14, 2):
        world.clock.advance(minutes=minutes)
        found.append(claim())

    assert found == ["nothing_available", "nothing_available", "step_claimed"]
    session.forget()


@pytest.mark.rule("SAFE-7")
def test_who_goes_on_under_the_id_of_a_closed_session_is_not_taken_for_gone(tmp_path: Path) -> None:
    world = World(tmp_path)
    ann = world.clone("ann")
    session = ann.sessions.open(SessionBeat(id="s-ann", agents=("ann",), since=world.clock.now))
    ann.create(steps=1)
    session.close(world.clock.now)
    world.clock.advance(minutes=5)
    ann.claim()  # one command at a time, with the session's id
    world.clock.advance(minutes=12)

    reply = ann.claim(agent="ann/tests")

    assert code(reply) == "nothing_available"
    sleep(world.clock, minutes=90)
    assert code(world.clone("ann").claim(agent="ann/tests")) == "nothing_available"


def reached_of(clock: Clock, folder: Path, *, boot: str = "boot") -> timedelta | None:
    reached = process(clock, folder, boot=boot).reached
    return None if reached is None else reached - START


@pytest.mark.rule("CLAIM-22")
def test_the_time_that_others_have_reached_is_counted_on_for_later_processes_whatever_the_wall_clock_does(
    tmp_path: Path,
) -> None:
    clock = Clock(now=START + timedelta(hours=6))
    assert reached_of(clock, tmp_path) is None

    process(clock, tmp_path).hear(START)
    clock.advance(minutes=30)
    sleep(clock, days=3)

    assert reached_of(clock, tmp_path) == timedelta(minutes=30)


@pytest.mark.rule("CLAIM-22")
@pytest.mark.parametrize(
    ("stated", "expected"),
    [(-1, timedelta(minutes=30)), (31, timedelta(minutes=31)), (60 * 24, timedelta(hours=6, minutes=30))],
)
def test_only_a_later_time_shows_more_and_none_that_is_still_to_come(
    tmp_path: Path, stated: int, expected: timedelta
) -> None:
    clock = Clock(now=START + timedelta(hours=6))
    process(clock, tmp_path).hear(START)
    clock.advance(minutes=30)

    process(clock, tmp_path).hear(START + timedelta(minutes=stated))

    assert reached_of(clock, tmp_path) == expected


@pytest.mark.rule("CLAIM-22")
def test_over_a_reboot_the_time_that_others_have_reached_stands_still(tmp_path: Path) -> None:
    clock = Clock(now=START + timedelta(hours=6))
    process(clock, tmp_path).hear(START)
    clock.advance(minutes=30)
    process(clock, tmp_path).may_judge()  # a look, which notes it

    clock.advance(hours=9)
    assert reached_of(clock, tmp_path, boot="another") == timedelta(minutes=30)
    clock.advance(minutes=5)
    assert reached_of(clock, tmp_path, boot="another") == timedelta(minutes=35)
