"""Counters in a tree: what a commit that carries refusals changes of them."""

from datetime import UTC, datetime, timedelta

import pytest

from gitcoord.core.documents.json_text import Json, load_object
from gitcoord.core.owners import refusal_counts
from gitcoord.core.owners.refusal_counts import Counter
from gitcoord.ledger.format import refusal_counters as counting
from gitcoord.ledger.format import trees
from gitcoord.ledger.format.trees import Folder
from gitcoord.remote.contract.protocol import Objects
from gitcoord.remote.transports.memory import MemoryRemote

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)


@pytest.fixture
def objects() -> Objects:
    return MemoryRemote().objects


def noted(uid: str = "u1", pattern: str = "a.ts", count: int = 1, when: datetime = NOW) -> dict[str, Json]:
    return {"uid": uid, "day": when.date().isoformat(), "by": "ann", "patterns": [pattern], "count": count}


def carry(objects: Objects, folder: Folder, *carried: dict[str, Json], now: datetime = NOW) -> Folder:
    return trees.write(objects, folder, counting.edits(objects, folder, carried, now))


def count_of(objects: Objects, folder: Folder, pattern: str = "a.ts", when: datetime = NOW) -> int:
    oid = folder.file(refusal_counts.path_of(when.date().isoformat(), pattern))
    counter = Counter.parse(load_object(objects.read(oid)[1])) if oid else Counter()
    return sum(counter.of(pattern).values())


def test_a_commit_without_refusals_changes_nothing(objects: Objects) -> None:
    assert counting.edits(objects, trees.EMPTY, [], NOW) == {}
    assert counting.edits(objects, trees.EMPTY, [{"uid": "u", "code": "too_large"}], NOW) == {}


def test_what_is_carried_is_added_to_what_is_there(objects: Objects) -> None:
    one = carry(objects, trees.EMPTY, noted(count=2))
    two = carry(objects, one, noted("u2"), noted("u3", "b.ts"))

    assert (count_of(objects, two), count_of(objects, two, "b.ts")) == (3, 1)


def test_what_is_carried_twice_counts_once(objects: Objects) -> None:
    one = carry(objects, trees.EMPTY, noted(count=2))

    assert counting.edits(objects, one, [noted(count=2)], NOW) == {}
    assert count_of(objects, carry(objects, one, noted(count=3))) == 3


def test_counters_of_more_than_ninety_days_go_with_the_next_count(objects: Objects) -> None:
    old = NOW - timedelta(days=80)
    folder = carry(objects, trees.EMPTY, noted(when=old))
    folder = trees.write(objects, folder, {"claims/x.json": b"{}"})

    later = carry(objects, folder, noted("u2"), now=NOW + timedelta(days=11))

    today = refusal_counts.path_of(NOW.date().isoformat(), "a.ts")
    assert sorted(path for path, _ in trees.changes(trees.EMPTY, later)) == ["claims/x.json", today]


@pytest.mark.rule("SAFE-6")
def test_a_damaged_counter_begins_again(objects: Objects) -> None:
    path = refusal_counts.path_of(NOW.date().isoformat(), "a.ts")
    folder = trees.write(objects, trees.EMPTY, {path: b"{"})

    assert count_of(objects, carry(objects, folder, noted())) == 1
