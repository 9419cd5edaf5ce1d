"""Verifying: what CI finds in real branches, against a remote that it may only read."""

import os
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gitcoord.core.checks.findings import Finding
from gitcoord.errors import InvalidError, RepositoryError, UnreachableError
from gitcoord.runtime import open_inspection
from gitcoord.service.checks.commit_range import Wanted
from gitcoord.service.checks.verification import DAMAGED_MAX, Report, verify
from gitcoord.service.claims.claims import claim_files, release_claims
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.steps.step_work import claim_step, complete_step, recover_step, start_step
from gitcoord.service.team.deletion import delete_project
from gitcoord.service.team.policy import set_policy
from tests.conftest import Clone, Git
from tests.unit.service.world import Agents, Shared, commit_on, later, project, write_ref

CODE = "import os\n\n\ndef one():\n    return 1\n\n\ndef two():\n    return 2\n"


def check(
    repo: Path, *, strict: bool = False, env: dict[str, str] | None = None, is_fork: bool = False, **wanted: str
) -> Report:
    with open_inspection(repo, {**os.environ, **(env or {})}) as inspection:
        return verify(inspection, replace(Wanted(is_fork=is_fork), **wanted), strict=strict)


def rules(report: Report) -> list[tuple[str, str | None]]:
    return [(one.rule, one.path) for one in report.findings]


def only(report: Report) -> Finding:
    [one] = report.findings
    return one


@pytest.fixture
def bob(agents: Agents, shared: Shared) -> Workspace:
    return agents(shared.two, "bob/cli/two")


@pytest.fixture
def ann(agents: Agents, shared: Shared) -> Workspace:
    return agents(shared.one, "ann/cli/one")


@pytest.fixture
def code(shared: Shared, git: Git) -> None:
    """Have `a.py` with two functions on the default branch."""
    (shared.one / "a.py").write_text(CODE)
    git(shared.one, "add", "a.py")
    git(shared.one, "commit", "--quiet", "--message", "code")
    git(shared.one, "push", "--quiet", "origin", "main")
    git(shared.two, "pull", "--quiet")


def change(git: Git, repo: Path, old: str, new: str, branch: str = "feat/b", message: str = "work") -> str:
    """Change a.py on a branch."""
    if git(repo, "branch", "--list", branch):
        git(repo, "switch", "--quiet", branch)
    else:
        git(repo, "switch", "--quiet", "--create", branch, "origin/main")
    text = (repo / "a.py").read_text()
    (repo / "a.py").write_text(text.replace(old, new))
    git(repo, "commit", "--quiet", "--all", "--message", message)
    return git(repo, "rev-parse", "HEAD")


def test_a_change_of_what_another_claimed_is_a_finding(
    ann: Workspace, bob: Workspace, shared: Shared, git: Git
) -> None:
    claim_files(ann, patterns=["src/**", "b.py"], branch="feat/a", description="the login")
    commit_on(git, shared.two, "feat/b", "origin/main", **{"b.py": "1\n", "c.py": "1\n"})

    report = check(shared.two)

    one = only(report)
    assert (one.rule, one.path, one.line, report.is_ok) == ("foreign-claim", "b.py", 1, False)
    assert one.claim["agent"] == "ann/cli/one"
    assert (report.branch, report.files, report.commits) == ("feat/b", 2, 1)


def test_a_claim_on_the_branch_makes_its_changes_own_whoever_made_it(ann: Workspace, shared: Shared, git: Git) -> None:
    claim_files(ann, patterns=["b.py"], branch="feat/b")
    commit_on(git, shared.two, "feat/b", "origin/main", **{"b.py": "1\n"})

    assert check(shared.two).findings == ()
    assert [one.rule for one in check(shared.two, branch="feat/c").findings] == ["foreign-claim"]


def test_a_claim_of_the_agent_that_a_commit_names_makes_its_files_own(ann: Workspace, shared: Shared, git: Git) -> None:
    claim_files(ann, patterns=["b.py", "c.py"], branch="feat/a")
    for name, agent in (("b.py", "ann/cli/one/tests"), ("c.py", "bob/cli/two")):
        if name == "b.py":
            git(shared.two, "switch", "--quiet", "--create", "feat/b", "origin/main")
        (shared.two / name).write_text("1\n")
        git(shared.two, "add", name)
        git(shared.two, "commit", "--quiet", "--message", f"work\n\nCoord-Agent: {agent}")

    assert rules(check(shared.two)) == [("foreign-claim", "c.py")]


