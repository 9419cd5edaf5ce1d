"""Promotion: which lines machines add and take away."""

from datetime import date, timedelta

import pytest

from gitcoord.core.owners import promotion, refusal_counts
from gitcoord.core.owners.owner_rules import Rules, Shared
from gitcoord.core.owners.refusal_counts import Counter, RefusalCount
from gitcoord.core.patterns.path_pattern import Pattern

TODAY = date(2026, 11, 21)


def counters(days_ago: int = 0, **counts: int) -> dict[str, Counter]:
    return counters_of({name.replace("__", "/").replace("_", "."): count for name, count in counts.items()}, days_ago)


def counters_of(counts: dict[str, int], days_ago: int = 0) -> dict[str, Counter]:
    day = (TODAY - timedelta(days=days_ago)).isoformat()
    return refusal_counts.merge(
        {}, [RefusalCount(text, day, "ann", (text,), count) for text, count in counts.items()], TODAY
    )


def lines(*texts: str, on: str = "2026-11-01", pinned: bool = False) -> Rules:
    return Rules(shared_files=tuple(Shared(Pattern.of(text), on, pinned) for text in texts))


def plan(
    counted: dict[str, Counter],
    *,
    people: Rules | None = None,
    auto: Rules | None = None,
    threshold: int = 10,
    least: int = 3,
) -> tuple[list[str], list[str]]:
    made = promotion.plan(
        counters=counted,
        people=people or Rules(),
        auto=auto or Rules(),
        today=TODAY,
        threshold=threshold,
        subtree_min_files=least,
    )
    return [one.text for one in made.added], sorted(one.text for one in made.removed)


def test_what_is_refused_often_enough_is_added() -> None:
    assert plan(counters(src__a_ts=10, b_ts=9)) == (["src/a.ts"], [])


def test_without_a_threshold_nothing_moves() -> None:
    assert plan(counters(a_ts=1000), auto=lines("b.ts"), threshold=0) == ([], [])


def test_only_seven_days_count_for_a_promotion() -> None:
    assert plan(counters(days_ago=7, a_ts=50)) == ([], [])
    assert plan(counters(days_ago=6, a_ts=50)) == (["a.ts"], [])


@pytest.mark.parametrize("where", ["people", "auto"])
def test_what_is_covered_is_not_added(where: str) -> None:
    hot = counters_of({"src/a.ts": 20})

    assert plan(hot, people=lines("src/**", on="")) == ([], [])
    assert plan(hot, auto=lines("src/**")) == ([], [])


def test_a_pattern_for_everything_is_never_added() -> None:
    assert plan(counters_of({"**": 99, "*": 99})) == ([], [])


def test_of_two_hot_patterns_the_wider_is_added() -> None:
    assert plan(counters_of({"src/**": 20, "src/a.ts": 20})) == (["src/**"], [])


def test_three_files_of_one_folder_become_the_folder_whenever_they_got_there() -> None:
    hot = counters_of({"src/c.ts": 10, "src/a.ts": 4, "src/b.ts": 8})

    assert plan(hot, auto=lines("src/a.ts", "src/b.ts"), threshold=4) == (["src/**"], ["src/a.ts", "src/b.ts"])


def test_two_files_stay_single_and_so_do_those_at_the_root() -> None:
    assert plan(counters_of({"src/a.ts": 10, "src/b.ts": 10})) == (["src/a.ts", "src/b.ts"], [])
    roots = {"/a.json": 10, "/b.json": 10, "/c.json": 10}
    assert plan(counters_of(roots)) == (sorted(roots), [])


def test_without_a_number_of_files_no_folder_is_made() -> None:
    hot = {f"src/{name}.ts": 10 for name in "abc"}

    assert plan(counters_of(hot), least=0) == (sorted(hot), [])


def test_a_folder_of_any_name_is_meant_literally() -> None:
    hot = counters_of({f"app/[[]slug]/{name}.tsx": 10 for name in "abc"})

    assert plan(hot) == (["app/[[]slug]/**"], [])


def test_a_line_that_cooled_down_is_removed() -> None:
    assert plan({}, auto=lines("a.ts")) == ([], ["a.ts"])
    assert plan(counters(days_ago=13, a_ts=10), auto=lines("a.ts")) == ([], [])
    assert plan(counters(days_ago=14, a_ts=10), auto=lines("a.ts")) == ([], ["a.ts"])


def test_a_folder_is_judged_by_all_that_it_covers() -> None:
    hot = counters_of({"src/a.ts": 4, "src/b.ts": 6})

    assert plan(hot, auto=lines("src/**")) == ([], [])
    assert plan(hot, auto=lines("src/**"), threshold=11) == ([], ["src/**"])


def test_a_pinned_line_and_one_without_a_mark_stay() -> None:
    assert plan({}, auto=lines("a.ts", pinned=True)) == ([], [])
    assert plan({}, auto=lines("a.ts", on="")) == ([], [])
    assert plan({}, people=lines("a.ts")) == ([], [])


def test_a_pinned_file_counts_for_its_folder_and_stays_beside_it() -> None:
    hot = counters_of({"src/b.ts": 10, "src/c.ts": 10})

    assert plan(hot, auto=lines("src/a.ts", pinned=True)) == (["src/**"], [])


def test_a_plan_that_was_carried_out_is_followed_by_an_empty_one() -> None:
    hot = counters_of({"src/a.ts": 10, "src/b.ts": 12, "src/c.ts": 14, "lib/x.py": 30, "/top": 10})
    added, _ = plan(hot)

    assert added == ["/top", "lib/x.py", "src/**"]
    assert plan(hot, auto=lines(*added, on=TODAY.isoformat())) == ([], [])
