"""One clone, by whatever path, machine or id: its holders stay what they are; see `gitcoord.ledger.clone.clone_id`."""

import subprocess
from pathlib import Path

import pytest

from gitcoord.service.claims.claims import claim_files, extend_claims, release_claims
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.steps.step_work import claim_step, complete_step
from gitcoord.service.watch.notices import take_notices
from gitcoord.service.watch.watch import tick
from tests.conftest import Clone as CloneRepo
from tests.servers.fixtures import Remote, Servers
from tests.unit.service.world import Agents, Result, Shared, crash, later, project, seen


def move_beat(remote: Remote, workspace: Workspace) -> None:
    """Move a clone's heartbeat as only a copy of it would."""
    tree = remote.git("hash-object", "-t", "tree", "-w", "/dev/null").strip()
    commit = remote.git("-c", "user.name=x", "-c", "user.email=x@y", "commit-tree", "-m", "x", tree).strip()
    remote.git("update-ref", workspace.setting.beats.ref, commit)


@pytest.mark.rule("SAFE-2", "LIVE-2")
def test_what_a_clone_held_under_its_old_id_is_recovered_in_due_time(
    agents: Agents, servers: Servers, repo: Path
) -> None:
    remote = servers.remote("path-hook")  # what a stranger wrote has to be fetched first
    ann = agents(repo, "ann/claude/wt", serve=True, GITCOORD_REMOTE=remote.url)
    project(ann)
    claim_step(ann)
    before = ann.clone_id
    move_beat(remote, ann)

    tick(later(ann, minutes=3))
    told = take_notices(ann)
    crash(ann)
    again = agents(repo, "ann/claude/wt", session="another", serve=True, GITCOORD_REMOTE=remote.url)
    at_once: Result = complete_step(again, step_id="app/1", commit_hash="HEAD")
    claimed: list[Result] = [claim_step(later(again, minutes=minutes)) for minutes in (40, 35)]

    assert [(note["notice"], before in str(note["message"])) for note in told] == [("clone_renewed", True)]
    assert (at_once["step"], at_once["refused"]) == (None, "not_holder")
    assert claimed[0]["step"] is None
    assert (claimed[1]["step"]["clone"], claimed[1]["step"]["fence"]) == (again.clone_id, 2)
    assert again.clone_id == ann.clone_id != before


@pytest.mark.rule("SAFE-7", "STEP-5")
def test_a_session_that_lives_keeps_its_step_when_its_clone_gets_a_new_id(
    agents: Agents, servers: Servers, repo: Path, clone: CloneRepo
) -> None:
    remote = servers.remote("path-hook")
    ann = agents(repo, "ann/claude/wt", serve=True, GITCOORD_REMOTE=remote.url)
    bob = agents(repo, "bob/claude/wt", GITCOORD_REMOTE=remote.url)
    far = agents(clone(repo, "far"), "bob/claude/far", GITCOORD_REMOTE=remote.url)
    project(ann)
    claim_step(ann)
    move_beat(remote, ann)

    tick(later(ann, minutes=300))
    others: list[Result] = [claim_step(later(one, minutes=300)) for one in (bob, far)]
    back: Result = claim_step(ann, step_id="app/1")
    done: Result = complete_step(ann, step_id="app/1", commit_hash="HEAD")

    assert [one["step"] for one in others] == [None, None]
    assert (back["step"]["id"], back["step"]["fence"]) == ("app/1", 1)
    assert done["step"]["status"] == "completed"


