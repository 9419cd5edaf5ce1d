"""Worlds of faults: clones whose agents are processes, one of which suffers; the others go on; then all is checked.

    world = worlds.make("home")
    world.fault("spool spool.put before", "kill", nth=1)     one round: the fault, what others do meanwhile and after
    world.check()                                            after each round, too

Rules:
  * In each round the victim claims files, a step and hands it in, gives back, beats and writes the snapshot; where that
    is how its scene goes, together with others that wait (`home`), or after a race that it loses (`http`).
  * After it the next command of each seat, and of a new process in the victim's, is no error.
"""

import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from filelock import FileLock

from gitcoord.runtime import open_workspace
from gitcoord.service.steps.projects import create_project
from tests import fork_server
from tests.conftest import AddWorktree, MakeRepo
from tests.faults.fail_points import points_of
from tests.faults.ledger_checker import Checker
from tests.servers.fixtures import Remote, Servers

ROOT = Path(__file__).parents[2]
AGENT = Path(__file__).with_name("agent.py")
ANSWER_S = 90.0  # a bound for a hang: a command waits for 40 s at most, twice where its outcome is looked for
CROWD_S = 60.0  # for who is stopped while it waits: its time goes on
DISK = "192m"  # where each round leaves 2 MB, in stores of small objects
STEPS = 200
SWAP = "gitcoord.remote.transports.smart:SmartTransport.swap:before"
POST = "gitcoord.ledger.transactions.inbox:Inbox.post:after"
Result = dict[str, Any]


