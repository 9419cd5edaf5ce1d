"""What people and machines do to repositories while agents work: gc, backups, mirrors, deleted stores, copied clones.

After each the next command of every seat is no error, and the checker finds every answer that was given to be true.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import pytest
from _pytest.mark.structures import ParameterSet

from tests import fork_server, torture_report
from tests.conftest import Git
from tests.faults.world import ROOT, Result, World, Worlds

GC_S = 120
COMMON = ("claim", "step", "complete", "release")


def torture(*values: object) -> ParameterSet:
    """Return parameters that are left to `make torture`."""
    return pytest.param(*values, marks=pytest.mark.torture)


def work(world: World, seats: Sequence[int], meanwhile: Callable[[], object] = lambda: None) -> list[list[Result]]:
    """Have the agents of seats do the same at the same time, and something be done meanwhile; return what they got."""
    world.rounds += 1
    agents = [world.other(seat) for seat in seats]
    out: list[list[Result]] = []
    for do in COMMON:
        for seat, agent in zip(seats, agents, strict=True):
            agent.tell(do, patterns=[f"round-{world.rounds}/{seat}.py", f"round-{world.rounds}/shared.py"])
        meanwhile()
        out.append([agent.answer() or {} for agent in agents])
    return out


def gc(folder: Path) -> None:
    """Take away at once what no ref has. That of a repository in which another gc is at work does nothing."""
    command = ["git", "-C", str(folder), "gc", "--prune=now", "--quiet"]
    subprocess.run(command, capture_output=True, timeout=GC_S, check=False)


def copied(source: str, target: str) -> str:
    """Copy a file, unless who works has just removed it."""
    with suppress(FileNotFoundError):
        shutil.copy2(source, target)
    return target


def repositories(world: World) -> list[Path]:
    stores = [seat / ".git" / "gitcoord" / "store.git" for seat in world.seats]
    return [*world.seats, *(store for store in stores if store.is_dir()), world.git_dir]


def repaired(world: World, seat: int) -> str:
    """Have `gitcoord doctor --repair` do what it can in a seat; return what it says."""
    return fork_server.run(
        [sys.executable, "-m", "gitcoord", "doctor", "--repair", "--yes"],
        cwd=world.seats[seat],
        env={**os.environ, **world.env, "GITCOORD_AGENT": f"ann/cli/w{seat}", "PYTHONPATH": str(ROOT)},
        stdin="",
        timeout_s=GC_S,
        encoding="utf-8",
    ).stdout


@pytest.mark.rule("SAFE-3", "SAFE-6")
@pytest.mark.parametrize("scene", ["home", torture("hub"), torture("http")])
def test_a_gc_of_every_repository_while_agents_work_takes_nothing(worlds: Worlds, scene: str) -> None:
    world = worlds.make(scene)
    for _ in range(2):
        work(world, [0, 1, 2], lambda: [gc(folder) for folder in repositories(world)])
        world.after()
    torture_report.add("faults", count=2, operations=world.checker.commits, what="gc", scene=scene)


@pytest.mark.timeout(600)
@pytest.mark.rule("SAFE-3", "SAFE-6")
@pytest.mark.parametrize(
    ("scene", "what"),
    [
        ("hub", "store.git"),
        *(torture("hub", "."), torture("http", "store.git"), torture("http", ".")),
    ],
)
def test_the_store_of_a_clone_that_is_deleted_while_it_works_is_made_again(
    worlds: Worlds, scene: str, what: str
) -> None:
    world = worlds.make(scene)
    work(world, [0, 1, 2])
    folder = (world.seats[1] / ".git" / "gitcoord" / what).resolve()

    work(world, [0, 1, 2], lambda: shutil.rmtree(folder, ignore_errors=True))

    world.after()
    torture_report.add("faults", count=1, operations=world.checker.commits, what="deleted", scene=scene)


@pytest.mark.timeout(600)
@pytest.mark.rule("SAFE-1", "SAFE-2", "SAFE-3", "SAFE-10")
@pytest.mark.parametrize(
    ("scene", "name"), [("hub", "w1"), torture("hub", "w3"), torture("http", "w1"), torture("http", "w3")]
)
def test_a_clone_that_was_copied_while_it_worked_and_its_copy_take_nothing_twice(
    worlds: Worlds, scene: str, name: str
) -> None:
    """`name`: of the agent in the copy; that of the original is w1."""
    world = worlds.make(scene)
    work(world, [0, 1, 2])
    world.other(1).ask("claim", patterns=["held/by-one.py"])
    copy = world.seats[1].with_name("copy")
    shutil.copytree(world.seats[1], copy, symlinks=True, ignore=shutil.ignore_patterns("*.bell"), copy_function=copied)
    world.seats.append(copy)
    world.others[3] = world.start(3, name=name)

    refused = world.other(3).ask("claim", patterns=["held/by-one.py"])
    for _ in range(3):
        work(world, [1, 3])
        world.check()

    assert refused
    assert refused["code"] == "conflict", refused
    world.after()
    torture_report.add("faults", count=1, operations=world.checker.commits, what="copied", scene=scene)


def restore(world: World, _git: Git) -> Callable[[], object]:
    """Make a backup of the hub now; return what restores it.

    Not of one that is reached by path: what was written since is then in no clone, and a person has to accept that.
    """
    backup = world.git_dir.with_name("backup.git")
    shutil.copytree(world.git_dir, backup)

    def put_back() -> None:
        shutil.rmtree(world.git_dir)
        shutil.copytree(backup, world.git_dir)

    return put_back


def mirror(world: World, git: Git) -> Callable[[], object]:
    """Return what pushes a clone's refs, and takes away all that it has not."""
    return lambda: git(
        world.seats[0], "-c", "core.hooksPath=/dev/null", "push", "--quiet", "--mirror", str(world.git_dir)
    )


