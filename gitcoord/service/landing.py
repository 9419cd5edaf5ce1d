"""Landing: claims of branches that were merged end; found out by whoever syncs, and by CI on the default branch.

Rules:
  * A branch is judged by what is here of it and of the default branch, and by what its claims tell of it.
  * Where the remote still has the branch, its tip there must have landed as well: what is here may be old.
  * SAFE-11: an item of a claim ends only if commits of the branch since the claim changed it, and no work in its files
    is known that has not landed (`landed_work`).
  * In a clone without the whole history nothing is found out.

What this file does not know: how git tells that a branch landed (`source.landed`); which claims may end by it
(`core.landing`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from gitcoord.core import claim_rules
from gitcoord.core.claim_commands import LandClaims, WorkedFile
from gitcoord.core.claims import Claim
from gitcoord.core.doc import Json
from gitcoord.core.names import branch_name
from gitcoord.core.notices import Barrier
from gitcoord.core.outcome import Outcome
from gitcoord.core.register import Register
from gitcoord.errors import InvalidError
from gitcoord.remote.protocol import Oid, RefName
from gitcoord.service.claim_judging import context_of
from gitcoord.service.landed_work import LandedWork
from gitcoord.service.wishes import policy_of
from gitcoord.service.workspace import Workspace
from gitcoord.source.default_branch import DefaultTip, default_tip, is_ancestor, name_of
from gitcoord.source.landed import Landed, landed

FILES_MAX = 500  # in one command: with as many again that have not landed, a few hundred kilobytes


@dataclass(frozen=True, slots=True)
class Found:
    """What was found out: where each branch landed, the claims that this ends, and the barriers."""

    default: str
    branches: Mapping[str, Landed] = field(default_factory=dict[str, Landed])
    claims: tuple[Claim, ...] = ()
    changed: tuple[WorkedFile, ...] = ()
    unlanded: tuple[WorkedFile, ...] = ()
    barriers: tuple[str, ...] = ()


def land(workspace: Workspace, *, branch: str | None = None, dry_run: bool = False) -> dict[str, Json]:
    """Release the claims of branches that were merged, or of one of them; `dry_run`: only say which.

    Raises:
        InvalidError: this clone cannot tell.
    """
    wanted = branch_name(branch) if branch is not None else None
    if workspace.repository.is_shallow:
        hint = "Bring the history: git fetch --unshallow; in CI: a checkout of full depth."
        raise InvalidError("This clone is shallow, so it cannot be told what was merged.", hint=hint)
    default = default_tip(workspace.repository)
    if default is None:
        hint = "Name it: git remote set-head origin --auto."
        raise InvalidError("Nothing here says which branch is the default one.", hint=hint)
    listed = workspace.listed()
    found = _find(workspace, workspace.register(listed), default, wanted)
    released, parts = _try(workspace, found, listed) if dry_run else _end(workspace, found)
    rows: list[Json] = [_row(claim, found) for claim in found.claims if claim.id in released]
    partly: list[Json] = [
        {**_row(claim, found), "items": parts[claim.id]} for claim in found.claims if claim.id in parts
    ]
    result: dict[str, Json] = {"default_branch": found.default, "released": rows, "count": len(rows)}
    if partly:
        result["parts"] = partly
    if dry_run:
        result["dry_run"] = True
    if not policy_of(workspace, listed).release_on_merge:
        result["next_step"] = "The team's policy keeps claims on merge: gitcoord policy set release_on_merge true."
    return result


def _row(claim: Claim, found: Found) -> dict[str, Json]:
    commit = found.branches[claim.branch or ""].commit
    return {"id": claim.id, "agent": claim.agent, "branch": claim.branch, "commit": commit}


def land_quietly(workspace: Workspace, listed: Mapping[RefName, Oid], known: object = None) -> object:
    """Release what landed, where that can be told; return what it was judged by, and do nothing if that is `known`."""
    repository = workspace.repository
    register = workspace.register(listed)
    if repository.is_shallow or (not _candidates(workspace, register, None) and not _barriers(workspace, register)):
        return known
    default = default_tip(repository)
    claims = frozenset(
        (one.id, one.branch, one.commit, tuple(item.unpushed for item in one.items)) for one in register.claims.values()
    )
    basis = (default, claims, frozenset(register.barriers))
    if default is not None and basis != known and policy_of(workspace, listed).release_on_merge:
        _end(workspace, _find(workspace, register, default, None))
    return basis


def _find(workspace: Workspace, register: Register, default: DefaultTip, wanted: str | None) -> Found:
    name = name_of(workspace.repository, default)
    claims = [one for one in _candidates(workspace, register, wanted) if one.branch != name]
    barriers = [one for one in _barriers(workspace, register) if wanted is None or one.branch == wanted]
    if not claims and not barriers:
        return Found(name)
    heads = workspace.repository.heads(workspace.code_url) if workspace.code_url else None
    branches: dict[str, Landed] = {}
    for branch in sorted({one.branch for one in claims if one.branch}):
        known = [one.commit for one in claims if one.branch == branch and one.commit]
        there = landed(workspace.repository, branch, default, known)
        if there is not None and _is_whole(workspace, there, heads, branch, default):
            branches[branch] = there
    tips = frozenset(tip for there in branches.values() for tip in there.tips)
    work = LandedWork(workspace, default.commit, tips)
    changed: list[WorkedFile] = []
    for one in claims:
        if one.branch in branches and len(changed) < FILES_MAX:  # the rest ends with the next look
            changed += work.changed(one, branches[one.branch].own)
    ended = [one for one in claims if any(file.claim == one.id for file in changed)]
    unlanded = [file for one in ended for file in work.unlanded(one)]
    over = [one.id for one in barriers if _is_over(workspace, one, heads, branches, default)]
    return Found(name, branches, tuple(ended), tuple(changed), tuple(unlanded), tuple(over))


def _candidates(workspace: Workspace, register: Register, wanted: str | None) -> list[Claim]:
    found = sorted(register.claims.values(), key=lambda one: (one.fence, one.id))
    here = [one for one in found if one.repo == workspace.repo and _is_branch(one.branch)]
    return [one for one in here if wanted is None or one.branch == wanted]


def _barriers(workspace: Workspace, register: Register) -> list[Barrier]:
    return [one for one in register.barriers.values() if one.repo == workspace.repo]


def _is_whole(
    workspace: Workspace, there: Landed, heads: Mapping[str, str] | None, branch: str, default: DefaultTip
) -> bool:
    """Whether what the remote has of a branch landed, too. A remote that does not say keeps the claims."""
    if heads is None:
        return workspace.code_url is None
    tip = heads.get(branch)
    return tip is None or tip in there.tips or is_ancestor(workspace.repository, tip, default.commit)


def _is_over(
    workspace: Workspace,
    one: Barrier,
    heads: Mapping[str, str] | None,
    branches: Mapping[str, Landed],
    default: DefaultTip,
) -> bool:
    is_gone = heads is not None and one.branch is not None and one.branch not in heads
    return is_gone or one.branch in branches or is_ancestor(workspace.repository, one.commit, default.commit)


def _end(workspace: Workspace, found: Found) -> tuple[list[str], Mapping[str, Json]]:
    if not found.claims and not found.barriers:
        return [], {}
    return _ended(workspace.submit(_command(workspace, found), workspace.actor(), None).outcome)


def _try(workspace: Workspace, found: Found, listed: Mapping[RefName, Oid]) -> tuple[list[str], Mapping[str, Json]]:
    context = context_of(workspace, workspace.actor(), listed)
    return _ended(claim_rules.decide(workspace.register(listed), _command(workspace, found), context).outcome)


def _command(workspace: Workspace, found: Found) -> LandClaims:
    return LandClaims(
        merged={branch: there.commit for branch, there in found.branches.items()},
        claims=tuple(one.id for one in found.claims),
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
    claims = [str(one) for one in released] if isinstance(released, list) else []
    return claims, parts if isinstance(parts, dict) else {}


def _is_branch(text: str | None) -> bool:
    """Whether git may be asked for it; a ledger that others wrote may say anything."""
    try:
        return bool(text) and bool(branch_name(text or ""))
    except InvalidError:
        return False
