"""Lock files that a swap meets: waited for, removed in our own store, named and left everywhere else."""

import multiprocessing
import os
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock

from gitcoord.remote.contract.clocks import Clocks
from gitcoord.remote.contract.protocol import RefUpdate, SwapStatus
from gitcoord.remote.store.cache_locks import remove_if_stale
from gitcoord.remote.transports.local import LocalTransport
from tests.contract.worlds import CLAIMS, CONFIG, STEPS, commit, local, put, won
from tests.servers.fixtures import Remote, Servers


class FakeTime:
    """A clock that only `sleep` moves; `at_pause` may do something while a transport waits."""

    def __init__(self, at_pause: Callable[[], object] = lambda: None) -> None:
        self.now_s = 1_800_000_000.0
        self.at_pause = at_pause

    def clocks(self) -> Clocks:
        return Clocks(lambda: int(self.now_s * 1e9), lambda: self.now_s, self.sleep, random.Random(1).random)

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds
        self.at_pause()


def a_lock(remote: Remote, time: FakeTime, *, age_s: float = 0, ref: str = CLAIMS) -> Path:
    path = remote.git_dir / f"{ref}.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    os.utime(path, (time.now_s - age_s, time.now_s - age_s))
    return path


@pytest.fixture
def remote(servers: Servers) -> Remote:
    return servers.remote("path")


def test_a_lock_that_is_released_in_time_only_delays(remote: Remote) -> None:
    time = FakeTime()
    lock = a_lock(remote, time)
    time.at_pause = lambda: lock.unlink(missing_ok=True)
    ann = LocalTransport(remote.git_dir, clocks=time.clocks())

    won(put(ann, CLAIMS, None, commit(ann, "one")))


@pytest.mark.rule("LIVE-1")
@pytest.mark.parametrize("own_store", [True, False])
def test_a_lock_that_is_given_up_between_the_last_try_and_the_look_at_it_is_no_refusal(
    remote: Remote, own_store: bool
) -> None:
    time = FakeTime()
    locks = [a_lock(remote, time)]
    end_s = time.now_s + 1

    def monotonic() -> float:
        if time.now_s >= end_s:
            locks[0].unlink(missing_ok=True)
        else:
            a_lock(remote, time)  # of one short swap after the other
        return time.now_s

    clocks = Clocks(time.clocks().wall_ns, monotonic, time.sleep, lambda: 0.5)
    ann = LocalTransport(remote.git_dir, clocks=clocks, own_store=own_store)

    assert put(ann, CLAIMS, None, commit(ann, "one")).status is SwapStatus.LOST


def test_a_lock_that_stays_is_lost_after_a_second(remote: Remote) -> None:
    time = FakeTime()
    lock = a_lock(remote, time)
    ann = LocalTransport(remote.git_dir, clocks=time.clocks())

    outcome = ann.swap([RefUpdate(CONFIG, None, new := commit(ann, "one")), RefUpdate(CLAIMS, None, new)])

    assert outcome.status is SwapStatus.LOST
    assert str(lock) in outcome.message
    assert lock.exists()
    assert remote.refs() == {}
    assert list(remote.git_dir.rglob("*.lock")) == [lock]


@pytest.mark.rule("LIVE-2")
def test_the_locks_of_a_swap_that_died_are_removed_in_our_own_store(remote: Remote) -> None:
    time = FakeTime()
    locks = [a_lock(remote, time, ref=ref) for ref in (CLAIMS, CONFIG, STEPS)]
    ann = LocalTransport(remote.git_dir, clocks=time.clocks(), own_store=True)
    new = commit(ann, "one")

    won(ann.swap([RefUpdate(ref, None, new) for ref in (CLAIMS, CONFIG, STEPS)]))

    assert not any(lock.exists() for lock in locks)


def test_a_lock_of_our_own_store_that_somebody_uses_meanwhile_is_not_removed(remote: Remote) -> None:
    time = FakeTime()
    lock = a_lock(remote, time)
    time.at_pause = lambda: os.utime(lock, (time.now_s, time.now_s))  # one `git gc` after the other
    ann = LocalTransport(remote.git_dir, clocks=time.clocks(), own_store=True)

    assert put(ann, CLAIMS, None, commit(ann, "one")).status is SwapStatus.LOST
    assert lock.exists()


