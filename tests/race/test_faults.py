"""Faults at every point of a transaction: the next command finds a sane world, and the others never notice.

A process suffers at one point of one of its transactions: it dies as by kill -9, or meets an exception, or a full
disk. If it lives it goes on; another process of the clone completes what is left.
"""

import pytest

from tests.race.conftest import Races
from tests.race.verify import check, read_logs
from tests.servers.fixtures import Servers

TRANSPORT_POINTS = ["read", "objects", "before-swap", "after-swap"]
SPOOL_POINTS = ["put", "take", "before-reply", "after-reply"]
WHAT = ["kill", "exception", "full"]
STEPS = 5


@pytest.mark.rule("SAFE-3", "SAFE-6", "LIVE-2", "TXN-2")
@pytest.mark.parametrize("kind", ["home", "path"])
@pytest.mark.parametrize("what", WHAT)
@pytest.mark.parametrize("point", TRANSPORT_POINTS)
def test_a_fault_at_a_point_of_a_transaction_leaves_a_sane_world(
    races: Races, servers: Servers, point: str, what: str, kind: str
) -> None:
    remote = servers.remote(kind) if kind != "home" else None
    race = races.make(clones=1, worktrees=2, steps=STEPS, remote=remote)

    race.start(faults={0: [point, what, 3]}, seats=[0])
    race.finish(killed=[0] if what == "kill" else [])
    race.start(seats=[1])
    race.finish(killed=[0] if what == "kill" else [])

    assert race.suffered(0)
    check(race.git_dir, STEPS, race.logs)


@pytest.mark.rule("SAFE-3", "LIVE-2", "TXN-3")
@pytest.mark.parametrize("what", WHAT)
@pytest.mark.parametrize("point", SPOOL_POINTS)
def test_a_fault_while_carrying_out_what_others_wait_for_loses_nothing_of_theirs(
    races: Races, point: str, what: str
) -> None:
    race = races.make(clones=1, worktrees=6, steps=40)

    race.start(agents=2, faults={at: [point, what, 1] for at in range(5)}, seats=range(5))
    race.finish(killed=range(5) if what == "kill" else [])
    race.start(seats=[5])
    race.finish(killed=range(5) if what == "kill" else [])

    assert any(race.suffered(at) for at in range(5))
    check(race.git_dir, 40, race.logs)


@pytest.mark.rule("SAFE-3", "LIVE-2")
@pytest.mark.parametrize("kind", ["home", "path"])
@pytest.mark.parametrize("point", ["before-swap", "in-swap", "after-swap"])
def test_the_command_of_a_process_that_was_killed_landed_or_did_not_and_the_history_says_which(
    races: Races, servers: Servers, point: str, kind: str
) -> None:
    remote = servers.remote(kind) if kind != "home" else None
    race = races.make(clones=1, worktrees=2, steps=4, remote=remote)

    race.start(faults={0: [point, "kill", 1]}, seats=[0])
    race.finish(killed=[0])
    left = list((race.git_dir / "refs").rglob("*.lock"))
    race.start(seats=[1])
    race.finish(killed=[0])

    assert bool(left) == (point == "in-swap" and kind == "path")  # a record needs no lock that stays
    events = check(race.git_dir, 4, race.logs)
    unanswered = {uid for uid, command in read_logs(race.logs).items() if "return" not in command}
    landed = unanswered & {event["uid"] for event in events}
    assert len(unanswered) == 1
    assert len(landed) == (1 if point == "after-swap" else 0)
