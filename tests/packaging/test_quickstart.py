"""The quick start is true: its blocks, pasted in their order as they stand, print what stands below them.

Two things are played. Who starts `claude` or `codex` gets an agent that is a program of ours: the server and the hooks
that `gitcoord init` wrote into that tool's files are started from there and told what the tool would tell them. And pip
is kept from the network: it finds what it needs in this environment. Ids, times and places are drawn anew each time.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import time
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Git
from tests.faces.mcp.process import ServerProcess

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "quickstart.md").read_text(encoding="utf-8")
COMMAND_TIMEOUT_S = 200  # a bound for a hang, within pytest's own; installing takes some seconds, the others less

_FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_AGENT = re.compile(r"cd (\S+) && (claude|codex)")
_LINK = re.compile(r"\]\(([^)\s#]+)")
_FILE = "src/prices.py"
_CLIENTS = {"claude": "claude-code", "codex": "codex-mcp-client"}
# For pip: build and install with what is here. (Of this option, 0 means that there is no isolation.)
_OFFLINE = {"PIP_NO_INDEX": "1", "PIP_NO_DEPS": "1", "PIP_NO_BUILD_ISOLATION": "0"}


@dataclass(frozen=True)
class Piece:
    """A block to paste, and what it is said to print; of one that starts an agent, what that agent is told."""

    text: str
    said: tuple[str, ...] = ()


def pieces() -> list[Piece]:
    """Return the page's blocks in their order."""
    found: list[Piece] = []
    for language, block in _FENCED.findall(PAGE):
        if language == "sh":
            found.append(Piece(block.rstrip("\n")))
        else:
            assert (language, found[-1].said) == ("text", ())
            found[-1] = replace(found[-1], said=tuple(block.splitlines()))
    return found


def shape(line: str) -> str:
    """Return a line without what is drawn anew, and without the width of columns."""
    line = re.sub(r"\b[cr]-[0-9a-z]{8}\b", "ID", line)
    line = re.sub(r"\b\d\d:\d\d UTC", "TIME", line)
    line = re.sub(r"\b\d+ h\b", "LEFT", line)  # whole hours: a moment later it is one less
    return " ".join(re.sub(r"; /\S+, shared", "; REMOTE, shared", line).split())


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """The folder of a Python as distributions ship it: pip refuses to add anything to it (PEP 668)."""
    theirs, stdlib = tmp_path / "distribution", Path(sysconfig.get_path("stdlib"))
    binary, library = Path(os.path.realpath(sys.executable)), theirs / "lib" / stdlib.name
    (theirs / "bin").mkdir(parents=True)
    library.mkdir(parents=True)
    shutil.copy2(binary, theirs / "bin" / "python3")
    for entry in stdlib.iterdir():
        (library / entry.name).symlink_to(entry)
    (library / "EXTERNALLY-MANAGED").write_text("[externally-managed]\nError=Use a virtual environment.\n", "utf-8")
    return theirs / "bin"


@dataclass
class Agent:
    """A tool, as far as it concerns us: its session, the server and the hooks that its files in the repository name."""

    tool: str
    folder: Path
    env: dict[str, str]
    server: ServerProcess = field(init=False)

    @property
    def session(self) -> str:
        return f"session-{self.tool}"

    def __post_init__(self) -> None:
        own = {"CLAUDE_CODE_SESSION_ID": self.session} if self.tool == "claude" else {}
        self.server = ServerProcess(self.folder, env={**self.env, **own}, program=self._server())
        self.server.initialize(client=_CLIENTS[self.tool])
        self.hook("SessionStart", source="startup")

    def _server(self) -> list[str]:
        if self.tool == "claude":
            entry = json.loads((self.folder / ".mcp.json").read_text("utf-8"))["mcpServers"]["gitcoord"]
        else:
            entry = tomllib.loads((self.folder / ".codex/config.toml").read_text("utf-8"))["mcp_servers"]["gitcoord"]
        return ["env", entry["command"], *entry["args"]]

    def hook(self, name: str, **event: object) -> dict[str, Any]:
        """Start the hook of an event as the tool does; return what it said."""
        settings = ".claude/settings.json" if self.tool == "claude" else ".codex/hooks.json"
        ((command,),) = (
            [one["command"] for one in entry["hooks"]]
            for entry in json.loads((self.folder / settings).read_text("utf-8"))["hooks"][name]
        )
        said = {"hook_event_name": name, "session_id": self.session, "cwd": str(self.folder), **event}
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=self.folder,
            env=self.env,
            input=json.dumps(said).encode(),
            capture_output=True,
            timeout=COMMAND_TIMEOUT_S,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, b"")
        return json.loads(done.stdout or b"{}")

    def edit(self, path: str) -> str:
        """Be about to change a file; return why that is stopped, or nothing."""
        if self.tool == "claude":
            event = {"tool_name": "Edit", "tool_input": {"file_path": str(self.folder / path), "new_string": "b"}}
        else:
            patch = f"*** Begin Patch\n*** Update File: {path}\n@@\n-a\n+b\n*** End Patch"
            event = {"tool_name": "apply_patch", "tool_input": {"command": patch}}
        specific = self.hook("PreToolUse", **event).get("hookSpecificOutput", {})
        return specific.get("permissionDecisionReason", "") if specific.get("permissionDecision") == "deny" else ""

    def call(self, tool: str, **arguments: object) -> dict[str, Any]:
        """Call a tool; Codex says in each call which session it is."""
        more = {"_meta": {"sessionId": self.session}} if self.tool == "codex" else {}
        answer = self.server.request("tools/call", {"name": tool, "arguments": arguments, **more})
        return answer["result"]["structuredContent"]

    def end(self) -> None:
        """End as the tool does when its user leaves."""
        self.hook("SessionEnd", reason="prompt_input_exit")
        self.server.end()


