"""What hooks read as JSON is what `json` reads, and what it does not read, they do not."""

import json
import subprocess
import sys

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gitcoord.ledger.clone import json_scanner

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
BAD = ["", " ", "{", "[1,]", "nul", "1 2", '"\x01"', '{"a" 1}', "[1", "\ufeff1", '"\\x"', "\x0b1"]


@given(VALUES, st.sampled_from(["", " ", "\n\t\r "]), st.booleans())
def test_a_text_is_read_as_json_reads_it(value: object, space: str, is_ascii: bool) -> None:
    text = space + json.dumps(value, ensure_ascii=is_ascii) + space

    assert json_scanner.loads(text) == json.loads(text)
    assert json_scanner.loads(text.encode("utf-8", "surrogatepass")) == json.loads(text)


@given(st.text(st.sampled_from('{}[],:"\\ 0123456789.eE+-truefalsnNIiy\x00\u00e9'), max_size=12))
@example("-Infinity")
@example("[Infinity]")
def test_any_text_is_read_by_both_or_by_none(text: str) -> None:
    try:
        expected = repr(json.loads(text))
    except ValueError:
        with pytest.raises(json.JSONDecodeError):
            json_scanner.loads(text)
    else:
        assert repr(json_scanner.loads(text)) == expected


@pytest.mark.parametrize("text", BAD)
def test_where_json_is_not_loaded_a_bad_text_is_an_error_as_well(text: str) -> None:
    program = f"""
import sys
from gitcoord.ledger.clone import json_scanner
assert json_scanner.loads('{{"a": [1, NaN]}}')["a"][0] == 1
assert "json" not in sys.modules and "re" not in sys.modules
try:
    json_scanner.loads({text!r})
except ValueError:
    print("none")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, text=True)

    assert done.stdout == "none\n"


def test_another_python_reads_with_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_scanner, "_scan", None)

    assert json_scanner.loads(b'{"a": 1}') == {"a": 1}


def test_what_is_nested_too_deeply_is_not_read() -> None:
    with pytest.raises(RecursionError):
        json_scanner.loads("[" * 200_000)
