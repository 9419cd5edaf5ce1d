"""What a merge ends of a claim: the items that it changed, where no other work for them is left; nothing else."""

from collections.abc import Callable
from typing import Any

import pytest

from gitcoord.service.checks.land_branches import land
from gitcoord.service.claims.claims import claim_files
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.watch.watch import sync, tick
from tests.conftest import AddWorktree, Git
from tests.unit.service.merges import A, B, held, lands, work, work_on
from tests.unit.service.merges import ann as ann  # noqa: PLC0414 - a fixture, exported to pytest
from tests.unit.service.merges import bob as bob  # noqa: PLC0414 - as above
from tests.unit.service.world import Shared, later


def elsewhere(git: Git, shared: Shared) -> None:
    """Case 1: the work for one file is committed on another branch."""
    work(git, shared.one, A, "x = 2\n")
    work_on(git, shared.one, "feat/z", B)
    lands(git, shared)


def never_touched(git: Git, shared: Shared) -> None:
    """Case 2: the branch is squashed and never touched the second file."""
    work(git, shared.one, A, "x = 2\n")
    work(git, shared.one, A, "x = 3\n")
    lands(git, shared, squash=True)


def being_edited(git: Git, shared: Shared) -> None:
    """Case 4: no commit changed the file, and its holder is editing it."""
    work(git, shared.one, A, "x = 2\n")
    lands(git, shared)
    (shared.one / B).write_text("y = 2\n", encoding="utf-8")


@pytest.mark.rule("SAFE-11", "CLAIM-9")
@pytest.mark.parametrize("history", [elsewhere, never_touched, being_edited])
@pytest.mark.parametrize("by_holder", [True, False])
@pytest.mark.parametrize("calls", [1, 2])
def test_only_what_the_branch_changed_ends_when_it_lands(
    ann: Workspace,
    bob: Workspace,
    shared: Shared,
    git: Git,
    history: Callable[[Git, Shared], None],
    by_holder: bool,
    calls: int,
) -> None:
    for patterns in [[A, B]] if calls == 1 else [[A], [B]]:
        claim_files(ann, patterns=patterns)
    history(git, shared)

    sync(ann if by_holder else bob)

    assert held(bob) == [B]


@pytest.mark.rule("SAFE-11")
def test_a_further_commit_that_was_not_pushed_keeps_what_landed_also_from_another_clone(
    ann: Workspace, bob: Workspace, shared: Shared, git: Git
) -> None:
    """Case 3."""
    claim_files(ann, patterns=[A, B])
    work(git, shared.one, A, "x = 2\n")
    work(git, shared.one, B, "x = 2\n")
    lands(git, shared)
    work(git, shared.one, A, "x = 3\n")
    tick(later(ann, minutes=2))

    sync(bob)

    assert held(bob) == [A]


@pytest.mark.rule("SAFE-11")
def test_what_was_reported_is_taken_back_when_it_is_pushed_and_lands(
    ann: Workspace, bob: Workspace, shared: Shared, git: Git
) -> None:
    claim_files(ann, patterns=[A])
    work(git, shared.one, A, "x = 2\n")
    tick(later(ann, minutes=2))
    lands(git, shared)
    tick(later(ann, minutes=4))
    sync(bob)

    assert held(bob) == []


@pytest.mark.rule("SAFE-11")
def test_a_change_that_is_not_committed_keeps_what_landed_in_every_clone(
    ann: Workspace, bob: Workspace, shared: Shared, git: Git
) -> None:
    claim_files(ann, patterns=[A])
    work(git, shared.one, A, "x = 2\n")
    lands(git, shared)
    (shared.one / A).write_text("x = 3\n", encoding="utf-8")

    sync(ann)
    tick(later(ann, minutes=2))
    sync(bob)

    assert held(bob) == [A]


