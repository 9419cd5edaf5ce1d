"""Objects that a `git gc --prune=now` in the remote takes away beside a swap: the writer writes them again."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from gitcoord.errors import MissingObjectError
from gitcoord.remote.contract.clocks import Clocks
from gitcoord.remote.contract.protocol import Oid, RefName, RefUpdate, SwapOutcome
from gitcoord.remote.store.pygit_objects import PygitObjects
from gitcoord.remote.store.ref_locks import RefLock
from gitcoord.remote.transports.local import LocalTransport
from tests.contract.worlds import CLAIMS, commit, put, won
from tests.servers.fixtures import Remote, Servers


@pytest.fixture
def remote(servers: Servers) -> Remote:
    return servers.remote("path")


class Pruned(LocalTransport):
    """A remote in which a gc that began before a swap ends right after it."""

    def __init__(self, git_dir: Path) -> None:
        super().__init__(git_dir, clocks=Clocks(time.time_ns, time.monotonic, time.sleep, lambda: 0.5))
        self.folder = git_dir / "objects"

    def _write(self, updates: Sequence[RefUpdate], locks: Mapping[str, RefLock]) -> SwapOutcome:
        outcome = super()._write(updates, locks)
        prune(self.folder)
        return outcome


def prune(folder: Path) -> None:
    for path in [*folder.glob("??/*")]:
        path.unlink()


def is_whole(remote: Remote, tip: Oid) -> bool:
    return (
        bool(remote.git("rev-list", "--objects", "--no-walk", tip)) and not remote.git("fsck", "--no-dangling").strip()
    )


@pytest.mark.rule("SAFE-9")
def test_what_a_gc_takes_during_a_swap_is_there_again_when_it_is_acknowledged(remote: Remote) -> None:
    ann = Pruned(remote.git_dir)
    tip = commit(ann, "one")

    won(put(ann, CLAIMS, None, tip))

    assert remote.refs() == {CLAIMS: tip}
    assert is_whole(remote, tip)


@pytest.mark.rule("SAFE-9")
def test_what_a_gc_takes_after_a_swap_is_there_again_after_the_next(remote: Remote) -> None:
    ann = Pruned(remote.git_dir)
    first = commit(ann, "one")
    won(put(ann, CLAIMS, None, first))
    prune(ann.folder)

    won(put(ann, RefName(f"{CLAIMS}-x"), None, second := commit(ann, "two")))

    assert all(is_whole(remote, tip) for tip in (first, second))


def test_a_repository_that_is_away_is_read_from_its_copy(remote: Remote, servers: Servers) -> None:
    clocks = Clocks(time.time_ns, time.monotonic, time.sleep, lambda: 0.5)
    copy = servers.remote("path").git_dir
    ann, kept = (LocalTransport(remote.git_dir, clocks=clocks, copy=copy), PygitObjects(copy))
    tip, other = commit(ann, "one"), commit(LocalTransport(copy, clocks=clocks), "only in the copy")
    kind, data = ann.objects.read(tip)
    kept.write(kind, data)
    is_taken_for_there = ann.objects.has(other)

    remote.git_dir.rename(remote.git_dir.with_name("away.git"))

    assert not is_taken_for_there
    assert (ann.objects.read(tip), ann.objects.has(other)) == ((kind, data), True)
    with pytest.raises(MissingObjectError):
        ann.objects.read(Oid("0" * 40))
