"""The vantage of one listing: what every decision that is made from it reads, beside the ledger and the command.

Rules:
  * The `Context` of a decision is made here and nowhere else. What the rules of one kind of ledger read beside that,
    the kind adds (`gitcoord.ledger.kinds`).
  * Nothing in it has a default: the caller says what its clock, its transport and its watching allow.

What this file does not know: which command is decided.
"""

from dataclasses import dataclass
from datetime import datetime

from gitcoord.core.documents.actor import Actor
from gitcoord.core.documents.decision import Context
from gitcoord.core.documents.policy import Policy
from gitcoord.ledger.liveness.clock_offset import BELIEVED, Belief
from gitcoord.ledger.liveness.holder_view import Sight
from gitcoord.remote.contract.protocol import Transport


@dataclass(frozen=True, slots=True)
class Vantage:
    """From where one listing is judged; see `Context` for what each part means."""

    policy: Policy
    sight: Sight
    limit_factor: int
    may_judge: bool
    beat_s: int

    def belief(self, *, is_anything_over: bool) -> Belief:
        """Return how far our clock is believed; where nothing is over by it, wholly.

        Only else is it worth asking: over http that takes a connection.
        """
        return self.sight.belief() if is_anything_over else BELIEVED

    def context(self, actor: Actor, now: datetime, *, over_by: datetime) -> Context:
        """Return what a command of this actor is decided by, in a ledger of whichever kind."""
        return Context(
            now=now,
            actor=actor,
            policy=self.policy,
            look=self.sight.look,
            limit_factor=self.limit_factor,
            may_judge=self.may_judge,
            over_by=over_by,
            beat_s=self.beat_s,
        )


def limit_factor(transport: Transport) -> int:
    """Return by how much longer a holder may be silent where no swap compares the heartbeat that it was judged by.

    An atomic one does: by a check, or by moving it (`judgements`).
    """
    return 1 if transport.sends_checks or transport.atomic else 2