@pytest.mark.rule("SAFE-11")
def test_a_change_in_another_worktree_of_the_clone_keeps_what_landed(
    ann: Workspace, shared: Shared, git: Git, add_worktree: AddWorktree
) -> None:
    claim_files(ann, patterns=[A])
    work(git, shared.one, A, "x = 2\n")
    lands(git, shared)
    beside = add_worktree(shared.one, "beside")
    (beside / A).write_text("x = 3\n", encoding="utf-8")

    sync(ann)

    assert held(ann) == [A]


@pytest.mark.rule("SAFE-11")
@pytest.mark.parametrize("by_holder", [True, False])
@pytest.mark.parametrize("is_pushed", [True, False])
def test_work_for_the_same_file_on_another_branch_keeps_it_where_that_can_be_seen(
    ann: Workspace, bob: Workspace, shared: Shared, git: Git, by_holder: bool, is_pushed: bool
) -> None:
    claim_files(ann, patterns=[A])
    work(git, shared.one, A, "x = 2\n")
    work_on(git, shared.one, "feat/z", A, "x = 3\n")
    if is_pushed:
        git(shared.one, "push", "--quiet", "origin", "feat/z")
    lands(git, shared)
    if not is_pushed:
        tick(later(ann, minutes=2))

    sync(ann if by_holder else bob)

    assert held(bob) == [A]


@pytest.mark.rule("CLAIM-9", "LIVE-3")
@pytest.mark.parametrize("squash", [True, False])
def test_another_branch_that_landed_too_keeps_nothing(
    ann: Workspace, bob: Workspace, shared: Shared, git: Git, squash: bool
) -> None:
    claim_files(ann, patterns=[A])
    work(git, shared.one, A, "x = 2\n")
    lands(git, shared)
    work_on(git, shared.one, "feat/z", A, "x = 3\n")
    lands(git, shared, branch="feat/z", squash=squash)

    sync(bob)

    assert held(bob) == []


@pytest.mark.rule("SAFE-11")
def test_of_symbols_those_end_that_the_branch_changed(ann: Workspace, bob: Workspace, shared: Shared, git: Git) -> None:
    claim_files(ann, patterns=[], symbols={A: ["one"]})
    claim_files(ann, patterns=[], symbols={A: ["two"]})
    work(git, shared.one, A, "def one(): return 1\n\n\ndef two(): ...\n")
    lands(git, shared)

    sync(bob)

    assert held(bob) == [f"{A}#two"]


@pytest.mark.rule("CLAIM-9")
def test_a_branch_that_lands_part_by_part_ends_what_any_part_changed(
    ann: Workspace, bob: Workspace, shared: Shared, git: Git
) -> None:
    claim_files(ann, patterns=[A, B])
    work(git, shared.one, A, "x = 2\n")
    lands(git, shared)
    work(git, shared.one, B, "x = 2\n")
    lands(git, shared)

    sync(bob)

    assert held(bob) == []


@pytest.mark.rule("SAFE-11")
def test_what_ends_of_a_claim_is_said_and_a_dry_run_says_the_same(
    ann: Workspace, bob: Workspace, shared: Shared, git: Git
) -> None:
    claim_files(ann, patterns=[A, B])
    work(git, shared.one, A, "x = 2\n")
    lands(git, shared)
    (claim,) = ann.register().claims.values()

    dry: Any = land(bob, dry_run=True)
    done: Any = land(bob)
    again: Any = land(bob)

    commit = git(shared.two, "rev-parse", "main")
    row = {"id": claim.id, "agent": claim.agent, "branch": "feat/y", "commit": commit, "items": [A]}
    assert (dry["parts"], dry["count"]) == ([row], 0)
    assert (done["parts"], done["released"]) == ([row], [])
    assert "parts" not in again
    notices = [notice.text for notice in bob.register().notices.values() if notice.agent == claim.agent]
    assert notices == [f"{A} of your claim {claim.id} landed and ended; you still hold the rest."]
