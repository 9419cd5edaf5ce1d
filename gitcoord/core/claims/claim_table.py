"""The one place where a command of the claims ledger meets its rule; see `step_table` for what that means.

Rules:
  * What is over by time ends before the command is decided; the line is served after it; all in one decision.
  * A refused command changes nothing, not even that.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from gitcoord.core.claims.claim_commands import (
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
from gitcoord.core.claims.register import Register
from gitcoord.core.claims.rules import (
    expire,
    follow_step,
    hold,
    import_claims,
    keep_alive,
    land_claims,
    request_release,
    serve,
    tell_refusals,
    wait,
)
from gitcoord.core.claims.working_copy import Work
from gitcoord.core.documents.decision import Context, Decision
from gitcoord.core.documents.outcomes import Outcome


def decide(register: Register, command: ClaimCommand, context: Context) -> Decision:
    """Apply the rules."""
    work = Work(register, context)
    expire.by_time(work)
    keep_alive.adopt(work)
    keep_alive.see_requests(work)
    if keep_alive.is_call(command):
        keep_alive.acknowledge(work)
    outcome = _RULES[type(command)](work, command)
    serve.serve(work)
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
    ClaimFiles: hold.claim,
    KeepWaiting: wait.keep_waiting,
    CancelEntry: wait.cancel,
    ReleaseClaims: hold.release,
    ExtendClaims: hold.extend,
    RequestRelease: request_release.request,
    AnswerRequest: request_release.answer,
    BeatClaims: keep_alive.beat,
    Tidy: expire.tidy,
    TellRefusals: tell_refusals.tell,
    LandClaims: land_claims.land,
    EndStepClaims: follow_step.end,
    FollowStep: follow_step.follow,
    ImportClaims: import_claims.claims,
}
