"""Naming a remote later, and going back: what was coordinated in one clone becomes everybody's."""

from pathlib import Path

import pytest

from gitcoord.errors import CoordError, DeniedError, RepositoryError
from gitcoord.service.projects import list_projects
from gitcoord.service.reading import get_agent_events, get_step
from gitcoord.service.steps import claim_step, complete_step, heartbeat
from gitcoord.service.workspace import Workspace
from tests.conftest import Clone, Git, MakeBare
from tests.unit.service.world import Agents, Result, project, seen, store_of


@pytest.fixture
def remote(make_bare: MakeBare) -> Path:
    return make_bare()


@pytest.fixture
def repo(repo: Path, remote: Path, git: Git) -> Path:
    """A repository whose `origin` is `remote`; no remote is named for coordination yet."""
    git(repo, "remote", "add", "origin", str(remote))
    git(repo, "push", "--quiet", "origin", "main")
    return repo


@pytest.fixture
def bob(agents: Agents, clone: Clone, remote: Path, repo: Path) -> Workspace:
    """Somebody else's clone, which coordinates through the remote."""
    return agents(clone(remote, "bob"), "bob/cli/wt", GITCOORD_REMOTE="origin")


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

    assert ann.take_notices() == [{"notice": "published", "message": "2 ledgers of this clone are now on the remote."}]
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

    assert again.take_notices() == []
    assert git(remote, "rev-parse", "refs/coord/steps/app") == tip


def test_nothing_to_publish_is_not_worth_a_word(agents: Agents, repo: Path) -> None:
    agents(repo, "ann/cli/wt")

    assert agents(repo, "ann/cli/wt", GITCOORD_REMOTE="origin").take_notices() == []


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
    (notice,) = ann.take_notices()
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
def test_what_a_session_from_before_still_writes_here_is_published_too(
    agents: Agents, repo: Path, bob: Workspace
) -> None:
    old = agents(repo, "ann/claude/wt", serve=True)
    agents(repo, "ann/cli/wt", GITCOORD_REMOTE="origin")
    project(old, name="late")

    ann = agents(repo, "ann/cli/wt", GITCOORD_REMOTE="origin")

    assert len(ann.take_notices()) == 1
    assert names(ann) == names(bob) == ["late"]


def test_a_session_from_before_finds_its_project_gone_and_breaks_nothing(
    agents: Agents, repo: Path, bob: Workspace
) -> None:
    old = agents(repo, "ann/claude/wt", serve=True)
    project(old)
    claim_step(old)
    agents(repo, "ann/cli/wt", GITCOORD_REMOTE="origin")

    with pytest.raises(CoordError) as caught:
        complete_step(old, step_id="app/1", commit_hash="HEAD")

    assert (caught.value.code, caught.value.exit_status) == ("not_found", 2)
    assert seen(get_step(bob, step_id="app/1"))["step"]["status"] == "claimed"


def test_going_back_leaves_the_remote_as_it_is_and_begins_anew_here(
    agents: Agents, repo: Path, remote: Path, git: Git, bob: Workspace
) -> None:
    project(agents(repo, "ann/cli/wt", GITCOORD_REMOTE="origin"), name="shared")
    tips = git(remote, "for-each-ref", "refs/coord")

    back = agents(repo, "ann/cli/wt")
    project(back, name="private")

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

    with pytest.raises(RepositoryError, match="cannot be written: Is a directory") as caught:
        agents(repo, "ann/cli/wt", GITCOORD_REMOTE="origin")

    assert caught.value.hint
    assert git(remote, "for-each-ref", "refs/coord") == ""
