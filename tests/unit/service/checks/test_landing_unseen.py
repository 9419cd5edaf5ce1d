"""Work that git shows only to who looks for it, or cannot show: a merge ends no claim over it."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
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
from tests.unit.service.world import Agents, Shared, later

pytestmark = pytest.mark.rule("SAFE-11")
Dated = Callable[[timedelta], None]
EDITED = "x = 9\n"


@pytest.fixture
def dated(monkeypatch: pytest.MonkeyPatch) -> Dated:
    """Let git date its commits so long ago."""

    def begin(ago: timedelta) -> None:
        monkeypatch.setenv("GIT_COMMITTER_DATE", f"@{int((datetime.now(UTC) - ago).timestamp())} +0000")

    return begin


def break_a_ref(git: Git, shared: Shared, beside: Path) -> None:
    work_on(git, shared.one, "feat/z", A, EDITED)
    (shared.one / ".git/refs/remotes/origin/broken").write_text("0123456789" * 4 + "\n", encoding="ascii")


def break_an_index(git: Git, shared: Shared, beside: Path) -> None:
    (beside / A).write_text(EDITED, encoding="utf-8")
    Path(git(beside, "rev-parse", "--path-format=absolute", "--git-path", "index")).write_bytes(b"damaged")


def move_a_worktree(git: Git, shared: Shared, beside: Path) -> None:
    (beside / A).write_text(EDITED, encoding="utf-8")
    beside.rename(beside.with_name("moved"))


def move_a_locked_worktree(git: Git, shared: Shared, beside: Path) -> None:
    git(shared.one, "worktree", "lock", str(beside))
    move_a_worktree(git, shared, beside)


@pytest.mark.parametrize("breaks", [break_a_ref, break_an_index, move_a_worktree, move_a_locked_worktree])
def test_what_git_cannot_say_keeps_what_landed_and_land_says_why(
    ann: Workspace,
    bob: Workspace,
    shared: Shared,
    git: Git,
    add_worktree: AddWorktree,
    breaks: Callable[[Git, Shared, Path], None],
) -> None:
    beside = add_worktree(shared.one, "beside")
    claim_files(ann, patterns=[A])
    work(git, shared.one, A, "x = 2\n")
    lands(git, shared)
    breaks(git, shared, beside)

    result: Any = land(ann)

    assert held(bob) == [A]
    assert result["untold"]


def test_a_worktree_that_was_removed_and_pruned_keeps_nothing(
    ann: Workspace, bob: Workspace, shared: Shared, git: Git, add_worktree: AddWorktree
) -> None:
    beside = add_worktree(shared.one, "beside")
    claim_files(ann, patterns=[A])
    work(git, shared.one, A, "x = 2\n")
    lands(git, shared)
    move_a_worktree(git, shared, beside)
    git(shared.one, "worktree", "prune")

    result: Any = land(ann)

    assert (held(bob), "untold" in result) == ([], False)


def test_another_clone_judges_by_branches_that_it_can_read_only(
    ann: Workspace, bob: Workspace, shared: Shared, git: Git
) -> None:
    claim_files(ann, patterns=[A])
    work(git, shared.one, A, "x = 2\n")
    lands(git, shared)
    (shared.two / ".git/refs/remotes/origin/broken").write_text("0123456789" * 4 + "\n", encoding="ascii")

    sync(bob)

    assert held(bob) == [A]


def test_a_beat_that_cannot_look_tells_others_that_there_may_be_work(
    ann: Workspace, bob: Workspace, shared: Shared, git: Git
) -> None:
    claim_files(ann, patterns=["src/**", A])
    work(git, shared.one, A, "x = 2\n")
    lands(git, shared)
    (shared.one / ".git/index").write_bytes(b"damaged")

    tick(later(ann, minutes=2))

    (claim,) = bob.register().claims.values()
    assert [item.unpushed for item in claim.items] == [True, True]


@pytest.mark.parametrize("is_committed", [True, False])
def test_a_command_line_s_sync_tells_others_of_work_that_they_cannot_see(
    ann: Workspace, agents: Agents, bob: Workspace, shared: Shared, git: Git, *, is_committed: bool
) -> None:
    line = agents(shared.one, "ann/cli/line")
    claim_files(line, patterns=[A])
    work(git, shared.one, A, "x = 2\n")
    if is_committed:
        work_on(git, shared.one, "feat/z", A, EDITED)
    else:
        (shared.one / A).write_text(EDITED, encoding="utf-8")

    sync(line)
    lands(git, shared)
    sync(bob)

    assert held(bob) == [A]


def stash_twice(git: Git, shared: Shared) -> None:
    for name in (A, B):
        (shared.one / name).write_text(EDITED, encoding="utf-8")
        git(shared.one, "stash", "--quiet")


def stash_what_is_new(git: Git, shared: Shared) -> None:
    git(shared.one, "rm", "--quiet", "--cached", A)
    git(shared.one, "stash", "--quiet", "--include-untracked")


def leave_a_commit(git: Git, shared: Shared) -> None:
    git(shared.one, "switch", "--quiet", "--detach")
    work(git, shared.one, A, EDITED)
    git(shared.one, "switch", "--quiet", "feat/y")


@pytest.mark.parametrize("hides", [stash_twice, stash_what_is_new, leave_a_commit])
@pytest.mark.parametrize("by_holder", [True, False])
def test_what_no_ref_shows_keeps_what_landed(
    ann: Workspace, bob: Workspace, shared: Shared, git: Git, hides: Callable[[Git, Shared], None], by_holder: bool
) -> None:
    claim_files(ann, patterns=[A])
    work(git, shared.one, A, "x = 2\n")
    lands(git, shared)
    hides(git, shared)
    if not by_holder:
        tick(later(ann, minutes=2))

    sync(ann if by_holder else bob)

    assert held(bob) == [A]


@pytest.mark.rule("TIME-1")
@pytest.mark.parametrize(("ago", "by_holder"), [(4, True), (4, False), (24 * 60, True)])
def test_a_commit_that_is_dated_before_the_claim_keeps_what_landed(
    ann: Workspace, bob: Workspace, shared: Shared, git: Git, dated: Dated, ago: int, by_holder: bool
) -> None:
    dated(timedelta(minutes=ago))
    work_on(git, shared.one, "feat/z", A, EDITED)
    claim_files(ann, patterns=[A])
    dated(timedelta())  # After the claim: git's dates are whole seconds, and one cut off before it is dated too early.
    work(git, shared.one, A, "x = 2\n")
    lands(git, shared)
    tick(later(ann, minutes=2))

    sync(ann if by_holder else bob)

    assert held(bob) == [A]


def test_a_beat_tells_of_all_that_is_checked_out(
    ann: Workspace, bob: Workspace, shared: Shared, git: Git, dated: Dated
) -> None:
    dated(timedelta(hours=1))
    work(git, shared.one, A, EDITED)
    claim_files(ann, patterns=[A])

    tick(later(ann, minutes=2))

    (claim,) = bob.register().claims.values()
    assert claim.items[0].unpushed


@pytest.mark.rule("CLAIM-9", "LIVE-3")
@pytest.mark.parametrize("by_holder", [True, False])
def test_a_branch_that_was_given_up_long_ago_keeps_nothing(
    ann: Workspace, bob: Workspace, shared: Shared, git: Git, dated: Dated, by_holder: bool
) -> None:
    dated(timedelta(days=31))
    work_on(git, shared.one, "feat/z", A, EDITED)
    git(shared.one, "push", "--quiet", "origin", "feat/z")
    claim_files(ann, patterns=[A])
    dated(timedelta())  # After the claim: git's dates are whole seconds, and one cut off before it is dated too early.
    work(git, shared.one, A, "x = 2\n")
    lands(git, shared)

    sync(ann if by_holder else bob)

    assert held(bob) == []


@pytest.mark.rule("CLAIM-9", "LIVE-3")
def test_what_was_left_without_a_branch_keeps_nothing_once_it_landed(
    ann: Workspace, bob: Workspace, shared: Shared, git: Git
) -> None:
    claim_files(ann, patterns=[A, B])
    work(git, shared.one, A, "x = 2\n")
    git(shared.one, "switch", "--quiet", "--detach")
    work(git, shared.one, B, EDITED)
    left = git(shared.one, "rev-parse", "HEAD")
    git(shared.one, "switch", "--quiet", "feat/y")
    work(git, shared.one, "c.py", "c = 1\n")
    git(shared.one, "cherry-pick", left)
    lands(git, shared)

    sync(ann)

    assert held(bob) == []
