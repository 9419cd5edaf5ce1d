"""The context of a decision: everything that the rules read beside the state and the command.

A decision is a pure function of (state, command, context); the record of a commit holds all three, so it can be
replayed without a clock.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from gitcoord.core.claims.claim import Claim
from gitcoord.core.documents.actor import Actor
from gitcoord.core.documents.doc import Doc, Json
from gitcoord.core.documents.liveness import Held, Liveness, Sighting, judge
from gitcoord.core.documents.outcomes import Outcome
from gitcoord.core.documents.policy import Policy
from gitcoord.core.steps.step import Step


@dataclass(frozen=True, slots=True)
class Context:
    """What a decision may read: the time, the caller, the policy, and what is known of a step's holder.

    Attributes:
        may_judge: whether silence may be judged; not right after this machine woke up.
        limit_factor: 2 where the swap cannot compare the heartbeat that silence was judged by.
        over_by: the time by which what other clones hold is over: `now`, or an earlier one where our clock may be
            ahead (CLAIM-22).
        beat_s: how often clones beat here.
        paths: why the paths of a step cannot be claimed by the caller; `None`: they can.
        is_void: whether a claim confers nothing, because the step that it was taken with has gone on without it.
    """

    now: datetime
    actor: Actor
    policy: Policy
    look: Callable[[Held], Sighting]
    limit_factor: int
    may_judge: bool
    over_by: datetime
    beat_s: int
    paths: Callable[[Step], Outcome | None]
    is_void: Callable[[Claim], bool]

    def is_over(self, clone: str, end: datetime) -> bool:
        """Whether the time of what a clone holds is over; our own clock is good enough for our own."""
        return end <= (self.now if clone in (self.actor.clone, *self.actor.others) else self.over_by)

    def judge(self, held: Held, stale_minutes: int) -> Liveness:
        """Judge the holder of a step or a claim by what is known now."""
        sighting = self.look(held)
        return judge(held, sighting, self.now, stale_minutes, self.limit_factor, may_judge=self.may_judge)


@dataclass(frozen=True, slots=True)
class Gone:
    """A document that leaves its ledger."""

    doc: Doc


Change = Doc | Gone


@dataclass(frozen=True, slots=True)
class Decision:
    """What the rules decided: the documents to write, the outcome, and the judgements that it rests on.

    Attributes:
        changes: documents that replace those of the same name; empty unless done.
        judged: for each step or claim whose holder was judged: the evidence.
        events: what happened to claims, in order.
        after: the register after it, if it is to land; the rules of claims have it at hand, those of steps do not.
    """

    outcome: Outcome
    changes: tuple[Change, ...] = ()
    judged: tuple[tuple[Held, Liveness], ...] = ()
    events: tuple[Mapping[str, Json], ...] = ()
    after: object = None
