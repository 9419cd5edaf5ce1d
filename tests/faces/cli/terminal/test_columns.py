"""Tables on a terminal: each row is a line within its width, cut where it says least."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitcoord.faces.cli.terminal.columns import GAP, Column, ColumnKind, cells, cut, fitted, ids, names, prose, texts

PATH = "docs/deploying/gunicorn.rst"
FEW_CELLS = st.text(st.characters(categories=["L", "N", "Zs"]), max_size=60)


@pytest.mark.parametrize(
    ("cell", "width", "kind", "expected"),
    [
        (PATH, 27, ColumnKind.NAME, PATH),
        (PATH, 20, ColumnKind.NAME, "docs/depl…nicorn.rst"),
        (PATH, 8, ColumnKind.NAME, "doc….rst"),
        ("src/a.py, src/b.py and 3 more", 20, ColumnKind.NAME, "src/a.py, src/b.py…"),
        ("src/a.py, src/b.py and 3 more", 8, ColumnKind.NAME, "src….py,"),
        ("the release waits for it", 20, ColumnKind.TEXT, "the release waits…"),
        ("the release waits for it", 18, ColumnKind.TEXT, "the release waits…"),
        ("Donaudampfschifffahrt", 10, ColumnKind.TEXT, "Donaudamp…"),
        ("spring-cleaning-of-the-house/12", 24, ColumnKind.ID, "spring-clea…the-house/12"),
        ("予定表を直す", 9, ColumnKind.TEXT, "予定表を…"),
        ("anything", 1, ColumnKind.TEXT, "…"),
        ("anything", 0, ColumnKind.TEXT, ""),
    ],
)
def test_a_cell_is_cut_where_it_says_least(cell: str, width: int, kind: ColumnKind, expected: str) -> None:
    shown = cut(cell, width, Column("x", kind))

    assert shown == expected
    assert cells(shown) <= width


def test_a_mark_above_a_letter_takes_no_room_of_its_own() -> None:
    assert cells("ที่") == 1


def test_texts_give_way_before_names_and_facts_never() -> None:
    row = ["c-anf30j5p", "ann/claude-code/wt-3", PATH, "14:56 UTC", "split the login into a form and a check"]

    _, [[shown]] = fitted((Column("claim"), names("agent"), names("what"), Column("until"), texts("for")), [row], 80)

    assert shown == ["c-anf30j5p", "ann/clau…code/wt-3", "docs/depl…icorn.rst", "14:56 UTC", "split the login…"]


@pytest.mark.parametrize(("width", "expected"), [(100, 1), (40, 4)])
def test_prose_is_folded_between_words(width: int, expected: int) -> None:
    purpose = "after how many minutes without a sign of life a claim ends; 0 is never"

    _, [lines] = fitted((Column("policy"), names("value"), prose("purpose")), [["idle_minutes", "30", purpose]], width)

    assert len(lines) == expected
    assert " ".join(line[-1] for line in lines) == purpose
    assert all(cells(GAP.join(line)) <= width for line in lines)


@given(st.lists(st.tuples(FEW_CELLS, FEW_CELLS, FEW_CELLS), min_size=1), st.integers(40, 200))
def test_every_row_is_one_line_within_the_width(rows: list[tuple[str, str, str]], width: int) -> None:
    _, lines = fitted((ids("step"), names("agent"), texts("title")), rows, width)

    assert [len(line) for line in lines] == [1] * len(rows)
    assert all(sum(map(cells, line[0])) + 2 * len(GAP) <= width for line in lines)
