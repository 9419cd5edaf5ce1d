"""A home store whose journal is the truth: nothing acknowledged is lost, whatever dies, fills or is taken away."""

import json
import multiprocessing
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from gitcoord.remote.contract.protocol import Oid, RefName, RefUpdate, SwapStatus
from gitcoord.remote.journal import journal_file
from gitcoord.remote.journal.unwritten_tips import unwritten_tips
from gitcoord.remote.store import store_locks
from gitcoord.remote.store import write_out as writing
from gitcoord.remote.store.store import StoreMode, begin_journal, end_journal, ensure_store, open_store
from gitcoord.remote.store.write_out import is_behind, write_out
from gitcoord.remote.transports.home import HomeTransport
from tests.conftest import Git
from tests.contract.worlds import CLAIMS, STEPS, WAITING, commit, put, won

ROOT = Path(__file__).parents[3]
WEB = RefName("refs/coord/steps/web")


def home_at(clone: Path) -> HomeTransport:
    home = HomeTransport(ensure_store(clone, StoreMode.HOME), clocks=WAITING)
    assert home.write_out()
    return home


def swapped(home: HomeTransport, text: str, ref: RefName = CLAIMS) -> Oid:
    """Swap a ref and return the tip that was acknowledged."""
    old = home.read([ref]).get(ref)
    new = commit(home, text, old)
    won(put(home, ref, old, new))
    return new


def plain(clone: Path, git: Git) -> dict[str, str]:
    """Return the refs as plain git lists them, once all that they need was checked."""
    bare = clone / "gitcoord" / "store.git"
    assert git(bare, "fsck", "--strict", "--no-dangling", "--no-progress") == ""
    rows = git(bare, "for-each-ref", "--format=%(refname) %(objectname)").splitlines()
    return dict(row.split(" ") for row in rows)


def test_a_swap_is_seen_by_other_processes_at_once_and_by_git_once_it_was_written_out(tmp_path: Path, git: Git) -> None:
    ann, bob = home_at(tmp_path), home_at(tmp_path)
    tip = swapped(ann, "one")

    assert dict(bob.read(["refs/"])) == unwritten_tips(str(tmp_path / "gitcoord")) == {CLAIMS: tip}
    assert bob.objects.read(tip) == ann.objects.read(tip)
    assert plain(tmp_path, git) == {}
    assert write_out(tmp_path / "gitcoord", WAITING)
    assert plain(tmp_path, git) == bob.read(["refs/"]) == {CLAIMS: tip}
    assert unwritten_tips(str(tmp_path / "gitcoord")) == {}
    assert not is_behind(tmp_path / "gitcoord")


@pytest.mark.rule("STORE-1", "SAFE-3")
def test_a_torn_tail_is_cut_at_whatever_byte_it_ends(tmp_path: Path, git: Git) -> None:
    home, journal = home_at(tmp_path), tmp_path / "gitcoord" / "journal"
    first = swapped(home, "one")
    whole = journal.stat().st_size
    swapped(home, "two")
    data = journal.read_bytes()

    for end in range(whole, len(data)):
        journal.write_bytes(data[:end])
        assert dict(home_at_once(tmp_path).read(["refs/"])) == {CLAIMS: first}, end
    again = home_at_once(tmp_path)
    last = swapped(again, "three")

    assert again.write_out()
    assert plain(tmp_path, git) == {CLAIMS: last}


def home_at_once(clone: Path) -> HomeTransport:
    """Open a store and write nothing out."""
    return HomeTransport(ensure_store(clone, StoreMode.HOME), clocks=WAITING)


@pytest.mark.rule("STORE-1", "SAFE-3")
@pytest.mark.parametrize("how", ["kill", "full"])
@pytest.mark.parametrize("what", ["swap", "write-out"])
def test_a_kill_and_a_full_disk_at_each_write_lose_nothing_and_spoil_nothing(
    tmp_path: Path, git: Git, what: str, how: str
) -> None:
    home = home_at_once(tmp_path / "clone")
    gone = swapped(home, "zero", WEB)
    assert home.write_out()
    git(tmp_path / "clone" / "gitcoord" / "store.git", "pack-refs", "--all")
    won(home.swap([RefUpdate(WEB, gone, None)]))
    first = swapped(home, "one")

    program = Path(__file__).with_name("kill_points.py")
    command = [sys.executable, str(program), str(tmp_path / "clone"), what, how]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=300, check=True)
    rows = [json.loads(line) for line in done.stdout.splitlines()]

    assert len(rows) > 2
    for row in rows:
        clone = tmp_path / f"clone-{row['point']}"
        after = home_at_once(clone)
        tips = dict(after.read(["refs/"]))
        old, new = {CLAIMS: first}, {CLAIMS: row["tip"], STEPS: row["tip"]}
        if row["status"] == "won":
            assert tips == new, row
        elif row["status"] == "unreachable" or what == "write-out":
            assert tips == old, row
        else:
            assert tips in (old, new), row
        last = swapped(after, "after")
        assert after.write_out()
        assert plain(clone, git) == {**tips, CLAIMS: last}, row
        shutil.rmtree(clone)


