"""Starting, completing and failing steps: the facts that are read from git, and what policy makes of them."""

from itertools import zip_longest
from pathlib import Path

import pytest

from gitcoord.errors import InvalidError
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.steps.step_work import claim_step, complete_step, fail_step, skip_step, start_step
from gitcoord.service.team.policy import set_policy
from gitcoord.source.checkout.repository import Repository
from tests.conftest import Git, MakeBare
from tests.servers.fixtures import Servers
from tests.unit.service.world import Agents, Result, Shared, commit_on, later, project, tips


def test_starting_records_the_worktree(ann: Workspace, repo: Path) -> None:
    project(ann)
    claim_step(ann)

    result: Result = start_step(ann, step_id="app/1")
    again: Result = start_step(ann, step_id="app/1", worktree="elsewhere")

    assert set(result) == {"step"}
    assert (result["step"]["status"], result["step"]["worktree"]) == ("in_progress", repo.name)
    assert (again["already"], again["step"]["worktree"]) == (True, repo.name)


def test_completing_says_what_became_available_and_to_take_the_next(ann: Workspace, repo: Path, git: Git) -> None:
    project(ann, (), (1,), (1,), (2,))
    claim_step(ann)
    tip = commit_on(git, repo, "feat/1", **{"a.py": "1"})

    result: Result = complete_step(ann, step_id="app/1", commit_hash=tip[:10], notes="mind the gap")

    assert set(result) == {"step", "unblocked", "next_step"}
    step = result["step"]
    assert (step["status"], step["commit_hash"], step["files_modified"]) == ("completed", tip, ["a.py"])
    assert (step["notes"], result["unblocked"]) == ("mind the gap", [2, 3])
    assert result["next_step"] == "Take the next one: claim_step()."


def test_a_sub_agent_takes_its_next_step_by_its_own_name(ann: Workspace) -> None:
    project(ann, (), ())
    claim_step(ann, agent_id="tests")
    claim_step(ann, agent_id="docs")

    done: Result = complete_step(ann, step_id="app/1", commit_hash="HEAD", agent_id="tests")
    failed: Result = fail_step(ann, step_id="app/2", reason="stuck", agent_id="docs")

    assert done["next_step"] == "Take the next one: claim_step(agent_id='tests')."
    assert failed["next_step"].startswith("Take another one: claim_step(agent_id='docs'). ")


@pytest.mark.rule("STEP-6")
@pytest.mark.parametrize("is_skipped", [False, True], ids=["complete", "skip"])
def test_the_call_that_ended_the_only_project_is_repeated_with_its_bare_number(
    ann: Workspace, *, is_skipped: bool
) -> None:
    def end() -> Result:
        return (
            skip_step(ann, step_id="1", reason="no")
            if is_skipped
            else complete_step(ann, step_id="1", commit_hash="HEAD")
        )

    project(later(ann, hours=-1), name="earlier")
    skip_step(ann, step_id="earlier/1", reason="no")
    project(ann)
    claim_step(ann) if not is_skipped else None
    first, again = end(), end()

    assert (first["project_completed"], first.get("already")) == (True, None)
    assert (again["already"], again["step"]["id"]) == (True, "app/1")


@pytest.mark.rule("STEP-6")
def test_completing_twice_says_so_and_changes_nothing(ann: Workspace) -> None:
    project(ann, (), ())
    claim_step(ann)
    start_step(ann, step_id="app/1")
    complete_step(ann, step_id="app/1", commit_hash="HEAD")
    before = tips(ann)

    result: Result = complete_step(ann, step_id="app/1", commit_hash="HEAD")

    assert (result.get("already"), result.get("refused")) == (True, None)
    assert tips(ann) == before


@pytest.mark.rule("STEP-6")
def test_failing_twice_says_so_and_changes_nothing(ann: Workspace) -> None:
    project(ann)
    claim_step(ann)
    first: Result = fail_step(ann, step_id="app/1", reason="stuck")
    before = tips(ann)

    again: Result = fail_step(ann, step_id="app/1", reason="still stuck")

    assert set(first) == {"step", "blocked", "next_step"}
    assert first["next_step"].startswith("Take another one: claim_step(). To retry this one later")
    assert (again["already"], again["step"]["reason"]) == (True, "stuck")
    assert tips(ann) == before


