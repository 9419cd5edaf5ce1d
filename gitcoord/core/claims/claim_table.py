"""The one place where a command of the claims ledger meets its rule; see `step_table` for what that means.

Rules:
  * What is over by time ends before the command is decided; the line is served after it; all in one decision.
  * A refused command changes nothing, not even that.
"""

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
from gitcoord.core.claims.working_copy import ClaimContext, Work
from gitcoord.core.documents.decision import Decision
from gitcoord.core.documents.doc import replace
from gitcoord.core.documents.outcomes import Outcome
from gitcoord.core.documents.rule_table import RuleTable


def decide(register: Register, command: ClaimCommand, context: ClaimContext) -> Decision[Register]:
    """Apply the rules."""
    work = Work(register, context)
    expire.by_time(work)
    keep_alive.adopt(work)
    keep_alive.see_requests(work)
    if keep_alive.is_call(command):
        keep_alive.acknowledge(work)
    outcome = _RULES.decide(work, command)
    serve.serve(work)
    if not outcome.is_done:
        return Decision(outcome, judged=work.judged, after=register)
    changes = work.changes
    lands = bool(changes) or isinstance(command, TellRefusals)  # which lands for what its commit carries
    after = replace(work.register, seq=register.seq + 1) if lands else register
    return Decision(outcome, changes, work.judged, tuple(work.events), after=after)


_RULES = RuleTable[Work, [], Outcome]()
_RULES.on(ClaimFiles, hold.claim)
_RULES.on(KeepWaiting, wait.keep_waiting)
_RULES.on(CancelEntry, wait.cancel)
_RULES.on(ReleaseClaims, hold.release)
_RULES.on(ExtendClaims, hold.extend)
_RULES.on(RequestRelease, request_release.request)
_RULES.on(AnswerRequest, request_release.answer)
_RULES.on(BeatClaims, keep_alive.beat)
_RULES.on(Tidy, expire.tidy)
_RULES.on(TellRefusals, tell_refusals.tell)
_RULES.on(LandClaims, land_claims.land)
_RULES.on(EndStepClaims, follow_step.end)
_RULES.on(FollowStep, follow_step.follow)
_RULES.on(ImportClaims, import_claims.claims)
