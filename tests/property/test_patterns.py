"""Patterns against brute force: a matcher written from the specification alone, over every path of a small world."""

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from gitcoord.core.patterns.index import PatternIndex
from gitcoord.core.patterns.path_pattern import (
    Pattern,
    Reading,
    canonical,
    contains,
    example,
    literal,
    matches,
    overlaps,
)
from gitcoord.core.patterns.resolve import matching, overlapping_files, resolve
from gitcoord.core.patterns.tracked_paths import Tracked
from tests.property.length import examples

LETTERS = "abc."
NAMES = ["".join(one) for size in (1, 2, 3) for one in itertools.product(LETTERS, repeat=size)]
NAMES = [name for name in NAMES if name not in {".", ".."}]
FEW = ["a", "b", "ab", "ba", "a.b", ".a", "c"]
PATHS = [*NAMES, *("/".join(one) for size in (2, 3, 4) for one in itertools.product(FEW, repeat=size))]

pieces = st.sampled_from(["a", "b", ".", "*", "?", "[ab]", "[!a]", "[a-c]", "[^.]", "[", "**"])
some_segments = st.one_of(
    st.lists(pieces, min_size=1, max_size=3).map("".join), st.sampled_from(["**", "a", "b", "*"])
).filter(lambda one: one not in {".", ".."})
texts = st.builds(
    lambda names, start, end: start + "/".join(names) + end,
    st.lists(some_segments, min_size=1, max_size=4),
    st.sampled_from(["", "", "/", "./"]),
    st.sampled_from(["", "", "", "/", "/**"]),
)
patterns = st.builds(Pattern.of, texts, st.none() | st.sampled_from(Reading))


def naive_name(pattern: str, name: str) -> bool:
    """Match one segment, character by character."""
    if not pattern:
        return not name
    if pattern[0] == "*":
        return naive_name(pattern[1:], name) or (name != "" and naive_name(pattern, name[1:]))
    close = pattern.find("]", 3 if pattern[1:2] in {"!", "^"} else 2)
    if not name:
        return False
    if pattern[0] == "[" and close > 0:
        body = pattern[1:close]
        negated = body[0] in "!^"
        return naive_member(body[negated:], name[0]) is not negated and naive_name(pattern[close + 1 :], name[1:])
    return pattern[0] in {"?", name[0]} and naive_name(pattern[1:], name[1:])


def naive_member(body: str, letter: str) -> bool:
    if not body:
        return False
    if len(body) > 2 and body[1] == "-":
        return body[0] <= letter <= body[2] or naive_member(body[3:], letter)
    return body[0] == letter or naive_member(body[1:], letter)


def naive_names(pattern: list[str], names: list[str], below: bool) -> bool:
    if not pattern:
        return below or not names
    if pattern[0] == "**":
        return naive_names(pattern[1:], names, below) or (names != [] and naive_names(pattern, names[1:], below))
    return names != [] and naive_name(pattern[0], names[0]) and naive_names(pattern[1:], names[1:], below)


def naive(pattern: Pattern, path: str) -> bool:
    """Match a path, by the text and the reading of a pattern and nothing else of the code under test."""
    below = pattern.reading in {Reading.TREE, Reading.EITHER}
    return naive_names(naive_steps(pattern), path.split("/"), below)


def naive_steps(pattern: Pattern) -> list[str]:
    names = [name for name in pattern.text.split("/") if name]
    if "/" not in pattern.text.removesuffix("/"):
        names = ["**", *names]
    if names[-1] == "**":
        names.pop()
    return names


def naive_meeting(first: Pattern, second: Pattern, path: str) -> bool:
    """Whether a path matches both, and each that may be a file either is that path or is named by the other."""
    return (
        naive(first, path)
        and naive(second, path)
        and naive_folder(first, second, path)
        and naive_folder(second, first, path)
    )


def naive_folder(one: Pattern, other: Pattern, path: str) -> bool:
    as_file = Pattern.of(one.text, Reading.FILE)
    if one.reading is not Reading.EITHER or naive(as_file, path):
        return True
    names = naive_steps(other)
    below = other.reading in {Reading.TREE, Reading.EITHER}
    parts = path.split("/")
    return any(
        naive(as_file, "/".join(parts[:depth]))
        and names[count - 1] != "**"
        and naive_names(names[:count], parts[:depth], below=False)
        and naive_names(names[count:], parts[depth:], below)
        for depth in range(1, len(parts))
        for count in range(1, len(names) + 1)
    )


@given(texts)
def test_the_canonical_form_is_its_own(text: str) -> None:
    once = Pattern.of(text)

    assert canonical(once.text) == once.text
    assert Pattern.of(once.text, once.stored) == once


@given(patterns)
def test_matching_agrees_with_the_naive_matcher(pattern: Pattern) -> None:
    assert [path for path in PATHS if matches(pattern, path)] == [path for path in PATHS if naive(pattern, path)]


