"""Fail points: named places of gitcoord at which a test has its own process suffer.

    spool spool.put before    area, function with its module, side of its call

A point is a side of a function that is there anyway: its code is exchanged in the process that is to suffer, so that
every caller meets it, whatever it imported. Nothing in gitcoord knows of it, and nothing costs anything there.

Rules:
  * A name that resolves to nothing, or a point that the work of its scene never reaches, fails `test_fail_points`.
"""

import errno
import importlib
import inspect
import os
import resource
import signal
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import FunctionType
from typing import Any

SIDES = ("before", "after")
HOW = ("kill", "exception", "full", "stop")
_LEDGER, _REMOTE = "gitcoord.ledger", "gitcoord.remote"
_LEADER, _TRANSACTIONS = f"{_LEDGER}.leader", f"{_LEDGER}.transactions"
_STORE, _COPIES, _JOURNAL = f"{_REMOTE}.store", f"{_REMOTE}.copies", f"{_REMOTE}.journal"
_SNAPSHOT = "gitcoord.service.watch.snapshot"

# Scene -> area -> functions. In `home` worktrees of one clone share its store; in `hub` clones share a repository by
# path; in `http` they do so over nginx, lose races and meet in the inbox.
_COMMON: Mapping[str, Sequence[str]] = {
    "ledger": (
        f"{_TRANSACTIONS}.decider:Decider.decide",
        f"{_TRANSACTIONS}.write:write",
        f"{_LEDGER}.rewinds.lookback:Lookback.acknowledge",
        f"{_LEDGER}.format.trees:write",
        f"{_LEDGER}.format.commits:write",
    ),
    "combining": (f"{_TRANSACTIONS}.combiner:Combiner._acquired", f"{_TRANSACTIONS}.combiner:Combiner._lead"),
    "snapshot": (
        f"{_SNAPSHOT}:Snapshot._has_pen",
        f"{_SNAPSHOT}:Snapshot._write_files",
        f"{_SNAPSHOT}:Snapshot._write_me",
        f"{_LEDGER}.clone.files:write_bytes",
    ),
    "beat": (f"{_TRANSACTIONS}.send_heartbeat:_beat", f"{_LEDGER}.liveness.heartbeat:Beats.sent"),
}
_SPOOL: Mapping[str, Sequence[str]] = {
    "spool": (
        f"{_LEADER}.spool:Spool.put",
        f"{_LEADER}.spool:Spool.take",
        f"{_LEADER}.spool:Spool._take",
        f"{_LEADER}.spool:Spool.deliver",
        f"{_LEADER}.spool:Spool.reply",
        f"{_LEADER}.spool:Spool.leave",
        f"{_LEDGER}.clone.files:write_held",
    ),
    "combining": (
        f"{_TRANSACTIONS}.combiner:Combiner._take",
        f"{_TRANSACTIONS}.combiner:Combiner._lead_others",
        f"{_TRANSACTIONS}.transactions:Transactions.run",
        f"{_LEADER}.pending:Pending.add",
        f"{_LEADER}.pending:Pending.forget",
    ),
}
_HOME: Mapping[str, Sequence[str]] = {
    "journal": (
        f"{_JOURNAL}.journal_file:OpenJournal.append",
        f"{_JOURNAL}.journal_file:OpenJournal.note",
        f"{_JOURNAL}.pack_files:write_pack",
    ),
    "store": (
        f"{_STORE}.journaled_refs:JournaledRefs.swap",
        f"{_STORE}.journaled_refs:JournaledRefs._append",
        f"{_STORE}.journaled_refs:JournaledRefs._refusal",
        f"{_STORE}.write_out:_write_out",
        f"{_STORE}.write_out:put_refs",
        f"{_STORE}.home_tips:record_home_tips",
        f"{_STORE}.home_objects:HomeObjects.write",
    ),
}
_HUB: Mapping[str, Sequence[str]] = {
    "store": (
        f"{_REMOTE}.transports.local:LocalTransport.swap",
        f"{_REMOTE}.transports.local:LocalTransport._write",
        f"{_REMOTE}.transports.local:LocalTransport._write_ref",
        f"{_STORE}.ref_locks:RefLock._take",
        f"{_STORE}.ref_locks:RefLock.write",
        f"{_STORE}.ref_locks:RefLock.give_up",
        f"{_STORE}.pygit_objects:PygitObjects.write",
    )
}
_HTTP: Mapping[str, Sequence[str]] = {
    "inbox": (
        f"{_TRANSACTIONS}.inbox:Inbox.post",
        f"{_TRANSACTIONS}.inbox:Inbox.look",
        f"{_TRANSACTIONS}.inbox:Inbox.read",
        f"{_TRANSACTIONS}.inbox:Inbox.deletions",
        f"{_TRANSACTIONS}.inbox:Inbox.won",
        f"{_LEDGER}.format.post:write",
        f"{_LEDGER}.format.post:read",
        f"{_LEADER}.posted:Posted.add",
        f"{_LEADER}.posted:Posted.made",
        f"{_LEADER}.posted:Posted.forget",
        f"{_LEADER}.pending:Pending.add",
        f"{_LEADER}.pending:Pending.forget",
        f"{_LEADER}.pending:Pending.take_back",
    ),
    "smarthttp": (
        f"{_REMOTE}.transports.smart:SmartTransport.swap",
        f"{_REMOTE}.transports.smart:SmartTransport._push",
        f"{_REMOTE}.transports.smart:SmartTransport._judge_report",
        f"{_REMOTE}.transports.smart:SmartTransport._list",
        f"{_REMOTE}.transports.smart:SmartTransport._bring",
        f"{_REMOTE}.http.git_server:Push.send",
        f"{_REMOTE}.http.connection:Connections.ask",
        f"{_REMOTE}.http.connection:Connections._send",
        f"{_REMOTE}.http.pack_writer:PackWriter.pack",
    ),
    "store": (
        f"{_COPIES}.known_tips:KnownTips.note",
        f"{_COPIES}.buffered_objects:BufferedObjects.write",
        f"{_COPIES}.buffered_objects:BufferedObjects.flush",
        f"{_COPIES}.buffered_objects:BufferedObjects.put",
        f"{_COPIES}.buffered_objects:BufferedObjects.discard",
        f"{_JOURNAL}.pack_files:write_pack",
    ),
}
_AREAS: Mapping[str, Sequence[Mapping[str, Sequence[str]]]] = {
    "home": (_COMMON, _SPOOL, _HOME),
    "hub": (_COMMON, _HUB),
    "http": (_COMMON, _HTTP),
}


