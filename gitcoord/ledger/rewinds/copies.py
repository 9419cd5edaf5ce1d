"""Copies: what a clone keeps of the ledgers of a remote on a path, for when a backup is put back there.

    watcher, once a minute ──> what is new of each ledger's history ──> the clone's store, refs/gitcoord-copy/…
    doctor --repair        <── what the remote lacks of it, written there again

Rules:
  * SAFE-9: the objects of a remote on a path are in its folder alone; what a restored backup lacks is nowhere else.
  * A commit is written after the one before it and after its tree, so one that is there is there whole.
  * A copy stays while its ledger is there, or would be missed, as this clone saw it and no one has decided that it is
    rightly gone. After that it goes, once its last commit is older than UNUSED.
  * Of a ledger of which nothing was copied yet the last COMMITS_MAX commits are: a backup has what is older.

What this file does not know: when copies are made, and who decides that one is used.
"""

import contextlib
from collections.abc import Callable, Container, Iterator, Mapping
from datetime import datetime, timedelta

from gitcoord.errors import CoordError
from gitcoord.ledger.archive.publish import copy_tree
from gitcoord.ledger.format import commits
from gitcoord.ledger.format.commits import walk
from gitcoord.remote.contract.protocol import Objects, Oid, RefName

COMMITS_MAX = 200  # once: 2,000 files, 0.8 s of processor, 2.3 s at a load of 9; a minute of work is some dozen commits
PREFIX = "refs/gitcoord-copy/"
UNUSED = timedelta(days=30)  # as long as what a clone did is on record in a ledger (`APPLIED_KEPT`)


def name_of(ref: RefName) -> RefName:
    """Return where the store keeps the copy of a ledger."""
    return RefName(f"{PREFIX}{ref.removeprefix('refs/')}")


def unused(
    objects: Objects, copied: Mapping[RefName, Oid], missed: Container[RefName], now: datetime
) -> Iterator[RefName]:
    """Yield the copies that may go; `missed`: the ledgers that are there, or would be missed."""
    for name, tip in copied.items():
        with contextlib.suppress(CoordError):  # one that cannot be read stays: nothing tells how old it is
            ref = RefName(f"refs/{name.removeprefix(PREFIX)}")
            if ref not in missed and now - commits.read(objects, tip).committed_at > UNUSED:
                yield name


def copy_history(
    source: Objects, target: Objects, tip: Oid, *, must_join: bool, goes_on: Callable[[], bool] = lambda: True
) -> bool:
    """Copy a commit, with what it came from and the target lacks; tell whether it is there now.

    `must_join`: only where that leads to what the target has, or to the ledger's beginning.
    `goes_on`: whether there is time for one more; a later call goes on from where this one stopped.

    Raises:
        CoordError: a part of it cannot be read, or the target cannot be written.
    """
    lacking: list[Oid] = []
    before: Oid | None = None
    for oid, commit in walk(source, tip):
        if target.has(oid) or len(lacking) == COMMITS_MAX:
            before = oid
            break
        lacking.append(oid)
        before = commit.parents[0] if commit.parents else None
    if not target.has(tip) and (not lacking or (must_join and before is not None and not target.has(before))):
        return False
    for oid in reversed(lacking):
        if not goes_on():
            return False
        commit = commits.read(source, oid)
        for other in commit.parents[1:]:  # the history that a repair did not go on from
            copy_history(source, target, other, must_join=must_join)
        copy_tree(source, target, commit.tree)
        target.write(*source.read(oid))
    return True
