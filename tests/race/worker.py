"""One process of a race: agents that drain a project, and say of each command when it was given and what came of it.

    python worker.py '{"cwd": …, "name": …, "agents": 2, "log": …, "fault": …}'

It opens its workspace, prints "ready", waits for a line on its standard input, and works until the project is done.
The log has one line before each command and one after it, so that the log of a process that was killed still says
what it was about. A fault is a point of a transaction and what happens there (see `Faulty`).
"""

import errno
import json
import os
import resource
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

from gitcoord.core.documents.doc import Doc, replace
from gitcoord.core.steps.step_commands import ClaimStep, CompleteStep
from gitcoord.errors import CoordError
from gitcoord.ledger.format.entry import Entry, Reply
from gitcoord.ledger.kinds.table import LEDGERS
from gitcoord.ledger.leader.spool import Spool, Waiting
from gitcoord.ledger.transactions.combiner import Combiner
from gitcoord.ledger.transactions.transactions import Transactions
from gitcoord.remote.contract.protocol import ObjectKind, Oid, RefFault, RefUpdate, SwapOutcome, Transport
from gitcoord.remote.transports.home import HomeTransport
from gitcoord.remote.transports.local import LocalTransport
from gitcoord.runtime import open_workspace
from gitcoord.service.session.workspace import Workspace

PROJECT = "app"
COMMIT = "c" * 40
WORK_S = 150.0  # a bound for a race that hangs
PAUSE_S = 0.02  # while others hold what is left


class Faulty:
    """Passes everything on, until the named point is reached for the nth time; then this process suffers.

    Points: read, objects, before-swap, in-swap (its locks are taken), after-swap, and those of `FaultySpool`.
    What: kill, exception, full.
    """

    def __init__(self, inner: Transport, point: str, what: str, nth: int) -> None:
        self.inner, self.point, self.what, self.left = inner, point, what, nth
        self.name, self.objects = inner.name, self
        if isinstance(inner, LocalTransport):
            self._write, inner._write = inner._write, self.write_refs  # pyright: ignore[reportAttributeAccessIssue]
        if isinstance(inner, HomeTransport):
            refs = inner._journaled
            self._append, refs._append = refs._append, self.append  # pyright: ignore[reportAttributeAccessIssue]

    @property
    def is_far(self) -> bool:
        return self.inner.is_far

    @property
    def atomic(self) -> bool:
        return self.inner.atomic

    @property
    def sends_checks(self) -> bool:
        return self.inner.sends_checks

    @property
    def faults(self) -> Sequence[RefFault]:
        return self.inner.faults

    @property
    def object_format(self) -> str:
        return self.inner.objects.object_format

    def read(self, what: Any) -> Any:  # noqa: ANN401 - both of a transport and of its objects
        if isinstance(what, str):
            return self.inner.objects.read(Oid(what))
        self.reach("read")
        return self.inner.read(what)

    def has(self, oid: Oid) -> bool:
        return self.inner.objects.has(oid)

    def write(self, kind: ObjectKind, data: bytes) -> Oid:
        self.reach("objects")
        return self.inner.objects.write(kind, data)

    def fetch(self, oids: Iterable[Oid]) -> None:
        self.inner.fetch(oids)

    def write_refs(self, *words: Any) -> SwapOutcome:  # noqa: ANN401 - what `LocalTransport` gives
        self.reach("in-swap")
        return self._write(*words)

    def append(self, *words: Any) -> None:  # noqa: ANN401 - what `JournaledRefs` gives
        self.reach("in-swap")
        self._append(*words)

    def swap(self, updates: Sequence[RefUpdate]) -> SwapOutcome:
        self.reach("before-swap")
        outcome = self.inner.swap(updates)
        self.reach("after-swap")
        return outcome

    def reach(self, point: str) -> None:
        self.left -= point == self.point
        if point == self.point and self.left == 0:
            suffer(self.what)


SUFFERED: list[str] = []


def make_room() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


def suffer(what: str) -> None:
    if what == "kill":
        os._exit(137)
    SUFFERED.append(what)
    if what == "full":  # nothing can be written any more, as on a full disk; SIGXFSZ is ignored by Python
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
        return
    raise OSError(errno.EIO, os.strerror(errno.EIO))


