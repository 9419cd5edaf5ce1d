"""Requests: an agent asks the holder of a claim to release it.

    pending ──> approved | denied | narrowed | coexist      the holder answered
            ──> expired                                     the shortened time ended without an answer
            ──> resolved                                    the claim ended for another reason

Rules:
  * A decided request never changes; a late answer is recorded and changes nothing.
  * It is kept for an hour after that, so that who asked can read it.

What this file does not know: claims, the clock.
"""

from datetime import datetime, timedelta
from enum import StrEnum

from gitcoord.core.claims.claim_commands import Answer, RequestRelease
from gitcoord.core.documents.actor import Actor
from gitcoord.core.documents.doc import Doc, Text

KEPT = timedelta(hours=1)
SHORTENED = timedelta(minutes=5)  # what a holder who does not answer keeps


class RequestState(StrEnum):
    """Where a request stands."""

    PENDING = "pending"
    APPROVED = "approved"
    DENIED = "denied"
    NARROWED = "narrowed"
    COEXIST = "coexist"
    EXPIRED = "expired"
    RESOLVED = "resolved"


class ReleaseRequest(Doc, frozen=True, kw_only=True):
    """One request.

    Attributes:
        holder_agent, holder_clone, holder_session: whom it asks.
        call: what was asked for, and what is granted when the answer is yes.
        seen_at: the holder's first beat after it; the five minutes begin then.
        granted: the claim that the requester got by the answer.
        late: what the holder answered when it was decided already.
    """

    id: Text
    claim: Text
    agent: Text
    clone: Text
    session: Text
    holder_agent: Text
    holder_clone: Text
    holder_session: Text | None = None
    call: RequestRelease
    created_at: datetime
    seen_at: datetime | None = None
    decision: RequestState = RequestState.PENDING
    decided_at: datetime | None = None
    note: Text = ""
    granted: Text | None = None
    late: Answer | None = None

    @property
    def actor(self) -> Actor:
        """The caller."""
        return Actor(agent=self.agent, clone=self.clone, session=self.session)

    @property
    def is_pending(self) -> bool:
        """Whether the holder may still answer."""
        return self.decision is RequestState.PENDING

    @property
    def is_in_vain(self) -> bool:
        """Whether the holder gave its claim up and the requester got nothing: another claim is in the way."""
        return self.decision is RequestState.APPROVED and self.granted is None
