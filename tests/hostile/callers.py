"""Every face as an innocent user, tool or hook calls it, and what must be true of each answer whatever it read."""

import json
import os
import re
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.hostile.crafts import IMITATED

ROOT = Path(__file__).parents[2]
HANG_S = (
    60.0  # a bound for a hang on a machine that is busy with other tests; the promise is ten seconds on a quiet one
)
MEMORY_KB = 500 * 1024
BUG, SIGNALLED = 3, 128  # 130 is an interrupt, which no caller here sends
# What a terminal acts on, or what makes text look like other text: C0 and C1 but for tab and newline, bidi controls.
ACTED_ON = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
# A line, or what looks like a sentence of ours, that begins with the words of another.
_IMITATION = re.compile(rf"\W*(?:(?:next|note|notice|gitcoord|hint|error): )?{IMITATED}")


@dataclass(frozen=True)
class Caller:
    """One way to call gitcoord.

    Attributes:
        words: its arguments.
        given: what it reads on stdin.
        must_pass: a git command of the user hangs on it: it ends with 0.
    """

    words: tuple[str, ...]
    given: str = ""
    must_pass: bool = False

    @property
    def name(self) -> str:
        """Return what a test calls it."""
        return " ".join(word for word in self.words if not word.startswith("-"))


def lines(*messages: object) -> str:
    return "".join(json.dumps(message) + "\n" for message in messages)


def call(number: int, tool: str, **arguments: object) -> object:
    return {"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": {"name": tool, "arguments": arguments}}


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
    call(2, "status"),
    call(3, "claim_files", patterns=["/free.py"]),
    call(4, "claim_step", project="app"),
)
EDIT = json.dumps(
    {
        "hook_event_name": "PreToolUse",
        "session_id": "s-1",
        "tool_name": "Write",
        "tool_input": {"file_path": "README.md", "content": "x"},
    }
)
# What a process used at most counts the process that it was forked from, which here has run many tests.
_LAUNCH = """
import resource, subprocess, sys
status = subprocess.run(sys.argv[2:], check=False).returncode
with open(sys.argv[1], "w") as file:
    file.write(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss))
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
    Caller(("relay", "--url", "http://127.0.0.1:9/", "--secret-env", "HOME", "--once")),
    Caller(("mcp",), MCP),
    Caller(("hook", "edit"), EDIT, must_pass=True),
    Caller(
        ("hook", "pre-push", "origin", "../remote.git"), "refs/heads/x {head} refs/heads/x {zero}\n", must_pass=True
    ),
    Caller(("hook", "pre-commit"), must_pass=True),
    Caller(("hook", "post-checkout", "{head}", "{head}", "1"), must_pass=True),
    Caller(("hook", "post-merge", "0"), must_pass=True),
    Caller(("hook", "prepare-commit-msg", "message.txt"), must_pass=True),
)


@dataclass(frozen=True)
class Answer:
    """What a caller got: exit status, what was written, and the most memory of it and its children, in kB."""

    status: int
    out: str
    err: str
    memory_kb: int

    def faults(self, caller: Caller) -> list[str]:
        """Return what must not be."""
        said = self.out + self.err
        shown = said if "--json" not in caller.words else self.err
        return [
            *(["a traceback"] if "Traceback (most recent call last)" in said else []),
            *([f"exit status {self.status}"] if self.status == BUG or self.status > SIGNALLED else []),
            *([f"blocked with {self.status}"] if caller.must_pass and self.status != 0 else []),
            *([f"a character that is acted on: {found[0]!a}"] if (found := ACTED_ON.search(shown)) else []),
            *(f"a line of its own: {line[:60]!a}" for line in shown.splitlines() if _IMITATION.match(line)),
            *([f"{self.memory_kb} kB of memory"] if self.memory_kb > MEMORY_KB else []),
        ]


def ask(caller: Caller, clone: Path, home: Path) -> Answer:
    """Call gitcoord once, as a program of its own.

    Raises:
        subprocess.TimeoutExpired: it hangs.
    """
    head = (
        subprocess.run(["git", "rev-parse", "HEAD"], cwd=clone, capture_output=True, check=True).stdout.decode().strip()
    )
    fill = {"{head}": head, "{zero}": "0" * 40}
    words = [fill.get(word, word) for word in caller.words]
    given = caller.given.replace("{head}", head).replace("{zero}", "0" * 40)
    out, err, memory = home / "out", home / "err", home / "memory"
    program = [sys.executable, "-c", _LAUNCH, str(memory), sys.executable, "-m", "gitcoord", *words]
    env = {**os.environ, "PYTHONPATH": str(ROOT), "GITCOORD_AGENT": "bob/cli/wt", "NO_COLOR": "1"}
    with (
        out.open("wb") as out_file,
        err.open("wb") as err_file,
        subprocess.Popen(
            program, cwd=clone, env=env, stdin=subprocess.PIPE, stdout=out_file, stderr=err_file, start_new_session=True
        ) as process,
    ):
        try:
            process.communicate(given.encode(), timeout=HANG_S)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise
    memory_kb = int(memory.read_text())
    text = [path.read_bytes().decode("utf-8", "replace") for path in (out, err)]
    return Answer(process.returncode, text[0], text[1], memory_kb)
