"""Results fit what clients pass on, in text and structure alike; errors are text alone."""

import json
from pathlib import Path

import mcp_types as types
import pytest

from gitcoord.core.documents.json_text import Json
from gitcoord.errors import InvalidError
from gitcoord.faces.mcp.results import RESULT_BYTES_MAX, failure, fit, success
from gitcoord.faces.mcp.tools.tool_table import tools_of
from gitcoord.ledger.clone.bug_report import bug

TOOLS = tools_of("all")


def text_of(result: dict[str, Json]) -> str:
    (content,) = types.CallToolResult.model_validate(result, by_name=False).content
    assert isinstance(content, types.TextContent)
    return content.text


def test_a_result_is_the_same_in_text_and_in_structure() -> None:
    result = success(TOOLS["get_step"], {}, {"step": {"title": "Zürich ✓"}}, [])

    assert text_of(result) == '{"step":{"title":"Zürich ✓"}}'
    assert result["structuredContent"] == {"step": {"title": "Zürich ✓"}}
    assert result["isError"] is False


@pytest.mark.rule("SEC-1")
def test_what_a_terminal_acts_on_or_nobody_sees_is_spelled_out() -> None:
    title = "a\x1b[31m \x9b2J \x7f \u202e \u2028 \ufeff \u200b \U000e0041 \udc80 \u3164 \u2800 b"

    result = success(TOOLS["get_step"], {}, {"step": {"title": title}}, [])
    error = text_of(failure(InvalidError(f"No such step: {title}.")))

    assert text_of(result).isascii()
    assert json.loads(text_of(result)) == {"step": {"title": title}}
    assert error.isascii()


def test_notices_come_first_in_any_result() -> None:
    result = success(TOOLS["get_step"], {}, {"step": None}, [{"notice": "step_lost"}])

    assert text_of(result) == '{"notices":[{"notice":"step_lost"}],"step":null}'


def test_a_long_list_is_cut_and_the_next_page_begins_where_it_was_cut() -> None:
    rows: list[Json] = [{"id": f"p/{num}", "title": "x" * 200} for num in range(50)]
    result = success(TOOLS["get_project"], {"name": "p", "offset": 100}, {"steps": rows, "next_offset": 150}, [])

    shown = json.loads(text_of(result))
    assert len(text_of(result).encode()) <= RESULT_BYTES_MAX
    assert shown == result["structuredContent"]
    assert rows[: len(shown["steps"])] == shown["steps"]
    assert shown["cut"] == [f"steps: {len(shown['steps'])} of 50 shown"]
    assert shown["next_offset"] == 100 + len(shown["steps"])
    assert shown["how_to_narrow"] == "Page with offset and limit."


@pytest.mark.parametrize(
    "result",
    [
        {"step": {"notes": "é" * 16_000, "title": "t"}},
        {"a": {"b": [{"c": ["x" * 50] * 1000}] * 3}},
        {"lists": [[[1] * 100] * 100]},
        {"many": {str(num): "x" * 399 for num in range(10)}, "texts": ["y" * 3000] * 30},
        {"step": {"reason": "\x1b[31m\x00" * 3000}},
        {"agents": {f"person/tool/{num}": {"steps": num} for num in range(1000)}},
    ],
)
def test_whatever_is_too_long_is_cut_until_it_fits(result: dict[str, Json]) -> None:
    before = json.dumps(result)

    fitting = fit(result, "narrow")

    assert len(json.dumps(fitting, ensure_ascii=False, separators=(",", ":")).encode()) <= RESULT_BYTES_MAX
    assert fitting["how_to_narrow"] == "narrow"
    assert fitting["cut"]
    assert json.dumps(result) == before


def test_a_result_that_fits_is_not_touched() -> None:
    result: dict[str, Json] = {"steps": [*["x" * 100] * 50]}

    assert fit(result, "narrow") is result


def test_an_error_is_one_text_without_structure() -> None:
    result = failure(InvalidError("The name is empty.", hint="Give one."))

    assert text_of(result) == "[invalid] The name is empty. Give one."
    assert "structuredContent" not in result
    assert result["isError"] is True


def test_a_bug_leaves_its_traceback_in_a_file_and_only_its_name_in_the_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    error = bug(ZeroDivisionError("secret detail"), "claim_step")

    text = text_of(failure(error))
    (report,) = tmp_path.iterdir()
    assert text.startswith("[bug] claim_step failed in a way that gitcoord did not expect (ZeroDivisionError).")
    assert "secret detail" not in text
    assert text.endswith(f"Report it with the file {report}.")
    assert "ZeroDivisionError: secret detail" in report.read_text()


def test_of_many_long_conflicts_some_are_shown_rather_than_none() -> None:
    conflicts: list[Json] = [{"your_pattern": f"p{num}", "items": [*[f"{'x' * 250}/{num}"] * 20]} for num in range(20)]

    shown = fit({"granted": False, "conflicts": conflicts, "next_step": "n"}, "narrow")

    left = json.loads(json.dumps(shown["conflicts"]))
    assert [one["your_pattern"] for one in left] == [f"p{num}" for num in range(len(left))]
    assert len(left) >= 5
    assert all(one["items"] for one in left)


def test_what_is_said_to_be_cut_is_there() -> None:
    claims: list[Json] = [{"id": f"c-{num}", "items": [*["y" * 300] * 90]} for num in range(500)]

    shown = fit({"claims": claims, "count": 500}, "narrow")

    cut = shown["cut"]
    left = shown["claims"]
    assert isinstance(cut, list)
    assert isinstance(left, list)
    assert left
    assert f"claims: {len(left)} of 500 shown" in cut