def test_files_are_those_since_the_base_without_the_work_of_dependencies(ann: Workspace, repo: Path, git: Git) -> None:
    project(ann, (), (), (1, 2))
    commits = [commit_on(git, repo, f"feat/{num}", **{f"{num}.py": "1"}) for num in (1, 2)]
    for num, commit in enumerate(commits, start=1):
        claim_step(ann, step_id=f"app/{num}")
        complete_step(ann, step_id=f"app/{num}", commit_hash=commit)
    claim_step(ann)
    git(repo, "switch", "--quiet", "--create", "feat/3", commits[0])
    git(repo, "merge", "--quiet", "--no-edit", commits[1])
    tip = commit_on(git, repo, "feat/3-end", "feat/3", **{"3.py": "1"})

    result: Result = complete_step(ann, step_id="app/3", commit_hash=tip)

    assert result["step"]["files_modified"] == ["3.py"]


def test_files_that_are_given_are_taken_as_they_are(ann: Workspace, repo: Path, git: Git) -> None:
    project(ann)
    claim_step(ann)
    tip = commit_on(git, repo, "feat/1", **{"a.py": "1"})

    result: Result = complete_step(ann, step_id="app/1", commit_hash=tip, files_modified=["b.py"])

    assert result["step"]["files_modified"] == ["b.py"]


def test_a_commit_that_is_not_on_the_step_s_branch_is_warned_about(ann: Workspace, repo: Path, git: Git) -> None:
    project(ann)
    claim_step(ann)
    git(repo, "branch", "feat/1")
    tip = commit_on(git, repo, "elsewhere")

    result: Result = complete_step(ann, step_id="app/1", commit_hash=tip)

    assert result["warnings"] == [f"Commit {tip[:12]} is not on the step's branch 'feat/1'."]
    assert result["step"]["status"] == "completed"


def test_a_branch_that_was_never_made_is_named_with_the_branch_that_has_the_commit(
    ann: Workspace, repo: Path, git: Git
) -> None:
    project(ann, (), ())
    claim_step(ann)
    tip = commit_on(git, repo, "elsewhere")

    warned: Result = complete_step(ann, step_id="app/1", commit_hash=tip)
    set_policy(ann, name="strict_complete", value="true")
    claim_step(ann)
    refused: Result = complete_step(ann, step_id="app/2", commit_hash=tip)
    git(repo, "branch", "feat/2", tip)
    done: Result = complete_step(ann, step_id="app/2", commit_hash=tip)

    assert warned["warnings"] == [
        f"The step's branch 'feat/1' does not exist; commit {tip[:12]} is on 'elsewhere'.",
    ]
    assert refused["refused"] == "strict_complete"
    assert f"`git branch feat/2 {tip[:12]}`" in refused["next_step"]
    assert (done["step"]["status"], "warnings" in done) == ("completed", False)


def test_a_commit_from_before_the_work_on_its_branch_is_warned_about(ann: Workspace, repo: Path, git: Git) -> None:
    project(ann, (), ())
    start = git(repo, "rev-parse", "main")
    claim_step(ann)
    first = commit_on(git, repo, "feat/1", **{"a.py": "1"})
    second = commit_on(git, repo, "feat/2", start, **{"b.py": "1"})
    git(repo, "switch", "--quiet", "main")

    warned: Result = complete_step(ann, step_id="app/1", commit_hash="HEAD")
    set_policy(ann, name="strict_complete", value="true")
    claim_step(ann)
    refused: Result = complete_step(ann, step_id="app/2", commit_hash="HEAD")
    done: Result = complete_step(ann, step_id="app/2", commit_hash=second)

    late = " A completed step is not changed: add a step for that work."
    text = f"Commit {start[:12]} is from before the work on the step's branch"
    assert warned["warnings"] == [f"{text} 'feat/1', which goes on to {first[:12]}.{late}"]
    assert refused["refused"] == "strict_complete"
    assert refused["why"] == f"{text} 'feat/2', which goes on to {second[:12]}."
    complete = f"complete_step(step_id='app/2', commit_hash='{second[:12]}')"
    assert refused["next_step"] == f"Give that commit: {complete}, or run `git switch feat/2` first."
    assert (done["step"]["status"], "warnings" in done) == ("completed", False)


