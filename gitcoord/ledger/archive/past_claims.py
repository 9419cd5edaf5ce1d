"""Past claims: every claim that a ledger had in a stretch of time, as it was between two changes of it.

Rules:
  * The ledger's commits are walked back to the first that is older than the stretch; what that one has was still there.
  * A tree is read once; of each older commit only what differs from the newer one.
  * Where history was cut off (a shallow copy, a rolled ledger) it is said.

What this file does not know: whose claims are of interest.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from gitcoord.core.claims.claim import Claim
from gitcoord.core.claims.register import check_texts
from gitcoord.errors import DocumentError, MissingObjectError
from gitcoord.ledger.format import claims_layout, commits, trees
from gitcoord.ledger.format.commits import WALK_MAX
from gitcoord.remote.contract.protocol import Objects, Oid

SLACK = timedelta(minutes=10)  # commits of a ledger come in order, their times only nearly; see Time in DESIGN.md


@dataclass(frozen=True, slots=True)
class Past:
    """The claims; `is_cut`: older ones than can be seen here may have been there."""

    claims: tuple[Claim, ...]
    is_cut: bool = False


def past_claims(objects: Objects, tip: Oid, since: datetime) -> Past:
    """Return the claims that were there at any time since; what is damaged is left out."""
    found: dict[Oid, Claim] = {}
    newer = trees.EMPTY
    claim_tip = tip
    for _ in range(WALK_MAX):
        if not objects.has(claim_tip):
            return Past(tuple(found.values()), is_cut=True)
        try:
            commit = commits.read(objects, claim_tip)
            folder = trees.load(objects, commit.tree, newer)
        except (DocumentError, MissingObjectError):
            return Past(tuple(found.values()), is_cut=True)
        for path, oid in trees.changes(newer, folder):
            claim = _claim(objects, oid) if oid and oid not in found and claims_layout.kind_at(path) is Claim else None
            if oid and claim is not None:
                found[oid] = claim
        earlier = commits.before(objects, commit)
        if commit.committed_at < since - SLACK or earlier is None:
            return Past(tuple(found.values()))
        newer, claim_tip = folder, earlier
    return Past(tuple(found.values()), is_cut=True)


def _claim(objects: Objects, oid: Oid) -> Claim | None:
    try:
        claim = Claim.decode(objects.read(oid)[1])
        check_texts(claim)
    except (DocumentError, MissingObjectError, ValueError):
        return None
    return claim
