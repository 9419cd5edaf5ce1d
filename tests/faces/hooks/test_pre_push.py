"""The pre-push hook, run by real pushes: what is refused."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from gitcoord.core.claims.claim import Claim, Item
from gitcoord.faces.hooks.git import who_pushes
from gitcoord.faces.hooks.git.hook_repository import Here
from gitcoord.service.claims.claims import claim_files, list_claims, release_claims
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.steps.step_work import claim_step, recover_step
from gitcoord.service.team.deletion import delete_project
from gitcoord.service.team.policy import set_policy
from gitcoord.service.watch.watch import sync
from tests.conftest import AddWorktree, Clone, Git, MakeRepo
from tests.faces.hooks.pushers import GIT_S, claimed, commit, hooked, run
from tests.faces.hooks.shimmed import loaded
from tests.faces.mcp.process import environment
from tests.git_calls import GitCalls
from tests.servers.fixtures import Servers
from tests.unit.service.world import Agents, Result, Shared, project, seen


@pytest.mark.rule("HOOK-6")
def test_a_push_of_what_another_clone_holds_is_refused_and_says_what_to_do(team: Shared, agents: Agents) -> None:
    claim = claimed(agents(team.two, "bob/cli/two"), "src/a.py", description="the parser")
    agents(team.one, "ann/cli/one")
    commit(team.one, "src/a.py", "src/b.py")

    done = run(team.one, "push", "origin", "main")

    assert done.status == 1
    assert "'src/a.py' is claimed by 'bob/cli/two'" in done.said
    assert f"request_release(claim_id='{claim['id']}'" in done.said
    assert "claim_files(patterns=['/src/a.py'], literal=true, wait_seconds=300)" in done.said
    assert f"gitcoord request file {claim['id']}" in done.said
    assert "git push --no-verify" in done.said
    assert "src/b.py" not in done.said
    assert run(team.one, "push", "--no-verify", "origin", "main").status == 0


@pytest.mark.rule("HOOK-6")
def test_own_claims_and_those_of_sub_agents_let_a_push_pass(team: Shared, agents: Agents) -> None:
    ann = agents(team.one, "ann/cli/one")
    claimed(ann, "src/a.py")
    claimed(ann, "src/b.py", agent_id="tests")
    commit(team.one, "src/a.py", "src/b.py", "src/c.py")

    done = run(team.one, "push", "origin", "main", GITCOORD_AGENT="ann/cli/one")

    assert (done.status, done.ours) == (0, [])


@pytest.mark.rule("HOOK-6")
def test_a_session_of_this_worktree_is_who_pushes_whatever_it_is_called(team: Shared, agents: Agents) -> None:
    claimed(agents(team.one, "ann/claude-code/elsewhere", serve=True, session="s-1"), "src/a.py")
    commit(team.one, "src/a.py")

    assert run(team.one, "push", "origin", "main").status == 0


@pytest.mark.rule("HOOK-6")
def test_another_worktree_of_the_clone_is_somebody_else(
    team: Shared, agents: Agents, add_worktree: AddWorktree
) -> None:
    other = add_worktree(team.one, "side")
    claimed(agents(other, "ann/claude-code/side", serve=True, session="s-side"), "src/a.py")
    commit(team.one, "src/a.py")
    commit(other, "src/a.py", text="from the side\n")

    refused = run(team.one, "push", "origin", "main")
    passed = run(other, "push", "origin", "side")

    assert refused.status == 1
    assert "ann/claude-code/side" in refused.said
    assert passed.status == 0, passed.said


@pytest.mark.rule("HOOK-6")
def test_the_pushed_branch_has_the_claims_that_were_made_on_it_in_this_clone(
    team: Shared, agents: Agents, add_worktree: AddWorktree
) -> None:
    other = add_worktree(team.one, "side")
    claimed(agents(other, "ann/claude-code/side", serve=True, session="s-side"), "src/a.py")
    commit(other, "src/a.py")

    done = run(team.one, "push", "origin", "side")

    assert (done.status, done.ours) == (0, [])


@pytest.fixture
def ann(team: Shared, agents: Agents, git: Git) -> Workspace:
    """One at the shell, who has claimed a file on `main` and committed it on the new branch `feat/a`."""
    ann = agents(team.one, "ann/cli/one")
    claimed(ann, "src/a.py")
    git(team.one, "-c", "core.hooksPath=/dev/null", "switch", "--quiet", "--create", "feat/a")
    commit(team.one, "src/a.py")
    return ann


def claims_on(branch: str, workspace: Workspace) -> list[Result]:
    """Return the claims as soon as they are of a branch; on a busy machine a push does not wait for that."""
    end = time.monotonic() + GIT_S
    while True:
        rows = seen(list_claims(workspace))["claims"]
        if all(row["branch"] == branch for row in rows):
            return rows
        assert time.monotonic() < end, rows
        time.sleep(0.02)


@pytest.mark.rule("CLAIM-14")
def test_what_was_claimed_at_the_shell_is_of_the_pushed_branch_when_the_push_arrives(
    team: Shared, agents: Agents, git: Git, ann: Workspace
) -> None:
    (claim,) = seen(list_claims(ann))["claims"]

    done = run(team.one, "push", "origin", "feat/a", GITCOORD_AGENT="ann/cli/one")
    listed = claims_on("feat/a", agents(team.two, "bob/cli/two"))
    tip = git(team.remote, "rev-parse", "refs/coord/claims")
    commit(team.one, "src/a.py", text="once more\n")
    again = run(team.one, "push", "origin", "feat/a", GITCOORD_AGENT="ann/cli/one")

    assert (done.status, done.ours, again.status) == (0, [], 0)
    assert [row["id"] for row in listed] == [claim["id"]]
    assert git(team.remote, "rev-parse", "refs/coord/claims") == tip  # where nothing changed nothing is written


@pytest.mark.rule("CLAIM-14")
@pytest.mark.parametrize(
    ("change", "is_left"),
    [
        ({}, True),
        ({"session": None}, True),
        ({"branch": "feat/a"}, False),
        ({"agent": "ann/claude-code/one"}, False),
        ({"clone": "another"}, False),
        ({"session": "s-ann"}, False),
        ({"step": "app/1"}, False),
    ],
)
def test_only_what_was_claimed_at_this_shell_is_left_behind(
    team: Shared, agents: Agents, change: dict[str, str | None], is_left: bool
) -> None:
    shell = agents(team.one, "ann/cli/one")
    now = shell.setting.host.now()
    made = Claim(
        id="c-00000001",
        agent=shell.agent,
        clone=shell.clone_id,
        session=shell.session_id,
        branch="main",
        items=(Item(pattern="src/a.py", expires_at=now),),
        created_at=now,
        expires_at=now,
        last_activity=now,
    )
    place = Here.around(
        str(team.one), str(team.one / ".git" / "gitcoord"), environment({"GITCOORD_AGENT": shell.agent})
    )

    left = who_pushes.are_left_behind(place, who_pushes.pusher_here(place), [made.evolve(**change)], "feat/a")

    assert left is is_left


@pytest.mark.rule("CLAIM-14")
def test_a_push_of_a_branch_that_is_not_checked_out_moves_no_claim(team: Shared, git: Git, ann: Workspace) -> None:
    git(team.one, "-c", "core.hooksPath=/dev/null", "switch", "--quiet", "main")

    done = run(team.one, "push", "origin", "feat/a", GITCOORD_AGENT="ann/cli/one")

    assert done.status == 0
    assert [row["branch"] for row in seen(list_claims(ann))["claims"]] == ["main"]


@pytest.mark.rule("CLAIM-14", "CLAIM-9")
def test_a_push_of_the_default_branch_leaves_claims_on_the_branch_that_lands_with_it(
    team: Shared, agents: Agents, git: Git
) -> None:
    quiet = ("-c", "core.hooksPath=/dev/null")
    git(team.one, *quiet, "switch", "--quiet", "--create", "feat/a")
    claimed(agents(team.one, "ann/cli/one"), "src/a.py")
    commit(team.one, "src/a.py")
    run(team.one, "push", "origin", "feat/a", GITCOORD_AGENT="ann/cli/one")
    git(team.one, *quiet, "switch", "--quiet", "main")
    git(team.one, *quiet, "merge", "--quiet", "--no-ff", "--no-edit", "feat/a")
    commit(team.one, "src/a.py", text="once more\n")

    done = run(team.one, "push", "origin", "main", GITCOORD_AGENT="ann/cli/one")
    branches = [row["branch"] for row in seen(list_claims(agents(team.one, "ann/cli/one")))["claims"]]
    git(team.two, "pull", "--quiet")
    sync(agents(team.two, "bob/cli/two"))

    assert (done.status, branches) == (0, ["feat/a"])
    assert seen(list_claims(agents(team.two, "bob/cli/two")))["claims"] == []


@pytest.mark.rule("CLAIM-14")
@pytest.mark.parametrize("words", [("--dry-run",), ("--dr",), ("-n",), ("-fn",)])
def test_a_dry_run_of_a_push_moves_no_claim(team: Shared, ann: Workspace, words: tuple[str, ...]) -> None:
    done = run(team.one, "push", *words, "origin", "feat/a", GITCOORD_AGENT="ann/cli/one")

    assert (done.status, done.ours) == (0, [])
    assert [row["branch"] for row in seen(list_claims(ann))["claims"]] == ["main"]


@pytest.mark.rule("CLAIM-14")
def test_an_option_of_what_calls_git_is_none_of_the_push(team: Shared, ann: Workspace) -> None:
    alias = "alias.send=!echo feat/a | xargs -n 1 git push origin"
    done = run(team.one, "-c", alias, "send", GITCOORD_AGENT="ann/cli/one")

    assert done.status == 0, done.said
    assert len(claims_on("feat/a", ann)) == 1


@pytest.mark.rule("HOOK-6")
def test_readers_and_partners_stop_nobody(team: Shared, agents: Agents) -> None:
    bob = agents(team.two, "bob/cli/two")
    claimed(bob, "src/a.py", mode="read")
    claimed(bob, "src/b.py")
    claimed(agents(team.one, "ann/cli/one"), symbols={"src/b.py": ["old"]})
    commit(team.one, "src/a.py")
    commit(team.one, "src/b.py", text="def old():\n    return 1\n")

    done = run(team.one, "push", "origin", "main")

    assert done.status == 0, done.said


@pytest.mark.rule("HOOK-6")
def test_symbols_of_another_stop_a_push_that_touches_them_and_lines_outside_are_told(
    team: Shared, agents: Agents, git: Git
) -> None:
    claimed(agents(team.two, "bob/cli/two"), symbols={"src/a.py": ["old"]})
    agents(team.one, "ann/cli/one")
    commit(team.one, "src/a.py", text="import os\n\n\ndef old():\n    pass\n")
    lines = run(team.one, "push", "origin", "main")
    commit(team.one, "src/a.py", text="import os\n\n\ndef old():\n    return 2\n")
    touched = run(team.one, "push", "origin", "main")

    assert lines.status == 0
    assert "outside of every declaration changed" in lines.said
    assert touched.status == 1
    assert "'old' in 'src/a.py' is claimed by 'bob/cli/two'" in touched.said
    assert "claim_files(symbols={'/src/a.py': ['old']}, wait_seconds=300)" in touched.said


@pytest.mark.rule("SEC-4", "HOOK-6")
def test_a_file_that_is_made_to_break_a_parser_counts_as_changed_whole(team: Shared, agents: Agents) -> None:
    commit(team.one, "evil.c", text="int f(void) { return 1; }\n")
    assert run(team.one, "push", "origin", "main").status == 0
    claimed(agents(team.two, "bob/cli/two"), symbols={"evil.c": ["f"]})
    agents(team.one, "ann/cli/one")
    commit(team.one, "evil.c", text="%q(" * 21845)

    done = run(team.one, "push", "origin", "main")

    assert done.status == 1, done.said
    assert "'evil.c' is claimed by 'bob/cli/two'" in done.said
    assert "which symbols changed is unknown: the file " in done.said


@pytest.mark.rule("SEC-4", "HOOK-9")
@pytest.mark.parametrize(("enforce", "status"), [("false", 0), ("true", 1)])
def test_who_holds_a_part_may_push_a_file_that_cannot_be_read_unless_the_team_enforces(
    team: Shared, agents: Agents, enforce: str, status: int
) -> None:
    commit(team.one, "src/a.py", text="def old():\n    pass\n\n\ndef own():\n    pass\n")
    assert run(team.one, "push", "origin", "main").status == 0
    bob, ann = agents(team.two, "bob/cli/two"), agents(team.one, "ann/cli/one")
    claimed(bob, symbols={"src/a.py": ["old"]})
    claimed(ann, symbols={"src/a.py": ["own"]})
    set_policy(bob, name="enforce", value=enforce)
    commit(team.one, "src/a.py", text="\0")

    done = run(team.one, "push", "origin", "main")

    assert (done.status, "which symbols changed is unknown: the file is not text" in done.said) == (status, True)


@pytest.mark.rule("HOOK-7")
@pytest.mark.parametrize(
    "words",
    [
        ("--mirror",),
        ("--mir",),
        ("--prune", "refs/*:refs/*"),
        ("origin", ":refs/coord/claims"),
        ("--delete", "refs/coord/claims"),
    ],
)
def test_nobody_deletes_the_ledgers_by_a_push(team: Shared, agents: Agents, git: Git, words: tuple[str, ...]) -> None:
    claimed(agents(team.two, "bob/cli/two"), "src/a.py")
    tip = git(team.remote, "rev-parse", "refs/coord/claims")
    names = words if "origin" in words else (words[0], "origin", *words[1:])

    done = run(team.one, "push", *names)

    assert done.status == 1
    assert "it would delete 'refs/coord/claims'" in done.said
    assert git(team.remote, "rev-parse", "refs/coord/claims") == tip


@pytest.mark.rule("HOOK-7")
def test_a_remote_that_is_always_mirrored_keeps_its_ledgers_and_a_mirror_that_has_them_passes(
    team: Shared, agents: Agents, git: Git
) -> None:
    agents(team.one, "ann/cli/one")
    claimed(agents(team.two, "bob/cli/two"), "src/a.py")
    git(team.one, "config", "remote.origin.mirror", "true")

    refused = run(team.one, "push", "origin")
    git(team.one, "fetch", "--quiet", "origin", "+refs/coord/*:refs/coord/*")
    passed = run(team.one, "push", "origin")

    assert (refused.status, passed.status) == (1, 0), passed.said


@pytest.mark.rule("HOOK-7")
def test_nobody_rewrites_the_ledgers_by_a_push_and_other_namespaces_are_told_apart(
    team: Shared, agents: Agents, git: Git
) -> None:
    for repo in (team.one, team.two):
        git(repo, "config", "gitcoord.namespace", "refs/heads/agents/coord")
    claimed(agents(team.two, "bob/cli/two"), "src/a.py")
    agents(team.one, "ann/cli/one")

    over = run(team.one, "push", "--force", "origin", "main:refs/heads/agents/coord/claims")
    gone = run(team.one, "push", "origin", ":refs/heads/agents/coord/claims")
    own = run(team.one, "push", "origin", "main:refs/heads/agents/other")

    assert (over.status, gone.status, own.status) == (1, 1, 0)
    assert "rewrite 'refs/heads/agents/coord/claims'" in over.said
    assert "delete 'refs/heads/agents/coord/claims'" in gone.said


@pytest.mark.rule("HOOK-6")
def test_a_clone_that_was_only_set_up_is_checked_by_its_first_push(team: Shared, agents: Agents) -> None:
    bob = agents(team.two, "bob/cli/two")
    claimed(bob, "src/a.py")
    (team.one / ".git" / "gitcoord").mkdir()
    commit(team.one, "src/a.py")

    before = run(team.one, "push", "origin", "main")
    agents(team.one, "ann/cli/one")
    claimed(bob, "src/b.py")
    commit(team.one, "src/b.py")
    after = run(team.one, "push", "origin", "main")

    assert (before.status, after.status) == (1, 1)
    assert "'src/a.py' is claimed by 'bob/cli/two'" in before.said
    assert "'src/b.py' is claimed by 'bob/cli/two'" in after.said


@pytest.mark.rule("HOOK-6")
def test_without_a_remote_the_store_of_the_clone_says_who_holds_what(
    make_repo: MakeRepo, clone: Clone, agents: Agents, add_worktree: AddWorktree, git: Git, tmp_path: Path
) -> None:
    repo = make_repo()
    git(tmp_path, "clone", "--quiet", "--bare", str(repo), "backup.git")
    hooked(repo, "pre-push")
    other = add_worktree(repo, "side")
    claimed(agents(other, "ann/claude-code/side", serve=True, session="s-side"), "README.md")
    commit(repo, "README.md")

    done = run(repo, "push", str(tmp_path / "backup.git"), "main")

    assert done.status == 1
    assert "'README.md' is claimed by 'ann/claude-code/side'" in done.said


@pytest.mark.parametrize("path", ["README.md", "src/b.py"])
def test_what_documents_are_made_with_is_loaded_only_where_something_is_near(
    make_repo: MakeRepo, agents: Agents, add_worktree: AddWorktree, git: Git, tmp_path: Path, path: str
) -> None:
    repo = make_repo()
    git(tmp_path, "clone", "--quiet", "--bare", str(repo), "backup.git")
    hooked(repo, "pre-push")
    claimed(agents(add_worktree(repo, "side"), "ann/claude-code/side", serve=True, session="s-side"), "README.md")
    commit(repo, path)

    done = run(repo, "push", str(tmp_path / "backup.git"), "main", PYTHONPROFILEIMPORTTIME="1")

    assert "gitcoord.ledger.hook_view.view" in loaded(done)
    assert ("msgspec" in loaded(done)) == bool(done.status) == (path == "README.md")


def test_a_push_that_reads_a_remote_without_news_loads_no_documents_either(team: Shared, agents: Agents) -> None:
    claimed(agents(team.two, "bob/cli/two"), "src/a.py")
    agents(team.one, "ann/cli/one").listed()
    commit(team.one, "src/b.py")

    done = run(team.one, "push", "origin", "main", PYTHONPROFILEIMPORTTIME="1")

    assert done.status == 0, done.said
    assert "gitcoord.ledger.hook_view.hook_rewind" in loaded(done)
    assert loaded(done) & {"msgspec", "dataclasses", "inspect", "gitcoord.remote.git.git_failure"} == set()


def test_a_push_near_nobody_starts_git_seven_times(team: Shared, agents: Agents, git: Git) -> None:
    claimed(agents(team.two, "bob/cli/two"), "src/a.py")
    agents(team.one, "ann/cli/one").listed()
    commit(team.one, "src/b.py")
    head, was = git(team.one, "rev-parse", "HEAD", "origin/main").split()
    url = git(team.one, "remote", "get-url", "origin")
    calls = GitCalls(team.one.with_name("calls"), environment({}))

    done = subprocess.run(
        [sys.executable, "-P", "-m", "gitcoord", "hook", "pre-push", "origin", url],
        cwd=team.one,
        env=calls.env,
        input=f"refs/heads/main {head} refs/heads/main {was}\n".encode(),
        capture_output=True,
        check=True,
        timeout=GIT_S,
    )

    place, own_work, claims = ["rev-parse", "config"], ["log", "diff-tree"], ["fetch", "ls-tree", "cat-file"]
    assert (done.stderr, calls.taken()) == (b"", [*place, *own_work, *claims])


@pytest.mark.rule("SEC-1")
def test_names_and_texts_of_others_are_printed_safely(team: Shared, agents: Agents) -> None:
    name = "src/\x1b[31mred\nline'\".py"
    bob = agents(team.two, "bob/cli/two")
    assert claim_files(bob, patterns=["src/**"], description="\x1b[2J gone")["granted"] is not None
    agents(team.one, "ann/cli/one")
    commit(team.one, name)

    done = run(team.one, "push", "origin", "main")

    assert "\x1b" not in done.said


@pytest.mark.rule("HOOK-6")
def test_a_commit_of_a_step_that_was_taken_over_is_refused(team: Shared, agents: Agents, git: Git) -> None:
    ann, bob = agents(team.one, "ann/cli/one"), agents(team.two, "bob/cli/two")
    project(ann)
    claim_step(ann, project="app")
    recover_step(ann, step_id="app/1", force=True)
    claim_step(bob, project="app")
    git(team.one, "switch", "--quiet", "--create", "feat/1")
    trailers = "work\n\nCoord-Step: app/1\nCoord-Fence: {}\nCoord-Agent: ann/cli/one"
    commit(team.one, "src/c.py", message=trailers.format(1))

    old = run(team.one, "push", "origin", "feat/1")
    git(team.one, "commit", "--quiet", "--amend", "-m", trailers.format(2))
    present = run(team.one, "push", "origin", "feat/1")

    assert old.status == 1
    assert "with fence 1 of step app/1, which is at 2; 'bob/cli/two' has the step now" in old.said
    assert present.status == 0, present.said


@pytest.mark.rule("HOOK-6")
@pytest.mark.parametrize(
    ("step", "deletes", "said"),
    [
        ("app/1", True, "names step 'app/1' of a project that is not there; it may have been deleted."),
        ("app/9", False, "names step 'app/9', which does not exist. Correct its Coord-Step trailer."),
    ],
)
def test_a_commit_of_a_step_that_is_not_there_is_pushed_with_a_note(
    team: Shared, agents: Agents, git: Git, step: str, deletes: bool, said: str
) -> None:
    ann = agents(team.one, "ann/cli/one")
    project(ann)
    git(team.one, "switch", "--quiet", "--create", "feat/1")
    commit(team.one, "src/c.py", message="work\n\nCoord-Step: app/1\nCoord-Fence: 0\nCoord-Agent: ann/cli/one")
    before = run(team.one, "push", "origin", "feat/1")
    if deletes:
        delete_project(ann, name="app")
    commit(team.one, "src/d.py", message=f"work\n\nCoord-Step: {step}\nCoord-Fence: 0\nCoord-Agent: ann/cli/one")

    done = run(team.one, "push", "origin", "feat/1")

    assert (before.status, "names step" in before.said) == (0, False), before.said
    assert done.status == 0, done.said
    assert said in done.said


@pytest.mark.rule("HOOK-6")
def test_what_a_predecessor_left_may_be_rebased(team: Shared, agents: Agents, git: Git) -> None:
    ann, bob = agents(team.one, "ann/cli/one"), agents(team.two, "bob/cli/two")
    project(bob)
    claim_step(bob, project="app")
    git(team.two, "switch", "--quiet", "--create", "feat/1")
    commit(team.two, "src/c.py", message="work\n\nCoord-Step: app/1\nCoord-Fence: 1\nCoord-Agent: bob/cli/two")
    git(team.two, "push", "--quiet", "origin", "feat/1")
    recover_step(bob, step_id="app/1", force=True)
    claim_step(ann, project="app")
    commit(team.one, "src/d.py")
    git(team.one, "fetch", "--quiet")
    git(team.one, "switch", "--quiet", "feat/1")
    git(team.one, "rebase", "--quiet", "main")

    done = run(team.one, "push", "--force", "origin", "feat/1")

    assert done.status == 0, done.said


@pytest.mark.rule("HOOK-6")
def test_a_barrier_is_told_until_its_content_is_there(team: Shared, agents: Agents, git: Git) -> None:
    bob = agents(team.two, "bob/cli/two")
    git(team.two, "switch", "--quiet", "--create", "feat")
    claimed(bob, "src/a.py")
    commit(team.two, "src/a.py", text="bob\n")
    git(team.two, "push", "--quiet", "origin", "feat")
    release_claims(bob)
    agents(team.one, "ann/cli/one")
    commit(team.one, "src/a.py", "src/b.py", text="ann\n")

    told = run(team.one, "push", "origin", "main:refs/heads/mine")
    git(team.one, "reset", "--quiet", "--hard", "origin/main")
    commit(team.one, "src/b.py", text="ann\n")
    git(team.one, "fetch", "--quiet")
    git(team.one, "-c", "core.hooksPath=/dev/null", "cherry-pick", "origin/feat")
    commit(team.one, "src/a.py", text="ann too\n")
    there = run(team.one, "push", "origin", "main:refs/heads/another")

    assert (told.status, "which 'bob/cli/two' pushed" in told.said) == (0, True), told.said
    assert (there.status, there.ours) == (0, [])


@pytest.mark.rule("HOOK-6")
def test_claims_of_another_repository_do_not_count(team: Shared, agents: Agents, git: Git) -> None:
    git(team.two, "config", "gitcoord.repo", "elsewhere")
    claimed(agents(team.two, "bob/cli/two"), "src/a.py")
    agents(team.one, "ann/cli/one")
    commit(team.one, "src/a.py")

    assert run(team.one, "push", "origin", "main").status == 0


@pytest.mark.rule("HOOK-6")
def test_a_push_of_several_branches_is_one_look_at_each(
    team: Shared, agents: Agents, git: Git, add_worktree: AddWorktree
) -> None:
    side = add_worktree(team.one, "side")
    claimed(agents(side, "ann/claude-code/side", serve=True, session="s-side"), "src/a.py")
    commit(side, "src/a.py")
    commit(team.one, "src/b.py")
    git(team.one, "switch", "--quiet", "--create", "third")
    commit(team.one, "src/a.py", text="third\n")

    fine = run(team.one, "push", "origin", "main", "side")
    bad = run(team.one, "push", "origin", "main", "side", "third")

    assert (fine.status, bad.status) == (0, 1), fine.said


@pytest.mark.rule("HOOK-6")
def test_a_manager_of_hooks_that_keeps_gits_lines_names_the_push_in_the_environment(
    team: Shared, agents: Agents, git: Git
) -> None:
    claimed(agents(team.two, "bob/cli/two"), "src/a.py")
    agents(team.one, "ann/cli/one")
    old, new = git(team.one, "rev-parse", "HEAD"), commit(team.one, "src/a.py")
    shim = team.one / ".git" / "hooks" / "pre-push"
    names = f"PRE_COMMIT_FROM_REF={old} PRE_COMMIT_TO_REF={new} PRE_COMMIT_REMOTE_BRANCH=refs/heads/main"
    line = f"{names} PRE_COMMIT_REMOTE_NAME=origin PRE_COMMIT_REMOTE_URL={team.remote} "
    text = shim.read_text("utf-8").replace("exec ", f"cat >/dev/null; exec env {line}").replace(' "$@"', "")
    shim.write_text(text, "utf-8")

    done = run(team.one, "push", "origin", "main")

    assert done.status == 1
    assert "'src/a.py' is claimed by 'bob/cli/two'" in done.said


@pytest.mark.rule("HOOK-6")
@pytest.mark.parametrize("kind", ["http-auth"])
def test_claims_are_fetched_from_a_server_that_asks_for_a_password(
    servers: Servers, make_repo: MakeRepo, clone: Clone, agents: Agents, git: Git, kind: str
) -> None:
    remote = servers.remote(kind)
    one = make_repo("one")
    git(one, "remote", "add", "origin", remote.url)
    for key, value in remote.settings:
        git(one, "config", "--add", key, value)
    git(one, "push", "--quiet", "origin", "main")
    git(one, "config", "gitcoord.remote", "origin")
    git(one.parent, "clone", "--quiet", "--local", str(one), "two")
    two = one.parent / "two"
    git(two, "remote", "set-url", "origin", remote.url)
    for key, value in (*remote.settings, ("gitcoord.remote", "origin")):
        git(two, "config", "--add", key, value)
    hooked(one, "pre-push")
    claimed(agents(two, "bob/cli/two"), "README.md")
    agents(one, "ann/cli/one")
    commit(one, "README.md")

    done = run(one, "push", "origin", "main")

    assert done.status == 1
    assert "'README.md' is claimed by 'bob/cli/two'" in done.said
