"""A kind of ledger that gitcoord does not have, whole in this file: a counter that all clones share.

`COUNTER` is all that a new kind needs; `LEDGERS.plus(COUNTER)` is all that the rest is told of it. Many real processes
add to one counter and read it: no addition is lost, none counts twice, and each was told a value that fits its time.
"""

import json
import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest

from gitcoord.core.documents.decision import Context, Decision
from gitcoord.core.documents.doc import Doc, Number
from gitcoord.core.documents.outcomes import Outcome, done, invalid
from gitcoord.errors import RewoundError, UnknownOutcomeError
from gitcoord.ledger.format.entry import Reply
from gitcoord.ledger.kinds.ledger import Ledger, Others, Tree
from gitcoord.ledger.kinds.table import LEDGERS
from gitcoord.runtime.workspace import open_workspace
from gitcoord.service.session.workspace import Workspace
from tests.conftest import MakeRepo
from tests.race.conftest import Race, Races
from tests.race.verify import git, history, read_logs
from tests.race.worker import Log, result_of
from tests.servers.fixtures import Servers

REF = "refs/coord/counter"
PATH = "counter.json"
ADDITIONS = 12  # of each process


# --- the kind of ledger ---


class Count(Doc, frozen=True, kw_only=True):
    value: Number = 0


class Add(Doc, frozen=True, kw_only=True):
    by: Number


class Read(Doc, frozen=True, kw_only=True):
    pass


class Counter(Ledger[Count, Add | Read]):
    place = "counter"
    commands = {"add": Add, "read": Read}  # noqa: RUF012 - as every kind has them

    @property
    def empty(self) -> Count:
        return Count()

    def load(self, tree: Tree[Count]) -> Count:
        oid = tree.folder.file(PATH)
        return tree.documents.doc(oid, Count) if oid else Count()

    def path_of(self, doc: Doc) -> str:
        return PATH

    def decide(self, content: Count, command: Add | Read, context: Context, others: Others) -> Decision[Count]:
        if isinstance(command, Read):
            return Decision(done("counted", value=content.value), after=content)
        if command.by < 1:
            return Decision(invalid("not_positive", "A counter only grows."), after=content)
        new = Count(value=content.value + command.by)
        return Decision(done("added", value=new.value), (new,), after=new)

    def reply(self, content: Count, outcome: Outcome) -> Reply:
        return Reply(outcome=outcome, docs={"counter": content.dump()})


COUNTER = Counter()


# --- a process that counts ---


def open_counter(cwd: Path, env: dict[str, str], name: str, *, serve: bool = False) -> Workspace:
    env = {**env, "GITCOORD_AGENT": f"race/counter/{name}", "GITCOORD_BEAT_SECONDS": "600"}
    return open_workspace(cwd, env, tool="race", session=name, serve=serve, ledgers=LEDGERS.plus(COUNTER))


def give(workspace: Workspace, command: Add | Read, log: Log) -> None:
    setting = workspace.setting
    entry = setting.ledgers.entry_of(setting.host.draw_id(), command, workspace.actor(), None)
    log.called(entry)
    log.returned(entry, result_of(workspace.combiner.submit(entry)))


def main() -> None:
    options = json.loads(sys.argv[1])
    workspace = open_counter(Path(options["cwd"]), {**os.environ}, options["name"], serve=True)
    log = Log(Path(options["log"]))
    print("ready", flush=True)
    sys.stdin.readline()
    for _ in range(ADDITIONS):
        give(workspace, Add(by=1), log)
        give(workspace, Read(), log)
    workspace.close()
    print("unharmed", flush=True)


# --- what must be true ---


@dataclass(frozen=True)
class Call:
    """A command that has an answer: when it was given, when its answer came (in ns), and the counter's value."""

    word: str
    called: int
    returned: int
    value: int


def check(race: Race) -> int:
    """Compare what landed, read with plain git, with what callers were told; return how many additions landed."""
    landed = {line["uid"]: line["outcome"]["facts"]["value"] for line in history(race.git_dir, REF)}
    assert [*landed.values()] == [*range(1, len(landed) + 1)], "an addition was lost, or counted twice"
    assert json.loads(git(race.git_dir, "show", f"{REF}:{PATH}"))["value"] == len(landed)
    assert_in_time(list(answered(race.logs, landed)))
    return len(landed)


def answered(logs: list[Path], landed: dict[str, int]) -> Iterable[Call]:
    for uid, line in read_logs(logs).items():
        if "return" not in line:
            continue  # its process was killed
        if line["verdict"] != "done":
            assert line["code"] == UnknownOutcomeError.code or uid not in landed, f"{line} was said of what landed"
            continue
        value = line["facts"]["value"]
        assert line["word"] == "read" or landed[uid] == value, f"{line} is not what landed"
        yield Call(line["word"], line["call"], line["return"], value)


def assert_in_time(calls: list[Call]) -> None:
    """No answer is older than one that was there before its command was given; each addition is a value of its own."""
    newest = 0
    ends = sorted(calls, key=lambda call: call.returned)
    for call in sorted(calls, key=lambda call: call.called):
        while ends and ends[0].returned < call.called:
            newest = max(newest, ends.pop(0).value)
        assert call.value >= newest + (call.word == "add"), f"{call} was told an old value: {newest} was there"


def run(race: Race) -> None:
    race.start()
    race.finish()

    assert check(race) == len(race.seats) * ADDITIONS


@pytest.mark.rule("SAFE-2", "TXN-1", "TXN-2")
def test_clones_of_one_remote_lose_no_addition_and_count_none_twice(races: Races, servers: Servers) -> None:
    remote = servers.remote("path")

    run(races.make(clones=4, worktrees=2, steps=1, remote=remote, worker=Path(__file__)))


@pytest.mark.rule("SAFE-2", "TXN-2", "TXN-3")
def test_processes_of_one_clone_without_a_remote_lose_no_addition_and_count_none_twice(races: Races) -> None:
    run(races.make(clones=1, worktrees=6, steps=1, worker=Path(__file__)))


@pytest.mark.rule("SAFE-2", "TXN-2", "LIVE-2")
def test_processes_that_are_killed_lose_no_addition_and_count_none_twice(races: Races, servers: Servers) -> None:
    race = races.make(clones=3, worktrees=2, steps=1, remote=servers.remote("path"), worker=Path(__file__))

    race.start()
    race.kill_some(seed=1, victims=[1, 3])
    race.finish(killed=[1, 3])

    assert check(race) >= 4 * ADDITIONS


@pytest.mark.rule("SAFE-9")
def test_a_ledger_of_a_new_kind_that_is_gone_counts_no_further(make_repo: MakeRepo, servers: Servers) -> None:
    remote = servers.remote("path")
    workspace = open_counter(make_repo("clone"), {**os.environ, "GITCOORD_REMOTE": remote.url}, "ann")
    assert workspace.submit(Add(by=3), workspace.actor(), None).docs == {"counter": {"value": 3}}
    git(remote.git_dir, "update-ref", "-d", REF)

    with pytest.raises(RewoundError):
        workspace.submit(Add(by=1), workspace.actor(), None)


if __name__ == "__main__":
    from tests.race.test_new_ledger import main as counting  # its documents are of a module that others can import

    counting()
