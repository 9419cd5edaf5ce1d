"""Phrases: services name the next call as an MCP tool's; people at a shell get the command instead.

    complete_step(step_id='app/3', commit_hash=…)   ->   `gitcoord step complete app/3 HEAD`

Only whole calls of tools that are known here are replaced, and moments lose their seconds; everything else stays as it
is. What JSON says to do is a command too; its other texts are as every face has them.
"""

import re
import shlex
from collections.abc import Mapping, Sequence

from gitcoord.core.documents.doc import Json

# Tool -> the command, and which arguments it takes in this order; `{}` without a value becomes the word given.
_COMMANDS: Mapping[str, tuple[str, tuple[tuple[str, str], ...]]] = {
    "create_project": ("project create", (("file", "FILE"),)),
    "get_project": ("project show", (("name", ""),)),
    "list_projects": ("project list", ()),
    "add_steps": ("project add", (("project", "PROJECT"), ("file", "FILE"))),
    "abort_project": ("project abort", (("name", "PROJECT"),)),
    "claim_step": ("step claim", (("step_id", ""),)),
    "start_step": ("step start", (("step_id", "STEP"),)),
    "heartbeat": ("step heartbeat", (("step_id", ""),)),
    "complete_step": ("step complete", (("step_id", "STEP"), ("commit_hash", "HEAD"))),
    "fail_step": ("step fail", (("step_id", "STEP"),)),
    "recover_step": ("step recover", (("step_id", "STEP"),)),
    "update_step": ("step update", (("step_id", "STEP"),)),
    "skip_step": ("step skip", (("step_id", "STEP"),)),
    "get_step": ("step show", (("step_id", "STEP"),)),
    "get_available_steps": ("step available", ()),
    "detect_stale_work": ("step stale", ()),
    "claim_files": ("claim add", (("patterns", "PATTERN"), ("wait_seconds", ""))),
    "check_conflicts": ("claim check", (("files", "PATTERN"),)),
    "list_claims": ("claim list", ()),
    "extend_claims": ("claim extend", (("claim_ids", ""),)),
    "release_claims": ("claim release", (("claim_ids", ""),)),
    "release_session": ("claim release --session", ()),
    "request_release": ("request file", (("claim_id", "CLAIM"), ("reason", "TEXT"))),
    "wait_for_request": ("request wait", (("request_id", "REQUEST"),)),
    "pending_requests": ("request list", ()),
    "respond_to_request": ("request answer", (("request_id", "REQUEST"), ("decision", "DECISION"))),
    "my_requests": ("request list --mine", ()),
    "cancel_queue_request": ("queue cancel", (("queue_id", "Q-ID"),)),
}
# Arguments that stand for the others, or that are options there; the command is followed by these instead.
_OPTIONS: Mapping[tuple[str, str], str] = {
    ("claim_files", "queue_id"): "--queue",
    ("claim_files", "wait_seconds"): "--wait",
    ("request_release", "reason"): "--reason",
}
# Arguments that a sentence names by themselves: "claim without step_id".
_SPOKEN: Mapping[str, str] = {
    "step_id": "a step's id",
    "agent_id": "--as",
    "commit_hash": "a commit",
    "wait_seconds": "--wait",
    "shared_files": "--shared",
}
_NAMES = re.compile(rf"\b(?:{'|'.join(_SPOKEN)})\b")
_CALL = re.compile(r"(?P<ticked>`?)\b(?P<name>[a-z]+(?:_[a-z]+)*)\((?P<arguments>[^()\n]*)\)`?")
_ARGUMENT = re.compile(r"(?P<name>[a-z_]+)(?:=\[?(?P<quote>['\"]?)(?P<value>[^'\",\]]*)(?P=quote)\]?)?")


_TO_DO = frozenset(("next_step", "hint"))
ASKED_CHARS_MAX = 200  # of words that a next step repeats
_MOMENT = re.compile(r"\b(\d{4}-\d\d-\d\d)T(\d\d:\d\d)(?::\d\d(?:\.\d+)?)?Z")
_LIST = re.compile(r"(?P<name>[a-z_]+)=\[(?P<values>'[^'\]]*'(?:, '[^'\]]*')*)\]")


def for_shell(text: str, asked: Sequence[str] = ()) -> str:
    """Return a sentence with the calls of tools in it as commands of this command line.

    `asked`: the words of the call that the sentence answers; one to wait is that call again.
    """
    words = shlex.join(asked)
    same = words if len(words) <= ASKED_CHARS_MAX else ""
    replaced = _CALL.sub(lambda match: _command_of(match, same), _MOMENT.sub(r"\1 \2 UTC", text))
    return _NAMES.sub(lambda match: _SPOKEN[match[0]], replaced)


def result_for_shell(result: Mapping[str, Json], asked: Sequence[str] = ()) -> dict[str, Json]:
    """Return a result in which every next step and hint is said for this command line."""

    def said(name: str, value: Json) -> Json:
        return for_shell(value, asked) if name in _TO_DO and isinstance(value, str) else within(value)

    def within(value: Json) -> Json:
        if isinstance(value, dict):
            return {name: said(name, item) for name, item in value.items()}
        return [within(item) for item in value] if isinstance(value, list) else value

    return {name: said(name, value) for name, value in result.items()}


def _command_of(match: "re.Match[str]", same: str) -> str:
    known = _COMMANDS.get(match["name"])
    if known is None:
        return match[0]
    command, takes = known
    lists = {field["name"]: _words(field["values"]) for field in _LIST.finditer(match["arguments"])}
    given = {
        field["name"]: field["value"] or "" for field in _ARGUMENT.finditer(_LIST.sub("", match["arguments"]))
    } | lists
    if match["name"] == "claim_files" and given.get("queue_id"):
        takes = (("queue_id", "Q-ID"),)
    if same and "wait_seconds" in given:
        given.setdefault("patterns", same)
    words = [_word(match["name"], given, name, default) for name, default in takes]
    flags = [f"--{name}" for name, value in given.items() if value.lower() == "true"]
    flags += [f"--{name} {given[name]}" for name in ("status", "offset") if given.get(name)]
    return f"`{' '.join(['gitcoord', command, *(word for word in words if word), *flags])}`"


def _words(values: str) -> str:
    """Return the members of a list as words of a shell."""
    return " ".join(shlex.quote(word) for word in re.findall(r"'([^']*)'", values))


def _word(tool: str, given: Mapping[str, str], name: str, default: str) -> str:
    value = given.get(name, "")
    word = default if value in ("", "…") else value
    option = _OPTIONS.get((tool, name))
    return f"{option} {word}" if option and word else word
