"""One process of a history: its agents give commands on steps and claims, drawn from a seed, and note each.

    python caller.py '{"cwd": …, "name": "w1", "agents": 2, "log": …, "seed": 7, "commands": 20, "unsure": 5}'

It prints "ready", waits for a line on its standard input, gives all its commands, prints "done" with how many swaps it
lost to others, and lives until there is another line: others take over what a session that has ended held. All want the
same few files and steps. With `unsure` an answer of the remote goes missing each so many swaps: in turn of one that was
never sent, of one that broke in the middle, and of one that landed.
"""

import errno
import json
import os
import random
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from gitcoord.core.claims.claim_commands import (
    CancelEntry,
    ClaimFiles,
    ExtendClaims,
    KeepWaiting,
    ReleaseClaims,
    Wish,
)
from gitcoord.core.documents.doc import Doc, replace
from gitcoord.core.steps.step_commands import ClaimStep, CompleteStep, FailStep, RecoverStep
from gitcoord.ledger.transactions.combiner import Combiner
from gitcoord.ledger.transactions.transactions import Transactions
from gitcoord.remote.contract.protocol import RefUpdate, SwapOutcome, SwapStatus
from gitcoord.runtime import open_workspace
from gitcoord.service.session.workspace import Workspace
from tests.race.worker import Faulty, Log, Worker

PATTERNS = ("src/a.py", "src/b.py", "src/**", "docs/guide.md")
STEP_PATHS = {1: ["src/a.py"], 2: ["docs/**"], 5: ["src/b.py"]}
"""What steps of the project claim; the rest claim nothing."""

COMMIT = "c" * 40
WORK_S = 40.0  # who has waited for a minute comes first, and the time of `specification` stands still
_CUT = SwapOutcome(SwapStatus.UNKNOWN, "the connection was cut")


class Unsure(Faulty):
    """Passes everything on; of each so many swaps the answer does not arrive."""

    def __init__(self, inner: Any, every: int) -> None:  # noqa: ANN401 - a transport, as of `Faulty`
        super().__init__(inner, "", "", 0)
        self.every, self.count = every, 0

    def swap(self, updates: Sequence[RefUpdate]) -> SwapOutcome:
        self.count += 1
        turn, is_cut = divmod(self.count, self.every)
        if is_cut:
            return self.inner.swap(updates)
        if turn % 3 == 1:
            return _CUT
        outcome = self.inner.swap(updates)
        if turn % 3 == 2:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return _CUT if outcome.status is SwapStatus.WON else outcome


