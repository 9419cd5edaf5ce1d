"""Clones: two that share a remote, copies of one, namespaces of branches, and places that cannot be used."""

import os
import shutil
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gitcoord.errors import CoordError, StorageError, StoreDamagedError, UnreachableError
from gitcoord.runtime import probe_remote
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.steps.projects import list_projects
from gitcoord.service.steps.step_views import get_step
from gitcoord.service.steps.step_work import claim_step, complete_step, start_step
from gitcoord.service.team.policy import set_policy
from gitcoord.service.watch.notices import take_notices
from gitcoord.service.watch.overview import status
from gitcoord.service.watch.watch import TICK_S, tick
from tests.conftest import Clone as CloneRepo
from tests.conftest import Git, MakeBare, MakeRepo
from tests.servers.fixtures import Servers
from tests.unit.service.world import Agents, Result, Shared, later, project, says, seen, store_of, tips


def test_two_clones_of_one_remote_see_each_other(agents: Agents, shared: Shared) -> None:
    ann, bob = (agents(repo, name, serve=True) for repo, name in ((shared.one, "ann/a/one"), (shared.two, "bob/b/two")))
    project(ann, (), (1,))

    first: Result = claim_step(ann)
    refused: Result = claim_step(bob)
    complete_step(ann, step_id="app/1", commit_hash="HEAD")
    second: Result = claim_step(bob)

    assert (first["step"]["id"], refused["step"], second["step"]["id"]) == ("app/1", None, "app/2")
    rows = [seen(status(one))["agents"] for one in (ann, bob)]
    assert [sorted(row["agent"] for row in of_one) for of_one in rows] == [["ann/a/one", "bob/b/two"]] * 2
    assert status(ann)["sharing"] == "shared with 1 other clone at work"
    assert ann.clone_id != bob.clone_id


def test_nothing_is_added_to_the_user_s_own_repository(agents: Agents, shared: Shared, git: Git) -> None:
    before = git(shared.one, "count-objects", "-v"), git(shared.one, "for-each-ref"), git(shared.one, "status", "-s")
    ann = agents(shared.one, "ann/a/one", serve=True)
    project(ann)
    claim_step(ann)

    after = git(shared.one, "count-objects", "-v"), git(shared.one, "for-each-ref"), git(shared.one, "status", "-s")

    assert after == before


# --- a namespace of branches


@pytest.mark.parametrize("kind", ["path", "path-hook", "http"])
def test_under_a_prefix_of_branches_everything_works_and_nothing_is_deleted_or_rewound(
    agents: Agents, servers: Servers, repo: Path, git: Git, kind: str
) -> None:
    remote = servers.remote(kind)
    for rule in ("receive.denyDeletes", "receive.denyNonFastForwards"):
        remote.git("config", rule, "true")
    git(repo, "config", "gitcoord.namespace", "refs/heads/agents/coord")
    git(repo, "config", "gitcoord.remote", remote.url)

    ann = agents(repo, "ann/claude/wt", serve=True)
    beats = [remote.refs()[ann.setting.beats.ref]]
    project(ann)
    claim_step(ann)
    tick(later(ann, minutes=3))
    beats.append(remote.refs()[ann.setting.beats.ref])
    done: Result = complete_step(ann, step_id="app/1", commit_hash="HEAD")

    assert done["step"]["status"] == "completed"
    assert beats[1] != beats[0]
    remote.git("merge-base", "--is-ancestor", beats[0], beats[1])
    assert {ref.rsplit("/", 1)[0] for ref in remote.refs()} == {
        "refs/heads/agents/coord/heartbeats",
        "refs/heads/agents/coord/steps",
    }
    assert len(remote.git("log", "--format=%s", "refs/heads/agents/coord/steps/app").splitlines()) == 3


def test_a_remote_is_tried_by_really_swapping_a_ref(agents: Agents, shared: Shared, git: Git) -> None:
    found = probe_remote(shared.one, os.environ, "origin")

    assert len(seen(found).pop("seconds")) == 2
    assert {name: value for name, value in found.items() if name != "seconds"} == {
        "remote": str(shared.remote),
        "transport": "local",
        "atomic": True,
        "sends_checks": True,
        "refs": 0,
        "readers": "unknown",
    }
    assert git(shared.remote, "for-each-ref", "refs/coord") == ""


