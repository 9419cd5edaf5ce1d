"""A process dies, breaks, has its disk full or is stopped at each fail point: the others go on, and nothing is lost.

A few points of each scene here; all of them, in each way, in `make torture`, which takes half an hour. Both are seeded:
`make torture SEED=…` does the same again.
"""

import random
from collections.abc import Mapping, Sequence

import pytest

from tests import torture_report
from tests.faults.fail_points import HOW, SCENES, function_at, points_of
from tests.faults.world import World, Worlds
from tests.torture_seed import ANY_SEED

SEED = 68  # of the few that are tried each time
# The ways that are tried each time: each in some scene.
FEW: Mapping[str, Sequence[str]] = {
    "home": ("kill", "full", "exception"),
    "hub": ("kill", "full", "stop"),
    "http": ("kill", "full"),
}
ROUNDS_MAX = 40  # in one world, whose disk is small and whose project has two hundred steps
# What waits for a minute where its victim is stopped: its clone's lock is held, or what another waits for was taken.
MATRIX_S = 3600


def some(scene: str, how: str) -> str:
    """Return a point of a scene."""
    return random.Random(f"{SEED} {scene} {how}").choice([*points_of(scene)])


def meet(world: World, name: str, how: str, nth: int) -> None:
    """Have a fault, at the nth time that the point is reached; where the race went otherwise, at the first."""
    assert world.fault(name, how, nth) or world.fault(name, how, 1), f"{name} was not reached"


@pytest.mark.parametrize("scene", SCENES)
def test_each_name_is_a_function_that_is_there_and_each_point_has_a_name_of_its_own(scene: str) -> None:
    points = points_of(scene)

    assert len({*points.values()}) == len(points)
    for point in points.values():
        assert function_at(point.rpartition(":")[0])


@pytest.mark.rule("SAFE-1", "SAFE-2", "SAFE-3", "SAFE-6", "LIVE-2")
@pytest.mark.parametrize("scene", SCENES)
def test_all_points_are_reached_and_a_fault_at_some_leaves_a_sane_world(worlds: Worlds, scene: str) -> None:
    world = worlds.make(scene)

    counts = world.count()
    assert [name for name in points_of(scene) if not counts.get(name)] == []
    for how in FEW[scene]:
        name = some(scene, how)
        meet(world, name, how, random.Random(f"{SEED} {name}").randint(1, counts[name]))


@pytest.mark.torture
@pytest.mark.timeout(MATRIX_S)
@pytest.mark.rule("SAFE-1", "SAFE-2", "SAFE-3", "SAFE-5", "SAFE-6", "LIVE-2", "TXN-2", "TXN-3")
@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("scene", SCENES)
def test_a_fault_at_any_point_leaves_a_sane_world(worlds: Worlds, scene: str, how: str) -> None:
    print(f"The same again: make torture SEED={ANY_SEED}")  # noqa: T201 - shown where it fails
    chance = random.Random(f"{ANY_SEED} {scene} {how}")
    names, counts, commits = [*points_of(scene)], dict[str, int](), 0
    chance.shuffle(names)
    for begin in range(0, len(names), ROUNDS_MAX):
        world = worlds.make(scene)
        counts = counts or world.count()
        for name in names[begin : begin + ROUNDS_MAX]:
            meet(world, name, how, chance.randint(1, counts[name]))
        commits += world.checker.commits
        world.stop()
    torture_report.add("faults", count=len(names), operations=commits, scene=scene, how=how, seed=ANY_SEED)
