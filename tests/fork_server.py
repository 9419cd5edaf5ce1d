"""Programs started as forks of a process that has imported gitcoord: real processes, which need not import it anew.

    start([sys.executable, "-m", "gitcoord", …], cwd=…, env=…, stdin=PIPE, …)

For tests that are not about how a program starts: loading the engine of the MCP server takes half a second of a
processor. What is forked is the caller's own child, has the descriptors, the folder, the environment and the arguments
that it was given, and runs its program from the first line.

Rules:
  * The fork server has one thread and touches nothing of git's, so that a fork of it is like a process that has just
    imported.
  * Where there is no `PR_SET_CHILD_SUBREAPER` (other systems than Linux), and where coverage is measured, which begins
    when the interpreter does, a program is started as ever.
"""

import atexit
import ctypes
import gc
import importlib
import json
import os
import runpy
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from subprocess import PIPE
from typing import Any

import pygit2
from pygit2.enums import ConfigLevel

ROOT = Path(__file__).parents[1]
# What the programs of the tests import sooner or later.
_IMPORTED = ("gitcoord.faces.mcp.server.engine", "gitcoord.faces.mcp.server.front", "gitcoord.faces.cli.app")
_MESSAGE_MAX = 1 << 17  # an environment, arguments and a folder
_STARTED_S = 60.0  # a bound for a hang
_PR_SET_CHILD_SUBREAPER = 36
_COVERED = ("COVERAGE_PROCESS_START", "COVERAGE_PROCESS_CONFIG")


def start(
    words: Sequence[str],
    *,
    env: Mapping[str, str],
    cwd: Path | None = None,
    **pipes: Any,  # noqa: ANN401 - as of `Popen`
) -> "subprocess.Popen[Any]":
    """Start a program of this Python, as `Popen` does.

    Args:
        words: the interpreter; `-m` and a module, `-c` and a program, or a file of one; the program's arguments.
        cwd: where it starts; where we are, if not said.
        env: its environment; where it has the interpreter behave differently, the program is started as ever.
        pipes: `stdin`, `stdout`, `stderr` and how they are read; `start_new_session`.
    """
    kind = _Forked if _is_possible(env) else subprocess.Popen
    return kind(list(words), cwd=cwd or Path.cwd(), env=dict(env), **pipes)


def run(
    words: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str],
    stdin: str | bytes,
    timeout_s: float,
    encoding: str | None = None,
) -> "subprocess.CompletedProcess[Any]":
    """Run a program to its end, as `subprocess.run` does, with all that it says."""
    with start(words, cwd=cwd, env=env, stdin=PIPE, stdout=PIPE, stderr=PIPE, encoding=encoding) as process:
        try:
            out, err = process.communicate(stdin, timeout=timeout_s)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def _is_possible(env: Mapping[str, str]) -> bool:
    """Whether an interpreter with this environment would do what the fork server's did."""
    told = {name: value for name, value in env.items() if name.startswith("PYTHON") and name != "PYTHONHASHSEED"}
    return sys.platform == "linux" and told == {"PYTHONPATH": str(ROOT)} and not any(name in env for name in _COVERED)


class _Forked(subprocess.Popen[Any]):
    """A child that another process forks; all that is known of it, its pipes and its end are as of any child."""

    def _execute_child(
        self,
        args: Sequence[str],
        *given: Any,  # noqa: ANN401 - as its source has them
    ) -> None:
        program = {"words": list(args[1:]), "cwd": str(given[4]), "env": given[5], "new_session": given[20]}
        p2cread, p2cwrite, c2pread, c2pwrite, errread, errwrite = given[9:15]
        streams = [end if end != -1 else number for number, end in enumerate((p2cread, c2pwrite, errwrite))]
        try:
            self.pid = _server().fork(program, streams)
            self._child_created = True
        finally:
            self._close_pipe_fds(p2cread, p2cwrite, c2pread, c2pwrite, errread, errwrite)  # pyright: ignore[reportAttributeAccessIssue]


