"""Serving the line: the waiter for what became free gets it, in the commit that freed it.

Rules:
  * CLAIM-17: in the order of `queue_entry.rank_of`; every tenth grant goes to the oldest entry that can be granted at
    all.
  * An entry does not overtake a better-placed one that it overlaps, but for that tenth grant. CLAIM-4: what either of
    them holds already overlaps nothing.
  * Two that only read do not block each other; without `strict_read`, nor do a reader and a writer.
  * An entry whose holder was given all of it by an answer meanwhile leaves the line with that claim.
  * An entry is granted whole or not at all; the others stay in line behind the new holder.
  * CLAIM-21: skip entries whose holder is at its claim limit: such an entry keeps its place, holds no other entry up
    meanwhile, and is looked at again as soon as its holder has fewer.
  * CLAIM-20: a grant to a waiter has to be acknowledged by any call of its session, else it is taken back.

What this file does not know: what freed it.
"""

from collections.abc import Iterable
from itertools import takewhile

from gitcoord.core.claims.claim import Mode
from gitcoord.core.claims.claim_commands import ClaimFiles
from gitcoord.core.claims.queue_entry import QueueEntry, Rank, rank_of
from gitcoord.core.claims.rules import barriers, grant
from gitcoord.core.claims.working_copy import Work
from gitcoord.core.documents import party
from gitcoord.core.documents.actor import Actor
from gitcoord.core.patterns import path_pattern
from gitcoord.core.patterns.area import Area

FAIR_EVERY = 10


def serve(work: Work) -> None:
    """Grant what can be granted now of the entries near what was freed."""
    entries = work.register.entries.values() if work.context.policy.max_claims_per_agent else ()
    before = [entry for entry in entries if grant.too_many(work, work.before, entry.holder)]
    # Who was at its limit and is not now can be granted, though nothing of what it waits for was freed (CLAIM-21).
    let_in = [area for entry in before if not _is_full(work, entry) for area in areas_of(entry.call)]
    work.freed += let_in
    while work.freed:
        areas, work.freed = work.freed, []
        while _grant_one(work, areas):
            pass


def drop_over(work: Work) -> None:
    """Take out the entries that wait no longer."""
    left = takewhile(lambda row: row[0] <= work.context.now, work.register.leaving)  # soonest first
    for entry in (work.register.entries[entry_id] for _, entry_id in left):
        # By the time that is known to have passed: a clock that is ahead would throw out waiters of other clones
        # (CLAIM-22).
        if work.context.is_over(entry.clone, entry.ends_at):
            leave(work, entry, "expired")


def leave(work: Work, entry: QueueEntry, reason: str) -> None:
    """Take an entry out of the line. What it held back may be served now."""
    work.drop(entry)
    work.event("queue_cancel", entry=entry.id, agent=entry.agent, reason=reason)
    work.freed += areas_of(entry.call)


def areas_of(call: ClaimFiles) -> list[Area]:
    """Return what a call asks for."""
    return [grant.area_of(wish) for wish in call.wishes]


def place_of(work: Work, entry: QueueEntry) -> Rank:
    """Return the rank of an entry now."""
    return rank_of(entry, work.context.now, work.context.policy.queue_age_boost_s)


def ahead_of(work: Work, actor: Actor, call: ClaimFiles, rank: Rank) -> list[QueueEntry]:
    """Return the other waiters that a call of this rank does not overtake, best first."""
    asks = grant.asked_anew(work, actor, call)
    near = _near(work, (ask.area for ask in asks))
    # A party is one holder: what a partner waits for holds none of its own up.
    apart = [entry for entry in near if entry.call.repo == call.repo and not party.is_one(entry.holder, actor.holder)]
    others = [entry for entry in apart if not _is_full(work, entry)]
    ranked = [
        (place_of(work, entry), entry)
        for entry in others
        if any(
            (ask.mode, theirs.mode).count(Mode.WRITE) >= (1 if work.context.policy.strict_read else 2)
            and ask.area.overlaps(theirs.area)
            for theirs in grant.asked_anew(work, entry.actor, entry.call)
            for ask in asks
        )
    ]
    return [entry for rank_ahead, entry in sorted(ranked, key=lambda pair: pair[0]) if rank_ahead < rank]


def _is_full(work: Work, entry: QueueEntry) -> bool:
    """Whether the holder of an entry may have no further claim."""
    return bool(grant.too_many(work, work.register, entry.holder))


def _grant_one(work: Work, areas: list[Area]) -> bool:
    """Grant the first in line that can be; say whether there was one."""
    near = _near(work, areas)
    if not near:
        return False
    fair = (work.register.grants + 1) % FAIR_EVERY == 0
    # The fair grant looks past those ahead, or an old entry would wait for as long as more urgent ones arrive.
    for entry in (
        sorted(work.register.entries.values(), key=lambda entry: (entry.number, entry.id))
        if fair
        else sorted(near, key=lambda entry: place_of(work, entry))
    ):
        if _has_it_already(work, entry):
            return True
        if _is_full(work, entry) or (not fair and ahead_of(work, entry.actor, entry.call, place_of(work, entry))):
            continue
        way = grant.look(work, entry.actor, entry.call)
        if not way.blocks:
            work.drop(entry)
            claim = grant.grant(work, entry.actor, entry.call, way, ack_by=work.ack_by, queue_id=entry.id)
            work.count_grant()
            facts = barriers.facts(work, entry.call.repo, areas_of(entry.call))
            work.event("queue_grant", claim=claim.id, entry=entry.id, agent=entry.agent, **facts)
            work.notify(claim, "queue_grant", f"You waited for {claim.items[0].pattern} and hold it now ({claim.id}).")
            work.freed += areas_of(entry.call)  # who stood behind it may be able to share with the new holder
            return True
    return False


def _has_it_already(work: Work, entry: QueueEntry) -> bool:
    """Take an entry out of the line that its holder needs no more, and let it find the claim that it got instead."""
    held = grant.already(work, entry.actor, entry.call)
    # An entry finds one claim by its id: several cannot answer for it, nor one that answers for another entry.
    if len(held) != 1 or held[0].queue_id is not None:
        return False
    work.drop(entry)
    work.put(held[0].evolve(queue_id=entry.id, last_activity=work.context.now))  # as any grant: none is silent yet
    work.event("queue_grant", claim=held[0].id, entry=entry.id, agent=entry.agent)
    work.freed += areas_of(entry.call)
    return True


def _near(work: Work, areas: Iterable[Area]) -> list[QueueEntry]:
    """Return the entries that ask for files of these areas, oldest first."""
    near = {
        entry.id: entry
        for area in areas
        for entry in work.register.waiters_near(area)
        if any(path_pattern.overlaps(area.pattern, other.pattern) for other in areas_of(entry.call))
    }
    return sorted(near.values(), key=lambda entry: (entry.number, entry.id))
