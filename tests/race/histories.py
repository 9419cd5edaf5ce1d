"""Histories: what many processes in many clones did to one remote at the same time, as they saw it.

Each process notes each of its commands with when it gave it, by the one clock of the machine, when the answer came, and
what that was. `check` has them compared with a serial ledger (`linearizable`), and counts them for the report.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from gitcoord.runtime import open_workspace
from gitcoord.service.steps.projects import board_of
from tests import torture_report
from tests.race.caller import STEP_PATHS
from tests.race.conftest import Race, Races
from tests.race.linearizable import Call, calls_of, is_linearizable
from tests.race.specification import State
from tests.race.verify import read_logs
from tests.servers.fixtures import Remote

CALLER = Path(__file__).with_name("caller.py")
KINDS: Mapping[str, tuple[int, int]] = {
    "store": (1, 3),
    "path": (3, 1),
    "path-hook": (2, 1),
    "http": (3, 1),
    "ssh": (2, 1),
    "daemon": (2, 1),
    "http-fsck": (2, 1),
    "no-atomic": (2, 1),
    "dulwich-http": (2, 1),
}
"""Where a history is recorded: by how many clones, of how many worktrees each."""
SLOW_KINDS: Mapping[str, tuple[int, int]] = {"gitolite": (2, 1), "jgit-http": (2, 1), "jgit-git": (2, 1)}
_ONE_AT_A_TIME = {"no-atomic", "dulwich-http"}


@dataclass
class History:
    """One history.

    Attributes:
        start, end: both ledgers, before the first command and after the last.
        lost_swaps: how many swaps were lost to others: without any there was no race.
    """

    kind: str
    seed: int
    race: Race
    start: State
    calls: list[Call]
    end: State
    lost_swaps: int = field(compare=False)

    def check(self) -> None:
        """Fail unless a serial ledger could have given it, and each commit is what its commands give."""
        what = f"not linearizable: {self.kind}, seed {self.seed}, {len(self.calls)} commands"
        assert is_linearizable(self.start, self.calls, self.end), what
        self.race.finish()
        torture_report.add("histories", count=1, operations=len(self.calls), remote=self.kind, seed=self.seed)


def record(
    races: Races, kind: str, remote: Remote | None, seed: int, *, commands: int, agents: int = 1, unsure: int = 0
) -> History:
    """Have processes work beside each other, and return what they saw.

    Each of them has so many `agents` and gives so many `commands`. With `unsure`, of each so many of its swaps the
    answer goes missing.
    """
    clones, worktrees = {**KINDS, **SLOW_KINDS}[kind]
    # One ref at a time: the first half of a command of two ledgers can be seen before the other lands (SAFE-5).
    paths = {} if kind in _ONE_AT_A_TIME else STEP_PATHS
    race = races.make(clones=clones, worktrees=worktrees, steps=4 + commands, remote=remote, worker=CALLER, paths=paths)
    race.told = {"seed": seed, "commands": commands, "unsure": unsure}
    before = _look(race)
    race.start(agents)
    lost_swaps = sum(_await_done(race, number) for number in range(len(race.started)))
    calls = calls_of(read_logs(race.logs).values())
    end = _look(race)
    for process in race.started:
        assert process.stdin
        process.stdin.write("end\n")
        process.stdin.flush()
    return History(kind, seed, race, before, calls, end, lost_swaps)


def _await_done(race: Race, number: int) -> int:
    stdout = race.started[number].stdout
    assert stdout
    word, _, lost = stdout.readline().partition(" ")
    assert word == "done", f"process {number} did not come to its end"
    return int(lost)


def _look(race: Race) -> State:
    """Look at both ledgers as any clone does."""
    workspace = open_workspace(race.seats[0], {**os.environ, **race.env}, tool="cli")
    try:
        return State(board_of(workspace, "app"), workspace.register())
    finally:
        workspace.close()