def test_a_claim_that_has_ended_counts_for_its_own_branch_and_against_nobody(
    ann: Workspace, bob: Workspace, shared: Shared, git: Git
) -> None:
    claim_files(bob, patterns=["b.py"], branch="feat/b")
    commit_on(git, shared.two, "feat/b", "origin/main", **{"b.py": "1\n"})
    release_claims(bob)
    assert check(shared.two).findings == ()

    claim_files(ann, patterns=["b.py"], branch="feat/a")
    report = check(shared.two)

    assert report.is_ok
    assert rules(report) == [("later-claim", "b.py")]
    git(shared.two, "commit", "--quiet", "--amend", "--no-edit", "--date", "2026-11-20T00:00:00Z")
    assert rules(check(shared.two)) == [("later-claim", "b.py")]


def test_symbols_collide_or_do_not(ann: Workspace, shared: Shared, git: Git, code: None) -> None:
    claim_files(ann, symbols={"a.py": ["one"]}, branch="feat/a")
    change(git, shared.two, "return 2", "return 22")
    assert check(shared.two).findings == ()

    change(git, shared.two, "return 1", "return 11")

    one = only(check(shared.two))
    assert (one.rule, one.path, one.line, one.symbols) == ("foreign-claim", "a.py", 5, ("one",))


def test_a_removed_declaration_collides_by_its_old_lines(ann: Workspace, shared: Shared, git: Git, code: None) -> None:
    claim_files(ann, symbols={"a.py": ["one"]}, branch="feat/a")
    change(git, shared.two, "def one():\n    return 1\n\n\n", "")

    assert only(check(shared.two)).symbols == ("one",)


def test_module_level_lines_are_a_note(ann: Workspace, shared: Shared, git: Git, code: None) -> None:
    claim_files(ann, symbols={"a.py": ["one"]}, branch="feat/a")
    change(git, shared.two, "import os", "import sys")

    report = check(shared.two, strict=True)

    assert report.is_ok
    assert rules(report) == [("shared-lines", "a.py")]


def test_partners_both_land_and_the_rest_of_the_file_is_its_holder_s(
    ann: Workspace, bob: Workspace, shared: Shared, git: Git, code: None
) -> None:
    claim_files(ann, patterns=["a.py"], branch="feat/a")
    claim_files(bob, symbols={"a.py": ["two"]}, branch="feat/b")
    change(git, shared.two, "return 2", "return 22")
    git(shared.one, "fetch", "--quiet")
    change(git, shared.one, "return 1", "return 11", branch="feat/a")

    assert check(shared.two).is_ok
    assert check(shared.one).is_ok
    change(git, shared.two, "return 1", "return 111")
    assert only(check(shared.two)).symbols == ("one",)


def test_readers_are_never_a_finding(ann: Workspace, shared: Shared, git: Git) -> None:
    claim_files(ann, patterns=["b.py"], branch="feat/a", mode="read")
    commit_on(git, shared.two, "feat/b", "origin/main", **{"b.py": "1\n"})

    assert check(shared.two).findings == ()


@pytest.mark.parametrize("claimed", ["a.py", "z.py"])
def test_a_rename_counts_for_both_names(ann: Workspace, shared: Shared, git: Git, code: None, claimed: str) -> None:
    claim_files(ann, patterns=[claimed], branch="feat/a")
    git(shared.two, "switch", "--quiet", "--create", "feat/b", "origin/main")
    git(shared.two, "mv", "a.py", "z.py")
    git(shared.two, "commit", "--quiet", "--message", "rename")

    assert rules(check(shared.two)) == [("foreign-claim", claimed)]


def test_a_syntax_error_hides_no_change_of_what_another_holds(
    ann: Workspace, shared: Shared, git: Git, code: None
) -> None:
    claim_files(ann, symbols={"a.py": ["two"]}, branch="feat/a")
    change(git, shared.two, "return 1", 'return """')
    change(git, shared.two, "return 2", "return 22")

    finding = only(check(shared.two))

    assert (finding.rule, finding.path) == ("foreign-claim", "a.py")


