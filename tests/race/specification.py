"""One serial ledger of steps and claims: the pure state machines, tied as a swap of both ties them.

What a history of concurrent commands is compared with (`linearizable`). It shares the rules of `core` with the ledgers
and nothing else: neither trees nor commits, swaps or clones.

Rules:
  * A command on a step decides whether its paths are free on the claims as they are, and what changes of a step brings
    about in the claims follows in the same moment.
  * Time stands still, and each holder lives: a history is shorter than whatever would end by itself.
  * The ledger of claims counts commands that no caller gave (holders are told of refusals): a fence may be higher than
    the serial one, and never lower. It is what the caller was told from then on.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NamedTuple

from gitcoord.core.claims import claim_table, step_claims
from gitcoord.core.claims.claim_commands import ClaimCommand, EndStepClaims
from gitcoord.core.claims.register import Register
from gitcoord.core.claims.working_copy import ClaimContext
from gitcoord.core.documents.actor import Actor
from gitcoord.core.documents.decision import Decision
from gitcoord.core.documents.doc import Doc, replace
from gitcoord.core.documents.json_text import Json
from gitcoord.core.documents.liveness import Sighting
from gitcoord.core.documents.outcomes import Outcome
from gitcoord.core.documents.policy import Policy
from gitcoord.core.steps import step_table
from gitcoord.core.steps.board import Board
from gitcoord.core.steps.step import Step
from gitcoord.core.steps.step_commands import COMMANDS, ClaimStep, Command
from tests.unit.core.play import context_of

_NOW = datetime(2026, 11, 21, tzinfo=UTC)
_STEP_COMMANDS = tuple(COMMANDS.values())
# Of what an outcome says, what is the same whenever it was said.
_TIMELESS = ("step_num", "claim", "claims", "queue_id", "position", "released", "not_yours", "not_found", "circle")


class Answer(NamedTuple):
    """What a caller was told. `fence`: of what it holds from now on; `facts`: the rest, as far as time is not in it."""

    verdict: str
    code: str
    fence: int | None = None
    facts: tuple[tuple[str, object], ...] = ()


class State(NamedTuple):
    """Both ledgers."""

    board: Board | None
    register: Register = Register()


def answer_of(verdict: str, code: str, facts: Mapping[str, Json]) -> Answer:
    """Return what two answers to one command are compared by."""
    fence = facts.get("fence") if verdict == "done" else None
    kept: dict[str, object] = {name: _plain(facts[name]) for name in _TIMELESS if name in facts}
    conflicts = facts.get("conflicts")
    if isinstance(conflicts, list):
        named = (str(conflict["claim_id"]) for conflict in conflicts if isinstance(conflict, dict))
        kept["conflicts"] = tuple(sorted(named))
    return Answer(verdict, code, fence if isinstance(fence, int) else None, tuple(sorted(kept.items())))


def _plain(value: Json) -> object:
    # Of claims that last longer now, which they are; and no order, of which nothing is promised.
    return tuple(sorted(map(str, value))) if isinstance(value, list | Mapping) else value


def decide(state: State, actor: Actor, command: Doc, told: Answer | None) -> State | None:
    """Carry out a command; `None`: the ledger would not have told its caller that. `told`: nothing is known."""
    if isinstance(command, _STEP_COMMANDS):
        outcome, after = _decide_step(state, actor, command)
        is_told = told in (None, answer_of(outcome.verdict, outcome.code, outcome.facts))
        return after if is_told else None
    register = _caught_up(state.register, command, told)
    decision = _decide_claim(state.board, register, actor, command)  # pyright: ignore[reportArgumentType]
    outcome = decision.outcome
    serial = answer_of(outcome.verdict, outcome.code, outcome.facts)
    if told is None or (told._replace(fence=serial.fence) == serial and (told.fence or 0) >= (serial.fence or 0)):
        return State(state.board, decision.after)
    return None


def _caught_up(register: Register, command: Doc, told: Answer | None) -> Register:
    """Return the register with the number that it had when it gave a new claim its fence."""
    if told is None or told.fence is None or dict(told.facts).get("claim") != getattr(command, "claim_id", ""):
        return register
    return replace(register, seq=max(register.seq, told.fence - 1))


def _decide_step(state: State, actor: Actor, command: Command) -> tuple[Outcome, State]:
    board, register = state

    def paths(step: Step) -> Outcome | None:
        if not step.paths:
            return None
        claims = register
        if step.is_held:
            own = EndStepClaims(step=step.id, agent=step.agent_id or "", clone=step.clone or "")
            claims = _decide_claim(board, claims, actor, own).after
        outcome = _decide_claim(board, claims, actor, step_claims.call_of(step, 0, "c-", _repo(board))).outcome
        return None if outcome.is_done else outcome

    context = replace(context_of(_NOW, actor, Policy(), lambda _: Sighting(locked=True)), paths=paths)
    decision = step_table.decide(board, command, context)
    claim_id = command.claim_id if isinstance(command, ClaimStep) else ""
    for new in decision.changes:
        old = board.steps.get(new.step_num) if board and isinstance(new, Step) else None
        if old is not None and isinstance(new, Step):
            for asked in step_claims.following(old, new, claim_id, _repo(board)):
                register = _decide_claim(board, register, actor, asked).after
    return decision.outcome, State(decision.after, register)


def _repo(board: Board | None) -> str | None:
    return board.project.repo if board else None


def _decide_claim(board: Board | None, register: Register, actor: Actor, command: ClaimCommand) -> Decision[Register]:
    plain = context_of(_NOW, actor, Policy(), lambda _: Sighting(locked=True))
    parts = {name: value for name, value in plain.parts().items() if name != "paths"}
    return claim_table.decide(
        register, command, ClaimContext(**parts, is_void=lambda claim: step_claims.is_void(claim, board))
    )


def content_of(state: State) -> object:
    """Return all of a state that later commands are decided by, or whose answers tell; two with the same are one.

    Fences are part of it: who asks again for what it holds is told the fence of that.
    """
    board, register = state
    claims = [
        (claim.id, claim.fence, claim.holder, claim.session, claim.step, claim.queue_id, claim.items, claim.partners)
        for _, claim in sorted(register.claims.items())
    ]
    line = [entry.id for entry in sorted(register.entries.values(), key=lambda entry: entry.number)]
    return (_steps(board), register.seq, register.grants, repr(claims), *line)


def visible(state: State) -> object:
    """Return what a look at both ledgers shows: steps, who holds which patterns, and who waits."""
    held = tuple(
        (claim.id, claim.holder, tuple(item.pattern for item in claim.items))
        for _, claim in sorted(state.register.claims.items())
    )
    line = tuple((entry.id, entry.holder) for _, entry in sorted(state.register.entries.items()))
    return (_steps(state.board), held, line)


def _steps(board: Board | None) -> object:
    if board is None:
        return None
    steps = (
        (num, step.status, step.agent_id, step.clone, step.session_id, step.fence, step.commit_hash)
        for num, step in sorted(board.steps.items())
    )
    return (board.project.status, *steps)
