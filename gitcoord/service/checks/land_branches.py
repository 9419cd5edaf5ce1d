"""Landing: claims and steps of branches that were merged end; any clone that syncs finds out, and CI.

Rules:
  * A branch is judged by what is here of it and of the default branch, and by what its claims tell of it
    (`merged_branches`).
  * Steps first: their paths end with them, in one swap (SAFE-5).
  * SAFE-11: an item of a claim ends only if commits of the branch since the claim changed it, and no work in its files
    is known that has not landed (`landed_work`). Where git cannot say, nothing is known to have landed.
  * In a clone without the whole history nothing is found out.

What this file does not know: how git tells that a branch landed (`source/history/landed`); which claims may end by it
(`core/claims/rules/land_claims`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from gitcoord.core.claims import claim_table
from gitcoord.core.claims.claim import Claim
from gitcoord.core.claims.claim_commands import LandClaims, WorkedFile
from gitcoord.core.claims.notice import Barrier
from gitcoord.core.claims.register import Register
from gitcoord.core.documents.json_text import Json
from gitcoord.core.documents.names import branch_name
from gitcoord.core.documents.outcomes import Outcome
from gitcoord.errors import InvalidError
from gitcoord.remote.contract.protocol import Oid, RefName
from gitcoord.service.checks import landed_steps
from gitcoord.service.checks.landed_work import LandedWork, since
from gitcoord.service.checks.merged_branches import MergedBranches, is_branch
from gitcoord.service.claims.dry_run import context_of
from gitcoord.service.session.workspace import Workspace
from gitcoord.source.checkout.default_branch import default_tip
from gitcoord.source.history.landed import Landed

FILES_MAX = 500  # in one command: with as many again that have not landed, a few hundred kilobytes


@dataclass(frozen=True, slots=True)
class Found:
    """What was found out: where each branch landed, the claims that this ends, and the barriers.

    `unknown`: why git could not say what has not landed; empty: it could.
    """

    default: str
    branches: Mapping[str, Landed] = field(default_factory=dict[str, Landed])
    claims: tuple[Claim, ...] = ()
    changed: tuple[WorkedFile, ...] = ()
    unlanded: tuple[WorkedFile, ...] = ()
    barriers: tuple[str, ...] = ()
    unknown: str = ""


def land(workspace: Workspace, *, branch: str | None = None, dry_run: bool = False) -> dict[str, Json]:
    """Complete the steps and release the claims of branches that were merged; `dry_run`: only say which.

    Args:
        workspace: whose clone it is judged by.
        branch: look at this one only.
        dry_run: write nothing.

    Raises:
        InvalidError: this clone cannot tell.
    """
    wanted = branch_name(branch) if branch is not None else None
    if workspace.repository.is_shallow:
        hint = "Bring the history: git fetch --unshallow; in CI: a checkout of full depth."
        raise InvalidError("This clone is shallow, so gitcoord cannot see what was merged.", hint=hint)
    default = default_tip(workspace.repository)
    if default is None:
        hint = "Name it: git remote set-head origin --auto."
        raise InvalidError("Nothing here says which branch is the default one.", hint=hint)
    merged = MergedBranches(workspace, default)
    steps = _land_steps(merged, workspace.listed(), wanted, dry_run=dry_run, is_asked=True)
    listed = workspace.listed()
    found = _find(merged, workspace.register(listed), wanted)
    if dry_run:
        register, context = workspace.register(listed), context_of(workspace, workspace.actor(), listed)
        released, parts = _ended(claim_table.decide(register, _command(workspace, found), context).outcome)
    else:
        released, parts = _end(workspace, found)
    rows: list[Json] = [_row(claim, found) for claim in found.claims if claim.id in released]
    partly: list[Json] = [
        {**_row(claim, found), "items": parts[claim.id]} for claim in found.claims if claim.id in parts
    ]
    result: dict[str, Json] = {"default_branch": found.default, "released": rows, "count": len(rows), **steps}
    if partly:
        result["parts"] = partly
    if found.unknown:
        result["untold"] = found.unknown
    if dry_run:
        result["dry_run"] = True
    if not workspace.policy(listed).release_on_merge:
        result["next_step"] = "The team's policy keeps claims on merge: gitcoord policy set release_on_merge true."
    return result


def _land_steps(
    merged: MergedBranches,
    listed: Mapping[RefName, Oid],
    wanted: str | None,
    *,
    dry_run: bool = False,
    is_asked: bool = False,
) -> dict[str, Json]:
    """Complete what landed; return which steps were, and which landed and are not completed, with the reason.

    `is_asked`: the caller reads it. Then it also has those of which nothing proves that they landed, and no notice says
    the same of the caller's own steps.
    """
    workspace = merged.workspace
    held = landed_steps.held_steps(workspace, listed, wanted)
    completed: list[Json] = []
    left: list[Json] = []
    landed = list(landed_steps.find(merged, held, workspace.register(listed)))
    for step in landed:
        outcome = landed_steps.decide(workspace, step, listed)
        if outcome.is_done and not dry_run:
            outcome = landed_steps.complete(workspace, step, is_shown=is_asked) or outcome
        (completed if outcome.is_done else left).append(landed_steps.row(step, outcome))
    if is_asked:
        landed_ids = {step.step.id for step in landed}
        left += landed_steps.unproven(merged, [pair for pair in held if pair[1].id not in landed_ids])
    return {name: rows for name, rows in (("completed", completed), ("not_completed", left)) if rows}


def _row(claim: Claim, found: Found) -> dict[str, Json]:
    commit = found.branches[claim.branch or ""].commit
    return {"id": claim.id, "agent": claim.agent, "branch": claim.branch, "commit": commit}


def land_quietly(workspace: Workspace, listed: Mapping[RefName, Oid], known: object = None) -> object:
    """End what landed, where that is known; return what it was judged by, and do nothing if that is `known`."""
    register = workspace.register(listed)
    steps = landed_steps.held_steps(workspace, listed)
    wanted = [*_candidates(workspace, register, None), *_barriers(workspace, register), *steps]
    if workspace.repository.is_shallow or not wanted:
        return known
    default = default_tip(workspace.repository)
    claims = frozenset(
        (claim.id, claim.branch, claim.commit, tuple(item.unpushed for item in claim.items))
        for claim in register.claims.values()
    )
    attempts = frozenset((step.id, step.fence, step.branch) for _, step in steps)
    basis = (default, claims, frozenset(register.barriers), attempts)
    if default is None or basis == known:
        return basis
    merged, policy = MergedBranches(workspace, default), workspace.policy(listed)
    if policy.complete_on_merge and _land_steps(merged, listed, None).get("completed"):
        register = workspace.register(workspace.listed())
    if policy.release_on_merge:
        _end(workspace, _find(merged, register, None))
    return basis


def _find(merged: MergedBranches, register: Register, wanted: str | None) -> Found:
    workspace, name = merged.workspace, merged.default.name
    claims = [claim for claim in _candidates(workspace, register, wanted) if claim.branch != name]
    barriers = [barrier for barrier in _barriers(workspace, register) if wanted is None or barrier.branch == wanted]
    branches: dict[str, Landed] = {}
    for branch in sorted({claim.branch for claim in claims if claim.branch}):
        there = merged.landed(branch, [claim.commit for claim in claims if claim.branch == branch and claim.commit])
        if there is not None:
            branches[branch] = there
    tips = frozenset(tip for there in branches.values() for tip in there.tips)
    first = min((since(claim) for claim in claims), default=0)
    work = LandedWork(workspace, merged.default.commit, tips, first)
    changed: list[WorkedFile] = []
    for claim in claims:
        if claim.branch in branches and len(changed) < FILES_MAX:  # the rest ends with the next look
            changed += work.changed(claim, branches[claim.branch].own)
    ended = [claim for claim in claims if any(file.claim == claim.id for file in changed)]
    unlanded = [file for claim in ended for file in work.unlanded(claim, changed)]
    over = [
        barrier.id
        for barrier in barriers
        if merged.is_gone(barrier.branch) or barrier.branch in branches or merged.has(barrier.commit)
    ]
    return Found(name, branches, tuple(ended), tuple(changed), tuple(unlanded), tuple(over), work.unknown)


def _candidates(workspace: Workspace, register: Register, wanted: str | None) -> list[Claim]:
    """Return the claims that a merge may end; those of steps end with these."""
    claims = sorted(register.claims.values(), key=lambda claim: (claim.fence, claim.id))
    here = [claim for claim in claims if claim.repo == workspace.repo and not claim.step and is_branch(claim.branch)]
    return [claim for claim in here if wanted is None or claim.branch == wanted]


def _barriers(workspace: Workspace, register: Register) -> list[Barrier]:
    return [barrier for barrier in register.barriers.values() if barrier.repo == workspace.repo]


def _end(workspace: Workspace, found: Found) -> tuple[list[str], Mapping[str, Json]]:
    if not found.claims and not found.barriers:
        return [], {}
    return _ended(workspace.submit(_command(workspace, found), workspace.actor(), None).outcome)


def _command(workspace: Workspace, found: Found) -> LandClaims:
    return LandClaims(
        merged={branch: there.commit for branch, there in found.branches.items()},
        claims=tuple(claim.id for claim in found.claims),
        changed=found.changed,
        unlanded=found.unlanded,
        barriers=found.barriers,
        default_branch=found.default,
        repo=workspace.repo,
    )


def _ended(outcome: Outcome | None) -> tuple[list[str], Mapping[str, Json]]:
    """Return the claims that ended, and what ended of others."""
    if outcome is None:
        return [], {}
    facts = outcome.facts
    released, parts = facts.get("released"), facts.get("parts")
    claims = [str(claim_id) for claim_id in released] if isinstance(released, list) else []
    return claims, parts if isinstance(parts, dict) else {}
