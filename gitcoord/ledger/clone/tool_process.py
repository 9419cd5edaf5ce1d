"""The process of an agents' tool: our server and our hooks have the same one, which tells that they are one session.

    sessions/<pid>-<start>-<worktree>.tool    the id of the session, as the first of its processes says

Most tools tell their hooks an id of the session and their servers none.

Rules:
  * HOOK-3: the first process writes down its id, and all others of that process in that worktree go by it.
  * Shells, uv and scripts of our name stand between a tool and us; they are passed over, no more than two of them.
  * Where a process has several servers in a worktree, the file is empty, and is ignored.
  * Where the system does not tell when a process began, nothing is known: a number alone is used again.
  * Hooks import this: standard library only.

What this file does not know: whose id it is, a hook's or a server's.
"""

import os
import time
import zlib

_BETWEEN = frozenset(("sh", "bash", "dash", "zsh", "fish", "uv", "uvx", "gitcoord"))
_BETWEEN_MAX = 2
_ENDING = ".tool"
KEPT_S = 30 * 24 * 3600.0  # a tool that runs for longer has its server and hooks agree anew
_PARENT, _START = 1, 19  # of the fields after a process's name; see proc_pid_stat(5)


def agreed(folder: str, top: str, session: str) -> str:
    """Return the id by which the session of our tool's process goes, ours if we come first; "" where it is unknown.

    Args:
        folder: the clone's folder of sessions.
        top: the worktree.
        session: the id that we would go by.
    """
    path = _path(folder, top)
    if not path:
        return ""
    draft = f"{path}.{os.getpid()}"
    try:
        os.makedirs(folder, exist_ok=True)
        with open(draft, "w", encoding="utf-8") as file:
            file.write(session)
        try:
            os.link(draft, path)  # whole or not at all, and only for the first
        except FileExistsError:
            pass
        finally:
            os.unlink(draft)
        with open(path, encoding="utf-8") as file:
            return file.read()
    except (OSError, ValueError):
        return ""


def disagree(folder: str, top: str) -> None:
    """Have no process go by the id any more: there are several sessions of the process."""
    path = _path(folder, top)
    if path:
        os.truncate(path, 0)


def forget_old(folder: str) -> None:
    """Remove the files of processes that are long gone."""
    oldest = time.time() - KEPT_S
    for name in os.listdir(folder) if os.path.isdir(folder) else ():
        path = os.path.join(folder, name)
        if _ENDING in name and os.path.exists(path) and os.stat(path).st_mtime < oldest:
            os.unlink(path)


def _path(folder: str, top: str) -> str:
    process = _tool_process()
    return f"{folder}/{process}-{zlib.crc32(os.fsencode(top)):08x}{_ENDING}" if process else ""


def _tool_process() -> str:
    pid = os.getppid()
    for _ in range(_BETWEEN_MAX + 1):
        name, parent, start = _status(pid)
        if name not in _BETWEEN:
            return f"{pid}-{start}" if start else ""
        pid = parent
    return ""


def _status(pid: int) -> "tuple[str, int, str]":
    """Return the name, the parent and the beginning of a process; nothing where the system does not tell."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            head, _, rest = file.read().rpartition(")")  # a name may have brackets, too
        fields = rest.split()
        return head.partition("(")[2], int(fields[_PARENT]), fields[_START]
    except (OSError, ValueError, IndexError):
        return "", 0, ""
