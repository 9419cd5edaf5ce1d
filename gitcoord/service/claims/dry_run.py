"""Judging without writing: what the rules would decide now, on the claims as they are. For checks, and to save swaps.

What this file does not know: which question is asked.
"""

from collections.abc import Iterable, Mapping, Sequence

from gitcoord.core.claims import holder_silence, step_claims
from gitcoord.core.claims.claim import Claim
from gitcoord.core.claims.claim_views import claim_view
from gitcoord.core.claims.holder_silence import Silence
from gitcoord.core.documents.actor import Actor
from gitcoord.core.documents.decision import Context
from gitcoord.core.documents.doc import Json
from gitcoord.errors import CoordError
from gitcoord.remote.contract.protocol import Oid, RefName
from gitcoord.service.claims.requested_items import policy_of
from gitcoord.service.session import freshness, holder_liveness
from gitcoord.service.session.workspace import Workspace


def context_of(workspace: Workspace, actor: Actor, listed: Mapping[RefName, Oid]) -> Context:
    """Return what a command of this actor would be decided by now."""
    setting = workspace.setting
    vantage = setting.vantage(policy_of(workspace, listed), holder_liveness.sight_of(workspace, listed))
    try:
        with workspace.lock:
            claims = workspace.reader.claims(listed)
    except CoordError:
        claims = None  # what cannot be read is not judged
    now, state = freshness.judged_at(setting.host.now()), claims
    if state is not None:
        vantage.sight.hear(workspace.reader.written_by_others(state, setting.clone.id))
    belief = vantage.belief(state.register if state else None, now)
    return vantage.context(
        actor,
        now,
        over_by=belief.over_by or now,
        paths=lambda _: None,  # of steps, and what is judged here are claims
        is_void=lambda claim: is_void(workspace, claim, listed),
    )


def lives(workspace: Workspace, claims: Iterable[Claim], listed: Mapping[RefName, Oid]) -> dict[str, Silence]:
    """Return how the holder is judged of each claim that ends when its session is gone."""
    judged = [claim for claim in claims if claim.session is not None]
    if not judged:
        return {}
    context = context_of(workspace, workspace.actor(), listed)
    return {
        claim.id: holder_silence.of(context, claim, context.judge(claim.as_held, holder_silence.limit(context, claim)))
        for claim in judged
        if context.policy.idle_limit
    }


def rows_of(workspace: Workspace, claims: Sequence[Claim], listed: Mapping[RefName, Oid]) -> list[dict[str, Json]]:
    """Return claims as rows, each with what is known of its holder."""
    known = lives(workspace, claims, listed)
    return [
        {**claim_view(claim), **(known[claim.id].facts(claim.expires_at) if claim.id in known else {})}
        for claim in claims
    ]


def is_void(workspace: Workspace, claim: Claim, listed: Mapping[RefName, Oid]) -> bool:
    """Whether a claim confers nothing, because its step went on without its holder."""
    if claim.step is None:
        return False
    ref = workspace.setting.refs.steps(claim.step.rpartition("/")[0])
    try:
        with workspace.lock:
            board = workspace.reader.project(ref, listed.get(ref)).board
    except CoordError:
        return False  # what cannot be read is not judged
    return step_claims.is_void(claim, board)
