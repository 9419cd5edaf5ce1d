"""Ending a claim, and everything that follows from it, in the same commit.

    end ──> what was carved for it returns to the others
        ──> its requests are resolved
        ──> the next holder learns what it pushed
        ──> the line is served where it was (see `serve`)

Rules:
  * CLAIM-11, LIVE-3: all of this follows from every end, whatever it is that ended the claim.

What this file does not know: who may end what; see `hold`.
"""

from collections.abc import Collection

from gitcoord.core.claims.claim import Claim
from gitcoord.core.claims.holder_silence import DEATH_GRACE
from gitcoord.core.claims.notice import FORCED, forced_text
from gitcoord.core.claims.release_request import RequestState
from gitcoord.core.claims.rules import barriers, carve
from gitcoord.core.claims.working_copy import Work
from gitcoord.core.documents.json_text import Json

# Other reasons (released, session, step, forced, merged, approved, idle) are releases.
EVENTS = {"time": "claim_expired", "silence": "claim_expired", "unacknowledged": "claim_expired"}
_GOES_ON = ("approved", "step")  # to an asker, or with the step: there is mostly nothing left to claim
_TEXTS = {
    "time": "it ran out",
    "silence": "your session went silent",
    "merged": "its branch was merged",
    "unacknowledged": "it was granted from the line and not taken up in time",
    "step": "the step that it was taken with went on without it",
}


def end(work: Work, claim: Claim, reason: str, *, note: str = "", commit: str | None = None) -> None:
    """End a claim. `note`: what its holder says of it; `commit`: what landed it."""
    # As it is now: what was ended before it in this decision may have returned parts to it.
    claim = work.register.claims[claim.id]
    work.drop(claim)
    name = EVENTS.get(reason, "claim_released")
    more = {key: value for key, value in (("note", note), ("commit", commit)) if value}
    work.event(name, claim=claim.id, agent=claim.agent, reason=reason, **more)
    how = forced_text(work.context.actor.agent, note) if reason == FORCED else _TEXTS.get(reason)
    if how:
        work.notify(claim, name, f"Your claim {claim.id} ended: {how}.", reason=reason)
    carve.give_back(work, claim)
    # Decide the requests for a claim that is gone: its holder did not answer in time, or it ended otherwise.
    decision = RequestState.EXPIRED if reason == "time" else RequestState.RESOLVED
    for request in work.register.pending_for(claim.id):
        work.put(request.evolve(decision=decision, decided_at=work.context.now, note=reason))
        work.event("request_answered", request=request.id, claim=claim.id, decision=decision, reason=reason)
        todo = "" if reason in _GOES_ON else ": claim what you need of it now"
        text = f"The claim {claim.id} that you asked for ({request.id}) ended ({reason}){todo}."
        work.tell(request.actor.holder, "request_answered", text, claim=claim.id)
    # A barrier ends when its commit lands: here it has.
    if reason != "merged":
        barriers.leave(work, claim)
    work.freed += [item.area for item in claim.items]


def end_items(work: Work, claim: Claim, numbers: Collection[int], reason: str, *, commit: str | None = None) -> None:
    """End some items of a claim; with all of them, the claim. `commit`: what landed them."""
    claim = work.register.claims[claim.id]
    left = tuple(item for index, item in enumerate(claim.items) if index not in numbers)
    if not left:
        end(work, claim, reason, commit=commit)
        return
    gone = [claim.items[index] for index in numbers]
    if reason != "merged":
        barriers.leave(work, claim.with_items(tuple(gone)))
    carve.give_back_rest(work, claim.with_items(left))
    name = EVENTS.get(reason, "claim_released")
    more = {"commit": commit} if commit else {}
    patterns: list[Json] = [item.pattern for item in gone]
    work.event(name, claim=claim.id, agent=claim.agent, reason=reason, items=patterns, **more)
    if reason == "merged":
        what = patterns[0] if len(patterns) == 1 else f"{len(patterns)} items"
        work.notify(claim, name, f"{what} of your claim {claim.id} landed and ended; you still hold the rest.")
    work.freed += [item.area for item in gone]


def is_silent(work: Work, claim: Claim) -> bool:
    """Whether a claim's holder is gone (`holder_silence`), by evidence that is noted."""
    context = work.context
    known = [claim.last_activity, *(item.last_activity for item in claim.items if item.last_activity)]
    if not context.policy.idle_limit or claim.session is None or context.now < max(known) + DEATH_GRACE:
        return False
    return work.silence_of(claim).is_over
