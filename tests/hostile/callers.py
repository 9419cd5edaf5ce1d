"""Every face as an innocent user, tool or hook calls it, and what must be true of each answer whatever it read."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from tests.hostile.crafts import IMITATED
from tests.hostile.live_page import INTERRUPTED, UNANSWERED, markup_of_others, shown_by

ROOT = Path(__file__).parents[2]
HANG_S = 150.0  # a bound for a hang on a machine that is busy with other tests
PROCESSOR_S = 10.0  # of it and its children: the promise, which does not depend on how busy the machine is
MEMORY_KB = 500 * 1024
BUG, SIGNALLED = 3, 128
# What a terminal acts on, or what makes text look like other text: C0 and C1 but for tab and newline, bidi controls.
ACTED_ON = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
# Fields of JSON in which we speak, to a model or a person: what another wrote is quoted there, and cut.
SENTENCES = frozenset(
    {
        *(
            "permissionDecisionReason",
            "additionalContext",
            "systemMessage",
            "stopReason",
            "message",
            "next_step",
            "hint",
        ),
        *("warnings", "how_to_narrow", "text", "line"),
    }
)
SENTENCE_CHARS = 20_000
# Fields that have a name or an id, which sentences have as it is.
NAMES = frozenset(
    {
        *(
            "id",
            "agent",
            "agent_id",
            "branch",
            "clone",
            "session",
            "session_id",
            "scope",
            "base_commit",
            "commit",
            "by",
        ),
        *("commit_hash", "claim", "claim_id", "symbols", "your_symbols", "holder", "step"),
    }
)
NAME_CHARS = 1_024
UNKNOWN = (-32601, -32602)  # JSON-RPC: of a method, or of what it was given
# A line, or what looks like a sentence of ours, that begins with the words of another, and is not quoted.
_IMITATION = re.compile(rf"[^\w>]*(?:(?:next|note|notice|gitcoord|hint|error): )?{IMITATED}")


@dataclass(frozen=True)
class Caller:
    """One way to call gitcoord.

    Attributes:
        words: its arguments.
        given: what it reads on stdin.
        must_pass: a git command of the user hangs on it: it ends with 0.
        place: where it works: bob's clone, that of cat, which knew the ledgers before, or the remote itself.
        event: what happens in an agent's tool.
        is_live: it serves a page, which is asked for, until it is interrupted.
    """

    words: tuple[str, ...]
    given: str = ""
    must_pass: bool = False
    place: str = "bob"
    event: str = ""
    is_live: bool = False

    @property
    def name(self) -> str:
        """Return what a test calls it."""
        words = (word for word in self.words if not word.startswith("-"))
        return " ".join(filter(None, (*words, self.event, "live" * self.is_live)))


def lines(*messages: object) -> str:
    return "".join(json.dumps(message) + "\n" for message in messages)


def call(number: int, tool: str, **arguments: object) -> object:
    return {"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": {"name": tool, "arguments": arguments}}


def read(number: int, uri: str) -> object:
    return {"jsonrpc": "2.0", "id": number, "method": "resources/read", "params": {"uri": uri}}


def edit_hook(event: str, **more: object) -> Caller:
    """Return the hook at an event, as the plugin of Claude Code calls it, in a clone with a snapshot."""
    given = json.dumps({"hook_event_name": event, "session_id": "s-1", **more})
    return Caller(("hook", "edit", "--tool", "claude"), given, must_pass=True, place="cat", event=event)


HELLO = (
    {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "initialize",
        "params": {
            "protocolVersion": "2025-06-18",
            "capabilities": {},
            "clientInfo": {"name": "test-client", "version": "1"},
        },
    },
    {"jsonrpc": "2.0", "method": "notifications/initialized"},
)
MCP = lines(
    *HELLO,
    call(2, "list_claims"),
    call(3, "check_conflicts", files=["README.md"]),
    call(4, "list_projects"),
    call(5, "get_project", name="app"),
    call(6, "get_step", step_id="app/1"),
    call(7, "get_available_steps"),
    call(8, "pending_requests"),
    call(9, "get_agent_events"),
    call(10, "get_metrics", project="app"),
    *(read(11 + index, f"coord://{name}") for index, name in enumerate(("status", "claims", "notices"))),
    call(14, "claim_files", patterns=["/free.py"]),
    call(15, "claim_files", patterns=["/README.md"]),
    call(16, "claim_step", project="app"),
)
# What a process used counts the process that it was forked from, which here has run many tests.
_LAUNCH = """
import resource, signal, subprocess, sys
signal.signal(signal.SIGINT, lambda *_: None)  # it is for the program
status = subprocess.run(sys.argv[2:], check=False).returncode
with open(sys.argv[1], "w") as file:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    file.write(f"{used.ru_maxrss} {used.ru_utime + used.ru_stime}")
sys.exit(status if status >= 0 else 128 - status)
"""
CALLERS: tuple[Caller, ...] = (
    Caller(("status",)),
    Caller(("status", "--json")),
    Caller(("claim", "add", "/free.py")),
    Caller(("claim", "list", "--all")),
    Caller(("claim", "check", "README.md")),
    Caller(("step", "claim", "--project", "app")),
    Caller(("step", "list")),
    Caller(("project", "show", "app")),
    Caller(("request", "list")),
    Caller(("queue", "list")),
    Caller(("agents", "list")),
    Caller(("owners", "show")),
    Caller(("log",)),
    Caller(("metrics",)),
    Caller(("hotspots",)),
    Caller(("sync",)),
    Caller(("doctor",)),
    Caller(("verify", "--base", "HEAD")),
    Caller(("verify", "--base", "HEAD", "--format", "github")),
    Caller(("watch", "--plain", "--once")),
    Caller(("watch", "--jsonl", "--since", "start", "--once")),
    Caller(("dashboard", "--export", "page.html")),
    Caller(("dashboard", "--no-open"), is_live=True),
    Caller(("relay", "--url", "http://127.0.0.1:9/", "--secret-env", "HOME", "--once")),
    Caller(("audit",)),
    Caller(("mcp", "--tools", "all"), MCP),
    edit_hook("PreToolUse", tool_name="Write", tool_input={"file_path": "README.md", "content": "x"}),
    edit_hook("UserPromptSubmit", prompt="Go on."),
    Caller(("hook", "pre-receive"), "{old} {new} {ref}\n", place="remote.git"),
    Caller(
        ("hook", "pre-push", "origin", "../remote.git"), "refs/heads/x {head} refs/heads/x {zero}\n", must_pass=True
    ),
    Caller(("hook", "pre-commit"), must_pass=True),
    Caller(("hook", "post-checkout", "{head}", "{head}", "1"), must_pass=True),
    Caller(("hook", "post-merge", "0"), must_pass=True),
    Caller(("hook", "prepare-commit-msg", "message.txt"), must_pass=True),
    Caller(("step", "show", "app/1")),
)
# Beside these, where there is time.
MORE_CALLERS: tuple[Caller, ...] = (
    Caller(("audit", "--json")),
    Caller(("claim", "list", "--all", "--json")),
    Caller(("step", "list", "--json")),
    Caller(("step", "show", "app/1", "--json")),
    Caller(("dashboard", "--json")),
    edit_hook("PreToolUse", tool_name="Bash", tool_input={"command": "echo x > README.md"}),
    edit_hook("PostToolUse", tool_name="Bash", tool_input={"command": "ls"}, tool_response={"stdout": "README.md"}),
    edit_hook("SessionStart", source="startup"),
    edit_hook("Stop", stop_hook_active=False),
    edit_hook("SessionEnd", reason="exit"),
)


@dataclass(frozen=True)
class Answer:
    """What a caller got.

    Attributes:
        status: its exit status.
        out, err: what it wrote.
        page: the page that it wrote, or all that it served.
        bugs: the reports of bugs that it wrote.
        memory_kb, processor_s: the most memory of it and its children, and the time that they all used.
    """

    status: int
    out: str
    err: str
    page: str
    bugs: str
    memory_kb: int
    processor_s: float

    @cached_property
    def objects(self) -> list[dict[str, Any]]:
        """Return the JSON objects on its stdout: of MCP and hooks each line is one."""
        found: list[Any] = []
        for line in self.out.splitlines():
            try:
                found.append(json.loads(line))
            except ValueError:
                continue
        return [value for value in found if isinstance(value, dict)]

    def faults(self, caller: Caller) -> list[str]:
        """Return what must not be."""
        said = self.out + self.err
        shown = said + self.page
        is_signalled = self.status > SIGNALLED and not (caller.is_live and self.status == INTERRUPTED)
        return [
            *self._faults_of_json(),
            *(self._unanswered(caller) if caller.words[0] == "mcp" else []),
            *(f"markup of another: {name}" for name in markup_of_others(self.page)),
            *(["markup of another"] if "<b>&" in self.page else []),
            *(["nothing was served"] if caller.is_live and self.status == INTERRUPTED and not self.page else []),
            *([f"a bug: {self.bugs[-600:]}"] if self.bugs else []),
            *(["a traceback"] if "Traceback (most recent call last)" in shown else []),
            *([self.page[self.page.index(UNANSWERED) :][:200]] if UNANSWERED in self.page else []),
            *([f"exit status {self.status}"] if self.status == BUG or is_signalled else []),
            *([f"blocked with {self.status}"] if caller.must_pass and self.status != 0 else []),
            *([f"a character that is acted on: {found[0]!a}"] if (found := ACTED_ON.search(shown)) else []),
            *(f"a line of its own: {line[:60]!a}" for line in said.splitlines() if _IMITATION.match(line)),
            *([f"{self.memory_kb} kB of memory"] if self.memory_kb > MEMORY_KB else []),
            *([f"{self.processor_s:.1f} s of processor"] if self.processor_s > PROCESSOR_S else []),
        ]

    def _faults_of_json(self) -> Iterator[str]:
        for field, text in (row for value in self.objects for row in _texts(value)):
            if field in NAMES and not (text.isprintable() and len(text) <= NAME_CHARS):
                yield f"a name that is no line, in {field}: {text[:60]!a}"
            if field in SENTENCES:
                found = ACTED_ON.search(text)
                yield from [f"a character that is acted on, in {field}: {found[0]!a}"] if found else []
                yield from [f"{len(text)} characters in {field}"] if len(text) > SENTENCE_CHARS else []
                lines = (line for line in text.splitlines() if _IMITATION.match(line))
                yield from (f"a line of its own, in {field}: {line[:60]!a}" for line in lines)

    def _unanswered(self, caller: Caller) -> Iterator[str]:
        """Yield which calls had no answer, or named what is not there: then nothing was looked at."""
        answers = {answer.get("id"): answer for answer in self.objects}
        for number in (message["id"] for message in map(json.loads, caller.given.splitlines()) if "id" in message):
            error = answers.get(number, {"error": {"code": UNKNOWN[0]}}).get("error", {})
            if error.get("code") in UNKNOWN:
                yield f"call {number} was not answered: {error}"


def _texts(value: Any, field: str = "") -> Iterator[tuple[str, str]]:  # noqa: ANN401 - any JSON
    """Yield each text of a JSON value with the field that it stands in; of JSON within a text, what is in there."""
    match value:
        case {"decision": _, "reason": str(reason), **rest}:
            yield "stopReason", reason
            yield from _texts(rest)
        case dict():
            for name, inner in value.items():
                yield from _texts(inner, name)
        case list():
            for inner in value:
                yield from _texts(inner, field)
        case str() if field == "text" and value.startswith("{"):
            yield field, value
            yield from _texts(json.loads(value))
        case str():
            yield field, value
        case _:
            pass


def ask(caller: Caller, clone: Path, home: Path, moved: Mapping[str, str]) -> Answer:
    """Call gitcoord once, as a program of its own.

    `moved`: the ref that was crafted, and its `old` and `new` tip.

    Raises:
        subprocess.TimeoutExpired: it hangs.
    """
    head = (
        subprocess.run(["git", "rev-parse", "HEAD"], cwd=clone, capture_output=True, check=True).stdout.decode().strip()
    )
    fill = {"{head}": head, "{zero}": "0" * 40}
    words = [fill.get(word, word) for word in caller.words]
    given = caller.given.replace("{head}", head).replace("{zero}", "0" * 40)
    for name, text in moved.items():
        given = given.replace(f"{{{name}}}", text)
    out, err, memory, page = home / "out", home / "err", home / "memory", clone / "page.html"
    page.unlink(missing_ok=True)
    tmp = home / "tmp"
    shutil.rmtree(tmp, ignore_errors=True)
    tmp.mkdir()
    program = [sys.executable, "-c", _LAUNCH, str(memory), sys.executable, "-m", "gitcoord", *words]
    env = {**os.environ, "PYTHONPATH": str(ROOT), "GITCOORD_AGENT": "bob/cli/wt", "NO_COLOR": "1", "TMPDIR": str(tmp)}
    with (
        out.open("wb") as out_file,
        err.open("wb") as err_file,
        subprocess.Popen(
            program, cwd=clone, env=env, stdin=subprocess.PIPE, stdout=out_file, stderr=err_file, start_new_session=True
        ) as process,
    ):
        try:
            served = shown_by(process, out, HANG_S) if caller.is_live else ""
            process.communicate(given.encode(), timeout=HANG_S)
        except (subprocess.TimeoutExpired, OSError):
            os.killpg(process.pid, signal.SIGKILL)
            raise
    memory_kb, processor_s = memory.read_text().split()
    text = [path.read_bytes().decode("utf-8", "replace") if path.exists() else "" for path in (out, err, page)]
    bugs = "".join(file.read_text(errors="replace") for file in sorted(tmp.glob("gitcoord-bug-*")))
    return Answer(process.returncode, text[0], text[1], text[2] + served, bugs, int(memory_kb), float(processor_s))
