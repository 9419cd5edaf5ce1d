"""The line of waiters: calls that would have been refused and wait as a whole.

    rank = urgency (4 … 1), one level more once it has waited for `queue_age_boost_s`; then who came first

Rules:
  * CLAIM-19: an entry is one call: all of its wishes are granted together, or it goes on waiting.
  * It ends at `expires_at`, when it is cancelled, or when its waiter did not ask about it for two minutes.

What this file does not know: what the entries wait for; see `serve`.
"""

from datetime import datetime, timedelta

from gitcoord.core.claims.claim_commands import ClaimFiles, Urgency
from gitcoord.core.documents.actor import Actor
from gitcoord.core.documents.doc import Doc, Number, Text

ASKED_WITHIN = timedelta(seconds=120)  # a call blocks for 50 s at most, so its caller came back twice by then
LEVELS = {Urgency.BLOCKING: 4, Urgency.HIGH: 3, Urgency.NORMAL: 2, Urgency.LOW: 1}


class QueueEntry(Doc, frozen=True, kw_only=True):
    """One call that waits.

    Attributes:
        number: the ledger's sequence number when it came; tells who came first.
        asked_at: when its caller last asked about it.
        call: what is granted in the end.
    """

    id: Text
    agent: Text
    clone: Text
    session: Text
    number: Number
    created_at: datetime
    asked_at: datetime
    expires_at: datetime
    call: ClaimFiles

    @property
    def actor(self) -> Actor:
        """The waiter."""
        return Actor(agent=self.agent, clone=self.clone, session=self.session)

    @property
    def holder(self) -> tuple[str, str]:
        """The pair that waits."""
        return (self.agent, self.clone)

    @property
    def ends_at(self) -> datetime:
        """When it waits no longer, if its waiter does not ask about it again."""
        return min(self.expires_at, self.asked_at + ASKED_WITHIN)


Rank = tuple[int, int]
"""(minus the level, the number): smaller is served first."""


def rank_of(entry: QueueEntry, now: datetime, boost_s: int) -> Rank:
    """Return the place of an entry in the line."""
    level = LEVELS[entry.call.urgency]
    if boost_s and now - entry.created_at > timedelta(seconds=boost_s):
        level += 1
    return (-level, entry.number)
