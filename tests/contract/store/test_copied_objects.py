"""What a power cut damaged of a clone's copy is set aside; git, which takes it for whole, then fetches it again."""

import gc
import os
import subprocess
import sys
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from gitcoord.errors import MissingObjectError, UnreachableError
from gitcoord.remote.contract.protocol import ObjectKind, Oid
from gitcoord.remote.copies.buffered_objects import BufferedObjects
from gitcoord.remote.copies.copied_objects import CopiedObjects
from gitcoord.remote.copies.damaged_files import FILES_BYTES_MAX, FILES_MAX, DamagedFiles
from gitcoord.remote.git.git_process import Completed, clean_env
from gitcoord.remote.journal import plain_packs
from gitcoord.remote.journal.pack_files import PackedObject, damaged_packs, oid_of, remove_pack, write_pack
from gitcoord.remote.store.store import StoreMode, ensure_store
from gitcoord.remote.transports.gitcli import GitCliTransport
from gitcoord.remote.transports.smart import SmartTransport
from tests.contract.store.damage import cut, emptied, pointing_behind, rewritten, zeroed, zeroed_inside
from tests.contract.worlds import CLAIMS, Worlds, commit, put, won
from tests.servers.fixtures import Remote, Servers

TEXT = "\n".join(map(str, range(200)))


@pytest.fixture(params=["path", "daemon"])
def remote(request: pytest.FixtureRequest, servers: Servers) -> Remote:
    return servers.remote(request.param)


@pytest.fixture
def bob(worlds: Worlds, remote: Remote) -> GitCliTransport:
    return worlds.gitcli(remote)


@pytest.fixture
def clone(worlds: Worlds) -> Path:
    return worlds.new_folder()


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    return ensure_store(tmp_path, StoreMode.CACHE).path


@pytest.fixture
def packed(bare: Path) -> tuple[Path, list[Oid]]:
    """Have a copy with one pack, and objects in it."""
    objects = BufferedObjects(bare, lambda: 0)
    oids = [objects.write(ObjectKind.BLOB, f"{TEXT}\ndocument {number}".encode()) for number in range(20)]
    objects.flush()
    (pack,) = (bare / "objects" / "pack").glob("*.pack")
    return pack, oids


def store_of(clone: Path) -> Path:
    return clone / "gitcoord" / "store.git"


def fetched(transport: GitCliTransport | SmartTransport) -> dict[str, Oid]:
    listed = transport.read(["refs/coord/"])
    transport.fetch(listed.values())
    return {**listed}


def parts(transport: GitCliTransport | SmartTransport, tip: Oid) -> dict[ObjectKind, Oid]:
    """Read a commit, its tree and its blob; return their ids."""
    tree = Oid(transport.objects.read(tip)[1][5:45].decode())
    blob = Oid(transport.objects.read(tree)[1][-20:].hex())
    assert transport.objects.read(blob)[0] is ObjectKind.BLOB
    return {ObjectKind.COMMIT: tip, ObjectKind.TREE: tree, ObjectKind.BLOB: blob}


def git_lists(clone: Path, tip: Oid) -> int:
    """Have git read the content of all that a commit needs; return how much it is."""
    words = ["git", f"--git-dir={store_of(clone)}"]
    listed = subprocess.run([*words, "rev-list", "--objects", tip], capture_output=True, check=True, timeout=30).stdout
    oids = b"".join(line.split()[0] + b"\n" for line in listed.splitlines())
    read = subprocess.run([*words, "cat-file", "--batch"], input=oids, capture_output=True, check=True, timeout=30)
    assert b" missing\n" not in read.stdout
    return oids.count(b"\n")


def loose(clone: Path, oid: Oid) -> Path:
    return store_of(clone) / "objects" / oid[:2] / oid[2:]


DAMAGES: list[Callable[[Path], None]] = [emptied, cut, Path.unlink]


# -- git fetches -------------------------------------------------------------------------------------------------------


