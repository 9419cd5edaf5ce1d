"""Claims of a branch that was merged end, however it was merged; those of a branch that was not stay."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gitcoord.errors import InvalidError
from gitcoord.service.checks.land_branches import land
from gitcoord.service.claims.claims import claim_files, list_claims, release_claims
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.watch.watch import sync, tick
from tests.conftest import Clone, Git
from tests.unit.service.world import Agents, Shared, commit_on, later

Merge = Callable[[Git, Path], None]
BRANCH = "feat/y"


@pytest.fixture
def ann(agents: Agents, shared: Shared, git: Git) -> Workspace:
    """Ann, at work on a branch that she has just made."""
    git(shared.one, "switch", "--quiet", "--create", BRANCH)
    return agents(shared.one, "ann/cli/one", tool="claude", serve=True)


@pytest.fixture
def bob(agents: Agents, shared: Shared) -> Workspace:
    return agents(shared.two, "bob/cli/two")


def work(git: Git, repo: Path, name: str, text: str = "x = 1\n") -> str:
    (repo / name).write_text(text, encoding="utf-8")
    git(repo, "add", "--all")
    git(repo, "commit", "--quiet", "--message", f"work on {name}")
    return git(repo, "rev-parse", "HEAD")


def push(git: Git, shared: Shared, branch: str = BRANCH) -> None:
    git(shared.one, "push", "--quiet", "origin", branch)


def held(workspace: Workspace) -> list[str]:
    rows: Any = list_claims(workspace)["claims"]
    return [row["id"] for row in rows]


def by_merge(git: Git, repo: Path) -> None:
    git(repo, "merge", "--quiet", "--no-ff", "--no-edit", f"origin/{BRANCH}")


def by_fast_forward(git: Git, repo: Path) -> None:
    git(repo, "reset", "--quiet", "--hard", f"origin/{BRANCH}")


def by_squash(git: Git, repo: Path) -> None:
    work(git, repo, "others.py")
    git(repo, "merge", "--quiet", "--squash", f"origin/{BRANCH}")
    git(repo, "commit", "--quiet", "--message", "all of it (#7)")


def by_rebase(git: Git, repo: Path) -> None:
    work(git, repo, "others.py")
    git(repo, "cherry-pick", f"main..origin/{BRANCH}")


def by_picks(git: Git, repo: Path) -> None:
    for commit in git(repo, "rev-list", "--reverse", f"main..origin/{BRANCH}").split():
        work(git, repo, f"{commit[:7]}.py")
        git(repo, "cherry-pick", commit)


def by_two_merges(git: Git, repo: Path) -> None:
    git(repo, "merge", "--quiet", "--no-ff", "--no-edit", f"origin/{BRANCH}~1")
    work(git, repo, "others.py")
    by_merge(git, repo)


def merged(git: Git, shared: Shared, how: Merge) -> str:
    """Merge the branch into the default one in the second clone, and push that."""
    git(shared.two, "fetch", "--quiet")
    git(shared.two, "switch", "--quiet", "main")
    how(git, shared.two)
    git(shared.two, "push", "--quiet", "origin", "main")
    return git(shared.two, "rev-parse", "main")


WAYS = [by_merge, by_squash, by_rebase, by_picks, by_two_merges]


@pytest.mark.rule("CLAIM-9")
@pytest.mark.parametrize("how", WAYS)
@pytest.mark.parametrize("is_deleted", [False, True])
def test_claims_of_a_branch_that_landed_are_released_by_whoever_syncs(
    ann: Workspace, bob: Workspace, shared: Shared, git: Git, how: Merge, is_deleted: bool
) -> None:
    claim_files(ann, patterns=["a.py"])
    work(git, shared.one, "a.py")
    work(git, shared.one, "a.py", "x = 2\n")
    push(git, shared)
    commit = merged(git, shared, how)
    if is_deleted:
        git(shared.two, "push", "--quiet", "--delete", "origin", BRANCH)
        git(shared.one, "fetch", "--quiet", "--prune")

    sync(ann if is_deleted else bob)

    assert held(bob) == []
    log = git(shared.remote, "log", "-1", "--format=%B", "refs/coord/claims")
    assert commit in log


@pytest.mark.rule("CLAIM-9")
def test_a_branch_that_was_fast_forwarded_has_landed_for_the_clone_that_worked_on_it(
    ann: Workspace, shared: Shared, git: Git
) -> None:
    claim_files(ann, patterns=["a.py"])
    work(git, shared.one, "a.py")
    push(git, shared)
    merged(git, shared, by_fast_forward)
    git(shared.one, "fetch", "--quiet")

    sync(ann)

    assert held(ann) == []


@pytest.mark.rule("CLAIM-9")
@pytest.mark.parametrize("how", [by_fast_forward, by_merge])
def test_others_know_what_was_a_branch_s_own_from_what_its_holder_told(
    ann: Workspace, bob: Workspace, shared: Shared, git: Git, clone: Clone, agents: Agents, how: Merge
) -> None:
    claim_files(ann, patterns=["a.py"])
    work(git, shared.one, "a.py")
    push(git, shared)
    tick(later(ann, minutes=2))
    merged(git, shared, how)
    git(shared.two, "push", "--quiet", "--delete", "origin", BRANCH)
    machine = clone(shared.remote, "ci")
    git(machine, "config", "gitcoord.remote", "origin")

    result: Any = land(agents(machine, "ann/ci/main"))

    assert (result["count"], result["released"][0]["agent"]) == (1, "ann/cli/one")
    assert held(bob) == []


def nothing(git: Git, shared: Shared) -> None:
    """Leave the branch as it was made."""


def updated_only(git: Git, shared: Shared) -> None:
    """Bring the branch up to date with others' work."""
    git(shared.two, "switch", "--quiet", "main")
    work(git, shared.two, "others.py")
    git(shared.two, "push", "--quiet", "origin", "main")
    git(shared.one, "pull", "--quiet", "--ff-only", "origin", "main")
    push(git, shared)