def test_a_deletion_touches_every_symbol(ann: Workspace, shared: Shared, git: Git, code: None) -> None:
    claim_files(ann, symbols={"a.py": ["one"]}, branch="feat/a")
    git(shared.two, "switch", "--quiet", "--create", "feat/b", "origin/main")
    git(shared.two, "rm", "--quiet", "a.py")
    git(shared.two, "commit", "--quiet", "--message", "gone")

    one = only(check(shared.two))
    assert (one.rule, one.path, one.line) == ("foreign-claim", "a.py", None)


def test_a_squash_and_a_rebase_stay_own(ann: Workspace, bob: Workspace, shared: Shared, git: Git) -> None:
    claim_files(bob, patterns=["b.py", "c.py"], branch="feat/b")
    commit_on(git, shared.two, "feat/b", "origin/main", **{"b.py": "1\n"})
    (shared.two / "c.py").write_text("1\n")
    git(shared.two, "add", "c.py")
    git(shared.two, "commit", "--quiet", "--message", "more")
    release_claims(bob)
    claim_files(ann, patterns=["b.py", "d.py"], branch="feat/a")
    (shared.one / "d.py").write_text("1\n")
    git(shared.one, "add", "d.py")
    git(shared.one, "commit", "--quiet", "--message", "landed")
    git(shared.one, "push", "--quiet", "origin", "main")
    git(shared.two, "fetch", "--quiet")
    git(shared.two, "rebase", "--quiet", "origin/main")
    assert rules(check(shared.two)) == [("later-claim", "b.py")]

    git(shared.two, "reset", "--quiet", "--soft", "origin/main")
    git(shared.two, "commit", "--quiet", "--message", "squashed")

    assert rules(check(shared.two)) == [("later-claim", "b.py")]


def test_a_shallow_checkout_of_a_merge_commit_is_deepened(
    ann: Workspace, shared: Shared, git: Git, clone: Clone, tmp_path: Path
) -> None:
    claim_files(ann, patterns=["b.py"], branch="feat/a")
    for number in range(3):
        git(shared.one, "commit", "--quiet", "--allow-empty", "--message", f"more {number}")
    git(shared.one, "push", "--quiet", "origin", "main")
    git(shared.two, "fetch", "--quiet")
    head = commit_on(git, shared.two, "feat/b", "origin/main", **{"b.py": "1\n"})
    git(shared.two, "push", "--quiet", "origin", "feat/b")
    git(shared.two, "switch", "--quiet", "--detach", "origin/main")
    git(shared.two, "merge", "--quiet", "--no-ff", "--no-edit", "feat/b")
    git(shared.two, "push", "--quiet", "origin", "HEAD:refs/pull/1/merge")
    runner = tmp_path / "runner"
    git(tmp_path, "init", "--quiet", str(runner))
    git(runner, "remote", "add", "origin", f"file://{shared.remote}")
    git(runner, "fetch", "--quiet", "--depth=1", "origin", "+refs/pull/1/merge:refs/remotes/pull/1/merge")
    git(runner, "checkout", "--quiet", "--detach", "refs/remotes/pull/1/merge")

    report = check(runner, base_branch="main", branch="feat/b", head=head)

    assert rules(report) == [("foreign-claim", "b.py")]
    assert report.head == head
    assert git(runner, "for-each-ref", "--format=%(refname)") == "refs/remotes/pull/1/merge"
    assert rules(check(runner, base_branch="main", branch="feat/b")) == [("foreign-claim", "b.py")]


def test_a_clone_that_stays_too_shallow_says_what_to_set(shared: Shared, git: Git, tmp_path: Path) -> None:
    commit_on(git, shared.two, "feat/b", "origin/main", **{"b.py": "1\n"})
    git(shared.two, "push", "--quiet", "origin", "feat/b")
    git(shared.one, "commit", "--quiet", "--allow-empty", "--message", "more")
    git(shared.one, "push", "--quiet", "origin", "main")
    runner = tmp_path / "runner"
    git(tmp_path, "clone", "--quiet", "--depth=1", "--no-single-branch", f"file://{shared.remote}", str(runner))
    git(runner, "checkout", "--quiet", "--detach", "origin/feat/b")
    git(runner, "config", "gitcoord.remote", str(shared.remote))
    git(runner, "remote", "set-url", "origin", str(tmp_path / "nowhere"))

    with pytest.raises(RepositoryError) as caught:
        check(runner, base="origin/main")

    assert "too shallow" in str(caught.value)
    assert "fetch-depth: 0" in caught.value.hint


