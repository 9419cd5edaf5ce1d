"""Where the steps of a graph are drawn."""

from hypothesis import given
from hypothesis import strategies as st

from gitcoord.core.steps.graph_layers import Layout, layout

Graph = dict[int, list[int]]


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    """Draw a graph without circles, its numbers in any order."""
    nums = draw(st.lists(st.integers(1, 99), unique=True, max_size=25))
    return {
        num: draw(st.lists(st.sampled_from(nums[:index]), max_size=4)) if index else []
        for index, num in enumerate(nums)
    }


def crossings(found: Layout) -> int:
    """Count, pair by pair, the lines between the same two columns that cross."""
    parts = [pair for line in found.lines for pair in zip(line.places, line.places[1:], strict=False)]
    return sum(
        1
        for at, (begin, end) in enumerate(parts)
        for other_begin, other_end in parts[:at]
        if (begin[0], end[0]) == (other_begin[0], other_end[0])
        and (begin[1] - other_begin[1]) * (end[1] - other_end[1]) < 0
    )


@given(graphs())
def test_every_line_leads_to_a_later_column(graph: Graph) -> None:
    found = layout(graph)

    wanted = {(other, num) for num, others in graph.items() for other in others}
    assert {(line.begin, line.end) for line in found.lines} == wanted
    for line in found.lines:
        columns = [column for column, _ in line.places]
        assert columns == [*range(columns[0], columns[-1] + 1)]
        assert (line.places[0], line.places[-1]) == (found.places[line.begin], found.places[line.end])
        assert len(columns) > 1


@given(graphs())
def test_no_two_steps_and_no_line_between_have_the_same_place(graph: Graph) -> None:
    found = layout(graph)

    between = [place for line in found.lines for place in line.places[1:-1]]
    places = [*found.places.values(), *between]
    assert found.places.keys() == graph.keys()
    assert len({*places}) == len(places)
    assert all(0 <= column < found.columns and 0 <= row <= found.rows - 1 for column, row in places)


@given(graphs())
def test_equal_graphs_are_drawn_equally(graph: Graph) -> None:
    assert layout(dict(reversed(graph.items()))) == layout(graph)


@given(graphs())
def test_a_step_is_in_the_column_behind_the_last_of_its_dependencies(graph: Graph) -> None:
    places = layout(graph).places

    for num, others in graph.items():
        assert places[num][0] == 1 + max((places[other][0] for other in others), default=-1)


def test_lines_that_need_not_cross_do_not() -> None:
    crossed = {1: [], 2: [], 3: [], 11: [3], 12: [2], 13: [1], 21: [13], 22: [12], 23: [11]}

    assert crossings(layout(crossed)) == 0


def test_what_closes_a_circle_or_is_not_there_has_no_line() -> None:
    found = layout({1: [2], 2: [1], 3: [7, 3], 4: [3]})

    assert [(line.begin, line.end) for line in found.lines] == [(3, 4)]
    assert found.places.keys() == {1, 2, 3, 4}


def test_many_long_lines_are_drawn_straight() -> None:
    chain = {num: [num - 1] if num > 1 else [] for num in range(1, 301)}
    chain |= {num: [num - 1, *range(1, num - 1, 3)] for num in range(200, 301)}

    found = layout(chain)

    assert (found.columns, found.rows) == (300, 1)
    assert max(len(line.places) for line in found.lines) == 2


def test_nothing_has_no_columns() -> None:
    assert layout({}) == Layout({}, [], 0, 0)