SCENES = (*_AREAS,)


def points_of(scene: str) -> dict[str, str]:
    """Return the points of a scene: by name, the function and side, `module:function:side`."""
    return {
        f"{area} {_short(target)} {side}": f"{target}:{side}"
        for areas in _AREAS[scene]
        for area, targets in areas.items()
        for target in targets
        for side in SIDES
    }


def _short(target: str) -> str:
    module, _, path = target.partition(":")
    return f"{module.rpartition('.')[2]}.{path.rpartition('.')[2].strip('_')}"


def function_at(target: str) -> FunctionType:
    """Return the function of `module:name` or `module:Class.name`."""
    module, _, path = target.partition(":")
    owner: Any = importlib.import_module(module)
    *outer, name = path.split(".")
    for part in outer:
        owner = getattr(owner, part)
    found = inspect.getattr_static(owner, name)
    found = getattr(found, "__func__", found)
    assert isinstance(found, FunctionType), f"{target} is no function"
    return found


def arm(point: str, reach: Callable[[], None]) -> None:
    """Have `reach` called whenever this process comes by; `point`: `module:function:side`."""
    target, _, side = point.rpartition(":")
    function = function_at(target)
    real = FunctionType(
        function.__code__, function.__globals__, function.__name__, function.__defaults__, function.__closure__
    )
    real.__kwdefaults__ = function.__kwdefaults__

    def passing(*arguments: Any, **named: Any) -> Any:  # noqa: ANN401 - those of any function
        if side == "before":
            reach()
        result = real(*arguments, **named)
        if side == "after":
            reach()
        return result

    name = f"_passing_{len(function.__globals__)}"
    function.__globals__[name] = passing
    free = ", ".join(function.__code__.co_freevars)  # a function keeps its cells, and code has to name as many
    lines = [
        f"def outer({free}):",
        f" def call(*arguments, **named): return {name}(*arguments, **named); {free}",
        " return call",
    ]
    made: dict[str, Any] = {}
    exec("\n".join(lines), made)  # noqa: S102 - of names of ours
    function.__code__ = made["outer"](*function.__code__.co_freevars).__code__


class PlannedError(Exception):
    """What nobody expects: a bug of ours."""


class Disk:
    """A disk that can be full: the small file system that a folder is on, or else the size of files of this process."""

    def __init__(self, folder: Path | None) -> None:
        """Use the file system of the folder, which nothing else is on."""
        self._filler = folder / "filler" if folder else None

    def fill(self) -> None:
        """Leave no room."""
        if self._filler is None:  # SIGXFSZ is ignored by Python: a write fails
            resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
            return
        handle = os.open(self._filler, os.O_WRONLY | os.O_CREAT, 0o600)
        size, piece = 0, 1 << 24
        while piece >= 1 << 12:
            try:
                os.posix_fallocate(handle, size, piece)
                size += piece
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise
                piece >>= 1
        os.close(handle)

    def make_room(self) -> None:
        """Have room again."""
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        if self._filler is not None:
            with suppress(FileNotFoundError):
                self._filler.unlink()


class Faults:
    """What happens in this process, and where it has been."""

    def __init__(self, disk: Disk) -> None:
        """Arm nothing."""
        self.counts: Counter[str] = Counter()
        self.suffered: list[str] = []
        self._disk = disk

    def count(self, points: Mapping[str, str]) -> None:
        """Count how often each point is reached."""
        for name, point in points.items():
            arm(point, lambda name=name: self.counts.update([name]))

    def plan(self, point: str, nth: int, happens: Callable[[], None]) -> None:
        """Have it happen when the point is reached for the nth time."""
        left = nth

        def reach() -> None:
            nonlocal left
            left -= 1
            if left == 0:
                happens()

        arm(point, reach)

    def suffer(self, how: str) -> None:
        """Die, meet an exception or a full disk, or stop until someone says to go on."""
        self.suffered.append(how)
        match how:
            case "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            case "stop":
                os.kill(os.getpid(), signal.SIGSTOP)
            case "full":
                self._disk.fill()
            case _:
                raise PlannedError