def test_changes_without_a_claim_are_findings_where_claims_are_required(
    ann: Workspace, bob: Workspace, shared: Shared, git: Git
) -> None:
    set_policy(ann, name="require_claims", value="true")
    claim_files(bob, patterns=["b.py"], branch="feat/b")
    commit_on(git, shared.two, "feat/b", "origin/main", **{"b.py": "1\n", "c.py": "1\n"})

    assert rules(check(shared.two)) == [("unclaimed-change", "c.py")]


def test_a_push_to_the_default_branch_is_what_was_pushed(ann: Workspace, shared: Shared, git: Git) -> None:
    claim_files(ann, patterns=["b.py"], branch="feat/a")
    before = git(shared.two, "rev-parse", "HEAD")
    (shared.two / "b.py").write_text("1\n")
    git(shared.two, "add", "b.py")
    git(shared.two, "commit", "--quiet", "--message", "direct")

    pushed = check(shared.two, before=before, branch="main", default_branch="main")

    assert rules(pushed) == [("foreign-claim", "b.py")]
    git(shared.two, "push", "--quiet", "origin", "main")
    assert check(shared.two, branch="main", default_branch="main").findings == ()


@pytest.mark.parametrize("squash", [False, True])
def test_a_branch_that_lands_is_not_in_its_own_way(ann: Workspace, shared: Shared, git: Git, squash: bool) -> None:
    claim_files(ann, patterns=["b.py"], branch="feat/a")
    commit_on(git, shared.one, "feat/a", "main", **{"b.py": "1\n"})
    git(shared.one, "push", "--quiet", "origin", "feat/a")
    git(shared.two, "fetch", "--quiet")
    before = git(shared.two, "rev-parse", "HEAD")
    if squash:
        git(shared.two, "merge", "--quiet", "--squash", "origin/feat/a")
        git(shared.two, "commit", "--quiet", "--message", "landed")
    else:
        git(shared.two, "merge", "--quiet", "--no-ff", "--no-edit", "origin/feat/a")

    assert check(shared.two, before=before, branch="main", default_branch="main").findings == ()

    (shared.one / "b.py").write_text("2\n")
    git(shared.one, "commit", "--quiet", "--all", "--message", "more")
    git(shared.one, "push", "--quiet", "origin", "feat/a")
    assert rules(check(shared.two, before=before, branch="main", default_branch="main")) == [("foreign-claim", "b.py")]


def test_a_fork_that_has_merged_a_branch_does_not_land_it(ann: Workspace, shared: Shared, git: Git) -> None:
    claim_files(ann, patterns=["a.py"], branch="feat/a")
    commit_on(git, shared.one, "feat/a", **{"a.py": "1\n"})
    git(shared.one, "push", "--quiet", "origin", "feat/a")
    git(shared.two, "fetch", "--quiet", "origin")
    head = commit_on(git, shared.two, "patch-1", start="origin/feat/a", **{"a.py": "2\n"})

    of_fork = check(shared.two, base="origin/main", head=head, is_fork=True)

    assert rules(of_fork) == [("foreign-claim", "a.py")]
    assert of_fork.branch is None


def test_the_remote_is_asked_once_whether_a_branch_landed(
    ann: Workspace, shared: Shared, git: Git, tmp_path: Path
) -> None:
    claim_files(ann, patterns=["*.py"], branch="feat/a")
    commit_on(git, shared.one, "feat/a", "main", **{f"{name}.py": "1\n" for name in "bcde"})
    git(shared.one, "push", "--quiet", "origin", "feat/a")
    git(shared.two, "fetch", "--quiet")
    before = git(shared.two, "rev-parse", "HEAD")
    git(shared.two, "merge", "--quiet", "--squash", "origin/feat/a")
    git(shared.two, "commit", "--quiet", "--message", "landed")
    asked, program = tmp_path / "asked", tmp_path / "upload-pack"
    program.write_text(f'#!/bin/sh\necho >>"{asked}"\nexec git-upload-pack "$@"\n')
    program.chmod(0o755)
    git(shared.two, "config", "remote.origin.uploadpack", str(program))

    report = check(shared.two, before=before, branch="main", default_branch="main")

    assert (report.findings, report.files) == ((), 4)
    assert len(asked.read_text().splitlines()) == 1


