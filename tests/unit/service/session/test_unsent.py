"""A command that the remote did not get says what its caller may go on with, and which call to make again."""

from collections.abc import Callable

import pytest

from gitcoord.errors import UnreachableError
from gitcoord.service.claims.claims import claim_files, extend_claims, list_claims, release_claims
from gitcoord.service.claims.requests import request_release
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.steps.projects import create_project
from gitcoord.service.steps.step_work import claim_step, complete_step, fail_step, heartbeat
from tests.conftest import Git
from tests.servers.fixtures import Remote, Servers
from tests.unit.service.world import Agents, Shared, plan, project, seen

CALLS: dict[str, tuple[Callable[[Workspace], object], str]] = {
    "claim_files": (lambda ann: claim_files(ann, patterns=["b.py"]), "Nothing was granted"),
    "extend_claims": (lambda ann: extend_claims(ann, ttl_hours=5), "Nothing was extended"),
    "release_claims": (release_claims, "Nothing was released"),
    "claim_step": (claim_step, "You were not given a step"),
    "heartbeat": (lambda ann: heartbeat(ann, step_id="app/1"), "This was not recorded; go on with your work"),
    "complete_step": (
        lambda ann: complete_step(ann, step_id="app/1", commit_hash="HEAD"),
        "not handed in yet, and your commit is not lost",
    ),
    "fail_step": (lambda ann: fail_step(ann, step_id="app/1", reason="no"), "You still hold the step"),
    "request_release": (
        lambda ann: request_release(ann, claim_id="c-00000000", reason="x"),
        "The holder was not asked",
    ),
    "create_project": (
        lambda ann: create_project(ann, name="new", base_commit="HEAD", steps=plan(())),
        "No project was created",
    ),
}


@pytest.fixture
def remote(servers: Servers, shared: Shared, git: Git) -> Remote:
    remote = servers.remote("path-hook")
    git(shared.one, "push", "--quiet", remote.url, "main")
    return remote


@pytest.fixture
def ann(agents: Agents, shared: Shared, remote: Remote) -> Workspace:
    return agents(shared.one, "ann/cli/one", GITCOORD_REMOTE=remote.url)


@pytest.mark.parametrize("name", CALLS)
def test_a_command_that_was_not_sent_says_what_its_caller_may_go_on_with(
    name: str, ann: Workspace, remote: Remote
) -> None:
    call, expected = CALLS[name]
    project(ann)
    claim_step(ann)
    held = seen(claim_files(ann, patterns=["a.py"]))["claim"]
    remote.git_dir.rename(remote.git_dir.with_name(f"gone-{name}.git"))

    with pytest.raises(UnreachableError) as caught:
        call(ann)

    hint = caught.value.hint
    assert expected in hint
    assert f"step app/1, a.py ({held['id']}, until {held['expires_at'][11:16]} UTC)" in hint
    assert "Make the same call again once the remote answers: nothing is done twice." in hint


@pytest.mark.parametrize("keeps_note", [False, True])
def test_a_step_that_a_partner_has_completed_is_not_gone_on_with(
    keeps_note: bool, agents: Agents, shared: Shared, ann: Workspace, remote: Remote
) -> None:
    claude = agents(shared.one, "ann/claude-code/one", serve=True, GITCOORD_REMOTE=remote.url)
    project(ann, (), ())
    claim_step(ann, step_id="app/1")
    claim_step(claude, step_id="app/1")
    complete_step(claude, step_id="app/1", commit_hash="HEAD")
    claim_step(ann, step_id="app/2")
    if keeps_note:  # as versions before did when a partner took a step over
        ann.fences.keep("app/1", 1)
    list_claims(ann)
    remote.git_dir.rename(remote.git_dir.with_name(f"gone-partner-{keeps_note}.git"))

    with pytest.raises(UnreachableError) as caught:
        claim_files(ann, patterns=["b.py"])

    assert "step app/2." in caught.value.hint
    assert "app/1" not in caught.value.hint


def test_a_step_of_a_sub_agent_is_gone_on_with(ann: Workspace, remote: Remote) -> None:
    project(ann, (), ())
    claim_step(ann, agent_id="tests")
    remote.git_dir.rename(remote.git_dir.with_name("gone-sub.git"))

    with pytest.raises(UnreachableError) as caught:
        claim_files(ann, patterns=["b.py"])

    assert "step app/1." in caught.value.hint


def test_who_holds_nothing_is_told_of_nothing(ann: Workspace, remote: Remote) -> None:
    remote.git_dir.rename(remote.git_dir.with_name("gone-nothing.git"))

    with pytest.raises(UnreachableError) as caught:
        claim_files(ann, patterns=["a.py"])

    assert "Go on with" not in caught.value.hint
