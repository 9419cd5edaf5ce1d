"""Automata: what two sequences of tokens have in common, and whether all of one is in the other.

A sequence is read from left to right. A token that is None is a star: any number of symbols, also none. Any other token
stands for exactly one symbol. The same code decides at two levels: characters in a segment, and segments in a path.

    position   0    1    2    3 = the end          a set of positions is an int: bit 2 says "position 2"
    token      a    *    b                         from 1 one gets to 2 for nothing, or stays at 1 for a symbol

Rules:
  * No two stars in a row, so that leaving a star is one step.
  * Every token has a symbol; who has a token without any asks nothing here.
  * `shared` and `walk` take as many steps as both sequences have tokens. `endings` may take exponentially many, so it
    counts them.

What this file does not know: what symbols are, but for the dots that `after_symbol` tells apart.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")
U = TypeVar("U")
S = TypeVar("S")

_State = tuple[int, int, int]
"""Position of one sequence, position of the other, and what `after_symbol` says of the word so far."""
_START = (0, 0, 0)
STARTED = 3
"""The state of a word that is neither empty nor `.` nor `..`: from here on it may end anywhere."""


class OverLimitError(ValueError):
    """A search took more steps than its budget."""


class Budget:
    """How many steps a search may still take: a count, so that every machine decides alike."""

    def __init__(self, steps: int) -> None:
        self._left = steps

    def spend(self, steps: int = 1) -> None:
        self._left -= steps
        if self._left < 0:
            raise OverLimitError


def after_symbol(state: int, symbol: object) -> int:
    """Return 0 for the empty word, 1 for `.`, 2 for `..` and STARTED for all others."""
    return state + 1 if symbol == "." and state < STARTED - 1 else STARTED


def stars(tokens: Sequence[object | None]) -> int:
    return sum(1 << index for index, token in enumerate(tokens) if token is None)


def shared(first: Sequence[T | None], second: Sequence[U | None], hits: Callable[[T, int], int]) -> list[int]:
    """Return for each position of `first` the positions of `second` from which both can end together.

    Both have a word in common if position 0 is in the first set.

    Args:
        first: one sequence.
        second: the other.
        hits: which of these positions of `second` hold a token that shares a symbol with this one of `first`.
    """
    loops = stars(second)
    row = 1 << len(second)
    row |= (row >> 1) & loops
    rows = [row]
    for token in reversed(first):
        if token is None:  # takes whatever `second` needs to get to the last position of the set
            row = (1 << row.bit_length()) - 1
        else:
            row = hits(token, (row >> 1) & ~loops) | (row & loops)
            row |= (row >> 1) & loops
        rows.append(row)
    return rows[::-1]


def walk(
    first: Sequence[T | None],
    second: Sequence[U | None],
    rows: Sequence[int],
    joint: Callable[[T | None, U | None], S | None],
) -> list[S] | None:
    """Return the symbols of a short word of both that is not empty, `.` or `..`; None: they have none.

    A star is left as soon as possible. From a state that is STARTED every step leads on, so nothing is tried in vain.

    Args:
        first: one sequence.
        second: the other.
        rows: what `shared` returned for them.
        joint: a symbol of both tokens, not the dot if there is another.
    """
    came: dict[_State, tuple[_State, S | None]] = {}
    todo: list[tuple[_State, _State, S | None]] = [(_START, _START, None)]
    while todo:
        here, before, symbol = todo.pop()
        position, to, state = here
        if here in came or not rows[position] >> to & 1:
            continue
        came[here] = before, symbol
        if position == len(first) and to == len(second):
            if state == STARTED:
                end = here
                symbols: list[S] = []
                while end != _START:
                    end, letter = came[end]
                    if letter is not None:
                        symbols.append(letter)
                return symbols[::-1]
            continue
        if position < len(first) and to < len(second) and (found := joint(first[position], second[to])) is not None:
            moved = (
                position + (first[position] is not None),
                to + (second[to] is not None),
                after_symbol(state, found),
            )
            todo.append((moved, here, found))
        if to < len(second) and second[to] is None:
            todo.append(((position, to + 1, state), here, None))
        if position < len(first) and first[position] is None:
            todo.append(((position + 1, to, state), here, None))
    return None


def endings(
    inner: Sequence[T | None],
    start: int,
    after: Callable[[T | None, int], Iterable[tuple[object, int]]],
    budget: Budget,
) -> Iterator[int]:
    """Yield the sets of outer positions that words of `inner` end with; every set left out is larger than one of them.

    Args:
        inner: the sequence whose words are tried.
        start: the outer positions at the start.
        after: for a token (None: any symbol) and outer positions, the symbols to try and the positions after each.
        budget: bounds the sets that are compared.

    Raises:
        OverLimitError: the budget is spent.
    """
    todo = [(0, 0, start)]
    seen: dict[tuple[int, int], list[int]] = {}
    while todo:
        position, state, positions = todo.pop()
        smaller = seen.setdefault((position, state), [])
        budget.spend(1 + len(smaller) // 8)  # a comparison costs about an eighth of a step
        if any(not subset & ~positions for subset in smaller):
            continue
        seen[position, state] = [*(subset for subset in smaller if positions & ~subset), positions]
        if position == len(inner):
            if state == STARTED:
                yield positions
            continue
        token = inner[position]
        if token is None:
            todo.append((position + 1, state, positions))
        next_ = position + (token is not None)
        todo.extend((next_, after_symbol(state, symbol), moved) for symbol, moved in after(token, positions))
