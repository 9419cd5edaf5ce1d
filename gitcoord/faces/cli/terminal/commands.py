"""Commands: the next call that a sentence names, as the command that people type instead.

    Call.of("complete_step", step_id="app/3", commit_hash=...)   ->   `gitcoord step complete app/3 HEAD`

A word in capitals stands for what the reader knows. Moments lose their seconds. In JSON the next call is a command too;
other moments are as every face has them.
"""

import re
import shlex
from collections.abc import Mapping, Sequence
from itertools import takewhile
from typing import NamedTuple

from gitcoord.core.documents.call import Call, Sentence
from gitcoord.core.documents.json_text import Json
from gitcoord.service.session.result_words import in_words

ASKED_CHARS_MAX = 200  # of words that a next step repeats
_TO_DO = frozenset(("next_step", "hint"))
_MOMENT = re.compile(r"\b(\d{4}-\d\d-\d\d)T(\d\d:\d\d)(?::\d\d(?:\.\d+)?)?Z")


class _Word(NamedTuple):
    """What a command has for an argument: its value, or `unknown`; behind `option`, or as a flag where that is all.

    One that a command needs is there in any case, unless one of the arguments `instead` is given.
    """

    argument: str
    unknown: str
    option: str = ""
    is_needed: bool = False
    instead: tuple[str, ...] = ()


class Words(NamedTuple):
    """What stands behind a command: what it is about, and its options with their values."""

    named: Sequence[str] = ()
    options: Sequence[str] = ()

    @property
    def in_order(self) -> list[str]:
        """Return them as they are typed: what would be read as an option stands behind `--`."""
        if any(word.startswith("-") for word in self.named):
            return [*self.options, "--", *self.named]
        return [*self.named, *self.options]


NO_WORDS = Words()


def _needed(argument: str, unknown: str, option: str = "") -> _Word:
    return _Word(argument, unknown, option, is_needed=True)


_STEP = _needed("step_id", "STEP")
_REASON = _needed("reason", "TEXT", "--reason")
_AS = _Word("agent_id", "NAME", "--as")
_OFFSET = _Word("offset", "0", "--offset")
_PROJECT = _Word("project", "PROJECT", "--project")
_SCOPE = _Word("scope", "SCOPE", "--scope")
_KEEP = _Word("pattern", "PATTERN", "--keep")
# Tool -> its command, and what stands behind that, in this order.
_COMMANDS: Mapping[str, tuple[str, tuple[_Word, ...]]] = {
    "create_project": ("project create", (_needed("file", "FILE"),)),
    "get_project": ("project show", (_needed("name", "PROJECT"), _OFFSET)),
    "list_projects": ("project list", (_Word("status", "STATUS", "--status"), _OFFSET)),
    "add_steps": ("project add", (_needed("project", "PROJECT"), _needed("file", "FILE"))),
    "abort_project": ("project abort", (_needed("name", "PROJECT"), _REASON)),
    "claim_step": ("step claim", (_Word("step_id", "STEP"), _PROJECT, _SCOPE, _AS)),
    "start_step": ("step start", (_STEP,)),
    "heartbeat": ("step heartbeat", (_Word("step_id", "STEP"),)),
    "complete_step": ("step complete", (_STEP, _needed("commit_hash", "HEAD"))),
    "fail_step": ("step fail", (_STEP, _REASON)),
    "recover_step": ("step recover", (_STEP, _Word("force", "", "--force"))),
    "update_step": ("step update", (_STEP, _Word("paths", "PATTERN", "--path"))),
    "skip_step": ("step skip", (_STEP, _REASON)),
    "get_step": ("step show", (_STEP,)),
    "get_available_steps": ("step available", (_PROJECT, _SCOPE)),
    "detect_stale_work": ("step stale", ()),
    "get_metrics": ("metrics", ()),
    "get_agent_events": ("log", (_Word("agent_id", "AGENT", "--agent"),)),
    "predict_conflicts": ("predict", (_Word("branch", "BRANCH", "--branch"),)),
    "claim_files": (
        "claim add",
        (
            _Word("patterns", "PATTERN", is_needed=True, instead=("symbols", "queue_id")),
            _Word("symbols", "FILE=NAME", "--symbol"),
            _AS,
            _Word("wait_seconds", "300", "--wait"),
            _Word("queue_id", "Q-ID", "--queue"),
        ),
    ),
    "check_conflicts": (
        "claim check",
        (
            _Word("files", "PATTERN", is_needed=True, instead=("symbols",)),
            _Word("symbols", "FILE=NAME", "--symbol"),
            _AS,
        ),
    ),
    "list_claims": ("claim list", ()),
    "extend_claims": ("claim extend", (_Word("claim_ids", "CLAIM"), _Word("ttl_hours", "4", "--hours"))),
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
            _KEEP,
        ),
    ),
    "my_requests": ("request list --mine", ()),
    "cancel_queue_request": ("queue cancel", (_needed("queue_id", "Q-ID"),)),
}


