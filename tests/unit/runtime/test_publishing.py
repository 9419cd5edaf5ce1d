"""Naming a remote later, and going back: what was coordinated in one clone becomes everybody's."""

import errno
import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gitcoord.core.documents.doc import replace
from gitcoord.errors import CoordError, DeniedError, StorageError, StoreDamagedError, UsageError
from gitcoord.ledger.format.entry import Entry, Reply
from gitcoord.ledger.transactions.combiner import Combiner
from gitcoord.ledger.transactions.transactions import Transactions
from gitcoord.remote.contract.protocol import RefName, RefUpdate, SwapStatus
from gitcoord.runtime import coordinate_here, make_host
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.steps.projects import list_projects
from gitcoord.service.steps.step_views import get_agent_events, get_step
from gitcoord.service.steps.step_work import claim_step, complete_step, heartbeat
from gitcoord.service.watch.notices import take_notices
from gitcoord.service.watch.overview import status
from gitcoord.service.watch.watch import tick
from tests.conftest import Git, MakeBare
from tests.unit.runtime.published import bob as bob  # noqa: PLC0414 - a fixture, of this file only
from tests.unit.runtime.published import remote as remote  # noqa: PLC0414 - a fixture, of this file only
from tests.unit.runtime.published import repo as repo  # noqa: PLC0414 - a fixture, of this file only
from tests.unit.service.world import Agents, Result, project, seen, store_of


def names(workspace: Workspace) -> list[str]:
    result: Result = list_projects(workspace)
    return sorted(row["name"] for row in result["projects"])


@pytest.mark.rule("STORE-2")
def test_naming_a_remote_publishes_what_was_here_as_one_commit_each(
    agents: Agents, repo: Path, remote: Path, git: Git, bob: Workspace
) -> None:
    home = agents(repo, "ann/cli/wt")
    for name in ("one", "two"):
        project(home, (), (), name=name)
    claim_step(home, project="one")

    ann = agents(repo, "ann/cli/wt", GITCOORD_REMOTE="origin")

    assert take_notices(ann) == [{"notice": "published", "message": "2 ledgers of this clone are now on the remote."}]
    assert names(bob) == names(ann) == ["one", "two"]
    assert git(remote, "log", "--format=%s", "refs/coord/steps/one") == "publish one"
    assert git(store_of(repo), "for-each-ref", "refs/coord") == ""


@pytest.mark.rule("STORE-2")
def test_a_step_that_was_taken_before_is_worked_on_after(agents: Agents, repo: Path, git: Git, bob: Workspace) -> None:
    project(agents(repo, "ann/cli/wt"))
    claim_step(agents(repo, "ann/cli/wt"))

    ann = agents(repo, "ann/cli/wt", GITCOORD_REMOTE="origin")
    beaten = heartbeat(ann)
    refused: Result = claim_step(bob)
    done: Result = complete_step(ann, step_id="app/1", commit_hash="HEAD")

    assert beaten == {"steps": [{"id": "app/1", "status": "held"}], "count": 1}
    assert refused["step"] is None
    assert done["step"]["status"] == "completed"


def test_it_is_published_once(agents: Agents, repo: Path, remote: Path, git: Git) -> None:
    project(agents(repo, "ann/cli/wt"))
    agents(repo, "ann/cli/wt", GITCOORD_REMOTE="origin")
    tip = git(remote, "rev-parse", "refs/coord/steps/app")

    again = agents(repo, "ann/cli/wt", GITCOORD_REMOTE="origin")

    assert take_notices(again) == []
    assert git(remote, "rev-parse", "refs/coord/steps/app") == tip


def test_it_is_published_at_the_time_of_the_workspace(agents: Agents, repo: Path, remote: Path, git: Git) -> None:
    project(agents(repo, "ann/cli/wt"))
    host = replace(make_host(), now=lambda: datetime(2031, 5, 6, 7, 8, 9, tzinfo=UTC))

    agents(repo, "ann/cli/wt", host=host, GITCOORD_REMOTE="origin")

    assert git(remote, "log", "--format=%cs", "refs/coord/steps/app") == "2031-05-06"


def test_nothing_to_publish_is_not_worth_a_word(agents: Agents, repo: Path) -> None:
    agents(repo, "ann/cli/wt")

    assert take_notices(agents(repo, "ann/cli/wt", GITCOORD_REMOTE="origin")) == []


