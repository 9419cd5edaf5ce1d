"""Processes and threads of one clone that are told of different places to coordinate, or come while it moves."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from filelock import FileLock

from gitcoord.core.steps.step_commands import ClaimStep
from gitcoord.errors import CoordError, UsageError
from gitcoord.ledger.clone import clone_id
from gitcoord.ledger.format.entry import Entry, Reply
from gitcoord.ledger.kinds.table import LEDGERS
from gitcoord.ledger.transactions.combiner import Combiner
from gitcoord.ledger.transactions.transactions import Transactions
from gitcoord.runtime import probe_remote
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.steps.projects import list_projects
from gitcoord.service.steps.step_views import get_step
from gitcoord.service.steps.step_work import claim_step
from gitcoord.service.watch.notices import take_notices
from gitcoord.service.watch.watch import tick
from tests import fork_server
from tests.conftest import Git, MakeBare
from tests.unit.runtime.published import bob as bob  # noqa: PLC0414 - a fixture, of this file only
from tests.unit.runtime.published import remote as remote  # noqa: PLC0414 - a fixture, of this file only
from tests.unit.runtime.published import repo as repo  # noqa: PLC0414 - a fixture, of this file only
from tests.unit.service.world import Agents, Result, later, project, seen, store_of

ROOT = Path(__file__).parents[3]
BOUND_S = 60.0  # for a hang
WORK = """
import os, sys
from pathlib import Path
from gitcoord.runtime import open_workspace
from gitcoord.service.steps.projects import create_project
workspace = open_workspace(Path.cwd(), os.environ, tool="cli")
print("ready", flush=True)
sys.stdin.readline()
create_project(workspace, name=sys.argv[1], base_commit="HEAD", steps=[{"step_num": 1}])
"""


def start(repo: Path, name: str, remote: Path) -> "subprocess.Popen[str]":
    env = {**os.environ, "PYTHONPATH": str(ROOT), "GITCOORD_REMOTE": str(remote), "GITCOORD_AGENT": f"ann/cli/{name}"}
    process = fork_server.start(
        [sys.executable, "-c", WORK, name], cwd=repo, env=env, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout
    assert process.stdout.readline() == "ready\n"
    return process


@pytest.mark.rule("SAFE-3", "TXN-3")
def test_what_waits_for_the_lock_lands_in_the_remote_that_its_process_named(
    repo: Path, make_bare: MakeBare, git: Git
) -> None:
    remotes = {name: make_bare(f"{name}.git") for name in ("one", "two")}
    folder = repo / ".git" / "gitcoord"
    started = [start(repo, name, remote) for name, remote in remotes.items()]

    with FileLock(folder / "lock"):
        for process in started:
            assert process.stdin
            process.stdin.write("go\n")
            process.stdin.flush()
        end = time.monotonic() + BOUND_S
        while len(list(folder.rglob("spool/*.json"))) < len(started) and time.monotonic() < end:
            time.sleep(0.01)
    for process in started:
        process.communicate(timeout=BOUND_S)

    assert [process.returncode for process in started] == [0, 0]
    found = {name: git(remote, "for-each-ref", "--format=%(refname)") for name, remote in remotes.items()}
    assert found == {name: f"refs/coord/steps/{name}" for name in remotes}


@pytest.mark.rule("STORE-2")
@pytest.mark.parametrize("is_empty", [False, True], ids=["published", "never used here"])
def test_whoever_names_no_remote_does_not_turn_the_store_back(
    agents: Agents, repo: Path, remote: Path, git: Git, is_empty: bool
) -> None:
    if not is_empty:
        project(agents(repo, "ann/cli/wt"))
    ann = agents(repo, "ann/cli/wt", GITCOORD_REMOTE="origin")
    project(ann, name="shared")
    before, description = git(remote, "for-each-ref"), store_of(repo).with_name("store.json").read_text()

    for named in ("", "."):
        with pytest.raises(UsageError, match=r"is at .*remote\.git now") as caught:
            agents(repo, "bob/cli/wt", GITCOORD_REMOTE=named)
        assert "gitcoord init --remote ." in caught.value.hint

    assert git(store_of(repo), "for-each-ref", "refs/coord") == ""
    assert (git(remote, "for-each-ref"), store_of(repo).with_name("store.json").read_text()) == (before, description)


def test_a_remote_that_was_only_tried_does_not_take_the_clone_with_it(agents: Agents, repo: Path, remote: Path) -> None:
    probe_remote(repo, os.environ, remote.as_uri())
    with pytest.raises(CoordError):
        probe_remote(repo, os.environ, "file:///nowhere.git")

    project(agents(repo, "ann/cli/wt"))

    assert seen(list_projects(agents(repo, "ann/cli/wt")))["count"] == 1


@pytest.mark.rule("STORE-2")
def test_two_threads_that_come_a_moment_too_late_are_both_carried_out_where_the_clone_is_now(
    agents: Agents, repo: Path, git: Git, bob: Workspace
) -> None:
    old = agents(repo, "ann/claude/wt", serve=True)
    project(old, (), ())
    both = threading.Barrier(2, timeout=30)

    class Late(Combiner):
        def submit(self, entry: Entry, wait_s: float | None = None) -> Reply:
            if both.wait() == 0:
                git(repo, "config", "gitcoord.remote", "origin")
                agents(repo, "ann/cli/wt")
            both.wait()
            reply = super().submit(entry, wait_s)
            both.wait()  # now one of them follows, and the other is followed for
            return reply

    old.combiner = Late(old.setting.clone.folder, old.setting.host, Transactions(old.setting))
    taken: list[str] = []
    threads = [
        threading.Thread(target=lambda one=one: taken.append(Result(claim_step(old, agent_id=one))["step"]["id"]))
        for one in ("tests", "docs")
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert sorted(taken) == ["app/1", "app/2"]
    assert [seen(get_step(bob, step_id=one))["step"]["status"] for one in sorted(taken)] == ["claimed"] * 2


@pytest.mark.rule("SAFE-2")
def test_a_renewal_that_nobody_was_told_of_is_told_after_the_remote_has_changed(
    agents: Agents, repo: Path, git: Git
) -> None:
    ann = agents(repo, "ann/claude/wt", serve=True)
    first = ann.clone_id
    ann.setting.clone.rename(clone_id.redraw(ann.setting.clone.folder, first, lambda: "b" * 16, "1"))
    clone_id.redraw(ann.setting.clone.folder, ann.clone_id, lambda: "c" * 16, "2")  # another process found a stranger
    git(repo, "config", "gitcoord.remote", "origin")

    list_projects(ann)

    told = [one for one in take_notices(ann) if one["notice"] == "clone_renewed"]
    assert [former in str(one["message"]) for former, one in zip((first, "b" * 10), told, strict=True)] == [True] * 2
    assert ann.clone_id == ann.setting.clone.id == "c" * 10


@pytest.mark.rule("SAFE-3")
def test_sessions_that_coordinate_in_two_places_do_not_carry_out_each_other_s_commands(
    agents: Agents, repo: Path, make_bare: MakeBare
) -> None:
    here = agents(repo, "bob/cli/wt", GITCOORD_REMOTE=str(make_bare("other.git")))
    ann = agents(repo, "ann/cli/wt", GITCOORD_REMOTE="origin")
    place = here.setting.place_folder.name
    entry = LEDGERS.entry_of("x" * 16, ClaimStep(), here.actor(), "app", pid=os.getpid()).evolve(place=place)
    project(here)
    here.combiner._spool.put(entry)

    project(ann, name="there")

    assert here.combiner._spool.reply(entry.uid) is None
    project(here, name="again")
    assert here.combiner._spool.reply(entry.uid) is not None


@pytest.mark.rule("SAFE-3")
def test_what_lies_in_a_spool_and_is_meant_for_another_place_is_not_carried_out(agents: Agents, repo: Path) -> None:
    ann = agents(repo, "ann/cli/wt")
    project(ann)
    entry = LEDGERS.entry_of("x" * 16, ClaimStep(), ann.actor(), "app", pid=os.getpid()).evolve(place="another")
    ann.combiner._spool.put(entry)

    project(ann, name="web")
    reply = ann.combiner._spool.reply(entry.uid)

    assert reply is not None
    assert reply.failure is not None
    assert "meant for another remote" in reply.failure.message
    assert seen(get_step(ann, step_id="app/1"))["step"]["status"] == "not_started"


@pytest.mark.rule("SAFE-7")
def test_two_spellings_of_one_remote_do_not_make_a_clone_take_itself_for_a_copy(
    agents: Agents, repo: Path, remote: Path, git: Git
) -> None:
    ann = agents(repo, "ann/claude/wt", serve=True, GITCOORD_REMOTE=str(remote))
    bob = agents(repo, "bob/claude/wt", serve=True, GITCOORD_REMOTE=remote.as_uri())
    first = ann.clone_id

    for one in (ann, ann, bob, ann, bob, bob, ann):
        tick(later(one, minutes=3))

    assert ann.clone_id == bob.clone_id == first
    assert [note for one in (ann, bob) for note in take_notices(one) if note["notice"] == "clone_renewed"] == []
    assert git(remote, "for-each-ref", "--format=%(refname)", "refs/coord") == ann.setting.beats.ref
