"""Races: a remote or none, clones with worktrees, and a process in each that drains one project."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from gitcoord.core.documents.json_text import Json
from gitcoord.core.steps.board import Board
from gitcoord.runtime import open_workspace
from gitcoord.service.audit.audit import audit
from gitcoord.service.steps.projects import board_of, create_project
from tests import fork_server
from tests.conftest import AddWorktree, MakeRepo
from tests.servers.fixtures import Remote
from tests.servers.fixtures import servers as servers  # noqa: PLC0414 - a fixture, exported to pytest

ROOT = Path(__file__).parents[2]
WORKER = Path(__file__).with_name("worker.py")
RACE_S = 180.0  # a bound for a hang, longer than that of each process
KILLED = 137  # how a worker that kills itself at a fault ends


@dataclass
class Race:
    """One race. `git_dir` is where the ledger is, `seats` are the worktrees that processes work in."""

    folder: Path
    git_dir: Path
    seats: list[Path]
    env: Mapping[str, str]
    board: Board
    worker: Path = WORKER
    told: Mapping[str, object] = field(default_factory=dict[str, object])  # to each process, beside the rest
    started: "list[subprocess.Popen[str]]" = field(default_factory=list["subprocess.Popen[str]"])

    @property
    def logs(self) -> list[Path]:
        return sorted(self.folder.glob("*.log"))

    def start(
        self, agents: int = 1, faults: Mapping[int, Sequence[object]] | None = None, seats: Sequence[int] | None = None
    ) -> None:
        """Start a process in each seat and wait until all are ready; then let them go at the same moment."""
        begun = len(self.started)
        for at in seats if seats is not None else range(len(self.seats)):
            options = {"cwd": str(self.seats[at]), "name": f"w{at}", "agents": agents, "fault": (faults or {}).get(at)}
            options |= self.told
            options["log"] = str(self.folder / f"{len(self.started)}.log")
            self.started.append(self._process(options, len(self.started)))
        for process in self.started[begun:]:
            assert process.stdout
            assert process.stdout.readline() == "ready\n", self._errors(process)
        for process in self.started[begun:]:
            assert process.stdin
            process.stdin.write("go\n")
            process.stdin.flush()

    def _process(self, options: Mapping[str, object], at: int) -> "subprocess.Popen[str]":
        with (self.folder / f"{at}.err").open("w") as errors:
            return fork_server.start(
                [sys.executable, str(self.worker), json.dumps(options)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env={**os.environ, **self.env, "PYTHONPATH": str(ROOT)},
                text=True,
            )

    def _errors(self, process: "subprocess.Popen[str]") -> str:
        return (self.folder / f"{self.started.index(process)}.err").read_text()

    def finish(self, killed: Sequence[int] = ()) -> None:
        """Wait for all; those that were not meant to die must end well."""
        end = time.monotonic() + RACE_S
        for at, process in enumerate(self.started):
            while process.poll() is None and time.monotonic() < end:
                try:
                    process.wait(0.2)
                except subprocess.TimeoutExpired:
                    continue
            assert process.returncode == 0 or at in killed, f"worker {at}: {process.returncode} {self._errors(process)}"
        self.audit()

    def audit(self) -> None:
        """Have every ledger replayed: each commit is what its commands give."""
        workspace = open_workspace(self.seats[0], {**os.environ, **self.env}, tool="cli")
        try:
            result = audit(workspace, full=True)
        finally:
            workspace.close()
        assert result["findings"] == []

    def suffered(self, at: int) -> bool:
        """Whether the fault of a process that has ended was really met."""
        stdout = self.started[at].stdout
        assert stdout
        return self.started[at].returncode == KILLED or "suffered" in stdout.read()

    def kill_some(self, seed: int, victims: Sequence[int]) -> None:
        """Kill -9, each after a random number of commands of the whole race."""
        chance = random.Random(seed)
        for victim in victims:
            wanted = self._commands() + chance.randrange(1, 8)
            end = time.monotonic() + RACE_S / 4
            while self._commands() < wanted and self.started[victim].poll() is None and time.monotonic() < end:
                time.sleep(0.001)
            self.started[victim].send_signal(signal.SIGKILL)

    def _commands(self) -> int:
        return sum(log.stat().st_size // 200 for log in self.logs)

    def stop(self) -> None:
        for process in self.started:
            process.kill()
            process.wait(10)
            for pipe in (process.stdin, process.stdout):
                if pipe:
                    pipe.close()


class Races:
    """Sets up races."""

    def __init__(self, folder: Path, make_repo: MakeRepo, add_worktree: AddWorktree) -> None:
        self._folder = folder
        self._make_repo = make_repo
        self._add_worktree = add_worktree
        self.made: list[Race] = []

    def make(
        self,
        *,
        clones: int,
        worktrees: int,
        steps: int,
        remote: Remote | None = None,
        worker: Path = WORKER,
        paths: Mapping[int, Sequence[str]] | None = None,
    ) -> Race:
        """Make clones with worktrees, and a project of so many steps that all of them see.

        `worker`: what each process runs. `paths`: what steps claim, by number.
        """
        first = self._make_repo("clone-0")
        repos = [first, *(self._copy(first, at) for at in range(1, clones))]
        seats = [seat for repo in repos for seat in self._seats(repo, worktrees)]
        env = {**(remote.env if remote else {}), **({"GITCOORD_REMOTE": remote.url} if remote else {})}
        git_dir = remote.git_dir if remote else first / ".git" / "gitcoord" / "store.git"
        logs = self._folder / f"logs-{len(self.made)}"
        logs.mkdir()
        board = _plan(first, {**os.environ, **env}, steps, paths or {})
        race = Race(logs, git_dir, seats, env, board, worker)
        self.made.append(race)
        return race

    def _copy(self, first: Path, at: int) -> Path:
        target = first.with_name(f"clone-{at}")
        shutil.copytree(first, target)  # before the first was used: nothing of gitcoord is copied
        return target

    def _seats(self, repo: Path, worktrees: int) -> list[Path]:
        return [repo, *(self._add_worktree(repo, f"{repo.name}-wt-{at}") for at in range(1, worktrees))]


def _plan(repo: Path, env: Mapping[str, str], steps: int, paths: Mapping[int, Sequence[str]]) -> Board:
    workspace = open_workspace(repo, {**env, "GITCOORD_AGENT": "race/planner/main"}, tool="race")
    planned: list[dict[str, Json]] = [
        {"step_num": num, **({"paths": [*paths[num]]} if num in paths else {})} for num in range(1, steps + 1)
    ]
    create_project(workspace, name="app", base_commit="HEAD", steps=planned)
    return board_of(workspace, "app")


@pytest.fixture
def races(tmp_path: Path, make_repo: MakeRepo, add_worktree: AddWorktree) -> Iterator[Races]:
    made = Races(tmp_path, make_repo, add_worktree)
    yield made
    for race in made.made:
        race.stop()
