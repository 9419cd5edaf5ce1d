"""ssh as a child process."""

import os
import time
from contextlib import suppress
from pathlib import Path

from gitcoord.remote.contract.time_left import TimeLeft
from gitcoord.remote.ssh.ssh_command import SshCommand
from gitcoord.remote.ssh.ssh_process import run

WAIT_S = 60.0  # A bound for a hang.


def test_what_went_to_the_background_is_not_ended_with_its_parent(tmp_path: Path) -> None:
    """`ssh -f` may be in its parent's process group for a moment after that has ended."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    command = SshCommand({"PATH": os.environ["PATH"]}, str(tmp_path))
    words = ["sh", "-c", "(exec >/dev/null; read word <pipe) & echo begun"]

    done = run(command, words, TimeLeft(WAIT_S, "", time.monotonic))
    writer = _opened(pipe)

    assert (done.rc, done.stdout) == (0, b"begun\n")
    os.close(writer)


def _opened(pipe: Path) -> int:
    """Open a pipe that a process reads; without one this fails."""
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline:
        with suppress(OSError):
            return os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
        time.sleep(0.01)  # a poll of a foreign process, bounded by WAIT_S
    raise AssertionError("nothing reads the pipe")
