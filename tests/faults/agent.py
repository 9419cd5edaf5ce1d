"""One agent of a world of faults: a process that carries out what it is told, line by line.

    python agent.py '{"cwd": …, "name": …, "log": …, "point": …, "nth": 1, "how": "kill", …}'

It prints `{"ready": true}`, then a line for each line that it reads. Of each command of a ledger its log has one line
before and one after it (see `tests/race/verify`), so that the log of a process that was killed still says what it was
about. `gate`: a point at which it prints `{"gate": true}`, once, and waits for a line. `minutes`: how far its clock is
ahead.
"""

import json
import os
import sys
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from gitcoord.core.claims.claim_commands import ClaimFiles, ReleaseClaims, Wish
from gitcoord.core.documents.doc import Doc, replace
from gitcoord.core.steps.step_commands import ClaimStep, CompleteStep
from gitcoord.errors import CoordError
from gitcoord.ledger.kinds.table import LEDGERS
from gitcoord.ledger.transactions.send_heartbeat import beat_now
from gitcoord.runtime import open_workspace
from gitcoord.runtime.machine import make_host
from gitcoord.service.watch.snapshot import Snapshot
from tests.faults.fail_points import Disk, Faults, points_of
from tests.race.worker import Log, result_of

PROJECT = "app"
COMMIT = "c" * 40
Result = dict[str, Any]


class Agent:
    """What it can be told to do."""

    def __init__(self, options: Mapping[str, Any], disk: Disk) -> None:
        """Open a workspace with a session that lives."""
        env = {**os.environ, "GITCOORD_AGENT": f"race/worker/{options['name']}", "GITCOORD_BEAT_SECONDS": "600"}
        self._ahead = timedelta(minutes=options.get("minutes", 0))
        real = make_host()
        host = replace(real, now=lambda: real.now() + self._ahead)
        session = f"{options['name']}-{os.getpid()}"
        self.workspace = open_workspace(Path(options["cwd"]), env, tool="race", session=session, serve=True, host=host)
        self._log = Log(Path(options["log"]))
        self._disk = disk
        self._step: tuple[int, int] | None = None

    def do(self, told: Mapping[str, Any]) -> Result:
        """Carry out a line; what breaks is a result, too."""
        try:
            return getattr(self, told["do"])(told)
        except Exception as error:  # noqa: BLE001 - who asked wants to know
            return {"verdict": "error", "code": getattr(error, "code", "bug"), "said": f"{error!r} {error.__cause__!r}"}
        finally:
            self._disk.make_room()

    def claim(self, told: Mapping[str, Any]) -> Result:
        wishes = tuple(Wish(pattern=pattern, hours=told.get("hours")) for pattern in told["patterns"])
        drawn = f"c-{self.workspace.setting.host.draw_id()[:8]}"
        return self._submit(ClaimFiles(claim_id=drawn, wishes=wishes), told)

    def release(self, told: Mapping[str, Any]) -> Result:
        return self._submit(ReleaseClaims(), told)

    def step(self, told: Mapping[str, Any]) -> Result:
        drawn = f"c-{self.workspace.setting.host.draw_id()[:8]}"
        result = self._submit(ClaimStep(claim_id=drawn), told)
        if result["verdict"] == "done":
            self._step = result["facts"]["step_num"], result["facts"]["fence"]
        return result

    def complete(self, told: Mapping[str, Any]) -> Result:
        if self._step is None:
            return {"verdict": "refused", "code": "no_step"}
        num, fence = self._step
        return self._submit(CompleteStep(step_num=num, commit_hash=COMMIT, fence=fence), told)

    def _submit(self, command: Doc, told: Mapping[str, Any]) -> Result:
        workspace = self.workspace
        workspace.follow()
        project = PROJECT if isinstance(command, ClaimStep | CompleteStep) else None
        entry = LEDGERS.entry_of(workspace.setting.host.draw_id(), command, workspace.actor(), project)
        self._log.called(entry)
        result: Result = {"verdict": "error", "code": "interrupted"}
        try:
            reply = workspace.combiner.submit(entry, told.get("wait_s"))
            result = result_of(reply)
            result["said"] = str(reply.failure.message if reply.failure else reply.outcome and reply.outcome.message)
        except Exception as error:  # noqa: BLE001 - as a face does
            code = error.code if isinstance(error, CoordError) else "bug"
            result = {"verdict": "error", "code": code, "raised": True, "said": repr(error)}
        finally:
            self._disk.make_room()  # the log is elsewhere, but not where the size of files is what is limited
            self._log.returned(entry, result)
        return result

    def beat(self, _told: Mapping[str, Any]) -> Result:
        return {"verdict": "done", "sent": beat_now(self.workspace.setting, self.workspace.combiner, force=True)}

    def tell(self, _told: Mapping[str, Any]) -> Result:
        snapshot = Snapshot(self.workspace)
        snapshot.tell()
        return {"verdict": "done"}

    def write_out(self, _told: Mapping[str, Any]) -> Result:
        return {"verdict": "done", "written": self.workspace.setting.transport.write_out()}  # type: ignore[attr-defined]

    def look(self, _told: Mapping[str, Any]) -> Result:
        return {"verdict": "done", "claims": sorted(self.workspace.register().claims)}

    def clock(self, told: Mapping[str, Any]) -> Result:
        self._ahead += timedelta(minutes=told["minutes"])
        return {"verdict": "done"}


def wait_at_gate() -> None:
    say({"gate": True})
    sys.stdin.readline()


def say(value: Mapping[str, Any]) -> None:
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


def main() -> None:
    options = json.loads(sys.argv[1])
    disk = Disk(Path(options["disk"]) if options.get("disk") else None)
    faults = Faults(disk)
    agent = Agent(options, disk)
    if options.get("counts"):
        faults.count(points_of(options["counts"]))
    if options.get("point"):
        faults.plan(options["point"], options["nth"], lambda: faults.suffer(options["how"]))
    if options.get("gate"):
        faults.plan(options["gate"], 1, wait_at_gate)
    say({"ready": True})
    for line in sys.stdin:
        told = json.loads(line)
        if told["do"] == "close":
            break
        say(agent.do(told))
    try:
        agent.workspace.close()
    finally:
        disk.make_room()
        say({"counts": faults.counts, "suffered": faults.suffered})


if __name__ == "__main__":
    main()
