"""A plan: what a batch wants to write to one ledger, and what its callers get once that has landed.

What this file does not know: how commands are decided, and swaps.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from gitcoord.core.claims import claim_table
from gitcoord.core.claims.claim_views import claim_documents
from gitcoord.core.documents.decision import Decision
from gitcoord.core.documents.doc import Json, time_text
from gitcoord.core.documents.liveness import Life
from gitcoord.core.documents.outcomes import Outcome
from gitcoord.core.steps import step_table
from gitcoord.core.steps.step_views import documents
from gitcoord.ledger.format.entry import Entry, Reply
from gitcoord.ledger.format.records import Done
from gitcoord.ledger.readers.reader import LedgerState
from gitcoord.ledger.readers.vantage import Vantage
from gitcoord.ledger.transactions.skipped_projects import left_out_of
from gitcoord.remote.contract.protocol import Oid, RefName

AHEAD_MAX = timedelta(minutes=10)  # a tip further ahead than this has a wrong clock and is not believed


@dataclass(slots=True)
class Plan:
    """What a batch wants to write to one ledger.

    Attributes:
        state: the ledger with the board after the decisions so far.
        now: the time that all of its commands are decided by, and that the record says.
        vantage: what they are decided by; needed to repeat the decisions.
        over_by: as in `Context`.
        doubt: why that is not `now`, which every reply says; see `clock_offset`.
        ahead: the time of the tip, where it is so far ahead that it was not believed.
        done: the commands that change something, in order.
        replies: for every command decided here, what its caller gets once the swap has landed.
        before: the outcomes of commands that were applied before; they stay on record, for we may die as well.
        relied: other ledgers that a decision here was made by, which must be unchanged.
        refusals: what the commit carries of this clone's earlier refusals; see `refusals`.
    """

    state: LedgerState
    now: datetime
    vantage: Vantage
    over_by: datetime
    doubt: str = ""
    ahead: datetime | None = None
    done: list[Done] = field(default_factory=list[Done])
    replies: dict[str, Reply] = field(default_factory=dict[str, Reply])
    before: dict[str, Outcome] = field(default_factory=dict[str, Outcome])
    relied: set[RefName] = field(default_factory=set[RefName])
    refusals: dict[str, dict[str, Json]] = field(default_factory=dict[str, dict[str, Json]])

    def copy(self) -> "Plan":
        """Return the plan as it is now, whatever is decided on it later."""
        return replace(self, done=[*self.done], replies={**self.replies}, before={**self.before}, relied={*self.relied})

    @property
    def judged_by(self) -> dict[str, Oid | None]:
        """Return the heartbeat of each clone whose silence was acted on, under all ids; `None`: it has none."""
        found: dict[str, Oid | None] = {}
        for held, life in (pair for done in self.done for pair in done.decision.judged):
            if life.life is Life.STALE and life.sighting.locked is None and held.clone:
                found[held.clone] = Oid(life.sighting.heartbeat) if life.sighting.heartbeat else None
                found |= {clone: Oid(tip) for clone, tip in (life.sighting.elsewhere or {}).items()}
        return found


@dataclass(frozen=True, slots=True)
class Refused:
    """A command that the rules refused, in the ledger that they read for it."""

    ref: RefName
    entry: Entry
    outcome: Outcome


def after(state: LedgerState, decision: Decision) -> LedgerState:
    """Return a ledger after a decision that was made on it."""
    if state.register is not None:
        return replace(state, register=claim_table.apply(state.register, decision))
    return replace(state, board=step_table.apply(state.board, decision))


def not_before(state: LedgerState, now: datetime) -> datetime:
    """Return the time of a ledger's next transaction: not before its last, unless that one's clock was wrong."""
    at = state.meta.at
    return at if at is not None and now < at <= now + AHEAD_MAX else now


def reply_of(plan: Plan, outcome: Outcome) -> Reply:
    """Return the reply to the caller of a command."""
    board = plan.state.board
    name = board.project.name if board else None
    said = [*([_ahead(plan)] if plan.ahead else []), *([_doubted(plan)] if plan.doubt else [])]
    notices = (*said, *left_out_of(plan.state))
    if plan.state.register is not None:
        return Reply(outcome=outcome, docs=claim_documents(plan.state.register, outcome), notices=notices)
    return Reply(outcome=outcome, project=name, docs=documents(board, outcome), notices=notices)


def _ahead(plan: Plan) -> dict[str, Json]:
    """Say that a clone's clock was wrong; nothing is decided by it, and leases only get longer."""
    tip, now = time_text(plan.ahead or plan.now), time_text(plan.now)
    message = f"{plan.state.ref} was last written at {tip}, and here it is {now}: one of the two clocks is wrong."
    return {"notice": "clock_ahead", "ref": plan.state.ref, "tip_at": tip, "now": now, "message": message}


def _doubted(plan: Plan) -> dict[str, Json]:
    """Say that what is over by this clone's clock still counts."""
    todo = "Have it set by the network (NTP). Any command of another clone that writes shows the time."
    return {"notice": "clock_off", "ref": plan.state.ref, "message": plan.doubt, "next_step": todo}
