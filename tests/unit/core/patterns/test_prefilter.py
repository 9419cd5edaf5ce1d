"""Near paths: a text filter that may say yes too often and never no."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitcoord.core.patterns import path_pattern
from gitcoord.core.patterns.path_pattern import Pattern, PatternError
from gitcoord.core.patterns.prefilter import TEXT_CHARS, NearPaths
from gitcoord.ledger.format import meta
from gitcoord.ledger.hook_view import glance

_NAME = st.sampled_from(["a", "b", "c.py", "d e", "[x]", "é"])
_PATH = st.lists(_NAME, min_size=1, max_size=4).map("/".join)
_PART = st.sampled_from(["a", "b", "c.py", "*", "**", "?", "*.py", "[ab]", "[[]x]", "d e", "é", ".", ".."])
_PATTERN = st.builds(
    lambda start, parts, end: start + "/".join(parts) + end,
    st.sampled_from(["", "/", "./", "//"]),
    st.lists(_PART, min_size=1, max_size=4),
    st.sampled_from(["", "/"]),
)


@pytest.mark.rule("HOOK-6")
@given(_PATTERN, st.lists(_PATH, min_size=1, max_size=4))
def test_a_pattern_that_matches_a_file_is_always_near(text: str, paths: list[str]) -> None:
    try:
        pattern = Pattern.of(path_pattern.canonical(text))
    except PatternError:
        return

    near = NearPaths.of(paths)

    for spelling in (text, path_pattern.canonical(text)):
        if any(path_pattern.matches(pattern, path) for path in paths):
            assert near.may_match(spelling)


@pytest.mark.parametrize(
    ("pattern", "is_near"),
    [
        ("src/a.py", True),
        ("src", True),
        ("/src/**", True),
        ("*.py", True),
        ("a.py", True),
        ("src/b.py", False),
        ("lib/**", False),
        ("src/deep/*.py", False),
        ("./lib//x", True),
        ("*_gen.py", False),
        ("**/tests/*.py", False),
        ("**/src/*.py", True),
        ("src/**/x*.py", False),
        ("s?c/[a-c].py", True),
        ("x[a-c].py", False),
    ],
)
def test_what_is_plainly_elsewhere_is_not_near(pattern: str, *, is_near: bool) -> None:
    assert NearPaths.of(["src/a.py"]).may_match(pattern) is is_near


def test_of_many_files_what_floats_is_near() -> None:
    many = [f"src/{number}/{'x' * 100}.py" for number in range(TEXT_CHARS // 100)]

    assert NearPaths.of(many).may_match("*_gen.ts")
    assert not NearPaths.of(many[:9]).may_match("*_gen.ts")


def test_the_light_reader_knows_the_ledgers_as_the_others_do() -> None:
    assert (glance.META, glance.SCHEMA) == (meta.META, meta.SCHEMA)