class Agent:
    """One agent, and what it believes to have."""

    def __init__(self, caller: "Caller", name: str | None) -> None:
        self.caller, self.name = caller, name
        self.claims: list[str] = []
        self.released: list[str] = []
        self.entries: list[str] = []
        self.steps: list[tuple[int, int]] = []
        self.left: list[tuple[int, int]] = []

    def turn(self) -> None:
        """Give one command that makes sense, or, now and then, one that comes too late."""
        chance = self.caller.chance
        ways: list[tuple[int, Callable[[], object]]] = [(6, self.claim), (3, self.claim_step)]
        ways += [(9, self.release), (2, self.extend)] if self.claims else []
        ways += [(3, self.ask), (1, self.cancel)] if self.entries else []
        ways += [(3, self.complete), (1, self.fail)] if self.steps else []
        ways += [(1, self.come_late)] if self.released or self.left else []
        chance.choices([way for _, way in ways], [weight for weight, _ in ways])[0]()

    def give(self, command: Doc) -> Mapping[str, Any]:
        result = self.caller.give(command, self.name)
        return result if result["verdict"] == "done" else {}

    def claim(self) -> None:
        chance = self.caller.chance
        wishes = tuple(Wish(pattern=pattern) for pattern in chance.sample(PATTERNS, chance.choice((1, 1, 2))))
        claim_id, entry_id = self.caller.drawn("c"), self.caller.drawn("q")
        wait_s = chance.choice((0, 0, 600))
        facts = self.give(ClaimFiles(claim_id=claim_id, entry_id=entry_id, wishes=wishes, wait_s=wait_s)).get("facts")
        self._note(facts)

    def _note(self, facts: Mapping[str, Any] | None) -> None:
        if facts and facts.get("claim") and facts["claim"] not in self.claims:
            self.claims.append(facts["claim"])
        if facts and facts.get("waiting") and facts["queue_id"] not in self.entries:
            self.entries.append(facts["queue_id"])

    def release(self) -> None:
        claim = self.caller.chance.choice(self.claims)
        if self.give(ReleaseClaims(ids=(claim,))):
            self.claims.remove(claim)
            self.released.append(claim)

    def extend(self) -> None:
        self.give(ExtendClaims(ids=(self.caller.chance.choice(self.claims),), hours=9))

    def ask(self) -> None:
        entry = self.caller.chance.choice(self.entries)
        facts = self.give(KeepWaiting(entry_id=entry)).get("facts")
        if not (facts and facts.get("waiting")):
            self.entries.remove(entry)
        self._note(facts)

    def cancel(self) -> None:
        self.give(CancelEntry(entry_id=self.entries.pop()))

    def claim_step(self) -> None:
        facts = self.give(ClaimStep(claim_id=self.caller.drawn("c"))).get("facts")
        if facts and (facts["step_num"], facts["fence"]) not in self.steps:
            self.steps.append((facts["step_num"], facts["fence"]))

    def complete(self) -> None:
        num, fence = self.steps[0]
        if self.give(CompleteStep(step_num=num, commit_hash=COMMIT, fence=fence)):
            self.left.append(self.steps.pop(0))

    def fail(self) -> None:
        num, fence = self.steps[0]
        if self.give(FailStep(step_num=num, reason="the tests are red", fence=fence)):
            self.left.append(self.steps.pop(0))
            self.give(RecoverStep(step_num=num))

    def come_late(self) -> None:
        """Name what it no longer has."""
        if self.released and (not self.left or self.caller.chance.random() < 0.5):
            self.give(ExtendClaims(ids=(self.released[-1],), hours=9))
        else:
            num, fence = self.left[-1]
            self.give(CompleteStep(step_num=num, commit_hash=COMMIT, fence=fence))


class Caller(Worker):
    """The agents of one process, in turn."""

    def __init__(self, workspace: Workspace, log: Log, options: Mapping[str, Any]) -> None:
        super().__init__(workspace, log, int(options["agents"]))
        self.chance = random.Random(f"{options['seed']} {options['name']}")
        self._left = int(options["commands"])
        self._name, self._count = options["name"], 0

    def drawn(self, kind: str) -> str:
        """Return an id that no other process draws."""
        self._count += 1
        return f"{kind}-{self._name}-{self._count:04}"

    def work(self) -> None:
        agents, end = [Agent(self, name) for name in self.agents], time.monotonic() + WORK_S
        for number in range(self._left):
            if time.monotonic() < end:
                agents[number % len(agents)].turn()


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> None:
    options = json.loads(sys.argv[1])
    env = {**os.environ, "GITCOORD_AGENT": f"race/worker/{options['name']}", "GITCOORD_BEAT_SECONDS": "600"}
    workspace = open_workspace(Path(options["cwd"]), env, tool="race", session=options["name"], serve=True)
    setting = workspace.setting
    unsure = Unsure(setting.transport, int(options["unsure"] or sys.maxsize))
    if options["unsure"]:
        workspace.setting = replace(setting, transport=unsure)
        workspace.combiner = Combiner(setting.clone.folder, setting.host, Transactions(workspace.setting))
    caller = Caller(workspace, Log(Path(options["log"])), options)
    say("ready")
    sys.stdin.readline()
    caller.work()
    say(f"done {workspace.combiner.transactions.lost_swaps}")
    sys.stdin.readline()
    unsure.every = sys.maxsize  # what an end says is no command
    workspace.close()


if __name__ == "__main__":
    main()
