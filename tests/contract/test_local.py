"""Swaps by libgit2: locks, odd refs, other writers, and when a path may be driven this way."""

import multiprocessing
import os
import random
import socket
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock

from gitcoord.errors import DocumentError, MissingObjectError, UnreachableError
from gitcoord.remote.left_locks import look_at, remove
from gitcoord.remote.local import LocalTransport
from gitcoord.remote.path_remote import git_dir_of, usable_as_local
from gitcoord.remote.protocol import ObjectKind, Oid, RefName, RefUpdate, SwapStatus
from gitcoord.remote.pygit_objects import OBJECT_BYTES_MAX
from gitcoord.remote.waiting import Waiting
from tests.contract.worlds import CLAIMS, CONFIG, STEPS, commit, local, put, won
from tests.servers.fixtures import Remote, Servers


class FakeTime:
    """A clock that only `sleep` moves; `at_pause` may do something while a transport waits."""

    def __init__(self, at_pause: Callable[[], object] = lambda: None) -> None:
        self.now_s = 1_800_000_000.0
        self.at_pause = at_pause

    def waiting(self) -> Waiting:
        return Waiting(lambda: int(self.now_s * 1e9), lambda: self.now_s, self.sleep, random.Random(1).random)

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
    ann = LocalTransport(remote.git_dir, waiting=time.waiting())

    won(put(ann, CLAIMS, None, commit(ann, "one")))


def test_a_lock_that_stays_is_lost_after_a_second(remote: Remote) -> None:
    time = FakeTime()
    lock = a_lock(remote, time)
    ann = LocalTransport(remote.git_dir, waiting=time.waiting())

    outcome = ann.swap([RefUpdate(CONFIG, None, new := commit(ann, "one")), RefUpdate(CLAIMS, None, new)])

    assert outcome.status is SwapStatus.LOST
    assert str(lock) in outcome.message
    assert lock.exists()
    assert remote.refs() == {}
    assert list(remote.git_dir.rglob("*.lock")) == [lock]


@pytest.mark.rule("LIVE-2")
def test_the_locks_of_a_swap_that_died_are_removed_at_once_in_our_own_store(remote: Remote) -> None:
    time = FakeTime()
    locks = [a_lock(remote, time, ref=ref) for ref in (CLAIMS, CONFIG, STEPS)]
    ann = LocalTransport(remote.git_dir, waiting=time.waiting(), own_store=True)
    new = commit(ann, "one")
    began_s = time.now_s

    won(ann.swap([RefUpdate(ref, None, new) for ref in (CLAIMS, CONFIG, STEPS)]))

    assert time.now_s == began_s
    assert not any(lock.exists() for lock in locks)


@pytest.mark.rule("LIVE-2")
def test_the_locks_of_a_swap_that_died_a_minute_ago_are_removed_elsewhere(remote: Remote) -> None:
    time = FakeTime()
    locks = [a_lock(remote, time, age_s=61, ref=ref) for ref in (CLAIMS, CONFIG, STEPS)]
    ann = LocalTransport(remote.git_dir, waiting=time.waiting())
    new = commit(ann, "one")

    won(ann.swap([RefUpdate(ref, None, new) for ref in (CLAIMS, CONFIG, STEPS)]))

    assert not any(lock.exists() for lock in locks)
    assert sorted(path.name for path in remote.git_dir.rglob("*.lock")) == ["gitcoord.lock"]


def test_an_old_lock_that_its_owner_still_uses_is_not_removed(remote: Remote) -> None:
    time = FakeTime()
    lock = a_lock(remote, time, age_s=3600)  # as after a machine slept for an hour in the middle of a swap
    time.at_pause = lambda: os.utime(lock, (time.now_s, time.now_s))  # it writes
    ann = LocalTransport(remote.git_dir, waiting=time.waiting())

    outcome = put(ann, CLAIMS, None, commit(ann, "one"))

    assert outcome.status is SwapStatus.LOST
    assert lock.exists()


def test_a_lock_that_somebody_took_since_is_not_removed(remote: Remote, monkeypatch: pytest.MonkeyPatch) -> None:
    time = FakeTime()
    path = a_lock(remote, time, age_s=61)
    old = look_at(str(path))
    assert old
    path.unlink()
    a_lock(remote, time, age_s=61).write_text("theirs")
    theirs = look_at(str(path))

    assert not remove(old, remote.git_dir)
    assert look_at(str(path)) == theirs

    # Between the last look and the renaming, too.
    looks = iter([old, theirs])
    monkeypatch.setattr("gitcoord.remote.left_locks.look_at", lambda _: next(looks))
    assert not remove(old, remote.git_dir)
    assert path.read_text() == "theirs"
    assert not (remote.git_dir / "gitcoord-left.lock").exists()


