"""Layers: where the steps of a graph are drawn, in columns from left to right, so that few lines cross.

    1 ──> 2 ──┐
              ├──> 4      columns: 1 and 5; 2, and the line from 5 to 4; 4
    5 ────────┘

Rules:
  * A step is in the column behind the last of its dependencies: each line leads to a later column.
  * A line over several columns has a place in each between, so it is drawn around steps, not through them.
  * The order within a column is by the middle of what a place is tied to, back and forth a few times (barycenters, by
    Sugiyama's method); the order with the fewest crossings is kept. Equal graphs are drawn equally.

What this file does not know: steps, how large one is drawn.
"""

import itertools
from bisect import bisect_right, insort
from collections.abc import Mapping, Sequence
from typing import NamedTuple

SWEEPS = 8  # back and forth; more change little
BENDS_MAX = 4_000  # places of lines between steps; with more of them lines are drawn straight, for speed
_Spot = tuple[int, int, int]
"""A step, as (number, number, column), or a place of a line, as (its begin, its end, column)."""


class Line(NamedTuple):
    """A dependency: from a step to one that waits for it, by way of these (column, row) places."""

    begin: int
    end: int
    places: tuple[tuple[int, float], ...]


class Layout(NamedTuple):
    """Where steps are. `places`: column and row of each; `columns`, `rows`: how many there are."""

    places: Mapping[int, tuple[int, float]]
    lines: Sequence[Line]
    columns: int
    rows: int


def layout(depends_on: Mapping[int, Sequence[int]]) -> Layout:
    """Lay out steps by what each depends on; what is no step, or closes a circle, is left out."""
    columns, edges = _columns(depends_on)
    has_bends = sum(columns[end] - columns[begin] - 1 for begin, end in edges) <= BENDS_MAX
    chains = {
        (begin, end): [
            (begin, begin, columns[begin]),
            *((begin, end, column) for column in range(columns[begin] + 1, columns[end] if has_bends else 0)),
            (end, end, columns[end]),
        ]
        for begin, end in edges
    }
    layers: list[list[_Spot]] = [[] for _ in range(1 + max(columns.values(), default=-1))]
    for spot in sorted({(num, num, column) for num, column in columns.items()}.union(*chains.values())):
        layers[spot[2]].append(spot)
    ordered = _ordered(layers, [pair for chain in chains.values() for pair in itertools.pairwise(chain)])
    most = max(map(len, layers), default=0)
    place = {
        spot: (column, row + (most - len(layer)) / 2)
        for column, layer in enumerate(ordered)
        for row, spot in enumerate(layer)
    }
    lines = [Line(*edge, tuple(place[spot] for spot in chain)) for edge, chain in chains.items()]
    return Layout({num: place[num, num, column] for num, column in columns.items()}, lines, len(layers), most)


def _columns(depends_on: Mapping[int, Sequence[int]]) -> tuple[dict[int, int], list[tuple[int, int]]]:
    """Return the column of each step, and the lines between them: longest paths from the left."""
    before = {
        num: sorted({other for other in others if other in depends_on and other != num})
        for num, others in depends_on.items()
    }
    waiting = {num: len(others) for num, others in before.items()}
    behind: dict[int, list[int]] = {num: [] for num in before}
    for num, others in before.items():
        for other in others:
            behind[other].append(num)
    columns: dict[int, int] = {}
    ready = sorted(num for num, count in waiting.items() if not count)
    for num in ready:  # grows while it is read
        columns[num] = 1 + max((columns[other] for other in before[num]), default=-1)
        for dependant in behind[num]:
            waiting[dependant] -= 1
            if not waiting[dependant]:
                ready.append(dependant)
    circle = [num for num in depends_on if num not in columns]
    columns |= dict.fromkeys(circle, 0)
    edges = [(other, num) for num in sorted(before) for other in before[num] if columns[other] < columns[num]]
    return columns, edges


def _ordered(layers: list[list[_Spot]], ties: Sequence[tuple[_Spot, _Spot]]) -> list[list[_Spot]]:
    """Return the layers, each in an order in which few of the ties cross."""
    behind: dict[_Spot, list[_Spot]] = {}
    before: dict[_Spot, list[_Spot]] = {}
    for begin, end in ties:
        behind.setdefault(begin, []).append(end)
        before.setdefault(end, []).append(begin)
    best, fewest = layers, _crossings(layers, ties)
    for sweep in range(SWEEPS if fewest else 0):
        is_back = sweep % 2 == 1
        layers = _swept(layers[::-1], behind)[::-1] if is_back else _swept(layers, before)
        crossings = _crossings(layers, ties)
        if crossings < fewest:
            best, fewest = layers, crossings
    return best


def _swept(layers: Sequence[list[_Spot]], tied: Mapping[_Spot, Sequence[_Spot]]) -> list[list[_Spot]]:
    """Return the layers, each ordered by the middle of what its spots are tied to in those before it."""
    rows: dict[_Spot, float] = {}
    swept: list[list[_Spot]] = []
    for layer in layers:
        middles: dict[_Spot, float] = {}
        for row, spot in enumerate(layer):
            known = [rows[other] for other in tied.get(spot, ()) if other in rows]
            middles[spot] = sum(known) / len(known) if known else row / max(1, len(layer) - 1)
        swept.append(sorted(layer, key=lambda spot: (middles[spot], spot)))
        rows |= {spot: row / max(1, len(layer) - 1) for row, spot in enumerate(swept[-1])}
    return swept


def _crossings(layers: Sequence[Sequence[_Spot]], ties: Sequence[tuple[_Spot, _Spot]]) -> int:
    """Count the ties between two columns that cross."""
    rows = {spot: row for layer in layers for row, spot in enumerate(layer)}
    between: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for begin, end in ties:
        between.setdefault((begin[2], end[2]), []).append((rows[begin], rows[end]))
    count = 0
    for pairs in between.values():
        ends: list[int] = []
        for _, end in sorted(pairs):
            count += len(ends) - bisect_right(ends, end)
            insort(ends, end)
    return count
