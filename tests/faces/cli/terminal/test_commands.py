"""A sentence that names a tool's call names the command of the command line instead."""

import ast
from pathlib import Path

import pytest

import gitcoord
from gitcoord.core.claims.claim_commands import Answer
from gitcoord.core.documents.call import Call, sentence
from gitcoord.faces.cli.terminal.commands import _COMMANDS, Words, command, for_shell, result_for_shell, tool_of
from gitcoord.faces.mcp.tools.tool_table import tools_of
from tests.next_steps import refused_as_printed

WAIT = sentence("repeat this as ", Call.of("claim_files", ..., wait_seconds=300))


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (Call.of("claim_step"), "gitcoord step claim"),
        (Call.of("claim_step", step_id="app/3"), "gitcoord step claim app/3"),
        (Call.of("claim_step", agent_id=...), "gitcoord step claim --as NAME"),
        (Call.of("claim_step", project="app", scope="a b"), "gitcoord step claim --project app --scope 'a b'"),
        (Call.of("get_agent_events", agent_id="ann/cli/wt"), "gitcoord log --agent ann/cli/wt"),
        (Call.of("extend_claims", claim_ids=["c-1"], ttl_hours=...), "gitcoord claim extend c-1 --hours 4"),
        (Call.of("extend_claims", claim_ids=["c-1"], ttl_hours=6.0), "gitcoord claim extend c-1 --hours 6"),
        (Call.of("complete_step", step_id="app/3", commit_hash=...), "gitcoord step complete app/3 HEAD"),
        (Call.of("recover_step", step_id="app/3", force=True), "gitcoord step recover app/3 --force"),
        (Call.of("update_step", step_id="app/3", paths=...), "gitcoord step update app/3 --path PATTERN"),
        (Call.of("add_steps", ..., project="app"), "gitcoord project add app FILE"),
        (Call.of("create_project", ...), "gitcoord project create FILE"),
        (Call.of("get_project", name="app", offset=50), "gitcoord project show app --offset 50"),
        (Call.of("request_release", claim_id="c-1", reason=...), "gitcoord request file c-1 --reason TEXT"),
        (Call.of("request_release", ...), "gitcoord request file CLAIM --reason TEXT"),
        (Call.of("release_claims", claim_ids=["c-1", "c-2"]), "gitcoord claim release c-1 c-2"),
        (Call.of("release_claims", claim_ids=[...]), "gitcoord claim release CLAIM"),
        (Call.of("release_claims"), "gitcoord claim release"),
        (Call.of("claim_files", queue_id="q-1"), "gitcoord claim add --queue q-1"),
        (Call.of("claim_files", patterns=["src/**", "a.py"]), "gitcoord claim add 'src/**' a.py"),
        (Call.of("claim_files", ...), "gitcoord claim add PATTERN"),
        (Call.of("claim_files", patterns=["a b"], wait_seconds=300), "gitcoord claim add 'a b' --wait 300"),
        (Call.of("claim_files", patterns=["-x.py", "a"], wait_seconds=300), "gitcoord claim add --wait 300 -- -x.py a"),
        (
            Call.of("claim_files", symbols={"a.py": ["f", "C::g"]}, agent_id="tests"),
            "gitcoord claim add --symbol a.py=f --symbol a.py=C::g --as tests",
        ),
        (
            Call.of("respond_to_request", request_id="r-1", decision=Answer.NARROWED, pattern=...),
            "gitcoord request answer r-1 narrowed --keep PATTERN",
        ),
        (
            Call.of("respond_to_request", request_id="r-1", decision=Answer.COEXIST, pattern=...),
            "gitcoord request answer r-1 coexist --share PATTERN",
        ),
        (
            Call.of("check_conflicts", symbols={"a.py": ["f"]}, agent_id="tests"),
            "gitcoord claim check --symbol a.py=f --as tests",
        ),
        (Call.of("respond_to_request", request_id="r-1", decision=Answer.DENIED), "gitcoord request answer r-1 denied"),
    ],
    ids=lambda value: value.spelled if isinstance(value, Call) else None,
)
def test_a_call_becomes_a_command(call: Call, expected: str) -> None:
    assert command(call) == f"`{expected}`"
    assert [*refused_as_printed(expected)] == []


