"""Silence: when a claim ends because its holder is gone, and what a refusal says of such a holder before that.

    in the holder's clone     its session's lock is free      DEATH_GRACE after its last activity
                              it said good-bye                GRACE after that
    in another clone          its clone beats without it      when a step of it would be stale
                              nothing is heard of the clone   `idle_minutes`

Rules:
  * Activity is a command, an edit that a hook reported, and in its own clone any hook of the session: who goes on with
    its hooks after its server died is not gone. There the last call of a tool counts as well, and only to end later:
    another clone has it from a heartbeat, by a clock of which it knows nothing.
  * SAFE-7: what is acted on is the judgement that is noted, with the heartbeat that it was made by.
  * CLAIM-8: a claim without session never ends so, nor any where the policy's `idle_minutes` is 0.

What this file does not know: who asks; how a session is looked at (`liveness`).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from gitcoord.core.claims.claim import Claim
from gitcoord.core.claims.conflicts import ALLOWANCE
from gitcoord.core.documents.decision import Context
from gitcoord.core.documents.json_text import Json, time_text
from gitcoord.core.documents.liveness import FREE_SESSION, GRACE, OVER, Life, Liveness, span_text, without_call
from gitcoord.core.steps.project import STALE_MINUTES

DEATH_GRACE = timedelta(minutes=2)  # a tool starts a server that died again within seconds


@dataclass(frozen=True, slots=True)
class Silence:
    """What is known of a claim's holder.

    Attributes:
        life: how it was judged.
        last: its last activity.
        free_at: when its claim ends if nothing more is heard of it; `None` for one that lives.
        is_over: whether that moment has come.
        without_call: for how long its agent has called no tool, where that is long.
    """

    life: Liveness
    last: datetime
    free_at: datetime | None
    is_over: bool
    without_call: str = ""

    @property
    def word(self) -> str:
        """Return the word for the holder's state."""
        seen = self.life.sighting
        is_known = seen.locked is False or (seen.closed_at is not None and seen.closed_at >= self.last)
        return OVER if is_known else self.life.life.value

    @property
    def is_gone(self) -> bool:
        """Whether no one is there who would answer: what it holds ends by time."""
        return self.free_at is not None and self.word in (OVER, Life.STALE)

    @property
    def seen_at(self) -> datetime:
        """Return when the holder was seen last."""
        return max(self.life.last_seen or self.last, self.last)

    def facts(self, end: datetime) -> dict[str, Json]:
        """Return what a refusal says of a holder whose claim ends then."""
        called_at = self.life.sighting.called_at
        calls: dict[str, Json] = {"holder_called_at": time_text(called_at)} if called_at and self.without_call else {}
        if self.free_at is None:
            return {"holder_life": self.word, **calls}
        free = time_text(min(self.free_at, end + ALLOWANCE))
        return {"holder_life": self.word, "holder_seen": time_text(self.seen_at), "free_at": free, **calls}

    def sentence(self, now: datetime, end: datetime) -> str:
        """Say that the holder is gone, or lives and calls nothing; "" while it may be at work.

        `end`: when the time of what it holds is up.
        """
        if self.free_at is None or not self.is_gone:
            return f"Its session is {self.word}; {self.without_call}." if self.without_call else ""
        seen = span_text((now - self.seen_at).total_seconds())
        what = "session is over" if self.word == OVER else "clone is silent"
        free = min(self.free_at, end + ALLOWANCE)
        return f"Its {what} (last seen {seen} ago): free at {free:%Y-%m-%d %H:%M} UTC."


def limit(context: Context, claim: Claim) -> int:
    """Return after how many minutes without a sign of life a claim ends; 0: never."""
    idle, actor = context.policy.idle_limit, context.actor
    if not idle or claim.session is None:
        return 0
    seen, is_elsewhere = context.look(claim.as_held), claim.clone != actor.clone and claim.clone not in actor.others
    has_lock = not claim.session.startswith(FREE_SESSION)
    # The clone of a session that had a server beats without it.
    is_left_out = seen.heartbeat is not None and seen.beaten_at is None and not seen.elsewhere
    return min(idle, STALE_MINUTES) if is_elsewhere and has_lock and is_left_out else idle


def of(context: Context, claim: Claim, life: Liveness) -> Silence:
    """Return what a judgement of a claim's holder by that limit means."""
    seen = life.sighting
    item_times = (item.last_activity for item in claim.items)
    active = max(moment for moment in (claim.last_activity, seen.hooked_at, *item_times) if moment)
    last = max(active, seen.called_at) if seen.locked is False and seen.called_at else active
    silent = "" if seen.locked is False else without_call(seen.called_at, context.now)
    if seen.locked is True:
        return Silence(life, last, None, is_over=False, without_call=silent)
    is_crash = seen.locked is False and (seen.closed_at is None or seen.closed_at < active)
    grace = DEATH_GRACE if is_crash else GRACE
    if is_crash:
        ends = last + grace
    elif seen.closed_at is not None and seen.closed_at >= active:
        ends = max(seen.closed_at, last) + GRACE * (context.limit_factor if seen.locked is None else 1)
    else:
        ends = max(last + grace, (life.last_seen or last) + timedelta(minutes=life.limit_minutes))
    free_at = None if life.life is Life.LIVE else ends
    return Silence(life, last, free_at, life.is_over and context.now >= last + grace, silent)