@pytest.mark.rule("SAFE-6")
@pytest.mark.parametrize("kind", ObjectKind)
@pytest.mark.parametrize("damage", DAMAGES)
def test_what_git_takes_for_whole_is_brought_again(
    worlds: Worlds,
    remote: Remote,
    bob: GitCliTransport,
    clone: Path,
    kind: ObjectKind,
    damage: Callable[[Path], None],
) -> None:
    tip = commit(bob, "one")
    won(put(bob, CLAIMS, None, tip))
    lost = parts(bob, tip)[kind]
    fetched(worlds.gitcli(remote, folder=clone))
    damage(loose(clone, lost))
    damaged = loose(clone, lost).read_bytes() if loose(clone, lost).exists() else None

    ann = worlds.gitcli(remote, folder=clone)
    assert not ann.objects.has(lost)
    with pytest.raises(MissingObjectError):
        parts(ann, tip)
    assert fetched(ann) == {CLAIMS: tip}
    assert kind is ObjectKind.COMMIT or ann.refetch(tip)  # as who reads a ledger does

    assert len(parts(ann, tip)) == 3
    assert git_lists(clone, tip) == 3
    aside = [path.read_bytes() for path in (store_of(clone) / "damaged").glob(f"{lost}.*")]
    assert aside == ([] if damaged is None else [damaged])


@pytest.mark.rule("SAFE-6")
@pytest.mark.parametrize("way", ["gitcli", "smarthttp"])
def test_what_came_and_is_damaged_again_is_brought_again(
    worlds: Worlds, servers: Servers, clone: Path, way: str
) -> None:
    remote = servers.remote("http")
    make = {"gitcli": worlds.gitcli, "smarthttp": worlds.smarthttp}[way]
    bob = make(remote)
    tip = commit(bob, "one")
    won(put(bob, CLAIMS, None, tip))
    blob = parts(bob, tip)[ObjectKind.BLOB]
    fetched(make(remote, folder=clone))

    for _ in range(2):
        gc.collect()  # libgit2 shares a pack that is open within a process
        for path in (store_of(clone) / "objects").rglob("*"):
            if path.suffix == ".pack" or path == loose(clone, blob):
                emptied(path)
        ann = make(remote, folder=clone)
        assert not ann.objects.has(blob)
        fetched(ann)
        assert ann.objects.has(blob) or ann.refetch(tip)
        assert git_lists(clone, tip) == 3
        del ann


@pytest.mark.rule("SAFE-6")
@pytest.mark.parametrize("kind", ObjectKind)
@pytest.mark.parametrize("damage", DAMAGES)
def test_what_is_sent_on_top_of_what_is_damaged_comes_with_all_of_it(
    worlds: Worlds,
    remote: Remote,
    bob: GitCliTransport,
    clone: Path,
    kind: ObjectKind,
    damage: Callable[[Path], None],
) -> None:
    old = commit(bob, TEXT)
    won(put(bob, CLAIMS, None, old))
    fetched(worlds.gitcli(remote, folder=clone))
    damage(loose(clone, parts(bob, old)[kind]))
    new = commit(bob, f"{TEXT}\nand one", old)
    won(put(bob, CLAIMS, old, new))

    ann = worlds.gitcli(remote, folder=clone)
    assert fetched(ann) == {CLAIMS: new}
    assert ann.objects.has(parts(bob, old)[kind]) or ann.refetch(new)

    assert git_lists(clone, new) == 6
    won(put(ann, CLAIMS, new, commit(ann, "three", new)))


@pytest.mark.rule("SAFE-6")
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_commit_of_long_ago_that_is_damaged_stops_no_write(
    worlds: Worlds, remote: Remote, bob: GitCliTransport, clone: Path, damage: Callable[[Path], None]
) -> None:
    """No reader of the ledger looks at it, and git does, when it fetches and when it pushes."""
    tips: list[Oid | None] = [None]
    for text in ("one", "two", "three"):
        tips.append(commit(bob, text, tips[-1]))
        won(put(bob, CLAIMS, *tips[-2:]))
    _, first, _, last = tips
    fetched(worlds.gitcli(remote, folder=clone))
    damage(loose(clone, first or Oid("")))

    ann = worlds.gitcli(remote, folder=clone)
    assert fetched(ann) == {CLAIMS: last}
    won(put(ann, CLAIMS, last, commit(ann, "four", last)))

    assert damage is Path.unlink or ann.objects.has(first or Oid(""))


@pytest.mark.rule("SAFE-6")
def test_what_the_remote_has_no_more_is_noted(worlds: Worlds, remote: Remote, clone: Path) -> None:
    ann = worlds.gitcli(remote, folder=clone)
    gone = commit(worlds.gitcli(remote), "never sent")
    refetches = store_of(clone).parent / "refetches.json"

    for _ in range(2):
        with pytest.raises(MissingObjectError):
            ann.fetch([gone])
    assert not ann.refetch(gone)

    noted = refetches.read_bytes()
    assert gone.encode() in noted
    assert not ann.refetch(gone)
    assert refetches.read_bytes() == noted


