"""Judging without writing: what the rules would decide now, on the claims as they are. For checks, and to save swaps.

What this file does not know: which question is asked.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from gitcoord.core.claims.claim import Claim
from gitcoord.core.claims.claim_views import claim_view
from gitcoord.core.documents.json_text import Json
from gitcoord.remote.contract.protocol import Oid, RefName
from gitcoord.service.session import freshness, holder_liveness
from gitcoord.service.session.workspace import ClaimViews, Workspace

if TYPE_CHECKING:
    from gitcoord.core.claims.holder_silence import Silence
    from gitcoord.core.claims.working_copy import ClaimContext
    from gitcoord.core.documents.actor import Actor
    from gitcoord.ledger.liveness.holder_view import Sight
    from gitcoord.ledger.transactions.caller import Basis, Caller


def caller_of(
    workspace: Workspace,
    actor: "Actor",
    listed: Mapping[RefName, Oid],
    *,
    is_shown: bool = False,
    sight: "Sight | None" = None,
) -> "Caller":
    """Return who decides commands of this actor as they would be decided now, on what was listed.

    `is_shown`: nothing is given out by it, so that it may rest on a ledger that is back or gone. `sight`: a look at
    holders by that listing, if there was one.
    """
    from gitcoord.ledger.transactions.caller import Caller
    from gitcoord.ledger.transactions.plan import Ground, Plan

    setting = workspace.setting
    ground = Ground(
        reader=workspace.reader,
        listed=listed,
        clone=setting.clone.id,
        now=freshness.judged_at(setting.host.now()),
        vantage=setting.vantage(workspace.policy(listed), sight or holder_liveness.sight_of(workspace, listed)),
        rewound=(lambda _: None) if is_shown else workspace.rewound_at,
        lock=workspace.lock,
    )
    plans = dict[RefName, Plan]()

    def basis(ref: RefName) -> "Basis":
        if ref not in plans:
            plans[ref] = ground.plan(ref)
        return plans[ref]

    return Caller(actor, workspace.repo, setting.refs, basis)


def context_of(
    workspace: Workspace,
    actor: "Actor",
    listed: Mapping[RefName, Oid],
    *,
    is_shown: bool = False,
    sight: "Sight | None" = None,
) -> "ClaimContext":
    """Return what a command of this actor on claims would be decided by now; see `caller_of`."""
    from gitcoord.ledger.kinds.claims import CLAIMS
    from gitcoord.ledger.transactions.caller import Beside

    caller = caller_of(workspace, actor, listed, is_shown=is_shown, sight=sight)
    basis = caller.basis(workspace.setting.refs.claims)
    return CLAIMS.context(caller.context(basis), Beside(caller, basis))


def lives(
    workspace: Workspace, claims: Iterable[Claim], listed: Mapping[RefName, Oid], sight: "Sight | None" = None
) -> "dict[str, Silence]":
    """Return how the holder is judged of each claim that ends when its session is gone."""
    judged = [claim for claim in claims if claim.session is not None]
    if not judged:
        return {}
    from gitcoord.core.claims import holder_silence

    context = context_of(workspace, workspace.actor(), listed, is_shown=True, sight=sight)
    return {
        claim.id: holder_silence.of(context, claim, context.judge(claim.as_held, holder_silence.limit(context, claim)))
        for claim in judged
        if context.policy.idle_limit
    }


def rows_of(
    workspace: Workspace, claims: Sequence[Claim], listed: Mapping[RefName, Oid], sight: "Sight | None" = None
) -> list[dict[str, Json]]:
    """Return claims as rows, each with what is known of its holder."""
    known = lives(workspace, claims, listed, sight)
    views = workspace.claim_views
    views.begin()
    return [
        {**_view(views, claim), **(known[claim.id].facts(claim.expires_at) if claim.id in known else {})}
        for claim in claims
    ]


def _view(views: ClaimViews, claim: Claim) -> dict[str, Json]:
    """Return the view of a claim, which is made once of each document."""
    known = views.get(claim.id)
    if known is None or known[0] is not claim:
        known = views.keep(claim.id, (claim, claim_view(claim)))
    return known[1]
