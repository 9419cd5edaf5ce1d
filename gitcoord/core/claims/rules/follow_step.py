"""What happens to claims when the step that they were taken with changes hands.

What this file does not know: steps; see `step_claims`.
"""

from gitcoord.core.claims.claim_commands import EndStepClaims, FollowStep
from gitcoord.core.claims.notice import landed_text
from gitcoord.core.claims.rules import end_claim, hold
from gitcoord.core.claims.working_copy import Work
from gitcoord.core.documents import outcomes
from gitcoord.core.documents.outcomes import Outcome


def end(work: Work, command: EndStepClaims) -> Outcome:
    """End what the former holder of a step claimed with it."""
    of_step = [claim for claim in work.register.claims_of((command.agent, command.clone)) if claim.step == command.step]
    for claim in of_step:
        end_claim.end(work, claim, "merged" if command.commit else "step", commit=command.commit)
    if of_step and command.commit:
        text = landed_text(command.step, command.commit)
        # The holder's own look at the step may find it first; by step and commit it knows this for the same.
        holder = (command.agent, command.clone)
        work.tell(holder, "step_completed", text, step=command.step, commit=command.commit)
    return outcomes.done(
        "claim_released", released=[claim.id for claim in of_step], **({} if of_step else {"already": True})
    )


def follow(work: Work, command: FollowStep) -> Outcome:
    """Keep the claim of a step under its new fence, session and name, or make it anew; say so if that cannot be."""
    actor = work.context.actor
    of_step = [claim for claim in work.register.claims_of_party(actor) if claim.step == command.step]
    session, now = actor.session or None, work.context.now
    work.put(
        *(
            claim.evolve(agent=actor.agent, session=session, step_fence=command.fence, last_activity=now)
            for claim in of_step
        )
    )
    if of_step:
        return outcomes.done("claim_granted", claim=of_step[0].id)
    outcome = hold.claim(work, command.call)
    if outcome.is_done:
        return outcome
    # Done, not refused: the step changes hands in any case, and its new holder has to know.
    return outcomes.done("paths_lost", conflicts=outcome.facts.get("conflicts", []), already=True)
