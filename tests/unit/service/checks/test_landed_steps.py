"""Steps whose branch was merged are completed with their paths, by any clone that finds out; others stay."""

import json
from pathlib import Path

import pygit2
import pytest
from pygit2.enums import FileMode

from gitcoord.core.documents.json_text import canonical
from gitcoord.core.steps.step import Step
from gitcoord.service.checks.land_branches import land
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.steps.projects import create_project
from gitcoord.service.steps.step_work import claim_step, complete_step
from gitcoord.service.team.policy import set_policy
from gitcoord.service.watch.notices import take_notices
from gitcoord.service.watch.watch import sync, tick
from tests.conftest import Git
from tests.unit.service.checks.test_land_branches import BRANCH as OTHER
from tests.unit.service.checks.test_land_branches import (
    Merge,
    by_fast_forward,
    by_merge,
    by_squash,
    held,
    merged,
    push,
    work,
)
from tests.unit.service.world import Agents, Shared, later, plan, seen

# Of a branch that was squashed and deleted only the holder's clone knows.
WAYS = [(by_merge, False), (by_squash, False), (by_fast_forward, False), (by_merge, True), (by_fast_forward, True)]


@pytest.fixture
def ann(agents: Agents, shared: Shared, git: Git) -> Workspace:
    """Ann, who has just claimed step app/1 and is on its branch."""
    ann = agents(shared.one, "ann/cli/one", tool="claude", serve=True)
    claim_on_branch(ann, git, shared, ["a.py"])
    return ann


@pytest.fixture
def bob(agents: Agents, shared: Shared) -> Workspace:
    return agents(shared.two, "bob/cli/two")


def step(workspace: Workspace, num: int = 1) -> Step:
    board = workspace.project_state("app", workspace.listed()).content
    assert board is not None
    return board.steps[num]


def claim_on_branch(ann: Workspace, git: Git, shared: Shared, paths: list[str]) -> None:
    """Claim step app/1, of a project made for it, and be on its branch."""
    steps = plan((), (1,), paths=[*paths])
    steps[0]["branch"] = OTHER
    create_project(ann, name="app", base_commit="HEAD", steps=steps)
    claim_step(ann)
    git(shared.one, "switch", "--quiet", "--create", OTHER)


def handed_over(git: Git, shared: Shared, text: str = "x = 1\n") -> str:
    """Commit the step's work as a hook of ours signs it, and push it."""
    (shared.one / "a.py").write_text(text, encoding="utf-8")
    git(shared.one, "add", "--all")
    git(shared.one, "commit", "--quiet", "--message", "work\n\nCoord-Step: app/1\nCoord-Fence: 1")
    push(git, shared)
    return git(shared.one, "rev-parse", "HEAD")


@pytest.mark.rule("SAFE-5")
@pytest.mark.rule("STEP-13")
@pytest.mark.parametrize(("how", "is_deleted"), WAYS)
def test_any_clone_completes_a_step_that_landed_with_its_paths(
    ann: Workspace, bob: Workspace, shared: Shared, git: Git, how: Merge, is_deleted: bool
) -> None:
    handed_over(git, shared)
    commit = merged(git, shared, how)
    if is_deleted:
        git(shared.two, "push", "--quiet", "--delete", "origin", OTHER)
        git(shared.two, "fetch", "--quiet", "--prune")

    result = seen(land(bob))
    tick(later(ann, minutes=2))

    row = {"id": "app/1", "agent": "ann/cli/one", "branch": OTHER, "commit": commit, "unblocked": ["app/2"]}
    assert result["completed"] == [row]
    assert (step(bob).status, step(bob).commit_hash, held(bob)) == ("completed", commit, [])
    told = {seen(one)["notice"] for one in take_notices(ann)}
    assert "step_completed" in told
    assert "step_lost" not in told


