"""Commands: the next call that a sentence names, as the command that people type instead.

    Call.of("complete_step", step_id="app/3", commit_hash=...)   ->   `gitcoord step complete app/3 HEAD`

A word in capitals stands for what the reader knows. Moments lose their seconds. In JSON the next call is a command too;
other moments are as every face has them.
"""

import re
import shlex
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from gitcoord.core.documents.call import Call, Sentence
from gitcoord.core.documents.doc import Json

ASKED_CHARS_MAX = 200  # of words that a next step repeats
_TO_DO = frozenset(("next_step", "hint"))
_MOMENT = re.compile(r"\b(\d{4}-\d\d-\d\d)T(\d\d:\d\d)(?::\d\d(?:\.\d+)?)?Z")


class _Word(NamedTuple):
    """What a command has for an argument: its value, or `unknown`; behind `option`, or as a flag where that is all.

    One that a command needs is there in any case.
    """

    argument: str
    unknown: str
    option: str = ""
    is_needed: bool = False


def _needed(argument: str, unknown: str, option: str = "") -> _Word:
    return _Word(argument, unknown, option, is_needed=True)


_STEP = _needed("step_id", "STEP")
_REASON = _needed("reason", "TEXT", "--reason")
_AS = _Word("agent_id", "NAME", "--as")
_OFFSET = _Word("offset", "0", "--offset")
_QUEUE = _Word("queue_id", "Q-ID", "--queue")
# Tool -> its command, and what stands behind that, in this order.
_COMMANDS: Mapping[str, tuple[str, tuple[_Word, ...]]] = {
    "create_project": ("project create", (_needed("file", "FILE"),)),
    "get_project": ("project show", (_needed("name", "PROJECT"), _OFFSET)),
    "list_projects": ("project list", (_Word("status", "STATUS", "--status"), _OFFSET)),
    "add_steps": ("project add", (_needed("project", "PROJECT"), _needed("file", "FILE"))),
    "abort_project": ("project abort", (_needed("name", "PROJECT"), _REASON)),
    "claim_step": ("step claim", (_Word("step_id", "STEP"), _AS)),
    "start_step": ("step start", (_STEP,)),
    "heartbeat": ("step heartbeat", (_Word("step_id", "STEP"),)),
    "complete_step": ("step complete", (_STEP, _needed("commit_hash", "HEAD"))),
    "fail_step": ("step fail", (_STEP, _REASON)),
    "recover_step": ("step recover", (_STEP, _Word("force", "", "--force"))),
    "update_step": ("step update", (_STEP, _Word("paths", "PATTERN", "--path"))),
    "skip_step": ("step skip", (_STEP, _REASON)),
    "get_step": ("step show", (_STEP,)),
    "get_available_steps": ("step available", (_OFFSET,)),
    "detect_stale_work": ("step stale", ()),
    "get_metrics": ("metrics", ()),
    "get_agent_events": ("log", ()),
    "predict_conflicts": ("predict", (_Word("branch", "BRANCH", "--branch"),)),
    "claim_files": (
        "claim add",
        (_needed("patterns", "PATTERN"), _Word("wait_seconds", "300", "--wait"), _AS, _QUEUE),
    ),
    "check_conflicts": ("claim check", (_needed("files", "PATTERN"),)),
    "list_claims": ("claim list", ()),
    "extend_claims": ("claim extend", (_Word("claim_ids", "CLAIM"),)),
    "release_claims": ("claim release", (_Word("claim_ids", "CLAIM"),)),
    "release_session": ("claim release --session", ()),
    "request_release": ("request file", (_needed("claim_id", "CLAIM"), _REASON)),
    "wait_for_request": ("request wait", (_needed("request_id", "REQUEST"),)),
    "pending_requests": ("request list", ()),
    "respond_to_request": (
        "request answer",
        (
            _needed("request_id", "REQUEST"),
            _needed("decision", "DECISION"),
            _Word("item", "PATTERN", "--item"),
            _Word("pattern", "PATTERN", "--keep"),
        ),
    ),
    "my_requests": ("request list --mine", ()),
    "cancel_queue_request": ("queue cancel", (_needed("queue_id", "Q-ID"),)),
}


def for_shell(text: str, asked: Sequence[str] = ()) -> str:
    """Return a sentence with the calls of tools in it as commands of this command line.

    `asked`: the words of the call that the sentence answers; one to wait is that call again.
    """
    words = shlex.join(asked)
    same = words if len(words) <= ASKED_CHARS_MAX else ""
    said = text.said(lambda call: command(call, same)) if isinstance(text, Sentence) else text
    return _MOMENT.sub(r"\1 \2 UTC", said)


def result_for_shell(result: Mapping[str, Json], asked: Sequence[str] = ()) -> dict[str, Json]:
    """Return a result in which every sentence names commands of this command line."""

    def said(name: str, value: Json) -> Json:
        if isinstance(value, str) and (name in _TO_DO or isinstance(value, Sentence)):
            return for_shell(value, asked)
        return within(value)

    def within(value: Json) -> Json:
        if isinstance(value, dict):
            return {name: said(name, item) for name, item in value.items()}
        return [said("", item) for item in value] if isinstance(value, list) else value

    return {name: said(name, value) for name, value in result.items()}


def command(call: Call, same: str = "") -> str:
    """Return the command that does what a call does; `same`: the patterns and options of the call that is repeated."""
    name, words = _COMMANDS[call.tool]
    given = call.given
    if same and call.is_open and "wait_seconds" in given:
        return f"`gitcoord {name} {same} {_said(_Word('wait_seconds', '', '--wait'), given)}`"
    if "queue_id" in given and call.tool == "claim_files":  # it stands for a whole call
        words = (_QUEUE,)
    said = [_said(word, given) for word in words if word.is_needed or word.argument in given]
    return f"`{' '.join(['gitcoord', name, *filter(None, said)])}`"


def _said(word: _Word, given: Mapping[str, Json]) -> str:
    value = given.get(word.argument)
    if isinstance(value, bool):
        return word.option if value else ""
    match value:
        case None:
            spelled = word.unknown
        case {"one_of": [*words]}:
            spelled = "|".join(map(str, words))
        case list():
            spelled = " ".join(word.unknown if item is None else shlex.quote(str(item)) for item in value)
        case _:
            spelled = shlex.quote(str(value))
    return f"{word.option} {spelled}".lstrip()
