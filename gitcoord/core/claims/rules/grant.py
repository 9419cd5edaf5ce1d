"""Granting: one call, one decision, in one commit.

    wishes ──within one's own claims──> those, again; the rest is asked for
           ──too large, not allowed───> invalid or refused
           ──a holder is in the way──> refused, or a place in the line
           ──otherwise────────────────> one claim; parts are carved, readers outdated, partners noted

Rules:
  * CLAIM-1: all wishes of a call are granted, or none.
  * CLAIM-4: what lies within one's own claims is not asked for anew: what others have carved out of it, or wait for in
    it, is in no way of the rest.
  * A holder in the way that fell silent loses its claim in the same decision; so does one whose step went on.
  * CLAIM-6: a shared file is granted for two hours. A plain file that the ownership rules call shared is granted as a
    shared one. None of these can be narrowed, nor can modules and symbols.

What this file does not know: how the line is served; see `serve`. Whether a call may be made; see `call_limits`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from gitcoord.core.claims import conflicts
from gitcoord.core.claims.claim import FILE_HOURS, SHARED_HOURS, Claim, Item, Kind, Mode, Why
from gitcoord.core.claims.claim_commands import ClaimFiles, Wish
from gitcoord.core.claims.conflicts import Ask, Asker, Found
from gitcoord.core.claims.holder_silence import Silence
from gitcoord.core.claims.overlap_table import Result
from gitcoord.core.claims.register import Holder, Register
from gitcoord.core.claims.rules import carve, end_claim
from gitcoord.core.claims.working_copy import Work
from gitcoord.core.documents import outcomes
from gitcoord.core.documents.actor import Actor
from gitcoord.core.documents.call import Call, Sentence, sentence
from gitcoord.core.documents.json_text import Json, time_text
from gitcoord.core.documents.outcomes import Outcome
from gitcoord.core.patterns.area import Area
from gitcoord.core.patterns.path_pattern import Pattern

WAIT_S = 300  # what a next step proposes: half of what a call may wait
NAMED_MAX = 20  # conflicts that a refusal names; the rest is counted
SYMBOLS_SAID = 5  # in a notice, which is one line


@dataclass(frozen=True, slots=True)
class Way:
    """What is found around the wishes of a call. `blocks`: what blocks it.

    Attributes:
        own: for each wish that is not asked for anew: the claim of the caller's within which it lies.
    """

    found: tuple[Found, ...]
    own: Mapping[int, Claim] = field(default_factory=dict[int, Claim])

    @property
    def blocks(self) -> list[Found]:
        """Return the pairs that conflict."""
        return [overlap for overlap in self.found if overlap.is_conflict]


def asks_of(call: ClaimFiles) -> list[Ask]:
    """Return the wishes of a call as what is asked."""
    return [
        Ask(area_of(wish), wish.mode, number, wish.auto, keeps_whole=keeps_whole(wish))
        for number, wish in enumerate(call.wishes)
    ]


def keeps_whole(wish: Wish) -> bool:
    """Whether a wish says that others must not get symbols out of it."""
    return not wish.symbols and wish.mode is Mode.WRITE and (not wish.narrowable or wish.kind is Kind.MODULE)


def area_of(wish: Wish) -> Area:
    """Return what a wish covers."""
    return Area(Pattern.of(wish.pattern, wish.reading), wish.symbols)


def look(work: Work, actor: Actor, call: ClaimFiles) -> Way:
    """Find the claims that block the wishes. Those whose holders fell silent, or whose step went on, end here."""
    while True:
        way = around(work, actor, call)
        claims = {block.claim.id: block.claim for block in way.blocks}
        over = {claim.id: "step" for claim in claims.values() if work.context.is_void(claim)}
        over |= {
            claim.id: "silence"
            for claim in claims.values()
            if claim.id not in over and end_claim.is_silent(work, claim)
        }
        if not over:
            return way
        # An end can carve parts back into other claims, which may be over as well: look again until none is.
        for claim_id, reason in over.items():
            end_claim.end(work, claims[claim_id], reason)


def around(work: Work, actor: Actor, call: ClaimFiles) -> Way:
    """Find the claims that block the wishes, and change nothing."""
    strict, own = work.context.policy.strict_read, _held_beside(work, actor, call)
    asks = [ask for ask in asks_of(call) if ask.number not in own]
    return Way(tuple(conflicts.find(work.register, Asker(actor, call.repo), asks, None, strict_read=strict)), own)


def asked_anew(work: Work, actor: Actor, call: ClaimFiles) -> list[Ask]:
    """Return what a call asks for beside what its caller holds."""
    own = _held_beside(work, actor, call)
    return [ask for ask in asks_of(call) if ask.number not in own]


def already(work: Work, actor: Actor, call: ClaimFiles) -> list[Claim]:
    """Return the caller's own claims within which all wishes lie; none if one does not, or is held by others too."""
    own = _held_of(work, actor, call)
    return list({claim.id: claim for claim in own.values()}.values()) if len(own) == len(call.wishes) else []


