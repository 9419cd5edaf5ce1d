"""The pre-push hook, run by real pushes."""

import json
import socket
from pathlib import Path

import pytest

from gitcoord.service.claims import claim_files
from gitcoord.service.steps import claim_step, recover_step
from tests.conftest import AddWorktree, Clone, Git, MakeRepo
from tests.faces.hooks.pushers import claimed, commit, hooked, run
from tests.servers.fixtures import Servers
from tests.unit.service.world import Agents, Shared, project


@pytest.fixture
def team(shared: Shared, git: Git) -> Shared:
    """Two clones of one remote, with tracked files; pushes of the first run our hook."""
    commit(shared.one, "src/a.py", "src/b.py", "src/c.py", text="def old():\n    pass\n")
    git(shared.one, "push", "--quiet", "origin", "main")
    git(shared.two, "pull", "--quiet")
    hooked(shared.one, "pre-push")
    return shared


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


@pytest.mark.rule("HOOK-8")
def test_what_was_fetched_and_merged_is_not_own_work(team: Shared, agents: Agents, git: Git) -> None:
    bob = agents(team.two, "bob/cli/two")
    git(team.two, "switch", "--quiet", "--create", "feat")
    claimed(bob, "src/a.py")
    commit(team.two, "src/a.py", text="bob\n")
    git(team.two, "push", "--quiet", "origin", "feat")
    agents(team.one, "ann/cli/one")
    git(team.one, "fetch", "--quiet")
    git(team.one, "switch", "--quiet", "--create", "mine")
    commit(team.one, "src/c.py")
    git(team.one, "-c", "core.hooksPath=/dev/null", "merge", "--quiet", "--no-edit", "origin/feat")

    assert run(team.one, "push", "origin", "mine").status == 0

    commit(team.one, "src/a.py", text="ann too\n")

    assert run(team.one, "push", "origin", "mine").status == 1


@pytest.mark.rule("HOOK-8")
def test_a_lead_lands_the_branches_of_its_worktrees(team: Shared, agents: Agents, add_worktree: AddWorktree) -> None:
    other = add_worktree(team.one, "side")
    claimed(agents(other, "ann/claude-code/side", serve=True, session="s-side"), "src/a.py")
    commit(other, "src/a.py", text="from the side\n")
    merged = run(team.one, "-c", "core.hooksPath=/dev/null", "merge", "--no-ff", "--no-edit", "side")

    done = run(team.one, "push", "origin", "main")

    assert merged.status == 0, merged.said
    assert (done.status, done.ours) == (0, [])


@pytest.mark.rule("HOOK-8")
def test_after_a_rebase_only_own_work_counts(team: Shared, agents: Agents, git: Git) -> None:
    agents(team.one, "ann/cli/one")
    git(team.one, "switch", "--quiet", "--create", "mine")
    commit(team.one, "src/c.py", text="mine\n")
    run(team.one, "push", "origin", "mine")
    claimed(agents(team.two, "bob/cli/two"), "src/a.py")
    commit(team.two, "src/a.py", text="bob\n")
    git(team.two, "push", "--quiet", "origin", "main")
    git(team.one, "fetch", "--quiet")
    git(team.one, "rebase", "--quiet", "origin/main")

    done = run(team.one, "push", "--force", "origin", "mine")

    assert (done.status, done.ours) == (0, [])


@pytest.mark.rule("HOOK-8")
def test_both_names_of_a_rename_count(team: Shared, agents: Agents, git: Git) -> None:
    claimed(agents(team.two, "bob/cli/two"), "src/a.py")
    agents(team.one, "ann/cli/one")
    git(team.one, "mv", "src/a.py", "src/z.py")
    commit(team.one)

    assert run(team.one, "push", "origin", "HEAD:main").status == 1


@pytest.mark.rule("HOOK-8")
def test_tags_deleted_branches_and_what_the_remote_has_already_pass(team: Shared, agents: Agents, git: Git) -> None:
    claimed(agents(team.two, "bob/cli/two"), "src/a.py")
    agents(team.one, "ann/cli/one")
    git(team.one, "tag", "v1")
    git(team.one, "branch", "same")
    git(team.one, "tag", "-a", "v2", "-m", "two")

    pushed = run(team.one, "push", "origin", "same", "v1", "v2")
    deleted = run(team.one, "push", "origin", ":same")
    commit(team.one, "src/a.py")
    git(team.one, "tag", "v3")
    tagged = run(team.one, "push", "origin", "v3")

    assert (pushed.status, deleted.status, tagged.status) == (0, 0, 1)


@pytest.mark.rule("HOOK-8")
def test_a_commit_that_names_its_agent_is_that_agents(team: Shared, agents: Agents) -> None:
    claimed(agents(team.two, "bob/cli/two"), "src/a.py")
    agents(team.one, "ann/cli/one")
    commit(team.one, "src/a.py", message="work\n\nCoord-Agent: bob/cli/two")
    commit(team.one, "src/b.py")

    assert run(team.one, "push", "origin", "main").status == 0


