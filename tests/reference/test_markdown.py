"""Texts that were written for a terminal are shown as they are by Markdown."""

import pytest

from tests.reference import markdown


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("As in src/auth/**, from the root", "As in `src/auth/**`, from the root"),
        ("go on with queue_id alone", "go on with `queue_id` alone"),
        ("Returns base[], and --json prints it", "Returns `base[]`, and `--json` prints it"),
        ("{file: ['f']} or a|b of <name>", r"{file: \['f'\]} or a&#124;b of &lt;name&gt;"),
        ("`gitcoord claim add a_b`, a - b", "`gitcoord claim add a_b`, a - b"),
    ],
)
def test_names_are_code_and_markup_is_escaped(text: str, expected: str) -> None:
    assert markdown.prose(text) == expected


def test_code_with_a_bar_does_not_end_the_cell_of_a_table() -> None:
    assert markdown.code("--format <text|json>") == "<code>--format &lt;text&#124;json&gt;</code>"
    assert markdown.code("--json") == "`--json`"


def test_a_table_without_rows_is_nothing() -> None:
    assert markdown.table(("a", "b"), []) == ""
    assert markdown.table(("a", "b"), [("1", "2")]) == "| a | b |\n| --- | --- |\n| 1 | 2 |\n"