def one_of_two(git: Git, shared: Shared) -> None:
    work(git, shared.one, "a.py")
    push(git, shared)
    merged(git, shared, by_rebase)
    work(git, shared.one, "a.py", "x = 2\n")
    push(git, shared)


def not_pushed_yet(git: Git, shared: Shared) -> None:
    work(git, shared.one, "a.py")
    push(git, shared)
    merged(git, shared, by_merge)
    work(git, shared.one, "a.py", "x = 2\n")


@pytest.mark.rule("CLAIM-9")
@pytest.mark.parametrize("history", [nothing, updated_only, one_of_two, not_pushed_yet])
def test_a_branch_that_is_fresh_or_has_more_than_landed_keeps_its_claims(
    ann: Workspace, shared: Shared, git: Git, history: Callable[[Git, Shared], None]
) -> None:
    claim_files(ann, patterns=["a.py"])
    before = held(ann)
    history(git, shared)
    git(shared.one, "fetch", "--quiet")

    sync(ann)

    assert held(ann) == before != []


@pytest.mark.rule("CLAIM-9")
def test_old_news_of_a_branch_that_went_on_release_nothing(
    ann: Workspace, bob: Workspace, shared: Shared, git: Git
) -> None:
    claim_files(ann, patterns=["a.py"])
    work(git, shared.one, "a.py")
    push(git, shared)
    merged(git, shared, by_merge)
    work(git, shared.one, "a.py", "x = 2\n")
    push(git, shared)

    sync(bob)

    assert len(held(bob)) == 1


@pytest.mark.rule("CLAIM-9")
def test_what_is_claimed_after_the_last_commit_stays_when_that_landed(
    ann: Workspace, shared: Shared, git: Git, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_COMMITTER_DATE", "2020-01-01T00:00:00Z")
    work(git, shared.one, "a.py")
    push(git, shared)
    monkeypatch.delenv("GIT_COMMITTER_DATE")
    claim_files(ann, patterns=["a.py"])
    merged(git, shared, by_merge)
    git(shared.one, "fetch", "--quiet")

    sync(ann)

    assert len(held(ann)) == 1


@pytest.mark.rule("CLAIM-9")
def test_claims_on_the_default_branch_stay(ann: Workspace, shared: Shared, git: Git) -> None:
    git(shared.one, "switch", "--quiet", "main")
    claim_files(ann, patterns=["a.py"])
    work(git, shared.one, "a.py")
    push(git, shared, "main")

    sync(ann)

    assert len(held(ann)) == 1


@pytest.mark.rule("CLAIM-9")
def test_a_running_session_finds_out_by_itself(ann: Workspace, shared: Shared, git: Git) -> None:
    claim_files(ann, patterns=["a.py"])
    work(git, shared.one, "a.py")
    push(git, shared)
    merged(git, shared, by_squash)
    git(shared.one, "fetch", "--quiet")

    tick(ann)

    assert held(ann) == []


@pytest.mark.rule("CLAIM-10")
@pytest.mark.parametrize("is_deleted", [False, True])
def test_a_barrier_ends_when_what_it_tells_of_landed_or_its_branch_is_gone(
    ann: Workspace, bob: Workspace, shared: Shared, git: Git, is_deleted: bool
) -> None:
    claim_files(ann, patterns=["a.py"])
    work(git, shared.one, "a.py")
    push(git, shared)
    release_claims(ann)
    before = bob.register().barriers
    if is_deleted:
        git(shared.one, "push", "--quiet", "--delete", "origin", BRANCH)
    else:
        merged(git, shared, by_merge)

    sync(bob)

    assert len(before) == 1
    assert bob.register().barriers == {}


def test_a_dry_run_and_another_branch_release_nothing(ann: Workspace, bob: Workspace, shared: Shared, git: Git) -> None:
    claim_files(ann, patterns=["a.py"])
    work(git, shared.one, "a.py")
    push(git, shared)
    commit = merged(git, shared, by_merge)

    other: Any = land(bob, branch="feat/z")
    dry: Any = land(bob, dry_run=True)

    assert other["count"] == 0
    assert [(row["branch"], row["commit"]) for row in dry["released"]] == [(BRANCH, commit)]
    assert [row["id"] for row in dry["released"]] == held(bob)


def test_a_clone_without_history_says_what_to_do(
    bob: Workspace, shared: Shared, git: Git, agents: Agents, tmp_path: Path
) -> None:
    commit_on(git, shared.two, "x")
    git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{shared.remote}", "shallow")
    shallow = agents(tmp_path / "shallow", "ann/ci/main")

    with pytest.raises(InvalidError, match="shallow"):
        land(shallow)
    assert sync(shallow)["oddities"] == []