def test_of_two_that_remove_a_lock_one_does(remote: Remote) -> None:
    time = FakeTime()
    lock = a_lock(remote, time, age_s=61)
    seen = look_at(str(lock))
    assert seen

    with FileLock(remote.git_dir / "gitcoord.lock"):
        assert not remove(seen, remote.git_dir)
    assert lock.exists()
    assert remove(seen, remote.git_dir)
    assert not lock.exists()


def test_a_folder_in_the_place_of_a_lock_is_named_and_left(remote: Remote) -> None:
    time = FakeTime()
    lock = remote.git_dir / f"{CLAIMS}.lock"
    lock.mkdir(parents=True)
    os.utime(lock, (0, 0))

    for own_store in (True, False):
        ann = LocalTransport(remote.git_dir, waiting=time.waiting(), own_store=own_store)
        outcome = put(ann, CLAIMS, None, commit(ann, "one"))
        assert outcome.status is SwapStatus.LOST
        assert str(lock) in outcome.message
    assert lock.exists()


@pytest.mark.parametrize(("own_store", "age_s"), [(True, 0), (False, 61)])
def test_a_lock_of_the_packed_refs_that_was_left_does_not_stop_a_deletion(
    remote: Remote, own_store: bool, age_s: float
) -> None:
    time = FakeTime()
    ann = LocalTransport(remote.git_dir, waiting=time.waiting(), own_store=own_store)
    first, second = commit(ann, "one"), commit(ann, "two")
    won(ann.swap([RefUpdate(CLAIMS, None, first), RefUpdate(CONFIG, None, first)]))
    remote.git("pack-refs", "--all", "--prune")
    a_lock(remote, time, age_s=age_s, ref="packed-refs")

    won(ann.swap([RefUpdate(CONFIG, first, second), RefUpdate(CLAIMS, first, None)]))

    assert remote.refs() == {CONFIG: second}
    assert not (remote.git_dir / "packed-refs.lock").exists()


def test_a_lock_of_the_packed_refs_that_is_in_use_loses_the_whole_deletion(remote: Remote) -> None:
    time = FakeTime()
    ann = LocalTransport(remote.git_dir, waiting=time.waiting())
    first, second = commit(ann, "one"), commit(ann, "two")
    won(ann.swap([RefUpdate(CLAIMS, None, first), RefUpdate(CONFIG, None, first)]))
    remote.git("pack-refs", "--all", "--prune")
    lock = a_lock(remote, time, ref="packed-refs")

    outcome = ann.swap([RefUpdate(CONFIG, first, second), RefUpdate(CLAIMS, first, None)])

    assert outcome.status is SwapStatus.LOST
    assert lock.exists()
    assert remote.refs() == {CLAIMS: first, CONFIG: first}


def die_in_the_middle(git_dir: Path) -> None:
    """Take the locks of a swap, and die as by kill -9."""
    ann = local(git_dir)
    ann._write = lambda *_: os._exit(137)  # pyright: ignore[reportAttributeAccessIssue]
    ann.swap([RefUpdate(CLAIMS, None, new := commit(ann, "one")), RefUpdate(STEPS, None, new)])


@pytest.mark.rule("LIVE-2", "SAFE-3")
@pytest.mark.parametrize("own_store", [True, False])
def test_a_process_that_is_killed_in_the_middle_of_a_swap_stops_nobody(remote: Remote, own_store: bool) -> None:
    victim = multiprocessing.get_context("spawn").Process(target=die_in_the_middle, args=(remote.git_dir,))
    victim.start()
    victim.join(60)
    left = list((remote.git_dir / "refs").rglob("*.lock"))
    time = FakeTime()
    for lock in left:
        os.utime(lock, (time.now_s - 61, time.now_s - 61)) if not own_store else None
    ann = LocalTransport(remote.git_dir, waiting=time.waiting(), own_store=own_store)

    new = commit(ann, "two")
    won(ann.swap([RefUpdate(CLAIMS, None, new), RefUpdate(STEPS, None, new)]))

    assert victim.exitcode == 137
    assert len(left) == 2
    assert remote.refs() == {CLAIMS: new, STEPS: new}


