"""The graph of a plan: its faults are named, and its order is what brute force says."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitcoord.core.steps import graph as graphs
from gitcoord.core.steps.step import Step, StepStatus
from tests.unit.core.plans import chains_from, longest_chain, plans
from tests.unit.core.play import step, steps


def order(*wanted: Step) -> list[int]:
    ranks = graphs.build(steps(*wanted)).ranks
    return sorted(ranks, key=lambda num: ranks[num])


@pytest.mark.rule("STEP-2")
def test_the_highest_priority_comes_first() -> None:
    assert order(step(1), step(2, priority=5), step(3, priority=-1), step(4, priority=6)) == [4, 2, 1, 3]


@pytest.mark.rule("STEP-2")
def test_priority_is_stronger_than_a_long_chain_and_a_chain_than_a_low_number() -> None:
    wanted = [step(1), step(2), step(3, depends_on=(2,)), step(4, priority=1)]

    assert order(*wanted) == [4, 2, 1, 3]


@pytest.mark.rule("STEP-2")
def test_a_chain_does_not_run_through_a_skipped_step() -> None:
    skipped = step(2, depends_on=(1,), status=StepStatus.SKIPPED)
    wanted = [step(1), skipped, step(3, depends_on=(2,)), step(4), step(5, depends_on=(4,))]

    assert order(*wanted) == [4, 1, 3, 5, 2]


@pytest.mark.rule("STEP-2")
@given(plans(), st.data())
def test_ranks_are_those_of_brute_force(plan: dict[int, Step], data: st.DataObject) -> None:
    for num in data.draw(st.lists(st.sampled_from(sorted(plan)), max_size=2, unique=True)):
        plan[num] = plan[num].evolve(status=StepStatus.SKIPPED)

    ranks = graphs.build(plan).ranks

    naive = sorted(plan, key=lambda num: (-plan[num].priority, -longest_chain(plan, num), num))
    assert sorted(ranks, key=lambda num: ranks[num]) == naive


def test_a_dependency_that_is_named_twice_is_one_edge() -> None:
    graph = graphs.build(steps(step(1), step(2, depends_on=(1, 1))))

    assert graph.dependants == {1: (2,), 2: ()}


@pytest.mark.rule("STEP-1")
@pytest.mark.parametrize(
    ("edges", "cycle"),
    [
        ({1: (), 2: (1,), 3: (1, 2)}, ()),
        ({1: (2,), 2: (1,)}, (1, 2, 1)),
        ({1: (3,), 2: (1,), 3: (2,)}, (1, 3, 2, 1)),
        ({1: (2,), 2: (3,), 3: (4,), 4: (3,)}, (3, 4, 3)),
        ({1: (), 2: (1, 3), 3: (2,), 4: (3,)}, (2, 3, 2)),
        ({1: (1,)}, (1, 1)),
    ],
)
def test_a_cycle_is_named_by_its_steps(edges: dict[int, tuple[int, ...]], cycle: tuple[int, ...]) -> None:
    plan = {num: step(num, depends_on=depends_on) for num, depends_on in edges.items()}

    assert graphs.find_cycle(plan) == cycle


@pytest.mark.rule("STEP-1")
@given(plans(), st.data())
def test_a_cycle_is_found_exactly_where_there_is_one(plan: dict[int, Step], data: st.DataObject) -> None:
    first, last = (data.draw(st.sampled_from(sorted(plan))) for _ in range(2))
    closes = any(last in chain for chain in chains_from(plan, first))
    plan[first] = plan[first].evolve(depends_on=(*plan[first].depends_on, last))

    cycle = graphs.find_cycle(plan)

    assert bool(cycle) == closes
    assert all(after in plan[before].depends_on for before, after in pairwise(cycle))
    assert not cycle or (cycle[0] == cycle[-1] and len(set(cycle)) == len(cycle) - 1)


def test_a_long_chain_needs_no_recursion() -> None:
    plan = {num: step(num, depends_on=(num - 1,) if num > 1 else ()) for num in range(1, 20_001)}

    graph = graphs.build(plan)

    assert graph.ranks[1] == (0, -20_000, 1)
    assert graphs.find_cycle(plan) == ()
    assert len(graphs.critical_path(plan, graph)) == 20_000


@pytest.mark.rule("STEP-1")
def test_dependencies_that_are_missing_or_on_the_step_itself_are_listed() -> None:
    plan = steps(step(2, depends_on=(1, 9)), step(1, depends_on=(1,)))

    assert graphs.unknown_dependencies(plan) == [(1, 1), (2, 9)]


@given(plans())
def test_each_step_comes_after_what_it_depends_on(plan: dict[int, Step]) -> None:
    placed = graphs.in_order(plan, graphs.reversed_edges(plan))

    assert sorted(placed) == sorted(plan)
    assert all(placed.index(dep) < placed.index(num) for num in plan for dep in plan[num].depends_on)


# --- the critical path ---


@given(plans(), st.data())
def test_the_critical_path_is_a_longest_chain_of_open_steps(plan: dict[int, Step], data: st.DataObject) -> None:
    for num in graphs.in_order(plan, graphs.reversed_edges(plan)):
        settled = all(plan[dep].is_settled for dep in plan[num].depends_on)
        if settled and data.draw(st.booleans()):
            plan[num] = plan[num].evolve(status=StepStatus.COMPLETED)
        elif data.draw(st.integers(0, 5)) == 0:
            plan[num] = plan[num].evolve(status=StepStatus.SKIPPED)
    still_open = {num: one for num, one in plan.items() if not one.is_settled}

    path = graphs.critical_path(plan, graphs.build(plan))

    longest = max((len(chain) for num in still_open for chain in chains_from(still_open, num)), default=0)
    assert len(path) == longest
    assert all(num in still_open for num in path)
    assert all(before in plan[after].depends_on for before, after in pairwise(path))


def test_a_failed_step_is_still_on_the_critical_path() -> None:
    plan = steps(step(1, status=StepStatus.FAILED), step(2, depends_on=(1,)), step(3))

    assert graphs.critical_path(plan, graphs.build(plan)) == (1, 2)


def test_a_plan_that_is_done_has_no_critical_path() -> None:
    plan = steps(step(1, status=StepStatus.COMPLETED), step(2, status=StepStatus.SKIPPED))

    assert graphs.critical_path(plan, graphs.build(plan)) == ()


def test_the_critical_path_of_a_circle_that_somebody_wrote_by_hand_ends() -> None:
    circle = {
        num: Step(id=f"app/{num}", step_num=num, depends_on=(before,)) for num, before in ((1, 3), (2, 1), (3, 2))
    }

    assert sorted(graphs.critical_path(circle, graphs.build(circle))) == [1, 2, 3]
