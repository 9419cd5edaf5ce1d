"""Processes that are killed or stopped while they swap in a shared repository: the others go on, or wait unharmed."""

import contextlib
import multiprocessing
import os
import random
import signal
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path

import pytest

from gitcoord.remote.contract.clocks import Clocks
from gitcoord.remote.contract.mounts import is_on_own_disk, read_mounts
from gitcoord.remote.contract.protocol import Oid, RefUpdate, SwapOutcome, SwapStatus
from gitcoord.remote.store.ref_locks import RefLock
from gitcoord.remote.store.swap_guards import FOLDER, Guard, GuardHeldError, SwapGuards
from gitcoord.remote.transports.local import LocalTransport
from tests.contract.worlds import CLAIMS, CONFIG, STEPS, WAITING, commit, local, put, won
from tests.servers.fixtures import Remote, Servers

MOUNTS = r"""22 1 254:0 / / rw,relatime - ext4 /dev/vda rw
25 22 0:23 / /run/shm rw - tmpfs tmpfs rw
31 22 0:40 / /srv/team\040hub rw,relatime shared:1 - nfs4 server:/export rw,vers=4.2
32 22 0:41 / /srv/shared rw - virtiofs shared rw
33 32 8:1 / /srv/shared/disk rw - xfs /dev/sdb rw
34 22 8:2 / /mnt rw - ext4 /dev/sdc rw
35 22 0:42 / /mnt rw - fuse.sshfs ann@host:/ rw
"""


class Suffering(LocalTransport):
    """Sends itself a signal in the middle of a swap: when everything is compared, or after so many refs."""

    def __init__(self, git_dir: Path, what: signal.Signals, after: int) -> None:
        super().__init__(git_dir, clocks=WAITING)
        self.what, self.left = what, after

    def _write(self, updates: Sequence[RefUpdate], locks: Mapping[str, RefLock]) -> SwapOutcome:
        self.suffer()
        return super()._write(updates, locks)

    def _write_ref(self, update: RefUpdate, locks: Mapping[str, RefLock]) -> None:
        super()._write_ref(update, locks)
        self.suffer()

    def suffer(self) -> None:
        self.left -= 1
        if self.left < 0:
            self.left = 1_000
            os.kill(os.getpid(), self.what)


def swap_and_suffer(git_dir: Path, updates: Sequence[RefUpdate], what: signal.Signals, after: int) -> None:
    outcome = Suffering(git_dir, what, after).swap(updates)
    os._exit(0 if outcome.status is SwapStatus.WON else 1)


