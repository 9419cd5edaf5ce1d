"""Landing: what was claimed on a branch that was merged has been done.

Rules:
  * Claims of the branch end with the merge commit, where `release_on_merge` is on. Claims on the default branch stay:
    everything there has landed. So does one whose holder has gone on to another branch meanwhile.
  * A claim since which its branch had no commit of its own stays: nothing of it can have landed.
  * Barriers end when what they tell of landed, or its branch is gone.

What this file does not know: how it is found out that a branch landed.
"""

from gitcoord.core import barriers, ending
from gitcoord.core import outcome as outcomes
from gitcoord.core.claim_commands import LandClaims
from gitcoord.core.claims import Claim
from gitcoord.core.doc import Json
from gitcoord.core.outcome import Outcome
from gitcoord.core.work import Work


def land(work: Work, command: LandClaims) -> Outcome:
    """End the claims and the barriers that were found to have landed."""
    barriers.lift(work, command.repo, command.barriers)
    ended: list[Json] = []
    for one in sorted(work.register.claims.values(), key=lambda one: (one.fence, one.id)):
        if _has_landed(work, one, command):
            ending.end(work, one, "merged", commit=command.merged[one.branch or ""])
            ended.append(one.id)
    return outcomes.done("landed", released=ended, **({} if work.changes else {"already": True}))


def _has_landed(work: Work, one: Claim, command: LandClaims) -> bool:
    is_there = one.repo == command.repo and one.branch in command.merged and one.branch != command.default_branch
    return work.context.policy.release_on_merge and one.id in command.claims and is_there