@pytest.mark.rule("STEP-13")
def test_a_branch_that_was_squashed_and_deleted_completes_its_step_in_the_holder_s_clone(
    ann: Workspace, bob: Workspace, shared: Shared, git: Git
) -> None:
    handed_over(git, shared)
    commit = merged(git, shared, by_squash)
    git(shared.one, "push", "--quiet", "--delete", "origin", OTHER)
    git(shared.one, "fetch", "--quiet", "--prune")

    sync(ann)

    assert (step(bob).status, step(bob).commit_hash, held(bob)) == ("completed", commit, [])


@pytest.mark.rule("STEP-13")
def test_the_holder_that_hands_in_later_is_not_refused(
    ann: Workspace, bob: Workspace, shared: Shared, git: Git
) -> None:
    tip = handed_over(git, shared)
    merged(git, shared, by_merge)
    land(bob)

    done = seen(complete_step(ann, step_id="app/1", commit_hash=tip))

    assert (done["step"]["status"], done["already"]) == ("completed", True)


@pytest.mark.rule("SAFE-5")
def test_a_step_with_work_that_has_not_landed_keeps_its_paths_and_that_is_said(
    ann: Workspace, shared: Shared, git: Git
) -> None:
    handed_over(git, shared)
    merged(git, shared, by_merge)
    git(shared.one, "fetch", "--quiet")
    (shared.one / "a.py").write_text("x = 3\n", encoding="utf-8")

    result = seen(land(ann))

    assert [(row["id"], "a.py" in row["why"]) for row in result["not_completed"]] == [("app/1", True)]
    assert (step(ann).status, len(held(ann)), result["released"]) == ("claimed", 1, [])


@pytest.mark.rule("SAFE-5", "SAFE-11")
def test_a_step_whose_worktree_git_cannot_read_keeps_its_paths_and_that_is_said(
    ann: Workspace, shared: Shared, git: Git
) -> None:
    handed_over(git, shared)
    merged(git, shared, by_merge)
    git(shared.one, "fetch", "--quiet")
    (shared.one / ".git/index").write_bytes(b"damaged")

    result = seen(land(ann))

    assert [(row["id"], "git cannot read" in row["why"]) for row in result["not_completed"]] == [("app/1", True)]
    assert (step(ann).status, len(held(ann)), result["released"]) == ("claimed", 1, [])


@pytest.mark.rule("SAFE-5")
def test_a_branch_with_a_commit_that_has_not_landed_completes_nothing(
    ann: Workspace, bob: Workspace, shared: Shared, git: Git
) -> None:
    handed_over(git, shared)
    merged(git, shared, by_merge)
    handed_over(git, shared, "x = 4\n")

    result = seen(land(bob))

    assert ("completed" in result, step(bob).status, len(held(bob))) == (False, "claimed", 1)


@pytest.mark.rule("STEP-13")
def test_another_clone_names_a_held_step_whose_branch_may_have_been_fast_forwarded(
    ann: Workspace, bob: Workspace, shared: Shared, git: Git
) -> None:
    work(git, shared.one, "a.py")
    push(git, shared)
    merged(git, shared, by_fast_forward)

    result = seen(land(bob))

    rows = [(row["id"], row["agent"], row["branch"]) for row in result["not_completed"]]
    assert rows == [("app/1", "ann/cli/one", OTHER)]
    assert (step(bob).status, len(held(bob))) == ("claimed", 1)


def test_such_a_branch_that_went_on_at_the_remote_is_not_named(
    ann: Workspace, bob: Workspace, shared: Shared, git: Git
) -> None:
    work(git, shared.one, "a.py")
    push(git, shared)
    merged(git, shared, by_fast_forward)
    work(git, shared.one, "a.py", "x = 4\n")
    push(git, shared)  # which the second clone has not fetched

    assert "not_completed" not in land(bob)


@pytest.mark.rule("STEP-13")
def test_the_holder_that_such_a_row_names_can_complete_its_step_as_it_says(
    ann: Workspace, bob: Workspace, shared: Shared, git: Git
) -> None:
    work(git, shared.one, "a.py")
    push(git, shared)
    commit = merged(git, shared, by_fast_forward)
    (row,) = seen(land(bob))["not_completed"]
    assert f"complete_step(step_id='app/1', commit_hash='{commit[:12]}')" in row["next_step"]

    complete_step(ann, step_id="app/1", commit_hash=commit[:12])

    assert (step(bob).status, "not_completed" in land(bob)) == ("completed", False)


