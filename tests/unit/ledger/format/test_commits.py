"""Commits: git reads what we write, and we read what git writes, or say what is wrong with it."""

from datetime import UTC, datetime

import pytest

from gitcoord.core.documents import limits
from gitcoord.errors import DocumentError, MissingObjectError
from gitcoord.ledger.format import commits, trees
from gitcoord.ledger.format.commits import Signature
from gitcoord.remote.contract.protocol import ObjectKind, Oid
from gitcoord.remote.store.pygit_objects import PygitObjects
from gitcoord.remote.transports.memory import MemoryObjects
from tests.conftest import Git, MakeBare, MakeRepo

WHEN = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)


def test_git_reads_our_commits_and_finds_no_fault_in_them(make_bare: MakeBare, git: Git) -> None:
    bare = make_bare()
    objects = PygitObjects(bare)
    tree = trees.write(objects, trees.EMPTY, {"meta.json": b"{}\n"}).oid
    assert tree
    first = commits.write(objects, tree, [], Signature("Ann Ö", "ann@example.invalid"), WHEN, "create app")
    second = commits.write(objects, tree, [first], Signature("Bob", "bob@example.invalid"), WHEN, "claim\n\n{}")
    git(bare, "update-ref", "refs/coord/steps/app", second)

    log = git(bare, "log", "--format=%an|%ae|%at|%s|%b", "refs/coord/steps/app").splitlines()

    assert git(bare, "fsck", "--strict", "--no-dangling") == ""
    at = int(WHEN.timestamp())
    assert [line for line in log if line] == [
        f"Bob|bob@example.invalid|{at}|claim|{{}}",
        f"Ann Ö|ann@example.invalid|{at}|create app|",
    ]


@pytest.mark.rule("SEC-1")
@pytest.mark.parametrize("name", ["", "  ", "<>", "a\nparent " + "0" * 40, "x <y> z", "nul\0", "\r\n", ".", ",;"])
def test_a_name_cannot_break_out_of_its_line(make_bare: MakeBare, git: Git, name: str) -> None:
    bare = make_bare()
    objects = PygitObjects(bare)
    tree = trees.write(objects, trees.EMPTY, {"a": b""}).oid
    assert tree

    oid = commits.write(objects, tree, [], Signature(name, name), WHEN, "subject")

    git(bare, "update-ref", "refs/heads/main", oid)
    assert git(bare, "fsck", "--strict", "--no-dangling") == ""
    assert commits.read(objects, oid).parents == ()
    assert commits.read(objects, oid).message == "subject\n"


def test_we_read_a_signed_merge_of_git(make_repo: MakeRepo, git: Git) -> None:
    repo = make_repo()
    git(repo, "switch", "--quiet", "-c", "side")
    git(repo, "commit", "--quiet", "--allow-empty", "-m", "side")
    git(repo, "switch", "--quiet", "main")
    git(repo, "merge", "--quiet", "--no-ff", "-m", "merge\n\nbody", "side")
    objects = PygitObjects(repo / ".git")

    read = commits.read(objects, Oid(git(repo, "rev-parse", "HEAD")))

    assert read.tree == git(repo, "rev-parse", "HEAD^{tree}")
    assert list(read.parents) == git(repo, "rev-parse", "HEAD^1", "HEAD^2").split()
    assert read.message == "merge\n\nbody\n"


@pytest.mark.rule("SAFE-6")
@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n\n",
        b"author x\n\nno tree",
        b"tree 12\n\nshort",
        b"tree ../../etc/passwd\n\n",
        b"tree " + b"g" * 40 + b"\n\n",
        b"tree " + b"1" * 40 + b"\nparent nonsense\n\n",
        b"\xff\xfe\n\n",
        b"tree " + b"1" * 40 + b"\n\n" + b"x" * (limits.RECORD_BYTES + 1),
    ],
)
def test_a_damaged_commit_is_an_error_that_names_it(data: bytes) -> None:
    objects = MemoryObjects()
    oid = objects.write(ObjectKind.COMMIT, data)

    with pytest.raises(DocumentError, match=oid) as caught:
        commits.read(objects, oid)

    assert caught.value.where == oid


@pytest.mark.rule("SAFE-6")
@pytest.mark.parametrize("kind", [ObjectKind.BLOB, ObjectKind.TREE])
def test_a_tip_that_is_not_a_commit_is_an_error_that_names_it(kind: ObjectKind) -> None:
    objects = MemoryObjects()
    oid = objects.write(kind, b"")

    with pytest.raises(DocumentError, match=f"{oid} is a {kind}"):
        commits.read(objects, oid)


def test_a_commit_that_is_not_here_is_told_from_damage() -> None:
    with pytest.raises(MissingObjectError):
        commits.read(MemoryObjects(), Oid("1" * 40))
