"""Which steps of projects are drawn, where there is no room for all of them."""

from gitcoord.core.documents.json_text import Json
from gitcoord.core.steps.board import Board, make_board
from gitcoord.core.steps.project import ProjectStatus
from gitcoord.core.steps.step import StepStatus
from gitcoord.service.dashboard.project_graphs import STEPS_DRAWN, STEPS_DRAWN_IN_ALL, ProjectGraphs
from tests.unit.core.play import project, step, steps
from tests.unit.service.world import Result


def rows(*boards: Board) -> list[Result]:
    found: list[Json] = ProjectGraphs().rows(boards, {})
    return [row for row in found if isinstance(row, dict)]


def large(size: int, **fields: object) -> Board:
    done = [step(num, status=StepStatus.COMPLETED) for num in range(1, size // 2)]
    return make_board(project(**fields), steps(*done, *(step(num) for num in range(size // 2, size + 1))))


def test_of_ten_thousand_steps_those_that_matter_are_drawn_and_the_others_counted() -> None:
    [row] = rows(large(10_000))

    assert len(row["shown"]) == STEPS_DRAWN
    assert {shown["state"] for shown in row["shown"]} == {"available"}
    assert row["left_out"] == {"completed": 4_999, "not_started": 5_001 - STEPS_DRAWN}
    assert sum(row["counts"].values()) == row["steps"] == 10_000


def test_projects_share_the_room_and_those_at_work_have_it_first() -> None:
    ended = large(10, name="ended", status=ProjectStatus.COMPLETED)
    found = rows(ended, large(1_000, name="a"), large(1_000, name="b"))

    assert [row["name"] for row in found] == ["b", "a", "ended"]
    assert [len(row["shown"]) for row in found] == [STEPS_DRAWN, STEPS_DRAWN_IN_ALL - STEPS_DRAWN, 0]


def test_a_step_says_how_many_of_its_dependencies_are_not_drawn() -> None:
    chain = [step(num, depends_on=(num - 1,) if num > 1 else ()) for num in range(1, 1_001)]
    [row] = rows(make_board(project(), steps(*chain, step(1_001, depends_on=(1_000, 999), priority=9))))

    drawn = {shown["step_num"]: shown for shown in row["shown"]}

    assert (drawn[1]["state"], drawn[2]["state"]) == ("available", "waiting")
    assert all({*shown["depends_on"]} <= drawn.keys() for shown in drawn.values())
    assert sum(shown["not_shown"] for shown in drawn.values()) == sum(
        len({*one.depends_on} - drawn.keys())
        for one in (*chain, step(1_001, depends_on=(1_000, 999)))
        if one.step_num in drawn
    )