@pytest.mark.parametrize(
    ("file", "trailers"),
    [("others.py", ""), ("a.py", "\n\nCoord-Step: app/9\nCoord-Fence: 1")],
    ids=["outside-its-paths", "of-another-step"],
)
def test_a_fresh_branch_is_not_named_for_the_work_of_others(
    ann: Workspace, bob: Workspace, shared: Shared, git: Git, file: str, trailers: str
) -> None:
    (shared.two / file).write_text("x = 7\n", encoding="utf-8")
    git(shared.two, "add", "--all")
    git(shared.two, "commit", "--quiet", "--message", f"work{trailers}")
    git(shared.two, "push", "--quiet", "origin", f"main:{OTHER}", "main")

    assert "not_completed" not in land(bob)


def test_a_branch_that_has_only_begun_is_not_named(ann: Workspace, bob: Workspace, shared: Shared, git: Git) -> None:
    push(git, shared)
    git(shared.two, "fetch", "--quiet")

    assert "not_completed" not in land(bob)


def test_the_policy_leaves_it_to_the_holder_and_land_says_so(
    ann: Workspace, bob: Workspace, shared: Shared, git: Git
) -> None:
    set_policy(bob, name="complete_on_merge", value="false")
    handed_over(git, shared)
    merged(git, shared, by_merge)

    sync(bob)
    result = seen(land(bob))

    assert "complete_step(step_id='app/1'" in result["not_completed"][0]["next_step"]
    assert (step(bob).status, len(held(bob))) == ("claimed", 1)


def test_a_dry_run_says_what_would_be_completed_and_writes_nothing(
    ann: Workspace, bob: Workspace, shared: Shared, git: Git
) -> None:
    handed_over(git, shared)
    merged(git, shared, by_merge)

    result = seen(land(bob, dry_run=True))

    assert [row["id"] for row in result["completed"]] == ["app/1"]
    assert step(bob).status == "claimed"


@pytest.mark.parametrize("how", [by_merge, by_fast_forward])
def test_work_of_the_branch_from_before_the_step_was_claimed_is_not_this_attempt_s(
    agents: Agents, bob: Workspace, shared: Shared, git: Git, how: Merge
) -> None:
    git(shared.one, "switch", "--quiet", "--create", OTHER)
    with_date = ("-c", "user.name=Ann", "-c", "user.email=ann@example.invalid")
    (shared.one / "a.py").write_text("x = 1\n", encoding="utf-8")
    git(shared.one, "add", "--all")
    git(shared.one, *with_date, "commit", "--quiet", "--message", "old")
    push(git, shared)
    merged(git, shared, how)
    ann = later(agents(shared.one, "ann/cli/one", tool="claude", serve=True), minutes=5)
    steps = plan((), paths=["a.py"])
    steps[0]["branch"] = OTHER
    create_project(ann, name="app", base_commit="HEAD", steps=steps)
    claim_step(ann)

    result = land(bob)

    assert (step(bob).status, "not_completed" in result) == ("claimed", False)


@pytest.mark.rule("STEP-13")
@pytest.mark.parametrize("paths", [["a.py"], []], ids=["paths", "no-paths"])
@pytest.mark.parametrize("tool", ["claude", "cli"])
def test_a_holder_is_told_once_that_somebody_else_s_look_completed_its_step(
    agents: Agents, bob: Workspace, shared: Shared, git: Git, tool: str, paths: list[str]
) -> None:
    ann = agents(shared.one, f"ann/{tool}/one", tool=tool, serve=tool != "cli")
    claim_on_branch(ann, git, shared, paths)
    handed_over(git, shared)
    commit = merged(git, shared, by_merge)
    land(bob)

    told: list[object] = []
    for _ in range(3):
        if tool == "cli":
            ann = agents(shared.one, ann.agent)
        else:
            tick(later(ann, minutes=2))
        told += [one["message"] for one in take_notices(ann) if one["notice"] == "step_completed"]

    assert told == [f"Step app/1 is completed: its branch landed with {commit[:12]}."]
    assert ann.fences.all() == {}


