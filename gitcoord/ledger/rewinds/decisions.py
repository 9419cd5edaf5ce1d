"""Decisions: what a person decided about a ledger that went back or disappeared, in the tree of the team's ref.

Rules:
  * SAFE-9: a decision ends that a ledger counts as back or gone: for each clone whose mark it covers, and for what came
    after it.
  * What took a ledger away says nothing of the next one of its name: who wrote since then has a mark that is newer. A
    server takes a decision for the very tips that it names.

What this file does not know: who decides, and how a ledger is put back.
"""

from datetime import datetime

from gitcoord.core.documents.doc import Doc, Number, Text
from gitcoord.core.documents.rewind import Mark, Present

DELETED = "deleted"
DECISIONS_MAX = 50  # the newest; a clone that comes back after fifty repairs of a team's ledgers asks a person


class RewindDecision(Doc, frozen=True, kw_only=True):
    """What a person decided about a ledger that went back or disappeared.

    Attributes:
        ledger: its ref, without the namespace.
        what: `restored`, `kept`, `deleted`.
        seen: the highest sequence number that the decision is about; clones that saw no more accept it. 0: it is about
            the tip `replaced` alone, for a server, and each clone looks for itself.
        seq: the ledger's sequence number after it; 0 where it is gone.
        replaced: the tip that was there before; none where the ledger was gone, unless it comes back at this tip.
    """

    ledger: Text
    what: Text
    seen: Number
    seq: Number = 0
    tip: Text | None = None
    replaced: Text | None = None
    by: Text = ""
    at: datetime | None = None

    def covers(self, mark: Mark, present: Present | None) -> bool:
        """Whether what a clone finds is what was decided."""
        if self.what == DELETED and self.at is not None and mark.at_s > self.at.timestamp():
            return mark.tip == self.replaced
        return mark.seq <= self.seen and (present.seq if present else 0) >= self.seq


class Decisions(Doc, frozen=True, kw_only=True):
    """`rewinds.json` of the team's ref: the decisions, newest last."""

    decisions: tuple[RewindDecision, ...] = ()

    def covers(self, ledger: str, mark: Mark, present: Present | None) -> bool:
        """Whether one of them covers what a clone finds of a ledger."""
        return any(decision.ledger == ledger and decision.covers(mark, present) for decision in self.decisions)

    def replacing(self, ledger: str, tip: str) -> list[RewindDecision]:
        """Return those that are about one tip of a ledger."""
        return [decision for decision in self.decisions if (decision.ledger, decision.replaced) == (ledger, tip)]

    def with_one(self, decision: RewindDecision) -> "Decisions":
        """Return these and one more."""
        return self.evolve(decisions=(*self.decisions, decision)[-DECISIONS_MAX:])
