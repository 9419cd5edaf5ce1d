"""Asking for a release, and answering.

Rules:
  * CLAIM-15: the first request shortens the holder's claim to five minutes from when the holder saw it; once, however
    many ask.
  * CLAIM-16: only the holder's party or its session answers, never who asked, and only once. A late answer is noted and
    changes nothing.
  * Until the claim is over for others too, the request is pending for both sides, and an answer counts: no one can have
    got anything of it yet.
  * An answer shows that the holder is there: carrying it out never ends the claim that it is for by silence.
  * A claim whose step went on without it is over, and an answer for it is late.
  * approved: the claim ends and the asker is granted before the line. denied: the old end comes back when no other
    asks. narrowed: the holder keeps a contained part. coexist: both hold a contained part, no other holder is harmed.

What this file does not know: how long a holder takes to see a request; see `keep_alive.acknowledge`.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from gitcoord.core.claims import conflicts
from gitcoord.core.claims.claim import FILE_HOURS, Claim, Item, Mode
from gitcoord.core.claims.claim_commands import Answer, AnswerRequest, ClaimFiles, RequestRelease, Wish
from gitcoord.core.claims.conflicts import Ask, Asker, Found, is_of_session
from gitcoord.core.claims.notice import NOTE_CHARS
from gitcoord.core.claims.overlap_table import Meeting, Result
from gitcoord.core.claims.release_request import SHORTENED, ReleaseRequest, RequestState
from gitcoord.core.claims.rules import call_limits, carve, end_claim, grant
from gitcoord.core.claims.rules.grant import Way
from gitcoord.core.claims.working_copy import Work
from gitcoord.core.documents import outcomes, party
from gitcoord.core.documents.actor import Actor
from gitcoord.core.documents.call import Call, sentence
from gitcoord.core.documents.json_text import time_text
from gitcoord.core.documents.names import shown
from gitcoord.core.documents.outcomes import Outcome
from gitcoord.core.patterns.area import Area
from gitcoord.core.patterns.path_pattern import Pattern, PatternError


def request(work: Work, command: RequestRelease) -> Outcome:
    """File a request, once for an agent and a claim."""
    actor = work.context.actor
    held = work.register.claims.get(command.claim_id)
    if held is None:
        message = f"There is no active claim {command.claim_id}; if it ended, what it covered is free."
        hint = sentence("Claim it now: ", Call.of("claim_files", ...), ".")
        return outcomes.refused("not_found", message, hint, claim_id=command.claim_id)
    # A party shares its claims: there is no one to ask.
    if actor.is_party(held.agent, held.clone):
        hint = sentence("End it: ", Call.of("release_claims", claim_ids=[held.id]), ".")
        return outcomes.invalid("own_claim", "This claim is your own.", hint)
    filed_before = next(
        (request for request in work.register.pending_for(held.id) if request.actor.holder == actor.holder), None
    )
    if filed_before is not None:
        return outcomes.done("request_filed", request=filed_before.id, already=True)
    if not command.wishes:
        command = command.evolve(
            wishes=tuple(
                Wish(pattern=item.pattern, reading=item.reading, symbols=item.symbols, kind=item.kind)
                for item in held.items
            )
        )
    bad = call_limits.fault_of_wishes(command.wishes) or call_limits.not_allowed(command, work.context.policy)
    if bad is not None:
        return bad
    filed = _request(work, actor, held, command)
    work.put(filed)
    # By the holder's clock as well: the asker's may be far behind, and every other clone would end the claim at once.
    latest = max(work.context.now, held.last_activity) + timedelta(seconds=2 * work.context.beat_s) + SHORTENED
    shortened = held.with_items(tuple(item if item.clamped_from else _clamped(item, latest) for item in held.items))
    work.put(shortened)
    todo = Call.of("respond_to_request", request_id=filed.id, decision=Answer)
    text = sentence(f"{actor.agent} asks for your claim {held.id} ({held.items[0].pattern}): ", todo, ".")
    work.notify(held, "request_filed", text)
    work.event("request_filed", request=filed.id, claim=held.id, agent=actor.agent, holder=held.agent)
    return outcomes.done("request_filed", request=filed.id, until=time_text(shortened.expires_at))


def answer(work: Work, command: AnswerRequest) -> Outcome:
    """Answer a request as the holder."""
    actor = work.context.actor
    asked = work.register.requests.get(command.request_id)
    if asked is None:
        hint = sentence("See ", Call.of("pending_requests"), ".")
        return outcomes.refused("not_found", f"There is no request {command.request_id}.", hint)
    held = work.register.claims.get(asked.claim)
    if not _may_answer(asked, held, actor):
        message = f"Only {asked.holder_agent}, who holds the claim, may answer."
        return outcomes.refused("not_yours", message, request=asked.id)
    if held is not None and work.context.is_void(held):
        end_claim.end(work, held, "step")
        asked, held = work.register.requests[asked.id], None
    if not asked.is_pending or held is None:
        agent = work.context.actor.agent
        work.event("request_answered", request=asked.id, agent=agent, decision=asked.decision, late=command.answer)
        work.put(asked.evolve(late=command.answer))
        return outcomes.done("late_answer", request=asked.id, decision=asked.decision, already=True)
    held = held.evolve(last_activity=work.context.now)
    work.put(held)
    refused = _carry_out(work, asked, held, command)
    if refused is not None:
        return refused
    final = work.register.requests[asked.id]
    return outcomes.done("request_answered", request=asked.id, decision=final.decision, granted=final.granted)


def give_time(work: Work, asked: ReleaseRequest) -> None:
    """Begin the five minutes now: the holder has seen the request."""
    held = work.register.claims[asked.claim]
    end = work.context.now + SHORTENED
    work.put(held.with_items(tuple(_clamped(item, end) for item in held.items)))
    work.put(asked.evolve(seen_at=work.context.now))


def _request(work: Work, actor: Actor, held: Claim, command: RequestRelease) -> ReleaseRequest:
    return ReleaseRequest(
        id=work.unused(ReleaseRequest, command.request_id),
        claim=held.id,
        agent=actor.agent,
        clone=actor.clone,
        session=actor.session,
        holder_agent=held.agent,
        holder_clone=held.clone,
        holder_session=held.session,
        call=command,
        created_at=work.context.now,
    )


def _clamped(item: Item, end: datetime) -> Item:
    """Return an item that ends then at the latest. What ends before is clamped too: it cannot be extended any more."""
    return item.evolve(expires_at=min(item.expires_at, end), clamped_from=item.clamped_from or item.expires_at)


def _may_answer(asked: ReleaseRequest, held: Claim | None, actor: Actor) -> bool:
    # Also where the asker is of the holder's party by now: no one grants its own request.
    if asked.actor.holder == actor.holder:
        return False
    same_session = asked.holder_session == actor.session and asked.holder_clone == actor.clone
    is_own = actor.is_party(asked.holder_agent, asked.holder_clone)
    return is_own or same_session or (held is not None and is_of_session(held, actor))


def _carry_out(work: Work, asked: ReleaseRequest, held: Claim, command: AnswerRequest) -> Outcome | None:
    match command.answer:
        case Answer.APPROVED:
            _decide(work, asked, RequestState.APPROVED, command.note)
            end_claim.end(work, held, "approved")
            call = _call(asked, held, command.claim_id)
            way = grant.look(work, asked.actor, call)
            if way.blocks:
                other = way.blocks[0]
                now = f"{held.id} ended, and nothing was granted to you: {other.claim.agent} holds {other.item.pattern}"
            else:
                granted = grant.grant(work, asked.actor, call, way, ack_by=work.ack_by)
                work.put(work.register.requests[asked.id].evolve(granted=granted.id))
                now = f"You hold {_named(granted)} now"
            _tell(work, asked, command, now)
        case Answer.DENIED:
            _decide(work, asked, RequestState.DENIED, command.note)
            _unclamp(work, held)
            _tell(work, asked, command, f"{held.id} stays as it is")
        case Answer.NARROWED:
            return _narrow(work, asked, held, command)
        case Answer.COEXIST:
            return _coexist(work, asked, held, command)
    return None


def _decide(work: Work, asked: ReleaseRequest, decision: RequestState, note: str, granted: str | None = None) -> None:
    now = work.context.now
    work.put(asked.evolve(decision=decision, decided_at=now, note=note, granted=granted))
    work.event("request_answered", request=asked.id, claim=asked.claim, decision=decision)


def _tell(work: Work, asked: ReleaseRequest, command: AnswerRequest, now: str) -> None:
    """Leave a notice for the requester: what the holder answered, and what the requester has now."""
    said = f", saying {shown(command.note, NOTE_CHARS)}" if command.note else ""
    text = f"{asked.holder_agent} answered your request {asked.id}: {command.answer}{said}. {now}."
    work.tell(asked.actor.holder, "request_answered", text, claim=asked.claim)


def _named(granted: Claim) -> str:
    more = len(granted.items) - 1
    return f"{granted.id} ({granted.items[0].pattern}{f' and {more} more' if more else ''})"


def _unclamp(work: Work, held: Claim) -> None:
    """Restore the end of a claim when no one asks for it any more."""
    # Another request still waits for these five minutes to pass.
    if not work.register.pending_for(held.id):
        held = work.register.claims[held.id]
        work.put(held.with_items(tuple(_unclamped(item) for item in held.items)))


def _unclamped(item: Item) -> Item:
    return item.evolve(expires_at=item.clamped_from, clamped_from=None) if item.clamped_from else item


def _narrow(work: Work, asked: ReleaseRequest, held: Claim, command: AnswerRequest) -> Outcome | None:
    index = _item_at(held, command)
    if isinstance(index, Outcome):
        return index
    if command.pattern is None:
        keep = Call.of("respond_to_request", request_id=asked.id, decision=Answer.NARROWED, pattern=...)
        return outcomes.invalid("no_pattern", "Nothing says what you keep.", sentence("Name it: ", keep, "."))
    item = held.items[index]
    kept = _area(item, command.pattern, command, item.symbols)
    if isinstance(kept, Outcome):
        return kept
    # Nothing would be freed, and the request would count as answered.
    if kept.surely_contains(item.area):
        message = f"{kept.pattern.text} is all of {item.pattern}: nothing would be given up."
        return outcomes.invalid("not_narrower", message, "Name a smaller part to keep, or answer denied.")
    asks, asker = [Ask(kept, item.mode)], Asker(work.context.actor, held.repo)
    others = conflicts.unforeseen(work.register, asker, asks, [item], work.context.now, work.context.is_void)
    if others:
        return _harms_others(asked, others[0])
    # The request had cut the end to minutes: the part that is kept lasts as it would have, or as a new claim would.
    longer = max(_unclamped(item).expires_at, work.context.now + timedelta(hours=FILE_HOURS))
    new = item.evolve(pattern=kept.pattern.text, reading=kept.pattern.stored, expires_at=longer, clamped_from=None)
    carve.give_back_rest(work, held.with_items((*held.items[:index], new, *held.items[index + 1 :])))
    work.freed.append(item.area)
    work.event("claim_released", claim=held.id, agent=held.agent, reason="narrowed", items=[item.pattern])
    _decide(work, asked, RequestState.NARROWED, command.note)
    _unclamp(work, held)
    now = f"{held.id} keeps {new.pattern} alone of {item.pattern}: claim what you need of the rest"
    _tell(work, asked, command, now)
    return None


def _coexist(work: Work, asked: ReleaseRequest, held: Claim, command: AnswerRequest) -> Outcome | None:
    index = _item_at(held, command)
    if isinstance(index, Outcome):
        return index
    item = held.items[index]
    area = _area(item, command.pattern or item.pattern, command, command.symbols or item.symbols)
    if isinstance(area, Outcome):
        return area
    # The call for what is shared. Who asked to read only is not made a writer by the answer.
    reads = all(wish.mode is Mode.READ for wish in asked.call.wishes)
    wish = Wish(
        pattern=area.pattern.text,
        reading=area.pattern.stored,
        symbols=area.symbols,
        mode=Mode.READ if reads else Mode.WRITE,
        hours=FILE_HOURS,
    )
    call = _call(asked, held, command.claim_id).evolve(wishes=(wish,))
    way = grant.look(work, asked.actor, call)
    # The holder can share what is its own; what a third one holds is not its to give.
    others = [block for block in way.blocks if not party.is_one(block.claim.holder, held.holder)]
    if others:
        return _harms_others(asked, others[0])
    agreed = Way(
        tuple(
            replace(overlap, meeting=Meeting(Result.AGREED))
            if party.is_one(overlap.claim.holder, held.holder)
            and overlap.meeting.result in {Result.CONFLICT, Result.CARVE, Result.OUTDATE}
            else overlap
            for overlap in way.found
        )
    )
    granted = grant.grant(work, asked.actor, call, agreed, ack_by=work.ack_by)
    _decide(work, asked, RequestState.COEXIST, command.note, granted.id)
    _tell(work, asked, command, f"You hold {_named(granted)} now, beside {held.id}")
    work.freed.append(area)  # who asked may stand in line for it as well
    _unclamp(work, held)
    return None


def _harms_others(asked: ReleaseRequest, other: Found) -> Outcome:
    message = f"{other.claim.agent} holds a part of this too; it is not yours alone."
    return outcomes.refused("harms_others", message, request=asked.id, claim_id=other.claim.id)


def _item_at(held: Claim, command: AnswerRequest) -> int | Outcome:
    if command.item is None and len(held.items) == 1:
        return 0
    wanted = command.item
    index = next((number for number, item in enumerate(held.items) if item.pattern == wanted), None)
    if index is None:
        names = ", ".join(item.pattern for item in held.items[:20])
        hint = sentence("Name one: ", Call.of("respond_to_request", ..., item=...), ".")
        return outcomes.invalid("which_item", f"The claim has several items: {names}.", hint)
    return index


def _area(item: Item, text: str, command: AnswerRequest, symbols: tuple[str, ...]) -> Area | Outcome:
    """Return what an answer names of an item, or why it may not."""
    own = text == item.pattern and command.reading is None
    try:
        pattern = item.area.pattern if own else Pattern.of(text, command.reading)
        inside = item.area.contains(Area(pattern, symbols))
    except PatternError as error:
        return outcomes.invalid("not_decidable", str(error))
    if inside:
        return Area(pattern, symbols)
    message = f"{pattern.text} is not within {item.pattern}, which the claim holds."
    return outcomes.invalid("not_contained", message, "Name a part of what the claim holds.")


def _call(asked: ReleaseRequest, held: Claim, claim_id: str) -> ClaimFiles:
    call = asked.call
    return ClaimFiles(
        claim_id=claim_id, wishes=call.wishes, description=call.reason, branch=call.branch, repo=held.repo
    )
