"""Documents of the ledger of claims that have what each must have, and what a test says of them beyond that."""

from datetime import UTC, datetime

from gitcoord.core.claims.claim import Claim, Item
from gitcoord.core.claims.claim_commands import ClaimFiles, RequestRelease, Wish
from gitcoord.core.claims.queue_entry import QueueEntry
from gitcoord.core.claims.release_request import ReleaseRequest

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def claim(**fields: object) -> Claim:
    """Return a claim of `a`."""
    item = Item(pattern="a", expires_at=NOW)
    whole = Claim(id="c-1", agent="ann", clone="one", items=(item,), created_at=NOW, expires_at=NOW, last_activity=NOW)
    return whole.evolve(**fields)


def entry(**fields: object) -> QueueEntry:
    """Return a call for `a` that waits in line."""
    call = ClaimFiles(claim_id="c-2", wishes=(Wish(pattern="a"),))
    return QueueEntry(
        id="q-1",
        agent="bob",
        clone="two",
        session="s",
        number=1,
        created_at=NOW,
        asked_at=NOW,
        expires_at=NOW,
        call=call,
    ).evolve(**fields)


def request(**fields: object) -> ReleaseRequest:
    """Return what bob asks of ann, who holds `claim()`."""
    call = RequestRelease(request_id="r-1", claim_id="c-1", reason="x")
    return ReleaseRequest(
        id="r-1",
        claim="c-1",
        agent="bob",
        clone="two",
        session="s",
        holder_agent="ann",
        holder_clone="one",
        call=call,
        created_at=NOW,
    ).evolve(**fields)