@pytest.mark.rule("STORE-1", "SAFE-6")
def test_a_power_cut_is_made_good_from_the_journal_and_again(tmp_path: Path, git: Git) -> None:
    home = home_at(tmp_path)
    home.replay("first boot")
    swapped(home, "one")
    gone = swapped(home, "web", WEB)
    won(home.swap([RefUpdate(WEB, gone, None)]))
    assert home.write_out()
    tip = swapped(home, "two")
    bare = tmp_path / "gitcoord" / "store.git"
    for pack in (bare / "objects" / "pack").iterdir():
        pack.unlink()
    (bare / CLAIMS).write_bytes(b"")
    (bare / WEB).parent.mkdir(parents=True, exist_ok=True)
    (bare / WEB).write_text(f"{gone}\n")
    (bare / f"{CLAIMS}.lock").touch()

    after = home_at_once(tmp_path)
    assert not after.is_whole("second boot")
    moved = [after.replay("second boot") for _ in range(2)]

    assert moved == [2, 0]
    assert after.is_whole("second boot")
    assert plain(tmp_path, git) == {CLAIMS: tip}


@pytest.mark.rule("SAFE-6")
@pytest.mark.parametrize("seed", range(20))
def test_a_damaged_journal_breaks_nothing_and_what_it_still_has_counts(tmp_path: Path, git: Git, seed: int) -> None:
    chance, home = random.Random(seed), home_at(tmp_path)
    tips = [swapped(home, f"{number}") for number in range(4)]
    journal = tmp_path / "gitcoord" / "journal"
    data = bytearray(journal.read_bytes())
    for _ in range(3):
        data[chance.randrange(len(data))] ^= 1 + chance.randrange(255)
    journal.write_bytes(data)

    after = home_at_once(tmp_path)
    found = after.read([CLAIMS]).get(CLAIMS)

    assert found is None or found in tips
    other = commit(after, "other", None)
    won(put(after, STEPS, None, other))
    assert home_at_once(tmp_path).read([STEPS]) == {STEPS: other}


def test_a_journal_that_was_deleted_leaves_what_was_written_out(tmp_path: Path, git: Git) -> None:
    home = home_at(tmp_path)
    tip = swapped(home, "one")
    assert home.write_out()
    (tmp_path / "gitcoord" / "journal").unlink()

    assert dict(home.read(["refs/"])) == {CLAIMS: tip}
    last = swapped(home, "two")
    assert home.write_out()
    assert plain(tmp_path, git) == {CLAIMS: last}


def test_a_journal_that_became_long_is_begun_anew_and_readers_follow(
    tmp_path: Path, git: Git, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "SIZE_BYTES_MAX", 2000)
    ann, bob = home_at(tmp_path), home_at(tmp_path)
    sizes, tip = list[int](), ""
    for number in range(12):
        tip = swapped(ann, f"{number}")
        assert dict(bob.read(["refs/"])) == {CLAIMS: tip}
        if number % 3 == 2:
            assert bob.write_out()
        sizes.append((tmp_path / "gitcoord" / "journal").stat().st_size)

    assert max(sizes) < 6000
    assert min(sizes[3:]) == journal_file.BEGIN
    assert plain(tmp_path, git) == {CLAIMS: tip}


