"""Beating: a holder shows itself, and says where it works.

Rules:
  * CLAIM-20: any call of a session acknowledges what it was granted while it waited. What its server does by itself is
    no call: an agent that has vanished may leave it running.
  * CLAIM-15: any command of a session or a partner of it, also its server's, begins the five minutes of what is asked
    of it.
  * SAFE-10: what was claimed in the caller's clone under another id of that becomes the present one's, and so does
    what its session claimed under an id that its clone gave up; a step's goes with it.
  * CLAIM-14: a claim follows its holder: to the branch that is checked out, to the session in which the holder goes on.
  * CLAIM-13: what an edit hook claimed is extended by itself while it is used within `idle_minutes`; never when another
    agent asked for its release, never while a waiter has waited for it for over ten minutes, and not beyond 24 hours in
    all.
  * What is not used any more is dropped.
  * CLAIM-6: the shared files of a step are extended so as long as its holder beats.
  * SAFE-11: a beat says where the caller's clone has work that it has not pushed.

What this file does not know: what conflicts, who waits.
"""

from datetime import timedelta

from gitcoord.core.claims.claim import FILE_HOURS, SHARED_HOURS, Claim, Item, Kind, Mode
from gitcoord.core.claims.claim_commands import BeatClaims, ClaimCommand, ClaimFiles, LandClaims, TellRefusals, Tidy
from gitcoord.core.claims.queue_entry import QueueEntry
from gitcoord.core.claims.release_request import ReleaseRequest
from gitcoord.core.claims.rules import end_claim, grant, request_release, tell_refusals
from gitcoord.core.claims.working_copy import Work
from gitcoord.core.documents import outcomes
from gitcoord.core.documents.actor import Actor
from gitcoord.core.documents.outcomes import Outcome
from gitcoord.core.patterns import path_pattern

TOUCHED_EVERY = timedelta(minutes=5)  # how often news of the same activity is worth a write of its own
IDLE_PARTS = 3  # but often enough that nothing in use counts as idle
AUTO_KEPT = timedelta(hours=24)  # for so long an edit hook's item is extended by itself
PATIENCE = timedelta(minutes=10)  # a waiter that waits longer than this is not put off by an edit hook


def beat(work: Work, command: BeatClaims) -> Outcome:
    """Note where the caller works; extend what its edit hooks claimed while it is used, and drop what is not."""
    actor = work.context.actor
    for claim in work.register.claims_of(actor.holder):
        _put_new(work, claim, _followed(work, claim, command.branch))
    for listed_claim in work.register.claims_by(actor):
        claim = work.register.claims[listed_claim.id]  # a claim before it that ended here returned parts to it
        new = claim.evolve(commit=(command.commits or {}).get(claim.id, claim.commit))
        if work.context.now - claim.last_activity >= _worth_a_write(work):
            new = new.evolve(last_activity=work.context.now)
        seen = _seen_by_others(new, command.unpushed)
        items = tuple(_kept_item(work, seen, item, command.active) for item in seen.items)
        kept = seen if items == seen.items else seen.with_items(items)
        _put_new(work, claim, kept)
        now_kept = work.register.claims[claim.id]
        idle = [index for index, item in enumerate(now_kept.items) if item.auto and _is_idle(work, item)]
        if idle:
            end_claim.end_items(work, now_kept, idle, "idle")
    for notice_id in command.delivered:
        notice = work.register.notices.get(notice_id)
        is_own = notice is not None and (notice.agent, notice.clone) == actor.holder
        # Any client may name any notice: only its receiver's word counts.
        if notice is not None and is_own and tell_refusals.may_leave(notice, work.context.now):
            work.drop(notice)
    return outcomes.done("beat", **({} if work.changes else {"already": True}))


def follow(work: Work, call: ClaimFiles) -> None:
    """Let the caller's claims follow its checkout. A step's branch says nothing of that."""
    if call.step is None:
        own_claims = [claim for claim in work.register.claims_of(work.context.actor.holder) if claim.repo == call.repo]
        # A call that names another branch says nothing of what is checked out here, nor does who is on the default one.
        branch = None if call.is_elsewhere else call.branch
        moved = [(claim, _followed(work, claim, branch)) for claim in own_claims]
        work.put(*(new for claim, new in moved if new != claim))


def touch(work: Work, call: ClaimFiles, claims: list[Claim]) -> None:
    """Note an edit where an edit hook has a claim already."""
    asked = [grant.area_of(wish) for wish in call.wishes if wish.auto]
    for claim in claims if asked else ():
        items = tuple(
            _used(work, item) if item.auto and any(item.area.surely_contains(area) for area in asked) else item
            for item in claim.items
        )
        _put_new(work, claim, claim.evolve(items=items))


