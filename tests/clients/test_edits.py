"""Claude Code, Codex, Gemini CLI and opencode, wired by `init`, edit files with their own tools beside another agent.

The model is a script; everything else is real: the clients with their hooks, our server in each, git's worktrees.
"""

import shlex
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.bench.places import repository
from tests.clients.driving import AGENTS, run, session_of, wire
from tests.clients.endpoint import Call, Line, Look, Say, Use
from tests.clients.programs import INSTALL_S, NAMES, Name
from tests.faces.hooks.conftest import claimed, claims_once, seen_by_hooks
from tests.faces.mcp.process import ServerProcess

pytestmark = [
    pytest.mark.external,
    pytest.mark.torture,
    pytest.mark.timeout(2 * INSTALL_S),  # the first test may have to wait for the download
]

Install = Callable[[Name], Sequence[str]]
PATCHING = "gpt-5.5"  # Codex 0.169 has a tool for patches for this model, and searches for our tools
BOB = "bob/claude-code/two"
FREE, OWN, HELD = "lib/part0/file0.py", "lib/part1/file21.py", "lib/part2/file42.py"
BEFORE, AFTER = {FREE: "value = 0\n", OWN: "value = 21\n", HELD: "value = 42\n"}, "value = 7\n"


@dataclass
class Stage:
    """Two worktrees of one repository: the client's, and that of `bob`, whose server runs."""

    top: Path
    env: dict[str, str]
    two: Path
    bob: ServerProcess

    def text(self, path: str) -> str:
        return (self.top / path).read_text("utf-8")


@pytest.fixture
def stage() -> Iterator[Stage]:
    with repository() as (top, env):
        two = top.parent / "two"
        subprocess.run(["git", "worktree", "add", "-q", "-b", "two", str(two)], cwd=top, env=env, check=True)
        bob = ServerProcess(two, env={**env, "GITCOORD_AGENT": BOB, "CLAUDE_CODE_SESSION_ID": "s-bob"})
        try:
            bob.initialize(client="claude-code")
            bob.call("list_claims")
            yield Stage(top, env, two, bob)
        finally:
            bob.stop()


def patch(path: str) -> str:
    return f"*** Begin Patch\n*** Update File: {path}\n@@\n-{BEFORE[path]}+{AFTER}*** End Patch\n"


def edit(name: Name, top: Path, path: str) -> list[Line]:
    """Return the calls by which a client's model changes a file."""
    file, old, new = str(top / path), BEFORE[path], AFTER
    match name:
        case "claude":
            change = Use("Edit", {"file_path": file, "old_string": old, "new_string": new})
            return [Use("Read", {"file_path": file}), change]
        case "codex":
            return [Use("exec_command", {"cmd": f"apply_patch <<'EOF'\n{patch(path)}EOF\n"})]
        case "gemini":
            return [Use("replace", {"file_path": file, "instruction": "7", "old_string": old, "new_string": new})]
        case "opencode":
            change = Use("edit", {"filePath": file, "oldString": old, "newString": new})
            return [Use("read", {"filePath": file}), change]


def command(name: Name, text: str) -> Line:
    """Return the call by which a client's model runs a shell command."""
    match name:
        case "claude":
            return Use("Bash", {"command": text, "description": "change"})
        case "codex":
            return Use("exec_command", {"cmd": text})
        case "gemini":
            return Use("run_shell_command", {"command": text, "description": "change"})
        case "opencode":
            return Use("bash", {"command": text, "description": "change"})


@pytest.mark.rule("HOOK-1")
@pytest.mark.parametrize("name", NAMES)
def test_a_foreign_edit_is_stopped_and_the_model_is_told_why(program: Install, stage: Stage, name: Name) -> None:
    wire(name, stage.top, stage.env)
    held = claimed(stage.two, stage.bob, HELD)

    script = [*edit(name, stage.top, HELD), Say()]
    done = run(name, program(name), script, stage.top, stage.env)

    assert stage.text(HELD) == BEFORE[HELD]
    assert f"'{BOB}' holds '{HELD}' on branch 'two' until" in done.shown_results[-1]
    assert f"request_release(claim_id='{held['id']}'" in done.shown_results[-1]


@pytest.mark.rule("HOOK-1")
@pytest.mark.parametrize("name", NAMES)
def test_a_command_that_changes_a_foreign_file_is_stopped(program: Install, stage: Stage, name: Name) -> None:
    wire(name, stage.top, stage.env)
    claimed(stage.two, stage.bob, HELD)

    script = [command(name, f"printf x > {shlex.quote(HELD)}"), Say()]
    done = run(name, program(name), script, stage.top, stage.env)

    assert stage.text(HELD) == BEFORE[HELD]
    assert f"'{BOB}' holds '{HELD}' on branch 'two' until" in done.shown_results[-1]


@pytest.mark.rule("HOOK-2")
@pytest.mark.rule("HOOK-3")
@pytest.mark.rule("HOOK-4")
@pytest.mark.parametrize("name", NAMES)
def test_hook_and_server_are_one_and_their_claims_end_with_the_session(
    program: Install, stage: Stage, name: Name
) -> None:
    wire(name, stage.top, stage.env)
    rows: dict[str, Mapping[str, Any]] = {}

    def look(path: str) -> Look:
        def at() -> None:
            rows[path] = claims_once(stage.bob, lambda found: path in found)[path]
            seen_by_hooks(stage.two, stage.bob, path)

        return Look(at)

    script = [
        *edit(name, stage.top, FREE),
        look(FREE),
        Call("claim_files", {"patterns": [OWN]}),
        look(OWN),
        *edit(name, stage.top, OWN),
        Say(),
    ]
    done = run(name, program(name), script, stage.top, stage.env)

    assert (stage.text(FREE), stage.text(OWN)) == (AFTER, AFTER), done.shown_results
    assert {row["agent"] for row in rows.values()} == {f"bench/{AGENTS[name]}/repository"}
    assert {row["session"] for row in rows.values()} == {session_of(stage.top, done.session)}
    assert rows[FREE]["items"][0]["auto"] is True
    claims_once(stage.bob, lambda found: not found)


@pytest.mark.rule("HOOK-1")
def test_the_patch_tool_of_codex_is_stopped_as_well(program: Install, stage: Stage) -> None:
    wire("codex", stage.top, stage.env)
    claimed(stage.two, stage.bob, HELD)

    script = [Use("apply_patch", patch(HELD)), Use("apply_patch", patch(FREE)), Say()]
    done = run("codex", program("codex"), script, stage.top, stage.env, model=PATCHING)

    assert (stage.text(HELD), stage.text(FREE)) == (BEFORE[HELD], AFTER)
    assert f"'{BOB}' holds '{HELD}' on branch 'two' until" in done.shown_results[0]
