"""Tidying: what is over ends, whoever comes by.

Rules:
  * What is over by time, or was never acknowledged, ends in every transaction that writes; of other clones by the time
    that is known to have passed (CLAIM-22).
  * Silence is judged where somebody is in the way, and by the watcher of each clone for all.
  * What was claimed with a step that went on without it ends as silence does.
  * Decided requests, old notices and barriers leave the ledger; its history keeps them.

What this file does not know: which command brought it here.
"""

from datetime import datetime

from gitcoord.core import ending, notices, requests, serving
from gitcoord.core import outcome as outcomes
from gitcoord.core.claim_commands import Tidy
from gitcoord.core.outcome import Outcome
from gitcoord.core.register import Register
from gitcoord.core.work import Work


def is_anything_over(register: Register, now: datetime) -> bool:
    """Whether a clock of this time would end or drop something: a claim, a grant, a wait, or what is merely kept."""
    is_kept = bool(register.requests or register.notices or register.barriers)
    is_due = bool(register.due) and register.due[0][0] <= now
    is_left = bool(register.leaving) and register.leaving[0][0] <= now
    return is_kept or is_due or is_left or bool(register.unacknowledged)


def by_time(work: Work) -> None:
    """End what is over by time, was not acknowledged, or is not waited for any more; serve who waited for it."""
    ending.sweep_time(work)
    for one in sorted(work.register.unacknowledged):
        claim = work.register.claims[one]
        if claim.ack_by is not None and work.context.is_over(claim.clone, claim.ack_by):
            ending.end(work, claim, "unacknowledged")
    serving.drop_over(work)
    serving.serve(work)


def tidy(work: Work, _: Tidy) -> Outcome:
    """End also what fell silent, and drop what has been kept for long enough."""
    for claim in sorted(work.register.claims.values(), key=lambda one: (one.fence, one.id)):
        if work.context.is_void(claim):
            ending.end(work, claim, "step")
        elif ending.is_silent(work, claim):
            ending.end(work, claim, "silence")
    _drop_kept(work, work.context.over_by)
    serving.serve(work)
    return outcomes.done("tidy", **({} if work.changes else {"already": True}))


def _drop_kept(work: Work, now: datetime) -> None:
    for request in sorted(work.register.requests.values(), key=lambda one: one.id):
        if request.decided_at is not None and now >= request.decided_at + requests.KEPT:
            work.drop(request)
    for doc in sorted((*work.register.notices.values(), *work.register.barriers.values()), key=lambda one: one.id):
        if notices.is_over(doc, now):
            work.drop(doc)
