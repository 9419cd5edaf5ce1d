"""Tracked paths: files, folders, names, and what was perhaps meant."""

import pytest

from gitcoord.core.patterns.tracked_paths import Tracked, is_one_edit

TRACKED = Tracked(["b/x.ts", "a-b", "a/b/x.ts", "a/b/c", "a.txt", "a/b/x.ts", "a0"])


def test_paths_are_sorted_and_told_once() -> None:
    assert list(TRACKED.paths) == ["a-b", "a.txt", "a/b/c", "a/b/x.ts", "a0", "b/x.ts"]
    assert len(TRACKED) == 6


def test_a_folder_is_what_has_something_below() -> None:
    asked = ["a", "a/b", "a/b/c", "b", "a-b", "a0", "", "c"]

    assert [one for one in asked if TRACKED.is_dir(one)] == ["a", "a/b", "b"]
    assert [one for one in asked if TRACKED.is_file(one)] == ["a/b/c", "a-b", "a0"]


def test_inside_is_the_file_itself_or_what_is_below() -> None:
    assert [list(TRACKED.inside(one)) for one in ("a", "a0", "c")] == [["a/b/c", "a/b/x.ts"], ["a0"], []]


def test_names_are_found_at_any_depth() -> None:
    assert list(TRACKED.named("x.ts")) == ["a/b/x.ts", "b/x.ts"]
    assert list(TRACKED.dirs_named("b")) == ["a/b", "b"]
    assert list(TRACKED.named("a")) == []


@pytest.mark.parametrize(
    ("path", "nearest"),
    [
        ("A/B/X.ts", "a/b/x.ts"),
        ("a/B", "a/b"),
        ("a/b/x.s", "a/b/x.ts"),
        ("aa/b/x.ts", "a/b/x.ts"),
        ("a/b/y", "a/b/c"),
        ("aa/b/y.ts", None),
        ("zzz", None),
    ],
)
def test_the_nearest_differs_in_case_or_by_one_edit_of_one_name(path: str, nearest: str | None) -> None:
    assert TRACKED.nearest(path) == nearest


def test_spellings_of_an_accent_are_alike() -> None:
    assert Tracked(["caf\u00e9.ts"]).nearest("cafe\u0301.ts") == "caf\u00e9.ts"
    assert Tracked(["d/caf\u00e9"]).nearest_name("cafe\u0301") == "caf\u00e9"


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("abc", "abc", False),
        ("abc", "ab", True),
        ("ab", "abc", True),
        ("abc", "axc", True),
        ("abc", "acb", True),
        ("abc", "cba", False),
        ("abc", "a", False),
        ("abcd", "badc", False),
        ("", "a", True),
    ],
)
def test_one_edit_adds_drops_replaces_or_swaps(one: str, other: str, expected: bool) -> None:
    assert is_one_edit(one, other) is expected
