"""What is not on the default branch yet: a clone is looked into from each of its worktrees."""

from gitcoord.source.checkout.head import Head
from gitcoord.source.checkout.tracked import Tracked
from gitcoord.source.history.unlanded import seen_from, worktrees
from tests.conftest import AddWorktree, Git, MakeRepo
from tests.unit.source.places import commit, opened


def test_what_is_seen_from_another_worktree_is_its_branch_and_its_index(
    make_repo: MakeRepo, add_worktree: AddWorktree, git: Git
) -> None:
    repo = make_repo()
    linked = add_worktree(repo, "linked")
    commit(git, linked, "work", b__py="1\n")

    here = opened(repo)
    found = {there.top: there for there in (seen_from(here, worktree) for worktree in worktrees(here))}

    branches = {top: git(top, "branch", "--show-current") for top in (repo, linked)}
    assert {top: Head(there).branch() for top, there in found.items()} == branches
    assert ["b.py" in Tracked(found[top]).files().paths for top in (repo, linked)] == [False, True]