def test_a_choice_is_said_in_words_and_not_in_the_command() -> None:
    line = command(Call.of("respond_to_request", request_id="r-1", decision=Answer))

    choices = "DECISION: approved, denied, narrowed or coexist"
    assert line == f"`gitcoord request answer r-1 DECISION` ({choices})"


@pytest.mark.parametrize(
    ("words", "tool"),
    [
        ("claim add a.py --wait 300", "claim_files"),
        ("metrics", "get_metrics"),
        ("metrics --days 3", "get_metrics"),
        ("metrics hotspots", None),
        ("metrics auto-resolutions --days 3", None),
        ("claim release c-1", "release_claims"),
        ("claim release --json --session", "release_session"),
        ("request list --mine", "my_requests"),
        ("request list", "pending_requests"),
        ("sync", None),
        ("", None),
    ],
)
def test_the_tool_that_does_the_same_as_a_command_is_known(words: str, tool: str | None) -> None:
    assert tool_of(words.split()) == tool


@pytest.mark.parametrize("tool", tools_of("all"))
def test_every_tool_has_a_command_that_the_command_line_takes(tool: str) -> None:
    line = command(Call.of(tool, ...)).strip("`")

    assert [*refused_as_printed(line)] == []


def test_no_command_drops_an_argument_that_a_sentence_of_ours_gives() -> None:
    given = {
        (str(call.args[0].value), keyword.arg)
        for path in Path(gitcoord.__file__).parent.rglob("*.py")
        for call in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "Call.of" and isinstance(call.args[0], ast.Constant)
        for keyword in call.keywords
    }

    assert ("claim_step", "step_id") in given
    assert {
        (tool, name) for tool, name in given if name and name not in {word.argument for word in _COMMANDS[tool][1]}
    } == set()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (sentence("claim another: ", Call.of("claim_step"), "."), "claim another: `gitcoord step claim`."),
        ("it ends at 2026-11-21T11:04:24.237Z.", "it ends at 2026-11-21 11:04 UTC."),
        ("what others wrote: claim_step()", "what others wrote: claim_step()"),
        ("", ""),
    ],
)
def test_only_a_call_that_is_data_becomes_a_command(text: str, expected: str) -> None:
    assert for_shell(text) == expected


def test_a_call_to_wait_is_the_one_that_was_asked_for_and_others_are_not() -> None:
    less = sentence("Claim a smaller part: ", Call.of("claim_files", ...))

    assert (
        for_shell(WAIT, Words(["src/a b.py", "c.py"]))
        == "repeat this as `gitcoord claim add 'src/a b.py' c.py --wait 300`"
    )
    assert (
        for_shell(WAIT, Words(["-x.py"], ["--as", "x"]))
        == "repeat this as `gitcoord claim add --as x --wait 300 -- -x.py`"
    )
    assert for_shell(WAIT, Words(["x" * 201])) == "repeat this as `gitcoord claim add PATTERN --wait 300`"
    assert for_shell(less, Words(["c.py"])) == "Claim a smaller part: `gitcoord claim add PATTERN`"


def test_every_sentence_in_a_result_names_commands_and_what_others_wrote_stays() -> None:
    todo = sentence(Call.of("claim_step"))
    result = {"title": "claim_step()", "why": todo, "next_step": todo, "rows": [{"hint": todo, "n": 1}]}

    assert result_for_shell(result) == {
        "title": "claim_step()",
        "why": "`gitcoord step claim`",
        "next_step": "`gitcoord step claim`",
        "rows": [{"hint": "`gitcoord step claim`", "n": 1}],
    }