def test_what_landed_before_a_branch_began_is_no_work_of_its_step(ann: Workspace, repo: Path, git: Git) -> None:
    project(ann, (), paths=["mine.py"])
    claim_step(ann)
    landed = commit_on(git, repo, "theirs", **{"theirs.py": "1"})
    git(repo, "branch", "--force", "main", landed)
    tip = commit_on(git, repo, "feat/1", landed, **{"mine.py": "1"})
    set_policy(ann, name="strict_complete", value="true")

    before: Result = complete_step(ann, step_id="app/1", commit_hash=landed)
    result: Result = complete_step(ann, step_id="app/1", commit_hash=tip)

    assert before["refused"] == "strict_complete"
    assert (result["step"]["status"], result["step"]["files_modified"]) == ("completed", ["mine.py"])


def test_work_that_was_merged_before_it_is_handed_in_is_the_step_s(ann: Workspace, repo: Path, git: Git) -> None:
    project(ann)
    claim_step(ann)
    landed = commit_on(git, repo, "theirs", **{"theirs.py": "1"})
    git(repo, "branch", "--force", "main", landed)
    tip = commit_on(git, repo, "feat/1", landed, **{"a.py": "1"})
    git(repo, "switch", "--quiet", "main")
    git(repo, "merge", "--quiet", "--no-ff", "--no-edit", "feat/1")

    result: Result = complete_step(ann, step_id="app/1", commit_hash=tip)

    assert (result["step"]["files_modified"], "warnings" in result) == (["a.py"], False)


@pytest.mark.parametrize(
    ("fences", "expected"),
    [((1, 1), ["a.py", "b.py"]), ((1, 2), ["a.py", "b.py"]), ((), ["a.py", "b.py", "theirs.py"])],
)
def test_of_a_branch_that_was_fast_forwarded_the_work_begins_with_the_first_commit_that_names_the_step(
    ann: Workspace, repo: Path, git: Git, *, fences: tuple[int, ...], expected: list[str]
) -> None:
    project(ann)
    claim_step(ann)
    landed = commit_on(git, repo, "theirs", **{"theirs.py": "1"})
    git(repo, "switch", "--quiet", "--create", "feat/1", landed)
    for name, fence in zip_longest(("a.py", "b.py"), fences):
        (repo / name).write_text("1", "utf-8")
        git(repo, "add", name)
        git(repo, "commit", "--quiet", "-m", f"work\n\nCoord-Step: app/1\nCoord-Fence: {fence}" if fence else "work")
    git(repo, "branch", "--force", "main", "feat/1")

    result: Result = complete_step(ann, step_id="app/1", commit_hash="feat/1")

    assert (result["step"]["files_modified"], "warnings" in result) == (expected, False)


def test_files_that_are_given_do_not_hide_what_git_knows_from_the_paths(ann: Workspace, repo: Path, git: Git) -> None:
    project(ann, (), paths=["mine.py"])
    claim_step(ann)
    tip = commit_on(git, repo, "feat/1", **{"stray.py": "1"})
    set_policy(ann, name="strict_complete", value="true")

    refused: Result = complete_step(ann, step_id="app/1", commit_hash=tip, files_modified=["mine.py"])

    assert (refused["refused"], refused["why"]) == ("strict_complete", "Changed outside the step's paths: 'stray.py'.")


