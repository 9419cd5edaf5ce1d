"""The board: the state of one project's ledger, with an index of what is available and who holds what.

The rules of steps read it, and beside it and the command a `StepContext`.

Rules:
  * A board is a value: `with_changes` returns another one and leaves this one as it is.
  * A change of one step costs what that step touches; only a change of the graph rebuilds the index.

What this file does not know: commands, trees, refs.
"""

import bisect
from collections import Counter
from collections.abc import Callable, Iterable, Mapping

from gitcoord.core.documents.actor import Actor
from gitcoord.core.documents.decision import Context
from gitcoord.core.documents.doc import Struct
from gitcoord.core.documents.outcomes import Outcome
from gitcoord.core.steps.graph import Graph, Rank, build
from gitcoord.core.steps.project import Project, ProjectStatus
from gitcoord.core.steps.step import Step, StepStatus

Holder = tuple[str, str]
"""(agent, clone): who holds a step."""


class StepContext(Context, frozen=True):
    """The context of a command on a project.

    Attributes:
        paths: why the paths of a step cannot be claimed by the caller; `None`: they can.
    """

    paths: Callable[[Step], Outcome | None]

    @classmethod
    def of(cls, context: Context, paths: Callable[[Step], Outcome | None]) -> "StepContext":
        """Return what every decision reads, with what those on steps do."""
        return cls(**context.parts(), paths=paths)


class Board(Struct, frozen=True):
    """A project and its steps.

    Attributes:
        waiting: for each step how many of its dependencies are not settled.
        available: the ranks of the steps that can be claimed, best first; none once the project has ended.
        held: for each holder the numbers that it holds.
    """

    project: Project
    steps: Mapping[int, Step]
    graph: Graph
    waiting: Mapping[int, int]
    available: tuple[Rank, ...]
    held: Mapping[Holder, tuple[int, ...]]
    counts: Mapping[StepStatus, int]

    def with_changes(self, project: Project | None, steps: Iterable[Step]) -> "Board":
        """Return the board after these documents replaced those of the same number."""
        changed = [(self.steps.get(step.step_num), step) for step in steps]
        merged = {**self.steps, **{step.step_num: step for _, step in changed}}
        project = project or self.project
        if project.status is not self.project.status or any(_moves_graph(old, new) for old, new in changed):
            return make_board(project, merged)
        return _advanced(self, project, merged, [(old, new) for old, new in changed if old])

    def held_by(self, *holders: Holder) -> tuple[int, ...]:
        """Return the numbers that this holder holds, lowest first; several are one whose clone has several ids."""
        return tuple(sorted(num for holder in holders for num in self.held.get(holder, ())))

    def held_by_actor(self, actor: Actor) -> tuple[int, ...]:
        """Return the numbers of the steps that an agent holds under every id of its clone, lowest first."""
        if not any((actor.agent, clone) in self.held for clone in (actor.clone, *actor.others, *actor.earlier)):
            return ()  # it is asked of every project for each claim
        by_session = (num for clone in actor.session_clones for num in self.held_by((actor.agent, clone)))
        own = {num for num in by_session if self.steps[num].session_id == actor.session}
        return tuple(sorted({*self.held_by(*actor.holders), *own}))

    def held_by_partners(self, actor: Actor) -> tuple[int, ...]:
        """Return the numbers that others of its party hold, lowest first."""
        return tuple(sorted(num for holder, nums in self.held.items() if actor.is_partner(*holder) for num in nums))

    def held_steps(self) -> list[Step]:
        """Return every step that has a holder, lowest number first."""
        return [self.steps[num] for num in sorted(num for nums in self.held.values() for num in nums)]

    def unsettled_dependencies(self, step: Step) -> list[int]:
        """Return what the step still waits for."""
        return [num for num in step.depends_on if not self.steps[num].is_settled]

    def base_of(self, step: Step) -> list[Step]:
        """Return the completed steps that a step builds on; a skipped one stands for what it waited for itself."""
        found: dict[int, Step] = {}
        waiting = [*reversed(step.depends_on)]
        while waiting:
            num = waiting.pop()
            dependency = self.steps[num]
            if num in found:
                continue
            found[num] = dependency
            if dependency.status is StepStatus.SKIPPED:
                waiting += reversed(dependency.depends_on)
        return [dependency for dependency in found.values() if dependency.commit_hash]


def make_board(project: Project, steps: Mapping[int, Step]) -> Board:
    """Index a project from its documents."""
    graph = build(steps)
    waiting = {
        num: sum(1 for dependency in set(step.depends_on) if not steps[dependency].is_settled)
        for num, step in steps.items()
    }
    available = sorted(
        graph.ranks[num]
        for num, step in steps.items()
        if waiting[num] == 0 and step.status is StepStatus.NOT_STARTED and project.status is ProjectStatus.ACTIVE
    )
    held: dict[Holder, tuple[int, ...]] = {}
    for num in sorted(steps):
        if steps[num].is_held:
            held[holder_of(steps[num])] = (*held.get(holder_of(steps[num]), ()), num)
    return Board(project, steps, graph, waiting, tuple(available), held, Counter(s.status for s in steps.values()))


def holder_of(step: Step) -> Holder:
    """Return who holds the step, or held it last."""
    return (step.agent_id or "", step.clone or "")


def _moves_graph(old: Step | None, new: Step) -> bool:
    return (
        old is None
        or old.depends_on != new.depends_on
        or old.priority != new.priority
        or (old.status is StepStatus.SKIPPED) != (new.status is StepStatus.SKIPPED)
        or (old.is_settled and not new.is_settled)
    )


def _advanced(board: Board, project: Project, steps: Mapping[int, Step], changed: list[tuple[Step, Step]]) -> Board:
    waiting = board.waiting
    available = list(board.available)
    held = dict(board.held)
    counts = Counter(board.counts)
    for old, new in changed:
        counts[old.status] -= 1
        counts[new.status] += 1
        if old.is_held:
            left = tuple(num for num in held[holder_of(old)] if num != old.step_num)
            if left:
                held[holder_of(old)] = left
            else:
                del held[holder_of(old)]
        if new.is_held:
            held[holder_of(new)] = tuple(sorted((*held.get(holder_of(new), ()), new.step_num)))
        if new.is_settled and not old.is_settled:
            waiting = dict(waiting)
            for num in board.graph.dependants[new.step_num]:
                waiting[num] -= 1
                if waiting[num] == 0 and steps[num].status is StepStatus.NOT_STARTED:
                    bisect.insort(available, board.graph.ranks[num])
    for _, new in changed:
        _place(available, board.graph.ranks[new.step_num], new, waiting[new.step_num])
    given_out = tuple(available) if project.status is ProjectStatus.ACTIVE else ()
    return Board(project, steps, board.graph, waiting, given_out, held, counts)


def _place(available: list[Rank], rank: Rank, step: Step, waiting: int) -> None:
    index = bisect.bisect_left(available, rank)
    there = index < len(available) and available[index] == rank
    wanted = waiting == 0 and step.status is StepStatus.NOT_STARTED
    if wanted and not there:
        available.insert(index, rank)
    elif there and not wanted:
        del available[index]