def test_refs_are_written_in_the_order_given(remote: Remote) -> None:
    ann = local(remote.git_dir)
    first = commit(ann, "one")
    # The second ref cannot be written: a folder that is not empty is in its place.
    (remote.git_dir / CONFIG / "below").mkdir(parents=True)
    (remote.git_dir / CONFIG / "below" / "file.txt.lock").touch()

    outcome = ann.swap([RefUpdate(STEPS, None, first), RefUpdate(CONFIG, None, first)])

    assert outcome.status in {SwapStatus.UNKNOWN, SwapStatus.DENIED}
    assert (STEPS in remote.refs()) == (outcome.status is SwapStatus.UNKNOWN)


@pytest.mark.parametrize("packed", [False, True])
def test_packed_refs_are_refs(remote: Remote, packed: bool) -> None:
    ann = local(remote.git_dir)
    first, second = commit(ann, "one"), commit(ann, "two")
    won(ann.swap([RefUpdate(CLAIMS, None, first), RefUpdate(CONFIG, None, first)]))
    if packed:
        remote.git("pack-refs", "--all", "--prune")

    assert dict(ann.read(["refs/coord/"])) == {CLAIMS: first, CONFIG: first}
    assert put(ann, CLAIMS, None, second).status is SwapStatus.LOST
    won(put(ann, CLAIMS, first, second))
    won(put(ann, CONFIG, first, None))
    assert dict(ann.read(["refs/coord/"])) == remote.refs() == {CLAIMS: second}


def test_a_write_by_git_within_the_same_instant_is_seen(remote: Remote) -> None:
    ann = local(remote.git_dir)
    tips = [commit(ann, str(number)) for number in range(20)]
    won(put(ann, CLAIMS, None, tips[0]))
    path = remote.git_dir / CLAIMS

    for tip in tips:
        path.write_text(f"{tip}\n")  # same inode, same size, and often the same time stamp
        assert dict(ann.read([CLAIMS])) == {CLAIMS: tip}


def test_what_is_not_a_ref_is_skipped_and_named(remote: Remote, tmp_path: Path) -> None:
    ann = local(remote.git_dir)
    first = commit(ann, "one")
    won(put(ann, CLAIMS, None, first))
    folder = remote.git_dir / "refs" / "coord"
    (folder / "symbolic").write_text("ref: refs/coord/claims\n")
    (folder / "garbage").write_bytes(b"\x00\xff" * 3000)
    (folder / "empty").touch()
    (folder / "bad\nname").write_text(f"{first}\n")
    (folder / "link").symlink_to("/etc/passwd")
    os.mkfifo(folder / "pipe")
    with socket.socket(socket.AF_UNIX) as unreadable:
        unreadable.bind(str(tmp_path / "s"))
    (tmp_path / "s").rename(folder / "socket")  # its own path could be too long to bind to

    for _ in range(2):
        assert dict(ann.read(["refs/coord/"])) == {CLAIMS: first}
        assert len(ann.oddities) == 7
    assert put(ann, RefName("refs/coord/symbolic"), None, first).status is SwapStatus.DENIED
    assert put(ann, RefName("refs/coord/garbage"), None, first).status is SwapStatus.DENIED
    assert len(ann.oddities) == 7  # of the last listing, whatever a swap has looked at since


@pytest.mark.parametrize("ref", ["refs/coord/claims/below", "refs/coord", "refs/coord/../x", "refs/coord/a b"])
def test_a_name_that_cannot_be_is_denied(remote: Remote, ref: str) -> None:
    ann = local(remote.git_dir)
    first = commit(ann, "one")
    won(put(ann, CLAIMS, None, first))

    assert put(ann, RefName(ref), None, first).status is SwapStatus.DENIED
    assert remote.refs() == {CLAIMS: first}


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere; samples/denied-read-only.txt is git's word")
def test_a_repository_that_may_not_be_written_is_denied(remote: Remote) -> None:
    ann = local(remote.git_dir)
    first = commit(ann, "one")
    (remote.git_dir / "refs").chmod(stat.S_IRUSR | stat.S_IXUSR)

    assert put(ann, CLAIMS, None, first).status is SwapStatus.DENIED


def test_a_repository_that_is_gone_is_unreachable(tmp_path: Path) -> None:
    ann = local(tmp_path / "none")

    with pytest.raises(UnreachableError):
        ann.read(["refs/coord/"])
    assert put(ann, CLAIMS, None, Oid("1" * 40)).status is SwapStatus.UNREACHABLE


