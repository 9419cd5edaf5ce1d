"""A program of the user's, started to see whether it can be: one line of JSON to it, one back.

Rules:
  * It is started without a shell, in the folder and with the environment that are named, and nothing of ours.
  * It dies with all its children as soon as it has answered, or when the time is over.
  * What it writes is bounded; what is not an answer is passed over.

What this file does not know: what is asked.
"""

import json
import os
import selectors
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final, cast

from gitcoord.remote.contract.deadline import bounded
from gitcoord.remote.git.git_process import clean_text

ANSWER_BYTES_MAX: Final = 1024 * 1024  # a server's first answer is some KB
COMPLAINT_CHARS_MAX: Final = 200
_KILL_WAIT_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Answered:
    """What came back: an object, or why there is none."""

    answer: Mapping[str, object] | None
    why: str = ""


def ask_program(
    command: Sequence[str],
    question: Mapping[str, object],
    *,
    cwd: Path,
    env: Mapping[str, str],
    timeout_s: float,
    monotonic: Callable[[], float],
) -> Answered:
    """Start a program, write one line of JSON to it, and return the first line that answers it by its `id`."""
    try:
        process = _start(command, cwd, env)
    except (OSError, ValueError) as error:
        return Answered(None, f"it cannot be started: {getattr(error, 'strerror', None) or error}")
    try:
        end = monotonic() + bounded(timeout_s)
        return _conversation(process, question, lambda: end - monotonic())
    finally:
        _end(process)


@dataclass(frozen=True, slots=True)
class Ended:
    """How a program ended: what it wrote, and, where it did not do what it was started for, why. `errors`: as it is."""

    stdout: bytes
    errors: str
    why: str = ""


def run_program(
    command: Sequence[str], *, cwd: Path, env: Mapping[str, str], timeout_s: float, given: bytes = b""
) -> Ended:
    """Give a program its input, and wait for its end."""
    try:
        process = _start(command, cwd, env)
    except (OSError, ValueError) as error:
        return Ended(b"", "", f"it cannot be started: {getattr(error, 'strerror', None) or error}")
    try:
        stdout, stderr = process.communicate(given, timeout=bounded(timeout_s))
    except subprocess.TimeoutExpired:
        return Ended(b"", "", "it did not end in time")
    finally:
        _end(process)
    why = f"it ended with status {process.returncode}" if process.returncode else ""
    return Ended(stdout, stderr.decode("utf-8", "replace"), why)


def output_of(command: Sequence[str], *, cwd: Path, env: Mapping[str, str], timeout_s: float) -> str | None:
    """Return what a program writes; `None` where it cannot be started, fails, or takes too long."""
    ended = run_program(command, cwd=cwd, env=env, timeout_s=timeout_s)
    return None if ended.why else ended.stdout.decode("utf-8", "replace")


def _start(command: Sequence[str], cwd: Path, env: Mapping[str, str]) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        list(command),
        cwd=cwd,
        env=dict(env),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


def _conversation(
    process: "subprocess.Popen[bytes]", question: Mapping[str, object], left_s: Callable[[], float]
) -> Answered:
    stdin, stdout, stderr = process.stdin, process.stdout, process.stderr
    if stdin is None or stdout is None or stderr is None:
        return Answered(None, "it has no input or output")
    with suppress(OSError):  # it ended already; what it said tells why
        stdin.write(json.dumps(question).encode() + b"\n")
        stdin.flush()
    said, complaint = _read(stdout, stderr, question.get("id"), left_s)
    if said is not None:
        return Answered(said)
    words = clean_text(complaint.decode("utf-8", "replace"), chars_max=COMPLAINT_CHARS_MAX).replace("\n", " ")
    with suppress(subprocess.TimeoutExpired):
        process.wait(timeout=max(0.0, min(1.0, left_s())))
    ended = "it did not answer" if process.poll() is None else f"it ended with status {process.poll()}"
    return Answered(None, f"{ended}: {words}" if words else ended)


def _read(
    stdout: IO[bytes], stderr: IO[bytes], wanted: object, left_s: Callable[[], float]
) -> tuple[Mapping[str, object] | None, bytes]:
    """Read both streams until a line answers, both have ended, or the time is over."""
    heard, complaint, read_bytes = bytearray(), bytearray(), 0
    with selectors.DefaultSelector() as selector:
        selector.register(stdout, selectors.EVENT_READ, heard)
        selector.register(stderr, selectors.EVENT_READ, complaint)
        while selector.get_map() and read_bytes < ANSWER_BYTES_MAX:
            left = left_s()
            ready = selector.select(left) if left > 0 else []
            if not ready:
                break
            for key, _ in ready:
                data = os.read(key.fd, 65536)
                read_bytes += len(data)
                if not data:
                    selector.unregister(key.fileobj)
                (heard if key.data is heard else complaint).extend(data)
                del complaint[:-4096]
            *lines, rest = heard.split(b"\n")
            found = next((answer for line in lines if (answer := _answer_in(line, wanted)) is not None), None)
            if found is not None:
                return found, bytes(complaint)
            heard[:] = rest
    return None, bytes(complaint)


def _answer_in(line: bytes | bytearray, wanted: object) -> Mapping[str, object] | None:
    if not line.startswith(b"{"):  # most of what is no answer; parsing a flood of it takes seconds
        return None
    try:
        parsed: object = json.loads(line)
    except ValueError:
        return None
    if not isinstance(parsed, dict):
        return None
    found = cast("Mapping[str, object]", parsed)
    return found if found.get("id") == wanted else None


def _end(process: "subprocess.Popen[bytes]") -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream is not None:
            with suppress(OSError):
                stream.close()
    with suppress(subprocess.TimeoutExpired):
        process.wait(timeout=_KILL_WAIT_S)
