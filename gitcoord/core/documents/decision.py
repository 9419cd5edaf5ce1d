"""Decisions: what the rules read beside the state and the command, and what they make of them.

A decision is a pure function of (state, command, context); the record of a commit holds all three, so it can be
replayed without a clock.

    (state, command, context) ──rule──> ruling     what is written, the outcome, whose silence was judged
                              ──table─> decision   the same, with the state after it

What this file does not know: steps and claims; each adds to the context what only its rules read.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Generic, TypeVar

from msgspec import Struct, field

from gitcoord.core.documents.actor import Actor
from gitcoord.core.documents.doc import Doc
from gitcoord.core.documents.json_text import Json
from gitcoord.core.documents.liveness import Held, Liveness, Sighting, judge
from gitcoord.core.documents.outcomes import Outcome
from gitcoord.core.documents.policy import Policy

_S = TypeVar("_S")


class Context(Struct, frozen=True):
    """What every decision may read: the time, the caller, the policy, and what is known of a holder.

    Attributes:
        may_judge: whether silence may be judged; not right after this machine woke up.
        limit_factor: 2 where the swap cannot compare the heartbeat that silence was judged by.
        over_by: the time by which what other clones hold is over: `now`, or an earlier one where our clock may be
            ahead (CLAIM-22).
        beat_s: how often clones beat here.
    """

    now: datetime
    actor: Actor
    policy: Policy
    look: Callable[[Held], Sighting]
    limit_factor: int
    may_judge: bool
    over_by: datetime
    beat_s: int

    def parts(self) -> dict[str, Any]:
        """Return the fields by name, for a context that has more."""
        return {name: getattr(self, name) for name in Context.__struct_fields__}

    def is_over(self, clone: str, end: datetime) -> bool:
        """Whether the time of what a clone holds is over; our own clock is good enough for our own."""
        return end <= (self.now if clone in (self.actor.clone, *self.actor.others) else self.over_by)

    def judge(self, held: Held, stale_minutes: int) -> Liveness:
        """Judge the holder of a step or a claim by what is known now."""
        sighting = self.look(held)
        return judge(held, sighting, self.now, stale_minutes, self.limit_factor, may_judge=self.may_judge)


class Gone(Struct, frozen=True):
    """A document that leaves its ledger."""

    doc: Doc


Change = Doc | Gone


class Ruling(Struct, frozen=True):
    """What the rules say: the documents to write, the outcome, and the judgements that it rests on.

    Attributes:
        changes: documents that replace those of the same name; empty unless done.
        judged: for each step or claim whose holder was judged: the evidence.
        events: what happened to claims, in order.
        beside: what it read of other ledgers: the answer to each question about each thing; see `Others.ask`.
    """

    outcome: Outcome
    changes: tuple[Change, ...] = ()
    judged: tuple[tuple[Held, Liveness], ...] = ()
    events: tuple[Mapping[str, Json], ...] = ()
    beside: Mapping[str, Mapping[str, Json]] = field(default_factory=dict[str, Mapping[str, Json]])


class Decision(Ruling, Generic[_S], frozen=True, kw_only=True):
    """A ruling with the state after it; the state as it was, if nothing changes."""

    after: _S
