"""The board: its index is the same whether it was kept up step by step or made anew."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitcoord.core.steps.board import Board, make_board
from gitcoord.core.steps.project import Project, ProjectStatus
from gitcoord.core.steps.step import Step, StepStatus
from tests.unit.core.plans import free, plans
from tests.unit.core.play import ANN, BOB, project, step, steps

HOLDERS = ((ANN.agent, ANN.clone), (BOB.agent, BOB.clone), (ANN.agent, BOB.clone))


def same(board: Board, other: Board) -> None:
    for name in ("project", "steps", "graph", "waiting", "available", "held", "counts"):
        assert getattr(board, name) == getattr(other, name), name


def held(num: int, holder: tuple[str, str] = HOLDERS[0]) -> Step:
    return step(num, status=StepStatus.CLAIMED, agent_id=holder[0], clone=holder[1])


def some_change(board: Board, data: st.DataObject) -> tuple[Project | None, list[Step]]:
    """Draw changed documents, legal or not; the index has to follow whatever is written."""
    nums = data.draw(st.lists(st.sampled_from(sorted(board.steps)), max_size=3, unique=True))
    changed: list[Step] = []
    for num in nums:
        agent, clone = data.draw(st.sampled_from(HOLDERS))
        status = data.draw(st.sampled_from(StepStatus))
        priority = data.draw(st.sampled_from((board.steps[num].priority, 0, 3)))
        changed.append(board.steps[num].evolve(status=status, agent_id=agent, clone=clone, priority=priority))
    if data.draw(st.integers(0, 4)) == 0:
        top = max(board.steps)
        changed.append(step(top + 1, depends_on=(data.draw(st.sampled_from(sorted(board.steps))),)))
    status = data.draw(st.sampled_from((None, None, None, ProjectStatus.ACTIVE, ProjectStatus.ABORTED)))
    return (board.project.evolve(status=status) if status else None), changed


@given(plans(), st.data())
def test_a_board_that_was_changed_step_by_step_equals_one_made_anew(plan: dict[int, Step], data: st.DataObject) -> None:
    board = make_board(project(), plan)
    for _ in range(data.draw(st.integers(1, 8))):
        named, changed = some_change(board, data)

        board = board.with_changes(named, changed)

        same(board, make_board(board.project, dict(board.steps)))


@given(plans(), st.data())
def test_what_is_available_is_what_brute_force_finds(plan: dict[int, Step], data: st.DataObject) -> None:
    board = make_board(project(), plan)
    for _ in range(data.draw(st.integers(0, 6))):
        board = board.with_changes(None, some_change(board, data)[1])

    expected = free(board.steps)
    assert [rank[2] for rank in board.available] == expected
    assert {num: count for num, count in board.counts.items() if count} == {
        status: sum(1 for one in board.steps.values() if one.status is status)
        for status in {one.status for one in board.steps.values()}
    }


def test_a_change_leaves_the_board_that_it_was_made_from_as_it_is() -> None:
    board = make_board(project(), steps(step(1), step(2, depends_on=(1,))))
    again = make_board(project(), steps(step(1), step(2, depends_on=(1,))))

    board.with_changes(None, [held(1)])
    board.with_changes(None, [step(1, status=StepStatus.COMPLETED)])

    same(board, again)


@pytest.mark.rule("STEP-10")
@pytest.mark.parametrize("status", [ProjectStatus.ABORTED, ProjectStatus.COMPLETED])
def test_nothing_is_available_in_a_project_that_ended(status: ProjectStatus) -> None:
    board = make_board(project(), steps(step(1), step(2)))

    ended = board.with_changes(project(status=status), [])

    assert (len(board.available), ended.available) == (2, ())
    assert make_board(project(status=status), steps(step(1))).available == ()


def test_a_completed_dependency_frees_all_that_waits_for_nothing_else() -> None:
    board = make_board(project(), steps(step(1), step(2), step(3, depends_on=(1, 1)), step(4, depends_on=(1, 2))))

    after = board.with_changes(None, [step(1, status=StepStatus.COMPLETED)])

    assert [rank[2] for rank in board.available] == [1, 2]
    assert [rank[2] for rank in after.available] == [2, 3]
    assert after.waiting == {1: 0, 2: 0, 3: 0, 4: 1}
    assert after.unsettled_dependencies(after.steps[4]) == [2]


def test_who_holds_what_follows_each_change() -> None:
    board = make_board(project(), steps(held(3), held(1), held(2, HOLDERS[1]), step(4)))

    after = board.with_changes(None, [step(1), held(3, HOLDERS[1]), held(4)])

    assert board.held_by(HOLDERS[0]) == (1, 3)
    assert after.held_by(HOLDERS[0]) == (4,)
    assert after.held_by(HOLDERS[1]) == (2, 3)
    assert after.held_by(HOLDERS[2]) == ()
    assert [one.step_num for one in after.held_steps()] == [2, 3, 4]


def test_one_agent_in_two_clones_is_two_holders() -> None:
    board = make_board(project(), steps(held(1, HOLDERS[0]), held(2, HOLDERS[2])))

    assert (board.held_by(HOLDERS[0]), board.held_by(HOLDERS[2])) == ((1,), (2,))
