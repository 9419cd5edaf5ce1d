"""Expire claims, queue entries and notices; any client may do it.

Rules:
  * CLAIM-8: what is over by time, or was never acknowledged, ends in every transaction that writes; of other clones by
    the time that is known to have passed (CLAIM-22).
  * Silence is judged where a holder is in the way, and by the watcher of each clone for all.
  * What was claimed with a step that went on without it ends as silence does.
  * Decided requests, old notices and barriers leave the ledger; its history keeps them.

What this file does not know: which command brought it here.
"""

from datetime import datetime
from itertools import islice, takewhile

from gitcoord.core.claims import notice, release_request
from gitcoord.core.claims.claim_commands import Tidy
from gitcoord.core.claims.conflicts import ALLOWANCE
from gitcoord.core.claims.register import Register
from gitcoord.core.claims.rules import end_claim, serve
from gitcoord.core.claims.working_copy import Work
from gitcoord.core.documents import outcomes
from gitcoord.core.documents.outcomes import Outcome


def is_anything_over(register: Register, now: datetime) -> bool:
    """Whether a clock of this time would end or drop something: a claim, a grant, a wait, or what is merely kept."""
    is_kept = bool(register.requests or register.notices or register.barriers)
    is_due = any(end <= now for end, _ in islice(register.due, 1))
    is_left = bool(register.leaving) and register.leaving[0][0] <= now
    return is_kept or is_due or is_left or bool(register.unacknowledged)


def by_time(work: Work) -> None:
    """End what expired, was not acknowledged, or has no waiter any more; serve its waiters."""
    context = work.context
    # Not at once: the clock of its holder may be behind this one by the allowance.
    due = takewhile(lambda row: row[0] + ALLOWANCE <= context.now, work.register.due)  # soonest first
    for claim in (work.register.claims[claim_id] for _, claim_id in due):
        ends = (item.expires_at + ALLOWANCE for item in claim.items)
        over = [number for number, end in enumerate(ends) if context.is_over(claim.clone, end)]
        if over:
            end_claim.end_items(work, claim, over, "time")
    for claim_id in sorted(work.register.unacknowledged):
        claim = work.register.claims[claim_id]
        # A waiter that got it and never came back would keep all who stand behind it out.
        if claim.ack_by is not None and context.is_over(claim.clone, claim.ack_by):
            end_claim.end(work, claim, "unacknowledged")
    serve.drop_over(work)
    serve.serve(work)


def tidy(work: Work, _: Tidy) -> Outcome:
    """End also what fell silent, and drop what has been kept for long enough."""
    for claim in sorted(work.register.claims.values(), key=lambda claim: (claim.fence, claim.id)):
        # Its step first: that went on without it, and its holder may well be alive.
        if work.context.is_void(claim):
            end_claim.end(work, claim, "step")
        elif end_claim.is_silent(work, claim):
            end_claim.end(work, claim, "silence")
    for request in sorted(work.register.requests.values(), key=lambda request: request.id):
        # By the time that is known to have passed: who asked must have had the time to see the answer (CLAIM-22).
        if request.decided_at is not None and work.context.over_by >= request.decided_at + release_request.KEPT:
            work.drop(request)
    for doc in sorted((*work.register.notices.values(), *work.register.barriers.values()), key=lambda doc: doc.id):
        if notice.is_over(doc, work.context.over_by):
            work.drop(doc)
    serve.serve(work)
    return outcomes.done("tidy", **({} if work.changes else {"already": True}))
