"""The commits of a ledger that an audit has to replay: from its tip back to what is known, or to the first one.

    tip ──first parents, and rolls──> checkpoint | the first commit | where history is not here | --since

Rules:
  * The first parent of a commit is the tip that it was swapped against; a roll names the tip that it replaces.
  * SEC-4: at most COMMITS_MAX commits are listed, 100 bytes each; an older one is where the audit begins then.

What this file does not know: what is in the commits.
"""

import contextlib
from collections.abc import Callable
from enum import StrEnum
from typing import NamedTuple

from gitcoord.errors import CoordError, DocumentError
from gitcoord.ledger.audit.checkpoint import Checkpoint
from gitcoord.ledger.format import commits
from gitcoord.ledger.format.commits import Commit
from gitcoord.ledger.format.root_commit import replaced_by
from gitcoord.remote.contract.protocol import Objects, Oid, Transport

COMMITS_MAX = 200_000  # ten times as many as a ledger has before it is rolled; replaying them takes minutes

IsBefore = Callable[[Oid, Commit], bool]


class Begin(StrEnum):
    """Where an audit of a ledger begins."""

    FIRST = "first"
    PUBLISHED = "published"
    CHECKPOINT = "checkpoint"
    SINCE = "since"
    ROLL = "roll"
    CUT_OFF = "cut_off"


class Chain(NamedTuple):
    """Commits to replay, the newest first. `before`: the one that they go on from, taken as it is; `None`: nothing."""

    oids: list[Oid]
    before: Oid | None
    begin: Begin


def chain_of(
    transport: Transport, tip: Oid, known: Checkpoint | None, is_before: IsBefore | None, *, fetches: bool = True
) -> Chain:
    """Return the commits of a ledger that are to be replayed.

    `is_before`: whether one is the last that is not. `fetches`: what is not here is asked for.

    Raises:
        DocumentError: one of them cannot be read; its id is `where`.
    """
    objects, found, commit_id = transport.objects, list[Oid](), tip
    while True:
        if known is not None and commit_id == known.tip:
            return Chain(found, commit_id, Begin.CHECKPOINT)
        if fetches and not objects.has(commit_id):
            with contextlib.suppress(CoordError):  # an archive's, perhaps, which no clone fetches without need
                transport.fetch([commit_id])
        if len(found) == COMMITS_MAX or not objects.has(commit_id):
            return _cut_off(objects, found, known)
        commit = _commit(objects, commit_id)
        if is_before is not None and is_before(commit_id, commit):
            return Chain(found, commit_id, Begin.SINCE)
        found.append(commit_id)
        earlier = commit.parents[0] if commit.parents else replaced_by(commit.message)
        if earlier is None:
            return Chain(found, None, Begin.FIRST)
        commit_id = earlier


def _cut_off(objects: Objects, found: list[Oid], known: Checkpoint | None) -> Chain:
    """Begin at the oldest commit that is here: with the tree that it has, which a checkpoint may know."""
    if not found:
        return Chain(found, None, Begin.CUT_OFF)
    oldest = found.pop()
    commit = _commit(objects, oldest)
    replaced = None if commit.parents else replaced_by(commit.message)
    if replaced is None:
        return Chain(found, oldest, Begin.CUT_OFF)
    is_known = known is not None and (known.tip, known.tree) == (replaced, commit.tree)
    return Chain(found, oldest, Begin.CHECKPOINT if is_known else Begin.ROLL)


def _commit(objects: Objects, commit_id: Oid) -> Commit:
    try:
        return commits.read(objects, commit_id)
    except DocumentError as error:
        raise DocumentError(str(error), where=commit_id) from None
