"""The one place where a command of the claims ledger meets its rule; see `step_rules` for what that means.

Rules:
  * What is over by time ends before the command is decided; the line is served after it; all in one decision.
  * A refused command changes nothing, not even that.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from gitcoord.core import asking, beating, holding, importing, landing, refusing, serving, stepping, tidying, waiting
from gitcoord.core.claim_commands import (
    AnswerRequest,
    BeatClaims,
    CancelEntry,
    ClaimCommand,
    ClaimFiles,
    EndStepClaims,
    ExtendClaims,
    FollowStep,
    ImportClaims,
    KeepWaiting,
    LandClaims,
    ReleaseClaims,
    RequestRelease,
    TellRefusals,
    Tidy,
)
from gitcoord.core.context import Context, Decision
from gitcoord.core.outcome import Outcome
from gitcoord.core.register import Register
from gitcoord.core.work import Work


def decide(register: Register, command: ClaimCommand, context: Context) -> Decision:
    """Apply the rules."""
    work = Work(register, context)
    tidying.by_time(work)
    beating.adopt(work)
    beating.see_requests(work)
    if beating.is_call(command):
        beating.acknowledge(work)
    outcome = _RULES[type(command)](work, command)
    serving.serve(work)
    if not outcome.is_done:
        return Decision(outcome, judged=work.judged)
    changes = work.changes
    lands = bool(changes) or isinstance(command, TellRefusals)  # which lands for what its commit carries
    return Decision(outcome, changes, work.judged, tuple(work.events), work.register if lands else None)


def apply(register: Register, decision: Decision) -> Register:
    """Return the register after a decision that was made on it."""
    if not isinstance(decision.after, Register):
        return register
    return replace(decision.after, seq=register.seq + 1)


_RULES: Mapping[type[ClaimCommand], Callable[[Work, Any], Outcome]] = {
    ClaimFiles: holding.claim,
    KeepWaiting: waiting.keep_waiting,
    CancelEntry: waiting.cancel,
    ReleaseClaims: holding.release,
    ExtendClaims: holding.extend,
    RequestRelease: asking.request,
    AnswerRequest: asking.answer,
    BeatClaims: beating.beat,
    Tidy: tidying.tidy,
    TellRefusals: refusing.tell,
    LandClaims: landing.land,
    EndStepClaims: stepping.end,
    FollowStep: stepping.follow,
    ImportClaims: importing.claims,
}
