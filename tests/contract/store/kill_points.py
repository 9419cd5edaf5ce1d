"""Ends a process, as `kill -9` does, at the n-th of all calls that change a file; or has the disk full from there on.

    python kill_points.py <folder of a clone> swap|write-out kill|full

Prints a line of JSON a point: {"point": n, "status": of the swap or null, "tip": what was to be put}. Each point works
on a copy of the clone, `<folder>-<n>`, which is left for the caller. It ends with the first point that is not reached.
"""

import errno
import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gitcoord.remote.contract.protocol import RefUpdate
from gitcoord.remote.store.store import Store, open_store
from gitcoord.remote.store.write_out import write_out
from gitcoord.remote.transports.home import HomeTransport
from tests.contract.worlds import CLAIMS, STEPS, WAITING, commit

CHANGING = ("write", "pwrite", "fsync", "fdatasync", "ftruncate", "rename", "replace", "link", "unlink", "mkdir")


def interrupt(point: int, how: str) -> Callable[[], int]:
    """Change the functions that change files; return how many were called by now."""
    count = 0

    def wrapped(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **more: Any) -> Any:  # noqa: ANN401 - those of any of them
            nonlocal count
            count += 1
            if how == "kill" and count == point + 1:  # the one before was done
                os._exit(9)
            if how == "full" and count > point and real.__name__ not in {"ftruncate", "unlink"}:
                raise OSError(errno.ENOSPC, "No space left on device")
            return real(*arguments, **more)

        return call

    for name in CHANGING:
        setattr(os, name, wrapped(getattr(os, name)))
    return lambda: count


def work(store: Store, what: str, point: int, how: str, report: int) -> None:
    """Do it in this process, which may not survive."""
    home = HomeTransport(store, clocks=WAITING)
    tips = home.read(["refs/"])
    tip = commit(home, f"point {point}", tips[CLAIMS])
    os.write(report, f"{tip}\n".encode())
    calls = interrupt(point, how)
    status = "null"
    if what == "swap":
        status = home.swap([RefUpdate(CLAIMS, tips[CLAIMS], tip), RefUpdate(STEPS, tips.get(STEPS), tip)]).status.value
    else:
        try:
            write_out(store.folder, WAITING)
        except OSError:
            status = "refused"
    reached = calls() > point
    os.writev(report, [f"{status} {reached}\n".encode()])


def main() -> None:
    """Try one point after the other."""
    folder, what, how = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
    for point in range(1000):
        copy = folder.with_name(f"{folder.name}-{point}")
        shutil.copytree(folder, copy)
        store = open_store(copy)
        assert store is not None
        reader, report = os.pipe()
        child = os.fork()
        if child == 0:
            work(store, what, point, how, report)
            os._exit(0)
        os.close(report)
        with os.fdopen(reader, "rb") as file:
            tip, *rest = file.read().decode().split()
        os.waitpid(child, 0)
        is_reached = not rest or rest[1] == "True"
        print(json.dumps({"point": point, "status": rest[0] if rest else None, "tip": tip, "reached": is_reached}))
        if not is_reached:
            return


if __name__ == "__main__":
    main()