@pytest.mark.rule("STORE-2")
def test_a_project_whose_name_is_taken_stays_here_and_is_named(
    agents: Agents, repo: Path, remote: Path, git: Git, bob: Workspace
) -> None:
    project(bob, (), (), name="App")
    theirs = git(remote, "rev-parse", "refs/coord/steps/app")
    home = agents(repo, "ann/cli/wt")
    project(home, name="app")
    project(home, name="mine")
    claim_step(home, project="app")
    tip = git(store_of(repo), "rev-parse", "refs/coord/steps/app")

    ann = agents(repo, "ann/cli/wt", GITCOORD_REMOTE="origin")
    (notice,) = take_notices(ann)
    beaten: Result = heartbeat(ann)

    assert "The remote already has app" in str(notice["message"])
    assert names(ann) == ["App", "mine"]
    assert git(remote, "rev-parse", "refs/coord/steps/app") == theirs
    assert git(store_of(repo), "rev-parse", "refs/kept/coord/steps/app") == tip
    assert [(row["id"], row["status"]) for row in beaten["steps"]] == [("app/1", "lost")]
    assert heartbeat(ann) == {"steps": [], "count": 0}


def test_a_remote_that_declines_loses_nothing(agents: Agents, repo: Path, remote: Path) -> None:
    project(agents(repo, "ann/cli/wt"))
    hook = remote / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\necho 'not on a Friday'\nexit 1\n", encoding="utf-8")
    hook.chmod(0o755)

    with pytest.raises(DeniedError, match="not on a Friday") as caught:
        agents(repo, "ann/cli/wt", GITCOORD_REMOTE="origin")
    still_here = names(agents(repo, "ann/cli/wt"))
    hook.unlink()

    assert (caught.value.exit_status, still_here) == (6, ["app"])
    assert names(agents(repo, "ann/cli/wt", GITCOORD_REMOTE="origin")) == ["app"]


def test_a_remote_that_is_gone_loses_nothing(agents: Agents, repo: Path, remote: Path) -> None:
    project(agents(repo, "ann/cli/wt"))
    remote.rename(remote.with_name("away.git"))

    with pytest.raises(CoordError) as caught:
        agents(repo, "ann/cli/wt", GITCOORD_REMOTE=str(remote))

    assert caught.value.exit_status == 5
    assert names(agents(repo, "ann/cli/wt")) == ["app"]


@pytest.mark.rule("SAFE-3")
def test_what_a_version_from_before_wrote_here_afterwards_is_published_too(
    agents: Agents, repo: Path, bob: Workspace
) -> None:
    old = agents(repo, "ann/claude/wt", serve=True)
    project(old, name="late")
    store_of(repo)  # as that version would have left it
    (repo / ".git" / "gitcoord" / "store.json").write_text(
        f'{{"mode": "cache", "object_format": "sha1", "remote": "{repo}", "schema": 1}}'
    )

    ann = agents(repo, "ann/cli/wt", GITCOORD_REMOTE="origin")

    assert len(take_notices(ann)) == 1
    assert names(ann) == names(bob) == ["late"]