def tool_of(words: Sequence[str]) -> str | None:
    """Return the tool that does what a command does, given by its words; `None`: none does."""
    named = [*takewhile(lambda word: not word.startswith("-"), words[:2])]
    known = {tool: name.split() for tool, (name, _) in _COMMANDS.items()}
    fitting = [tool for tool, line in known.items() if line[:2] == named and {*line} <= {*words}]
    return max(fitting, key=lambda tool: len(known[tool]), default=None)


def for_shell(text: str, asked: Words = NO_WORDS) -> str:
    """Return a sentence with the calls of tools in it as commands of this command line.

    `asked`: the words of the call that the sentence answers; one to wait is that call again.
    """
    same = asked if len(shlex.join(asked.in_order)) <= ASKED_CHARS_MAX else NO_WORDS
    said = text.said(lambda call: command(call, same)) if isinstance(text, Sentence) else text
    return _MOMENT.sub(r"\1 \2 UTC", said)


def result_for_shell(result: Mapping[str, Json], asked: Words = NO_WORDS) -> dict[str, Json]:
    """Return a result in which every sentence names commands of this command line."""

    def word(name: str, text: str) -> str:
        return for_shell(text, asked) if name in _TO_DO or isinstance(text, Sentence) else text

    return in_words(result, word)


def command(call: Call, same: Words = NO_WORDS) -> str:
    """Return the command that does what a call does; `same`: the words of the call that is repeated."""
    name, words = _COMMANDS[call.tool]
    given = call.given
    if any(same) and call.is_open and "wait_seconds" in given:
        return _line(name, Words(same.named, (*same.options, "--wait", str(given["wait_seconds"]))))
    if given.get("decision") == "coexist":
        words = tuple(word._replace(option="--share") if word is _KEEP else word for word in words)
    said = [
        (word, _values(word, given))
        for word in words
        if word.argument in given or (word.is_needed and given.keys().isdisjoint(word.instead))
    ]
    named = [value for word, values in said if not word.option for value in values]
    pairs = [(word.option, value) for word, values in said for value in values]
    options = [part for option, value in pairs if option for part in (option, value) if part]
    return _line(name, Words(named, options)) + "".join(_choice(word, given) for word, _ in said)


def _line(name: str, words: Words) -> str:
    return f"`gitcoord {shlex.join([*name.split(), *words.in_order])}`"


def _values(word: _Word, given: Mapping[str, Json]) -> list[str]:
    """Return what stands for an argument: each value of it; for a flag an empty one."""
    match given.get(word.argument):
        case bool(value):
            return [""] if value else []
        case {"one_of": _}:
            return [word.unknown]
        case dict(table):
            return [f"{file}={name}" for file, names in table.items() if isinstance(names, list) for name in names]
        case list(values):
            return [word.unknown if item is None else str(item) for item in values]
        case value:
            return [word.unknown if value is None else str(value)]


def _choice(word: _Word, given: Mapping[str, Json]) -> str:
    """Say in words what may stand for a word in capitals: a shell would pipe `a|b` into a command."""
    match given.get(word.argument):
        case {"one_of": [*choices, last]}:
            return f" ({word.unknown}: {', '.join(map(str, choices))} or {last})"
        case _:
            return ""
