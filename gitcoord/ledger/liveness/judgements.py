"""Judgements: a heartbeat that is moved by the swap that acts on its silence, for remotes that compare only writes.

    beat A  <── judged silent by bob  <── judged silent by cat         each has the tree of A: it says nothing new

Rules:
  * SAFE-7: the ref is moved from the beat that was judged, in the same atomic swap as what is taken. So the server
    itself compares it, and a beat that lands while the push is on its way wins.
  * A judgement is a child with its parent's tree, or a first commit with an empty one where the clone had no heartbeat.
    No beat looks like that: each has a number of its own in its tree.
  * It is no sign of life: each watching clone, and the clone itself, takes the ref to be where the beat is that was
    judged.

What this file does not know: who is judged, and when a swap needs this.
"""

from collections.abc import Iterator
from datetime import datetime

from gitcoord.errors import DocumentError, MissingObjectError
from gitcoord.ledger.clone.host import Clone
from gitcoord.ledger.format import commits, trees
from gitcoord.remote.contract.protocol import Objects, Oid, RefUpdate, here

CHAINED_MAX = 1_000  # judgements on one beat: one for each thing that its clone held and lost, at most


def moved(objects: Objects, check: RefUpdate, clone: Clone, now: datetime) -> RefUpdate:
    """Return the line that moves a heartbeat instead of checking it; the check, where the beat cannot be read."""
    message = f"judged silent by {clone.id}"
    try:
        tree = commits.read(objects, check.old).tree if check.old else trees.write(objects, trees.EMPTY, {}).oid
    except (DocumentError, MissingObjectError):
        return check
    parents = [check.old] if check.old else []
    return RefUpdate(
        check.ref, check.old, commits.write(objects, tree or Oid(""), parents, clone.signature, now, message)
    )


def judged(objects: Objects, tip: Oid) -> Oid | None:
    """Return the beat that the ref of a heartbeat stands for: below all judgements; `None`: there was none.

    Where the beat itself was left out of this clone, the judgement on it stands for it: it says the same.
    """
    objects = here(objects)
    for beat in _down(objects, tip):
        tip = beat
    try:
        commit = commits.read(objects, tip)
        return None if not commit.parents and trees.load(objects, commit.tree).is_empty else tip
    except (DocumentError, MissingObjectError):
        return tip


def _down(objects: Objects, tip: Oid) -> Iterator[Oid]:
    """Walk down the judgements; what is not here, or is no commit, is none."""
    try:
        commit = commits.read(objects, tip)
        for _ in range(CHAINED_MAX):
            if len(commit.parents) != 1:
                return
            parent = commits.read(objects, commit.parents[0])
            if parent.tree != commit.tree:
                return
            yield commit.parents[0]
            commit = parent
    except (DocumentError, MissingObjectError):
        return