@pytest.mark.rule("SAFE-10", "CLAIM-14")
@pytest.mark.parametrize("kind", ["path", "http"])
def test_a_session_that_lives_keeps_its_claims_when_its_clone_gets_a_new_id(
    agents: Agents, servers: Servers, repo: Path, clone: CloneRepo, kind: str
) -> None:
    remote = servers.remote(kind)
    ann = agents(repo, "ann/claude/wt", session="s-ann", serve=True, GITCOORD_REMOTE=remote.url)
    far = agents(clone(repo, "far"), "bob/claude/far", GITCOORD_REMOTE=remote.url)
    held = [seen(claim_files(ann, patterns=[path]))["claim"] for path in ("a.py", "b.py")]
    before = ann.clone_id
    move_beat(remote, ann)

    tick(later(ann, minutes=3))
    again: Result = claim_files(ann, patterns=["a.py"])
    longer: Result = extend_claims(ann, ttl_hours=8)
    given: Result = release_claims(ann, claim_ids=[held[1]["id"]])
    refused: Result = claim_files(far, patterns=["a.py"])

    assert before != ann.clone_id
    assert (again["granted"], again["claim"]["id"], again["claim"]["clone"]) == (True, held[0]["id"], ann.clone_id)
    assert ([row["id"] for row in longer["claims"]], given["released"]) == (
        [one["id"] for one in held],
        [held[1]["id"]],
    )
    assert [row["agent"] for row in refused["conflicts"]] == ["ann/claude/wt"]


@pytest.mark.rule("SAFE-10", "STEP-4")
def test_a_session_that_lives_is_given_its_step_again_when_its_clone_has_a_new_id(
    agents: Agents, servers: Servers, repo: Path
) -> None:
    remote = servers.remote("path")
    ann = agents(repo, "ann/claude/wt", session="s-ann", serve=True, GITCOORD_REMOTE=remote.url)
    project(ann, (), ())
    claim_step(ann)
    before = ann.clone_id
    move_beat(remote, ann)

    tick(later(ann, minutes=3))
    again: Result = claim_step(ann)
    ann.close()
    back: Result = claim_step(agents(repo, "ann/claude/wt", session="s-ann", serve=True, GITCOORD_REMOTE=remote.url))

    assert before != ann.clone_id
    assert [(one["step"]["id"], one["step"]["fence"], one["already"]) for one in (again, back)] == [
        ("app/1", 1, True)
    ] * 2


# --- one folder, several ways to it


@pytest.mark.rule("SAFE-4", "SAFE-7")
def test_a_repository_that_is_moved_is_the_same_clone_and_its_holder_goes_on(agents: Agents, shared: Shared) -> None:
    ann = agents(shared.one, "ann/cli/one", serve=True)
    cli = agents(shared.one, "ann/cli/tool")
    project(ann, (), (), ())
    claim_step(ann)
    claim_step(cli)
    moved = shared.one.rename(shared.one.with_name("moved"))

    again = agents(moved, "ann/cli/tool")
    claimed: Result = claim_step(again)
    done: Result = complete_step(again, step_id="app/2", commit_hash="HEAD")
    bob: Result = claim_step(agents(moved, "bob/cli/one"), step_id="app/1")

    assert again.clone_id == ann.clone_id
    assert (claimed["step"]["id"], done["step"]["status"]) == ("app/2", "completed")
    assert (bob["step"], bob["refused"]) == (None, "held")  # the old server's lock is held


@pytest.mark.rule("SAFE-4", "SAFE-7")
def test_a_container_that_mounts_the_repository_is_of_the_same_clone(
    agents: Agents, shared: Shared, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = agents(shared.one, "ann/claude/one", serve=True)
    project(ann, (), ())
    claim_step(ann)
    inside = tmp_path / "workspaces"
    inside.mkdir()
    mounted = subprocess.run(["mount", "--bind", str(shared.one), str(inside)], capture_output=True, check=False)
    if mounted.returncode != 0:
        pytest.skip("mounting is not allowed here")
    try:
        monkeypatch.setattr("gitcoord.runtime.equipment.machine_id", lambda: "a container")
        look = agents(inside, "ann/claude/one")
        other = agents(inside, "bob/claude/one")
        seen_there: list[Result] = [claim_step(look), claim_step(other)]
    finally:
        subprocess.run(["umount", str(inside)], capture_output=True, check=True)
    monkeypatch.undo()
    tick(later(ann, minutes=2))
    done: Result = complete_step(ann, step_id="app/1", commit_hash="HEAD")

    assert look.clone_id == other.clone_id == ann.clone_id
    assert (seen_there[0]["step"], seen_there[0]["refused"]) == (None, "session_live")
    assert seen_there[1]["step"]["id"] == "app/2"
    assert done["step"]["status"] == "completed"
