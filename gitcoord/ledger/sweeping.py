"""Sweeping: deleting refs that nobody has touched for a week, a few with each beat.

Every `git push` by anyone receives the whole list of refs, so heartbeats of clones that are gone and left-over
probes must not gather. Each deletion is a compare-and-delete; under `refs/heads/` nothing is deleted.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from gitcoord.errors import CoordError
from gitcoord.ledger import commits
from gitcoord.ledger.refs import Refs
from gitcoord.remote.protocol import Objects, Oid, RefName, RefUpdate

UNTOUCHED = timedelta(days=7)
A_SWAP_MAX = 5


def sweep(objects: Objects, refs: Refs, listed: Mapping[RefName, Oid], now: datetime) -> list[RefUpdate]:
    """Return deletions of heartbeats and probes that are a week old, oldest names first."""
    if refs.under_heads:
        return []
    found: list[RefUpdate] = []
    for ref in sorted(listed):
        if len(found) == A_SWAP_MAX:
            break
        if (refs.clone_of(ref) or refs.is_probe(ref)) and _is_old(objects, listed[ref], now):
            found.append(RefUpdate(ref, listed[ref], None))
    return found


def _is_old(objects: Objects, tip: Oid, now: datetime) -> bool:
    try:
        return now - commits.read(objects, tip).committed_at > UNTOUCHED
    except CoordError:
        return False  # not here, or not a commit: its writer, or a person, removes it