def test_a_remote_that_does_not_let_us_delete_says_which(agents: Agents, shared: Shared) -> None:
    hook = shared.remote / "hooks" / "update"
    hook.write_text('#!/bin/sh\ncase "$3" in 0000*) echo "no deletions"; exit 1;; esac\n', encoding="utf-8")
    hook.chmod(0o755)

    with pytest.raises(CoordError, match=r"(?s)does not let us delete refs/coord/probe/.*no deletions") as caught:
        probe_remote(shared.one, os.environ, "origin")

    assert caught.value.exit_status == 6


# --- copies


def test_a_copied_clone_is_another_clone(agents: Agents, shared: Shared) -> None:
    original = agents(shared.one, "ann/cli/one")
    project(original, (), ())
    claim_step(original)
    shutil.copytree(shared.one, shared.one.with_name("copy"), symlinks=True)

    copy = agents(shared.one.with_name("copy"), "ann/cli/one")
    claimed: Result = claim_step(copy)
    stolen: Result = complete_step(copy, step_id="app/1", commit_hash="HEAD")

    assert copy.clone_id != original.clone_id
    assert claimed["step"]["step_num"] == 2
    assert (stolen["step"], stolen["refused"]) == (None, "not_holder")
    assert agents(shared.one).clone_id == original.clone_id


def test_the_worktrees_of_a_clone_are_one_clone(agents: Agents, repo: Path, git: Git) -> None:
    git(repo, "worktree", "add", "--quiet", "-b", "wt", str(repo.parent / "wt"))

    assert agents(repo).clone_id == agents(repo.parent / "wt").clone_id


@pytest.mark.rule("SAFE-2")
def test_a_clone_whose_heartbeat_was_moved_by_its_copy_draws_a_new_id(agents: Agents, shared: Shared, git: Git) -> None:
    ann = agents(shared.one, "ann/claude/one", serve=True)
    other = agents(shared.one, "ann/claude/two", serve=True)  # another process of the same clone
    before, ref = ann.clone_id, ann.setting.beats.ref
    moved = git(shared.remote, "rev-parse", "main")
    git(shared.remote, "update-ref", ref, moved)
    tick(later(ann, minutes=2))
    tick(other)

    told = [[note["notice"] for note in take_notices(one)] for one in (ann, other)]
    assert agents(shared.one, "ann/claude/one").clone_id == ann.clone_id == other.clone_id != before
    assert told == [["clone_renewed"], ["clone_renewed"]]
    assert take_notices(ann) == []
    assert git(shared.remote, "rev-parse", ref) == moved
    assert git(shared.remote, "rev-parse", ann.setting.beats.ref) != moved


def test_a_clone_that_goes_back_to_an_earlier_remote_beats_there_again(
    agents: Agents, shared: Shared, make_bare: MakeBare
) -> None:
    ann = agents(shared.one, "ann/claude/one", serve=True)
    before = ann.clone_id
    ref = ann.setting.beats.ref
    tick(later(ann, minutes=2))
    other = str(make_bare("other.git"))
    agents(shared.one, "ann/claude/two", serve=True, GITCOORD_REMOTE=other).close()
    first = ann.setting.transport.read([ref])[ref]

    back = agents(shared.one, "ann/claude/three", serve=True)

    assert back.clone_id == before
    assert back.setting.transport.read([ref])[ref] != first


# --- stores that are gone


def test_a_deleted_cache_is_made_again(agents: Agents, servers: Servers, repo: Path) -> None:
    remote = servers.remote("path-hook")
    ann = agents(repo, "ann/cli/wt", GITCOORD_REMOTE=remote.url)
    project(ann)
    shutil.rmtree(store_of(repo))

    again = agents(repo, "ann/cli/wt", GITCOORD_REMOTE=remote.url)

    assert claim_step(again)["step"]
    assert again.clone_id == ann.clone_id


@pytest.mark.rule("SAFE-6")
@pytest.mark.parametrize("kind", ["path", "path-hook", "http"])
def test_a_cache_that_is_deleted_is_made_again_by_the_sessions_that_use_it(
    agents: Agents, servers: Servers, repo: Path, kind: str
) -> None:
    remote = servers.remote(kind)
    ann, bob = (agents(repo, f"{name}/claude/wt", serve=True, GITCOORD_REMOTE=remote.url) for name in ("ann", "bob"))
    project(ann, (), (), ())
    claim_step(ann)
    description = (repo / ".git" / "gitcoord" / "store.json").read_text("utf-8")
    for one in (ann, bob):
        take_notices(one)
    beat = remote.refs()[ann.setting.beats.ref]

    shutil.rmtree(store_of(repo))
    first = [tick(later(one, minutes=3)).next_s for one in (ann, bob)]
    shutil.rmtree(store_of(repo))
    claimed: Result = claim_step(bob)
    done: Result = complete_step(ann, step_id="app/1", commit_hash="HEAD")
    shutil.rmtree(store_of(repo))
    seen_then = list_projects(ann)["count"]

    assert (first, seen_then) == ([TICK_S] * 2, 1)
    assert (claimed["step"]["id"], done["step"]["status"]) == ("app/2", "completed")
    assert remote.refs()[ann.setting.beats.ref] != beat
    assert [take_notices(one) for one in (ann, bob)] == [[], []]
    assert (repo / ".git" / "gitcoord" / "store.json").read_text("utf-8") == description


