"""The claim, the request and the queue entry that an outcome speaks of, for the caller; not recorded.

Rules:
  * What is documented of a claim and its items is always there, empty or null where there is nothing; see `step_views`.
"""

from gitcoord.core.claims.claim import Claim
from gitcoord.core.claims.queue_entry import QueueEntry
from gitcoord.core.claims.register import Register
from gitcoord.core.claims.release_request import ReleaseRequest
from gitcoord.core.documents.json_text import Json
from gitcoord.core.documents.outcomes import Outcome
from gitcoord.core.documents.texts import only_known

CLAIM_FIELDS = (
    *("id", "agent", "clone", "session", "repo", "branch", "description", "items", "severity", "owners", "fence"),
    *("created_at", "expires_at", "last_activity"),
)
ITEM_FIELDS = ("pattern", "symbols", "kind", "mode", "narrowable", "expires_at")


def claim_documents(register: Register, outcome: Outcome) -> dict[str, Json]:
    """Return the claim, the request and the entry in the line that a done outcome names."""
    if not outcome.is_done:
        return {}
    named = {"claim": (Claim, "claim"), "request": (ReleaseRequest, "request"), "entry": (QueueEntry, "queue_id")}
    out: dict[str, Json] = {}
    for name, (kind, fact) in named.items():
        doc = register.find(kind, str(outcome.facts.get(fact, "")))
        if doc is not None:
            out[name] = claim_view(doc) if isinstance(doc, Claim) else only_known(doc).dump()
    return out


def claim_view(claim: Claim) -> dict[str, Json]:
    """Return a claim's document with all that is documented of it."""
    claim = only_known(claim)
    return {**claim.shown(CLAIM_FIELDS), "items": [item.shown(ITEM_FIELDS) for item in claim.items]}