@pytest.mark.rule("SAFE-3")
def test_an_old_lock_elsewhere_is_named_with_what_to_do_and_never_removed(remote: Remote) -> None:
    time = FakeTime()
    locks = [a_lock(remote, time, age_s=3600, ref=ref) for ref in (CLAIMS, CONFIG, STEPS)]
    ann = LocalTransport(remote.git_dir, clocks=time.clocks())
    new = commit(ann, "one")

    outcome = ann.swap([RefUpdate(ref, None, new) for ref in (CLAIMS, CONFIG, STEPS)])

    assert outcome.status is SwapStatus.LOST
    assert str(locks[0]) in outcome.message
    assert outcome.lock_path == str(locks[0])
    assert "git, or an older gitcoord" in outcome.message
    assert all(lock.exists() for lock in locks)


def test_a_lock_of_a_cache_that_a_killed_fetch_left_is_removed(remote: Remote) -> None:
    time = FakeTime()
    lock = a_lock(remote, time, age_s=61, ref="packed-refs")

    assert remove_if_stale(str(lock), remote.git_dir, time.clocks())
    assert not lock.exists()
    assert not remove_if_stale(str(a_lock(remote, time, ref="packed-refs")), remote.git_dir, time.clocks())


def test_a_lock_of_a_cache_that_changed_meanwhile_or_that_another_removes_stays(remote: Remote) -> None:
    time = FakeTime()
    lock = a_lock(remote, time, age_s=61, ref="packed-refs")

    with FileLock(remote.git_dir / "gitcoord.lock"):
        assert not remove_if_stale(str(lock), remote.git_dir, time.clocks())
    time.at_pause = lambda: os.utime(lock, (time.now_s, time.now_s))
    assert not remove_if_stale(str(lock), remote.git_dir, time.clocks())
    assert lock.exists()


def test_a_folder_in_the_place_of_a_lock_is_named_and_left(remote: Remote) -> None:
    time = FakeTime()
    lock = remote.git_dir / f"{CLAIMS}.lock"
    lock.mkdir(parents=True)
    os.utime(lock, (0, 0))

    for own_store in (True, False):
        ann = LocalTransport(remote.git_dir, clocks=time.clocks(), own_store=own_store)
        outcome = put(ann, CLAIMS, None, commit(ann, "one"))
        assert outcome.status is SwapStatus.LOST
        assert str(lock) in outcome.message
    assert lock.exists()


@pytest.mark.parametrize(("own_store", "age_s"), [(True, 0), (True, 3600), (False, 0), (False, 3600)])
def test_a_lock_of_the_packed_refs_loses_the_whole_deletion_and_stays(
    remote: Remote, own_store: bool, age_s: float
) -> None:
    time = FakeTime()
    ann = LocalTransport(remote.git_dir, clocks=time.clocks(), own_store=own_store)
    first, second = commit(ann, "one"), commit(ann, "two")
    won(ann.swap([RefUpdate(CLAIMS, None, first), RefUpdate(CONFIG, None, first)]))
    remote.git("pack-refs", "--all", "--prune")
    lock = a_lock(remote, time, age_s=age_s, ref="packed-refs")

    outcome = ann.swap([RefUpdate(CONFIG, first, second), RefUpdate(CLAIMS, first, None)])

    assert outcome.status is SwapStatus.LOST
    assert str(lock) in outcome.message
    assert lock.exists()
    assert remote.refs() == {CLAIMS: first, CONFIG: first}


def die_in_the_middle(git_dir: Path) -> None:
    """Take the locks of a swap, and die as by kill -9."""
    ann = local(git_dir, own_store=True)
    ann._write = lambda *_: os._exit(137)  # pyright: ignore[reportAttributeAccessIssue]
    ann.swap([RefUpdate(CLAIMS, None, new := commit(ann, "one")), RefUpdate(STEPS, None, new)])


@pytest.mark.rule("LIVE-2", "SAFE-3")
def test_a_process_that_is_killed_in_the_middle_of_a_swap_stops_nobody_in_our_own_store(remote: Remote) -> None:
    victim = multiprocessing.get_context("spawn").Process(target=die_in_the_middle, args=(remote.git_dir,))
    victim.start()
    victim.join(60)
    left = list((remote.git_dir / "refs").rglob("*.lock"))
    ann = LocalTransport(remote.git_dir, clocks=FakeTime().clocks(), own_store=True)

    new = commit(ann, "two")
    won(ann.swap([RefUpdate(CLAIMS, None, new), RefUpdate(STEPS, None, new)]))

    assert victim.exitcode == 137
    assert len(left) == 2
    assert remote.refs() == {CLAIMS: new, STEPS: new}
