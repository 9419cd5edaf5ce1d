"""What a clone writes for a remote on another machine: one pack once the remote has it, and nothing before."""

import errno
import gc
import hashlib
import os
import random
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable, Sequence
from io import FileIO
from pathlib import Path
from typing import IO

import pytest

from gitcoord.errors import MissingObjectError, StorageError, UnreachableError
from gitcoord.remote.contract import deadline
from gitcoord.remote.contract.protocol import ObjectKind, Oid, RefUpdate, SwapStatus
from gitcoord.remote.copies import buffered_objects, known_tips
from gitcoord.remote.copies.buffered_objects import BufferedObjects
from gitcoord.remote.git.git_process import clean_env
from gitcoord.remote.http.fetch import Brought, Wanted
from gitcoord.remote.http.git_server import GitServer
from gitcoord.remote.http.unfamiliar import UnfamiliarError
from gitcoord.remote.journal.pack_files import (
    LEVEL_PACKS,
    PackedObject,
    damaged_packs,
    oid_of,
    tidy_packs,
    write_pack,
)
from gitcoord.remote.store.pygit_objects import PygitObjects
from gitcoord.remote.store.store import StoreMode, ensure_store
from gitcoord.remote.transports.smart import SmartTransport
from tests.contract.store.damage import emptied, rewritten, zeroed, zeroed_inside
from tests.contract.worlds import CLAIMS, STEPS, WAITING, Worlds, commit, put, won
from tests.servers.fixtures import Remote, Servers

EMPTY_TREE = oid_of(ObjectKind.TREE, b"")
HASTE_S = 2.0  # for one question alone: a busy server may take longer than that for another
LANDS_S = 60.0  # a bound for a hang


@pytest.fixture
def remote(servers: Servers) -> Remote:
    return servers.remote("http")


@pytest.fixture
def clone(worlds: Worlds) -> Path:
    return worlds.new_folder()


@pytest.fixture
def ann(worlds: Worlds, remote: Remote, clone: Path) -> SmartTransport:
    return worlds.smarthttp(remote, folder=clone)


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    return ensure_store(tmp_path, StoreMode.CACHE).path


def files(clone: Path, suffix: str = "") -> list[Path]:
    """Return the files of objects in a clone's store, or those that end so."""
    found = (clone / "gitcoord" / "store.git" / "objects").rglob(f"*{suffix}")
    return sorted(path for path in found if path.is_file())


def on_disk(clone: Path) -> PygitObjects:
    """Read a clone's store as another process does."""
    return PygitObjects(clone / "gitcoord" / "store.git")


def git_lists(clone: Path, tip: Oid) -> list[bytes]:
    """Have git read all of a commit in a clone's store."""
    words = ["git", f"--git-dir={clone}/gitcoord/store.git", "rev-list", "--objects", tip]
    return subprocess.run(words, capture_output=True, check=True, timeout=30).stdout.splitlines()


def tips(ann: SmartTransport) -> list[Oid]:
    return [*ann.read(["refs/coord/"]).values()]


# -- what becomes of a swap --------------------------------------------------------------------------------------------


@pytest.mark.rule("SAFE-3")
def test_what_was_won_is_one_pack_and_all_of_it_is_there(ann: SmartTransport, clone: Path) -> None:
    tip = commit(ann, "one")
    assert files(clone) == []

    won(put(ann, CLAIMS, None, tip))

    assert [path.suffix for path in files(clone)] == [".idx", ".pack"]
    assert len(git_lists(clone, tip)) == 3


def test_what_was_lost_leaves_nothing_and_can_be_sent_again(
    ann: SmartTransport, worlds: Worlds, remote: Remote, clone: Path
) -> None:
    bob = worlds.smarthttp(remote)
    first = commit(bob, "first")
    won(put(bob, CLAIMS, None, first))
    lost, other = commit(ann, "lost"), commit(ann, "other")

    assert put(ann, CLAIMS, None, lost).status is SwapStatus.LOST
    assert files(clone) == []
    won(put(ann, STEPS, None, lost))
    assert put(ann, CLAIMS, None, other).status is SwapStatus.LOST
    won(put(ann, STEPS, lost, commit(ann, "next", lost)))

    assert on_disk(clone).has(lost)
    assert not ann.objects.has(other)
    assert not on_disk(clone).has(other)