def is_call(command: ClaimCommand) -> bool:
    """Whether an agent gave a command, and not its server by itself."""
    by_itself = isinstance(command, Tidy | TellRefusals | LandClaims)
    return command.called if isinstance(command, BeatClaims) else not by_itself


def adopt(work: Work) -> None:
    """Put what the caller has under another id of its clone under the present one (SAFE-10)."""
    actor = work.context.actor
    if not actor.others and not actor.earlier:
        return
    register = work.register
    # A step's claim goes with its step, which has a ledger of its own.
    claims = [claim for claim in register.claims_by(actor) if claim.clone != actor.clone and claim.step is None]
    entries = [entry for entry in register.entries.values() if _is_elsewhere(entry, actor)]
    requests = [request for request in register.requests.values() if _is_elsewhere(request, actor)]
    named = {claim.id for claim in claims}
    notices = [
        notice
        for notice in register.notices.values()
        if notice.clone != actor.clone
        and (actor.is_holder(notice.agent, notice.clone) or (notice.agent == actor.agent and notice.claim in named))
    ]
    for docs in (claims, entries, requests, notices):
        work.put(*(doc.evolve(clone=actor.clone) for doc in docs))


def _is_elsewhere(doc: QueueEntry | ReleaseRequest, actor: Actor) -> bool:
    """Whether it is the caller's, under another id of its clone."""
    is_session = doc.session == actor.session and doc.clone in actor.session_clones
    return doc.clone != actor.clone and (is_session or actor.is_holder(doc.agent, doc.clone))


def acknowledge(work: Work) -> None:
    """Take note that a session has what it was granted."""
    own_claims = work.register.claims_by(work.context.actor)
    work.put(*(claim.evolve(ack_by=None) for claim in own_claims if claim.ack_by is not None))


def see_requests(work: Work) -> None:
    """Begin the time of what is asked of a session that is there."""
    for request in work.register.pending_by(work.context.actor):
        if request.seen_at is None:
            request_release.give_time(work, request)


def _put_new(work: Work, old: Claim, new: Claim) -> None:
    if new != old:
        work.put(new)


def _followed(work: Work, claim: Claim, branch: str | None) -> Claim:
    session = work.context.actor.session
    if claim.session is not None and session and claim.session != session:
        claim = claim.evolve(session=session)
    return claim.evolve(branch=branch) if branch and claim.step is None and claim.branch != branch else claim


def _worth_a_write(work: Work) -> timedelta:
    idle = work.context.policy.idle_limit
    return min(TOUCHED_EVERY, timedelta(minutes=idle) / IDLE_PARTS) if idle else TOUCHED_EVERY


def _used(work: Work, item: Item) -> Item:
    now, last = work.context.now, item.last_activity
    return item if last is not None and now - last < _worth_a_write(work) else item.evolve(last_activity=now)


def _seen_by_others(claim: Claim, unpushed: tuple[str, ...] | None) -> Claim:
    """Note where the caller's clone has work that no other one sees: what landed does not end that."""
    # What a clone said before stands until it says something else (SAFE-11).
    if unpushed is None:
        return claim
    items = tuple(
        item.evolve(unpushed=any(path_pattern.matches(item.area.pattern, path) for path in unpushed))
        if item.mode is Mode.WRITE
        else item
        for item in claim.items
    )
    return claim if items == claim.items else claim.with_items(items)


def _kept_item(work: Work, claim: Claim, item: Item, active: tuple[str, ...]) -> Item:
    now = work.context.now
    if not item.auto and (claim.step is None or item.kind is not Kind.SHARED_FILE):
        return item
    if item.auto and any(path_pattern.matches(item.area.pattern, path) for path in active):
        item = _used(work, item)
    if item.clamped_from is not None or item.expires_at <= now or (item.auto and _is_idle(work, item)):
        return item
    kept = timedelta(hours=SHARED_HOURS if item.kind is Kind.SHARED_FILE else FILE_HOURS)
    until = min(now + kept, (item.since or now) + AUTO_KEPT)  # what a step took has no `since`: it ends with the step
    # Not before half of its time is over: not every beat has to write.
    is_due = item.expires_at - now <= kept / 2 and until > item.expires_at
    # What became of the step is another ledger's to say: it is asked last.
    is_kept = is_due and not _is_waited_for(work, claim, item) and not work.context.is_void(claim)
    return item.evolve(expires_at=until) if is_kept else item


def _is_idle(work: Work, item: Item) -> bool:
    idle, last = work.context.policy.idle_limit, item.last_activity
    return bool(idle) and (last is None or work.context.now - last >= timedelta(minutes=idle))


def _is_waited_for(work: Work, claim: Claim, item: Item) -> bool:
    return any(
        work.context.now - entry.created_at > PATIENCE
        and entry.call.repo == claim.repo
        and any(grant.area_of(wish).overlaps(item.area) for wish in entry.call.wishes)
        for entry in work.register.waiters_near(item.area)
    )