def test_objects_that_another_process_packs_meanwhile_are_found(remote: Remote) -> None:
    ann, bob = local(remote.git_dir), local(remote.git_dir)
    first = commit(ann, "one")
    won(put(ann, CLAIMS, None, first))
    assert bob.objects.has(first)
    remote.git("repack", "-a", "-d", "-q")
    second = commit(ann, "two", first)
    won(put(ann, CLAIMS, first, second))
    assert bob.objects.read(first)[0] is ObjectKind.COMMIT
    remote.git("repack", "-a", "-d", "-q")

    assert bob.objects.read(first)[0] is ObjectKind.COMMIT
    assert bob.objects.read(second)[0] is ObjectKind.COMMIT


def test_damaged_missing_and_huge_objects_are_told_apart(remote: Remote) -> None:
    objects = local(remote.git_dir).objects
    damaged, swapped = (objects.write(ObjectKind.BLOB, data) for data in (b"damaged", b"swapped"))
    huge = objects.write(ObjectKind.BLOB, bytes(OBJECT_BYTES_MAX + 1))
    tag = Oid(remote.git("hash-object", "-t", "tag", "-w", "--literally", os.devnull).strip())
    paths = [remote.git_dir / "objects" / oid[:2] / oid[2:] for oid in (damaged, swapped)]
    other = paths[0].read_bytes()
    for path, content in zip(paths, (b"garbage", other), strict=True):
        path.chmod(stat.S_IRWXU)
        path.write_bytes(content)

    for oid in (damaged, swapped, huge, tag):
        with pytest.raises(DocumentError, match=oid):
            local(remote.git_dir).objects.read(oid)
    with pytest.raises(MissingObjectError):
        objects.read(Oid("1" * 40))


def test_an_ordinary_repository_on_a_path_is_usable(remote: Remote) -> None:
    assert usable_as_local(remote.git_dir, env=os.environ) is None


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("core.sharedRepository", "group"),
        ("receive.hideRefs", "refs/coord"),
        ("receive.procReceiveRefs", "refs/coord"),
        ("extensions.partialClone", "origin"),
        ("hook.audit.event", "reference-transaction"),
    ],
)
def test_a_repository_with_rules_of_its_own_is_left_to_git(remote: Remote, key: str, value: str) -> None:
    remote.git("config", key, value)

    reason = usable_as_local(remote.git_dir, env=os.environ)

    assert reason is not None
    assert key.lower() in reason.lower()


@pytest.mark.parametrize("hook", ["pre-receive", "update", "post-receive", "post-update", "reference-transaction"])
@pytest.mark.parametrize("scope", ["repository", "global"])
def test_a_repository_whose_hooks_would_run_is_left_to_git(
    remote: Remote, hook: str, scope: str, hermetic: Path, tmp_path: Path
) -> None:
    remote.hook(hook, "exit 0")
    if scope == "global":
        (remote.git_dir / "hooks").rename(tmp_path / "hooks")
        with (hermetic / ".gitconfig").open("a") as config:
            config.write(f"[core]\n\thooksPath = {tmp_path / 'hooks'}\n")

    assert usable_as_local(remote.git_dir, env=os.environ) == f"its hook {hook!r} would run"


def test_a_hook_that_only_concerns_the_users_own_commits_does_not_matter(remote: Remote) -> None:
    remote.hook("pre-commit", "exit 1")

    assert usable_as_local(remote.git_dir, env=os.environ) is None


def test_branch_rules_matter_where_the_namespace_is_of_branches(remote: Remote) -> None:
    remote.git("config", "receive.denyNonFastForwards", "true")

    assert usable_as_local(remote.git_dir, env=os.environ) is None
    assert usable_as_local(remote.git_dir, env=os.environ, namespace="refs/heads/x/coord/") is not None


def test_a_path_without_a_repository_of_its_own_is_left_to_git(tmp_path: Path) -> None:
    repo, worktree = tmp_path / "repo", tmp_path / "wt"
    for command in (["init", "-q"], ["commit", "-q", "--allow-empty", "-m", "x"], ["worktree", "add", "-q", "../wt"]):
        repo.mkdir(exist_ok=True)
        subprocess.run(["git", *command], cwd=repo, check=True, timeout=30)

    assert git_dir_of(repo) == repo / ".git"
    assert usable_as_local(repo, env=os.environ) is None
    assert usable_as_local(worktree, env=os.environ) is not None
    assert usable_as_local(tmp_path / "none", env=os.environ) is not None


def test_a_sha256_repository_is_left_to_git(servers: Servers) -> None:
    remote = servers.remote("path", object_format="sha256")

    assert "sha256" in str(usable_as_local(remote.git_dir, env=os.environ))
