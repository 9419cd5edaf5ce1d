"""The index of patterns: no overlap is missed, little else is named, and a change leaves the old one alone."""

import pytest

from gitcoord.core.patterns.index import PatternIndex
from gitcoord.core.patterns.path_pattern import Pattern, Reading, literal, overlaps

TEXTS = [
    "src/auth/login.ts",
    "src/auth/**",
    "src/auth",
    "src/**/tests/*.py",
    "src/*.ts",
    "*.ts",
    "test_*.py",
    "*_test.py",
    "package.json",
    "/package.json",
    "auth/",
    "**",
    "docs/a.md",
    "docs/[ab].md",
    "src/*/gen*/**",
    "web/*.d/?/*",
]
ASKED = [
    *TEXTS,
    "web/x*/**",
    "web/*/?/y",
    "web/s.d/x/*",
    "src/auth/tests/test_x.py",
    "docs",
    "lib/x.ts",
    "src/x/gen1/y.c",
    "**/login.ts",
    "s*/**",
    "*",
]


def made(texts: list[str]) -> PatternIndex[str]:
    return PatternIndex[str]().with_changes([(text, Pattern.of(text)) for text in texts])


@pytest.mark.parametrize("text", ASKED)
def test_no_pattern_that_overlaps_is_missed(text: str) -> None:
    asked = Pattern.of(text)

    found = made(TEXTS).candidates(asked)

    assert {one for one in TEXTS if overlaps(Pattern.of(one), asked)} <= found


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("docs/c.md", {"**", "docs/[ab].md"}),
        ("lib/x.ts", {"**", "*.ts"}),
        ("lib/x_test.py", {"**", "*_test.py"}),
        ("package.json", {"**", "package.json", "/package.json"}),
        ("src/auth/x.go", {"**", "auth/", "src/auth", "src/auth/**"}),
        ("src/auth/gen1/x.go", {"**", "auth/", "src/auth", "src/auth/**", "src/*/gen*/**"}),
        ("web/a.d/x/y.c", {"**", "web/*.d/?/*"}),
        ("web/a.e/x/y.c", {"**"}),
    ],
)
def test_few_others_are_named(path: str, expected: set[str]) -> None:
    assert made(TEXTS).candidates(literal(path)) == expected


def test_a_change_leaves_the_old_index_as_it_was() -> None:
    old = made(["src/a.ts"])

    new = old.with_changes(added=[("b", Pattern.of("src/**"))], removed=[("src/a.ts", Pattern.of("src/a.ts"))])

    assert (old.candidates(literal("src/a.ts")), new.candidates(literal("src/a.ts"))) == ({"src/a.ts"}, {"b"})


def test_removing_everything_leaves_nothing_behind() -> None:
    patterns = [(text, Pattern.of(text)) for text in TEXTS]

    left = PatternIndex[str]().with_changes(patterns).with_changes(removed=patterns)

    assert not left._root
    assert left.candidates(Pattern.of("**")) == set()


def test_what_was_never_there_is_removed_without_harm() -> None:
    assert made(["src/a.ts"]).with_changes(removed=[("x", Pattern.of("lib/**"))]).candidates(Pattern.of("**")) == {
        "src/a.ts"
    }


def test_a_key_removed_and_added_in_one_change_is_there() -> None:
    pattern = Pattern.of("src/a.ts")

    assert made([]).with_changes([("k", pattern)], [("k", pattern)]).candidates(pattern) == {"k"}


def test_a_reading_counts() -> None:
    index = PatternIndex[str]().with_changes(
        [("file", Pattern.of("bin/run", Reading.FILE)), ("tree", Pattern.of("bin/run/"))]
    )

    assert index.candidates(literal("bin/run/x")) == {"tree"}
    assert index.candidates(literal("bin/run")) == {"file", "tree"}
