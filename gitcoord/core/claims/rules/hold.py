"""Holding: what a holder does with claims of its own: claim, extend, release.

Rules:
  * Claiming what lies within one's own claims gives those again.
  * What an edit hook claims is added to the one claim that grows for its holder and branch. One that has grown as large
    as a claim may be is followed by another: no agent is stopped in the middle of work by how much it already edited.
  * A party's claims are its holders' alike: named by id, any of them extends and releases them. Someone else's claim is
    never changed; a name that holds nothing changes nothing and says so.
  * `extend` asks no one, never shortens, and cannot undo a shortening that a request made.

What this file does not know: what conflicts; see `grant`.
"""

from datetime import timedelta

from gitcoord.core.claims.claim import SHARED_HOURS, Claim, Item, Kind
from gitcoord.core.claims.claim_commands import ClaimFiles, ExtendClaims, ReleaseClaims
from gitcoord.core.claims.conflicts import is_of_session
from gitcoord.core.claims.overlap_table import Result
from gitcoord.core.claims.rules import barriers, call_limits, end_claim, grant, keep_alive, serve, wait
from gitcoord.core.claims.working_copy import Work
from gitcoord.core.documents import outcomes
from gitcoord.core.documents.actor import Actor
from gitcoord.core.documents.doc import Json, time_text
from gitcoord.core.documents.outcomes import Outcome


def claim(work: Work, call: ClaimFiles) -> Outcome:
    """Grant a call, put it in the line, or say who is in the way."""
    actor = work.context.actor
    bad = call_limits.fault(call)
    if bad is not None:
        return bad
    keep_alive.follow(work, call)
    mine = grant.already(work, actor, call)
    if mine:
        return _again(work, call, mine)
    bad = call_limits.not_allowed(call, work.context.policy)
    if bad is not None:
        return bad
    entry = wait.entry_of(work, actor, call)
    if entry is not None:
        return wait.ask_again(work, entry)
    return _fresh(work, actor, call)


def release(work: Work, command: ReleaseClaims) -> Outcome:
    """End claims of the caller, of its session, or by force."""
    actor = work.context.actor
    chosen, others = _chosen(work, command, actor)
    for one in chosen:
        _release_one(work, one, command)
    if command.whole_session:
        _stop_waiting(work, actor)
    facts: dict[str, Json] = {"released": [one.id for one in chosen]}
    if others:
        facts["not_yours"] = [one.id for one in others]
    known = {one.id for one in (*chosen, *others)}
    missing: list[Json] = [one for one in command.ids if one not in known]
    if missing:
        facts["not_found"] = missing
    return outcomes.done("claim_released", **facts, **({} if chosen else {"already": True}))


def extend(work: Work, command: ExtendClaims) -> Outcome:
    """Make claims last longer."""
    bad = call_limits.bad_hours(command.hours)
    if bad is not None:
        return bad
    now, actor = work.context.now, work.context.actor
    for one in command.ids:
        held = work.register.claims.get(one)
        is_own = held is not None and actor.is_party(held.agent, held.clone)
        if held is None or (is_own and held.expires_at <= now):
            message = f"There is no active claim {one}; it may have ended."
            return outcomes.refused("not_found", message, "Claim again: claim_files(…).", claim_id=one)
        if not is_own:
            return outcomes.refused("not_yours", f"Claim {one} is held by {held.agent}.", claim_id=one)
    named = [work.register.claims[one] for one in dict.fromkeys(command.ids)]
    wanted = named or work.register.claims_of(actor.holder)
    longer = [one.with_items(tuple(_longer(work, item, command.hours) for item in one.items)) for one in wanted]
    work.put(*longer)
    ends: dict[str, Json] = {one.id: time_text(one.expires_at) for one in longer}
    clamped: list[Json] = [one.id for one in longer if any(item.clamped_from for item in one.items)]
    facts: dict[str, Json] = {"claims": ends, **({"clamped": clamped} if clamped else {})}
    return outcomes.done("claim_extended", **facts, **({"already": True} if longer == wanted else {}))


def _fresh(work: Work, actor: Actor, call: ClaimFiles) -> Outcome:
    """Decide a call that is neither held nor waited for yet. Who waits for what ends here comes first."""
    way = grant.look(work, actor, call)
    if work.freed:
        serve.serve(work)
        way = grant.look(work, actor, call)
    line = wait.line_ahead(work, actor, call)
    grown = _growing(work, actor, call)
    bad = _too_many(work, actor) if grown is None else None
    if bad is not None:
        return bad
    if not way.blocks and not line:
        made = _grow(work, grown, call, way) if grown else grant.grant(work, actor, call, way)
        told = barriers.told(work, call.repo, serve.areas_of(call))
        return outcomes.done("claim_granted", claim=made.id, fence=made.fence, **told, **_warnings(call, way))
    if call.wait_s:
        return wait.join(work, actor, call)
    return grant.refusal(work, call, way.blocks) if way.blocks else wait.behind(line)