@pytest.mark.timeout(600)
@pytest.mark.rule("SAFE-3", "SAFE-9")
@pytest.mark.parametrize(("scene", "calamity"), [("hub", mirror), torture("http", mirror), ("http", restore)])
def test_ledgers_that_were_taken_back_are_put_back_by_doctor_and_nothing_is_given_twice(
    worlds: Worlds, scene: str, calamity: Callable[[World, Git], Callable[[], object]], git: Git
) -> None:
    world = worlds.make(scene)
    work(world, [1])
    strike = calamity(world, git)
    work(world, [0, 1, 2])
    world.other(1).ask("look")
    world.check()

    strike()
    said = [world.other(seat).ask("claim", patterns=[f"lost/{seat}.py"]) or {} for seat in (0, 1, 2)]
    text = repaired(world, 1)

    assert {result.get("code") for result in said} <= {"rewound", "unreachable"}, said
    try:
        world.after()
    except BaseException as error:
        error.add_note(text)
        raise
    torture_report.add("faults", count=1, operations=world.checker.commits, what=calamity.__name__, scene=scene)


@pytest.mark.timeout(600)
@pytest.mark.rule("TIME-1", "SAFE-1", "SAFE-2")
@pytest.mark.parametrize(("clocks", "rounds"), [((-4, 10), 1), torture((-10, -4, 4, 10), 5)])
def test_agents_whose_clocks_are_wrong_take_nothing_twice_and_end_nothing_early(
    worlds: Worlds, clocks: Sequence[int], rounds: int
) -> None:
    """`clocks`: by how many minutes each is ahead, beside one that is right."""
    world = worlds.make("hub", seats=1 + len(clocks))
    for seat, minutes in enumerate(clocks, start=1):
        world.others[seat] = world.start(seat, minutes=minutes)
    seats = range(1 + len(clocks))
    for _ in range(rounds):
        done = work(world, seats)
        assert [result["verdict"] for result in done[0]].count("done") <= 1, done[0]
        world.check()

    holder = world.other(0)
    world.sane(holder, "claim", patterns=["leased/a.py"], hours=0.2)
    for seat in seats[1:]:  # each jumps while the lease of twelve minutes runs, no further than where it ends
        world.sane(world.other(seat), "clock", minutes=-6)
        refused = world.other(seat).ask("claim", patterns=["leased/a.py"])
        assert refused
        assert (refused["verdict"], refused["code"]) == ("refused", "conflict"), (seat, refused)
    world.sane(holder, "release")
    world.check()
    torture_report.add("faults", count=2 + len(clocks), operations=world.checker.commits, what="clocks")


HOLDER, OTHER, RIGHT = 0, 1, 2
"""Seats: of who holds, of another agent, and of one whose clock stays right."""
JUMPS = ((OTHER, 20), (HOLDER, 4))
"""Whose clock jumps by how many minutes: past the end of each lease; as far as the promise goes."""


@pytest.mark.timeout(600)
@pytest.mark.rule("TIME-1", "SAFE-1", "SAFE-2", "SAFE-7")
@pytest.mark.parametrize("scene", ["hub", torture("http")])
def test_a_clock_that_jumps_forward_while_leases_run_ends_none_of_them(worlds: Worlds, scene: str) -> None:
    world = worlds.make(scene)
    holder = world.other(HOLDER)
    for number, (seat, minutes) in enumerate(JUMPS):
        leased = [f"leased/{number}.py"]
        world.sane(holder, "claim", patterns=leased, hours=0.2)
        step = holder.ask("step") or {}
        world.sane(holder, "beat")

        world.sane(world.other(seat), "clock", minutes=minutes)
        for other in (world.other(OTHER), world.other(RIGHT)):
            refused, another = other.ask("claim", patterns=leased) or {}, other.ask("step") or {}
            assert refused["code"] == "conflict", refused
            assert another["facts"]["step_num"] != step["facts"]["step_num"], another
            world.sane(other, "complete")
        ended = [holder.ask("complete") or {}, holder.ask("release") or {}]

        assert [end["verdict"] for end in ended] == ["done", "done"], ended
        assert ended[1]["code"] != "nothing_to_release"
        world.check()
    torture_report.add("faults", count=len(JUMPS), operations=world.checker.commits, what="jumps", scene=scene)
