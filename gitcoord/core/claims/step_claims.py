"""A step's paths: claimed with it, kept while it is held, released when it is not. One swap of both ledgers.

Rules:
  * An agent that takes a step takes its paths; a step whose paths someone else holds is passed over.
  * An agent that resumes a step, or takes it over from a partner, keeps its claim, under the new fence; one
    that ended meanwhile is made again if it can be.
  * A merge ends a step and its paths together; see `land_steps`.
  * A claim of a step confers nothing once its holder does not hold the step any more, or before it does.

What this file does not know: which step is taken; see `take`.
"""

from collections.abc import Sequence

from gitcoord.core.claims.claim import Claim
from gitcoord.core.claims.claim_commands import ClaimCommand, ClaimFiles, EndStepClaims, FollowStep, Wish
from gitcoord.core.documents import party
from gitcoord.core.patterns import path_pattern
from gitcoord.core.patterns.path_pattern import Pattern
from gitcoord.core.steps.board import Board, holder_of
from gitcoord.core.steps.step import Step

STEP_HOURS = 24.0 * 7  # the step ends it; silence does before that


def call_of(step: Step, fence: int, claim_id: str, repo: str | None) -> ClaimFiles:
    """Return the call that claims a step's paths. Its planner decided how many files they are."""
    return ClaimFiles(
        claim_id=claim_id,
        wishes=tuple(Wish(pattern=path_pattern.canonical(path), hours=STEP_HOURS) for path in step.paths),
        description=step.title or f"step {step.id}",
        branch=step.branch,
        repo=repo,
        step=step.id,
        step_fence=fence,
    )


def outside(step: Step, files: Sequence[str]) -> list[str]:
    """Return the files that no path of a step covers; none for a step without paths."""
    covers = [Pattern.of(path_pattern.canonical(path)) for path in step.paths]
    return [file for file in files if covers and not any(path_pattern.matches(pattern, file) for pattern in covers)]


def following(before: Step, after: Step, claim_id: str, repo: str | None) -> list[ClaimCommand]:
    """Return what a change of a step brings about in the claims ledger."""
    if not before.paths and not after.paths:
        return []
    same = before.is_held and after.is_held and party.is_one(holder_of(before), holder_of(after))
    if same and before.fence == after.fence:
        return []
    if same:
        return [FollowStep(step=after.id, fence=after.fence, call=call_of(after, after.fence, claim_id, repo))]
    out: list[ClaimCommand] = []
    if before.is_held:
        commit = after.commit_hash if after.landed_tips else None
        out.append(EndStepClaims(step=before.id, agent=before.agent_id or "", clone=before.clone or "", commit=commit))
    if after.is_held and after.paths:
        out.append(call_of(after, after.fence, claim_id, repo))
    return out


def is_void(claim: Claim, board: Board | None) -> bool:
    """Whether a claim of a step confers nothing. `board`: the step's project; `None`: it cannot be read."""
    if claim.step is None or board is None:
        return False
    num = claim.step.rpartition("/")[2]
    return is_void_by(claim, board.steps.get(int(num)) if num.isdecimal() else None)


def is_void_by(claim: Claim, step: Step | None) -> bool:
    """Whether a claim of this step confers nothing. `step`: `None` where its project has none of that number."""
    return step is None or not step.is_held or not party.is_one(holder_of(step), claim.holder)
