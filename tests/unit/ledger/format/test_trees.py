"""Trees: git's own ids, and nothing but plain files and folders is accepted."""

import random
import subprocess
from pathlib import Path

import pytest

from gitcoord.errors import DocumentError, MissingObjectError
from gitcoord.ledger.format import trees
from gitcoord.remote.contract.protocol import ObjectKind, Oid
from gitcoord.remote.store.pygit_objects import PygitObjects
from gitcoord.remote.transports.memory import MemoryObjects
from tests.conftest import Git, MakeBare

BLOB = "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"


def tree_of(objects: MemoryObjects, *entries: tuple[bytes, bytes, str]) -> Oid:
    data = b"".join(mode + b" " + name + b"\0" + bytes.fromhex(oid) for mode, name, oid in entries)
    return objects.write(ObjectKind.TREE, data)


def paths(folder: trees.Folder) -> dict[str, Oid | None]:
    return dict(trees.changes(trees.EMPTY, folder))


def test_a_tree_has_the_id_that_git_gives_it(make_bare: MakeBare, git: Git) -> None:
    bare = make_bare()
    names = ["a.json", "a/b.json", "a.b/c.json", "a-b.json", "a0", "Z", "steps/0/1.json", "steps/0.json"]
    written = trees.write(PygitObjects(bare), trees.EMPTY, {name: name.encode() for name in names})

    for name in names:
        blob = git_input(bare, ["hash-object", "-w", "--stdin"], name.encode())
        git(bare, "update-index", "--add", "--cacheinfo", f"100644,{blob},{name}")

    assert written.oid == git(bare, "write-tree")
    assert git(bare, "fsck", "--strict") == ""
    assert sorted(paths(written)) == sorted(names)


def test_a_folder_has_the_id_that_mktree_gives_it(make_bare: MakeBare) -> None:
    bare = make_bare()
    objects = PygitObjects(bare)
    written = trees.write(objects, trees.EMPTY, {"b": b"1\n", "b.x": b"2\n", "b-x/y": b"3\n", "b0": b""})

    lines = [f"100644 blob {oid}\t{name}" for name, oid in written.files.items()]
    lines += [f"040000 tree {folder.oid}\t{name}" for name, folder in written.folders.items()]

    assert git_input(bare, ["mktree"], "\n".join(lines).encode()) == written.oid


def git_input(cwd: Path, args: list[str], data: bytes) -> str:
    done = subprocess.run(["git", *args], cwd=cwd, input=data, capture_output=True, check=True, timeout=60)
    return done.stdout.decode().strip()


@pytest.mark.parametrize("seed", range(8))
def test_edits_one_after_another_give_the_tree_of_all_at_once(seed: int) -> None:
    chance = random.Random(seed)
    objects = MemoryObjects()
    wanted: dict[str, bytes] = {}
    folder = trees.EMPTY
    for _ in range(40):
        path = "/".join(f"d{chance.randrange(3)}" for _ in range(chance.randrange(3))) or "top"
        edits = {f"{path}/f{chance.randrange(4)}": chance.choice([b"x", b"y", None]) for _ in range(3)}
        folder = trees.write(objects, folder, edits)
        wanted = {name: data for name, data in {**wanted, **edits}.items() if data is not None}

    assert folder.oid == trees.write(objects, trees.EMPTY, dict(wanted)).oid
    assert folder.oid is not None
    assert paths(trees.load(objects, folder.oid)) == paths(folder)
    assert {path: objects.read(oid)[1] for path, oid in paths(folder).items() if oid} == wanted


@pytest.mark.parametrize("seed", range(8))
def test_the_changes_between_two_trees_lead_from_one_to_the_other(seed: int) -> None:
    chance = random.Random(seed)
    objects = MemoryObjects()
    old, new = (
        trees.write(objects, trees.EMPTY, {f"d{at % 3}/e{at % 5}/{at}": bytes([chance.randrange(2)]) for at in nums})
        for nums in (chance.sample(range(30), 20), chance.sample(range(30), 20))
    )

    patched = {**paths(old), **dict(trees.changes(old, new))}

    assert {path: oid for path, oid in patched.items() if oid} == paths(new)


def test_what_did_not_change_is_taken_from_before_and_not_read_again() -> None:
    objects = MemoryObjects()
    before = trees.write(objects, trees.EMPTY, {"a/1": b"1", "b/2": b"2"})
    after = trees.write(objects, before, {"b/2": b"3"})
    unchanged = before.folders["a"].oid
    assert unchanged is not None
    assert after.oid is not None
    del objects.contents[unchanged]

    loaded = trees.load(objects, after.oid, before)

    assert loaded.folders["a"] is before.folders["a"]
    assert list(trees.changes(before, loaded)) == [("b/2", after.file("b/2"))]


def test_a_folder_that_is_left_empty_is_gone() -> None:
    objects = MemoryObjects()
    folder = trees.write(objects, trees.EMPTY, {"a/b/c": b"1", "d": b"2"})

    emptied = trees.write(objects, folder, {"a/b/c": None})

    assert emptied.oid == trees.write(objects, trees.EMPTY, {"d": b"2"}).oid
    assert emptied.folders == {}


