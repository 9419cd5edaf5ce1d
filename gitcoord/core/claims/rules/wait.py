"""Waiting: calls that stand in line, and what their callers do with them.

Rules:
  * CLAIM-18: an entry that would close a circle of holders who wait for each other is refused with the circle.
  * A waiter that asks for its entry learns its place, or what it got; an entry whose waiter stops asking is dropped.
  * CLAIM-18: a fresh call does not overtake a waiter of at least its rank that it overlaps and that has waited for a
    minute.

What this file does not know: how the line is served; see `serve`.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from gitcoord.core.claims import queue_entry
from gitcoord.core.claims.claim import Claim
from gitcoord.core.claims.claim_commands import CancelEntry, ClaimFiles, KeepWaiting
from gitcoord.core.claims.queue_entry import QueueEntry
from gitcoord.core.claims.rules import barriers, deadlock, grant, serve
from gitcoord.core.claims.working_copy import Work
from gitcoord.core.documents import limits, outcomes
from gitcoord.core.documents.actor import Actor
from gitcoord.core.documents.call import Call, sentence
from gitcoord.core.documents.json_text import Json
from gitcoord.core.documents.outcomes import Outcome

PATIENCE = timedelta(seconds=60)  # a waiter of this age is not overtaken by a fresh call


def keep_waiting(work: Work, command: KeepWaiting) -> Outcome:
    """Say what became of an entry, and that its caller still waits."""
    actor = work.context.actor
    entry = work.register.entries.get(command.entry_id)
    if entry is not None and entry.holder == actor.holder:
        return ask_again(work, entry)
    own_claims = work.register.claims_of(actor.holder)
    got = next((claim for claim in own_claims if claim.queue_id == command.entry_id), None)
    if got is not None:
        return granted(work, got)
    # An entry that ended in this very decision: what is in its way says more than that nothing waits.
    over = work.before.entries.get(command.entry_id)
    if over is not None and over.holder == actor.holder:
        blocks = grant.around(work, actor, over.call).blocks
        if blocks:
            return grant.refusal(work, over.call, blocks)
    message = f"Nothing waits as {command.entry_id}: it expired, was cancelled, or its caller stopped asking."
    hint = sentence("Claim again: ", Call.of("claim_files", ...), ".")
    return outcomes.refused("not_waiting", message, hint, queue_id=command.entry_id)


def ask_again(work: Work, entry: QueueEntry) -> Outcome:
    """Keep an entry in line, see whether it can be served now, and say where it stands."""
    entry = entry.evolve(asked_at=work.context.now)
    work.put(entry)
    # Serve the line where an entry waits, and say what became of it.
    work.freed += serve.areas_of(entry.call)
    serve.serve(work)
    if entry.id in work.register.entries:
        return _waits(work, entry)
    own_claims = work.register.claims_of(entry.holder)
    return granted(work, next(claim for claim in own_claims if claim.queue_id == entry.id))


def granted(work: Work, claim: Claim) -> Outcome:
    """Say what a waiter got, once it shows itself."""
    # To ask for its entry is a call of the session, which acknowledges the grant (CLAIM-20).
    if claim.ack_by is not None:
        work.put(claim.evolve(ack_by=None))
    facts = barriers.facts(work, claim.repo, [item.area for item in claim.items])
    return outcomes.done("claim_granted", claim=claim.id, fence=claim.fence, queue_id=claim.queue_id, **facts)


def cancel(work: Work, command: CancelEntry) -> Outcome:
    """Stop waiting. An entry that is not there, or someone else's, changes nothing."""
    entry = work.register.entries.get(command.entry_id)
    if entry is None or entry.holder != work.context.actor.holder:
        return outcomes.done("not_cancelled", queue_id=command.entry_id, already=True)
    serve.leave(work, entry, "cancelled")
    return outcomes.done("queue_cancelled", queue_id=entry.id)


def entry_of(work: Work, actor: Actor, call: ClaimFiles) -> QueueEntry | None:
    """Return the caller's entry that waits for just this call."""
    # An entry that waits for the same asks for every wish, so any one of them finds it.
    near = work.register.waiters_near(grant.area_of(call.wishes[0]))
    wanted = _essence(call)
    return next((entry for entry in near if entry.holder == actor.holder and _essence(entry.call) == wanted), None)


