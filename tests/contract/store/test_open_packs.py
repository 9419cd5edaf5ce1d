"""A process that reads a store for long keeps few of its packs open, however many come and go."""

import gc
from collections.abc import Callable
from pathlib import Path

import pytest

from gitcoord.remote.contract.protocol import ObjectKind, Oid
from gitcoord.remote.store.pygit_objects import PACKS_OPEN_MAX, PygitObjects
from tests.conftest import Git, MakeRepo
from tests.open_files import open_below


@pytest.mark.rule("SEC-4")
@pytest.mark.parametrize("look", [PygitObjects.read, PygitObjects.has], ids=["read", "has"])
def test_packs_that_were_removed_do_not_stay_open(
    make_repo: MakeRepo, git: Git, request: pytest.FixtureRequest, look: Callable[[PygitObjects, Oid], object]
) -> None:
    """Of those in which an object was only looked for libgit2 closes none; nor does Python's gc, which comes late."""
    repo = make_repo()
    objects = PygitObjects(repo / ".git")
    gc.disable()
    request.addfinalizer(gc.enable)

    for number in range(PACKS_OPEN_MAX + 8):
        git(repo, "commit", "--quiet", "--allow-empty", "--message", f"commit {number}")
        git(repo, "repack", "-a", "-d", "--quiet")
        assert look(objects, Oid(git(repo, "rev-parse", "HEAD")))

    first = Oid(git(repo, "rev-list", "--max-parents=0", "HEAD"))
    assert objects.read(first)[1].startswith(b"tree ")
    assert len(_packs(repo)) <= PACKS_OPEN_MAX


class _Reopened(PygitObjects):
    """Another thread opens the repository anew after each look at what is open, and each change of it."""

    def __getattribute__(self, name: str) -> object:
        found = super().__getattribute__(name)
        if name in {"_repository", "_odb"}:
            _reopen_once(self)
        return found

    def __setattr__(self, name: str, value: object) -> None:
        super().__setattr__(name, value)
        if name in {"_repository", "_odb"}:
            _reopen_once(self)


def _reopen_once(objects: _Reopened) -> None:
    state = vars(objects)
    if state.keys() >= {"_repository", "_odb"} and not state.get("is_reopening"):
        state["is_reopening"] = True
        objects.reopen()
        state["is_reopening"] = False


def test_another_thread_may_open_the_repository_anew_at_any_time(make_repo: MakeRepo, git: Git) -> None:
    repo = make_repo()
    git(repo, "commit", "--quiet", "--allow-empty", "--message", "one")
    git(repo, "repack", "-a", "-d", "--quiet")
    head = Oid(git(repo, "rev-parse", "HEAD"))
    objects = _Reopened(repo / ".git")

    assert objects.read(head)[1].startswith(b"tree ")
    assert objects.has(head)
    assert objects.read(objects.write(ObjectKind.BLOB, b"one")) == (ObjectKind.BLOB, b"one")
    objects.reopen()
    assert objects.has(head)


def _packs(repo: Path) -> list[str]:
    return [name for name in open_below(repo) if ".pack" in name]