class FaultySpool:
    """Passes everything on to a spool. Points: put, take, before-reply, after-reply."""

    def __init__(self, inner: Spool, faulty: Faulty) -> None:
        self._inner, self._reach = inner, faulty.reach

    def put(self, entry: Entry) -> str:
        name = self._inner.put(entry)
        self._reach("put")
        return name

    def take(self) -> list[Waiting]:
        taken = self._inner.take()
        if taken:
            self._reach("take")
        return taken

    def deliver(self, waiting: list[Waiting], replies: Mapping[str, Reply], own: str = "") -> None:
        if waiting:
            self._reach("before-reply")
        self._inner.deliver(waiting, replies, own)
        if waiting:
            self._reach("after-reply")

    def withdraw(self, name: str) -> bool:
        return self._inner.withdraw(name)

    def leave(self, uid: str) -> None:
        self._inner.leave(uid)

    def is_empty(self) -> bool:
        return self._inner.is_empty()

    def reply(self, uid: str) -> Reply | None:
        return self._inner.reply(uid)


class Log:
    """Lines for `verify` and `linearizable`."""

    def __init__(self, path: Path) -> None:
        self._file: TextIO = path.open("w", buffering=1, encoding="utf-8")

    def called(self, entry: Entry) -> None:
        fields = {"uid": entry.uid, "word": entry.word, "args": dict(entry.arguments), "by": entry.actor.dump()}
        self._line({"call": time.monotonic_ns(), **fields})

    def returned(self, entry: Entry, result: Mapping[str, object]) -> None:
        self._line({"return": time.monotonic_ns(), "uid": entry.uid, **result})

    def _line(self, value: object) -> None:
        self._file.write(json.dumps(value) + "\n")


def result_of(reply: Reply) -> dict[str, object]:
    if reply.failure is not None:
        return {"verdict": "error", "code": reply.failure.code}
    assert reply.outcome is not None
    return {"verdict": str(reply.outcome.verdict), "code": reply.outcome.code, "facts": dict(reply.outcome.facts)}


class Worker:
    """The agents of one process, in turn."""

    def __init__(self, workspace: Workspace, log: Log, agents: int) -> None:
        self.workspace, self.log = workspace, log
        self.agents = [None, *(f"sub{at}" for at in range(1, agents))]

    def give(self, command: Doc, agent: str | None) -> dict[str, object]:
        actor = self.workspace.actor(agent)
        entry = LEDGERS.entry_of(self.workspace.setting.host.draw_id(), command, actor, PROJECT)
        self.log.called(entry)
        try:
            result = result_of(self.workspace.combiner.submit(entry))
        except (CoordError, OSError) as error:
            result = {"verdict": "error", "code": getattr(error, "code", type(error).__name__), "raised": True}
        finally:
            make_room()
        self.log.returned(entry, result)
        return result

    def work(self) -> None:
        """Take steps and hand them in until nothing is left."""
        end = time.monotonic() + WORK_S
        while time.monotonic() < end:
            taken = [(agent, self.give(ClaimStep(), agent)) for agent in self.agents]
            if any(result["code"] in {"all_done", "project_ended"} for _, result in taken):
                return
            for agent, result in taken:
                self.finish(agent, result)
            if not any(result["verdict"] == "done" for _, result in taken):
                time.sleep(PAUSE_S)

    def finish(self, agent: str | None, claimed: Mapping[str, Any]) -> None:
        if claimed["verdict"] != "done":
            return
        num, fence = claimed["facts"]["step_num"], claimed["facts"]["fence"]
        for _ in range(20):
            result = self.give(CompleteStep(step_num=num, commit_hash=COMMIT, fence=fence), agent)
            if result["verdict"] != "error":
                return


def with_fault(workspace: Workspace, point: str, what: str, nth: int) -> None:
    setting = workspace.setting
    faulty = Faulty(setting.transport, point, what, nth)
    workspace.setting = replace(setting, transport=faulty)
    workspace.combiner = Combiner(setting.clone.folder, setting.host, Transactions(workspace.setting))
    workspace.combiner._spool = FaultySpool(workspace.combiner._spool, faulty)  # pyright: ignore[reportAttributeAccessIssue]


def main() -> None:
    options = json.loads(sys.argv[1])
    env = {**os.environ, "GITCOORD_AGENT": f"race/worker/{options['name']}", "GITCOORD_BEAT_SECONDS": "600"}
    workspace = open_workspace(Path(options["cwd"]), env, tool="race", session=options["name"], serve=True)
    if options.get("fault"):
        with_fault(workspace, *options["fault"])
    worker = Worker(workspace, Log(Path(options["log"])), int(options["agents"]))
    print("ready", flush=True)
    sys.stdin.readline()
    worker.work()
    workspace.close()
    print("suffered" if SUFFERED else "unharmed", flush=True)


if __name__ == "__main__":
    main()
