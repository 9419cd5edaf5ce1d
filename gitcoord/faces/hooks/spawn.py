"""Apart: start gitcoord once more, in a process that goes on when the hook has ended and that nothing waits for."""

import os
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from gitcoord.ledger.hook_view.glance import Clocks

LOOK_EVERY_S = 0.02  # a command takes some tenths of a second


def sync_seldom(top: str, folder: str, every_s: float) -> None:
    """Have what hooks read made anew, not more often than every few seconds. `folder`: ours in the clone.

    Nothing of this ever fails: a disk that cannot be written has no snapshot.
    """
    mark = f"{folder}/watch/refreshed"
    try:
        if abs(time.time() - os.stat(mark).st_mtime) < every_s:
            return
    except OSError:
        pass
    try:
        os.makedirs(os.path.dirname(mark), exist_ok=True)
        with open(mark, "w", encoding="utf-8"):
            pass
        start(top, ("hook", "sync"))
    except OSError:
        pass


def start(folder: str, arguments: "Sequence[str]") -> None:
    """Start `gitcoord <arguments>` in a folder, with no terminal, pipes or process group of ours.

    Nothing of the folder is imported (`-P`): a branch that is checked out must not run.
    A tool waits until every copy of its hook's pipes is closed, and ends the hook's group when it has waited enough.
    """
    if sys.platform == "win32":
        return  # there the server of a session does what its hooks note, or nothing does
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        return
    try:
        os.setsid()
        if os.fork():
            os._exit(0)
        _become(folder, arguments)
    finally:
        os._exit(127)


def run(folder: str, arguments: "Sequence[str]", clocks: "Clocks", until: float) -> None:
    """Do the same and wait for its end, until a moment of the monotonic clock; then it goes on by itself.

    Raises:
        OSError: it cannot be started, or not be waited for.
    """
    if sys.platform == "win32":
        return
    child = os.fork()
    if not child:
        try:
            os.setsid()
            _become(folder, arguments)
        finally:
            os._exit(127)
    while not os.waitpid(child, os.WNOHANG)[0] and clocks.monotonic() < until:
        clocks.sleep(LOOK_EVERY_S)


def _become(folder: str, arguments: "Sequence[str]") -> None:
    os.chdir(folder)
    null = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(null, stream)
    os.execv(sys.executable, [sys.executable, "-P", "-m", "gitcoord", *arguments])