@pytest.mark.rule("SAFE-6")
def test_what_the_remote_lacks_too_is_asked_for_hourly(
    worlds: Worlds, remote: Remote, bob: GitCliTransport, clone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tip = commit(bob, "one")
    won(put(bob, CLAIMS, None, tip))
    blob = parts(bob, tip)[ObjectKind.BLOB]
    fetched(worlds.gitcli(remote, folder=clone))
    emptied(loose(clone, blob))
    (Path(str(remote.git_dir)) / "objects" / blob[:2] / blob[2:]).unlink()
    asked: list[Path | None] = []
    run = GitCliTransport._run

    def counted(transport: GitCliTransport, args: Sequence[str], *, git_dir: Path | None = None) -> Completed:
        asked.append(git_dir)
        return run(transport, args, git_dir=git_dir)

    monkeypatch.setattr(GitCliTransport, "_run", counted)

    for _ in range(2):
        assert not worlds.gitcli(remote, folder=clone).refetch(tip)

    assert len(asked) == 1


def test_a_remote_that_is_away_is_unreachable_also_for_what_is_damaged(
    worlds: Worlds, clone: Path, tmp_path: Path
) -> None:
    servers = Servers(tmp_path)
    remote = servers.remote("daemon")
    ann = worlds.gitcli(remote, folder=clone)
    tip = commit(ann, "one")
    won(put(ann, CLAIMS, None, tip))
    fetched(ann)
    emptied(loose(clone, tip))
    servers.stop()

    for _ in range(2):
        with pytest.raises(UnreachableError):
            ann.fetch([tip])
        with pytest.raises(UnreachableError):
            ann.refetch(tip)


# -- packs -------------------------------------------------------------------------------------------------------------


def _cut_index(index: Path) -> None:
    rewritten(index, index.read_bytes()[:1100])


def _other_ids(index: Path) -> None:
    """Zero some ids: the checksums of pack and index at its end stay."""
    data = index.read_bytes()
    begin = 8 + 256 * 4
    rewritten(index, data[:begin] + bytes(100) + data[begin + 100 :])


@pytest.mark.rule("SAFE-6")
@pytest.mark.parametrize("damage", [emptied, zeroed, _cut_index, _other_ids])
@pytest.mark.parametrize("is_gits", [False, True])
def test_a_pack_of_which_the_index_is_damaged_is_indexed_again(
    packed: tuple[Path, list[Oid]], bare: Path, damage: Callable[[Path], None], is_gits: bool
) -> None:
    pack, oids = packed
    if is_gits:  # with deltas
        words = ["git", f"--git-dir={bare}", "pack-objects", "-q", f"{pack.parent}/pack"]
        listed = "\n".join(oids).encode()
        name = subprocess.run(words, input=listed, capture_output=True, check=True, timeout=30).stdout
        remove_pack(pack)
        pack = pack.with_name(f"pack-{name.decode().strip()}.pack")
    whole, index = pack.read_bytes(), pack.with_suffix(".idx").read_bytes()
    damage(pack.with_suffix(".idx"))
    damaged = pack.with_suffix(".idx").read_bytes()
    assert [found for found, _ in damaged_packs(bare / "objects")] == [pack]

    CopiedObjects(bare).set_aside_damaged(clean_env(os.environ))

    assert all(map(CopiedObjects(bare).has, oids))
    assert (pack.read_bytes(), pack.with_suffix(".idx").read_bytes()) == (whole, index)
    assert [path.read_bytes() for path in (bare / "damaged").iterdir()] == [damaged]
    assert list(damaged_packs(bare / "objects")) == []
    assert not list(bare.glob("tmp_*"))


_READ_ALL = """
import sys
from pathlib import Path
from gitcoord.errors import MissingObjectError
from gitcoord.remote.copies.copied_objects import CopiedObjects
objects = CopiedObjects(Path(sys.argv[1]))
for oid in sys.argv[2:]:
    try:
        objects.read(oid)
    except MissingObjectError:
        assert not objects.has(oid)
        print(oid)
"""


@pytest.mark.rule("SAFE-6")
def test_an_index_that_points_behind_its_pack_ends_no_process(packed: tuple[Path, list[Oid]], bare: Path) -> None:
    pack, oids = packed
    pointing_behind(pack.with_suffix(".idx"))

    words = [sys.executable, "-c", _READ_ALL, str(bare), *oids]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)

    assert (done.returncode, done.stdout.split()) == (0, oids)
    CopiedObjects(bare).set_aside_damaged(clean_env(os.environ))
    assert all(map(CopiedObjects(bare).has, oids))


