"""Halves: what a remote that cannot swap two refs at once may leave of a command on two ledgers.

    claims first, then the step: until the step is there, its claim confers nothing, and any clone may end it
    ──> the agent that took the step looks again, and hands it back if its paths are gone

Rules:
  * SAFE-5: a half that was left confers nothing, and the next transaction that meets it ends it.

What this file does not know: how swaps are sent.
"""

from collections.abc import Iterator, Sequence

from gitcoord.core.claims.register import Register
from gitcoord.core.documents import outcomes
from gitcoord.core.documents.call import Call, sentence
from gitcoord.core.documents.outcomes import Outcome
from gitcoord.core.steps.step_commands import RecoverStep
from gitcoord.ledger.format.records import Done
from gitcoord.ledger.transactions.plan import Plan


def without_paths(plans: Sequence[Plan], register: Register) -> Iterator[tuple[Done, RecoverStep]]:
    """Return each step that was taken and whose claim is not there any more, with the command that gives it back."""
    claimed = {done.entry.uid: done for plan in plans if plan.state.register is not None for done in plan.done}
    for done in (done for plan in plans if plan.state.board is not None for done in plan.done):
        claim = claimed.get(done.entry.uid)
        if claim is None or claim.entry.word != "claim_files":
            continue
        if claim.decision.outcome.facts.get("claim") not in register.claims:
            facts = done.decision.outcome.facts
            num, fence = facts.get("step_num"), facts.get("fence")
            if isinstance(num, int) and isinstance(fence, int):
                yield done, RecoverStep(step_num=num, fence=fence, reason="another agent took its paths")


def handed_back(num: int) -> Outcome:
    """Say that a step was handed back at once."""
    message = f"Step {num} was taken, but its paths were claimed at the same moment; it was handed back."
    hint = sentence("Claim again: ", Call.of("claim_step"), ".")
    return outcomes.refused("paths_lost", message, hint, step_num=num, ask_again_s=1)