def _held_beside(work: Work, actor: Actor, call: ClaimFiles) -> dict[int, Claim]:
    """Return the wishes that are held where others are not; of a call that is held as a whole none is left out."""
    own = _held_of(work, actor, call)
    return own if len(own) < len(call.wishes) else {}


def _held_of(work: Work, actor: Actor, call: ClaimFiles) -> dict[int, Claim]:
    """Return the wishes that lie within a claim of the caller's and are held by no one else, with that claim."""
    if not work.register.held.get(actor.holder):
        return {}
    asker, context, own = Asker(actor, call.repo), work.context, dict[int, Claim]()
    for ask in asks_of(call):
        near = work.register.near(ask.area, lambda claim: _may_cover(work, actor, call, claim))
        cover = conflicts.own_cover(near, ask, context.now)
        # What others were given of it since would make "yours already" untrue.
        if cover and not conflicts.unforeseen(work.register, asker, [ask], cover.items, context.now, context.is_void):
            own[ask.number] = cover
    return own


def too_many(work: Work, register: Register, holder: Holder) -> list[Claim]:
    """Return the claims of a holder that may have no further one; none of any other."""
    most, held_ids = work.context.policy.max_claims_per_agent, register.held.get(holder, ())
    if not most or len(held_ids) < most:
        return []
    # What ran out by its time is in the register until its allowance is over, and must not count.
    held = [claim for claim in register.claims_of(holder) if claim.expires_at > work.context.now]
    return held if len(held) >= most else []


def grant(work: Work, actor: Actor, call: ClaimFiles, way: Way, **marks: object) -> Claim:
    """Make the claim of a call that nothing blocks; `marks`: fields of a claim beside these."""
    now = work.context.now
    items = tuple(item_of(wish, now) for wish in wanted(call, way))
    claim = Claim(
        id=work.unused(Claim, call.claim_id),
        agent=actor.agent,
        clone=actor.clone,
        session=actor.session or None,
        repo=call.repo,
        branch=call.branch,
        description=call.description,
        items=items,
        severity=call.severity,
        owners=call.owners,
        fence=work.fence,
        step=call.step,
        step_fence=call.step_fence,
        created_at=now,
        expires_at=max(item.expires_at for item in items),
        last_activity=now,
    ).evolve(**marks)
    return settle(work, claim, way)


def wanted(call: ClaimFiles, way: Way) -> list[Wish]:
    """Return the wishes of a call that are asked for anew."""
    return [wish for number, wish in enumerate(call.wishes) if number not in way.own]


def settle(work: Work, claim: Claim, way: Way) -> Claim:
    """Write a claim; carve, outdate and agree to what it meets."""
    changed: dict[str, Claim] = {}
    for overlap in way.found:
        # Several wishes may meet one claim: each change is made to what the one before left.
        held = changed.get(overlap.claim.id, work.register.claims[overlap.claim.id])
        area = Area(overlap.ask.area.pattern, overlap.meeting.symbols)
        if overlap.meeting.result is Result.CARVE:
            claim = carve.agree(claim, carve.part_of(area, held.id, Why.CARVED))
            changed[held.id] = carve.carve(held, overlap.at, carve.part_of(area, claim.id, Why.CARVED))
            names = ", ".join(area.symbols[:SYMBOLS_SAID]) + ("…" if len(area.symbols) > SYMBOLS_SAID else "")
            work.event("auto_narrow", claim=held.id, agent=held.agent, by=claim.agent, symbols=[*area.symbols])
            work.notify(
                held, "auto_narrow", f"{claim.agent} now holds {names} in {area.pattern.text}; the rest stays yours."
            )
        elif overlap.meeting.result is Result.AGREED:
            claim = carve.agree(claim, carve.part_of(overlap.ask.area, held.id, Why.AGREED))
            changed[held.id] = carve.agree(held, carve.part_of(overlap.ask.area, claim.id, Why.AGREED))
        elif overlap.meeting.result is Result.OUTDATE:
            changed[held.id] = carve.carve(held, overlap.at, carve.part_of(area, claim.id, Why.STALE))
            pattern = area.pattern.text
            work.event("auto_narrow", claim=held.id, agent=held.agent, by=claim.agent, pattern=pattern, stale=True)
            work.notify(held, "auto_narrow", f"{claim.agent} now writes {pattern}; what you read there may be old.")
        elif overlap.meeting.result is Result.COEXIST:
            # Only an event: disjoint symbols stay disjoint for as long as both claims are as they are.
            work.event("auto_coexist", claim=claim.id, agent=claim.agent, other=held.id, holder=held.agent)
    work.put(*changed.values(), claim)
    work.event("claim_granted", claim=claim.id, agent=claim.agent)
    return claim