@pytest.mark.rule("SAFE-3")
def test_a_gc_that_listed_the_refs_before_they_moved_takes_nothing(
    tmp_path: Path, git: Git, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, real = home_at(tmp_path), writing.put_refs
    swapped(home, "one")
    assert home.write_out()

    def put_refs(git_dir: Path, *rest: object) -> bool:
        git(git_dir, "gc", "--prune=now", "--quiet")
        return real(git_dir, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(writing, "put_refs", put_refs)
    tip = swapped(home, "two")

    assert home.write_out()
    git(tmp_path / "gitcoord" / "store.git", "gc", "--prune=now", "--quiet")
    assert plain(tmp_path, git) == {CLAIMS: tip}
    assert swapped(home_at(tmp_path), "three")


def test_packs_stay_few_and_whole(tmp_path: Path, git: Git) -> None:
    home, count, tip = home_at(tmp_path), list[int](), ""
    packs = tmp_path / "gitcoord" / "store.git" / "objects" / "pack"
    for number in range(70):
        tip = swapped(home, f"{number}")
        assert home.write_out()
        count.append(len(list(packs.glob("*.pack"))))

    assert max(count) <= 16
    assert len(list(packs.iterdir())) <= 3 * 16
    assert plain(tmp_path, git) == {CLAIMS: tip}
    assert len(git(tmp_path / "gitcoord" / "store.git", "rev-list", CLAIMS).splitlines()) == 70


def test_what_a_person_did_to_a_ref_with_git_counts(tmp_path: Path, git: Git) -> None:
    ann, bob = home_at(tmp_path), home_at(tmp_path)
    first, _ = swapped(ann, "one"), swapped(ann, "two")
    assert ann.write_out()
    bare = tmp_path / "gitcoord" / "store.git"
    git(bare, "update-ref", CLAIMS, first)

    assert dict(ann.read(["refs/"])) == dict(bob.read(["refs/"])) == {CLAIMS: first}
    last = swapped(bob, "three")
    assert bob.write_out()
    assert plain(tmp_path, git) == {CLAIMS: last}


def test_a_lock_that_git_holds_delays_what_git_sees_and_no_swap(tmp_path: Path, git: Git) -> None:
    home = home_at(tmp_path)
    swapped(home, "one")
    assert home.write_out()
    lock = tmp_path / "gitcoord" / "store.git" / "packed-refs.lock"
    git(lock.parent, "pack-refs", "--all")
    gone = home.read([CLAIMS])[CLAIMS]
    lock.touch()

    won(home.swap([RefUpdate(CLAIMS, gone, None)]))

    assert not home.write_out()
    assert dict(home.read(["refs/"])) == {}
    lock.unlink()
    assert home.write_out()
    assert plain(tmp_path, git) == {}


def test_two_refs_of_one_swap_cannot_lie_in_each_other(tmp_path: Path) -> None:
    home = home_at(tmp_path)
    new = commit(home, "one", None)

    outcome = home.swap([RefUpdate(STEPS, None, new), RefUpdate(RefName(f"{STEPS}/x"), None, new)])

    assert outcome.status is SwapStatus.DENIED
    assert dict(home.read(["refs/"])) == {}


def test_a_store_with_loose_refs_and_back(tmp_path: Path, git: Git) -> None:
    store = end_journal(ensure_store(tmp_path, StoreMode.HOME))
    home = HomeTransport(store, clocks=WAITING)
    loose = swapped(home, "loose")
    assert plain(tmp_path, git) == {CLAIMS: loose}

    store = begin_journal(store, "boot", 1)
    other = HomeTransport(store, clocks=WAITING)
    assert other.is_whole("boot")
    assert dict(other.read(["refs/"])) == {CLAIMS: loose}
    journaled = swapped(home, "journaled")  # one that was open already goes on as the description says now
    assert dict(other.read(["refs/"])) == {CLAIMS: journaled}
    assert plain(tmp_path, git) == {CLAIMS: loose}
    assert other.write_out()
    store = end_journal(store)

    assert open_store(tmp_path) == store
    last = swapped(other, "loose again")
    assert plain(tmp_path, git) == {CLAIMS: last}


def test_where_locks_do_not_hold_between_processes_refs_are_loose(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_locks, "read_mounts", lambda: "1 0 0:1 / / rw - nfs4 server:/ rw")

    store = ensure_store(tmp_path, StoreMode.HOME)

    assert not store.is_journaled
    assert json.loads((store.folder / "store.json").read_text())["schema"] == 1


def _count_up(clone: Path, turns: int) -> None:
    home = home_at_once(clone)
    for turn in range(turns):
        while True:
            old = home.read([CLAIMS]).get(CLAIMS)
            if put(home, CLAIMS, old, commit(home, f"{os.getpid()} {turn}", old)).status is SwapStatus.WON:
                break
        if turn % 7 == 0:
            write_out(clone / "gitcoord", WAITING, wait_s=0)


@pytest.mark.rule("SAFE-3", "TXN-2")
def test_processes_that_race_without_any_other_lock_each_get_all_their_swaps(tmp_path: Path, git: Git) -> None:
    home_at(tmp_path)
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_count_up, args=(tmp_path, 25)) for _ in range(4)]

    for process in processes:
        process.start()
    for process in processes:
        process.join(120)

    assert [process.exitcode for process in processes] == [0] * 4
    assert home_at(tmp_path).write_out()
    assert set(plain(tmp_path, git)) == {CLAIMS}
    assert len(git(tmp_path / "gitcoord" / "store.git", "rev-list", CLAIMS).splitlines()) == 100


@pytest.mark.parametrize("size_bytes", [10, 4_000, 5_000, 200_000])
def test_git_reads_an_object_of_any_size_that_was_deflated_here(tmp_path: Path, git: Git, size_bytes: int) -> None:
    home, text = home_at(tmp_path), random.Random(1).randbytes(size_bytes // 2).hex()

    tip = swapped(home, text)
    assert home.write_out()

    assert plain(tmp_path, git) == {CLAIMS: tip}
    data = home_at(tmp_path).objects.read(tip)[1].decode()
    assert git(tmp_path / "gitcoord" / "store.git", "cat-file", "commit", tip) == data.rstrip("\n")
    assert text in data