def test_what_git_knows_is_not_asked_for_where_files_are_given_and_there_are_no_paths(
    ann: Workspace, repo: Path, git: Git, monkeypatch: pytest.MonkeyPatch
) -> None:
    project(ann, ())
    claim_step(ann)
    tip = commit_on(git, repo, "feat/1", **{"a.py": "1"})
    asked, changed = list[str](), Repository.changed_files
    monkeypatch.setattr(Repository, "changed_files", lambda *of: (asked.append("git"), changed(*of))[1])

    done: Result = complete_step(ann, step_id="app/1", commit_hash=tip, files_modified=["b.py"])

    assert (done["step"]["files_modified"], "warnings" in done, asked) == (["b.py"], False, [])


def test_a_shallow_clone_says_that_it_does_not_know_the_files(
    agents: Agents, shared: Shared, tmp_path: Path, git: Git
) -> None:
    ann = agents(shared.one, "ann/cli/one")
    project(ann, (), paths=["mine.py"])
    git(shared.one, "push", "--quiet", "origin", commit_on(git, shared.one, "feat/1", a="1") + ":refs/heads/feat/1")
    shallow = tmp_path / "shallow"
    git(tmp_path, "clone", "--quiet", "--depth=1", "--branch=feat/1", shared.remote.as_uri(), str(shallow))
    git(shallow, "config", "gitcoord.remote", "origin")
    bob = agents(shallow, "bob/cli/shallow")
    set_policy(ann, name="strict_complete", value="true")
    claim_step(bob)

    refused: Result = complete_step(bob, step_id="app/1", commit_hash="HEAD", files_modified=["mine.py"])
    set_policy(ann, name="strict_complete", value="false")
    warned: Result = complete_step(bob, step_id="app/1", commit_hash="HEAD")

    text = "Which files were changed is not known: this clone does not have the commits that the step began with."
    assert (refused["refused"], refused["why"]) == ("strict_complete", text)
    assert refused["next_step"] == "Run `git fetch --unshallow`, then complete the step again."
    assert (warned["warnings"], warned["step"]["files_modified"]) == ([text], [])


def test_strict_policy_refuses_what_is_warned_about(ann: Workspace, repo: Path, git: Git) -> None:
    project(ann)
    claim_step(ann)
    set_policy(ann, name="strict_complete", value="true")
    git(repo, "branch", "feat/1")
    tip = commit_on(git, repo, "elsewhere")
    before = tips(ann)

    refused: Result = complete_step(ann, step_id="app/1", commit_hash=tip)
    after = tips(ann)
    git(repo, "branch", "--force", "feat/1", tip)
    done: Result = complete_step(ann, step_id="app/1", commit_hash=tip)

    assert (refused["step"], refused["refused"]) == (None, "strict_complete")
    assert "is not on the step's branch" in refused["why"]
    assert refused["next_step"] == "Fix it, then complete the step again."
    assert after == before
    assert done["step"]["status"] == "completed"


@pytest.mark.parametrize("commit", ["1" * 40, "nope", "HEAD^{tree}", "-x", ""])
def test_a_commit_that_does_not_exist_is_invalid_and_nothing_is_written(ann: Workspace, commit: str) -> None:
    project(ann)
    claim_step(ann)
    before = tips(ann)

    with pytest.raises(InvalidError, match="is not a commit of this repository"):
        complete_step(ann, step_id="app/1", commit_hash=commit)

    assert tips(ann) == before


def test_long_notes_are_refused_with_where_to_put_them(ann: Workspace) -> None:
    project(ann)
    claim_step(ann)

    with pytest.raises(InvalidError, match="longer than 16,000") as caught:
        complete_step(ann, step_id="app/1", commit_hash="HEAD", notes="x" * 16_001)

    assert "commit message" in caught.value.hint


@pytest.mark.rule("STEP-5")
def test_who_does_not_hold_a_step_is_told_who_does(agents: Agents, repo: Path, ann: Workspace) -> None:
    project(ann)
    claim_step(ann)
    bob = agents(repo, "bob/cli/wt")
    before = tips(ann)

    results: list[Result] = [
        start_step(bob, step_id="app/1"),
        complete_step(bob, step_id="app/1", commit_hash="HEAD"),
        fail_step(bob, step_id="app/1", reason="no"),
    ]

    for result in results:
        assert (result["step"], result["refused"], result["agent"]) == (None, "not_holder", "ann/cli/wt")
        assert result["why"] == "Step app/1 is held by ann/cli/wt, not by bob/cli/wt."
        assert result["next_step"] == "Stop working on it; claim another: claim_step()."
    assert tips(ann) == before


