"""How to begin on a step: what the answer says is run as printed, and the worktree is where the work goes on."""

from pathlib import Path
from typing import Any

import pytest

from gitcoord.remote.git.git_process import Completed
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.steps.projects import create_project
from gitcoord.service.steps.step_work import claim_step, complete_step, fail_step, recover_step, update_step
from gitcoord.source.checkout.repository import Repository
from tests.conftest import AddWorktree, Git
from tests.unit.service.world import (
    Agents,
    Shared,
    command_in,
    commit_on,
    plan,
    project,
    run_as_printed,
    seen,
)


def at(git: Git, folder: Path) -> tuple[str, str]:
    """Return the branch and the commit that a worktree is on."""
    return git(folder, "branch", "--show-current"), git(folder, "rev-parse", "HEAD")


def has(git: Git, folder: Path, commit: str) -> bool:
    return commit in git(folder, "rev-list", "HEAD").split()


def handed_in(git: Git, workspace: Workspace, folder: Path, num: int, start: str = "main") -> str:
    """Do a step whose work is pushed, and return the commit."""
    claim_step(workspace, step_id=f"app/{num}")
    commit = commit_on(git, folder, f"feat/{num}", start, **{f"{num}.txt": f"{num}\n"})
    git(folder, "push", "--quiet", "origin", f"feat/{num}")
    assert seen(complete_step(workspace, step_id=f"app/{num}", commit_hash="HEAD"))["step"]
    return commit


@pytest.fixture
def one(agents: Agents, shared: Shared) -> Workspace:
    return agents(shared.one, "ann/cli/one", serve=True)


@pytest.fixture
def two(agents: Agents, shared: Shared) -> Workspace:
    return agents(shared.two, "bob/cli/two", serve=True)


def test_a_new_branch_starts_from_the_base_of_the_project(ann: Workspace, repo: Path, git: Git) -> None:
    project(ann)
    base = git(repo, "rev-parse", "HEAD")

    result = seen(claim_step(ann))

    assert run_as_printed(result["next_step"], repo) == repo
    assert at(git, repo) == ("feat/1", base)


def test_a_step_without_a_branch_gets_one_of_its_own(ann: Workspace, repo: Path, git: Git) -> None:
    steps = [{"step_num": 1}]
    for name in ("app", "web"):
        create_project(ann, name=name, base_commit="HEAD", steps=steps)
        run_as_printed(seen(claim_step(ann, project=name))["next_step"], repo)

    assert git(repo, "branch", "--format=%(refname:short)").split() == ["app-1", "main", "web-1"]


def test_git_is_asked_once_whether_the_base_of_several_steps_is_here(
    one: Workspace, shared: Shared, git: Git, monkeypatch: pytest.MonkeyPatch
) -> None:
    project(one, (), (), ())
    asked: list[str] = []
    ask = Repository.git

    def noted(repository: Repository, *arguments: str, timeout_s: float = 30) -> Completed:
        asked.append(arguments[-1])
        return ask(repository, *arguments, timeout_s=timeout_s)

    monkeypatch.setattr(Repository, "git", noted)

    begins = [command_in(seen(claim_step(one, agent_id=f"w{num}"))["next_step"]) for num in (1, 2, 3)]

    base = git(shared.one, "rev-parse", "HEAD")
    assert begins == [f"git switch -c feat/{num} {base[:12]}" for num in (1, 2, 3)]
    assert asked == [f"{base}^{{commit}}"]


def test_what_another_clone_handed_in_is_fetched(one: Workspace, two: Workspace, shared: Shared, git: Git) -> None:
    project(one, (), (), (1, 2))
    commits = [handed_in(git, one, shared.one, num) for num in (1, 2)]

    result = seen(claim_step(two))

    assert command_in(result["next_step"]) == (
        f"git fetch origin feat/1 feat/2 && git switch -c feat/3 {commits[0][:12]} "
        f"&& git merge --no-edit {commits[1][:12]}"
    )
    run_as_printed(result["next_step"], shared.two)
    assert at(git, shared.two)[0] == "feat/3"
    assert all(has(git, shared.two, commit) for commit in commits)


def test_what_has_landed_and_lost_its_branch_is_fetched_by_its_id(
    one: Workspace, two: Workspace, shared: Shared, git: Git
) -> None:
    project(one, (), (1,))
    commit = handed_in(git, one, shared.one, 1)
    git(shared.one, "push", "--quiet", "origin", "feat/1:main", ":feat/1")

    result = seen(claim_step(two))

    assert command_in(result["next_step"]) == f"git fetch origin {commit} && git switch -c feat/2 {commit[:12]}"
    run_as_printed(result["next_step"], shared.two)
    assert at(git, shared.two) == ("feat/2", commit)


def test_the_remote_is_called_as_this_clone_calls_it(one: Workspace, shared: Shared, agents: Agents, git: Git) -> None:
    git(shared.two, "remote", "rename", "origin", "team")
    git(shared.two, "config", "gitcoord.remote", "team")
    project(one, (), (1,))
    commit = handed_in(git, one, shared.one, 1)

    result = seen(claim_step(agents(shared.two, "bob/cli/two")))

    assert command_in(result["next_step"]).startswith("git fetch team feat/1 && ")
    run_as_printed(result["next_step"], shared.two)
    assert at(git, shared.two) == ("feat/2", commit)


