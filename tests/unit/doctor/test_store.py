"""What was left or damaged in a clone's store, made for real, and mended only by `--repair`."""

import os
import time
from pathlib import Path

import pytest

from gitcoord.errors import ContendedError, StoreDamagedError
from gitcoord.remote.store.store import StoreMode, ensure_store
from gitcoord.remote.store.swap_guards import SwapGuards
from gitcoord.runtime import examine_here
from gitcoord.service.doctor import store as of_store
from gitcoord.service.doctor.check_run import Finding, Status
from gitcoord.service.session.workspace import Workspace
from gitcoord.service.steps.step_views import get_step
from gitcoord.service.steps.step_work import claim_step
from tests.conftest import Git, MakeBare
from tests.unit.doctor.conftest import Look
from tests.unit.service.world import Agents, Shared, loosened, project, seen, store_of

LONG_AGO = (1_000_000_000, 1_000_000_000)


def _left(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    os.utime(path, LONG_AGO)
    return path


def _status(workspace: Workspace) -> str:
    return str(seen(get_step(workspace, step_id="app/1"))["step"]["status"])


def _mend(found: Finding) -> str:
    assert len(found.repairs) == 1
    return found.repairs[0].do()


def test_a_store_that_was_never_made_is_not_made_by_looking(look: Look, repo: Path) -> None:
    assert look("store", repo).status is Status.OK
    assert not (repo / ".git" / "gitcoord").exists()


def test_a_store_that_cannot_be_written_says_so(look: Look, repo: Path) -> None:
    (repo / ".git" / "gitcoord").write_text("in the way")

    found = look("store", repo)

    assert (found.status, "cannot be written" in found.text) == (Status.FAIL, True)
    assert "room on the disk" in found.hint


def test_a_damaged_store_says_how_to_repair(look: Look, repo: Path, ann: Workspace) -> None:
    project(ann)
    (store_of(repo) / "HEAD").write_text("damaged")

    found = look("store", repo)

    assert (found.status, "home-tips" in found.hint) == (Status.FAIL, True)
    assert look("refs", repo).status is Status.SKIP


def test_a_young_lock_is_in_use_and_an_old_one_is_removed(look: Look, repo: Path, ann: Workspace) -> None:
    project(ann)
    young = store_of(repo) / "refs" / "coord" / "claims.lock"
    young.touch()
    assert look("locks", repo).status is Status.OK
    old = _left(store_of(repo) / "packed-refs.lock")

    found = look("locks", repo)

    assert (found.status, found.facts["locks"]) == (Status.FAIL, [str(old)])
    assert _mend(found) == f"removed {old}"
    assert (old.exists(), young.exists()) == (False, True)


def test_a_lock_that_another_has_taken_since_stays(look: Look, repo: Path, ann: Workspace) -> None:
    project(ann)
    old = _left(store_of(repo) / "packed-refs.lock")
    found = look("locks", repo)
    os.utime(old)

    with pytest.raises(ContendedError, match="another process has just taken it"):
        _mend(found)

    assert old.exists()


def test_a_lock_of_a_swap_that_goes_on_is_told_and_never_removed(look: Look, shared: Shared) -> None:
    lock = shared.remote / "refs" / "coord" / "claims.lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    guards = SwapGuards(shared.remote)
    path = guards.path_of("refs/coord/claims")

    with guards.held(path) as guard:
        assert guard
        assert guard.link(str(lock))
        young = look("locks", shared.one)
        seconds_ago = time.time() - 10
        os.utime(path, (seconds_ago, seconds_ago))
        held = look("locks", shared.one)
    left = look("locks", shared.one)

    assert (held.status, held.facts["locks"], held.facts["pid"]) == (Status.FAIL, [str(lock)], os.getpid())
    assert held.repairs == ()
    assert young.status is Status.OK
    assert left.status is Status.OK  # its process ended: the next write takes the lock over


def test_a_lock_that_was_left_is_not_removed_once_a_swap_holds_it(look: Look, shared: Shared) -> None:
    old = _left(shared.remote / "refs" / "coord" / "claims.lock")
    found = look("locks", shared.one)
    guards = SwapGuards(shared.remote)

    with guards.held(guards.path_of("refs/coord/claims")), pytest.raises(ContendedError, match="holds"):
        _mend(found)

    assert old.exists()


def test_a_lock_on_a_remote_on_a_path_is_removed_only_with_a_warning(look: Look, shared: Shared) -> None:
    old = _left(shared.remote / "refs" / "coord" / "claims.lock")

    found = look("locks", shared.one)

    assert found.status is Status.FAIL
    assert "only stopped" in found.repairs[0].why_ask
    assert _mend(found) == f"removed {old}"


@pytest.mark.rule("SAFE-6")
@pytest.mark.parametrize(
    "content", [None, b"", b"garbage\n", b"1" * 40 + b"\n"], ids=["gone", "empty", "no-id", "lost"]
)
def test_a_damaged_ref_comes_back_from_the_journal_with_nothing_lost(
    look: Look, repo: Path, ann: Workspace, agents: Agents, content: bytes | None
) -> None:
    project(ann)
    claim_step(ann)
    ref = store_of(repo) / "refs" / "coord" / "steps" / "app"
    if content is None:
        ref.unlink()
    else:
        ref.write_bytes(content)

    found = look("refs", repo)

    assert (found.status, found.facts["damaged"]) == (Status.FAIL, ["refs/coord/steps/app"])
    assert "nothing is lost" in _mend(found)
    assert look("refs", repo).status is Status.OK
    assert _status(agents(repo, "bob/cli/wt")) == "claimed"


@pytest.mark.rule("SAFE-6")
def test_without_a_journal_it_goes_back_to_the_newest_tip_that_can_be_read(
    look: Look, repo: Path, ann: Workspace, agents: Agents, git: Git
) -> None:
    project(ann)
    claim_step(ann)
    tip = git(store_of(repo), "rev-parse", "refs/coord/steps/app")
    before = git(store_of(repo), "rev-parse", "refs/coord/steps/app~1")
    (loosened(repo) / "objects" / tip[:2] / tip[2:]).unlink()
    (repo / ".git" / "gitcoord" / "journal").unlink()

    found = look("refs", repo)

    assert found.status is Status.FAIL
    assert _mend(found) == f"refs/coord/steps/app is back at {before[:12]}; what came after that is not in it any more"
    assert look("refs", repo).status is Status.OK
    fresh = agents(repo, "bob/cli/wt")
    assert _status(fresh) == "not_started"
    assert claim_step(fresh)["step"]


def test_a_ref_that_cannot_be_saved_says_so_and_nothing_changes(look: Look, repo: Path, ann: Workspace) -> None:
    project(ann)
    folder = repo / ".git" / "gitcoord"
    (store_of(repo) / "refs" / "coord" / "steps" / "app").write_text("garbage")
    (folder / "journal").unlink()
    (folder / "home-tips").write_text("")

    found = look("refs", repo)

    assert found.status is Status.FAIL
    with pytest.raises(StoreDamagedError, match="None of the last tips") as caught:
        _mend(found)
    assert "a copy of" in caught.value.hint


def test_the_refs_of_a_cache_are_not_judged(look: Look, repo: Path, make_bare: MakeBare, git: Git) -> None:
    git(repo, "config", "gitcoord.remote", f"file://{make_bare()}")
    assert look("remote", repo).status is Status.OK

    assert look("refs", repo).status is Status.SKIP


def test_what_is_set_aside_of_a_cache_is_counted(look: Look, repo: Path, make_bare: MakeBare, git: Git) -> None:
    git(repo, "config", "gitcoord.remote", f"file://{make_bare()}")
    assert look("remote", repo).status is Status.OK
    store = ensure_store(repo / ".git", StoreMode.CACHE)
    before = look("store", repo)
    (store.path / "damaged").mkdir()
    (store.path / "damaged" / "pack-1.pack.2").write_bytes(bytes(1234))

    found = look("store", repo)

    assert (before.facts["damaged_files"], "damaged" in before.text) == (0, False)
    assert (found.status, found.facts["damaged_files"], found.facts["damaged_bytes"]) == (Status.OK, 1, 1234)
    assert f"{store.path / 'damaged'}: 1 damaged file, 1,234 bytes" in found.text


def test_looking_changes_nothing(repo: Path, ann: Workspace) -> None:
    project(ann)
    store_of(repo)  # what waits is written out, as it would be within half a second
    folder = repo / ".git" / "gitcoord"
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}

    site = examine_here(repo, os.environ)
    found = [check.run() for check in of_store.checks(site)]

    assert {one.status for one in found} == {Status.OK}
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()} == before
