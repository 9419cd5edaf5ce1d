"""Callers: with which words the programs were started that started this one, as far as the system says.

git tells its pre-push hook of no ref that `--mirror` will delete [seen, git 2.39], so that word has to be looked for.

Rules:
  * What the system does not say is nothing, never an error.

What this file does not know: what the words are for.
"""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

LEVELS_MAX: Final = 8  # a shim, a manager of hooks, git, and what started that
PS_TIMEOUT_S: Final = 2.0


def words_of_callers(pid: int) -> Iterator[list[str]]:
    """Yield the command lines of a process and of those above it."""
    for _ in range(LEVELS_MAX):
        if pid <= 1:
            return
        pid, words = _from_proc(pid) or _from_ps(pid)
        if words:
            yield words


def _from_proc(pid: int) -> tuple[int, list[str]] | None:
    folder = Path("/proc", str(pid))
    try:
        words = (folder / "cmdline").read_bytes().decode("utf-8", "replace").split("\0")
        # `<pid> (<name>) <state> <parent> …`; the name may have any characters, see proc(5).
        parent = (folder / "stat").read_bytes().rpartition(b")")[2].split()[1]
    except (OSError, IndexError):
        return None
    return int(parent), [word for word in words if word]


def _from_ps(pid: int) -> tuple[int, list[str]]:
    command = ["ps", "-o", "ppid=,args=", "-p", str(pid)]
    try:
        done = subprocess.run(command, capture_output=True, timeout=PS_TIMEOUT_S, check=False, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.TimeoutExpired):
        return 0, []
    parent, *words = done.stdout.decode("utf-8", "replace").split() or ["0"]
    return (int(parent), words) if parent.isdecimal() else (0, [])


def own_caller() -> int:
    """Return the process that started this one."""
    return os.getppid()
