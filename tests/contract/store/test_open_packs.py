"""A process that reads a store for long keeps few of its packs open, however many come and go."""

import gc
from collections.abc import Callable
from pathlib import Path

import pytest

from gitcoord.remote.contract.protocol import Oid
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


def _packs(repo: Path) -> list[str]:
    return [name for name in open_below(repo) if ".pack" in name]