def test_a_resumed_step_goes_on_where_its_branch_is(ann: Workspace, repo: Path, git: Git) -> None:
    project(ann)
    claim_step(ann)
    commit = commit_on(git, repo, "feat/1", work="done")

    here = seen(claim_step(ann))["next_step"]
    git(repo, "switch", "--quiet", "main")
    elsewhere = seen(claim_step(ann))["next_step"]

    assert here.startswith("Go on here: branch feat/1 is checked out. When it is committed: complete_step(")
    assert command_in(elsewhere) == "git switch feat/1"
    run_as_printed(elsewhere, repo)
    assert at(git, repo) == ("feat/1", commit)


def test_a_branch_that_another_worktree_has_is_gone_on_with_there(
    ann: Workspace, repo: Path, git: Git, add_worktree: AddWorktree
) -> None:
    tree = add_worktree(repo, "tree;1")
    project(ann)
    claim_step(ann)
    commit = commit_on(git, tree, "feat/1", work="done")

    result = seen(claim_step(ann))

    assert command_in(result["next_step"]) == f"cd '{tree}'"
    assert at(git, run_as_printed(result["next_step"], repo)) == ("feat/1", commit)


def test_a_branch_of_a_worktree_that_is_gone_is_taken_from_it(
    ann: Workspace, repo: Path, git: Git, add_worktree: AddWorktree
) -> None:
    tree = add_worktree(repo, "tree")
    project(ann)
    claim_step(ann)
    commit = commit_on(git, tree, "feat/1", work="done")
    tree.rename(tree.with_name("moved"))

    result = seen(claim_step(ann))

    run_as_printed(result["next_step"], repo)
    assert at(git, repo) == ("feat/1", commit)


@pytest.mark.parametrize("names", [("feat/1", "feat/1"), ("feat/1", "feat/renamed")])
def test_a_failed_step_is_gone_on_with_from_what_was_pushed(
    one: Workspace, two: Workspace, shared: Shared, git: Git, names: tuple[str, str]
) -> None:
    project(one)
    claim_step(one)
    commit = commit_on(git, shared.one, "feat/1", work="half")
    git(shared.one, "push", "--quiet", "origin", "feat/1")
    fail_step(one, step_id="app/1", reason="stuck")
    if names[0] != names[1]:
        recover_step(one, step_id="app/1")
        update_step(one, step_id="app/1", branch=names[1])

    result = seen(claim_step(two, step_id="app/1"))

    assert command_in(result["next_step"]) == f"git fetch origin feat/1 && git switch -c {names[1]} {commit[:12]}"
    run_as_printed(result["next_step"], shared.two)
    assert at(git, shared.two) == (names[1], commit)


def test_work_that_was_pushed_since_is_merged_into_the_branch_that_is_here(
    one: Workspace, two: Workspace, shared: Shared, git: Git
) -> None:
    project(one)
    claim_step(one)
    commit_on(git, shared.one, "feat/1", work="half")
    git(shared.one, "push", "--quiet", "origin", "feat/1")
    fail_step(one, step_id="app/1", reason="stuck")
    claim_step(two, step_id="app/1")
    git(shared.two, "fetch", "--quiet", "origin")
    more = commit_on(git, shared.two, "feat/1", "origin/feat/1", more="done")
    git(shared.two, "push", "--quiet", "origin", "feat/1")
    fail_step(two, step_id="app/1", reason="stuck as well")

    result = seen(claim_step(one, step_id="app/1"))

    run_as_printed(result["next_step"], shared.one)
    assert at(git, shared.one) == ("feat/1", more)


def test_what_was_left_unpushed_in_this_clone_is_gone_on_with(ann: Workspace, repo: Path, git: Git) -> None:
    project(ann)
    claim_step(ann)
    commit = commit_on(git, repo, "feat/1", work="half")
    fail_step(ann, step_id="app/1", reason="stuck")
    git(repo, "switch", "--quiet", "main")
    git(repo, "branch", "--quiet", "-D", "feat/1")

    result = seen(claim_step(ann, step_id="app/1"))

    run_as_printed(result["next_step"], repo)
    assert at(git, repo) == ("feat/1", commit)


def test_a_base_that_the_branch_does_not_have_is_merged(ann: Workspace, repo: Path, git: Git) -> None:
    project(ann, (), (1,))
    claim_step(ann)
    commit = commit_on(git, repo, "feat/1", work="done")
    complete_step(ann, step_id="app/1", commit_hash="HEAD")
    commit_on(git, repo, "feat/2", early="begun too early")

    result = seen(claim_step(ann))

    run_as_printed(result["next_step"], repo)
    assert at(git, repo)[0] == "feat/2"
    assert has(git, repo, commit)


@pytest.mark.rule("SEC-1")
def test_a_name_that_a_shell_would_act_on_is_one_word(ann: Workspace, repo: Path, git: Git) -> None:
    steps: list[Any] = plan(())
    name = "feat/$(touch${IFS}owned);`touch${IFS}owned`"
    create_project(ann, name="app", base_commit="HEAD", steps=[{**steps[0], "branch": name}])

    begin: str = seen(claim_step(ann))["next_step"]

    run_as_printed(begin, repo)
    assert at(git, repo)[0] == name
    assert not (repo / "owned").exists()
