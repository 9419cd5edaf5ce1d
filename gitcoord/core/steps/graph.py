"""The dependency graph of a project: whether it is one, and which step comes first.

Rules:
  * STEP-1: every dependency exists, none is on the step itself, and there is no cycle.
  * STEP-2: order: highest priority first (1 before 0), then the step with the longest chain of unfinished work behind
    it, then the lowest number.
  * A skipped step does no work and blocks no step, so a chain does not run through it.

What this file does not know: status changes; a graph is made anew when its edges, priorities or skips change.
"""

from collections.abc import Mapping

from gitcoord.core.documents.doc import Struct
from gitcoord.core.steps.step import Step, StepStatus

Rank = tuple[int, int, int]
"""(minus priority, minus the length of the chain behind it, number): sorts the step to take first to the front."""


class Graph(Struct, frozen=True):
    """The edges backwards, and each step's rank."""

    dependants: Mapping[int, tuple[int, ...]]
    ranks: Mapping[int, Rank]


def build(steps: Mapping[int, Step]) -> Graph:
    """Make the graph of steps that are known to have no cycle."""
    dependants = reversed_edges(steps)
    chains: dict[int, int] = {}
    for num in reversed(in_order(steps, dependants)):
        if steps[num].status is not StepStatus.SKIPPED:
            chains[num] = 1 + max((chains.get(next_, 0) for next_ in dependants[num]), default=0)
    ranks = {num: (-step.priority, -chains.get(num, 0), num) for num, step in steps.items()}
    return Graph({num: tuple(nums) for num, nums in dependants.items()}, ranks)


def reversed_edges(steps: Mapping[int, Step]) -> dict[int, list[int]]:
    """Return for each step the steps that wait for it."""
    dependants: dict[int, list[int]] = {num: [] for num in steps}
    for num, step in steps.items():
        for dependency in dict.fromkeys(step.depends_on):  # one edge, however often it is named
            dependants[dependency].append(num)
    return dependants


def in_order(steps: Mapping[int, Step], dependants: Mapping[int, list[int]]) -> list[int]:
    """Return the numbers so that each comes after its dependencies; those in a cycle are left out."""
    waiting = {num: len(set(step.depends_on)) for num, step in steps.items()}
    order = [num for num, count in waiting.items() if count == 0]
    for num in order:  # grows while it is read: a queue without a copy
        for dependant in dependants[num]:
            waiting[dependant] -= 1
            if waiting[dependant] == 0:
                order.append(dependant)
    return order


def find_cycle(steps: Mapping[int, Step]) -> tuple[int, ...]:
    """Return one cycle, its first number repeated at the end, or nothing."""
    placed = set(in_order(steps, reversed_edges(steps)))
    left = {num for num in steps if num not in placed}
    if not left:
        return ()
    # Each step that is left depends on a step that is left, or leads out of a cycle; walking dependencies must repeat.
    seen: dict[int, int] = {}
    path: list[int] = []
    num = min(left)
    while num not in seen:
        seen[num] = len(path)
        path.append(num)
        num = min(dependency for dependency in steps[num].depends_on if dependency in left)
    return (*path[seen[num] :], num)


def unknown_dependencies(steps: Mapping[int, Step]) -> list[tuple[int, int]]:
    """Return (step, dependency) for each dependency that is missing or the step itself."""
    return [
        (num, dependency)
        for num, step in sorted(steps.items())
        for dependency in step.depends_on
        if dependency not in steps or dependency == num
    ]


def critical_path(steps: Mapping[int, Step], graph: Graph) -> tuple[int, ...]:
    """Return the longest chain of unsettled steps, first step first."""
    open_nums = [num for num, step in steps.items() if not step.is_settled]
    if not open_nums:
        return ()
    num = min(open_nums, key=lambda num: (graph.ranks[num][1], num))
    path, seen = [num], {num}  # a ledger that was written by hand may have a circle
    while ahead := [
        dependant for dependant in graph.dependants[num] if dependant not in seen and not steps[dependant].is_settled
    ]:
        num = min(ahead, key=lambda num: (graph.ranks[num][1], num))
        path.append(num)
        seen.add(num)
    return tuple(path)


def open_behind(steps: Mapping[int, Step], graph: Graph, num: int) -> set[int]:
    """Return the unsettled steps that cannot be completed before this one is, whatever is between."""
    behind: set[int] = set()
    ahead = [num]
    while ahead:
        new = [num for num in graph.dependants[ahead.pop()] if num not in behind and not steps[num].is_settled]
        behind.update(new)
        ahead += new
    return behind