def test_a_step_that_nobody_holds_is_claimed_first(ann: Workspace) -> None:
    project(ann, (), ())
    skip_step(ann, step_id="app/2", reason="no")

    free: Result = complete_step(ann, step_id="app/1", commit_hash="HEAD")
    over: Result = complete_step(ann, step_id="app/2", commit_hash="HEAD")

    assert (free["refused"], free["next_step"]) == ("not_held", "Claim it first: claim_step(step_id='app/1').")
    assert (over["refused"], over["status"]) == ("not_held", "skipped")


# --- with a remote


def test_work_that_exists_only_here_is_warned_about_with_the_command(agents: Agents, shared: Shared, git: Git) -> None:
    ann = agents(shared.one, "ann/cli/one")
    project(ann)
    claim_step(ann)
    tip = commit_on(git, shared.one, "feat/1")

    result: Result = complete_step(ann, step_id="app/1", commit_hash=tip)

    command = f"git push origin {tip[:12]}:refs/heads/feat/1"
    assert result["warnings"] == [f"Not pushed: no branch of the remote has the commit; run `{command}`."]
    assert result["step"]["status"] == "completed"


def test_work_that_is_pushed_is_not_warned_about(agents: Agents, shared: Shared, git: Git) -> None:
    ann = agents(shared.one, "ann/cli/one")
    project(ann)
    claim_step(ann)
    tip = commit_on(git, shared.one, "feat/1")
    git(shared.one, "push", "--quiet", "origin", "feat/1")

    assert "warnings" not in complete_step(ann, step_id="app/1", commit_hash=tip)


def test_while_another_clone_is_live_work_must_be_pushed(agents: Agents, shared: Shared, git: Git) -> None:
    ann = agents(shared.one, "ann/cli/one")
    project(ann)
    claim_step(ann)
    agents(shared.two, "bob/claude/two", serve=True)
    tip = commit_on(git, shared.one, "feat/1")
    before = tips(ann)

    refused: Result = complete_step(ann, step_id="app/1", commit_hash=tip)
    after = tips(ann)
    git(shared.one, "push", "--quiet", "origin", f"{tip[:12]}:refs/heads/feat/1")
    done: Result = complete_step(ann, step_id="app/1", commit_hash=tip)

    assert (refused["step"], refused["refused"]) == (None, "not_pushed")
    assert refused["next_step"] == f"Push it first: `git push origin {tip[:12]}:refs/heads/feat/1`."
    assert after == before
    assert (done["step"]["status"], "warnings" in done) == ("completed", False)


def test_a_clone_that_ended_asks_for_nothing(agents: Agents, shared: Shared, git: Git) -> None:
    ann = agents(shared.one, "ann/cli/one")
    project(ann)
    claim_step(ann)
    bob = agents(shared.two, "bob/claude/two", serve=True)
    bob.close(final=True)

    result: Result = complete_step(ann, step_id="app/1", commit_hash=commit_on(git, shared.one, "feat/1"))

    assert result["step"]["status"] == "completed"


def test_policy_decides_whether_work_must_be_pushed(agents: Agents, shared: Shared, git: Git) -> None:
    ann = agents(shared.one, "ann/cli/one")
    project(ann, (), ())
    agents(shared.two, "bob/claude/two", serve=True)
    tip = commit_on(git, shared.one, "feat/1")

    set_policy(ann, name="require_pushed", value="false")
    claim_step(ann)
    allowed: Result = complete_step(ann, step_id="app/1", commit_hash=tip)
    set_policy(ann, name="require_pushed", value="true")
    claim_step(ann)
    refused: Result = complete_step(ann, step_id="app/2", commit_hash=tip)

    assert allowed["step"]["status"] == "completed"
    assert refused["refused"] == "not_pushed"