def test_a_branch_without_commits_of_its_own_has_not_landed(ann: Workspace, shared: Shared, git: Git) -> None:
    claim_files(ann, patterns=["b.py"], branch="feat/a")
    git(shared.one, "push", "--quiet", "origin", "main:refs/heads/feat/a")
    before = git(shared.two, "rev-parse", "HEAD")
    (shared.two / "b.py").write_text("1\n")
    git(shared.two, "add", "b.py")
    git(shared.two, "commit", "--quiet", "--message", "direct")

    assert rules(check(shared.two, before=before, branch="main", default_branch="main")) == [("foreign-claim", "b.py")]


def test_a_branch_of_a_fork_that_is_named_like_the_default_branch_is_not_it(
    ann: Workspace, shared: Shared, git: Git
) -> None:
    project(ann, ())
    claim_step(ann)
    trailers(git, shared.two, "feat/1", "app/1", 1)

    report = check(shared.two, base_branch="main", branch="main", default_branch="main")

    assert [one.rule for one in report.findings] == ["step-branch"]


def test_in_a_merge_queue_a_branch_is_known_by_its_commits(ann: Workspace, shared: Shared, git: Git) -> None:
    claim_files(ann, patterns=["b.py"], branch="feat/a")
    commit_on(git, shared.one, "feat/a", "main", **{"b.py": "1\n"})
    git(shared.one, "push", "--quiet", "origin", "feat/a")
    git(shared.two, "fetch", "--quiet")
    base = git(shared.two, "rev-parse", "HEAD")
    git(shared.two, "switch", "--quiet", "--detach", "main")
    git(shared.two, "merge", "--quiet", "--no-ff", "--no-edit", "origin/feat/a")

    assert check(shared.two, base=base, default_branch="main").findings == ()


def trailers(
    git: Git, repo: Path, branch: str, step: str, fence: int, agent: str = "", start: str = "origin/main"
) -> str:
    git(repo, "switch", "--quiet", "--create", branch, start)
    lines = f"Coord-Step: {step}\nCoord-Fence: {fence}" + (f"\nCoord-Agent: {agent}" if agent else "")
    (repo / f"{branch.replace('/', '-')}.txt").write_text(branch)
    git(repo, "add", "--all")
    git(repo, "commit", "--quiet", "--message", f"work\n\n{lines}")
    return git(repo, "rev-parse", "HEAD")


def test_trailers_name_a_step_that_exists_and_whose_branch_this_is(ann: Workspace, shared: Shared, git: Git) -> None:
    project(ann, (), ())
    claim_step(ann, step_id="app/1")
    trailers(git, shared.two, "feat/1", "app/1", 1)
    assert check(shared.two).findings == ()

    assert [one.rule for one in check(shared.two, branch="feat/2").findings] == ["step-branch"]
    trailers(git, shared.two, "feat/9", "app/9", 1)
    assert [one.rule for one in check(shared.two).findings] == ["unknown-step"]


@pytest.mark.parametrize("others", [(), ("other",)])
def test_a_project_that_was_deleted_fails_no_branch_of_its_steps(
    ann: Workspace, shared: Shared, git: Git, others: tuple[str, ...]
) -> None:
    project(ann, ())
    trailers(git, shared.two, "feat/1", "app/1", 1)
    delete_project(ann, name="app")
    for name in others:
        project(ann, name=name)

    report = check(shared.two, strict=True)

    assert (only(report).rule, report.is_ok) == ("unknown-project", True)


def test_where_nothing_is_coordinated_any_more_trailers_of_commits_are_notes(shared: Shared, git: Git) -> None:
    trailers(git, shared.two, "feat/1", "app/1", 1)

    report = check(shared.two)

    assert (only(report).rule, report.is_ok, report.ledgers) == ("unknown-project", True, 0)


def test_a_step_of_a_project_that_cannot_be_read_is_no_note(ann: Workspace, shared: Shared, git: Git) -> None:
    project(ann, ())
    trailers(git, shared.two, "feat/1", "app/1", 1)
    write_ref(shared.remote, "refs/coord/steps/app", {"project.json": "no document"})

    assert {one.rule for one in check(shared.two).findings} == {"unknown-step", "ledger-damaged"}


