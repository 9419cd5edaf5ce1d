"""How each tool tells its hooks what is about to happen, and how it is answered."""

import json
from pathlib import Path
from typing import Any

import pytest

from gitcoord.faces.hooks.edit import tool_dialects
from gitcoord.faces.hooks.edit.shell_commands import files_of
from gitcoord.faces.hooks.edit.tool_dialects import Event

# Recorded by running the clients; ids and folders are shortened.
SAMPLES: list[dict[str, Any]] = json.loads((Path(__file__).parent / "samples.json").read_text("utf-8"))

CLAUDE = {"hook_event_name": "PreToolUse", "session_id": "s", "cwd": "/w"}


@pytest.mark.parametrize(
    ("said", "kind", "paths", "texts"),
    [
        ({**CLAUDE, "tool_name": "Edit", "tool_input": {"file_path": "/w/a"}}, "edit", ["/w/a"], []),
        ({**CLAUDE, "tool_name": "NotebookEdit", "tool_input": {"notebook_path": "n"}}, "edit", ["n"], []),
        ({**CLAUDE, "tool_name": "Bash", "tool_input": {"command": "rm a"}}, "command", [], ["rm a"]),
        ({**CLAUDE, "tool_name": "Read", "tool_input": {"file_path": "/w/a"}}, "use", [], []),
        ({**CLAUDE, "tool_name": "apply_patch", "tool_input": {"command": "P"}}, "edit", [], ["P"]),
        (
            {**CLAUDE, "tool_name": "shell", "tool_input": {"command": ["bash", "-lc", "rm a"]}},
            "command",
            [],
            ["rm a"],
        ),
        (
            {
                "hookEventName": "PreToolUse",
                "tool_name": "editFiles",
                "tool_input": {"files": ["a", {"filePath": "b"}]},
            },
            "edit",
            ["a", "b"],
            [],
        ),
        (
            {"hook_event_name": "BeforeTool", "tool_name": "write_file", "tool_input": {"file_path": "a"}},
            "edit",
            ["a"],
            [],
        ),
        (
            {"hook_event_name": "BeforeTool", "tool_name": "run_shell_command", "tool_input": {"command": "x"}},
            "command",
            [],
            ["x"],
        ),
        ({"hook_event_name": "beforeShellExecution", "command": "rm a"}, "command", [], ["rm a"]),
        ({"hook_event_name": "preToolUse", "tool_name": "Write", "tool_input": {"file_path": "a"}}, "edit", ["a"], []),
        (
            {"agent_action_name": "pre_write_code", "tool_info": {"file_path": "a", "edits": [{"old_string": "x"}]}},
            "edit",
            ["a"],
            [],
        ),
        ({"agent_action_name": "pre_run_command", "tool_info": {"command_line": "rm a"}}, "command", [], ["rm a"]),
        ({"hook_event_name": "SessionStart", "source": "startup"}, "start", [], []),
        ({"hook_event_name": "Stop"}, "stop", [], []),
        ({"hook_event_name": "AfterAgent"}, "stop", [], []),
        ({"hook_event_name": "PostToolUse", "tool_name": "Edit"}, "use", [], []),
        ({"hook_event_name": "postToolUse", "tool_name": "Shell"}, "use", [], []),
        ({"hook_event_name": "AfterTool", "tool_name": "replace"}, "use", [], []),
        ({"hook_event_name": "UserPromptSubmit", "prompt": "go on"}, "prompt", [], []),
        ({"hook_event_name": "BeforeAgent", "prompt": "go on"}, "prompt", [], []),
        ({"hook_event_name": 7, "tool_name": ["Edit"], "tool_input": "x", "cwd": None}, "other", [], []),
        ({}, "other", [], []),
    ],
)
def test_what_is_about_to_happen(said: dict[str, object], kind: str, paths: list[str], texts: list[str]) -> None:
    event = Event(json.loads(json.dumps(said)))

    assert (event.kind, event.paths, event.texts) == (kind, paths, texts)


@pytest.mark.parametrize("sample", SAMPLES, ids=[f"{one['client']} {at}" for at, one in enumerate(SAMPLES)])
def test_what_clients_really_said_is_understood(sample: dict[str, Any]) -> None:
    event = Event(sample["input"])

    paths = [*event.paths, *(path for text in event.texts for path in files_of(text))]
    assert (event.kind, event.cwd, paths) == (sample["kind"], sample["cwd"], sample["paths"])
    assert event.session == sample["input"]["session_id"]
    assert (event.is_final, event.is_again, event.goes_on) == (True, False, False)


