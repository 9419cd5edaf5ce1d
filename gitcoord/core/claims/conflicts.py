"""Conflicts: which claims block a request for a set of paths.

Rules:
  * SAFE-1, CLAIM-4: all claims of the same `repo` count, except those of the same party (`party`) and what was agreed.
  * A push is checked for a whole session: the claims of its sub-agents do not stand in its way.
  * A claim out of which as much is carved as `limits` has is narrowed no further: what else is asked of it conflicts.
  * A claim that is over for others by its time does not count, whether it was swept or not.

What this file does not know: what is done about it; see `grant`.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from gitcoord.core.claims.claim import Claim, Item, Mode, Why
from gitcoord.core.claims.overlap_table import Meeting, Result, meet
from gitcoord.core.claims.register import Register
from gitcoord.core.documents import limits
from gitcoord.core.documents.actor import Actor
from gitcoord.core.documents.conflict import ALWAYS, Conflict
from gitcoord.core.documents.json_text import Json, time_text
from gitcoord.core.patterns import path_pattern
from gitcoord.core.patterns.area import Area

ALLOWANCE = timedelta(seconds=30)  # for others a lease ends this much later: clocks differ
AGENT_LEVELS = 3  # person, tool, worktree; a sub-agent is below
ITEMS_NAMED = 20  # of the claim in the way


@dataclass(frozen=True, slots=True)
class Ask:
    """One thing that a caller wants to do.

    Attributes:
        number: which of the call's wishes it is.
        auto: an edit hook asks.
        keeps_whole: others must not get symbols out of it.
    """

    area: Area
    mode: Mode = Mode.WRITE
    number: int = 0
    auto: bool = False
    keeps_whole: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """One pair that meets: what was asked, and the item of a claim that is there."""

    ask: Ask
    claim: Claim
    at: int
    meeting: Meeting

    @property
    def item(self) -> Item:
        """The held item."""
        return self.claim.items[self.at]

    @property
    def is_conflict(self) -> bool:
        """Whether it blocks the request."""
        return self.meeting.result is Result.CONFLICT


@dataclass(frozen=True, slots=True)
class Asker:
    """The caller.

    Attributes:
        actor: `None` where only a branch and names are known, as in CI.
        whole_session: claims of the same session do not stand in the way either.
        branch: claims made on this branch are its own, whichever agent made them.
        agents: claims of these names are its own, and those of their sub-agents and parents.
    """

    actor: Actor | None
    repo: str | None = None
    whole_session: bool = False
    branch: str | None = None
    agents: frozenset[str] = frozenset()

    def owns(self, claim: Claim) -> bool:
        """Whether a claim is its own."""
        actor = self.actor
        if actor is not None and actor.is_party(claim.agent, claim.clone):
            return True
        is_any = self.whole_session or (actor is not None and claim.agent == actor.agent)
        if actor is not None and is_any and is_of_session(claim, actor):
            return True
        if self.branch is not None and claim.branch == self.branch:
            return True
        return bool(self.agents) and any(is_same_session(claim.agent, name) for name in self.agents)


def is_same_session(one: str, other: str) -> bool:
    """Whether two names are of one agent and its sub-agents; a push is checked for all of them."""
    return one.split("/")[:AGENT_LEVELS] == other.split("/")[:AGENT_LEVELS]


def is_of_session(claim: Claim, actor: Actor) -> bool:
    """Whether a claim was made in the caller's session; one without session was made in none."""
    return claim.session is not None and claim.session == actor.session and claim.clone in actor.session_clones