@dataclass
class Process:
    """An agent's process."""

    popen: "subprocess.Popen[bytes]"
    errors: Path
    _read: bytes = b""

    def tell(self, do: str, **more: object) -> None:
        assert self.popen.stdin
        with suppress(BrokenPipeError):
            self.popen.stdin.write(json.dumps({"do": do, **more}).encode() + b"\n")
            self.popen.stdin.flush()

    def go_on(self) -> None:
        assert self.popen.stdin
        self.popen.stdin.write(b"go\n")
        self.popen.stdin.flush()

    def answer(self, bound_s: float = ANSWER_S) -> Result | None:
        """Return the next line; `None`: it is dead, or stopped."""
        assert self.popen.stdout
        end = time.monotonic() + bound_s
        while b"\n" not in self._read:
            ready, _, _ = select.select([self.popen.stdout], [], [], 0.02)
            if ready:
                data = os.read(self.popen.stdout.fileno(), 65536)
                if not data:
                    self.popen.wait(10)
                    return None
                self._read += data
            elif self.is_stopped():
                return None
            assert time.monotonic() < end, f"no answer; {self.errors.read_text()}"
        line, _, self._read = self._read.partition(b"\n")
        return json.loads(line)

    def ask(self, do: str, **more: object) -> Result | None:
        self.tell(do, **more)
        return self.answer()

    def has_answered(self) -> bool:
        """Whether it has said something, or cannot any more."""
        assert self.popen.stdout
        ready, _, _ = select.select([self.popen.stdout], [], [], 0)
        return bool(ready) or self.is_stopped()

    def is_stopped(self) -> bool:
        with suppress(OSError, ChildProcessError):
            return Path(f"/proc/{self.popen.pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"
        return False

    def signal(self, number: int) -> None:
        self.popen.send_signal(number)

    def end(self) -> Result:
        """Have it close its session; return what it suffered and counted."""
        said = self.ask("close")
        self.popen.wait(ANSWER_S)
        return said or {}

    def stop(self) -> None:
        self.popen.kill()
        self.popen.wait(10)
        for pipe in (self.popen.stdin, self.popen.stdout):
            if pipe:
                with suppress(OSError):
                    pipe.close()


@dataclass
class World:
    """One world. `seats`: worktrees of one clone (`home`), else clones. `git_dir`: where the ledgers are."""

    scene: str
    folder: Path
    seats: list[Path]
    git_dir: Path
    env: Mapping[str, str]
    disk: Path | None = None
    rounds: int = 0
    met: bool = False
    how: str = ""
    processes: list[Process] = field(default_factory=list[Process])
    others: dict[int, Process] = field(default_factory=dict[int, Process])
    checker: Checker = field(init=False)

    def __post_init__(self) -> None:
        self.checker = Checker(self.git_dir, is_whole=self.scene != "hub")

    # -- processes ----------------------------------------------------------------------------------------------------

    def start(self, seat: int, **options: object) -> Process:
        """Start an agent in a seat."""
        count = len(self.processes)
        words = {
            "cwd": str(self.seats[seat]),
            "name": f"w{seat}",
            "log": str(self.folder / f"{count}.log"),
            "disk": str(self.disk) if self.disk else None,
            **options,
        }
        errors = self.folder / f"{count}.err"
        with errors.open("wb") as stream:
            popen = fork_server.start(
                [sys.executable, str(AGENT), json.dumps(words)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stream,
                env={**os.environ, **self.env, "PYTHONPATH": str(ROOT)},
            )
        made = Process(popen, errors)
        self.processes.append(made)
        assert made.answer() == {"ready": True}, errors.read_text()
        return made

    def other(self, seat: int) -> Process:
        """Return the process of a seat that suffers nothing; it lives as long as the world."""
        if seat not in self.others or self.others[seat].popen.poll() is not None:
            self.others[seat] = self.start(seat)
        return self.others[seat]

    # -- a round ------------------------------------------------------------------------------------------------------

    def fault(self, name: str, how: str, nth: int) -> bool:
        """Have a fault at a point; return whether it was met."""
        victim = self.start(0, point=points_of(self.scene)[name], nth=nth, how=how, **self._gate)
        self.met, self.how = False, how
        try:
            self._suffer(victim)
            self.after()
        except BaseException as error:
            error.add_note(f"round {self.rounds} of {self.folder}: {how} at {name!r}, the {nth}. time")
            raise
        return self.met

    def _suffer(self, victim: Process) -> None:
        try:
            self._script(victim)
            self.met = bool(self._closed(victim).get("suffered")) or self.met
        except DiedError:
            assert (victim.popen.returncode, self.how) == (-signal.SIGKILL, "kill"), victim.errors.read_text()
            self.met = True
        finally:
            for process in self.others.values():
                process.signal(signal.SIGCONT)
            if self.disk:  # a disk that is full at the very end of a process stays so
                (self.disk / "filler").unlink(missing_ok=True)

    def count(self) -> dict[str, int]:
        """Return how often an unharmed victim comes by each point of the scene."""
        victim = self.start(0, counts=self.scene, **self._gate)
        for result in self._script(victim):
            assert result["verdict"] != "error", result
        counts = self._closed(victim)["counts"]
        self.after()
        return counts

    @property
    def _gate(self) -> dict[str, object]:
        return {"gate": SWAP} if self.scene == "http" else {}

    def _script(self, victim: Process) -> list[Result]:
        """Have the victim work; return what each command gave.

        Raises:
            DiedError: it has died.
        """
        self.rounds += 1
        patterns = [f"round-{self.rounds}/a.py", f"round-{self.rounds}/tree/**"]
        victim.tell("claim", patterns=patterns)
        results = [self._hear(victim)]
        if results[0] == {"gate": True}:
            if not (self.disk and (self.disk / "filler").exists()):  # where it is, nobody else can write, either
                self._lose_races(patterns[0])
            victim.go_on()
            results = [self._hear(victim)]
        results += [self._in_crowd(victim) if self.scene == "home" else self._heard(victim, "step")]
        results += [self._heard(victim, do) for do in ("complete", "tell", "release", "beat")]
        return [*results, *([self._heard(victim, "write_out")] if self.scene == "home" else [])]

    def _heard(self, victim: Process, do: str) -> Result:
        victim.tell(do)
        return self._hear(victim)

    def _hear(self, victim: Process) -> Result:
        """Return its answer; where it stops first, let others work, and have it go on."""
        while (result := victim.answer()) is None:
            if victim.popen.poll() is not None:
                raise DiedError
            self.met = True
            self.meanwhile()
            victim.signal(signal.SIGCONT)
        return result

    def _closed(self, victim: Process) -> Result:
        said, end = self._heard(victim, "close"), time.monotonic() + ANSWER_S
        while victim.popen.poll() is None:  # it writes out what is left when it ends, and may stop in that
            assert time.monotonic() < end, victim.errors.read_text()
            if victim.is_stopped():
                self.met = True
                self.meanwhile()
                victim.signal(signal.SIGCONT)
            time.sleep(0.005)
        return said

    def _in_crowd(self, victim: Process) -> Result:
        """Have the victim take a step while another process waits, which it finds in the spool and carries out."""
        other = self.other(1)
        folder = self.seats[0] / ".git" / "gitcoord"
        with FileLock(folder / "lock", timeout=ANSWER_S):
            other.tell("step", wait_s=CROWD_S)
            self._until(lambda: len(self._spooled(folder)) == 1)
            other.signal(signal.SIGSTOP)
            victim.tell("step")
            self._until(lambda: len(self._spooled(folder)) == 2 or victim.has_answered())
        try:
            return self._hear(victim)
        finally:
            other.signal(signal.SIGCONT)
            said = other.answer()
            assert said is not None
            expected = {"full": "storage", "exception": "bug"}.get(self.how)
            assert said["verdict"] != "error" or said["code"] == expected, said
            if said["verdict"] == "done":
                self.sane(other, "complete")

    def _spooled(self, folder: Path) -> list[Path]:
        return [*folder.glob("places/*/spool/[0-9]*")]

    def _until(self, is_so: Callable[[], bool]) -> None:
        end = time.monotonic() + ANSWER_S
        while not is_so():
            assert time.monotonic() < end, "it never came to that"
            time.sleep(0.005)

    def _lose_races(self, pattern: str) -> None:
        """Write before the victim does; let another clone that loses to that, too, post and die."""
        poster = self.start(2, point=POST, nth=1, how="kill", gate=SWAP)
        poster.tell("claim", patterns=[f"{pattern}-posted"])
        assert poster.answer() == {"gate": True}
        self._write(self.other(1), pattern)
        poster.go_on()
        assert poster.answer() is None

    def _write(self, process: Process, pattern: str) -> None:
        for do in ("claim", "release"):
            self.sane(process, do, patterns=[f"other-{pattern}"])

    def meanwhile(self) -> None:
        """Have others work while the victim is stopped: what they are told is true, and over a network all is done."""
        other = self.other(2)
        for do in ("claim", "release"):
            said = other.ask(do, patterns=[f"meanwhile-{self.rounds}.py"], wait_s=None if self.scene == "http" else 0.5)
            assert said is not None
            if said["verdict"] == "error":
                assert said["code"] in {"contended", "unreachable", "unknown_outcome"}, said
                assert self.scene != "http", said

    def after(self) -> None:
        """See that the next command of each seat finds a sane world, and check all that happened."""
        for seat in (1, 2):
            self._write(self.other(seat), f"after-{self.rounds}/{seat}.py")
        victim = self.start(0)
        self.sane(victim, "claim", patterns=[f"round-{self.rounds}/a.py"])
        for do in ("step", "complete", "release", *(["write_out"] if self.scene == "home" else [])):
            self.sane(victim, do)
        self.sane(victim, "look")
        victim.end()
        self.check()

    def sane(self, process: Process, do: str, **more: object) -> None:
        """Have an answer to a command that is no error."""
        said = process.ask(do, **more)
        assert said is not None, (process.popen.poll(), process.is_stopped(), process.errors.read_text())
        assert said["verdict"] != "error", said

    def check(self) -> None:
        """Check the ledgers, and what everyone was told."""
        self.checker.check(sorted(self.folder.glob("*.log")))

    def stop(self) -> None:
        for process in self.processes:
            process.stop()


class DiedError(Exception):
    """The victim has died."""


class Worlds:
    """Sets worlds up."""

    def __init__(self, folder: Path, make_repo: MakeRepo, add_worktree: AddWorktree, servers: Servers) -> None:
        self._folder, self._make_repo, self._add_worktree, self._servers = folder, make_repo, add_worktree, servers
        self.made: list[World] = []

    def make(self, scene: str, url: str | None = None, seats: int = 3) -> World:
        """Make one with a project. `url`: how the remote of `http` is reached, with `{}` for its path."""
        count = len(self.made)
        folder = self._folder / f"world-{count}"
        disk = self._mounted(folder / "disk")
        logs = folder / "logs"
        logs.mkdir(parents=True)
        first = self._make_repo(disk / "clone-0" if disk else folder / "clone-0")
        remote = self._remote(scene, first.parent)
        where = remote.url if remote else ""
        if remote and url:
            where = url.format(f"open/{remote.git_dir.name}")
        env = {"GITCOORD_REMOTE": where} if remote else {}
        if scene == "home":
            places = [first, *(self._add_worktree(first, f"wt-{count}-{seat}") for seat in range(1, seats))]
        else:
            copies = (first.with_name(f"clone-{seat}") for seat in range(1, seats))
            places = [first, *(Path(shutil.copytree(first, copy)) for copy in copies)]
        git_dir = remote.git_dir if remote else first / ".git" / "gitcoord" / "store.git"
        plan = {"GITCOORD_AGENT": "race/planner/main", **({"GITCOORD_REMOTE": remote.url} if remote else {})}
        workspace = open_workspace(first, {**os.environ, **plan}, tool="race")
        steps = [{"step_num": num, "paths": [f"step/{num}.py"]} for num in range(1, STEPS + 1)]
        create_project(workspace, name="app", base_commit="HEAD", steps=steps)
        workspace.close()
        made = World(scene, logs, places, git_dir, env, disk)
        self.made.append(made)
        return made

    def _remote(self, scene: str, folder: Path) -> Remote | None:
        if scene == "home":
            return None
        remote = self._servers.remote("path" if scene == "hub" else "http")
        if scene == "hub":  # on the same small disk
            moved = Path(shutil.move(remote.git_dir, folder / "hub.git"))
            return Remote(remote.kind, str(moved), moved)
        return remote

    def _mounted(self, folder: Path) -> Path | None:
        """Return a small file system of its own, where one can be mounted."""
        folder.mkdir(parents=True)
        words = ["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", str(folder)]
        with suppress(FileNotFoundError):
            if subprocess.run(words, capture_output=True, check=False).returncode == 0:
                return folder
        return None

    def close(self) -> None:
        for world in self.made:
            world.stop()
            if world.disk:
                subprocess.run(["umount", "--lazy", str(world.disk)], capture_output=True, check=False)