class _ForkServer:
    """The process that forks, one of each process that asks."""

    def __init__(self) -> None:
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._socket.settimeout(_STARTED_S)
        self._lock = threading.Lock()
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__)), str(theirs.fileno())],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
        )
        theirs.close()
        atexit.register(self.stop)

    def fork(self, program: Mapping[str, object], streams: Sequence[int]) -> int:
        """Have a program run with these descriptors as its standard ones; return the number of its process."""
        with self._lock:
            _adopt(orphans=True)
            try:
                socket.send_fds(self._socket, [json.dumps(program).encode()], streams)
                child = int(self._socket.recv(_MESSAGE_MAX))
                assert self._socket.recv(_MESSAGE_MAX) == b"ours"
            finally:
                _adopt(orphans=False)
        return child

    def stop(self) -> None:
        self._socket.close()
        self._process.wait(_STARTED_S)


_SERVERS: dict[int, _ForkServer] = {}
_FIRST = threading.Lock()  # two servers would end each other's adoption of orphans, and a status would be lost


def _server() -> _ForkServer:
    with _FIRST:
        if os.getpid() not in _SERVERS:
            _SERVERS[os.getpid()] = _ForkServer()
        return _SERVERS[os.getpid()]


def _adopt(*, orphans: bool) -> None:
    """Have the children of a descendant that ends be ours, or again the system's."""
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, int(orphans), 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl")


# --- in the process that forks -------------------------------------------------------------------


def _serve(asked: socket.socket) -> "dict[str, Any] | None":
    """Fork whenever asked; return what a fork is to run, and nothing in the server, in the end."""
    while True:
        data, streams, _, _ = socket.recv_fds(asked, _MESSAGE_MAX, 3)
        if not data:
            return None
        between = os.fork()
        if between == 0:
            return _grandchild(asked, json.loads(data), streams)
        for stream in streams:
            os.close(stream)
        os.waitpid(between, 0)  # by now the child of that one is the caller's
        asked.send(b"ours")


def _grandchild(asked: socket.socket, program: "dict[str, Any]", streams: Sequence[int]) -> "dict[str, Any]":
    between = os.getpid()
    child = os.fork()
    if child:
        asked.send(str(child).encode())
        os._exit(0)
    asked.close()
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    while os.getppid() == between:
        time.sleep(0.0005)
    return program


def _run(program: "dict[str, Any]") -> None:
    """Run a program from its first line, with what it was given."""
    if program["new_session"]:
        os.setsid()
    sys.stdout.reconfigure(line_buffering=sys.stdout.isatty())  # pyright: ignore[reportAttributeAccessIssue]
    os.chdir(program["cwd"])
    os.environ.clear()
    os.environ.update(program["env"])
    time.tzset()
    _read_configuration_of_home()
    first, *rest = program["words"]
    sys.argv = program["words"]
    match first:
        case "-m":
            sys.path[0], sys.argv = program["cwd"], rest
            runpy.run_module(rest[0], run_name="__main__", alter_sys=True)
        case "-c":
            sys.path[0], sys.argv = "", ["-c", *rest[1:]]
            exec(compile(rest[0], "<string>", "exec"), {"__name__": "__main__"})  # noqa: S102 - that is what `-c` is
        case _:
            sys.path[0] = str(Path(first).parent)
            runpy.run_path(first, run_name="__main__")


def _read_configuration_of_home() -> None:
    """Have libgit2, which looks for the home when it is loaded, look again."""
    home = os.environ.get("HOME", "")
    pygit2.settings.search_path[ConfigLevel.GLOBAL] = home
    pygit2.settings.search_path[ConfigLevel.XDG] = f"{os.environ.get('XDG_CONFIG_HOME', f'{home}/.config')}/git"


def _exit_status(program: "dict[str, Any]") -> int:
    """Run a program; return its exit status."""
    try:
        _run(program)
    except SystemExit as ended:
        if ended.code is None or isinstance(ended.code, int):
            return ended.code or 0
        sys.stderr.write(f"{ended.code}\n")
        return 1
    except BaseException:  # noqa: BLE001 - as the interpreter would
        sys.excepthook(*sys.exc_info())  # pyright: ignore[reportArgumentType]
        return 1
    return 0


def _end(status: int) -> None:
    """End as the interpreter does, without taking apart what was imported."""
    threading._shutdown()  # pyright: ignore[reportAttributeAccessIssue]
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(status)


def _main() -> None:
    asked = socket.socket(fileno=int(sys.argv[1]))
    for name in _IMPORTED:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()
    program = _serve(asked)
    if program is not None:
        _end(_exit_status(program))


if __name__ == "__main__":
    _main()