@pytest.mark.rule("STORE-2")
def test_a_store_that_kept_what_the_remote_would_not_take_is_not_made_again(
    agents: Agents, servers: Servers, repo: Path, clone: CloneRepo
) -> None:
    remote = servers.remote("path-hook")
    project(agents(clone(repo, "far"), "bob/cli/far", GITCOORD_REMOTE=remote.url), name="app")
    project(agents(repo, "ann/cli/wt"), name="app")
    ann = agents(repo, "ann/claude/wt", serve=True, GITCOORD_REMOTE=remote.url)
    shutil.rmtree(store_of(repo))

    with pytest.raises(StoreDamagedError, match=r"store\.git' is gone; it held .*refs/kept/coord/steps/app") as caught:
        claim_step(ann)

    assert says(caught.value)[2]
    assert not store_of(repo).exists()


def test_a_damaged_cache_is_made_again(agents: Agents, servers: Servers, repo: Path) -> None:
    remote = servers.remote("path-hook")
    project(agents(repo, "ann/cli/wt", GITCOORD_REMOTE=remote.url))
    (store_of(repo) / "HEAD").write_text("nonsense", encoding="utf-8")

    assert claim_step(agents(repo, "ann/cli/wt", GITCOORD_REMOTE=remote.url))["step"]


def test_a_deleted_home_is_said_and_not_made_again(agents: Agents, repo: Path, ann: Workspace) -> None:
    project(ann)
    shutil.rmtree(store_of(repo))

    with pytest.raises(StoreDamagedError, match=r"store\.git' is gone") as caught:
        agents(repo, "ann/cli/wt")
    with pytest.raises(UnreachableError, match="no git repository at"):
        list_projects(ann)

    assert says(caught.value)[2]
    assert not store_of(repo).exists()


def test_a_deleted_folder_is_a_new_beginning(agents: Agents, repo: Path, ann: Workspace) -> None:
    project(ann)
    shutil.rmtree(repo / ".git" / "gitcoord")

    again = agents(repo, "ann/cli/wt")

    assert list_projects(again) == {"projects": [], "count": 0}
    assert again.clone_id != ann.clone_id


def test_a_file_where_our_folder_should_be_is_said(agents: Agents, repo: Path) -> None:
    (repo / ".git" / "gitcoord").write_text("", encoding="utf-8")

    with pytest.raises(StorageError, match="cannot be made: File exists"):
        agents(repo)


@contextmanager
def read_only(folder: Path) -> Generator[None]:
    """Make a folder's file system read-only; skip where that cannot be done."""
    mounted = subprocess.run(["mount", "--bind", str(folder), str(folder)], capture_output=True, check=False)
    if mounted.returncode != 0:
        pytest.skip("mounting is not allowed here")
    try:
        subprocess.run(["mount", "-o", "remount,ro,bind", str(folder)], capture_output=True, check=True)
        yield
    finally:
        subprocess.run(["umount", str(folder)], capture_output=True, check=True)


def test_on_a_read_only_disk_reading_goes_on_and_writing_is_said(agents: Agents, repo: Path, ann: Workspace) -> None:
    project(ann)
    before = tips(ann)

    with read_only(repo):
        again = agents(repo, "ann/cli/wt")
        found = list_projects(again)["count"], seen(status(again))["projects"][0]["name"]
        for write in (
            lambda: claim_step(again),
            lambda: start_step(again, step_id="app/1"),
            lambda: project(again, name="new"),
            lambda: set_policy(again, name="auto_recover", value="false"),
            lambda: agents(repo, "bob/claude/wt", serve=True),
        ):
            with pytest.raises(StorageError, match="Read-only file system") as caught:
                write()
            assert says(caught.value) == (5, "storage", True)

    assert found == (1, "app")
    assert tips(ann) == before
    assert claim_step(ann)["step"]


