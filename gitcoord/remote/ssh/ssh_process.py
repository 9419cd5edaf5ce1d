"""ssh as a child process: the only place that starts it.

Rules:
  * It has a process group of its own, no terminal to ask on, and dies with its children.
  * What it complains of is read up to a bound.

What this file does not know: what it is started for.
"""

import os
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from typing import IO, Final

from gitcoord.errors import CoordError, RepositoryError
from gitcoord.remote.contract.time_left import TimeLeft
from gitcoord.remote.git.git_failure import read_error
from gitcoord.remote.git.git_process import Completed, signals_deferred
from gitcoord.remote.ssh.ssh_command import SshCommand

_COMPLAINT_BYTES: Final = 64 * 1024  # a banner may be long; a sentence or two are shown
_END_S: Final = 5.0  # a killed process ends at once


def started(
    command: SshCommand, words: Sequence[str], errors: "int | IO[bytes]" = subprocess.PIPE
) -> "subprocess.Popen[bytes]":
    """Start ssh with pipes. `errors`: what takes its standard error.

    Raises:
        RepositoryError: the system starts no process.
    """
    pipe = subprocess.PIPE
    try:
        with signals_deferred():
            return subprocess.Popen(
                words,
                cwd=command.cwd,
                env=dict(command.env),
                stdin=pipe,
                stdout=pipe,
                stderr=errors,
                start_new_session=True,
            )
    except OSError as error:
        raise RepositoryError(f"ssh cannot be started: {error.strerror or error}.") from error


def ended(process: "subprocess.Popen[bytes]") -> int | None:
    """End it with all that it started; return its exit status."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe is not None:
            with suppress(OSError):
                pipe.close()
    with suppress(subprocess.TimeoutExpired):
        process.wait(_END_S)
    return process.returncode


def run(command: SshCommand, words: Sequence[str], left: TimeLeft) -> Completed:
    """Run ssh to its end; what it leaves in the background may keep its standard error.

    Raises:
        UnreachableError: it took too long.
        RepositoryError: the system starts no process.
    """
    with tempfile.TemporaryFile() as errors:
        process = started(command, words, errors)
        try:
            said, _ = process.communicate(timeout=left.whole_s())
        except BaseException as error:
            ended(process)  # but not where it went to the background: it may be in this group for a moment more
            if isinstance(error, subprocess.TimeoutExpired):
                raise left.over() from None
            raise
        errors.seek(0)
        return Completed(process.returncode, said, errors.read(_COMPLAINT_BYTES))


def failure(status: int | None, complaint: bytes, shown: str) -> CoordError:
    """Return what it means that ssh ended, before anything was sent. `shown`: the remote."""
    return read_error(Completed(255 if status is None else status, b"", complaint), shown)