def item_of(wish: Wish, now: datetime) -> Item:
    """Return the item that a wish makes."""
    pattern = area_of(wish).pattern
    kind = Kind.SHARED_FILE if becomes_shared(wish) else wish.kind
    # Whatever was asked for: everyone needs a shared file (CLAIM-6).
    hours = SHARED_HOURS if kind is Kind.SHARED_FILE else wish.hours or FILE_HOURS
    return Item(
        pattern=pattern.text,
        reading=pattern.stored,
        symbols=wish.symbols,
        kind=kind,
        mode=wish.mode,
        narrowable=wish.narrowable and kind is Kind.FILE and not wish.symbols,
        expires_at=now + timedelta(hours=hours),
        auto=wish.auto,
        # Only what a hook claimed is dropped when it is idle: no agent asked for it (CLAIM-13).
        last_activity=now if wish.auto else None,
        since=now if wish.auto else None,
    )


def becomes_shared(wish: Wish) -> bool:
    """Whether a plain file lies within what the ownership rules call shared."""
    return wish.is_shared and wish.kind is Kind.FILE and not wish.symbols


def refusal(work: Work, call: ClaimFiles, blocks: Sequence[Found]) -> Outcome:
    """Say who is in the way."""
    first = blocks[0]
    others = len({block.claim.holder for block in blocks}) - 1
    more = f" and {others} other{'s' if others > 1 else ''}" if others else ""
    verb = "hold" if others else "holds"
    message = f"{first.claim.agent}{more} {verb} what you ask for: {first.item.area.pattern.text}."
    silence = None if others else _silence(work, first.claim)  # of several holders each conflict says it of its own
    said = silence.sentence(work.context.now, max(block.item.expires_at for block in blocks)) if silence else ""
    message += f" {said}" if said else ""
    hint = what_to_do(work, blocks, sentence("repeat this as ", Call.of("claim_files", ..., wait_seconds=WAIT_S)))
    return outcomes.refused("conflict", message, hint, **conflict_facts(work, call, blocks))


def what_to_do(work: Work, blocks: Sequence[Found], to_wait: str | Call) -> Sentence:
    """Return what may be done about claims in the way; `to_wait`: the call that gets in line."""
    symbols = Call.of("claim_files", symbols=...)
    more = (", or of code only the symbols that you change: ", symbols) if all(map(_leaves_symbols, blocks)) else ()
    another = sentence(" Or claim another part", *more, ".")
    claims = {block.claim.id: block.claim for block in blocks}.values()
    asked = next((claim for claim in claims if not ((found := _silence(work, claim)) and found.is_gone)), None)
    if asked is None:
        return sentence("Wait: ", to_wait, ". No one is there to ask.", another)
    ask = Call.of("request_release", claim_id=asked.id, reason=...)
    return sentence("Wait: ", to_wait, ". Or ask: ", ask, ".", another)


def _leaves_symbols(block: Found) -> bool:
    """Whether a call of symbols would not meet what blocks one of whole files."""
    held, ask = block.item, block.ask
    writes = held.mode is Mode.WRITE and ask.mode is Mode.WRITE
    return not ask.area.symbols and (bool(held.symbols) or (writes and held.may_be_narrowed))


def conflict_facts(work: Work, call: ClaimFiles, blocks: Sequence[Found]) -> dict[str, Json]:
    """Return the blocking claims as facts; `until`: when the last of it ends, if nothing else does that before."""
    named: list[Json] = [
        {
            **conflicts.view(block, call.wishes[block.ask.number].pattern),
            **(gone.facts(block.item.expires_at) if (gone := _silence(work, block.claim)) else {}),
        }
        for block in blocks[:NAMED_MAX]
    ]
    until = time_text(max(block.item.expires_at for block in blocks))
    return {"conflicts": named, "conflicts_count": len(blocks), "until": until}


def _silence(work: Work, claim: Claim) -> Silence | None:
    """Return how the claim's holder is judged, as far as its claim would end with it."""
    is_judged = claim.session is not None and work.context.policy.idle_limit
    return work.silence_of(claim) if is_judged else None


def _may_cover(work: Work, actor: Actor, call: ClaimFiles, claim: Claim) -> bool:
    """Whether a claim is the caller's and lasts: one of a step lasts as long as that step, for calls that name none."""
    if claim.holder != actor.holder or claim.repo != call.repo or work.context.is_void(claim):
        return False
    return call.step is None or (claim.step, claim.step_fence) == (call.step, call.step_fence)
