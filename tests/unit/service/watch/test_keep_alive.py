"""What the watch of a session does for its claims, and for those of its clone: only what changes something."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gitcoord.core.claims.claim_commands import ClaimFiles, Wish
from gitcoord.errors import MissingObjectError
from gitcoord.service.claims import checkout_branch
from gitcoord.service.claims.claims import claim_files, extend_claims, list_claims, release_claims
from gitcoord.service.claims.requests import pending_requests
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.watch.notices import take_notices
from gitcoord.service.watch.watch import sync, tick
from tests.conftest import Git
from tests.unit.service.world import Agents, later, store_of, tips, write_ref


@pytest.fixture
def ann(agents: Agents, repo: Path) -> Workspace:
    return agents(repo, "ann/claude/wt", serve=True)


@pytest.fixture
def bob(agents: Agents, repo: Path) -> Workspace:
    return agents(repo, "bob/cli/wt")


def claims(workspace: Workspace) -> list[dict[str, Any]]:
    rows: Any = list_claims(workspace)["claims"]
    return rows


def edited(workspace: Workspace, path: str) -> None:
    """Claim a file as an edit hook does."""
    call = ClaimFiles(claim_id="c-autoauto", wishes=(Wish(pattern=path, auto=True),), branch="main")
    assert workspace.submit(call, workspace.actor(), None).outcome is not None


def test_a_watch_writes_nothing_while_nothing_changes(ann: Workspace) -> None:
    claim_files(ann, patterns=["src/**"])
    tick(ann)
    before = tips(ann)

    for seconds in (70, 70):
        tick(later(ann, seconds=seconds))

    assert tips(ann) == before


def test_a_session_that_lives_says_so_before_it_would_count_as_idle(ann: Workspace) -> None:
    claim_files(ann, patterns=["src/**"])
    tick(ann)
    (before,) = claims(ann)

    tick(later(ann, minutes=11))

    (after,) = claims(ann)
    assert after["last_activity"] > before["last_activity"]


def test_a_claim_follows_its_holder_to_another_branch(ann: Workspace, repo: Path, git: Git) -> None:
    claim_files(ann, patterns=["src/**"])
    tick(ann)
    git(repo, "switch", "--quiet", "--create", "feat/x")

    tick(later(ann, seconds=70))

    assert [one["branch"] for one in claims(ann)] == ["feat/x"]


@pytest.mark.rule("CLAIM-14")
@pytest.mark.parametrize("act", [tick, sync, lambda ann: extend_claims(ann, ttl_hours=9), pending_requests])
def test_a_claim_of_a_branch_stays_there_while_its_holder_is_on_the_default_one(
    ann: Workspace, repo: Path, git: Git, act: Callable[[Workspace], object]
) -> None:
    git(repo, "switch", "--quiet", "--create", "feat/x")
    claim_files(ann, patterns=["src/**"])
    git(repo, "switch", "--quiet", "main")

    act(later(ann, seconds=70))
    stayed = [one["branch"] for one in claims(ann)]
    git(repo, "switch", "--quiet", "--create", "feat/y")
    act(later(ann, seconds=140))

    assert (stayed, [one["branch"] for one in claims(ann)]) == (["feat/x"], ["feat/y"])


@pytest.mark.rule("CLAIM-14")
def test_what_is_claimed_on_the_default_branch_moves_no_claim_there(ann: Workspace, repo: Path, git: Git) -> None:
    git(repo, "switch", "--quiet", "--create", "feat/x")
    claim_files(ann, patterns=["src/**"])
    git(repo, "switch", "--quiet", "main")

    claim_files(ann, patterns=["docs/**"])

    assert sorted(one["branch"] for one in claims(ann)) == ["feat/x", "main"]


@pytest.mark.rule("CLAIM-14")
@pytest.mark.parametrize("act", [tick, sync, lambda ann: extend_claims(ann, ttl_hours=9), pending_requests])
def test_what_has_left_the_default_branch_does_not_come_back_to_it_with_the_next_claim(
    ann: Workspace, repo: Path, git: Git, act: Callable[[Workspace], object]
) -> None:
    claim_files(ann, patterns=["src/**"])
    git(repo, "switch", "--quiet", "--create", "feat/x")
    act(later(ann, seconds=70))
    git(repo, "switch", "--quiet", "main")

    claim_files(ann, patterns=["docs/**"])

    assert sorted(one["branch"] for one in claims(ann)) == ["feat/x", "main"]


@pytest.mark.rule("CLAIM-14")
def test_a_claim_reads_what_its_holder_has_only_where_the_branch_is_another_one_than_at_its_last_call(
    ann: Workspace, repo: Path, git: Git, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked, stay = list[str | None](), checkout_branch.stay
    monkeypatch.setattr(checkout_branch, "stay", lambda *call: (looked.append(call[-1]), stay(*call))[1])

    for number, branch in enumerate(("", "", "feat/x", "", "")):
        claim_files(ann, patterns=[f"src/{number}.py"], branch=branch or None)
    git(repo, "switch", "--quiet", "--create", "feat/y")
    claim_files(ann, patterns=["src/5.py"])

    assert looked == ["main", "main", "feat/y"]
    assert {one["branch"] for one in claims(ann)} == {"feat/y"}


@pytest.mark.rule("CLAIM-14")
def test_a_claim_is_decided_where_what_was_listed_a_moment_ago_cannot_be_read(
    ann: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: object) -> bool:
        raise MissingObjectError("What was listed went back since.")

    monkeypatch.setattr(checkout_branch, "stay", gone)

    assert claim_files(ann, patterns=["src/**"])["granted"]


def test_what_an_edit_hook_claimed_is_kept_while_it_has_changes_and_dropped_when_it_has_none(
    ann: Workspace, repo: Path, git: Git
) -> None:
    (repo / "a.py").write_text("x = 1\n", encoding="utf-8")
    edited(ann, "/a.py")
    tick(ann)

    tick(later(ann, minutes=20))
    tick(later(ann, minutes=20))
    kept = claims(ann)
    git(repo, "add", "--all")
    git(repo, "commit", "--quiet", "--message", "done")
    tick(later(ann, minutes=35))

    assert [item["pattern"] for one in kept for item in one["items"]] == ["/a.py"]
    assert claims(ann) == []


def test_what_is_over_is_ended_by_the_watch_of_a_clone(ann: Workspace, bob: Workspace) -> None:
    claim_files(bob, patterns=["src/**"], ttl_hours=0.01)
    tick(ann)

    tick(later(ann, minutes=3))

    assert ann.register().claims == {}


def test_what_was_told_leaves_the_ledger(ann: Workspace, bob: Workspace) -> None:
    claim_files(ann, patterns=["a.py"])
    claim_files(bob, symbols={"a.py": ["f"]})
    tick(ann)
    told = take_notices(ann)

    tick(later(ann, seconds=70))

    assert [one["notice"] for one in told] == ["auto_narrow"]
    assert ann.register().notices == {}


def test_claims_that_cannot_be_read_are_told_and_watching_goes_on(ann: Workspace, repo: Path) -> None:
    tick(ann)
    write_ref(store_of(repo), "refs/coord/claims", {"meta.json": "{"})

    for _ in range(2):
        assert tick(ann).next_s > 0

    assert [one["notice"] for one in take_notices(ann)] == ["damaged"]


def waited_for(ann: Workspace, bob: Workspace) -> None:
    """Let ann be granted what she waited for, while nobody asks for it."""
    claim_files(bob, patterns=["src/**"])
    waiting: Any = claim_files(ann, patterns=["src/**"], wait_seconds=600)
    assert waiting["waiting"]
    release_claims(bob)


@pytest.mark.rule("CLAIM-20")
def test_a_grant_is_taken_back_from_an_agent_that_vanished_and_left_its_server_running(
    ann: Workspace, bob: Workspace
) -> None:
    waited_for(ann, bob)
    tick(ann)

    tick(later(ann, seconds=100))
    tick(later(ann, seconds=100))

    assert claims(ann) == []


@pytest.mark.rule("CLAIM-20")
def test_any_call_takes_a_grant_also_one_that_writes_nothing_or_is_refused(ann: Workspace, bob: Workspace) -> None:
    waited_for(ann, bob)
    tick(ann)
    ann.note_call()
    tick(ann)

    tick(later(ann, seconds=300))

    assert len(claims(ann)) == 1


@pytest.mark.rule("CLAIM-20")
def test_a_command_line_takes_a_grant_when_it_is_answered(ann: Workspace, bob: Workspace) -> None:
    claim_files(ann, patterns=["src/**"])
    claim_files(bob, patterns=["src/**"], wait_seconds=600)
    release_claims(ann)

    take_notices(bob)

    tick(later(ann, seconds=300))
    assert [one["agent"] for one in claims(ann)] == ["bob/cli/wt"]
