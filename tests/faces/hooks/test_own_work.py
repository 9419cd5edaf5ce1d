"""The pre-push hook, run by real pushes: what of a push counts."""

import pytest

from tests.conftest import AddWorktree, Git
from tests.faces.hooks.pushers import claimed, commit, hooked, run
from tests.unit.service.world import Agents, Shared


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


CODE = "def one():\n    return 1\n\n\ndef two():\n    return 2\n"


def two_with_symbols(team: Shared, agents: Agents, git: Git) -> None:
    """Leave `a.py` with its `two` bob's, who changed and pushed it on a branch; ann has the code from before."""
    commit(team.one, "a.py", text=CODE)
    git(team.one, "push", "--quiet", "origin", "main")
    git(team.two, "pull", "--quiet", "--ff-only", "origin", "main")
    bob = agents(team.two, "bob/cli/two")
    git(team.two, "switch", "--quiet", "--create", "feat")
    claimed(bob, symbols={"a.py": ["two"]})
    commit(team.two, "a.py", text=CODE.replace("return 2", "return 22"))
    git(team.two, "push", "--quiet", "origin", "feat")
    agents(team.one, "ann/cli/one")
    git(team.one, "switch", "--quiet", "--create", "mine")


@pytest.mark.rule("HOOK-8")
def test_symbols_that_came_with_a_merge_are_not_own_work(team: Shared, agents: Agents, git: Git) -> None:
    two_with_symbols(team, agents, git)
    commit(team.one, "a.py", text=CODE.replace("return 1", "return 11"))
    run(team.one, "push", "origin", "mine")
    git(team.one, "fetch", "--quiet")
    git(team.one, "-c", "core.hooksPath=/dev/null", "merge", "--quiet", "--no-edit", "origin/feat")

    assert run(team.one, "push", "origin", "mine").status == 0
    assert run(team.one, "push", "origin", "mine:another").status == 0

    commit(team.one, "a.py", text=CODE.replace("return 2", "return 222"))

    assert run(team.one, "push", "origin", "mine").status == 1


@pytest.mark.rule("HOOK-8")
def test_what_was_pushed_is_the_base_where_no_branch_is_the_default_one(team: Shared, agents: Agents, git: Git) -> None:
    two_with_symbols(team, agents, git)
    git(team.one, "fetch", "--quiet")
    git(team.one, "reset", "--quiet", "--hard", "origin/feat")
    for one in ("refs/remotes/origin/HEAD", "refs/remotes/origin/main", "refs/heads/main"):
        git(team.one, "update-ref", "--no-deref", "-d", one)
    commit(team.one, "a.py", text=CODE.replace("return 1", "return 11").replace("return 2", "return 22"))

    done = run(team.one, "push", "origin", "mine")

    assert (done.status, done.ours) == (0, [])