def test_an_old_fence_is_a_finding_unless_the_checkpoint_has_the_commit(
    agents: Agents, ann: Workspace, bob: Workspace, shared: Shared, git: Git
) -> None:
    project(ann, ())
    claim_step(ann, step_id="app/1")
    kept = trailers(git, shared.one, "feat/1", "app/1", 1, "ann/cli/one", "main")
    git(shared.one, "push", "--quiet", "origin", "feat/1")
    recover_step(ann, step_id="app/1")
    git(shared.two, "fetch", "--quiet")
    claim_step(bob, step_id="app/1")
    git(shared.two, "switch", "--quiet", "feat/1")
    assert check(shared.two).findings == ()
    commit_on(git, shared.two, "ahead", **{"elsewhere.txt": "x\n"})
    git(shared.two, "rebase", "--quiet", "ahead", "feat/1")
    assert check(shared.two).findings == ()

    (shared.two / "late.txt").write_text("late\n")
    git(shared.two, "add", "--all")
    git(
        shared.two,
        "commit",
        "--quiet",
        "--message",
        "late\n\nCoord-Step: app/1\nCoord-Fence: 1\nCoord-Agent: ann/cli/one",
    )

    one = only(check(shared.two))
    assert (one.rule, one.commit) == ("old-fence", git(shared.two, "rev-parse", "HEAD"))
    assert kept != one.commit
    assert "'bob/cli/two' has the step now" in one.message


def completed(workspace: Workspace, commit: str) -> None:
    start_step(workspace, step_id="app/1")
    complete_step(workspace, step_id="app/1", commit_hash=commit)


@pytest.mark.parametrize("how", ["merge", "pick", "squash", "nothing"])
def test_a_dependency_is_there_by_commit_or_by_equal_patch(
    ann: Workspace, bob: Workspace, shared: Shared, git: Git, how: str
) -> None:
    project(ann, (), (1,))
    claim_step(ann, step_id="app/1")
    trailers(git, shared.one, "feat/1", "app/1", 1, start="main")
    (shared.one / "second.txt").write_text("2\n")
    git(shared.one, "add", "--all")
    git(shared.one, "commit", "--quiet", "--message", "second")
    git(shared.one, "push", "--quiet", "origin", "feat/1")
    completed(ann, git(shared.one, "rev-parse", "HEAD"))
    git(shared.two, "fetch", "--quiet")
    claim_step(bob, step_id="app/2")
    git(shared.two, "switch", "--quiet", "--create", "feat/2", "origin/main")
    git(shared.two, "commit", "--quiet", "--allow-empty", "--message", "own")
    ways: dict[str, Callable[[], object]] = {
        "merge": lambda: git(shared.two, "merge", "--quiet", "--no-edit", "origin/feat/1"),
        "pick": lambda: git(shared.two, "cherry-pick", "origin/main..origin/feat/1"),
        "squash": lambda: (
            git(shared.two, "merge", "--quiet", "--squash", "origin/feat/1"),
            git(shared.two, "commit", "--quiet", "--message", "squashed"),
        ),
        "nothing": lambda: None,
    }
    ways[how]()

    found = [one.rule for one in check(shared.two).findings]

    assert found == (["missing-dependency"] if how == "nothing" else [])


def test_a_barrier_is_a_note_until_its_content_is_there(
    ann: Workspace, bob: Workspace, shared: Shared, git: Git
) -> None:
    claim_files(ann, patterns=["b.py"], branch="feat/a")
    commit = commit_on(git, shared.one, "feat/a", "main", **{"b.py": "1\n"})
    git(shared.one, "push", "--quiet", "origin", "feat/a")
    release_claims(ann)
    commit_on(git, shared.two, "feat/b", "origin/main", **{"b.py": "2\n"})

    report = check(shared.two)

    assert report.is_ok
    assert [(one.rule, one.commit) for one in report.findings if one.rule == "barrier"] == [("barrier", commit)]
    assert not check(shared.two, strict=True).is_ok
    git(shared.two, "fetch", "--quiet")
    git(shared.two, "merge", "--quiet", "--no-edit", "--strategy-option=ours", "origin/feat/a")
    assert check(shared.two).findings == ()


