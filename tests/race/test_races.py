"""Many real processes drain one project: each step is completed once, and each was told what the history says."""

import pytest

from tests.race.conftest import Race, Races
from tests.race.verify import check
from tests.servers.fixtures import Servers


def run(race: Race, steps: int, *, agents: int = 1) -> None:
    race.start(agents)
    race.finish()
    check(race.git_dir, steps, race.logs)


@pytest.mark.rule("TXN-3", "SAFE-2", "SAFE-3")
def test_sixteen_processes_of_one_clone_complete_each_step_once(races: Races) -> None:
    race = races.make(clones=1, worktrees=16, steps=60)

    run(race, 60, agents=3)


@pytest.mark.rule("SAFE-2", "SAFE-3", "LIVE-1")
def test_eight_clones_of_two_worktrees_complete_each_step_once(races: Races, servers: Servers) -> None:
    race = races.make(clones=8, worktrees=2, steps=48, remote=servers.remote("path"))

    run(race, 48)


@pytest.mark.rule("SAFE-2", "SAFE-3", "LIVE-1")
@pytest.mark.parametrize(("kind", "clones", "steps"), [("path-hook", 3, 8), ("http", 3, 8), ("ssh", 2, 4)])
def test_clones_that_push_complete_each_step_once(
    races: Races, servers: Servers, kind: str, clones: int, steps: int
) -> None:
    race = races.make(clones=clones, worktrees=2, steps=steps, remote=servers.remote(kind))

    run(race, steps)


@pytest.mark.rule("SAFE-3", "LIVE-2", "SAFE-2")
@pytest.mark.parametrize("seed", [1, 2])
def test_processes_of_one_clone_that_are_killed_lose_nothing_and_do_nothing_twice(races: Races, seed: int) -> None:
    race = races.make(clones=1, worktrees=8, steps=40)

    race.start(agents=2)
    race.kill_some(seed, victims=[1, 4, 6])
    race.finish(killed=[1, 4, 6])

    check(race.git_dir, 40, race.logs)


@pytest.mark.rule("SAFE-3", "LIVE-2", "SAFE-2")
@pytest.mark.parametrize("seed", [1, 2])
def test_processes_of_several_clones_that_are_killed_lose_nothing_and_do_nothing_twice(
    races: Races, servers: Servers, seed: int
) -> None:
    race = races.make(clones=4, worktrees=2, steps=40, remote=servers.remote("path"))

    race.start()
    race.kill_some(seed, victims=[1, 3, 5])  # the other worktree of each clone goes on, and sees the locks free
    race.finish(killed=[1, 3, 5])

    check(race.git_dir, 40, race.logs)