@contextlib.contextmanager
def victim(remote: Remote, updates: Sequence[RefUpdate], what: signal.Signals, after: int = 0) -> Generator[int]:
    """Start a process that suffers in this swap; wait until it has."""
    process = multiprocessing.get_context("fork").Process(
        target=swap_and_suffer, args=(remote.git_dir, updates, what, after)
    )
    process.start()
    pid = process.pid
    assert pid
    os.waitid(os.P_PID, pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
    try:
        yield pid
    finally:
        process.kill()
        process.join(60)


def exit_status(pid: int) -> int | None:
    ended = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    return ended.si_status if ended else None


def no_patience() -> Clocks:
    """Return waiting in which a second is over at the first pause."""
    now = [0.0]

    def sleep(_: float) -> None:
        now[0] += 2

    return Clocks(lambda: 1_900_000_000_000_000_000, lambda: now[0], sleep, random.Random(1).random)


def locks_in(remote: Remote) -> list[Path]:
    return sorted(remote.git_dir.rglob("*.lock"))


@pytest.fixture
def remote(servers: Servers) -> Remote:
    return servers.remote("path")


@pytest.fixture
def tips(remote: Remote) -> list[Oid]:
    """Return three commits; every ref is at the first."""
    ann = local(remote.git_dir)
    made = [commit(ann, text) for text in ("one", "two", "three")]
    won(ann.swap([RefUpdate(ref, None, made[0]) for ref in (CLAIMS, CONFIG, STEPS)]))
    return made


@pytest.mark.rule("LIVE-1", "LIVE-2", "SAFE-3")
@pytest.mark.parametrize("landed", [0, 1, 2])
def test_a_swap_goes_on_at_once_where_another_was_killed(remote: Remote, tips: list[Oid], landed: int) -> None:
    with victim(remote, [RefUpdate(ref, tips[0], tips[1]) for ref in (CLAIMS, STEPS)], signal.SIGKILL, landed):
        left = locks_in(remote)
    bob = LocalTransport(remote.git_dir, clocks=no_patience())

    refs = bob.read(["refs/coord/"])
    outcome = bob.swap([RefUpdate(ref, refs[ref], tips[2]) for ref in (CLAIMS, STEPS)])

    assert len(left) == 2
    assert [refs[ref] for ref in (CLAIMS, STEPS)] == [tips[1]] * landed + [tips[0]] * (2 - landed)
    won(outcome)
    assert remote.refs() == {CLAIMS: tips[2], STEPS: tips[2], CONFIG: tips[0]}
    assert locks_in(remote) == []


@pytest.mark.rule("LIVE-2", "SAFE-3")
@pytest.mark.parametrize("after", [0, 1])
def test_a_deletion_of_a_packed_ref_goes_on_where_another_was_killed(
    remote: Remote, tips: list[Oid], after: int
) -> None:
    remote.git("pack-refs", "--all", "--prune")
    with victim(remote, [RefUpdate(CONFIG, tips[0], None), RefUpdate(STEPS, tips[0], None)], signal.SIGKILL, after):
        left = locks_in(remote)
    bob = LocalTransport(remote.git_dir, clocks=no_patience())

    bob.read(["refs/coord/"])
    won(bob.swap([RefUpdate(ref, tips[0], None) for ref in (CONFIG, STEPS)[after:]]))

    assert remote.git_dir / "packed-refs.lock" in left
    assert remote.refs() == {CLAIMS: tips[0]}
    assert locks_in(remote) == []


@pytest.mark.rule("LIVE-2")
def test_what_a_killed_swap_left_goes_with_the_next_write_elsewhere_so_that_git_is_not_hindered(
    remote: Remote, tips: list[Oid]
) -> None:
    with victim(remote, [RefUpdate(CLAIMS, tips[0], tips[1])], signal.SIGKILL):
        pass
    bob = LocalTransport(remote.git_dir, clocks=no_patience())
    bob.read(["refs/coord/"])

    won(put(bob, CONFIG, tips[0], tips[2]))

    remote.git("update-ref", CLAIMS, tips[2], tips[0])
    assert locks_in(remote) == []


@pytest.mark.rule("SAFE-2", "SAFE-3")
def test_a_stopped_swap_keeps_its_locks_and_ends_as_if_nothing_had_been(remote: Remote, tips: list[Oid]) -> None:
    bob = LocalTransport(remote.git_dir, clocks=no_patience())
    with victim(remote, [RefUpdate(CLAIMS, tips[0], tips[1])], signal.SIGSTOP) as pid:
        bob.read(["refs/coord/"])
        waited = put(bob, CLAIMS, tips[0], tips[2])
        elsewhere = put(bob, CONFIG, tips[0], tips[2])
        with pytest.raises(GuardHeldError):
            SwapGuards(remote.git_dir).is_left(waited.lock_path)
        os.kill(pid, signal.SIGCONT)
        status = exit_status(pid)

    assert (waited.status, waited.lock_path) == (SwapStatus.LOST, str(remote.git_dir / f"{CLAIMS}.lock"))
    assert f"process {pid} of this machine, which is slow or stopped" in waited.message
    won(elsewhere)
    assert status == 0
    assert remote.refs() == {CLAIMS: tips[1], CONFIG: tips[2], STEPS: tips[0]}
    assert put(bob, CLAIMS, tips[0], tips[2]).status is SwapStatus.LOST
    won(put(bob, CLAIMS, tips[1], tips[2]))


@pytest.mark.rule("LIVE-2")
def test_a_stopped_swap_that_is_ended_is_taken_over(remote: Remote, tips: list[Oid]) -> None:
    with victim(remote, [RefUpdate(CLAIMS, tips[0], tips[1])], signal.SIGSTOP):
        pass
    bob = LocalTransport(remote.git_dir, clocks=no_patience())

    assert SwapGuards(remote.git_dir).is_left(str(remote.git_dir / f"{CLAIMS}.lock"))
    won(put(bob, CLAIMS, tips[0], tips[2]))


@pytest.mark.rule("SAFE-3")
def test_the_lock_of_a_git_process_is_never_taken_over(remote: Remote, tips: list[Oid]) -> None:
    with victim(remote, [RefUpdate(CLAIMS, tips[0], tips[1])], signal.SIGKILL):
        lock = remote.git_dir / f"{CLAIMS}.lock"
    lock.unlink()
    lock.touch()  # as git makes it
    bob = LocalTransport(remote.git_dir, clocks=no_patience())

    outcome = put(bob, CLAIMS, tips[0], tips[2])

    assert (outcome.status, outcome.lock_path) == (SwapStatus.LOST, str(lock))
    assert not SwapGuards(remote.git_dir).is_left(str(lock))
    assert locks_in(remote) == [lock]


@pytest.mark.rule("SAFE-3")
def test_where_locks_may_not_hold_for_all_a_lock_that_was_left_is_named_and_stays(
    remote: Remote, tips: list[Oid]
) -> None:
    with victim(remote, [RefUpdate(CLAIMS, tips[0], tips[1])], signal.SIGKILL):
        left = locks_in(remote)
    bob = LocalTransport(remote.git_dir, clocks=no_patience(), guards=lambda _: None)

    outcome = put(bob, CLAIMS, tips[0], tips[2])

    assert (outcome.status, outcome.lock_path) == (SwapStatus.LOST, str(left[0]))
    assert locks_in(remote) == left


def test_a_swap_without_guards_takes_git_s_lock_and_leaves_nothing(remote: Remote) -> None:
    bob = LocalTransport(remote.git_dir, clocks=WAITING, guards=lambda _: None)
    first, second = commit(bob, "one"), commit(bob, "two")

    won(put(bob, CLAIMS, None, first))
    won(put(bob, CLAIMS, first, second))
    won(put(bob, CLAIMS, second, None))

    assert remote.refs() == {}
    assert locks_in(remote) == []
    assert not (remote.git_dir / FOLDER).exists()


class Watching(LocalTransport):
    """Notes after each ref whether the packed refs are still locked."""

    def __init__(self, git_dir: Path, *, own_store: bool) -> None:
        super().__init__(git_dir, clocks=WAITING, own_store=own_store)
        self.seen: list[bool] = []

    def _write_ref(self, update: RefUpdate, locks: Mapping[str, RefLock]) -> None:
        super()._write_ref(update, locks)
        self.seen.append((self._git_dir / "packed-refs.lock").exists())


@pytest.mark.parametrize("own_store", [True, False])
def test_the_packed_refs_stay_locked_for_all_deletions_of_a_swap(
    remote: Remote, tips: list[Oid], own_store: bool
) -> None:
    remote.git("pack-refs", "--all", "--prune")
    bob = Watching(remote.git_dir, own_store=own_store)

    won(bob.swap([RefUpdate(ref, tips[0], None) for ref in (CONFIG, STEPS)]))

    assert bob.seen == [True, True]
    assert remote.refs() == {CLAIMS: tips[0]}
    assert locks_in(remote) == []


def test_guards_that_cannot_be_made_hinder_nobody(remote: Remote) -> None:
    (remote.git_dir / FOLDER).write_text("somebody's file")
    bob = local(remote.git_dir)

    won(put(bob, CLAIMS, None, commit(bob, "one")))


@pytest.mark.parametrize(("mode", "guard_mode"), [(0o755, 0o644), (0o2775, 0o664), (0o777, 0o666)])
def test_who_may_write_refs_may_hold_and_link_their_guards(remote: Remote, mode: int, guard_mode: int) -> None:
    (remote.git_dir / "refs").chmod(mode)
    bob = local(remote.git_dir)

    won(put(bob, CLAIMS, None, commit(bob, "one")))

    folder = remote.git_dir / FOLDER
    path = Path(SwapGuards(remote.git_dir).path_of(CLAIMS))
    assert folder.stat().st_mode & 0o7777 == mode
    assert path.stat().st_mode & 0o777 == guard_mode


def test_a_guard_that_cannot_be_linked_is_done_without(remote: Remote) -> None:
    elsewhere = Guard(
        "/proc/version", Path("/proc/version").stat()
    )  # another file system; another user's file is alike
    lock = RefLock(str(remote.git_dir), CLAIMS, elsewhere)

    lock.write(b"%s\n" % (b"1" * 40), flush=True)
    lock.give_up()

    assert (remote.git_dir / CLAIMS).read_text() == "1" * 40 + "\n"
    assert locks_in(remote) == []


def test_what_became_the_ref_is_not_given_up_again(remote: Remote) -> None:
    lock = RefLock(str(remote.git_dir), CLAIMS, None)
    lock.write(b"x", flush=False)
    other = RefLock(str(remote.git_dir), CLAIMS, None)  # as soon as the first was renamed

    lock.give_up()

    assert locks_in(remote) == [Path(other.path)]


@pytest.mark.parametrize(
    ("folder", "is_own"),
    [
        ("/home/ann/hub.git", True),
        ("/run/shm/hub.git", True),
        ("/run/shmem", True),
        ("/srv/shared-not", True),
        ("/srv/team hub/hub.git", False),
        ("/srv/shared/hub.git", False),
        ("/srv/shared/disk/hub.git", True),
        ("/mnt/hub.git", False),
    ],
)
def test_a_disk_is_our_own_where_this_kernel_alone_drives_it(folder: str, is_own: bool) -> None:
    assert is_on_own_disk(Path(folder), MOUNTS) is is_own


def test_a_disk_of_which_nothing_is_known_is_not_our_own(tmp_path: Path) -> None:
    assert not is_on_own_disk(tmp_path, "")
    assert all(len(line.split(" - ")[0].split(" ")) >= 5 for line in read_mounts().splitlines())