def test_branches_that_do_not_merge_are_notes(ann: Workspace, shared: Shared, git: Git) -> None:
    claim_files(ann, patterns=["elsewhere.py"], branch="feat/a")
    commit_on(git, shared.one, "feat/a", "main", **{"b.py": "1\n"})
    git(shared.one, "push", "--quiet", "origin", "feat/a")
    commit_on(git, shared.two, "feat/b", "origin/main", **{"b.py": "2\n"})

    report = check(shared.two)

    assert report.is_ok
    assert rules(report) == [("predicted-conflict", "b.py")]
    assert "'feat/a'" in only(report).message


def test_the_branch_of_a_completed_step_that_waits_for_review_is_merged_in_trial(
    ann: Workspace, shared: Shared, git: Git
) -> None:
    project(ann)
    claim_step(ann)
    commit_on(git, shared.one, "feat/1", "main", **{"b.py": "1\n"})
    git(shared.one, "push", "--quiet", "origin", "feat/1")
    complete_step(ann, step_id="app/1", commit_hash="feat/1")
    commit_on(git, shared.two, "feat/b", "origin/main", **{"b.py": "2\n"})

    report = check(shared.two, strict=True)

    assert (report.is_ok, rules(report)) == (False, [("predicted-conflict", "b.py")])
    assert "ann/cli/one" in only(report).hint


@pytest.mark.rule("SAFE-6")
def test_a_damaged_ledger_is_a_finding_and_the_others_are_checked(ann: Workspace, shared: Shared, git: Git) -> None:
    claim_files(ann, patterns=["b.py"], branch="feat/a")
    commit_on(git, shared.two, "feat/b", "origin/main", **{"b.py": "1\n"})
    write_ref(shared.remote, "refs/coord/steps/app", {"project.json": "{", "meta.json": "{}"})

    report = check(shared.two)

    assert [one.rule for one in report.findings] == ["foreign-claim", "ledger-damaged"]
    assert "refs/coord/steps/app" in report.findings[1].message


def test_refs_that_this_version_does_not_know_are_not_judged(ann: Workspace, shared: Shared, git: Git) -> None:
    git(shared.one, "push", "--quiet", "origin", "HEAD:refs/coord/relay/hooks")
    (shared.one / "odd name").write_text("1\n")

    report = check(shared.two)

    assert (report.findings, report.ledgers) == ((), 0)


def test_work_that_is_not_pushed_is_checked_in_a_shallow_clone(
    ann: Workspace, shared: Shared, git: Git, tmp_path: Path
) -> None:
    claim_files(ann, patterns=["b.py"], branch="feat/a")
    for number in range(3):
        git(shared.one, "commit", "--quiet", "--allow-empty", "--message", f"more {number}")
    git(shared.one, "push", "--quiet", "origin", "main", "main~2:refs/heads/old")
    runner = tmp_path / "runner"
    git(tmp_path, "clone", "--quiet", "--depth=1", "--branch", "old", f"file://{shared.remote}", str(runner))
    commit_on(git, runner, "feat/b", "HEAD", **{"b.py": "1\n"})

    assert rules(check(runner, base_branch="main")) == [("foreign-claim", "b.py")]


def test_a_sound_ledger_of_many_kinds_of_commits_has_no_finding(
    ann: Workspace, bob: Workspace, shared: Shared, git: Git
) -> None:
    project(ann, (), (1,), paths=["src/{}".format("**")])
    set_policy(ann, name="auto_recover", value="false")
    claim_step(ann)
    claim_files(bob, patterns=["docs/**"])
    claim_files(later(bob, minutes=3), patterns=["more.md"])

    assert check(shared.two).findings == ()


def test_the_remote_is_never_written_and_need_not_take_pushes(ann: Workspace, shared: Shared, git: Git) -> None:
    claim_files(ann, patterns=["b.py"], branch="feat/a")
    commit_on(git, shared.two, "feat/b", "origin/main", **{"b.py": "1\n"})
    hook = shared.remote / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\ntouch was-pushed-to\nexit 1\n")
    hook.chmod(0o755)
    before = git(shared.remote, "for-each-ref")

    assert rules(check(shared.two)) == [("foreign-claim", "b.py")]

    assert git(shared.remote, "for-each-ref") == before
    assert not (shared.remote / "was-pushed-to").exists()
    assert "gitcoord-view" not in git(shared.two, "for-each-ref")


