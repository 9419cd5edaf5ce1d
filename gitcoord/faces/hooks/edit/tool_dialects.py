"""Dialects: how each tool tells its hooks what is about to happen, and how it wants to be answered.

    Claude Code, Codex, VS Code    hook_event_name, tool_name, tool_input; JSON with `hookSpecificOutput`
    Gemini CLI                     the same words, `BeforeTool` …; {"decision": "deny", "reason": …}
    Cursor                         camelCase events, conversation_id; {"permission": "deny", …}
    Windsurf, opencode             what may not be is exit status 2 with the reason on stderr; our plugin of opencode
                                   reads the rest as Claude Code does

Rules:
  * Silence and status 0 let the action pass, in every tool. Some take a spoken "allow" for a mistake.
  * A tool may start its hooks for every tool of its own, whatever was asked for: names are looked at here.
  * Both spellings of a field are known, `session_id` and `sessionId`; tools have changed theirs.

What this file does not know: claims, files of the repository.
"""

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from gitcoord.core.documents.json_text import Json

EDIT, COMMAND, START, END, STOP, OTHER = "edit", "command", "start", "end", "stop", "other"
USE, PROMPT = "use", "prompt"
_EVENTS = {
    "pretooluse": EDIT,
    "beforetool": EDIT,
    "beforeshellexecution": COMMAND,
    "pre_write_code": EDIT,
    "pre_run_command": COMMAND,
    "posttooluse": USE,
    "aftertool": USE,
    "userpromptsubmit": PROMPT,
    "beforeagent": PROMPT,
    "sessionstart": START,
    "sessionend": END,
    "stop": STOP,
    "afteragent": STOP,
}
_EDITING = frozenset(
    [
        "edit",
        "write",
        "multiedit",
        "notebookedit",
        "editfiles",
        "createfile",
        "create_file",
        "edit_file",
        "delete_file",
        "insert_edit_into_file",
        "replace_string_in_file",
        "multi_replace_string_in_file",
        "edit_notebook_file",
        "apply_patch",
        "applypatch",
        "patch",
        "write_file",
        "replace",
        "str_replace_editor",
        "str_replace_based_edit_tool",
        "search_replace",
        "delete",
    ]
)
_COMMANDING = frozenset(
    [
        "bash",
        "shell",
        "run_shell_command",
        "run_in_terminal",
        "runterminalcommand",
        "local_shell",
        "shell_command",
        "exec_command",
        "terminal",
    ]
)
_PATHS = ("file_path", "filePath", "notebook_path", "path", "target_file", "absolute_path")
_LISTS = ("files", "edits", "replacements")
_PATCHES = ("patch", "input", "command")  # where a patch may stand
_KEPT = frozenset(("clear", "resume", "compact"))  # why a session ends that goes on under another id
_CUT_OFF = frozenset(("aborted", "error"))  # how a turn ended
_GOING_ON = frozenset(("clear", "compact"))  # why one begins; one that is resumed may be so beside another
CHARS_MAX = 8_000  # of what an agent gets to read


class Event:
    """What is about to happen.

    Attributes:
        kind: EDIT, COMMAND, START, END or STOP; USE of a tool that changes nothing, or that has been used; PROMPT of a
            person; OTHER, which is none of ours.
        name: the tool's own word for the event; answers repeat it.
        session: the tool's id of the session.
        cwd: where the agent is, or where its command is to run.
        paths: the files of an edit.
        texts: the command, or the patch, that may name more of them.
        goes_on: a session begins that was there before, perhaps under another id.
        is_final: a session ends and will not go on under another id.
        is_again: an agent was kept from stopping just now.
        is_cut_off: an agent stops because a person stopped it, or by an error.
    """

    __slots__ = ("cwd", "goes_on", "is_again", "is_cut_off", "is_final", "kind", "name", "paths", "session", "texts")

    def __init__(self, said: "Mapping[str, Json]") -> None:
        """Read what a tool says. What is not as expected is not there."""
        info = _object(said, "tool_info")
        self.name = _text(said, "hook_event_name", "hookEventName", "agent_action_name")
        self.session = _text(said, "session_id", "sessionId", "conversation_id", "trajectory_id")
        self.goes_on = _text(said, "source") in _GOING_ON
        self.is_final = _text(said, "reason") not in _KEPT
        loops, ended = said.get("loop_count"), _text(said, "status")  # of Cursor
        self.is_again = said.get("stop_hook_active") is True or (isinstance(loops, int) and loops > 0)
        self.is_cut_off = ended in _CUT_OFF
        given = _object(said, "tool_input", "toolInput", "tool_args") or info or said
        roots = said.get("workspace_roots")
        root = roots[0] if isinstance(roots, list) and roots and isinstance(roots[0], str) else ""
        cwd = _text(said, "cwd") or _text(info, "cwd") or root
        folder = _text(given, "dir_path")  # of Gemini's command
        self.cwd = os.path.join(cwd, folder) if folder else cwd
        self.kind = _EVENTS.get(self.name.lower(), OTHER)
        tool = _text(said, "tool_name", "toolName").rpartition(".")[2].lower()
        if self.kind == EDIT and tool:
            self.kind = COMMAND if tool in _COMMANDING else EDIT if tool in _EDITING else USE
        self.paths = [*_paths(given)] if self.kind == EDIT else []
        self.texts = [*_texts(given)] if self.kind in (EDIT, COMMAND) else []