def test_on_a_read_only_disk_nothing_can_begin(agents: Agents, repo: Path) -> None:
    with read_only(repo), pytest.raises(StorageError, match="Read-only file system"):
        agents(repo)


# --- remotes that go away


@pytest.mark.rule("SAFE-3")
@pytest.mark.parametrize("kind", ["path", "path-hook"])
def test_a_remote_that_goes_away_is_exit_5_and_nothing_is_lost(
    agents: Agents, servers: Servers, repo: Path, kind: str
) -> None:
    remote = servers.remote(kind)
    ann = agents(repo, "ann/cli/wt", GITCOORD_REMOTE=remote.url)
    project(ann, (), ())
    claim_step(ann)
    away = remote.git_dir.with_name(f"{remote.git_dir.name}.away")
    remote.git_dir.rename(away)

    for call in (
        lambda: claim_step(ann, agent_id="tests"),
        lambda: complete_step(ann, step_id="app/1", commit_hash="HEAD"),
        lambda: list_projects(ann),
        lambda: set_policy(ann, name="auto_recover", value="false"),
    ):
        with pytest.raises(CoordError) as caught:
            call()
        assert caught.value.exit_status == 5
        assert remote.git_dir.name in str(caught.value)
    away.rename(remote.git_dir)

    assert seen(get_step(ann, step_id="app/1"))["step"]["status"] == "claimed"
    assert seen(complete_step(ann, step_id="app/1", commit_hash="HEAD"))["step"]["status"] == "completed"


# --- sha256


def test_a_repository_of_sha256_objects_coordinates_in_its_store(agents: Agents, make_repo: MakeRepo, git: Git) -> None:
    repo = make_repo("long", object_format="sha256")
    ann = agents(repo, "ann/cli/wt")
    project(ann)
    claim_step(ann)

    done: Result = complete_step(ann, step_id="app/1", commit_hash="HEAD")

    assert done["step"]["commit_hash"] == git(repo, "rev-parse", "HEAD")
    assert len(done["step"]["commit_hash"]) == 64


def test_a_remote_of_sha256_objects_is_refused_with_what_to_do(agents: Agents, servers: Servers, repo: Path) -> None:
    remote = servers.remote("path", object_format="sha256")
    ann = agents(repo, "ann/cli/wt", GITCOORD_REMOTE=remote.url)

    with pytest.raises(CoordError, match="hash algorithm") as empty:
        project(ann)
    before = remote.refs()
    tree = remote.git("hash-object", "-t", "tree", "-w", "/dev/null").strip()
    commit = remote.git("-c", "user.name=x", "-c", "user.email=x@y", "commit-tree", "-m", "x", tree).strip()
    remote.git("update-ref", "refs/coord/config", commit)
    with pytest.raises(CoordError, match="mismatched algorithms") as used:
        project(ann)

    assert before == {}
    assert [
        (one.value.exit_status, "sha1 repositories only" in f"{one.value} {one.value.hint}") for one in (empty, used)
    ] == [(6, True)] * 2


@pytest.mark.parametrize("extension", ["partialClone", "noop", "relativeWorktrees", "refStorage"])
def test_a_repository_of_an_extension_that_libgit2_may_not_know_coordinates(
    agents: Agents, repo: Path, git: Git, extension: str
) -> None:
    values = {"partialClone": "origin", "noop": "x", "relativeWorktrees": "true", "refStorage": "files"}
    git(repo, "config", "core.repositoryFormatVersion", "1")
    git(repo, "config", f"extensions.{extension}", values[extension])
    if subprocess.run(["git", "status"], cwd=repo, capture_output=True, check=False).returncode != 0:
        pytest.skip(f"this git does not know {extension}")
    ann = agents(repo, "ann/cli/wt")
    project(ann)
    claim_step(ann)

    assert seen(complete_step(ann, step_id="app/1", commit_hash="HEAD"))["step"]["status"] == "completed"


@pytest.mark.rule("SEC-2")
def test_a_folder_that_an_older_version_left_open_is_closed_by_the_next_command(agents: Agents, shared: Shared) -> None:
    (shared.one / ".git").chmod(0o755)
    agents(shared.one, "ann/cli/one")
    folder = shared.one / ".git" / "gitcoord"
    folder.chmod(0o755)

    agents(shared.one, "bob/cli/one")

    assert folder.stat().st_mode & 0o777 == 0o700