_NOTE = """
import os, sys
from pathlib import Path
from gitcoord.remote.copies.buffered_objects import BufferedObjects
from gitcoord.remote.copies.known_tips import KnownTips
from gitcoord.remote.contract.clocks import Clocks
from gitcoord.remote.git.git_process import clean_env
store = Path(sys.argv[1])
objects = BufferedObjects(store, lambda: 0)
clocks = Clocks(lambda: 0, lambda: 0.0, lambda _: None, lambda: 0.0)
known = KnownTips(
    store, objects=objects, namespace="refs/coord/", shown_url="", env=clean_env(os.environ), clocks=clocks
)
known.note({"refs/coord/claims": sys.argv[2]}, is_all=True)
print(*known.known())
"""


@pytest.mark.rule("SAFE-6")
def test_a_tip_that_is_also_in_a_pack_with_such_an_index_is_noted(packed: tuple[Path, list[Oid]], bare: Path) -> None:
    """A ref is made by libgit2, which looks whether there is what it names."""
    pack, (oid, *_) = packed
    whole = write_pack(bare / "objects", [PackedObject.of(oid, *CopiedObjects(bare).read(oid))])
    os.utime(str(whole and whole.with_suffix(".pack")), (1, 1))  # libgit2 begins with the newest
    pointing_behind(pack.with_suffix(".idx"))

    words = [sys.executable, "-c", _NOTE, str(bare), oid]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)

    assert (done.returncode, done.stdout.split()) == (0, [oid]), done.stderr
    assert list(damaged_packs(bare / "objects")) == []


def _zero_the_last(data: bytes) -> bytes:
    return data[:-60] + bytes(40) + data[-20:]


def _without_the_end(data: bytes) -> bytes:
    return data[:-60]


@pytest.mark.rule("SAFE-6")
@pytest.mark.parametrize("damage", [_zero_the_last, _without_the_end])
def test_a_damaged_pack_is_set_aside_and_what_is_whole_of_it_is_kept(
    packed: tuple[Path, list[Oid]], bare: Path, damage: Callable[[bytes], bytes]
) -> None:
    pack, oids = packed
    damaged = damage(pack.read_bytes())
    rewritten(pack, damaged)

    CopiedObjects(bare).set_aside_damaged(clean_env(os.environ))

    objects = CopiedObjects(bare)
    lost = [oid for oid in oids if not objects.has(oid)]
    assert 0 < len(lost) < 4
    assert not pack.exists()
    aside = {path.name.split(".")[1]: path.read_bytes() for path in (bare / "damaged").iterdir()}
    assert aside.keys() == {"idx", "pack"}
    assert aside["pack"] == damaged


@pytest.mark.rule("SAFE-6")
def test_what_is_damaged_in_a_pack_is_taken_for_no_tag(packed: tuple[Path, list[Oid]], bare: Path) -> None:
    """So it is brought again, and not complained of."""
    pack, oids = packed
    data = bytearray(pack.read_bytes())
    assert (data[12] >> 4) & 7 == 3  # the first object says that it is a blob
    data[12] ^= 0x70
    rewritten(pack, bytes(data))

    lost = [oid for oid in oids if not CopiedObjects(bare).has(oid)]

    assert len(lost) == 1
    with pytest.raises(MissingObjectError):
        CopiedObjects(bare).read(lost[0])


@pytest.mark.rule("SAFE-6")
def test_a_damaged_delta_that_asks_for_all_memory_is_not_here(bare: Path) -> None:
    base, new = b"base", b"new"
    raw = bytes.fromhex(oid_of(ObjectKind.BLOB, base)) + zlib.compress(bytes([len(base), len(new), len(new)]) + new)
    size = b"\xff" + b"\x80" * 6 + b"\x10"  # a delta of 2⁵⁰ bytes and more
    delta = PackedObject(oid_of(ObjectKind.BLOB, new), 7, 0, size + raw)
    write_pack(bare / "objects", [PackedObject.of(oid_of(ObjectKind.BLOB, base), ObjectKind.BLOB, base), delta])

    objects = CopiedObjects(bare)

    assert not objects.has(delta.oid)
    with pytest.raises(MissingObjectError):
        objects.read(delta.oid)
    objects.set_aside_damaged(clean_env(os.environ))