def _again(work: Work, call: ClaimFiles, mine: list[Claim]) -> Outcome:
    """Give the claims that the caller has already, and say what of them is others'."""
    keep_alive.touch(work, call, mine)
    carved: list[Json] = [
        {"claim": part.claim, "pattern": part.pattern, "symbols": [*part.symbols]}
        for one in mine
        for item in one.items
        for part in item.carved
        if any(part.area.overlaps(grant.area_of(wish)) for wish in call.wishes)
    ]
    facts: dict[str, Json] = {"carved": carved} if carved else {}
    claims: list[Json] = [one.id for one in mine]
    first = mine[0]
    return outcomes.done("claim_granted", claim=first.id, fence=first.fence, claims=claims, already=True, **facts)


def _growing(work: Work, actor: Actor, call: ClaimFiles) -> Claim | None:
    """Return the claim that grows by what an edit hook asks; one whose release was asked for does not."""
    if not all(wish.auto for wish in call.wishes):
        return None
    for one in work.register.claims_of(actor.holder):
        same = (one.repo, one.branch, one.step, one.step_fence) == (call.repo, call.branch, call.step, call.step_fence)
        free = one.ack_by is None and one.id not in work.register.asked
        fits = call_limits.has_room(len(one.items), call, work.context.policy)
        if same and free and fits and all(item.auto and item.clamped_from is None for item in one.items):
            return one
    return None


def _grow(work: Work, grown: Claim, call: ClaimFiles, way: grant.Way) -> Claim:
    now = work.context.now
    more = tuple(grant.item_of(wish, now) for wish in call.wishes)
    return grant.settle(work, grown.with_items((*grown.items, *more)).evolve(last_activity=now), way)


def _too_many(work: Work, actor: Actor) -> Outcome | None:
    most, now = work.context.policy.max_claims_per_agent, work.context.now
    held = grant.too_many(work, work.register, actor.holder)
    if not held:
        return None
    message = f"{actor.agent} holds {len(held)} claims; the limit is {most}."
    again = wait.seconds_until(min(one.expires_at for one in held), now)
    hint = f"Release some first: release_claims(claim_ids=…). The next one ends in {again} s."
    return outcomes.refused("too_many_claims", message, hint, ask_again_s=again)


def _warnings(call: ClaimFiles, way: grant.Way) -> dict[str, Json]:
    writers = [one for one in way.found if one.meeting.result is Result.WARN]
    out: list[Json] = [f"{one.claim.agent} writes {one.item.pattern}; what you read may change." for one in writers]
    converted = [wish.pattern for wish in call.wishes if grant.becomes_shared(wish)]
    out += [f"{pattern} is a shared file: the claim lasts {SHARED_HOURS:g} hours." for pattern in converted]
    return {"warnings": out} if out else {}


def _is_of(one: Claim, actor: Actor) -> bool:
    return actor.is_party(one.agent, one.clone) or is_of_session(one, actor)


def _chosen(work: Work, command: ReleaseClaims, actor: Actor) -> tuple[list[Claim], list[Claim]]:
    """Return the claims to end, and those of others that were named."""
    register = work.register
    if command.ids:
        named = [register.claims[one] for one in dict.fromkeys(command.ids) if one in register.claims]
        mine = [one for one in named if command.force or _is_of(one, actor)]
        return mine, [one for one in named if not command.force and not _is_of(one, actor)]
    whole = command.whole_session
    clones = actor.session_clones if whole else ()
    of_session = [one for clone in clones for one in register.claims_of_session(actor.session, clone)]
    mine = of_session if whole else register.claims_of(actor.holder)
    return [one for one in mine if command.step in (None, one.step)], []


def _release_one(work: Work, one: Claim, command: ReleaseClaims) -> None:
    commit = (command.commits or {}).get(one.id)
    if commit is not None and commit != one.commit:
        work.put(one.evolve(commit=commit))
    reason = "step" if command.step else "session" if command.whole_session else "released"
    forced = command.force and not _is_of(one, work.context.actor)
    end_claim.end(work, one, "forced" if forced else reason, note=command.reason)
    if not forced and work.context.actor.is_partner(one.agent, one.clone):
        text = f"{work.context.actor.agent} released your claim {one.id} ({one.items[0].pattern})."
        work.notify(one, "claim_released", text)


def _stop_waiting(work: Work, actor: Actor) -> None:
    """Take out what a session waits for that ends."""
    mine = [one for one in work.register.entries.values() if (one.session, one.clone) == (actor.session, actor.clone)]
    for entry in sorted(mine, key=lambda one: one.number):
        serve.leave(work, entry, "session")


def _longer(work: Work, item: Item, hours: float) -> Item:
    now = work.context.now
    until = now + timedelta(hours=min(hours, SHARED_HOURS) if item.kind is Kind.SHARED_FILE else hours)
    if item.clamped_from is not None or item.expires_at <= now or until <= item.expires_at:
        return item
    return item.evolve(expires_at=until)