def line_ahead(work: Work, actor: Actor, call: ClaimFiles) -> list[QueueEntry]:
    """Return the waiters whom a fresh call does not overtake."""
    # The rank that it would have if it joined now: it has not waited yet.
    rank = (-queue_entry.LEVELS[call.urgency], work.fence)
    ahead = serve.ahead_of(work, actor, call, rank)
    return [entry for entry in ahead if work.context.now - entry.created_at > PATIENCE]


def join(work: Work, actor: Actor, call: ClaimFiles) -> Outcome:
    """Put a call in the line."""
    bad = _over_caps(work, actor, call)
    if bad is not None:
        return bad
    now = work.context.now
    entry = QueueEntry(
        id=work.unused(QueueEntry, call.entry_id),
        agent=actor.agent,
        clone=actor.clone,
        session=actor.session,
        number=work.fence,
        created_at=now,
        asked_at=now,
        expires_at=now + timedelta(seconds=call.wait_s),
        call=call,
    )
    work.put(entry)
    # The circle is sought with the entry in line; a refusal throws the entry away with the decision (CLAIM-1).
    circle = deadlock.closed_by(work, entry)
    if circle:
        names = " waits for ".join(agent for agent, _ in circle)
        message = f"Waiting would deadlock: {names}."
        hint = sentence("Release what you hold first, or ask: ", Call.of("request_release", ...), ".")
        return outcomes.refused("circle", message, hint, circle=[agent for agent, _ in circle])
    return _waits(work, entry)


def behind(line: list[QueueEntry]) -> Outcome:
    """Refuse a fresh call that would overtake a waiter."""
    first = line[0]
    message = f"{first.agent} has waited for this for over a minute and comes first."
    hint = sentence("Get in line: repeat this as ", Call.of("claim_files", ..., wait_seconds=grant.WAIT_S), ".")
    return outcomes.refused("behind_the_line", message, hint, queue_id=first.id, agent=first.agent)


def _waits(work: Work, entry: QueueEntry) -> Outcome:
    blocks = grant.around(work, entry.actor, entry.call).blocks
    line = serve.ahead_of(work, entry.actor, entry.call, serve.place_of(work, entry))
    facts: dict[str, Json] = {"queue_id": entry.id, "position": 1 + len(line), "waiting": True}
    if line:
        facts["behind"] = [entry.agent for entry in line[: grant.NAMED_MAX]]
    more = grant.conflict_facts(work, entry.call, blocks) if blocks else {}
    return outcomes.done("waiting", **facts, **more)


def _over_caps(work: Work, actor: Actor, call: ClaimFiles) -> Outcome | None:
    policy, entries = work.context.policy, work.register.entries.values()
    own_entries = [entry for entry in entries if entry.holder == actor.holder]
    if policy.max_waiting_per_agent and len(own_entries) >= policy.max_waiting_per_agent:
        message = (
            f"{actor.agent} waits for {len(own_entries)} claims already; the limit is {policy.max_waiting_per_agent}."
        )
        return _later(work, "too_many_waiting", message, own_entries)
    here = [entry for entry in entries if entry.call.repo == call.repo]
    # The table of limits holds also where the policy sets none (SAFE-8).
    most = min(policy.max_waiting or limits.WAITERS, limits.WAITERS)
    if len(here) >= most:
        message = f"{len(here)} calls wait already; the limit is {most}."
        return _later(work, "line_full", message, here)
    return None


def _later(work: Work, code: str, message: str, entries: Sequence[QueueEntry]) -> Outcome:
    again = seconds_until(min(entry.ends_at for entry in entries), work.context.now)
    return outcomes.refused(
        code, message, f"Ask again in {again} s, or when one of them was granted.", ask_again_s=again
    )


def seconds_until(moment: datetime, now: datetime) -> int:
    """Return after how many whole seconds a moment has come: at least one."""
    return max(1, -(-(moment - now) // timedelta(seconds=1)))


def _essence(call: ClaimFiles) -> tuple[object, ...]:
    """Return what makes two calls the same, whatever the repository says of them now."""
    wishes = ((grant.area_of(wish), wish.kind, wish.mode, wish.narrowable) for wish in call.wishes)
    return (call.repo, call.step, *wishes)