def find(
    register: Register,
    asker: Asker,
    asks: Iterable[Ask],
    now: datetime | None,
    *,
    strict_read: bool = False,
    disregards: Callable[[Claim], bool] = lambda _: False,
) -> list[Found]:
    """Return every pair that comes to something, in the order of the asks, oldest claim first.

    Without `now` nothing is over by its time: what may be ended by it has been (`expire`).
    """
    out: list[Found] = []
    for ask in asks:
        near = register.near(ask.area, lambda claim: claim.repo == asker.repo and not asker.owns(claim))
        for claim, index in near:
            if (now is not None and now >= claim.items[index].expires_at + ALLOWANCE) or disregards(claim):
                continue
            meeting = meet(claim.items[index], ask.mode, ask.area, strict_read=strict_read)
            if meeting.result in {Result.CONFLICT, Result.CARVE} and _agreed(register, claim, asker, ask.area):
                meeting = Meeting(Result.AGREED)
            if meeting.result is not Result.NOTHING:
                out.append(Found(ask, claim, index, meeting))
    # Let what is carved out of a claim conflict where that claim would have more parts than one may have.
    carved = [overlap for overlap in out if overlap.meeting.result is Result.CARVE]
    asked: dict[str, list[tuple[str, tuple[str, ...]]]] = {}
    for overlap in carved:
        asked.setdefault(overlap.claim.id, []).append((overlap.ask.area.pattern.text, overlap.meeting.symbols))
    full = {overlap.claim.id for overlap in carved if _is_full(overlap.claim, asked[overlap.claim.id])}
    return [
        replace(overlap, meeting=Meeting(Result.CONFLICT, overlap.meeting.symbols))
        if overlap.meeting.result is Result.CARVE and overlap.claim.id in full
        else overlap
        for overlap in out
    ]


def _is_full(claim: Claim, asked: list[tuple[str, tuple[str, ...]]]) -> bool:
    parts = [(part.pattern, part.symbols) for part in claim.partners] + asked
    size = sum(len("".join((pattern, *symbols)).encode()) for pattern, symbols in parts)
    return len(parts) > limits.PARTS or size > limits.PARTS_BYTES


def view(found: Found, yours: str) -> dict[str, Json]:
    """Return a conflict as data; `yours`: the pattern as the caller gave it."""
    claim, item = found.claim, found.item
    conflict = Conflict(
        your_pattern=yours,
        your_symbols=tuple(found.meeting.symbols),
        agent=claim.agent,
        clone=claim.clone,
        claim_id=claim.id,
        item=item.area.pattern.text,
        reading=item.area.pattern.reading,
        symbols=tuple(item.symbols),
        items=tuple(item.pattern for item in claim.items[:ITEMS_NAMED]),
        branch=claim.branch,
        description=claim.description,
        expires_at=time_text(item.expires_at),
        example=path_pattern.example(item.area.pattern, found.ask.area.pattern),
    )
    return conflict.shown(ALWAYS)


def own_cover(own: Sequence[tuple[Claim, int]], ask: Ask, now: datetime) -> Claim | None:
    """Return the claim of one's own within which an ask lies.

    What an edit hook claimed goes when it is not used, and out of what is narrowable others get symbols: a caller that
    asks for more than that is not answered with it.
    """
    for claim, index in own:
        item = claim.items[index]
        if (item.auto and not ask.auto) or (ask.keeps_whole and item.may_be_narrowed):
            continue
        allowed = item.mode is Mode.WRITE or ask.mode is Mode.READ
        if allowed and now < item.expires_at and not _is_lost(item, ask.area) and item.area.surely_contains(ask.area):
            return claim
    return None


def unforeseen(
    register: Register,
    asker: Asker,
    asks: Iterable[Ask],
    own: Sequence[Item],
    now: datetime,
    disregards: Callable[[Claim], bool] = lambda _: False,
) -> list[Found]:
    """Return the claims that block asks within the caller's own items without overlapping those items.

    What may be a file or a folder was granted beside names that float (`path_pattern`): once a file of such a name lies
    in it, that file is of both, and neither has it alone.
    """
    return [
        overlap
        for overlap in find(register, asker, asks, now, disregards=disregards)
        if overlap.is_conflict
        and not any(path_pattern.overlaps(overlap.item.area.pattern, item.area.pattern) for item in own)
    ]


def _is_lost(item: Item, area: Area) -> bool:
    """Whether the wanted item is not the holder's any more: outdated, or others' symbols by name."""
    return any((part.why is Why.STALE or bool(area.symbols)) and part.area.overlaps(area) for part in item.carved)


def _agreed(register: Register, claim: Claim, asker: Asker, area: Area) -> bool:
    for part in claim.partners:
        other = register.claims.get(part.claim)
        if part.why is Why.AGREED and other is not None and asker.owns(other) and part.area.surely_contains(area):
            return True
    return False