@pytest.mark.rule("SAFE-6", "SEC-1")
@pytest.mark.parametrize(
    ("mode", "name"),
    [
        (b"100644", b".."),
        (b"100644", b"."),
        (b"100644", b".git"),
        (b"100644", b""),
        (b"100644", b"a/b"),
        (b"100644", b"a\\b"),
        (b"100644", b"-rf"),
        (b"100644", b"a\nb"),
        (b"100644", b"\xff\xfe"),
        (b"100644", "\u202edoc".encode()),
        (b"100644", b"n" * 300),
        (b"100755", b"run.sh"),
        (b"120000", b"link.json"),
        (b"160000", b"submodule"),
        (b"040000", b"folder"),
        (b"", b"nothing"),
    ],
)
def test_an_entry_that_is_not_ours_is_damage_that_names_the_tree(mode: bytes, name: bytes) -> None:
    objects = MemoryObjects()
    oid = tree_of(objects, (mode, name, BLOB))

    with pytest.raises(DocumentError, match=oid) as caught:
        trees.load(objects, oid)

    assert caught.value.where == oid
    assert str(caught.value).isprintable()


@pytest.mark.rule("SAFE-6")
def test_a_tree_of_a_hundred_thousand_entries_is_damage() -> None:
    objects = MemoryObjects()
    oid = tree_of(objects, *((b"100644", b"%06d" % at, BLOB) for at in range(100_000)))

    with pytest.raises(DocumentError, match="too large"):
        trees.load(objects, oid)


@pytest.mark.rule("SAFE-6")
@pytest.mark.parametrize("cut", [1, 10, 19, 20, 25])
def test_a_tree_that_is_cut_off_is_damage(cut: int) -> None:
    objects = MemoryObjects()
    oid = tree_of(objects, (b"100644", b"a.json", BLOB))
    broken = objects.write(ObjectKind.TREE, objects.read(oid)[1][:-cut])

    with pytest.raises(DocumentError):
        trees.load(objects, broken)


@pytest.mark.rule("SAFE-6")
def test_a_tree_that_is_too_deep_is_damage() -> None:
    objects = MemoryObjects()
    oid = tree_of(objects, (b"100644", b"a.json", BLOB))
    for _ in range(trees.DEPTH_MAX + 1):
        oid = tree_of(objects, (b"40000", b"d", oid))

    with pytest.raises(DocumentError, match="deep"):
        trees.load(objects, oid)


@pytest.mark.rule("SAFE-6")
def test_a_few_small_trees_that_unfold_to_millions_of_files_are_damage() -> None:
    objects = MemoryObjects()
    oid = tree_of(objects, *((b"100644", b"f%d" % at, BLOB) for at in range(30)))
    for _ in range(5):
        oid = tree_of(objects, *((b"40000", b"d%d" % at, oid) for at in range(30)))

    with pytest.raises(DocumentError, match="too large"):
        trees.load(objects, oid)


@pytest.mark.rule("SAFE-6")
@pytest.mark.parametrize("kind", [ObjectKind.BLOB, ObjectKind.COMMIT])
def test_what_is_no_tree_is_damage(kind: ObjectKind) -> None:
    objects = MemoryObjects()
    oid = objects.write(kind, b"no tree")

    with pytest.raises(DocumentError, match=f"it is a {kind}"):
        trees.load(objects, oid)


def test_a_missing_part_is_told_from_damage() -> None:
    objects = MemoryObjects()
    oid = tree_of(objects, (b"40000", b"steps", "1" * 40))

    with pytest.raises(MissingObjectError):
        trees.load(objects, oid)


@pytest.mark.rule("SEC-4")
def test_trees_that_unfold_to_billions_of_paths_are_read_once_each() -> None:
    objects = CountedObjects()
    oid = tree_of(objects, *((b"100644", b"f%d" % at, BLOB) for at in range(100)))
    for _ in range(7):
        oid = tree_of(objects, *((b"40000", b"d%d" % at, oid) for at in range(40)))

    with pytest.raises(DocumentError, match="too large"):
        trees.load(objects, oid)
    assert objects.reads == 8


@pytest.mark.rule("SEC-4")
def test_trees_that_unfold_to_billions_of_empty_folders_are_read_once_each() -> None:
    objects = CountedObjects()
    oid = tree_of(objects)
    for _ in range(7):
        oid = tree_of(objects, *((b"40000", b"d%d" % at, oid) for at in range(40)))

    with pytest.raises(DocumentError, match="too large"):
        trees.load(objects, oid)


@pytest.mark.rule("SEC-4")
def test_a_folder_that_is_met_again_further_down_counts_with_its_levels() -> None:
    objects = MemoryObjects()
    chain = [tree_of(objects, (b"100644", b"a.json", BLOB))]
    for _ in range(trees.DEPTH_MAX + 1):
        chain.append(tree_of(objects, (b"40000", b"d", chain[-1])))
    each = [(b"40000", b"%02d" % at, oid) for at, oid in enumerate(chain)]

    with pytest.raises(DocumentError, match="deep"):
        trees.load(objects, tree_of(objects, *each))
    assert trees.load(objects, tree_of(objects, *each[: trees.DEPTH_MAX])).folders


def test_a_folder_that_lies_in_two_places_is_the_same_in_both() -> None:
    objects = MemoryObjects()
    inner = tree_of(objects, (b"100644", b"a.json", BLOB))
    folder = trees.load(objects, tree_of(objects, (b"40000", b"b", inner), (b"40000", b"c", inner)))

    assert paths(folder) == {"b/a.json": BLOB, "c/a.json": BLOB}


class CountedObjects(MemoryObjects):
    """Objects that count how often one is read."""

    reads = 0

    def read(self, oid: Oid) -> tuple[ObjectKind, bytes]:
        self.reads += 1
        return super().read(oid)


@pytest.mark.rule("SAFE-6")
@pytest.mark.parametrize("data", [b"100644 a", b"100644 a\0" + bytes(7), b"100644 a\0" + bytes(20) + b"x"])
def test_what_a_tree_that_is_cut_off_names_is_not_guessed(data: bytes) -> None:
    with pytest.raises(DocumentError, match="cut off"):
        trees.children(data, 20)
