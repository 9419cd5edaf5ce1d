"""Importing claims: taking over what another tool had, with the time they have left, all of them or none.

    claims ──all here by their ids──> already
           ──in a holder's way──────> refused, with every conflict
           ──otherwise──────────────> written with the time they have left

Rules:
  * IMPORT-2: an imported claim has no session, so only its time ends it unasked; it meets others by the very table of
    granting. Limits of size were the other tool's to hold.
  * IMPORT-3: the same import again changes nothing.

What this file does not know: the other tools, their files, how their words are read.
"""

from collections import Counter
from datetime import timedelta

from gitcoord.core.claims import conflicts
from gitcoord.core.claims.claim import Claim, Why
from gitcoord.core.claims.claim_commands import ClaimFiles, ImportClaims, Wish
from gitcoord.core.claims.conflicts import Found
from gitcoord.core.claims.rules import call_limits, carve, grant, wait
from gitcoord.core.claims.working_copy import Work
from gitcoord.core.documents import outcomes
from gitcoord.core.documents.actor import Actor
from gitcoord.core.documents.json_text import Json
from gitcoord.core.documents.names import shown
from gitcoord.core.documents.outcomes import Outcome

CLAIMS_MAX = 2_000  # in one decision, each looked for among all others: 2 s of the clone's lock


def claims(work: Work, command: ImportClaims) -> Outcome:
    """Take claims over, all or none; those that are here already stay as they are."""
    fault = _claims_fault(work, command)
    if fault:
        return fault
    over = [claim.id for claim in command.claims if claim.expires_at <= work.context.now]
    known = [claim.id for claim in command.claims if claim.id in work.register.claims]
    fresh = [claim for claim in command.claims if claim.id not in {*over, *known}]
    shared = {frozenset(pair) for pair in command.shared}
    blocks: list[tuple[Claim, Found]] = []
    agreed: dict[tuple[str, str], None] = {}
    for claim in fresh:
        actor, call = Actor(agent=claim.agent, clone=claim.clone, session=""), _call_of(claim)
        # An import is a fresh call as well: it does not overtake who has waited (CLAIM-18).
        line = wait.line_ahead(work, actor, call)
        if line:
            return wait.behind(line)
        way = grant.look(work, actor, call)
        settled = [met for met in way.blocks if frozenset((claim.id, met.claim.id)) in shared]
        agreed |= dict.fromkeys((met.claim.id, claim.id) for met in settled)
        way = grant.Way(tuple(met for met in way.found if met not in settled))
        blocks += [(claim, met) for met in way.blocks]
        # Written before the next is looked at, so that claims of the same import meet each other too.
        grant.settle(work, claim.evolve(fence=work.fence), way)
    if blocks:
        return _refusal(blocks)
    for older, younger in agreed:
        # The two would conflict, and were agreed on in the other tool: all that the younger one has.
        areas = [item.area for item in work.register.claims[younger].items]
        for own_id, other in ((older, younger), (younger, older)):
            kept = work.register.claims[own_id]
            for area in areas:
                kept = carve.agree(kept, carve.part_of(area, other, Why.AGREED))
            work.put(kept)
    facts: dict[str, Json] = {"imported": [claim.id for claim in fresh], "known": [*known], "over": [*over]}
    return outcomes.done("claims_imported", **facts, **({} if fresh else {"already": True}))


def _claims_fault(work: Work, command: ImportClaims) -> Outcome | None:
    if len(command.claims) > CLAIMS_MAX:
        message = f"{len(command.claims)} claims at once are more than {CLAIMS_MAX}."
        return outcomes.invalid("too_many", message, "End some of them there first.")
    ids = Counter(claim.id for claim in command.claims)
    latest = work.context.now + timedelta(hours=call_limits.HOURS_MAX)
    for claim in command.claims:
        if ids[claim.id] > 1:
            return outcomes.invalid("duplicate", f"Claim {shown(claim.id)} is given twice.")
        here = work.register.claims.get(claim.id)
        if here is not None and here.holder != claim.holder:
            return outcomes.refused("exists", f"{here.agent} has a claim of the id {claim.id}.", claim_id=claim.id)
        # All of this is given here: brought along, it would name sessions, steps and claims that do not exist.
        has_more = any((claim.session, claim.step, claim.fence, claim.partners, claim.queue_id, claim.ack_by))
        has_met = any(item.carved or item.clamped_from or item.auto for item in claim.items)
        last = max((item.expires_at for item in claim.items), default=None)
        if has_more or has_met or claim.expires_at != last:  # it ends when the last of its items does
            return outcomes.invalid("bad_claim", f"Claim {shown(claim.id)} has more than an imported claim can have.")
        # Only time ends it (IMPORT-2): one without an end in sight would stay for ever.
        if claim.expires_at > latest:
            return outcomes.invalid(
                "bad_hours", f"Claim {shown(claim.id)} lasts longer than {call_limits.HOURS_MAX:g} hours."
            )
        fault = call_limits.fault_of_wishes(_call_of(claim).wishes)
        if fault:
            return fault
    return None


def _call_of(claim: Claim) -> ClaimFiles:
    """Return the call that would ask for what a claim has."""
    return ClaimFiles(
        claim_id=claim.id,
        wishes=tuple(
            Wish(
                pattern=item.pattern,
                reading=item.reading,
                symbols=item.symbols,
                kind=item.kind,
                mode=item.mode,
                narrowable=item.narrowable,
            )
            for item in claim.items
        ),
        repo=claim.repo,
    )


def _refusal(blocks: list[tuple[Claim, Found]]) -> Outcome:
    """Say which claims are in whose way; nothing of the import is written."""
    first, found = blocks[0]
    more = f", and {len(blocks) - 1} more" if len(blocks) > 1 else ""
    pattern = found.ask.area.pattern.text
    message = f"{first.agent}'s claim on {pattern} is in the way of {found.claim.agent}'s{more}; nothing was imported."
    hint = "End one claim of each pair, there or here, then import again."
    named: list[Json] = [
        {**conflicts.view(met, claim.items[met.ask.number].pattern), "for": claim.agent, "for_claim": claim.id}
        for claim, met in blocks[: grant.NAMED_MAX]
    ]
    return outcomes.refused("conflict", message, hint, conflicts=named, conflicts_count=len(blocks))