@pytest.mark.rule("STEP-13")
@pytest.mark.parametrize("tool", ["claude", "cli"])
def test_a_holder_is_told_once_whatever_the_words_of_the_client_that_completed_its_step(
    agents: Agents, bob: Workspace, shared: Shared, git: Git, tool: str
) -> None:
    ann = agents(shared.one, f"ann/{tool}/one", tool=tool, serve=tool != "cli")
    claim_on_branch(ann, git, shared, ["a.py"])
    handed_over(git, shared)
    merged(git, shared, by_merge)
    land(bob)
    reword_notices(shared.remote, "Your step is done.")

    notices: list[object] = []
    for _ in range(2):
        if tool == "cli":
            ann = agents(shared.one, ann.agent)
        else:
            tick(later(ann, minutes=2))
        notices += [notice["message"] for notice in take_notices(ann) if notice["notice"] == "step_completed"]

    assert len(notices) == 1


@pytest.mark.rule("STEP-13")
def test_a_holder_of_an_earlier_attempt_is_told_nothing_of_the_one_that_landed(
    agents: Agents, bob: Workspace, shared: Shared, git: Git
) -> None:
    ann = agents(shared.one, "ann/cli/one")
    claim_on_branch(ann, git, shared, [])
    handed_over(git, shared)
    merged(git, shared, by_merge)
    land(bob)
    ann.fences.keep("app/1", ann.fences.all()["app/1"] - 1)

    notices = take_notices(agents(shared.one, ann.agent))

    assert [notice for notice in notices if notice["notice"] == "step_completed"] == []


@pytest.mark.rule("STEP-13")
def test_a_landing_is_left_to_the_watch_of_a_session_that_lives(
    agents: Agents, bob: Workspace, shared: Shared, git: Git
) -> None:
    server = agents(shared.one, "ann/claude/one", tool="claude", serve=True, session="s-ann")
    claim_on_branch(server, git, shared, [])
    handed_over(git, shared)
    merged(git, shared, by_merge)
    land(bob)

    shell = take_notices(agents(shared.one, "ann/claude/one", tool="claude", session="s-ann"))
    tick(later(server, minutes=2))

    assert [notice for notice in shell if notice["notice"] == "step_completed"] == []
    assert [notice["notice"] for notice in take_notices(server)].count("step_completed") == 1


def reword_notices(remote: Path, text: str) -> None:
    """Have the notices of the claims ledger as a version with other sentences writes them."""
    repository = pygit2.Repository(str(remote))
    tip = repository.references["refs/coord/claims"].peel(pygit2.Commit)
    index = pygit2.Index()
    index.read_tree(tip.tree)
    paths = [entry.path for entry in index if entry.path.startswith("notices/")]
    assert paths
    for path in paths:
        notice = json.loads(repository[index[path].id].read_raw())
        blob = repository.create_blob(canonical({**notice, "text": text}))
        index.add(pygit2.IndexEntry(path, blob, FileMode.BLOB))
    tree = index.write_tree(repository)
    repository.create_commit("refs/coord/claims", tip.author, tip.committer, tip.message, tree, [tip.id])


def test_a_holder_that_lands_its_step_itself_gets_no_notice_of_it(agents: Agents, shared: Shared, git: Git) -> None:
    ann = agents(shared.one, "ann/cli/one")
    claim_on_branch(ann, git, shared, [])
    handed_over(git, shared)
    merged(git, shared, by_merge)
    git(shared.one, "fetch", "--quiet")

    assert [row["id"] for row in seen(land(ann))["completed"]] == ["app/1"]
    assert "step_completed" not in [one["notice"] for one in take_notices(ann)]
