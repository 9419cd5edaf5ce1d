"""YAML of anybody: what ruamel.yaml says of it is ours, with the line, and what it takes is bounded."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitcoord.service.inputs import yaml_text
from gitcoord.service.inputs.yaml_text import DEPTH_MAX, YamlError

DIRECTIVES = "%YAML 1.3|%YAML 1.1123123|%YAML|%TAG ! x|---|...|!!python/object:os.system |!!binary |!!set |!!timestamp "
MARKS = "[|]|{|}|a: |- |? |&a |*a|'|\"|>\n|#|\n|  |\x85|\ufeff|<<: |\\|=|\x00|\ud7ff|`|@|2026-13-45|0o9|1e999|.inf"
PARTS = [*DIRECTIVES.split("|"), *MARKS.split("|"), "|\n"]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("%YAML 1.3\na: 1\n", 1),
        ("# ours\n%YAML 1.1123123\n---\na: 1\n", 2),
        ("%TAG ! x\n---\n!a b", 3),
        ("a: 1\nb: [", 2),
        ("a: !!timestamp 2026-13-45\n", 1),
        ("[" * 20_000, 1),
        ("- " * (DEPTH_MAX + 1), 1),
        ("a: 1\na: 2\n", 2),
    ],
)
def test_what_cannot_be_read_is_one_error_with_a_line(text: str, line: int) -> None:
    with pytest.raises(YamlError) as raised:
        yaml_text.load(text)

    assert raised.value.line == line
    assert "\n" not in str(raised.value)


def test_what_people_write_is_read() -> None:
    """As deep as may be, with a directive, and in JSON."""
    deep = "[" * (DEPTH_MAX - 1) + "]" * (DEPTH_MAX - 1)

    assert yaml_text.load("%YAML 1.2\n---\na: [1, 'x']\n") == {"a": [1, "x"]}
    assert yaml_text.load('{"a": [null]}') == {"a": [None]}
    assert yaml_text.load("") is None
    assert yaml_text.compose(deep) is not None


@given(st.lists(st.sampled_from(PARTS) | st.text(max_size=3), max_size=12).map("".join))
def test_no_text_raises_anything_else(text: str) -> None:
    for read in (yaml_text.load, yaml_text.compose):
        with contextlib.suppress(YamlError):
            read(text)