@pytest.mark.rule("HOOK-9")
def test_a_remote_that_is_gone_leaves_what_was_known_with_its_age(team: Shared, agents: Agents, git: Git) -> None:
    claimed(agents(team.two, "bob/cli/two"), "src/a.py")
    agents(team.one, "ann/cli/one")
    git(team.one, "branch", "first")
    commit(team.one, "src/b.py")
    assert run(team.one, "push", "origin", "main").status == 0
    commit(team.one, "src/a.py")
    elsewhere = team.remote.with_name("elsewhere.git")
    git(team.remote.parent, "clone", "--quiet", "--bare", str(team.remote), str(elsewhere))
    team.remote.rename(team.remote.with_name("gone.git"))

    done = run(team.one, "push", str(elsewhere), "main")

    assert done.status == 1
    assert "'bob/cli/two'" in done.said
    assert "the claims are as of " in done.said


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


@pytest.mark.rule("HOOK-9")
def test_what_breaks_is_one_loud_line_and_the_push_passes(team: Shared, agents: Agents, git: Git) -> None:
    agents(team.one, "ann/cli/one")
    git(team.one, "config", "gitcoord.remote", "no-such-remote")
    commit(team.one, "src/a.py")

    done = run(team.one, "push", "origin", "main")

    assert done.status == 0
    assert [line for line in done.ours if "NOTHING WAS CHECKED (pre-push), it passes" in line] == done.ours


@pytest.mark.rule("HOOK-9")
def test_a_team_that_wants_it_is_stopped_by_what_breaks(team: Shared, agents: Agents, git: Git) -> None:
    agents(team.one, "ann/cli/one")
    snapshot = team.one / ".git" / "gitcoord" / "snapshot"
    snapshot.mkdir()
    (snapshot / "me.json").write_text('{"format": 1, "enforce": true}', "utf-8")
    git(team.one, "config", "gitcoord.remote", "no-such-remote")
    commit(team.one, "src/a.py")

    done = run(team.one, "push", "origin", "main")

    assert done.status == 1
    assert "it is stopped (policy enforce)" in done.said


@pytest.mark.rule("HOOK-9")
def test_a_clone_that_never_used_gitcoord_is_left_alone(team: Shared, agents: Agents) -> None:
    claimed(agents(team.two, "bob/cli/two"), "src/a.py")
    commit(team.one, "src/a.py")

    done = run(team.one, "push", "origin", "main")

    assert (done.status, done.ours) == (0, [])
    assert not (team.one / ".git" / "gitcoord").exists()


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


@pytest.mark.rule("SEC-1")
def test_names_and_texts_of_others_are_printed_safely(team: Shared, agents: Agents) -> None:
    name = "src/\x1b[31mred\nline'\".py"
    bob = agents(team.two, "bob/cli/two")
    assert claim_files(bob, patterns=["src/**"], description="\x1b[2J gone")["granted"] is not None
    agents(team.one, "ann/cli/one")
    commit(team.one, name)

    done = run(team.one, "push", "origin", "main")

    assert "\x1b" not in done.said


@pytest.mark.rule("HOOK-8")
def test_a_detached_head_and_a_linked_worktree_push_what_they_have(
    team: Shared, agents: Agents, add_worktree: AddWorktree, git: Git
) -> None:
    claimed(agents(team.two, "bob/cli/two"), "src/a.py")
    agents(team.one, "ann/cli/one")
    side = add_worktree(team.one, "side")
    git(side, "checkout", "--quiet", "--detach")
    commit(side, "src/a.py")

    refused = run(side, "push", "origin", "HEAD:refs/heads/side")
    commit(team.one, "src/a.py", text="again\n")
    elsewhere = team.one.parent / "elsewhere"
    elsewhere.mkdir()
    outside = run(elsewhere, f"--git-dir={team.one / '.git'}", f"--work-tree={elsewhere}", "push", "origin", "main")

    for one in (refused, outside):
        assert one.status == 1, one.said
        assert "'src/a.py' is claimed by 'bob/cli/two'" in one.said


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


@pytest.mark.rule("HOOK-8")
def test_a_remote_branch_that_was_never_fetched_is_compared_from_the_merge_base(
    team: Shared, agents: Agents, git: Git
) -> None:
    agents(team.one, "ann/cli/one")
    claimed(agents(team.two, "bob/cli/two"), "src/a.py")
    git(team.two, "switch", "--quiet", "--create", "mine")
    commit(team.two, "src/a.py", text="bob\n")
    git(team.two, "push", "--quiet", "origin", "mine")
    git(team.one, "switch", "--quiet", "--create", "mine")
    commit(team.one, "src/b.py")

    forced = run(team.one, "push", "--force", "origin", "mine")

    assert forced.status == 0, forced.said


@pytest.mark.rule("HOOK-8")
def test_thousands_of_files_are_named_by_their_holder_not_one_by_one(team: Shared, agents: Agents) -> None:
    bob = agents(team.two, "bob/cli/two")
    claimed(bob, "generated/**")
    agents(team.one, "ann/cli/one")
    commit(team.one, *(f"generated/part{at % 40}/file{at}.py" for at in range(3000)))

    done = run(team.one, "push", "origin", "main")

    assert done.status == 1
    assert "more files" in done.said
    assert "2000 more files near claims were not looked at" in done.said
    assert len(done.said) < 4000


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


