"""What is written to a terminal holds nothing that a terminal acts on; JSON is the same value and as harmless."""

import contextlib
import io
import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitcoord.faces.cli.terminal import show

HOSTILE = "a\x1b[31mred\x1b[0m\x1b]8;;http://x\x07link\x9b2J\u202eevil\u2066\x00\x07\ttab\nline\u2028sep\x7f"


def is_harmless(character: str) -> bool:
    return character.isprintable() and unicodedata.category(character) != "Cf"


@given(st.text())
def test_plain_text_is_one_harmless_line(text: str) -> None:
    assert all(is_harmless(one) for one in show.plain(text))


@given(st.text(alphabet=st.characters(categories=["L", "N", "P", "S"])))
def test_plain_text_leaves_what_is_harmless(text: str) -> None:
    assert show.plain(text) == text


def test_escape_sequences_go_as_a_whole() -> None:
    assert show.plain("\x1b[1;31mred\x1b[0m \x1b]0;title\x07\x1bcend\x9b31m") == "red end"


@given(st.dictionaries(st.text(), st.text() | st.integers() | st.lists(st.text())))
def test_json_keeps_the_value_and_is_harmless(value: dict[str, str]) -> None:
    with contextlib.redirect_stdout(io.StringIO()) as out:
        show.json_object(value)

    text = out.getvalue()
    assert json.loads(text) == value
    assert all(is_harmless(one) for one in text.removesuffix("\n"))


def test_a_table_in_a_pipe_is_padded_lines(capsys: pytest.CaptureFixture[str]) -> None:
    show.table(("step", "title"), [["app/1", HOSTILE], ["app/10", ""]])

    lines = capsys.readouterr().out.split("\n")
    assert len(lines) == 4
    assert lines[0] == "STEP    TITLE"
    assert lines[1].startswith("app/1   aredlink\N{REPLACEMENT CHARACTER}evil")
    assert lines[2] == "app/10  -"


@pytest.mark.rule("SEC-1")
def test_lines_of_a_text_are_indented_and_quoted_one_by_one(capsys: pytest.CaptureFixture[str]) -> None:
    show.paragraph("one\r\n\nnote: two\x1b[2J\n", " ")

    assert capsys.readouterr().out == " > one\n >\n > note: two\n"