@pytest.mark.rule("STORE-2", "SAFE-3")
def test_a_store_in_which_a_ledger_could_not_be_set_aside_is_neither_a_cache_nor_a_place(
    agents: Agents, repo: Path, bob: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    project(agents(repo, "ann/cli/wt"))
    folder = repo / ".git" / "gitcoord"

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr(os, "fdatasync", full)
        with pytest.raises(StorageError, match="could not be set aside"):
            agents(repo, "ann/cli/wt", GITCOORD_REMOTE="origin")
    modes = [json.loads((folder / "store.json").read_text())["mode"]]
    with pytest.raises(UsageError, match="does not know that remote"):
        agents(repo, "ann/cli/wt")
    claimed: Result = claim_step(bob)
    ann = agents(repo, "ann/cli/wt", GITCOORD_REMOTE="origin")
    modes.append(json.loads((folder / "store.json").read_text())["mode"])

    assert (modes, names(ann), claimed["step"]["id"]) == (["journal", "cache"], ["app"], "app/1")
    assert [notice["notice"] for notice in take_notices(ann)] == ["published"]


# --- sessions that run meanwhile


@pytest.mark.rule("STORE-2", "SAFE-3")
@pytest.mark.parametrize("first", ["the session", "a command"])
def test_a_session_that_runs_goes_where_its_clone_is_told_to(
    agents: Agents, repo: Path, git: Git, bob: Workspace, first: str
) -> None:
    old = agents(repo, "ann/claude/wt", serve=True)
    project(old, (), ())
    claim_step(old)
    git(repo, "config", "gitcoord.remote", "origin")
    if first == "a command":
        agents(repo, "ann/cli/wt")

    completed: Result = complete_step(old, step_id="app/1", commit_hash="HEAD")
    project(old, name="late")

    assert completed["step"]["status"] == "completed"
    assert names(bob) == names(old) == ["app", "late"]
    assert seen(get_step(bob, step_id="app/1"))["step"]["status"] == "completed"
    assert git(store_of(repo), "for-each-ref", "refs/coord", "refs/kept") == ""
    told = [str(one["notice"]) for one in take_notices(old)]
    assert told == ["only_this_clone", "remote_changed", *(["published"] if first == "the session" else [])]


def test_the_heartbeat_of_a_session_goes_with_it(
    agents: Agents, repo: Path, remote: Path, git: Git, bob: Workspace
) -> None:
    old = agents(repo, "ann/claude/wt", serve=True)
    git(repo, "config", "gitcoord.remote", "origin")

    tick(old)

    assert git(remote, "for-each-ref", "--format=%(refname)", "refs/coord") == str(old.setting.beats.ref)
    assert [row["agent"] for row in seen(status(bob))["agents"]] == ["ann/claude/wt"]


def test_a_session_follows_to_another_remote_and_back_to_its_clone(
    agents: Agents, repo: Path, git: Git, make_bare: MakeBare, bob: Workspace
) -> None:
    git(repo, "remote", "add", "other", str(make_bare("other.git")))
    ann = agents(repo, "ann/claude/wt", serve=True)
    where: list[list[str]] = []
    for num, named in enumerate(("origin", "other", ".", "origin")):
        if named == ".":
            coordinate_here(repo, os.environ)
        git(repo, "config", "gitcoord.remote", named)
        project(ann, name=f"p{num}")
        where.append(names(ann))

    assert where == [["p0"], ["p1"], ["p2"], ["p0", "p2", "p3"]]
    assert names(bob) == ["p0", "p2", "p3"]


@pytest.mark.rule("STORE-2")
def test_a_session_that_does_not_know_the_remote_is_told_to_restart_and_writes_nothing(
    agents: Agents, repo: Path, git: Git, bob: Workspace
) -> None:
    old = agents(repo, "ann/claude/wt", serve=True)
    project(old)
    claim_step(old)
    agents(repo, "ann/cli/wt", GITCOORD_REMOTE="origin")

    for call in (
        lambda: complete_step(old, step_id="app/1", commit_hash="HEAD"),
        lambda: project(old, name="late"),
        lambda: list_projects(old),
    ):
        with pytest.raises(UsageError, match="does not know that remote") as caught:
            call()
        assert caught.value.hint.startswith("Restart it")
    assert git(store_of(repo), "for-each-ref", "refs/coord") == ""
    assert seen(get_step(bob, step_id="app/1"))["step"]["status"] == "claimed"


@pytest.mark.rule("STORE-2")
def test_a_swap_that_comes_a_moment_too_late_is_not_done_by_the_store(agents: Agents, repo: Path, git: Git) -> None:
    old = agents(repo, "ann/claude/wt", serve=True)
    project(old)
    tip = old.setting.transport.read(["refs/coord/"])[old.setting.refs.steps("app")]
    agents(repo, "ann/cli/wt", GITCOORD_REMOTE="origin")

    outcome = old.setting.transport.swap([RefUpdate(RefName("refs/coord/steps/late"), None, tip)])

    assert (outcome.status, "is at" in outcome.message) == (SwapStatus.UNREACHABLE, True)
    assert git(store_of(repo), "for-each-ref", "refs/coord") == ""


def test_a_command_that_comes_a_moment_too_late_is_carried_out_where_the_clone_is_now(
    agents: Agents, repo: Path, git: Git, bob: Workspace
) -> None:
    old = agents(repo, "ann/claude/wt", serve=True)
    project(old)

    class Late(Combiner):
        def submit(self, entry: Entry, wait_s: float | None = None) -> Reply:
            git(repo, "config", "gitcoord.remote", "origin")
            agents(repo, "ann/cli/wt")
            return super().submit(entry, wait_s)

    setting = old.setting
    old.combiner = Late(setting.clone.folder, setting.host, Transactions(setting))
    claimed: Result = claim_step(old)

    assert claimed["step"]["id"] == "app/1"
    assert seen(get_step(bob, step_id="app/1"))["step"]["status"] == "claimed"


# --- what the remote would not take


@pytest.mark.rule("STORE-2", "SAFE-3")
def test_what_is_kept_is_never_overwritten_nor_in_a_store_that_may_be_deleted(
    agents: Agents, repo: Path, git: Git, bob: Workspace
) -> None:
    project(bob, name="app")
    for _ in range(3):
        coordinate_here(repo, os.environ)
        project(agents(repo, "ann/cli/wt"), name="app")
        agents(repo, "ann/cli/wt", GITCOORD_REMOTE="origin")
    kept = git(store_of(repo), "for-each-ref", "--format=%(refname)", "refs/kept").splitlines()
    agents(repo, "ann/cli/wt", GITCOORD_REMOTE="origin")
    (store_of(repo) / "HEAD").write_text("damaged")

    with pytest.raises(StoreDamagedError):
        agents(repo, "ann/cli/wt", GITCOORD_REMOTE="origin")

    assert kept == ["refs/kept/coord/steps/app", "refs/kept/coord/steps/app@2", "refs/kept/coord/steps/app@3"]
    assert (store_of(repo) / "refs" / "kept").is_dir()


@pytest.mark.rule("STORE-2")
def test_status_names_what_is_kept_until_it_is_gone(agents: Agents, repo: Path, git: Git, bob: Workspace) -> None:
    project(bob, name="app")
    project(agents(repo, "ann/cli/wt"), name="app")
    ann = agents(repo, "ann/cli/wt", GITCOORD_REMOTE="origin")

    kept: Result = status(ann)
    git(store_of(repo), "update-ref", "-d", "refs/kept/coord/steps/app")
    agents(repo, "ann/cli/wt", GITCOORD_REMOTE="origin")

    [row] = kept["oddities"]
    assert (row["ref"], row["code"]) == ("refs/kept/coord/steps/app", "kept")
    assert row["message"].startswith("The remote had 'refs/coord/steps/app' already")
    assert row["next_step"].endswith("store.git update-ref -d refs/kept/coord/steps/app`.")
    assert status(ann)["oddities"] == []
    assert '"mode": "cache"' in (repo / ".git" / "gitcoord" / "store.json").read_text()


def test_going_back_leaves_the_remote_as_it_is_and_begins_anew_here(
    agents: Agents, repo: Path, remote: Path, git: Git, bob: Workspace
) -> None:
    project(agents(repo, "ann/cli/wt", GITCOORD_REMOTE="origin"), name="shared")
    tips = git(remote, "for-each-ref", "refs/coord")

    was = coordinate_here(repo, os.environ)
    back = agents(repo, "ann/cli/wt")
    project(back, name="private")

    assert (was, coordinate_here(repo, os.environ)) == (str(remote), "")

    assert names(back) == ["private"]
    assert git(remote, "for-each-ref", "refs/coord") == tips
    assert names(agents(repo, "ann/cli/wt", GITCOORD_REMOTE="origin")) == ["private", "shared"]
    assert names(bob) == ["private", "shared"]


def test_the_history_of_what_was_published_begins_with_it(agents: Agents, repo: Path) -> None:
    project(agents(repo, "ann/cli/wt"))
    ann = agents(repo, "ann/cli/wt", GITCOORD_REMOTE="origin")
    claim_step(ann)

    result: Result = get_agent_events(ann)

    assert [row["event"] for row in result["events"]] == ["step_claimed"]


def test_a_lock_that_cannot_be_made_is_said_and_nothing_is_published(
    agents: Agents, repo: Path, remote: Path, git: Git
) -> None:
    project(agents(repo, "ann/cli/wt"))
    (repo / ".git" / "gitcoord" / "lock").unlink(missing_ok=True)
    (repo / ".git" / "gitcoord" / "lock").mkdir()

    with pytest.raises(StorageError, match="cannot be written: Is a directory") as caught:
        agents(repo, "ann/cli/wt", GITCOORD_REMOTE="origin")

    assert caught.value.hint
    assert git(remote, "for-each-ref", "refs/coord") == ""