@pytest.mark.rule("HOOK-9")
def test_a_remote_that_never_answers_is_not_waited_for(team: Shared, agents: Agents, git: Git) -> None:
    claimed(agents(team.two, "bob/cli/two"), "src/a.py")
    agents(team.one, "ann/cli/one")
    commit(team.one, "src/a.py")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        git(team.one, "config", "gitcoord.remote", f"git://127.0.0.1:{silent.getsockname()[1]}/repo")

        done = run(team.one, "push", "origin", "main")

    assert done.status == 0
    assert "NOTHING WAS CHECKED (pre-push), it passes" in done.said
    assert "did not answer within 3 s; and nothing is known of it from before" in done.said


@pytest.mark.rule("HOOK-9")
def test_what_a_killed_fetch_left_is_in_no_later_ones_way(team: Shared, agents: Agents) -> None:
    bob = agents(team.two, "bob/cli/two")
    claimed(bob, "src/c.py")
    agents(team.one, "ann/cli/one")
    commit(team.one, "src/b.py")
    assert run(team.one, "push", "origin", "main").status == 0
    claimed(bob, "src/a.py")
    own = next((team.one / ".git" / "gitcoord" / "store.git" / "refs" / "pushing").iterdir())
    (own / "claims.lock").write_text("", "utf-8")
    commit(team.one, "src/a.py")

    done = run(team.one, "push", "origin", "main")

    assert done.status == 1
    assert "the claims are as of" not in done.said


@pytest.mark.rule("HOOK-9")
def test_a_claim_that_is_damaged_is_told_and_the_others_count(team: Shared, agents: Agents, git: Git) -> None:
    bob = agents(team.two, "bob/cli/two")
    claimed(bob, "src/a.py")
    bad = claimed(bob, "src/b.py")
    agents(team.one, "ann/cli/one")
    put(team.remote, f"claims/{bad['id'][2]}/{bad['id'][3]}/{bad['id']}.json", b'{"id": 7, "pattern": "src/b.py"}')
    commit(team.one, "src/a.py", "src/b.py")

    done = run(team.one, "push", "origin", "main")

    assert done.status == 1
    assert "'src/a.py' is claimed by 'bob/cli/two'" in done.said
    assert "documents of the claims that cannot be read, and do not count: 1." in done.said


@pytest.mark.rule("HOOK-6", "CLAIM-22")
def test_a_claim_of_a_step_that_went_on_stops_nobody(team: Shared, agents: Agents) -> None:
    ann, bob = agents(team.one, "ann/cli/one"), agents(team.two, "bob/cli/two")
    project(ann, paths=["src/a.py"])
    claim_step(bob, project="app")
    commit(team.one, "src/a.py")
    held = run(team.one, "push", "origin", "main")
    path = next(path for path in tree(team.remote, "refs/coord/steps/app") if path.startswith("steps/"))
    step = json.loads(blob(team.remote, f"refs/coord/steps/app:{path}"))
    ended = {**step, "status": "not_started"}
    put(team.remote, path, json.dumps(ended).encode(), ref="refs/coord/steps/app")

    free = run(team.one, "push", "origin", "main")

    assert (held.status, free.status) == (1, 0), free.said


@pytest.mark.rule("HOOK-8")
def test_a_submodule_is_a_repository_of_its_own(team: Shared, agents: Agents, git: Git) -> None:
    claimed(agents(team.two, "bob/cli/two"), "src/a.py")
    outer = team.one.parent / "outer"
    git(team.one.parent, "init", "--quiet", str(outer))
    git(outer, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(team.remote), "part")
    inner = outer / "part"
    git(inner, "config", "gitcoord.remote", "origin")
    agents(inner, "ann/cli/part")
    hooked(inner, "pre-push")
    commit(inner, "src/a.py")

    done = run(inner, "push", "origin", "HEAD:main")

    assert done.status == 1
    assert "'src/a.py' is claimed by 'bob/cli/two'" in done.said


def tree(repo: Path, ref: str) -> list[str]:
    return run(repo, "ls-tree", "-r", "--name-only", ref).said.split()


def blob(repo: Path, name: str) -> str:
    return run(repo, "cat-file", "blob", name).said


def put(repo: Path, path: str, data: bytes, ref: str = "refs/coord/claims") -> None:
    """Write a file into a ledger, as no writer of ours does."""
    index = {"GIT_INDEX_FILE": str(repo / "a-index")}
    file = repo / "a-file"
    file.write_bytes(data)
    made = run(repo, "hash-object", "-w", str(file)).said.strip()
    run(repo, "read-tree", ref, **index)
    run(repo, "update-index", "--add", "--cacheinfo", f"100644,{made},{path}", **index)
    whole = run(repo, "write-tree", **index).said.strip()
    new = run(repo, "commit-tree", "-p", ref, "-m", "by hand", whole).said.strip()
    assert run(repo, "update-ref", ref, new).status == 0
