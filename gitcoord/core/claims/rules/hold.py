"""Holding: what a holder does with claims of its own: claim, extend, release.

Rules:
  * CLAIM-4: claiming what lies within one's own claims gives those again; beside it, a claim of what does not.
  * CLAIM-13: what an edit hook claims is added to the one claim that grows for its holder and branch. One that has
    grown as large as a claim may be is followed by another: no agent is stopped in the middle of work by how much it
    already edited.
  * CLAIM-7: a party's claims are its holders' alike: named by id, any of them extends and releases them. Someone else's
    claim is never changed; a name that holds nothing changes nothing and says so.
  * CLAIM-12: `extend` asks no one, never shortens, and cannot undo a shortening that a request made.

What this file does not know: what conflicts; see `grant`.
"""

from datetime import timedelta

from gitcoord.core.claims.claim import SHARED_HOURS, Claim, Item, Kind
from gitcoord.core.claims.claim_commands import ClaimFiles, ExtendClaims, ReleaseClaims
from gitcoord.core.claims.conflicts import is_of_session
from gitcoord.core.claims.overlap_table import Result
from gitcoord.core.claims.queue_entry import QueueEntry
from gitcoord.core.claims.rules import barriers, call_limits, end_claim, grant, keep_alive, serve, wait
from gitcoord.core.claims.working_copy import Work
from gitcoord.core.documents import outcomes
from gitcoord.core.documents.actor import Actor
from gitcoord.core.documents.call import Call, sentence
from gitcoord.core.documents.json_text import Json, time_text
from gitcoord.core.documents.outcomes import Outcome


def claim(work: Work, call: ClaimFiles) -> Outcome:
    """Grant a call, put it in the line, or say who is in the way."""
    actor = work.context.actor
    bad = call_limits.fault(call)
    if bad is not None:
        return bad
    keep_alive.follow(work, call)
    # What the caller holds already was allowed when it was granted; a call of more is judged as a whole.
    own_claims = grant.already(work, actor, call)
    if own_claims:
        return _again(work, call, own_claims)
    bad = call_limits.not_allowed(call, work.context.policy)
    if bad is not None:
        return bad
    entry = wait.entry_of(work, actor, call)
    if entry is not None:
        return wait.ask_again(work, entry)
    return _fresh(work, actor, call)


def obstacles(work: Work, actor: Actor, call: ClaimFiles) -> tuple[grant.Way, list[QueueEntry]]:
    """Find what a fresh call meets: claims, and waiters whom it does not overtake (CLAIM-18).

    Claims of holders that are gone end here, and waiters for what they had come first.
    """
    way = grant.look(work, actor, call)
    if work.freed:
        serve.serve(work)
        way = grant.look(work, actor, call)
    return way, wait.line_ahead(work, actor, call)


def release(work: Work, command: ReleaseClaims) -> Outcome:
    """End claims of the caller, of its session, or by force."""
    actor = work.context.actor
    chosen, others = _chosen(work, command, actor)
    for claim in chosen:
        # Noted before the end: the barrier that the claim leaves names it (CLAIM-10).
        commit = (command.commits or {}).get(claim.id)
        if commit is not None and commit != claim.commit:
            work.put(claim.evolve(commit=commit))
        reason = "step" if command.step else "session" if command.whole_session else "released"
        # Recorded as force only where it was needed: the holder may name it for its own claims.
        forced = command.force and not _is_of(claim, work.context.actor)
        end_claim.end(work, claim, "forced" if forced else reason, note=command.reason)
        if not forced and work.context.actor.is_partner(claim.agent, claim.clone):
            text = f"{work.context.actor.agent} released your claim {claim.id} ({claim.items[0].pattern})."
            work.notify(claim, "claim_released", text)
    # A session that ends waits no longer: a grant to it would keep others out until it is taken back.
    if command.whole_session:
        waiting = [
            entry
            for entry in work.register.entries.values()
            if (entry.session, entry.clone) == (actor.session, actor.clone)
        ]
        for entry in sorted(waiting, key=lambda entry: entry.number):
            serve.leave(work, entry, "session")
    facts: dict[str, Json] = {"released": [claim.id for claim in chosen]}
    if others:
        facts["not_yours"] = [claim.id for claim in others]
    held_ids = {claim.id for claim in (*chosen, *others)}
    missing: list[Json] = [claim_id for claim_id in command.ids if claim_id not in held_ids]
    if missing:
        facts["not_found"] = missing
    return outcomes.done("claim_released", **facts, **({} if chosen else {"already": True}))


