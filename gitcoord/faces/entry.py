"""The console script: starts the face that the arguments name, importing nothing else.

A command or a hook of git that is ended by a signal (a CI that cancels a build, a terminal that closes) is interrupted
first, so that it says so, and ends the git processes that it has started: those have a session of their own, which no
such signal reaches. Then the signal has its way. The server has signals of its own, and the edit hook no time for this.

`gitcoord mcp` and `gitcoord hook` answer within milliseconds and must not pay for the command line's imports. What they
do not understand is left to the command line, which has the help and one way to say what is wrong.
"""

import gc
import os
import sys

# Python collects after 700 new objects, a hundred times while modules are loaded, and finds nothing. No cold command
# makes this many; one that stays collects all the same.
COLLECT_AFTER = 200_000
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


def main() -> int:
    """Run gitcoord; return the exit status."""
    arguments = sys.argv[1:]
    if arguments[:1] == ["mcp"]:
        from gitcoord.faces.mcp.server import front

        tool_set = front.tool_set_of(arguments[1:])
        if tool_set is not None:
            return front.main(tool_set)
    if arguments[:2] == ["hook", "sync"]:
        from gitcoord.faces.hook_sync import main as settle

        return settle(arguments[2:])
    if arguments[:2] == ["hook", "pre-receive"]:
        from gitcoord.faces.receive import main as receive

        return _ended(lambda: receive(arguments[2:]))
    if arguments[:1] == ["hook"] and arguments[1:2] and "--help" not in arguments and not arguments[1].startswith("-"):
        from gitcoord.faces.hooks.dispatch import main as run_hook

        if arguments[1] == "edit":
            return run_hook(arguments[1:])
        gc.set_threshold(COLLECT_AFTER)
        return _left(_ended(lambda: run_hook(arguments[1:])))

    gc.set_threshold(COLLECT_AFTER)
    _load_msgspec()
    from gitcoord.faces.cli.app import main as command_line

    status = _ended(lambda: command_line(arguments))
    gc.freeze()  # the interpreter collects as it ends, which is of no use to a process that is over
    return status


def _left(status: int) -> int:
    """End this process as it is: taking the interpreter apart takes a tenth of a hook's time."""
    try:
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:  # it was closed when this process was started
                stream.flush()
    except (OSError, ValueError):  # who reads is gone: the interpreter says so as it always does
        return status
    os._exit(status)


def _load_msgspec() -> None:
    """Load msgspec as it is without `typing_extensions`, of which it takes what Python itself has by now.

    It needs no other package, and takes that one where it is there: a tenth of a cold `status`.
    """
    from importlib import import_module

    name = "typing_extensions"
    if name in sys.modules:
        return
    sys.modules[name] = None  # pyright: ignore[reportArgumentType] - so Python marks what cannot be imported
    try:
        import_module("msgspec")
    finally:
        del sys.modules[name]


def _ended(face: "Callable[[], int]") -> int:
    """Run a face that a signal interrupts before it ends it."""
    import signal

    came: list[int] = []

    def interrupt(number: int, _frame: object) -> None:
        came.append(number)
        raise KeyboardInterrupt

    names = ("SIGTERM", "SIGHUP")
    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
    for number in numbers:
        if signal.getsignal(number) is signal.SIG_DFL:  # `nohup` has one ignored
            signal.signal(number, interrupt)
    status = face()
    if came:
        signal.signal(came[0], signal.SIG_DFL)
        os.kill(os.getpid(), came[0])
    return status
