"""Half-landed swaps: what a remote that cannot swap two refs at once may leave of a command on two ledgers.

    claims first, then the step: until the step is there, its claim confers nothing, and any clone may end it
    ──> the agent that took the step looks again, and hands it back if its paths are gone

Rules:
  * SAFE-5: a half that was left confers nothing, and the next transaction that meets it ends it.

What this file does not know: how swaps are sent, and which kinds of ledgers ask something of others.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from gitcoord.core.documents.doc import Doc
from gitcoord.core.documents.outcomes import Outcome
from gitcoord.ledger.format.records import Done
from gitcoord.ledger.transactions.plan import Plan
from gitcoord.remote.contract.protocol import RefName


def takes(plans: Sequence[Plan]) -> bool:
    """Whether something that one ledger was asked for goes before what asks for it; else it goes after."""
    couplings = [plan.state.kind.coupling for plan in plans if plan.state.kind.coupling is not None]
    words = {done.entry.word for plan in plans for done in plan.done}
    return any(coupling.goes_first(word) for coupling in couplings for word in words)


def undone(plans: Sequence[Plan], there: Callable[[RefName], Any]) -> Iterator[tuple[Done, Doc, Outcome]]:
    """Yield what was done and has to be taken back: with the command that does so, and the outcome for its caller.

    `there`: what a ledger holds now.
    """
    for plan in plans:
        coupling = plan.state.kind.coupling
        for other in (other for other in plans if other is not plan) if coupling else ():
            asked = {done.entry.uid: done for done in other.done}
            for done in (done for done in plan.done if done.entry.uid in asked):
                undo = coupling.undo(done, asked[done.entry.uid], there(other.state.ref)) if coupling else None
                if undo is not None:
                    yield done, *undo
