"""Is a history of concurrent commands one that a single, serial ledger could have given? After Wing and Gong (1993).

Each command has the time when it was given and the time when its answer came. The history is linearizable if the
commands can be put in one order, in which no command comes before another that had been answered before it was given,
and in which the rules (`specification`) give each command the very answer that it got. A command without an answer may
stand anywhere after it was given, or nowhere. Where it is known how the ledgers were left, the order has to end there.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from gitcoord.core.claims.claim_commands import CLAIM_COMMANDS
from gitcoord.core.documents.actor import Actor
from gitcoord.core.documents.doc import Doc
from gitcoord.core.steps.step_commands import COMMANDS
from tests.race.specification import Answer, State, answer_of, content_of, decide, visible

NODES_MAX = 30_000  # of the search, some ten seconds; one of 120 commands that is linearizable takes a few hundred
FOREVER = 1 << 62
WORDS: Mapping[str, type[Doc]] = {**COMMANDS, **CLAIM_COMMANDS}


class Call(NamedTuple):
    """One command: who gave it, from when to when (ns of one clock), and the answer (`None`: there was none)."""

    actor: Actor
    command: Doc
    called: int
    returned: int
    answer: Answer | None


def calls_of(commands: Iterable[Mapping[str, Any]]) -> list[Call]:
    """Make calls of the logs' commands. What certainly did not happen is left out."""
    out: list[Call] = []
    for logged in commands:
        if logged.get("code") in {"contended", "unreachable"}:
            continue
        known = logged.get("verdict") not in {None, "error"}
        answer = answer_of(logged["verdict"], logged["code"], logged.get("facts", {})) if known else None
        command = WORDS[logged["word"]].parse(logged["args"])
        returned = logged["return"] if known else FOREVER
        out.append(Call(Actor.parse(logged["by"]), command, logged["call"], returned, answer))
    return out


def is_linearizable(start: State, calls: Sequence[Call], end: State | None = None) -> bool:
    """Search for an order that explains every answer. `end`: how the ledgers were left, which it has to lead to.

    Raises:
        RuntimeError: the history is too large to be decided.
    """
    ordered = sorted(calls, key=lambda call: call.called)
    answered = sum(1 << number for number, call in enumerate(ordered) if call.answer is not None)
    waiting: list[tuple[int, State]] = [(0, start)]
    seen: set[tuple[int, object]] = set()
    while waiting:
        placed, state = waiting.pop()
        if placed & answered == answered and (end is None or visible(state) == visible(end)):
            return True
        key = (placed, content_of(state))
        if key in seen:
            continue
        seen.add(key)
        if len(seen) > NODES_MAX:
            message = f"undecided after {NODES_MAX} states"
            raise RuntimeError(message)
        waiting += _next(ordered, placed, state)
    return False


def _next(ordered: Sequence[Call], placed: int, state: State) -> list[tuple[int, State]]:
    """Return each way to go on: with a call that had been given before any that is left was answered.

    The likeliest comes last, and is tried first: what was answered first; what was not answered, after all others.
    """
    left: list[tuple[int, Call]] = []
    horizon = FOREVER
    for number, call in enumerate(ordered):
        if call.called > horizon:
            break
        if not placed >> number & 1:
            left.append((number, call))
            horizon = min(horizon, call.returned)
    ways = [(number, call) for number, call in left if call.called <= horizon]
    ways.sort(key=lambda way: way[1].returned, reverse=True)
    after = [(number, decide(state, call.actor, call.command, call.answer)) for number, call in ways]
    return [(placed | 1 << number, state) for number, state in after if state is not None]