@pytest.mark.parametrize(
    ("said", "session", "cwd"),
    [
        ({"session_id": "a", "cwd": "/w"}, "a", "/w"),
        ({"sessionId": "b"}, "b", ""),
        ({"conversation_id": "c", "workspace_roots": ["/w", "/x"]}, "c", "/w"),
        ({"trajectory_id": "d", "tool_info": {"cwd": "/w"}}, "d", "/w"),
    ],
)
def test_whose_session_it_is_and_where(said: dict[str, object], session: str, cwd: str) -> None:
    event = Event(json.loads(json.dumps(said)))

    assert (event.session, event.cwd) == (session, cwd)


@pytest.mark.parametrize(
    ("reason", "is_final"), [("clear", False), ("resume", False), ("logout", True), ("prompt_input_exit", True)]
)
def test_a_session_that_goes_on_under_another_id_does_not_end(reason: str, is_final: bool) -> None:
    assert Event({"hook_event_name": "SessionEnd", "reason": reason}).is_final is is_final


def test_a_denial_is_spelled_as_each_tool_reads_it() -> None:
    event = Event({**CLAUDE, "tool_name": "Edit"})
    answers = {
        tool: tool_dialects.denied(tool, event, "why") for tool in ("claude", "codex", "gemini", "cursor", "windsurf")
    }

    deny = {"hookEventName": "PreToolUse", "permissionDecision": "deny", "permissionDecisionReason": "why"}
    assert json.loads(answers["claude"].output) == {"hookSpecificOutput": deny} == json.loads(answers["codex"].output)
    assert json.loads(answers["gemini"].output) == {"decision": "deny", "reason": "why"}
    assert json.loads(answers["cursor"].output)["permission"] == "deny"
    assert (answers["windsurf"].status, answers["windsurf"].error, answers["windsurf"].output) == (2, "why", "")
    assert {tool: one.status for tool, one in answers.items() if tool != "windsurf"} == dict.fromkeys(
        ("claude", "codex", "gemini", "cursor"), 0
    )


def test_an_agent_is_kept_from_stopping_once() -> None:
    first, again = Event({"hook_event_name": "Stop"}), Event({"hook_event_name": "Stop", "stop_hook_active": True})

    assert [tool_dialects.can_keep_going("claude", event) for event in (first, again)] == [True, False]
    assert json.loads(tool_dialects.kept_going("claude", "answer it").output) == {
        "decision": "block",
        "reason": "answer it",
    }


def test_an_agent_that_a_person_stopped_is_let_stop() -> None:
    event = {"hook_event_name": "stop", "conversation_id": "c", "loop_count": 0, "status": "completed"}
    stops = [Event({**event, **more}) for more in ({}, {"status": "aborted"}, {"status": "error"}, {"loop_count": 1})]

    assert [tool_dialects.can_keep_going("cursor", stop) for stop in stops] == [True, False, False, False]


@pytest.mark.parametrize(
    ("tool", "reads"),
    [
        ("claude", ["SessionStart", "UserPromptSubmit", "PreToolUse", "PostToolUse"]),
        ("vscode", ["SessionStart", "UserPromptSubmit", "PreToolUse", "PostToolUse"]),
        ("codex", ["SessionStart", "UserPromptSubmit", "PostToolUse"]),
        ("gemini", ["SessionStart", "BeforeAgent", "AfterTool"]),
        ("cursor", ["sessionStart", "postToolUse"]),
        ("opencode", ["SessionStart", "PostToolUse"]),
        ("windsurf", []),
    ],
)
def test_what_a_hook_adds_is_counted_as_shown_where_the_agent_reads_it_and_nowhere_else(
    tool: str, reads: list[str]
) -> None:
    names = ("SessionStart", "UserPromptSubmit", "PreToolUse", "PostToolUse")
    spelled = {
        "gemini": ("SessionStart", "BeforeAgent", "BeforeTool", "AfterTool"),
        "cursor": ("sessionStart", "preToolUse", "postToolUse"),
        "windsurf": ("pre_write_code", "pre_run_command"),
    }.get(tool, names)

    assert [name for name in spelled if tool_dialects.can_add(tool, Event({"hook_event_name": name}))] == reads


def test_our_own_failure_is_one_line_and_lets_it_pass() -> None:
    answer = tool_dialects.failed("claude", "it\nbroke " + "x" * 1000)

    assert (answer.status, "\n" in answer.error, len(answer.error)) == (0, False, 500)
    assert json.loads(answer.output) == {"systemMessage": answer.error}