def test_a_remote_that_cannot_be_read_is_an_error_of_status_5(shared: Shared, git: Git, tmp_path: Path) -> None:
    git(shared.two, "config", "gitcoord.remote", str(tmp_path / "gone"))

    with pytest.raises(UnreachableError) as caught:
        check(shared.two)

    assert caught.value.exit_status == 5


def test_without_a_remote_of_coordination_origin_is_read_and_nobody_has_to_be_known(
    ann: Workspace, shared: Shared, git: Git, clone: Clone
) -> None:
    claim_files(ann, patterns=["b.py"], branch="feat/a")
    fresh = clone(shared.remote, "fresh")
    head = commit_on(git, fresh, "feat/b", "origin/main", **{"b.py": "1\n"})
    git(fresh, "config", "user.name", "")
    git(fresh, "switch", "--quiet", "--detach", head)

    report = check(fresh)

    assert rules(report) == [("foreign-claim", "b.py")]
    assert report.branch is None
    assert not (fresh / ".git" / "gitcoord").exists()


def test_the_store_of_a_clone_without_remote_is_read(agents: Agents, repo: Path, git: Git) -> None:
    claim_files(agents(repo, "ann/cli/wt"), patterns=["b.py"], branch="feat/a")
    commit_on(git, repo, "feat/b", **{"b.py": "1\n"})

    report = check(repo)

    assert (report.remote, rules(report)) == ("this clone", [("foreign-claim", "b.py")])


def test_where_nothing_is_coordinated_there_is_nothing_to_find(shared: Shared, git: Git) -> None:
    commit_on(git, shared.two, "feat/b", "origin/main", **{"b.py": "1\n"})

    report = check(shared.two)

    assert (report.findings, report.ledgers, report.files) == ((), 0, 1)


@pytest.mark.parametrize("name", ["nowhere", "-x", "1" * 40])
def test_a_revision_that_is_nowhere_is_said(shared: Shared, name: str) -> None:
    with pytest.raises(InvalidError):
        check(shared.two, base=name)


def test_a_long_history_of_claims_is_brought_back_to_where_the_branch_left(
    ann: Workspace, bob: Workspace, shared: Shared, git: Git
) -> None:
    claim_files(bob, patterns=["b.py"], branch="feat/b")
    commit_on(git, shared.two, "feat/b", "origin/main", **{"b.py": "1\n"})
    release_claims(bob)
    tip = git(shared.remote, "rev-parse", "refs/coord/claims")
    tree = git(shared.remote, "rev-parse", f"{tip}^{{tree}}")
    for _ in range(120):
        done = subprocess.run(
            ["git", "commit-tree", tree, "-p", tip, "-m", "nothing"],
            cwd=shared.remote,
            capture_output=True,
            check=True,
            encoding="ascii",
        )
        tip = done.stdout.strip()
    git(shared.remote, "update-ref", "refs/coord/claims", tip)
    claim_files(ann, patterns=["b.py"], branch="feat/a")

    assert rules(check(shared.two)) == [("later-claim", "b.py")]


def test_what_is_shown_of_others_cannot_act(ann: Workspace, shared: Shared, git: Git) -> None:
    evil = "\x1b[31mx\n::error::y"
    claim_files(ann, patterns=["src/**"], branch="feat/a")
    git(shared.two, "switch", "--quiet", "--create", "feat/b", "origin/main")
    (shared.two / "src").mkdir()
    (shared.two / "src" / evil.replace("/", "")).write_text("1\n")
    git(shared.two, "add", "--all")
    git(shared.two, "commit", "--quiet", "--message", "evil")

    found: Any = only(check(shared.two))

    assert found.message.isprintable()


@pytest.mark.rule("SEC-4")
def test_thousands_of_damaged_ledgers_are_told_in_few_words(ann: Workspace, shared: Shared) -> None:
    claim_files(ann, patterns=["b.py"], branch="feat/a")
    tip = write_ref(shared.remote, "refs/coord/steps/p0", {"README.md": "x"})
    for number in range(1, DAMAGED_MAX + 9):
        write_ref(shared.remote, f"refs/coord/steps/p{number}", {"README.md": "x"})

    report = check(shared.two)

    assert not report.is_ok
    assert len(report.findings) == DAMAGED_MAX + 1
    assert report.findings[0].commit == tip
    assert (
        report.findings[-1].message
        == f"{DAMAGED_MAX} ledgers are damaged, and those after them by name were not looked into."
    )