@settings(max_examples=examples(300))
@given(patterns, patterns)
def test_patterns_overlap_exactly_where_they_meet_in_a_path(first: Pattern, second: Pattern) -> None:
    both = [path for path in PATHS if matches(first, path) and matches(second, path)]
    brute = [path for path in both if naive_meeting(first, second, path)]
    found = example(first, second)

    assert overlaps(first, second) == overlaps(second, first) == (found is not None)
    assert found is None or naive_meeting(first, second, found)
    assert found is not None or not brute


@settings(max_examples=examples(300))
@given(patterns, patterns)
def test_what_is_contained_has_no_path_outside(outer: Pattern, inner: Pattern) -> None:
    outside = [path for path in PATHS if matches(inner, path) and not matches(outer, path)]

    assert not (contains(outer, inner) and outside)


one_segment = (
    st.lists(pieces.filter(lambda one: one != "["), min_size=1, max_size=3)
    .map("".join)
    .filter(lambda one: one not in {".", ".."} and set(one) != {"*"})
)
LONGER = ["".join(one) for size in range(1, 5) for one in itertools.product("abcd.", repeat=size)]
LONGER = [name for name in LONGER if name not in {".", ".."}]


@settings(max_examples=examples(300))
@given(one_segment, one_segment)
def test_containment_of_names_is_exact(outer: str, inner: str) -> None:
    one, other = Pattern.of("/" + outer, Reading.FILE), Pattern.of("/" + inner, Reading.FILE)
    outside = [name for name in LONGER if naive(other, name) and not naive(one, name)]

    assert contains(one, other) == (not outside)


of_names = st.lists(st.sampled_from(["a", "b", "*", "**"]), min_size=1, max_size=3).map("/".join)
ROOMS = ["/".join(one) for size in range(1, 7) for one in itertools.product("abc", repeat=size)]


@settings(max_examples=examples(300))
@given(of_names, of_names, st.sampled_from(Reading), st.sampled_from(Reading))
def test_containment_of_folders_is_exact(outer: str, inner: str, reading: Reading, reading2: Reading) -> None:
    one, other = Pattern.of(outer, reading), Pattern.of(inner, reading2)
    outside = [path for path in ROOMS if naive(other, path) and not naive(one, path)]

    assert contains(one, other) == (not outside)


@given(patterns, patterns, patterns)
def test_containment_and_overlap_agree(first: Pattern, second: Pattern, third: Pattern) -> None:
    # A name that may be a file or a folder meets only who names it as a folder; see `overlaps`.
    is_plain = Reading.EITHER not in {first.reading, third.reading}
    if is_plain and contains(first, second) and overlaps(second, third):
        assert overlaps(first, third)
    assert contains(first, first)


@given(st.text(st.sampled_from("ab[]*?!^-. "), min_size=1, max_size=6))
def test_a_literal_name_matches_itself_and_no_other(name: str) -> None:
    if name in {".", ".."} or not name.strip():
        return
    pattern = literal(name)

    assert matches(pattern, name)
    assert not any(matches(pattern, other) for other in PATHS if other != name)


tracked_files = st.sets(st.sampled_from(PATHS), max_size=8).map(
    lambda paths: Tracked(one for one in paths if not any(other.startswith(one + "/") for other in paths))
)


@given(texts, tracked_files)
def test_a_resolved_text_matches_the_files_that_it_names(text: str, tracked: Tracked) -> None:
    found = resolve(text, tracked)
    pattern = found.pattern

    assert list(found.files) == [path for path in tracked.paths if naive(pattern, path)]
    assert {path for path in tracked.paths if matches(Pattern.of(text), path)} <= set(found.files) or found.warnings
    assert Pattern.of(pattern.text, pattern.stored) == pattern
    assert overlaps(pattern, pattern) == (example(pattern, pattern) is not None)
    assert resolve(pattern.text, tracked).pattern.text == pattern.text or found.warnings


@given(patterns, patterns, tracked_files)
def test_the_files_of_an_overlap_match_both(first: Pattern, second: Pattern, tracked: Tracked) -> None:
    expected = [path for path in tracked.paths if naive(first, path) and naive(second, path)]

    shown, more = overlapping_files(first, second, tracked, most=2)

    assert (list(shown), more) == (expected[:2], max(0, len(expected) - 2))
    assert list(matching(first, tracked)) == [path for path in tracked.paths if naive(first, path)]


@given(st.lists(patterns, max_size=12), st.lists(patterns, max_size=6), st.data())
def test_the_index_names_every_pattern_that_overlaps(
    kept: list[Pattern], gone: list[Pattern], data: st.DataObject
) -> None:
    asked = data.draw(patterns | st.sampled_from(PATHS).map(literal))
    stays, goes = [*enumerate(kept)], [*enumerate(gone, start=len(kept))]

    index = PatternIndex[int]().with_changes([*stays, *goes]).with_changes(removed=goes)
    found = index.candidates(asked)

    assert {key for key, pattern in stays if overlaps(pattern, asked)} <= found <= {key for key, _ in stays}