@dataclass
class Reader:
    """Who follows the page, in one shell: `place` is the folder that the last block has left it in."""

    home: Path
    env: dict[str, str]
    place: Path = ROOT
    agents: dict[str, Agent] = field(default_factory=dict[str, Agent])

    @property
    def shop(self) -> Path:
        return self.home / "gitcoord-tour" / "shop"

    def follow(self, piece: Piece) -> list[str]:
        """Paste a block; return what it prints."""
        started = _AGENT.fullmatch(piece.text)
        if started is not None:
            folder = Path(started[1].replace("~", str(self.home), 1))
            self.agents[started[2]] = Agent(started[2], folder, self.env)
            return self.both_edit() if len(self.agents) == len(_CLIENTS) else []
        if "claim list" in piece.text:
            self.another_clone_sees_what_is_held()
            self.sessions_end()
        left = self.home / "left-in"
        printed = self.run(self.place, f"{piece.text}\npwd > {left}")
        self.place = Path(left.read_text("utf-8").strip())
        if "project create" in piece.text:
            self.both_take_a_step()
        return printed

    def run(self, folder: Path, script: str) -> list[str]:
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=folder,
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            timeout=COMMAND_TIMEOUT_S,
            check=False,
        )
        assert done.returncode == 0, f"{script}: {done.stdout}"
        return done.stdout.splitlines()

    def both_edit(self) -> list[str]:
        """Let one agent change a file, then the other; return what the second is told."""
        assert self.agents["claude"].edit(_FILE) == ""
        self.until(lambda claims: len(claims) == 1)
        end = time.monotonic() + COMMAND_TIMEOUT_S  # the other's snapshot is written by another process
        while not (told := self.agents["codex"].edit(_FILE)) and time.monotonic() < end:
            pass
        return told.splitlines()

    def both_take_a_step(self) -> None:
        taken = [agent.call("claim_step")["step"]["id"] for agent in self.agents.values()]
        assert taken == ["shop/1", "shop/2"]
        third = self.agents["codex"].call("claim_step", agent_id="third")
        assert third["step"] is None
        assert third["why"]

    def another_clone_sees_what_is_held(self) -> None:
        self.run(self.home, "git clone --quiet gitcoord-tour/shop.git elsewhere")
        here, there = (
            json.loads(self.run(folder, "gitcoord claim list --json")[-1])["claims"]
            for folder in (self.shop, self.home / "elsewhere")
        )
        assert here
        assert [claim["id"] for claim in there] == [claim["id"] for claim in here]

    def sessions_end(self) -> None:
        for agent in self.agents.values():
            agent.end()
        self.until(lambda claims: not claims)
        (project,) = json.loads(self.run(self.shop, "gitcoord project list --json")[0])["projects"]
        assert project["counts"] == {"not_started": 3}

    def until(self, there: Callable[[list[Any]], bool]) -> None:
        """Return as soon as the claims are as wanted; a process of the agents makes them so."""
        end, claims = time.monotonic() + COMMAND_TIMEOUT_S, list[Any]()
        while time.monotonic() < end:
            claims = json.loads(self.run(self.shop, "gitcoord claim list --json")[-1])["claims"]
            if there(claims):
                return
        pytest.fail(f"the claims were never as wanted: {claims}")


@pytest.fixture
def reader(programs: Path, git: Git, tmp_path: Path) -> Iterator[Reader]:
    git(tmp_path, "config", "--global", "user.name", "ann")
    home = Path(os.environ["HOME"])
    # What is needed beside us is found here, without a network; a login would have ~/.local/bin on its PATH.
    needed = os.pathsep.join(dict.fromkeys(sysconfig.get_path(name) for name in ("purelib", "platlib")))
    path = [str(home / ".local/bin"), str(programs), os.environ["PATH"]]
    env = {**os.environ, **_OFFLINE, "PYTHONPATH": needed, "PATH": os.pathsep.join(path)}
    reading = Reader(home, env)
    yield reading
    for agent in reading.agents.values():
        agent.server.stop()


@pytest.mark.docs
@pytest.mark.timeout(600)  # it makes an environment and installs into it, which takes a minute on a busy machine
def test_who_pastes_the_quick_start_sees_what_it_says(reader: Reader) -> None:
    for piece in pieces():
        printed = reader.follow(piece)

        for said in piece.said:
            assert any(shape(line).startswith(shape(said)) for line in printed), f"{piece.text}: {said!r}: {printed}"

    assert sorted(reader.agents) == sorted(_CLIENTS)
    assert not (reader.shop / ".mcp.json").exists()


@pytest.mark.docs
def test_pip_refuses_to_add_to_such_a_python(programs: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [programs / "python3", "-m", "pip", "install", "--no-index", str(ROOT)],
        cwd=tmp_path,
        capture_output=True,
        encoding="utf-8",
        timeout=COMMAND_TIMEOUT_S,
        check=False,
    )

    assert "externally-managed-environment" in done.stderr


@pytest.mark.docs
def test_the_quick_start_is_ten_blocks_and_one_that_makes_a_repository() -> None:
    assert len(pieces()) == len("0123456789") + 1
    assert not [piece for piece in pieces() if piece.text.startswith("$") or "\n$" in piece.text]


@pytest.mark.docs
@pytest.mark.parametrize("link", sorted(set(_LINK.findall(PAGE))))
def test_a_link_of_the_quick_start_leads_somewhere(link: str) -> None:
    assert (ROOT / "docs" / link).exists()