def hidden(pack: Path, contents: Sequence[tuple[Oid, ObjectKind, bytes]], more: bytes) -> None:
    """Write a newer pack with the same objects, and one more, which is damaged."""
    before = {*pack.parent.glob("*.pack")}
    objects = BufferedObjects(pack.parents[2], lambda: 0)
    objects.put([*contents, (oid_of(ObjectKind.BLOB, more), ObjectKind.BLOB, more)])
    (newest,) = {*pack.parent.glob("*.pack")} - before
    zeroed_inside(newest)
    newest_s = pack.stat().st_mtime + 10
    os.utime(newest, (newest_s, newest_s))


@pytest.mark.rule("SAFE-6")
def test_however_much_a_damaged_pack_hides_another_one_has_it(packed: tuple[Path, list[Oid]], bare: Path) -> None:
    """libgit2 stops at the damaged one, which is the newest here."""
    pack, oids = packed
    contents = [(oid, *CopiedObjects(bare).read(oid)) for oid in oids]
    hidden(pack, contents, b"more")

    objects = BufferedObjects(bare, lambda: 0)
    found = [objects.read(oid) for _ in range(2 * plain_packs.READS_MAX // len(oids) + 1) for oid in oids]

    assert {data for _, data in found} == {data for _, _, data in contents}


@pytest.mark.rule("SAFE-6")
def test_a_pack_that_was_indexed_again_has_what_another_one_hides(packed: tuple[Path, list[Oid]], bare: Path) -> None:
    """Its damaged index was read by the same process."""
    pack, oids = packed
    contents = [(oid, *CopiedObjects(bare).read(oid)) for oid in oids]
    _other_ids(pack.with_suffix(".idx"))
    hidden(pack, contents, b"more")
    objects = CopiedObjects(bare)
    lost = [oid for oid in oids if not objects.has(oid)]
    objects.set_aside_damaged(clean_env(os.environ))
    assert lost
    assert all(map(objects.has, lost))

    hidden(pack, contents, b"and more")
    objects.reopen()

    assert all(map(objects.has, lost))


# -- what is set aside -------------------------------------------------------------------------------------------------


def aside(bare: Path, number: int, size_bytes: int) -> Path:
    """Have a file there that was set aside long ago: the lower the number, the longer."""
    path = bare / "damaged" / f"{number:04}"
    path.parent.mkdir(exist_ok=True)
    with path.open("wb") as file:
        file.truncate(size_bytes)
    os.utime(path, (number, number))
    return path


@pytest.mark.rule("SEC-4")
@pytest.mark.parametrize(
    ("count", "size_bytes", "kept"),
    [(FILES_MAX, 1, FILES_MAX - 2), (5, FILES_BYTES_MAX // 4, 3)],
    ids=["number", "size"],
)
def test_what_was_set_aside_first_goes_first(
    packed: tuple[Path, list[Oid]], bare: Path, count: int, size_bytes: int, kept: int
) -> None:
    pack, _ = packed
    old = [aside(bare, number, size_bytes) for number in range(count)]
    os.utime(pack, (0, 0))  # older than all of these, and set aside after them
    zeroed_inside(pack)

    CopiedObjects(bare).set_aside_damaged(clean_env(os.environ))

    left = {*(bare / "damaged").iterdir()}
    assert [path for path in old if path in left] == old[-kept:]
    assert {path.name.split(".")[1] for path in left.difference(old)} == {"idx", "pack"}
    assert sorted(DamagedFiles(bare).sizes()) == sorted(path.stat().st_size for path in left)


@pytest.mark.rule("SEC-4")
def test_what_is_too_large_by_itself_is_not_set_aside(packed: tuple[Path, list[Oid]], bare: Path) -> None:
    pack, _ = packed
    pack.unlink()
    with pack.open("wb") as file:
        file.truncate(FILES_BYTES_MAX + 1)
    old = aside(bare, 1, 1)

    CopiedObjects(bare).set_aside_damaged(clean_env(os.environ))

    assert not pack.exists()
    assert old.exists()
    assert [path.name.split(".")[1] for path in (bare / "damaged").iterdir() if path != old] == ["idx"]