def test_what_was_lost_before_it_was_sent_is_discarded_too(
    ann: SmartTransport, worlds: Worlds, remote: Remote, clone: Path
) -> None:
    bob = worlds.smarthttp(remote)
    won(put(bob, CLAIMS, None, commit(bob, "first")))
    lost = [commit(ann, f"lost {number}") for number in range(3)]
    parts = [oid for tip in lost for oid in whole(ann, tip)]
    for tip in lost:
        outcome = ann.swap([RefUpdate(CLAIMS, None, None), RefUpdate(STEPS, None, tip)])
        assert outcome.status is SwapStatus.LOST

    won(put(ann, STEPS, None, commit(ann, "won")))

    assert not any(map(ann.objects.has, parts))
    assert not ann.objects.has(EMPTY_TREE)  # of the push that the server had to refuse


def test_what_was_lost_and_is_written_again_outlives_the_next_win(
    ann: SmartTransport, worlds: Worlds, remote: Remote
) -> None:
    bob = worlds.smarthttp(remote)
    first = commit(bob, "first")
    won(put(bob, CLAIMS, None, first))
    assert put(ann, CLAIMS, None, commit(ann, "doc")).status is SwapStatus.LOST
    again = commit(ann, "doc", first)
    won(put(ann, STEPS, None, commit(ann, "another")))

    ann.fetch(tips(ann))
    won(put(ann, CLAIMS, first, again))

    assert ann.name == "smarthttp"


def test_what_got_no_answer_is_kept_for_it_may_have_landed(
    ann: SmartTransport, worlds: Worlds, remote: Remote, clone: Path
) -> None:
    won(put(ann, STEPS, None, commit(ann, "the server is known")))
    hasty = worlds.smarthttp(remote, folder=clone, timeout_s=HASTE_S)
    remote.hook("pre-receive", "cat >/dev/null; exec sleep 10")
    tip = commit(hasty, "held")

    assert put(hasty, CLAIMS, None, tip).status is SwapStatus.UNKNOWN

    assert on_disk(clone).has(tip)


def test_git_pushes_what_is_on_disk(ann: SmartTransport, clone: Path) -> None:
    tip = commit(ann, "by git")
    ann._server.leave_to_git("a test")

    won(put(ann, CLAIMS, None, tip))

    assert ann.name == "gitcli"
    assert on_disk(clone).has(tip)


# -- crashes and full disks --------------------------------------------------------------------------------------------


