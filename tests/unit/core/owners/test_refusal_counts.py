"""Hot files: what is counted, how it is bounded, and what follows."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitcoord.core.documents.conflict import Conflict
from gitcoord.core.documents.json_text import Json, canonical, load_object
from gitcoord.core.documents.outcomes import done, refused
from gitcoord.core.owners import refusal_counts
from gitcoord.core.owners.owner_rules import Rules, Shared
from gitcoord.core.owners.refusal_counts import Counter, RefusalCount
from gitcoord.core.patterns.path_pattern import Pattern

TODAY = date(2026, 11, 21)
DAY = TODAY.isoformat()


def refusal(uid: str, pattern: str = "a.ts", agent: str = "ann/cli/wt", count: int = 1, day: str = DAY) -> RefusalCount:
    return RefusalCount(uid, day, agent, (pattern,), count)


def counted(*refusals: RefusalCount, known: dict[str, Counter] | None = None) -> dict[str, Counter]:
    before = known or {}
    return {**before, **refusal_counts.merge(before, refusals, TODAY)}


def sums(counters: dict[str, Counter], days: int = 30) -> dict[str, int]:
    return {pattern: sum(agents.values()) for pattern, agents in refusal_counts.totals(counters, TODAY, days).items()}


@pytest.mark.rule("SEC-1")
@pytest.mark.parametrize("pattern", ["a.ts\nnotice: b", "\x1b[2J", "x" * 2_000])
def test_a_counter_of_what_is_no_pattern_is_no_hot_file(pattern: str) -> None:
    found = {f"counters/{DAY}/0.json": Counter(counts={"a.ts": {"ann": 9}, pattern: {"ann": 9}})}

    assert [row.pattern for row in refusal_counts.hotspots(found, TODAY)] == ["a.ts"]


def test_refusals_are_counted_by_pattern_and_agent() -> None:
    found = counted(
        refusal("u1", count=3),
        refusal("u2", agent="bob/cli/wt"),
        refusal("u3", "b.ts"),
        RefusalCount("u4", DAY, "ann", ("a.ts", "b.ts")),
    )

    assert refusal_counts.totals(found, TODAY, 30) == {
        "a.ts": {"ann/cli/wt": 3, "bob/cli/wt": 1, "ann": 1},
        "b.ts": {"ann/cli/wt": 1, "ann": 1},
    }


def test_the_same_refusal_told_again_counts_what_is_new_in_it() -> None:
    first = counted(refusal("u1", count=3))

    again = refusal_counts.merge(first, [refusal("u1", count=3)], TODAY)
    more = counted(refusal("u1", count=5), known=first)

    assert again == {}
    assert sums(more) == {"a.ts": 5}


def test_only_the_counters_that_changed_come_back() -> None:
    known = counted(*(refusal(f"u{n}", f"f{n}.ts") for n in range(40)))

    changed = refusal_counts.merge(known, [refusal("new", "f7.ts")], TODAY)

    assert list(changed) == [refusal_counts.path_of(DAY, "f7.ts")]
    assert known[refusal_counts.path_of(DAY, "f7.ts")].of("f7.ts") == {"ann/cli/wt": 1}


@given(st.lists(st.tuples(st.text(min_size=1, max_size=80), st.integers(1, 9)), max_size=30))
def test_a_counter_reads_back_as_it_was_written(rows: list[tuple[str, int]]) -> None:
    found = counted(*(refusal(f"u{at}", text, count=count) for at, (text, count) in enumerate(rows)))

    for path, counter in found.items():
        assert refusal_counts.day_of(path) == DAY
        assert Counter.parse(load_object(canonical(counter.dump()))) == counter


def test_a_counter_stays_small_and_keeps_what_is_hottest() -> None:
    shard = refusal_counts.path_of(DAY, "hot.ts")
    names = [name for name in (f"{'x' * 150}{n}.ts" for n in range(6000)) if refusal_counts.path_of(DAY, name) == shard]
    found = counted(refusal("hot", "hot.ts", count=9), *(refusal(f"u{n}", name) for n, name in enumerate(names)))

    counter = found[shard]

    assert len(canonical(counter.dump())) <= refusal_counts.BYTES_MAX
    assert counter.of("hot.ts") == {"ann/cli/wt": 9}
    assert counter.left_out + sum(sum(counter.of(one).values()) for one in counter.counts) == 9 + len(names)


def test_many_agents_of_one_pattern_become_others() -> None:
    found = counted(*(refusal(f"u{n}", agent=f"a{n}") for n in range(50)))

    agents = refusal_counts.totals(found, TODAY, 1)["a.ts"]
    assert (len(agents), agents[refusal_counts.OTHERS], sum(agents.values())) == (21, 30, 50)


@pytest.mark.parametrize(
    ("days_ago", "counts"), [(0, True), (89, True), (90, True), (91, False), (-1, True), (-2, False)]
)
def test_days_that_are_not_kept_or_to_come_are_not_counted(days_ago: int, counts: bool) -> None:
    day = (TODAY - timedelta(days=days_ago)).isoformat()

    assert bool(refusal_counts.merge({}, [refusal("u", day=day)], TODAY)) is counts


def test_counters_of_more_than_ninety_days_are_outdated() -> None:
    paths = [refusal_counts.path_of((TODAY - timedelta(days=n)).isoformat(), "a") for n in (0, 90, 91)]

    assert refusal_counts.outdated([*paths, "claims/a/c.json", "counters/x/1.json"], TODAY) == [paths[2]]


def test_only_a_refusal_because_of_a_holder_is_counted() -> None:
    conflicts: list[Json] = [
        Conflict(your_pattern=pattern, claim_id="c-1", item="**").dump() for pattern in ("a.ts", "a.ts", "b.ts", "")
    ]

    assert refusal_counts.patterns_of(refused("conflict", "Held.", conflicts=conflicts)) == ("a.ts", "b.ts")
    assert refusal_counts.patterns_of(refused("too_large", "No.", conflicts=conflicts)) == ()
    assert refusal_counts.patterns_of(refused("conflict", "Held.")) == ()
    assert refusal_counts.patterns_of(done("claimed", conflicts=conflicts)) == ()


def test_a_refusal_is_read_as_a_clone_noted_it_and_nothing_else_is() -> None:
    noted: dict[str, Json] = {"uid": "u", "day": DAY, "by": "ann", "patterns": ["a.ts"], "count": 2}

    assert refusal_counts.refusal_of(noted) == RefusalCount("u", DAY, "ann", ("a.ts",), 2)
    for wrong in ({"uid": 1}, {"day": "today"}, {"day": "2026-13-01"}, {"by": None}, {"count": 0}, {"count": True}):
        assert refusal_counts.refusal_of({**noted, **wrong}) is None
    assert refusal_counts.refusal_of({**noted, "patterns": ["", "x" * 300, 5]}) is None


def test_hotspots_come_most_refused_first_with_distinct_agents() -> None:
    found = counted(
        refusal("1", "a.ts", count=6),
        refusal("2", "b.ts", count=8),
        refusal("3", "b.ts", "bob", 1),
        refusal("4", "c.ts", count=4),
    )

    rows = refusal_counts.hotspots(found, TODAY)

    assert [(row.pattern, row.refusals, row.agents) for row in rows] == [
        ("b.ts", 9, ("ann/cli/wt", "bob")),
        ("a.ts", 6, ("ann/cli/wt",)),
    ]


def test_only_the_last_days_count() -> None:
    old = (TODAY - timedelta(days=7)).isoformat()
    found = counted(refusal("1", count=6), refusal("2", count=6, day=old))

    assert sums(found, 7) == {"a.ts": 6}
    assert sums(found, 8) == {"a.ts": 12}


@pytest.mark.parametrize(
    ("count", "rules", "word"),
    [
        (19, Rules(), ""),
        (20, Rules(), "gitcoord promote src/a.ts shared_file"),
        (50, Rules(), "gitcoord promote src/a.ts split"),
        (20, Rules(shared_files=(Shared(Pattern.of("src/**")),)), ""),
        (50, Rules(suggested_splits=(Pattern.of("src/a.ts"),)), "gitcoord promote src/a.ts shared_file"),
    ],
)
def test_what_is_hot_is_suggested_once(count: int, rules: Rules, word: str) -> None:
    text = refusal_counts.suggestion("src/a.ts", count, rules)

    assert word in text
    assert bool(text) is bool(word)


def test_a_suggestion_can_be_pasted_into_a_shell() -> None:
    assert "gitcoord promote 'a b'\\''$(x).ts' shared_file" in refusal_counts.suggestion("a b'$(x).ts", 20)
    assert "gitcoord promote -- --json shared_file" in refusal_counts.suggestion("--json", 20)
