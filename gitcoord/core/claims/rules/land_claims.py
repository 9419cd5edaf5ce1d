"""Landing: release the claims of merged branches, as far as their work is in what landed.

    item: changed by what landed?  ──no──> stays; it ends with its session, or by its time
              │ yes
          work left that has not landed?  ──yes──> stays
              │ no
          ends with the merge commit

Rules:
  * CLAIM-9, SAFE-11: items end, not branches. One ends only if commits of the branch since the claim changed it, and no
    clone saw work in its files that has not landed: on another branch, not pushed, not committed.
  * Its holder's clone sees all of its work; another clone sees the remote's branches and what the holder's last beat
    said (`Item.unpushed`).
  * Paths of a step end with the step (SAFE-5, `land_steps`), not by this.
  * Items that only read end with the last one that writes.
  * Claims on the default branch stay: everything there has landed. `release_on_merge` switches all of this off.
  * Barriers end when what they tell of landed, or its branch is gone.

What this file does not know: how it is found out that a branch landed, and what it changed.
"""

from collections.abc import Iterable

from gitcoord.core.claims.claim import Claim, Item, Mode
from gitcoord.core.claims.claim_commands import LandClaims, WorkedFile
from gitcoord.core.claims.rules import barriers, end_claim
from gitcoord.core.claims.working_copy import Work
from gitcoord.core.documents import outcomes
from gitcoord.core.documents.json_text import Json
from gitcoord.core.documents.outcomes import Outcome
from gitcoord.core.patterns import path_pattern, symbols


def land(work: Work, command: LandClaims) -> Outcome:
    """End the items and the barriers that were found to have landed."""
    barriers.lift(work, command.repo, command.barriers)
    ended: list[Json] = []
    parts: dict[str, Json] = {}
    for claim in sorted(work.register.claims.values(), key=lambda claim: (claim.fence, claim.id)):
        is_there = (
            claim.repo == command.repo and claim.branch in command.merged and claim.branch != command.default_branch
        )
        is_meant = work.context.policy.release_on_merge and claim.id in command.claims and is_there
        numbers = _landed_items(work, claim, command) if is_meant else []
        if not numbers:
            continue
        if len(numbers) < len(claim.items):
            parts[claim.id] = [claim.items[number].pattern for number in numbers]
        else:
            ended.append(claim.id)
        end_claim.end_items(work, claim, numbers, "merged", commit=command.merged[claim.branch or ""])
    facts: dict[str, Json] = {"parts": parts} if parts else {}
    return outcomes.done("landed", released=ended, **facts, **({} if work.changes else {"already": True}))


def _landed_items(work: Work, claim: Claim, command: LandClaims) -> list[int]:
    # The writer is of version 0.1.0, which ended claims as a whole.
    if command.changed is None:
        return list(range(len(claim.items)))
    # SAFE-5: what was claimed with a step ends with that step, not by a merge.
    if claim.step is not None:
        return []
    actor = work.context.actor
    # Who looks from the holder's clone sees its work itself; elsewhere its last beat has to do.
    is_holders = claim.clone in (actor.clone, *actor.others)
    changed = [file for file in command.changed if file.claim == claim.id]
    unlanded = [file for file in command.unlanded if file.claim == claim.id]
    writing = [number for number, item in enumerate(claim.items) if item.mode is Mode.WRITE]
    landed = [
        number
        for number in writing
        if _touches(changed, item := claim.items[number])
        and not _touches(unlanded, item)
        and (is_holders or not item.unpushed)
    ]
    # Items that only read protect what the others write: they end with the last of those.
    return list(range(len(claim.items))) if landed == writing else landed


def _touches(files: Iterable[WorkedFile], item: Item) -> bool:
    """Whether one of these files is of an item; one whose symbols are unknown counts as a whole."""
    return any(
        path_pattern.matches(item.area.pattern, file.path)
        and (not item.symbols or not file.symbols or bool(symbols.meeting(item.symbols, file.symbols)))
        for file in files
    )