def test_where_coordination_has_a_remote_of_its_own_work_is_looked_for_at_origin(
    agents: Agents, shared: Shared, make_bare: MakeBare, git: Git
) -> None:
    hub = make_bare("hub.git")
    git(shared.one, "config", "gitcoord.remote", str(hub))
    git(shared.one, "config", "gitcoord.repo", "app")
    ann = agents(shared.one, "ann/cli/one")
    project(ann)
    claim_step(ann)
    tip = commit_on(git, shared.one, "feat/1")
    git(shared.one, "push", "--quiet", "origin", "feat/1")

    result: Result = complete_step(ann, step_id="app/1", commit_hash=tip)

    assert (result["step"]["status"], "warnings" in result) == ("completed", False)


def test_a_branch_that_only_the_remote_has_is_where_the_commit_is_and_the_remote_is_asked_once(
    agents: Agents, shared: Shared, tmp_path: Path, git: Git, monkeypatch: pytest.MonkeyPatch
) -> None:
    project(agents(shared.one, "ann/cli/one"))
    single = tmp_path / "single"
    git(tmp_path, "clone", "--quiet", "--single-branch", shared.remote.as_uri(), str(single))
    git(single, "config", "gitcoord.remote", "origin")
    bob = agents(single, "bob/cli/single")
    claim_step(bob)
    git(single, "switch", "--quiet", "--detach")
    git(single, "commit", "--quiet", "--allow-empty", "--message", "work")
    git(single, "push", "--quiet", "origin", "HEAD:refs/heads/feat/1")
    asked, heads = list[str](), Repository.heads
    monkeypatch.setattr(Repository, "heads", lambda self, url: (asked.append(url), heads(self, url))[1])

    result: Result = complete_step(bob, step_id="app/1", commit_hash="HEAD")

    assert (result["step"]["status"], "warnings" in result) == ("completed", False)
    assert asked == [bob.code_url]


@pytest.mark.parametrize("kind", ["http-auth", "daemon"])
def test_a_server_is_asked_whether_work_is_pushed(
    agents: Agents, servers: Servers, repo: Path, git: Git, kind: str
) -> None:
    remote = servers.remote(kind)
    git(repo, "remote", "add", "origin", remote.url)
    git(repo, "config", "gitcoord.remote", "origin")
    for key, value in remote.settings:
        git(repo, "config", key, value)
    ann = agents(repo, "ann/cli/wt", env=remote.env)
    project(ann, (), ())
    tip = commit_on(git, repo, "feat/1")

    claim_step(ann)
    warned: Result = complete_step(ann, step_id="app/1", commit_hash=tip)
    git(repo, "push", "--quiet", "origin", "feat/1", "feat/1:feat/2")
    claim_step(ann)
    clean: Result = complete_step(ann, step_id="app/2", commit_hash=tip)

    assert len(warned["warnings"]) == 1
    assert "warnings" not in clean


@pytest.mark.rule("STEP-6")
def test_after_a_restart_the_same_completion_says_that_it_was_done(agents: Agents, repo: Path, ann: Workspace) -> None:
    project(ann)
    first = agents(repo, "bob/claude/wt", serve=True)
    claim_step(first)
    complete_step(first, step_id="app/1", commit_hash="HEAD")
    first.close()
    before = tips(ann)

    again: Result = complete_step(agents(repo, "bob/claude/wt", serve=True), step_id="app/1", commit_hash="HEAD")

    assert (again["already"], again["step"]["status"]) == (True, "completed")
    assert tips(ann) == before


def test_a_failed_step_leaves_its_last_commit_and_notes_for_the_next(
    agents: Agents, repo: Path, ann: Workspace, git: Git
) -> None:
    project(ann)
    claim_step(ann)
    tip = commit_on(git, repo, "feat/1", **{"a.py": "1"})
    fail_step(ann, step_id="app/1", reason="stuck", notes="half is done")

    taken: Result = claim_step(agents(repo, "bob/cli/wt"), step_id="app/1")

    left = taken["step"]["checkpoint"]
    assert (left["commit"], left["notes"], left["reason"]) == (tip, "half is done", "stuck")
