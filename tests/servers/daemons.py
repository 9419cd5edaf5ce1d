"""Starts and stops the real servers of the tests: free ports, bounded waits, no process left behind.

Rules:
  * Everything listens on 127.0.0.1 and lives in a folder of its own.
  * A server runs in a process group of its own, which is killed as a whole.
  * A program that is not installed skips the test, or fails it where CI is set: there it must be installed.
"""

import os
import random
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

import pytest

START_S = 60.0  # A bound for a hang; each of these servers starts within 0.2 s.
STOP_S = 5.0  # As START_S; then it is killed.
_PORTS = (10_000, 32_000)  # Linux gives away what is above them, macOS and the IANA from 49,152 on.
_CHANCE = random.SystemRandom()  # of no seed, which all workers would share
_IS_CI = os.environ.get("CI") == "true"  # read before a test, which gets an environment without it
_PATH = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin", "/usr/lib/git-core"])


def need(program: str, *, in_ci: bool = True) -> str:
    """Return where a program is, or skip the test; fail it in CI, unless it need not be installed there."""
    found = shutil.which(program, path=_PATH)
    if found is None:
        give_up(f"{program} is not installed", in_ci=in_ci)
    return str(found)


def give_up(reason: str, *, in_ci: bool = True) -> NoReturn:
    """Skip the test; fail it in CI, unless what it misses need not be there."""
    if in_ci and _IS_CI:
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def server_env(folder: Path) -> dict[str, str]:
    """Return the environment of a server: nothing of the developer's."""
    return {"PATH": _PATH, "HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull}


def free_port() -> int:
    """Return a port for a server that is started with it.

    The system gives none of these to a client, nor to a server that takes any: it would, before this one has begun.
    """
    while True:
        with socket.socket() as probe, suppress(OSError):  # where something else listens
            probe.bind(("127.0.0.1", _CHANCE.randrange(*_PORTS)))
            return int(probe.getsockname()[1])


class Daemon:
    """One running server program."""

    def __init__(
        self,
        args: Sequence[str],
        *,
        folder: Path,
        env: Mapping[str, str],
        ready: Callable[[], bool],
        stdin: int = subprocess.DEVNULL,
    ) -> None:
        self._log = folder / f"{Path(args[0]).name}.log"
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                args,
                cwd=folder,
                env=dict(env),
                stdin=stdin,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._wait_for(ready)

    def _wait_for(self, ready: Callable[[], bool]) -> None:
        deadline = time.monotonic() + START_S
        while not ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                pytest.fail(f"{self._log.name}: the server did not start: {self._log.read_text()[-2000:]}")
            time.sleep(0.01)  # a poll of a foreign process, bounded by START_S

    def suspend(self) -> None:
        """Let it hang: what connects is accepted by the system, and nothing answers."""
        os.killpg(self._process.pid, signal.SIGSTOP)

    def resume(self) -> None:
        os.killpg(self._process.pid, signal.SIGCONT)

    def own_s(self) -> float:
        """Return the processor time of its process group's leader and of the leader's children; 0 off Linux."""
        leader = Path(f"/proc/{self._process.pid}")
        children = leader / "task" / str(self._process.pid) / "children"
        pids = [leader.name, *(children.read_text().split() if children.exists() else ())]
        told = [Path(f"/proc/{pid}/schedstat") for pid in pids]
        return sum(int(path.read_text().split()[0]) for path in told if path.exists()) / 1e9

    def stop(self) -> None:
        self.resume()
        self._process.terminate()  # asked first, a server waits for its own children and leaves no zombies
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=STOP_S)
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(timeout=START_S)


def port_answers(port: int) -> Callable[[], bool]:
    """Return a test whether something listens on `port`."""

    def answers() -> bool:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1):
                return True
        except OSError:
            return False

    return answers
