"""What the tests of hooks share: a repository in which gitcoord is in use, hooks as processes, servers of sessions."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from gitcoord.ledger.clone import snapshot_files
from tests import fork_server
from tests.conftest import Git, MakeRepo
from tests.faces.hooks.pushers import commit, hooked
from tests.faces.mcp.process import ServerProcess, environment
from tests.servers.fixtures import servers as servers  # noqa: PLC0414 - a fixture, exported to pytest
from tests.unit.service.world import Shared
from tests.unit.service.world import agents as agents  # noqa: PLC0414 - a fixture, exported to pytest
from tests.unit.service.world import shared as shared  # noqa: PLC0414 - a fixture, exported to pytest

HOOK_S = 150  # a bound for a hang


@dataclass(frozen=True)
class Told:
    """What a hook answered: its exit status, its JSON (empty if it was silent), its stderr."""

    status: int
    said: dict[str, Any]
    error: str

    @property
    def reason(self) -> str:
        """Return why the edit is stopped; empty if it is not."""
        specific = self.said.get("hookSpecificOutput", {})
        return specific["permissionDecisionReason"] if specific.get("permissionDecision") == "deny" else ""

    @property
    def context(self) -> str:
        return self.said.get("hookSpecificOutput", {}).get("additionalContext", "")


ANOTHER = "import subprocess, sys; sys.exit(subprocess.call(sys.argv[1:]))"


def run_hook(
    cwd: Path,
    event: dict[str, object] | bytes,
    tool: str = "claude",
    *,
    of_another_process: bool = False,
    **env: str,
) -> Told:
    """Run the edit hook as a tool does: this process, which starts the servers as well, or another one."""
    data = event if isinstance(event, bytes) else json.dumps({"cwd": str(cwd), **event}).encode()
    command = [sys.executable, "-m", "gitcoord", "hook", "edit", "--tool", tool]
    if of_another_process:
        command = [sys.executable, "-c", ANOTHER, *command]
    given = environment(env)
    done = subprocess.run(command, cwd=cwd, input=data, capture_output=True, timeout=HOOK_S, env=given, check=False)
    return Told(done.returncode, json.loads(done.stdout or b"{}"), done.stderr.decode())


def edit(
    cwd: Path, session: str, path: str, tool: str = "claude", *, of_another_process: bool = False, **env: str
) -> Told:
    """Ask the hook whether a file may be edited."""
    tool_input = {"file_path": str(cwd / path), "old_string": "a", "new_string": "b"}
    event = {"hook_event_name": "PreToolUse", "tool_name": "Edit", "session_id": session, "tool_input": tool_input}
    return run_hook(cwd, event, tool, of_another_process=of_another_process, **env)


def claims_once(server: ServerProcess, there: Callable[[dict[str, dict[str, Any]]], bool]) -> dict[str, dict[str, Any]]:
    """Return the claims by the first pattern of each, as soon as they are as wanted; another process makes them so."""
    end, rows = time.monotonic() + HOOK_S, dict[str, dict[str, Any]]()
    while time.monotonic() < end:
        rows = {one["items"][0]["pattern"]: one for one in server.call("list_claims")["claims"]}
        if there(rows):
            return rows
    pytest.fail(f"the claims were never as wanted: {rows}")


def claimed(cwd: Path, server: ServerProcess, path: str, **call: object) -> dict[str, Any]:
    """Claim something; return the claim as soon as the snapshot shows it to hooks."""
    claim = server.call("claim_files", **(call or {"patterns": [path]}))["claim"]
    seen_by_hooks(cwd, server, path)
    return claim


def seen_by_hooks(cwd: Path, server: ServerProcess, path: str) -> None:
    """Return as soon as the snapshot shows somebody at a file."""
    found = snapshot_files.places(str(cwd))
    assert found is not None
    folder = f"{found[1]}/gitcoord/snapshot"
    claims_once(server, lambda _: any(True for _ in snapshot_files.rows_near(folder, path, fold=False)))


@dataclass
class Servers:
    """Starts servers of sessions, and stops them when the test ends."""

    running: list[ServerProcess] = field(default_factory=list[ServerProcess])

    def __call__(self, cwd: Path, session: str, agent: str) -> ServerProcess:
        return self._begun(cwd, "claude-code", {"CLAUDE_CODE_SESSION_ID": session, "GITCOORD_AGENT": agent})

    def unnamed(self, cwd: Path, client: str) -> ServerProcess:
        """Start one for a client that tells it no id of the session."""
        return self._begun(cwd, client, {})

    def _begun(self, cwd: Path, client: str, env: dict[str, str]) -> ServerProcess:
        server = ServerProcess(cwd, env=env)
        self.running.append(server)
        server.initialize(client=client)
        return server


@pytest.fixture
def serve() -> Iterator[Servers]:
    servers = Servers()
    yield servers
    for one in servers.running:
        one.stop()


@pytest.fixture
def one(make_repo: MakeRepo, git: Git) -> Path:
    repo = make_repo("one")
    for path in ("src/a.py", "src/b.py", "src/app/[slug]/page.tsx", ".gitignore"):
        (repo / path).parent.mkdir(parents=True, exist_ok=True)
        (repo / path).write_text("*.log\n" if path == ".gitignore" else "def f():\n    pass\n", "utf-8")
    git(repo, "add", "--all")
    git(repo, "commit", "--quiet", "--message", "files")
    return repo


@pytest.fixture
def two(one: Path, git: Git) -> Path:
    git(one, "worktree", "add", "--quiet", "-b", "work", str(one.parent / "two"))
    return one.parent / "two"


@pytest.fixture
def team(shared: Shared, git: Git) -> Shared:
    """Two clones of one remote, with tracked files; pushes of the first run our hook."""
    commit(shared.one, "src/a.py", "src/b.py", "src/c.py", text="def old():\n    pass\n")
    git(shared.one, "push", "--quiet", "origin", "main")
    git(shared.two, "pull", "--quiet")
    hooked(shared.one, "pre-push")
    return shared


def command(cwd: Path, *arguments: str, **env: str) -> dict[str, Any]:
    """Run a command with --json as a person, or as an agent in its shell."""
    given = [sys.executable, "-m", "gitcoord", *arguments, "--json"]
    done = fork_server.run(given, cwd=cwd, env=environment(env), stdin=b"", timeout_s=HOOK_S)
    done.check_returncode()
    return json.loads(done.stdout)
