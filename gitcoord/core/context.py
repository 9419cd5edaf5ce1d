"""The context of a decision: everything that the rules read beside the state and the command.

A decision is a pure function of (state, command, context); the record of a commit holds all three, so it can be
replayed without a clock.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from gitcoord.core.commands import Actor
from gitcoord.core.doc import Doc
from gitcoord.core.outcome import Outcome
from gitcoord.core.policy import Policy
from gitcoord.core.presence import Life, Liveness, Sighting, judge
from gitcoord.core.steps import Step


@dataclass(frozen=True, slots=True)
class Context:
    """What a decision may read: the time, who asks, the policy, and what is known of a step's holder.

    Attributes:
        may_judge: whether silence may be judged; not right after this machine woke up.
        limit_factor: 2 where the swap cannot carry a check of the heartbeat that silence was judged by.
    """

    now: datetime
    actor: Actor
    policy: Policy
    look: Callable[[Step], Sighting]
    limit_factor: int = 1
    may_judge: bool = True

    def judge(self, step: Step, stale_minutes: int) -> Liveness:
        """Judge the holder of a step by what is known now."""
        life = judge(step, self.look(step), self.now, stale_minutes, self.limit_factor)
        by_silence = life.is_over and life.sighting.locked is None
        if by_silence and not self.may_judge:
            return life.evolve(life=Life.QUIET, why=f"{life.why}; this machine just woke up and judges nobody yet")
        return life


@dataclass(frozen=True, slots=True)
class Decision:
    """What the rules decided: the documents to write, the outcome, and the judgements that it rests on.

    Attributes:
        changes: documents that replace those of the same name; empty unless done.
        judged: for each step whose holder was judged, by number: the evidence.
    """

    outcome: Outcome
    changes: tuple[Doc, ...] = ()
    judged: tuple[tuple[Step, Liveness], ...] = ()
