"""Is a history of concurrent commands one that a single, serial ledger could have given? After Wing and Gong (1993).

Each command has the time when it was given and the time when its answer came. The history is linearizable if the
commands can be put in one order, in which no command comes before another that had been answered before it was given,
and in which the rules (`step_table`) give each command the very answer that it got. A command without an answer may
stand anywhere after it was given, or nowhere.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from gitcoord.core.documents.actor import Actor
from gitcoord.core.documents.liveness import Sighting
from gitcoord.core.documents.policy import Policy
from gitcoord.core.steps import step_table
from gitcoord.core.steps.board import Board
from gitcoord.core.steps.step_commands import COMMANDS, Command
from tests.unit.core.play import context_of

NODES_MAX = 300_000  # of the search; a history that needs more is too large for this checker
FOREVER = 1 << 62
_NOW = datetime(2026, 11, 21, tzinfo=UTC)

Answer = tuple[str, str, object, object]
"""(verdict, code, step, fence)"""


@dataclass(frozen=True)
class Call:
    """One command: who gave it, from when to when, and the answer (`None`: there was none)."""

    actor: Actor
    command: Command
    called: int
    returned: int
    answer: Answer | None


def answer_of(verdict: str, code: str, facts: Mapping[str, object]) -> Answer:
    done = verdict == "done"
    return (verdict, code, facts.get("step_num") if done else None, facts.get("fence") if done else None)


def calls_of(commands: Iterable[Mapping[str, Any]]) -> list[Call]:
    """Make calls of the logs' commands. What certainly did not happen is left out."""
    out: list[Call] = []
    for one in commands:
        if one.get("code") in {"contended", "unreachable"}:
            continue
        known = one.get("verdict") not in {None, "error"}
        answer = answer_of(one["verdict"], one["code"], one.get("facts", {})) if known else None
        command = COMMANDS[one["word"]].parse(one["args"])
        returned = one["return"] if known else FOREVER
        out.append(Call(Actor.parse(one["by"]), command, one["call"], returned, answer))
    return out


def is_linearizable(start: Board | None, calls: Sequence[Call]) -> bool:
    """Search for an order that explains every answer.

    Raises:
        RuntimeError: the history is too large to be decided.
    """
    ordered = sorted(calls, key=lambda call: call.called)
    everything = sum(1 << at for at, call in enumerate(ordered) if call.answer is not None)
    waiting: list[tuple[int, Board | None]] = [(0, start)]
    seen: set[tuple[int, object]] = set()
    while waiting:
        placed, board = waiting.pop()
        if placed & everything == everything:
            return True
        key = (placed, _key(board))
        if key in seen:
            continue
        seen.add(key)
        if len(seen) > NODES_MAX:
            message = f"undecided after {NODES_MAX} states"
            raise RuntimeError(message)
        waiting += _next(ordered, placed, board)
    return False


def _next(ordered: Sequence[Call], placed: int, board: Board | None) -> list[tuple[int, Board | None]]:
    left = [(at, call) for at, call in enumerate(ordered) if not placed >> at & 1]
    horizon = min(call.returned for _, call in left)
    out: list[tuple[int, Board | None]] = []
    for at, call in reversed(left):
        if call.called > horizon:
            continue
        answer, after = _apply(board, call)
        if call.answer in (None, answer):
            out.append((placed | 1 << at, after))
    return out


def _apply(board: Board | None, call: Call) -> tuple[Answer, Board | None]:
    context = context_of(_NOW, call.actor, Policy(), lambda _: Sighting(locked=True))
    decision = step_table.decide(board, call.command, context)
    outcome = decision.outcome
    return answer_of(outcome.verdict, outcome.code, outcome.facts), decision.after


def _key(board: Board | None) -> object:
    if board is None:
        return None
    steps = (
        (num, step.status, step.agent_id, step.clone, step.session_id, step.fence, step.commit_hash)
        for num, step in sorted(board.steps.items())
    )
    return (board.project.status, *steps)