def _paths(given: "Mapping[str, Json]") -> "Iterator[str]":
    yield from (value for name in _PATHS if isinstance(value := given.get(name), str) and value)
    for name in _LISTS:
        some = given.get(name)
        for item in some if isinstance(some, list) else ():
            if isinstance(item, str):
                yield item
            elif isinstance(item, dict):
                yield from (value for key in _PATHS if isinstance(value := item.get(key), str) and value)


def _texts(given: "Mapping[str, Json]") -> "Iterator[str]":
    for name in (*_PATCHES, "command_line"):
        value = given.get(name)
        if isinstance(value, str):
            yield value
        elif isinstance(value, list):
            words = [item for item in value if isinstance(item, str)]
            yield words[-1] if words[:1] in (["bash"], ["sh"], ["zsh"]) else "\n".join(words[1:] or words)


def _text(said: "Mapping[str, Json]", *names: str) -> str:
    return next((value for name in names if isinstance(value := said.get(name), str)), "")


def _object(said: "Mapping[str, Json]", *names: str) -> "Mapping[str, Json]":
    found = (value for name in names if isinstance(value := said.get(name), dict))
    return next(found, dict[str, "Json"]())


class Answer:
    """What a tool gets: text for stdout, text for stderr, and the exit status."""

    __slots__ = ("error", "output", "status")

    def __init__(self, output: "Mapping[str, Json] | None" = None, error: str = "", status: int = 0) -> None:
        self.output, self.error, self.status = "", error, status
        if output is not None:
            import json  # most edits need no word

            self.output = json.dumps(output)


def denied(tool: str, event: Event, reason: str) -> Answer:
    """Stop the tool's call."""
    reason = reason[:CHARS_MAX]
    if tool == "gemini":
        return Answer({"decision": "deny", "reason": reason})
    if tool == "cursor":
        return Answer({"permission": "deny", "user_message": reason, "agent_message": reason})
    if tool in {"windsurf", "opencode"}:
        return Answer(error=reason, status=2)
    said: Json = {"hookEventName": event.name, "permissionDecision": "deny", "permissionDecisionReason": reason}
    return Answer({"hookSpecificOutput": said})


def can_add(tool: str, event: Event) -> bool:
    """Whether the agent reads what is added at this event; tools pass over what they do not know."""
    name = event.name.lower()
    match tool:
        case "claude" | "vscode":
            return True
        case "codex" | "gemini":  # older versions of Codex take an addition before a tool for a failure
            return not (name.startswith("pre") or name == "beforetool")
        case "cursor" | "opencode":
            return event.kind in (START, USE)
        case _:
            return False


def added(tool: str, event: Event, text: str) -> Answer:
    """Let it pass, and tell the agent something, where the tool has a way to."""
    text = text[:CHARS_MAX]
    if not can_add(tool, event):
        return Answer({"systemMessage": text}) if tool == "codex" else Answer()
    if tool == "cursor":
        return Answer({"additional_context": text})
    return Answer({"hookSpecificOutput": {"hookEventName": event.name, "additionalContext": text}})


def can_keep_going(tool: str, event: Event) -> bool:
    """Whether the agent may be kept from stopping: never twice in a row, and not where a person stopped it."""
    return tool != "windsurf" and not event.is_again and not event.is_cut_off


def kept_going(tool: str, text: str) -> Answer:
    """Keep the agent from stopping: it has something to act on first."""
    text = text[:CHARS_MAX]
    if tool == "gemini":
        return Answer({"decision": "deny", "reason": text})
    if tool == "cursor":
        return Answer({"followup_message": text})
    return Answer({"decision": "block", "reason": text})


def failed(tool: str, text: str) -> Answer:
    """Let it pass, and say in one line that we could not look."""
    line = " ".join(text.split())[:500]
    said = {"systemMessage": line} if tool in {"claude", "codex", "vscode", "gemini"} else None
    return Answer(said, error=line)
