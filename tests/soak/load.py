"""A load as a team makes it: agents with servers, commands, a screen, and now and then a process that is killed."""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from gitcoord.core.documents.json_text import Json
from gitcoord.faces.demo.client import Client, ToolFailedError
from tests.soak import measures

GITCOORD = (sys.executable, "-m", "gitcoord")
CONTENDED = 4
COMMAND_S = 300.0  # a bound for a hang
FILES = 40  # that agents claim, so that they meet
KILLED_AFTER_S = (0.02, 0.6)
GC_EVERY, KILL_EVERY, PROJECT_EVERY = 12, 9, 6  # rounds


class Place(NamedTuple):
    """Where a load runs: worktrees that coordinate with each other.

    Attributes:
        name: what a report calls it.
        worktrees: where agents work; the first is of the clone that is measured.
        common: the folder of that clone, `<common git dir>/gitcoord`.
        git_dir: where the ledgers are.
    """

    name: str
    worktrees: tuple[Path, ...]
    common: Path
    git_dir: Path


class Server(Client):
    """An agent's server."""

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.pid


class Load:
    """What runs in a place: an agent with its server in each worktree, one that types commands, and a watcher."""

    def __init__(self, place: Place, seed: int, logs: Path) -> None:
        """Start the processes that stay."""
        self.place = place
        self.done = Counter[str]()
        self.broken: list[str] = []
        self.told: dict[str, str] = {}
        self._seed = seed
        self._end = threading.Event()
        self._servers = [
            Server(
                [*GITCOORD, "mcp"],
                worktree,
                {**os.environ, "GITCOORD_AGENT": f"ann/mcp/w{number}"},
                logs / f"{place.name}-{number}.log",
            )
            for number, worktree in enumerate(place.worktrees)
        ]
        with (logs / f"{place.name}-watch.log").open("wb") as log:
            self._watch = subprocess.Popen(
                [*GITCOORD, "watch", "--jsonl"],
                cwd=place.worktrees[0],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        agents = [
            threading.Thread(target=self._guarded, args=(lambda number=number: self._agent(number),))
            for number in range(len(self._servers))
        ]
        self._threads = [*agents, threading.Thread(target=self._guarded, args=(self._person,))]

    def begin(self) -> None:
        """Begin the work."""
        for server in self._servers:
            server.open("soak")
        for thread in self._threads:
            thread.start()

    def turns(self, count: int) -> list[measures.Sample]:
        """Have the agents work for so many rounds, one after the other, and nothing else; return a sample of each."""
        for server in self._servers:
            server.open("soak")
        chances = [random.Random(f"{self._seed} {number}") for number, _ in enumerate(self._servers)]
        samples: list[measures.Sample] = []
        for turn in range(count):
            for number, chance in enumerate(chances):
                self._turn(number, turn, chance)
            samples.append(dict(self.sample()))
        return samples

    def sample(self) -> Iterator[tuple[str, int]]:
        """Yield what is measured now."""
        for number, server in enumerate(self._servers):
            yield from measures.of_process(f"server {number + 1}, {self.place.name}", server.pid)
        yield from measures.of_process(f"watch, {self.place.name}", self._watch.pid)
        yield from measures.of_repository(self.place.name, self.place.git_dir)
        yield from measures.of_folder(self.place.name, self.place.common)

    def end(self) -> None:
        """End the work, then the processes."""
        self._end.set()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(COMMAND_S)
        if self._watch.poll() is not None:
            self.broken.append(f"watch ended with {self._watch.returncode}")
        for server in self._servers:
            server.close()
        self._watch.send_signal(signal.SIGINT)
        self._watch.wait(COMMAND_S)

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as error:  # noqa: BLE001 - of a thread: the test tells it
            self.broken.append(f"{type(error).__name__}: {error}")

    def _rounds(self) -> Iterator[int]:
        number = 0
        while not self._end.is_set():
            number += 1
            yield number

    # -- an agent

    def _agent(self, number: int) -> None:
        chance = random.Random(f"{self._seed} {self.place.name} {number}")
        for turn in self._rounds():
            self._turn(number, turn, chance)

    def _turn(self, number: int, turn: int, chance: random.Random) -> None:
        files: list[Json] = [f"/src/{chance.randrange(FILES)}.py" for _ in range(chance.choice((1, 1, 3)))]
        claimed = self._call(number, "claim_files", patterns=files, description="work")
        self._call(number, "check_conflicts", files=[f"src/{chance.randrange(FILES)}.py"])
        if turn % PROJECT_EVERY == number % PROJECT_EVERY:
            self._project(number, f"p{number}-{turn}")
        if isinstance(claim := claimed.get("claim"), dict):
            self._call(number, "extend_claims", ttl_hours=1, claim_ids=[claim["id"]])
        self._call(number, "list_claims")
        self._call(number, "release_session" if chance.randrange(2) else "release_claims")

    def _project(self, number: int, name: str) -> None:
        steps: list[Json] = [{"step_num": 1, "title": "first"}, {"step_num": 2, "title": "second", "depends_on": [1]}]
        if not self._call(number, "create_project", name=name, base_commit="HEAD", steps=steps):
            return
        taken = self._call(number, "claim_step", project=name)
        step = taken.get("step")
        if isinstance(step, dict):
            step = step["id"]
            self._call(number, "start_step", step_id=step)
            self._call(number, "heartbeat", step_id=step)
            self._call(number, "fail_step", step_id=step, reason="soak")
        self._run(number, "project", "delete", name, "--yes")

    def _call(self, number: int, tool: str, **arguments: Json) -> dict[str, Json]:
        try:
            answer = self._servers[number].call(tool, **arguments)
        except ToolFailedError as error:
            self.done[f"{tool} failed"] += 1
            self.told.setdefault(tool, str(error))
            return {}
        self.done["calls"] += 1
        return answer

    # -- someone at a shell

    def _person(self) -> None:
        chance = random.Random(f"{self._seed} {self.place.name} person")
        last = len(self.place.worktrees) - 1
        for turn in self._rounds():
            where = chance.randint(0, last)
            self._run(where, "claim", "add", f"/docs/{chance.randrange(FILES)}.md")
            self._run(where, chance.choice(("status", "sync", "log", "doctor", "metrics")), fails=True)
            self._run(where, "claim", "release", "--all")
            if turn % GC_EVERY == 0:
                self._run(0, "gc")
            if turn % KILL_EVERY == 0:
                self._kill(where, chance)

    def _run(self, number: int, *words: str, fails: bool = False) -> None:
        done = subprocess.run(
            [*GITCOORD, *words],
            cwd=self.place.worktrees[number],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=COMMAND_S,
        )
        self.done["commands"] += 1
        if done.returncode not in {0, 1, CONTENDED, *((5, 6) if fails else ())}:
            self.broken.append(
                f"{' '.join(words)} ended with {done.returncode}: {done.stdout[-300:]}{done.stderr[-700:]}"
            )

    def _kill(self, number: int, chance: random.Random) -> None:
        with subprocess.Popen(
            [*GITCOORD, "claim", "add", f"/docs/killed-{chance.randrange(FILES)}.md"],
            cwd=self.place.worktrees[number],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as process:
            try:
                process.wait(chance.uniform(*KILLED_AFTER_S))
            except subprocess.TimeoutExpired:
                process.kill()
                self.done["kills"] += 1


def run(loads: list[Load], seconds: float) -> list[measures.Sample]:
    """Let loads run for a time; return what was measured, at equal distances."""
    samples: list[measures.Sample] = []
    every_s = max(seconds / 120, 1.0)
    begun = time.monotonic()
    try:
        for load in loads:
            load.begin()
        while time.monotonic() < begun + seconds:
            samples.append(dict(pair for load in loads for pair in load.sample()))
            time.sleep(every_s)  # the distance of samples: nothing is waited for
    finally:
        for load in loads:
            load.end()
    return samples
