"""Counters that are at their end: numbers that only grow, and that no reader takes beyond `limits.INTEGER`.

Ordinary work does not get there; who may push can write such a number by hand. Nothing goes on past it, so it is named
with the way around it.

Rules:
  * A ledger that an audit can put back is never deleted for its numbers; and only a person who is asked deletes one.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from gitcoord.core.documents import limits
from gitcoord.core.steps.board import Board
from gitcoord.errors import ContendedError
from gitcoord.ledger.format.meta import Applied
from gitcoord.ledger.kinds.ledger import LedgerState
from gitcoord.ledger.rewinds.restore import RESERVE
from gitcoord.remote.contract.protocol import Oid, RefName
from gitcoord.service.doctor import audits
from gitcoord.service.doctor.check_run import Finding, Repair, Status, fail
from gitcoord.service.doctor.replaced import keeper
from gitcoord.service.doctor.site import Site
from gitcoord.service.doctor.store import locked

LAST = limits.INTEGER - RESERVE  # a repair goes on by so much


def ended(site: Site, state: LedgerState[Any], applied: Iterable[Applied]) -> Iterator[Finding]:
    """Return what cannot be counted on in a ledger, and what to do instead."""
    ref = state.ref
    if max(state.meta.seq, state.meta.grants) > LAST:
        text = f"{ref} counts to {max(state.meta.seq, state.meta.grants)}, so nothing can be written to it any more."
        report = audits.report_of(site, ref, audits.checkpoints(site), audits.REPLAYED_MAX)
        hint, repairs = "", tuple[Repair, ...]()
        if report.finding is None and report.left:
            hint = "Run `gitcoord audit`, and then gitcoord doctor again, which knows by it what is sound."
        elif report.finding is not None and report.passed is not None and report.passed.tip is not None:
            hint = f"Up to {report.passed.tip[:12]} {ref} is sound: see the check `audit`, which puts it back."
        else:
            why = "what is in it is lost, and it begins anew"
            keeps = keeper(site, ref, state.tip)
            repairs = (Repair(f"delete {ref}", lambda: _delete(site, ref, state.tip), why, keeps, needs_person=True),)
            hint = f"gitcoord doctor --repair asks, at a terminal, whether to delete {ref}, so that it begins anew."
        yield Finding(Status.FAIL, text, hint, {"ended": [ref]}, repairs)
    for clone in (entry.clone for entry in applied if entry.counter > LAST):
        hint = f"Delete .git/gitcoord/clone.json in clone {clone}: it goes on under another id."
        yield fail(f"Clone {clone} has no number left for its commands in {ref}: it can write nothing there.", hint)
    for step in state.content.steps.values() if isinstance(state.content, Board) else ():
        if max(step.fence, step.attempts) > LAST:
            hint = f"Skip it, and add another in its place: gitcoord step skip {step.id}."
            yield fail(f"Step {step.id} was given out {step.fence} times: there is no fence left for it.", hint)


def _delete(site: Site, ref: RefName, judged: Oid | None) -> str:
    with locked(site):
        site.forget()
        try:
            if site.listing().get(ref) != judged or not site.restorer().delete(ref):
                raise ContendedError(f"{ref} has moved meanwhile.", hint="Run gitcoord doctor again.")
        finally:
            site.forget()
    return f"{ref} is deleted; it begins anew with the next command"
