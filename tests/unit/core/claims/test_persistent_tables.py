"""Persistent tables: each is what a dictionary, or a sorted list, would be after the same changes; none changes."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitcoord.core.claims.persistent_tables import CHUNK_ROWS, LAYER_MIN, PersistentMap, PersistentOrder, Row

START = datetime(2026, 1, 1, tzinfo=UTC)
CHANGES = st.lists(st.dictionaries(st.integers(0, 12), st.none() | st.integers(), max_size=4), max_size=40)
ROWS = st.builds(
    lambda minute, name: (START + timedelta(minutes=minute), name), st.integers(0, 6), st.sampled_from("ab")
)


@given(CHANGES, st.integers(0, 2))
def test_a_map_is_what_a_dictionary_would_be_and_in_its_order(changes: list[dict[int, int | None]], every: int) -> None:
    table, plain = PersistentMap[int, int](), dict[int, int]()
    before: list[tuple[PersistentMap[int, int], dict[int, int]]] = []
    for number, change in enumerate(changes):
        before.append((table, {**plain}))
        table = table.with_changes(change)
        for key, value in change.items():
            plain.pop(key, None)
            if value is not None:
                plain[key] = value
        assert len(table) == len(plain)
        assert all((key in table, table.get(key)) == (key in plain, plain.get(key)) for key in range(14))
        if every and number % every == 0:  # who reads all of it makes the next change begin there
            assert [*table] == [*table.keys()] == [*plain]
    assert ([*table.items()], [*table.values()]) == ([*plain.items()], [*plain.values()])
    assert all([*earlier.items()] == [*was.items()] for earlier, was in before)


def test_a_map_whose_changes_are_many_lays_them_over_anew_in_the_same_order() -> None:
    table = PersistentMap(dict.fromkeys(range(1000), 0))

    for number in range(3 * LAYER_MIN):
        table = table.with_changes({number: None, 500 + number: 1, 2000 + number: 2})

    assert [*table][-3:] == [2000 + 3 * LAYER_MIN - 2, 500 + 3 * LAYER_MIN - 1, 2000 + 3 * LAYER_MIN - 1]
    assert (len(table), len([*table])) == (1000, 1000)
    with pytest.raises(KeyError):
        _ = table[0]


@given(st.lists(st.tuples(st.sets(ROWS, max_size=5), st.sets(ROWS, max_size=5)), max_size=20))
def test_an_order_is_what_a_sorted_list_would_be(changes: list[tuple[set[Row], set[Row]]]) -> None:
    order, rows = PersistentOrder(), set[Row]()

    for leave, come in changes:
        left, new = leave & rows, come - rows
        order, rows = order.with_changes(left, new), rows - left | new
        assert [*order] == sorted(rows)


@pytest.mark.parametrize("each", [1, 64, 5 * CHUNK_ROWS])
def test_an_order_of_many_rows_stays_in_chunks(each: int) -> None:
    rows = [(START + timedelta(seconds=number * 7919 % 4001), str(number)) for number in range(5 * CHUNK_ROWS)]
    order = PersistentOrder()

    for start in range(0, len(rows), each):
        order = order.with_changes((), rows[start : start + each])
    assert [*order] == sorted(rows)
    fewer = order.with_changes(rows[::2], ())

    assert [*fewer] == sorted(rows[1::2])
    assert fewer == PersistentOrder().with_changes((), rows[1::2])
    assert order != fewer


def test_a_change_loses_nothing_while_another_thread_reads_all_of_the_map() -> None:
    reads: list[Callable[[], object]] = []

    class Racing(PersistentMap[str, int]):
        """One of which another thread reads all rows right after the first look whether that was done."""

        __slots__ = ()

        def __getattribute__(self, name: str) -> object:
            found = super().__getattribute__(name)
            if found is None and reads:
                reads.pop()()
            return found

    racing = PersistentMap({"base": 0}).with_changes({"laid over": 1})
    racing.__class__ = Racing
    reads.append(racing.items)

    assert dict(racing.with_changes({"new": 2}).items()) == {"base": 0, "laid over": 1, "new": 2}
    assert reads == []