def extend(work: Work, command: ExtendClaims) -> Outcome:
    """Make claims last longer."""
    bad = call_limits.bad_hours(command.hours)
    if bad is not None:
        return bad
    now, actor = work.context.now, work.context.actor
    for claim_id in command.ids:
        held = work.register.claims.get(claim_id)
        is_own = held is not None and actor.is_party(held.agent, held.clone)
        # What ran out may be someone else's in the next decision: it is claimed again, not extended.
        if held is None or (is_own and held.expires_at <= now):
            message = f"There is no active claim {claim_id}; it may have ended."
            hint = sentence("Claim again: ", Call.of("claim_files", ...), ".")
            return outcomes.refused("not_found", message, hint, claim_id=claim_id)
        if not is_own:
            return outcomes.refused("not_yours", f"Claim {claim_id} is held by {held.agent}.", claim_id=claim_id)
    named = [work.register.claims[claim_id] for claim_id in dict.fromkeys(command.ids)]
    wanted = named or work.register.claims_of(actor.holder)
    longer = [claim.with_items(tuple(_longer(work, item, command.hours) for item in claim.items)) for claim in wanted]
    work.put(*longer)
    ends: dict[str, Json] = {claim.id: time_text(claim.expires_at) for claim in longer}
    clamped: list[Json] = [claim.id for claim in longer if any(item.clamped_from for item in claim.items)]
    facts: dict[str, Json] = {"claims": ends, **({"clamped": clamped} if clamped else {})}
    return outcomes.done("claim_extended", **facts, **({"already": True} if longer == wanted else {}))


def _fresh(work: Work, actor: Actor, call: ClaimFiles) -> Outcome:
    """Decide a call that is neither held nor waited for yet."""
    way, line = obstacles(work, actor, call)
    own_claims = [*{claim.id: claim for claim in way.own.values()}.values()]
    keep_alive.touch(work, call, own_claims)
    grown = _growing(work, actor, call)
    # A claim that grows is none more, however many its holder has.
    bad = too_many(work, actor) if grown is None else None
    if bad is not None:
        return bad
    if not way.blocks and not line:
        granted = _grow(work, grown, call, way) if grown else grant.grant(work, actor, call, way)
        barred = barriers.facts(work, call.repo, serve.areas_of(call))
        writers = [overlap for overlap in way.found if overlap.meeting.result is Result.WARN]
        out: list[Json] = [
            f"{overlap.claim.agent} writes {overlap.item.pattern}; what you read may change." for overlap in writers
        ]
        converted = [wish.pattern for wish in grant.wanted(call, way) if grant.becomes_shared(wish)]
        out += [f"{pattern} is a shared file: the claim lasts {SHARED_HOURS:g} hours." for pattern in converted]
        facts: dict[str, Json] = {**({"warnings": out} if out else {}), **_carved(own_claims, call)}
        if own_claims:
            facts["claims"] = [*dict.fromkeys([granted.id, *(claim.id for claim in own_claims)])]
        return outcomes.done("claim_granted", claim=granted.id, fence=granted.fence, **barred, **facts)
    if call.wait_s:
        return wait.join(work, actor, call)
    return grant.refusal(work, call, way.blocks) if way.blocks else wait.behind(line)