@pytest.mark.rule("SAFE-3", "SAFE-6")
def test_who_dies_before_its_pack_is_there_names_nothing_and_the_next_look_brings_it(
    worlds: Worlds, remote: Remote, clone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = worlds.smarthttp(remote, folder=clone)
    won(put(ann, STEPS, None, commit(ann, "step")))
    tip = commit(ann, "one")
    with monkeypatch.context() as full:
        full.setattr(buffered_objects, "write_pack", _no_room)
        won(put(ann, CLAIMS, None, tip))
        ann.fetch(tips(ann))
    names = subprocess.run(
        ["git", f"--git-dir={clone}/gitcoord/store.git", "for-each-ref", "--format=%(objectname)"],
        capture_output=True,
        encoding="ascii",
        check=True,
        timeout=30,
    )
    assert tip not in names.stdout
    assert not on_disk(clone).has(tip)

    later = worlds.smarthttp(remote, folder=clone)
    later.fetch(tips(later))

    assert on_disk(clone).read(tip)[0] is ObjectKind.COMMIT
    won(put(later, CLAIMS, tip, commit(later, "two", tip)))


@pytest.mark.rule("SAFE-3")
def test_what_found_no_room_is_written_with_the_next_look(
    ann: SmartTransport, clone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tip = commit(ann, "one")
    with monkeypatch.context() as full:
        full.setattr(buffered_objects, "write_pack", _no_room)
        won(put(ann, CLAIMS, None, tip))
    assert ann.objects.read(tip)[0] is ObjectKind.COMMIT

    ann.fetch(tips(ann))

    assert on_disk(clone).has(tip)


@pytest.mark.rule("SAFE-6")
def test_what_found_no_room_goes_with_the_next_pack(
    worlds: Worlds, remote: Remote, clone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = worlds.smarthttp(remote, folder=clone)
    one = commit(ann, "one")
    with monkeypatch.context() as full:
        full.setattr(buffered_objects, "write_pack", _no_room)
        won(put(ann, CLAIMS, None, one))
    two = commit(ann, "one", one)  # its tree, which the remote has, is not sent

    won(put(ann, CLAIMS, one, two))
    ann.fetch(tips(ann))

    later = worlds.smarthttp(remote, folder=clone)
    later.fetch(tips(later))
    assert len(whole(later, two)) == 6


@pytest.mark.rule("SAFE-6")
def test_what_got_no_answer_and_found_no_room_is_not_dropped_by_the_next_win(
    worlds: Worlds, remote: Remote, clone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    patient = worlds.smarthttp(remote, folder=clone)
    won(put(patient, STEPS, None, commit(patient, "the server is known")))
    ann = worlds.smarthttp(remote, folder=clone)
    remote.hook("post-receive", "cat >/dev/null; exec sleep 10")
    one = commit(ann, "one")
    with monkeypatch.context() as full:
        full.setattr(buffered_objects, "write_pack", _no_room)
        with deadline.asking_until(lambda: HASTE_S):
            assert put(ann, CLAIMS, None, one).status is SwapStatus.UNKNOWN
        end = time.monotonic() + LANDS_S
        while one not in remote.refs().values() and time.monotonic() < end:
            time.sleep(0.01)
        assert one in tips(ann)
    remote.hook("post-receive", "cat >/dev/null")
    two = commit(ann, "one", one)

    won(put(ann, CLAIMS, one, two))

    assert len(whole(ann, two)) == 6
    assert len(whole(worlds.smarthttp(remote, folder=clone), two)) == 6


def _no_room(*_: object, **__: object) -> None:
    raise OSError(28, "No space left on device")


def whole(transport: SmartTransport, tip: Oid) -> list[Oid]:
    """Read all that a commit of `commit` and its parents need, and return the ids."""
    read = transport.objects.read
    found = [tip]
    for line in read(tip)[1].partition(b"\n\n")[0].splitlines():
        word, _, name = line.decode().partition(" ")
        if word == "parent":
            found += whole(transport, Oid(name))
        elif word == "tree":
            blob = Oid(read(Oid(name))[1][-20:].hex())
            assert read(blob)[0] is ObjectKind.BLOB
            found += [Oid(name), blob]
    return found


DAMAGES = [emptied, zeroed, zeroed_inside, Path.unlink]
SUFFIXES = [(".pack",), (".idx",), (".pack", ".idx")]


@pytest.mark.rule("SAFE-6")
@pytest.mark.parametrize("suffixes", SUFFIXES)
@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("is_loaded", [False, True])
def test_a_damaged_pack_counts_for_nothing(
    worlds: Worlds,
    remote: Remote,
    clone: Path,
    suffixes: tuple[str, ...],
    damage: Callable[[Path], None],
    is_loaded: bool,
) -> None:
    ann = worlds.smarthttp(remote, folder=clone)
    tip = commit(ann, "one")
    won(put(ann, CLAIMS, None, tip))
    for suffix in suffixes:
        for path in files(clone, suffix):
            damage(path)

    later = worlds.smarthttp(remote, folder=clone)
    if is_loaded:
        assert not later.objects.has(Oid("1" * 40))  # only libgit2 can tell
    assert not later.objects.has(tip)
    with pytest.raises(MissingObjectError):
        later.objects.read(tip)
    later.fetch(tips(later))

    assert len(whole(later, tip)) == 3
    assert len(whole(worlds.smarthttp(remote, folder=clone), tip)) == 3
    assert len(git_lists(clone, tip)) == 3


@pytest.mark.rule("SAFE-6")
@pytest.mark.parametrize("suffixes", SUFFIXES)
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_pack_that_a_power_cut_left_half_is_brought_again(
    worlds: Worlds,
    remote: Remote,
    clone: Path,
    suffixes: tuple[str, ...],
    damage: Callable[[Path], None],
) -> None:
    ann = worlds.smarthttp(remote, folder=clone)
    old = commit(ann, "one")
    won(put(ann, CLAIMS, None, old))
    ann.fetch(tips(ann))
    del ann
    for suffix in suffixes:
        for path in files(clone, suffix):
            damage(path)
    bob = worlds.smarthttp(remote)
    bob.fetch(tips(bob))
    new = commit(bob, "one", old)  # the same tree, which a server does not send to who has the old commit
    won(put(bob, CLAIMS, old, new))

    later = worlds.smarthttp(remote, folder=clone)
    later.fetch(tips(later))
    won(put(later, CLAIMS, new, commit(later, "three", new)))

    assert len(whole(later, new)) == 6
    assert len(whole(worlds.smarthttp(remote, folder=clone), new)) == 6


@pytest.mark.rule("SAFE-6")
@pytest.mark.parametrize("is_large", [False, True])
def test_what_is_sent_on_top_of_what_is_not_whole_is_sent_once_more_with_all(
    worlds: Worlds, remote: Remote, clone: Path, monkeypatch: pytest.MonkeyPatch, is_large: bool
) -> None:
    ann = worlds.smarthttp(remote, folder=clone)
    text = "\n".join(map(str, range(200)))
    old = commit(ann, text)
    (blob,) = [oid for oid in whole(ann, old) if ann.objects.read(oid)[0] is ObjectKind.BLOB]
    won(put(ann, CLAIMS, None, old))
    ann.fetch(tips(ann))
    kept = [(oid, *ann.objects.read(oid)) for oid in whole(ann, old) if oid != blob]
    del ann
    for path in files(clone):
        path.unlink()
    BufferedObjects(clone / "gitcoord" / "store.git", lambda: 0).put(kept)
    bob = worlds.smarthttp(remote)
    bob.fetch(tips(bob))
    new = commit(bob, f"{text}\nand one", old)  # a delta of the text that is not there
    won(put(bob, CLAIMS, old, new))
    if is_large:
        monkeypatch.setattr(known_tips, "OBJECTS_MAX", 0)

    later = worlds.smarthttp(remote, folder=clone)
    later.fetch(tips(later))

    assert len(whole(later, new)) == 6
    assert later.name == "smarthttp"


@pytest.mark.rule("SAFE-6")
def test_what_is_refetched_comes_whole_and_packs_that_are_damaged_go(
    worlds: Worlds, remote: Remote, clone: Path
) -> None:
    ann = worlds.smarthttp(remote, folder=clone)
    old = commit(ann, "one")
    won(put(ann, CLAIMS, None, old))
    first = files(clone)
    new = commit(ann, "one", old)
    won(put(ann, CLAIMS, old, new))
    ann.fetch(tips(ann))
    del ann
    for path in first:
        zeroed_inside(path)
    later = worlds.smarthttp(remote, folder=clone)
    later.fetch(tips(later))
    with pytest.raises(MissingObjectError):
        whole(later, new)

    assert later.refetch(new)

    assert len(whole(later, new)) == 6
    assert len(whole(worlds.smarthttp(remote, folder=clone), new)) == 6
    assert not any(path.exists() for path in first)


def _with_a_damaged_blob(worlds: Worlds, remote: Remote, clone: Path) -> tuple[Oid, Oid, Oid]:
    """Have a clone whose one pack lacks the blob of its claims, and has its steps whole; return tips and that blob."""
    ann = worlds.smarthttp(remote, folder=clone)
    claims, steps = commit(ann, "one"), commit(ann, "two")
    won(put(ann, CLAIMS, None, claims))
    won(put(ann, STEPS, None, steps))
    del ann
    for path in files(clone):
        path.unlink()
    other = worlds.smarthttp(remote, folder=clone)
    other.fetch(tips(other))
    (blob,) = [oid for oid in whole(other, claims) if other.objects.read(oid)[0] is ObjectKind.BLOB]
    (pack,) = files(clone, ".pack")
    index = ["git", f"--git-dir={clone}/gitcoord/store.git", "verify-pack", "-v", f"{pack.with_suffix('.idx')}"]
    lines = subprocess.run(index, capture_output=True, check=True, timeout=30, text=True).stdout.splitlines()
    (size, begin) = next(map(int, line.split()[3:5]) for line in lines if line.startswith(blob))
    data = pack.read_bytes()
    rewritten(pack, data[: begin + 2] + bytes(size - 2) + data[begin + size :])
    del other
    gc.collect()  # libgit2 shares a pack that is open within a process, and so what is whole of it
    return claims, steps, blob


def _noted(clone: Path) -> list[bytes]:
    words = ["git", f"--git-dir={clone}/gitcoord/store.git", "for-each-ref", "refs/http"]
    return subprocess.run(words, capture_output=True, check=True, timeout=30).stdout.splitlines()


@pytest.mark.rule("SAFE-6")
def test_a_refetch_that_is_not_answered_takes_nothing(worlds: Worlds, clone: Path, tmp_path: Path) -> None:
    servers = Servers(tmp_path)
    remote = servers.remote("http")
    claims, steps, _ = _with_a_damaged_blob(worlds, remote, clone)
    later = worlds.smarthttp(remote, folder=clone)
    before, noted = files(clone), _noted(clone)
    servers.stop()

    for _ in range(2):
        with pytest.raises(UnreachableError):
            later.refetch(claims)

    assert (files(clone), _noted(clone)) == (before, noted)
    assert len(whole(later, steps)) == 3


@pytest.mark.rule("SAFE-6")
def test_a_refetch_keeps_what_is_whole_beside_and_what_is_noted(worlds: Worlds, remote: Remote, clone: Path) -> None:
    claims, steps, _ = _with_a_damaged_blob(worlds, remote, clone)
    noted = _noted(clone)
    later = worlds.smarthttp(remote, folder=clone)
    later.read(["refs/coord/"])

    assert later.refetch(claims)

    again = worlds.smarthttp(remote, folder=clone)
    assert [len(whole(again, tip)) for tip in (claims, steps)] == [3, 3]
    assert len(git_lists(clone, steps)) == 3
    assert len(noted) == 2
    assert _noted(clone) == noted


@pytest.mark.rule("SAFE-6")
def test_after_a_pack_that_did_not_fit_only_what_came_whole_is_noted(
    worlds: Worlds, remote: Remote, clone: Path
) -> None:
    ann = worlds.smarthttp(remote, folder=clone)
    text = "\n".join(map(str, range(200)))
    old, steps = commit(ann, text), commit(ann, "two")
    won(put(ann, CLAIMS, None, old))
    won(put(ann, STEPS, None, steps))
    ann.fetch(tips(ann))
    kept = [(oid, *ann.objects.read(oid)) for oid in (old, steps)]  # the commits alone
    assert len(_noted(clone)) == 2
    del ann
    for path in files(clone):
        path.unlink()
    BufferedObjects(clone / "gitcoord" / "store.git", lambda: 0).put(kept)
    bob = worlds.smarthttp(remote)
    bob.fetch(tips(bob))
    new = commit(bob, f"{text}\nand one", old)  # a delta of the text that is not there
    won(put(bob, CLAIMS, old, new))

    later = worlds.smarthttp(remote, folder=clone)
    later.fetch(tips(later))

    assert [line.split()[0].decode() for line in _noted(clone)] == [new]


def test_of_tips_that_were_here_once_nothing_is_kept_in_memory(worlds: Worlds, remote: Remote, clone: Path) -> None:
    ann, bob = worlds.smarthttp(remote, folder=clone), worlds.smarthttp(remote)
    tip = None
    for number in range(6):
        new = commit(bob, f"{number}", tip)
        won(put(bob, CLAIMS, tip, new))
        tip = new
        ann.fetch(tips(ann))

    assert len(_noted(clone)) == 1
    assert len(ann._store._here) <= 2


def test_a_fetch_with_nothing_known_that_brings_too_little_is_not_asked_for_twice_in_a_row(
    worlds: Worlds, remote: Remote, clone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = worlds.smarthttp(remote)
    tip = commit(ann, "one")
    won(put(ann, CLAIMS, None, tip))
    asked: list[Sequence[Oid]] = []
    content = b"PACK" + (2).to_bytes(4, "big") + bytes(4)

    def empty(_server: GitServer, wanted: Wanted) -> Brought:
        asked.append(wanted.oids)
        return Brought(content + hashlib.sha1(content, usedforsecurity=False).digest())

    monkeypatch.setattr(GitServer, "pack_of", empty)
    later = worlds.smarthttp(remote, folder=clone)

    later.fetch(tips(later))

    assert len(asked) == 1
    assert len(whole(later, tip)) == 3  # by git


def test_what_the_remote_lacks_too_is_asked_for_hourly(
    worlds: Worlds, remote: Remote, clone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    claims, _, blob = _with_a_damaged_blob(worlds, remote, clone)
    bare = Path(str(remote.git_dir))
    for index in (bare / "objects" / "pack").glob("*.idx"):
        data = index.with_suffix(".pack").read_bytes()
        for suffix in (".idx", ".rev", ".pack"):
            index.with_suffix(suffix).unlink(missing_ok=True)
        subprocess.run(["git", f"--git-dir={bare}", "unpack-objects", "-q"], input=data, check=True, timeout=30)
    (bare / "objects" / blob[:2] / blob[2:]).unlink()
    asked: list[Sequence[Oid]] = []
    pack_of = GitServer.pack_of

    def counted(server: GitServer, wanted: Wanted) -> Brought:
        asked.append(wanted.oids)
        return pack_of(server, wanted)

    monkeypatch.setattr(GitServer, "pack_of", counted)

    is_asked: list[bool] = []
    for later_s in (0, 60, 3500, 3700, 3800):
        asked.clear()
        clocks = WAITING._replace(wall_ns=lambda later_s=later_s: (1_800_000_000 + later_s) * 10**9)
        assert not worlds.smarthttp(remote, folder=clone, clocks=clocks).refetch(claims)
        is_asked.append(bool(asked))

    assert is_asked == [True, False, False, True, False]


@pytest.mark.rule("SAFE-6")
def test_what_only_git_knows_how_to_bring_anew_git_does(
    worlds: Worlds, remote: Remote, clone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    claims, _, _ = _with_a_damaged_blob(worlds, remote, clone)

    def odd(*_: object) -> Brought:
        raise UnfamiliarError("a test", lasts=False)

    monkeypatch.setattr(GitServer, "pack_of", odd)

    assert worlds.smarthttp(remote, folder=clone).refetch(claims)

    assert len(git_lists(clone, claims)) == 3


@pytest.mark.rule("SAFE-6")
def test_where_git_fetches_a_refetch_brings_it_too(
    worlds: Worlds, remote: Remote, clone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    claims, steps, _ = _with_a_damaged_blob(worlds, remote, clone)
    monkeypatch.setattr(SmartTransport, "why_git", "it is unfamiliar")

    assert worlds.smarthttp(remote, folder=clone).refetch(claims)

    assert len(git_lists(clone, claims)) == 3
    assert len(whole(worlds.smarthttp(remote, folder=clone), claims)) == 3
    assert len(git_lists(clone, steps)) == 3


def test_a_damaged_pack_that_vanishes_leaves_the_others_to_be_found(
    bare: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    objects = BufferedObjects(bare, lambda: 0)
    for data in (b"one", b"two"):
        objects.write(ObjectKind.BLOB, data)
        objects.flush()
    first, second = sorted((bare / "objects" / "pack").glob("*.pack"))
    zeroed_inside(first)
    zeroed_inside(second)
    read_bytes = Path.read_bytes
    gone: list[Path] = []

    def vanishing(path: Path) -> bytes:
        if path.suffix == ".pack" and not gone:
            gone.append(path)
            raise FileNotFoundError(path)
        return read_bytes(path)

    monkeypatch.setattr(Path, "read_bytes", vanishing)

    found = [pack for pack, _ in damaged_packs(bare / "objects")]

    assert sorted([*found, *gone]) == [first, second]
    assert len(found) == 1


def test_a_pack_of_which_only_the_checksum_is_damaged_is_written_again(bare: Path) -> None:
    objects = BufferedObjects(bare, lambda: 0)
    oid = objects.write(ObjectKind.BLOB, b"one")
    objects.flush()
    (pack,) = (bare / "objects" / "pack").glob("*.pack")
    data = pack.read_bytes()
    rewritten(pack, data[:-20] + bytes(20))

    BufferedObjects(bare, lambda: 0).set_aside_damaged(clean_env(os.environ))

    assert PygitObjects(bare).read(oid)[1] == b"one"
    assert pack.read_bytes() == data


# -- the buffer --------------------------------------------------------------------------------------------------------


def test_a_buffer_that_is_full_becomes_a_pack(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(buffered_objects, "BUFFER_OBJECTS", 3)
    objects = BufferedObjects(bare, lambda: 0)

    oids = [objects.write(ObjectKind.BLOB, bytes([number])) for number in range(5)]

    kept = [PygitObjects(bare).has(oid) for oid in oids]
    assert kept == [True, True, True, True, False]
    assert [objects.is_buffered(oid) for oid in oids] == [not there for there in kept]
    assert [objects.read(oid)[1] for oid in oids] == [bytes([number]) for number in range(5)]


def test_a_buffer_has_a_bound_of_bytes_and_says_when_the_disk_is_full(
    bare: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(buffered_objects, "write_pack", _no_room)
    objects = BufferedObjects(bare, lambda: 0)
    objects.write(ObjectKind.BLOB, bytes(buffered_objects.BUFFER_BYTES))

    with pytest.raises(StorageError, match="No space left"):
        objects.write(ObjectKind.BLOB, b"one more")


def test_what_is_too_large_to_be_kept_in_memory_is_read_from_the_disk(bare: Path) -> None:
    objects = BufferedObjects(bare, lambda: 0)
    small, large = b"small", bytes(buffered_objects.RECENT_BYTES + 1)
    oids = [oid_of(ObjectKind.BLOB, data) for data in (small, large)]
    objects.put([(oids[0], ObjectKind.BLOB, small)])
    objects.put([(oids[1], ObjectKind.BLOB, large)])
    assert objects.read(oids[1])[1] == large

    for path in (bare / "objects" / "pack").iterdir():
        path.unlink()
    objects.reopen()

    with pytest.raises(MissingObjectError):
        objects.read(oids[1])


def test_what_was_discarded_is_not_here(bare: Path) -> None:
    objects = BufferedObjects(bare, lambda: 0)
    oid = objects.write(ObjectKind.BLOB, b"document")

    objects.discard([oid])

    assert not objects.has(oid)
    with pytest.raises(MissingObjectError):
        objects.read(oid)


def test_packs_are_joined_in_little_more_memory_than_they_have(tmp_path: Path) -> None:
    """A server that joined them stayed larger for good by a multiple of them."""
    chance, size_bytes = random.Random(1), 0
    for _ in range(LEVEL_PACKS):
        contents = [chance.randbytes(4000) for _ in range(100)]
        size_bytes += sum(map(len, contents))
        packed = (PackedObject.of(oid_of(ObjectKind.BLOB, each), ObjectKind.BLOB, each) for each in contents)
        write_pack(tmp_path, packed, is_copy=True)

    tracemalloc.start()
    tidy_packs(tmp_path, 0.0)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert len([*(tmp_path / "pack").glob("*.pack")]) == 1
    assert peak_bytes < 1.5 * size_bytes


_CUT_AND_JOIN = """
import os, sys, zlib
from pathlib import Path
from gitcoord.remote.journal import pack_files

def cut(data, of=zlib.crc32):
    for pack in Path(sys.argv[1], "pack").glob("*.pack"):
        pack.chmod(0o644)
        os.truncate(pack, 20)
    return of(data)

zlib.crc32 = cut
pack_files.tidy_packs(Path(sys.argv[1]), 0.0)
"""


class _BadSector(FileIO):
    def read(self, size: int | None = -1, /) -> bytes:
        raise OSError(errno.EIO, os.strerror(errno.EIO), f"{size} bytes")

    def readall(self) -> bytes:
        return self.read()


@pytest.mark.parametrize("suffix", [".idx", ".pack", ".keep"])
def test_a_pack_in_a_bad_sector_keeps_none_of_the_others_from_being_joined(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    packs = [
        write_pack(tmp_path, [PackedObject.of(oid_of(ObjectKind.BLOB, each), ObjectKind.BLOB, each)])
        for each in (b"%d" % num for num in range(LEVEL_PACKS + 1))
    ]
    bad = min(pack for pack in packs if pack)
    whole = Path.open

    def opened(path: Path, mode: str = "r", buffering: int = -1) -> IO[bytes]:
        return _BadSector(path) if path == bad.with_suffix(suffix) else whole(path, mode, buffering)

    monkeypatch.setattr(Path, "open", opened)
    tidy_packs(tmp_path, time.time() + 3600)
    monkeypatch.undo()

    left = [*(tmp_path / "pack").glob("*.pack")]
    assert (len(left), bad.with_suffix(".pack") in left) == (2, True)


@pytest.mark.rule("SEC-4")
def test_an_index_that_points_far_behind_its_pack_takes_no_memory(tmp_path: Path) -> None:
    for num in range(LEVEL_PACKS + 1):
        contents = (b"%d" % num, b"-%d" % num)
        write_pack(
            tmp_path, [PackedObject.of(oid_of(ObjectKind.BLOB, each), ObjectKind.BLOB, each) for each in contents]
        )
    index = min((tmp_path / "pack").glob("*.idx"))
    listed, begin = index.read_bytes(), 8 + 256 * 4 + 2 * 24
    last = max(listed[begin : begin + 4], listed[begin + 4 : begin + 8])
    rewritten(index, listed[:begin] + listed[begin:].replace(last, b"\x7f\xff\xff\xff", 1))

    tracemalloc.start()
    tidy_packs(tmp_path, time.time() + 3600)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    left = [*(tmp_path / "pack").glob("*.pack")]
    assert (len(left), index.with_suffix(".pack") in left) == (2, True)
    assert peak_bytes < 10_000_000


def test_a_pack_that_is_cut_while_it_is_joined_ends_no_process(tmp_path: Path) -> None:
    """So does a file of a network's disk that is gone, and a bad sector: what is mapped there is a signal."""
    chance = random.Random(1)
    for _ in range(LEVEL_PACKS):
        contents = [chance.randbytes(4000) for _ in range(10)]
        packed = (PackedObject.of(oid_of(ObjectKind.BLOB, each), ObjectKind.BLOB, each) for each in contents)
        write_pack(tmp_path, packed, is_copy=True)

    words = [sys.executable, "-c", _CUT_AND_JOIN, str(tmp_path)]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)

    assert (done.returncode, done.stderr) == (0, "")
    assert len([*(tmp_path / "pack").glob("*.pack")]) == LEVEL_PACKS
