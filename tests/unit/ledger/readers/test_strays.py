"""Strays: refs that are no ledgers are read once for a clone, and are named as when they were read."""

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from gitcoord.ledger.format import commits, trees
from gitcoord.ledger.readers.reader import Reader
from gitcoord.ledger.readers.strays import Strays
from gitcoord.ledger.rewinds.lookback import Lookback
from gitcoord.ledger.rewinds.marks import Marks
from gitcoord.remote.contract.protocol import ObjectKind, Objects, Oid, RefName
from tests.unit.ledger.fakes import REFS, SIGNATURE, START, World

MANY = 30


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@dataclass
class Counted:
    """Objects that note which were read."""

    inner: Objects
    read_oids: list[Oid] = field(default_factory=list[Oid])
    object_format: str = "sha1"

    def read(self, oid: Oid) -> tuple[ObjectKind, bytes]:
        self.read_oids.append(oid)
        return self.inner.read(oid)

    def has(self, oid: Oid) -> bool:
        return self.inner.has(oid)

    def write(self, kind: ObjectKind, data: bytes) -> Oid:
        return self.inner.write(kind, data)


def push(world: World, name: str, files: dict[str, bytes | None]) -> Oid:
    """Let a stranger push a commit with these files as a project."""
    objects = world.remote.objects
    tree = trees.write(objects, trees.EMPTY, files).oid
    assert tree
    tip = commits.write(objects, tree, [], SIGNATURE, START, f"by a stranger, {name}")
    world.remote.refs[REFS.steps(name)] = tip
    return tip


def look(world: World, folder: Path) -> tuple[dict[RefName, str], int]:
    """Return what a command that begins now says of the ledgers, and how many objects it reads for that."""
    counted, name = Counted(world.remote.objects), f"{folder}/strays"
    transport = world.plain()
    transport.objects = counted  # pyright: ignore[reportAttributeAccessIssue]
    reader = Reader(transport, REFS, Strays(name))
    lookback = Lookback(counted, REFS, Marks(folder, "url", REFS.namespace, None), Strays(name))
    lookback.begin()
    listed = reader.list_refs()
    assert lookback.rewound(listed, START) == []
    reader.projects(listed)
    return {ref: f"{error} {error.hint}" for ref, error in reader.problems.items()}, len(counted.read_oids)


STRAYS = [{"README.md": b"x"}, {"project.json": b"{"}, {"meta.json": b"{"}, {"meta.json": b'{"schema": "x"}'}]


@pytest.mark.rule("SEC-4")
@pytest.mark.parametrize("files", STRAYS, ids=str)
def test_each_is_read_once_and_named_in_the_same_words_later(
    world: World, tmp_path: Path, files: dict[str, bytes | None]
) -> None:
    for number in range(MANY):
        push(world, f"p{number}", files)
    world.remote.refs[REFS.steps("blob")] = world.remote.objects.write(ObjectKind.BLOB, b"no commit")

    first, reads = look(world, tmp_path)
    again, reads_again = look(world, tmp_path)

    assert len(first) == MANY + 1
    assert reads >= MANY
    assert (again, reads_again) == (first, 0)


@pytest.mark.rule("SEC-4")
def test_a_ref_that_moves_is_read_again_and_a_ledger_that_takes_its_place_counts(world: World, tmp_path: Path) -> None:
    push(world, "app", {"README.md": b"x"})
    look(world, tmp_path)
    del world.remote.refs[REFS.steps("app")]
    world.clone("ann").create("app", 1)

    assert look(world, tmp_path)[0] == {}

    push(world, "app", {"other": b"x"})
    found, reads = look(world, tmp_path)
    assert [*found] == [REFS.steps("app")]
    assert reads > 0


@pytest.mark.rule("SAFE-9", "SEC-4")
def test_what_was_a_ledger_and_is_damaged_further_down_is_read_each_time(world: World, tmp_path: Path) -> None:
    world.clone("ann").create("app", 1)
    look(world, tmp_path)
    objects, ref = world.remote.objects, REFS.steps("app")
    folder = trees.load(objects, commits.read(objects, world.remote.refs[ref]).tree)
    meta = folder.file("meta.json")
    assert meta is not None
    push(world, "app", {"meta.json": objects.read(meta)[1], "project.json": b"{"})

    first, again = look_back(world, tmp_path), look_back(world, tmp_path)

    assert first == again == [ref]


def look_back(world: World, folder: Path) -> list[str]:
    """Return the ledgers that went back, for a command that begins now."""
    name = f"{folder}/strays"
    lookback = Lookback(world.remote.objects, REFS, Marks(folder, "url", REFS.namespace, None), Strays(name))
    lookback.begin()
    reader = Reader(world.plain(), REFS, Strays(name))
    listed = reader.list_refs()
    found = [error.where for error in lookback.rewound(listed, START)]
    reader.projects(listed)
    return found


@pytest.mark.rule("SEC-4")
@pytest.mark.parametrize("content", ["", "gitcoord 0.0.1\n", "\0\0", "gitcoord"])
def test_a_file_of_another_version_or_a_damaged_one_counts_for_nothing_and_is_made_anew(
    world: World, tmp_path: Path, content: str
) -> None:
    tip = push(world, "p", {"README.md": b"x"})
    (tmp_path / "strays").write_text(f"{content}{tip} {REFS.steps('p')} lies.\n")

    first = look(world, tmp_path)[0]

    assert "lies" not in first[REFS.steps("p")]
    assert look(world, tmp_path) == (first, 0)


@pytest.mark.rule("SEC-4")
def test_a_command_that_only_looks_back_reads_them_once_as_well(world: World, tmp_path: Path) -> None:
    for number in range(MANY):
        push(world, f"p{number}", {"README.md": b"x"})
    counted, reads = Counted(world.remote.objects), list[int]()

    for _ in range(2):
        lookback = Lookback(counted, REFS, Marks(tmp_path, "url", REFS.namespace, None), Strays(f"{tmp_path}/strays"))
        lookback.begin()
        assert lookback.rewound(world.plain().read(REFS.everything), START) == []
        reads.append(len(counted.read_oids))

    assert reads[0] >= MANY
    assert reads[1] == reads[0]
    assert len(look(world, tmp_path)[0]) == MANY  # who has to say why reads them


@pytest.mark.rule("SEC-4")
def test_two_processes_that_find_different_ones_keep_both(world: World, tmp_path: Path) -> None:
    push(world, "a", {"README.md": b"x"})
    look(world, tmp_path)
    push(world, "b", {"README.md": b"x"})
    look(world, tmp_path)

    assert look(world, tmp_path)[1] == 0