def _again(work: Work, call: ClaimFiles, own_claims: list[Claim]) -> Outcome:
    """Give the claims that the caller has already, and say what of them is others'."""
    keep_alive.touch(work, call, own_claims)
    claims: list[Json] = [claim.id for claim in own_claims]
    first, carved = own_claims[0], _carved(own_claims, call)
    return outcomes.done("claim_granted", claim=first.id, fence=first.fence, claims=claims, already=True, **carved)


def _carved(own_claims: list[Claim], call: ClaimFiles) -> dict[str, Json]:
    """Return what of a call others have carved out of the caller's claims, as a fact; none if there is nothing."""
    carved: list[Json] = [
        {"claim": part.claim, "pattern": part.pattern, "symbols": [*part.symbols]}
        for claim in own_claims
        for item in claim.items
        for part in item.carved
        if any(part.area.overlaps(grant.area_of(wish)) for wish in call.wishes)
    ]
    return {"carved": carved} if carved else {}


def _growing(work: Work, actor: Actor, call: ClaimFiles) -> Claim | None:
    """Return the claim that grows by what an edit hook asks; one whose release was asked for does not."""
    if not all(wish.auto for wish in call.wishes):
        return None
    for claim in work.register.claims_of(actor.holder):
        same = (claim.repo, claim.branch, claim.step, claim.step_fence) == (
            call.repo,
            call.branch,
            call.step,
            call.step_fence,
        )
        # A grant from the line may still be taken back, and what another agent asks for must not become more.
        free = claim.ack_by is None and claim.id not in work.register.asked
        fits = call_limits.has_room(len(claim.items), call, work.context.policy)
        if same and free and fits and all(item.auto and item.clamped_from is None for item in claim.items):
            return claim
    return None


def _grow(work: Work, grown: Claim, call: ClaimFiles, way: grant.Way) -> Claim:
    now = work.context.now
    more = tuple(grant.item_of(wish, now) for wish in grant.wanted(call, way))
    return grant.settle(work, grown.with_items((*grown.items, *more)).evolve(last_activity=now), way)


def too_many(work: Work, actor: Actor) -> Outcome | None:
    """Return why a caller may have no further claim."""
    most, now = work.context.policy.max_claims_per_agent, work.context.now
    held = grant.too_many(work, work.register, actor.holder)
    if not held:
        return None
    message = f"{actor.agent} holds {len(held)} claims; the limit is {most}."
    again = wait.seconds_until(min(claim.expires_at for claim in held), now)
    release = Call.of("release_claims", claim_ids=[...])
    hint = sentence("Release some first: ", release, f". The next one ends in {again} s.")
    return outcomes.refused("too_many_claims", message, hint, ask_again_s=again)


def _is_of(claim: Claim, actor: Actor) -> bool:
    return actor.is_party(claim.agent, claim.clone) or is_of_session(claim, actor)


def _chosen(work: Work, command: ReleaseClaims, actor: Actor) -> tuple[list[Claim], list[Claim]]:
    """Return the claims to end, and those of others that were named."""
    register = work.register
    if command.ids:
        named = [register.claims[claim_id] for claim_id in dict.fromkeys(command.ids) if claim_id in register.claims]
        own_claims = [claim for claim in named if command.force or _is_of(claim, actor)]
        return own_claims, [claim for claim in named if not command.force and not _is_of(claim, actor)]
    whole = command.whole_session
    # A clone may have got a new id meanwhile: its session is the same (SAFE-10).
    clones = actor.session_clones if whole else ()
    of_session = [claim for clone in clones for claim in register.claims_of_session(actor.session, clone)]
    own_claims = of_session if whole else register.claims_of(actor.holder)
    return [claim for claim in own_claims if command.step in (None, claim.step)], []


def _longer(work: Work, item: Item, hours: float) -> Item:
    now = work.context.now
    until = now + timedelta(hours=min(hours, SHARED_HOURS) if item.kind is Kind.SHARED_FILE else hours)
    # CLAIM-12: it never gets shorter, and what a request has shortened stays so.
    if item.clamped_from is not None or item.expires_at <= now or until <= item.expires_at:
        return item
    return item.evolve(expires_at=until)
