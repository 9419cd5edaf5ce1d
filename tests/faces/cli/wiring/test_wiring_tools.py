"""What each tool gets, in the format that it reads, and where the files are that it reads."""

import json
import os
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest

from gitcoord import __version__
from gitcoord.faces.cli.wiring import entry, recipes, tools
from gitcoord.faces.cli.wiring.tools import Tool
from tests.faces.cli.conftest import Done, Run

ARGS = ["mcp", "--tools", "work"]
SERVER = {"command": "gitcoord", "args": ARGS}
NODE_WAIT_S = 150


def load(repo: Path, path: str) -> Any:  # noqa: ANN401 - what is in it is what the tests are about
    return json.loads((repo / path).read_text())


def paths(done: Done) -> set[str]:
    return {row["path"] for row in done.json["changes"]}


def commands(events: dict[str, list[Any]]) -> dict[str, str]:
    """Return the command of each event's only hook."""
    out: dict[str, str] = {}
    for event, (group,) in events.items():
        (handler,) = group.get("hooks", [group])
        out[event] = handler["command"]
    return out


def everywhere(tool: str, *events: str) -> dict[str, str]:
    return dict.fromkeys(events, f"gitcoord hook edit --tool {tool}")


def wire(run: Run, tool: str) -> set[str]:
    done = run("init", "--tool", tool, "--json")
    assert done.status == 0, done.err
    return {path for path in paths(done) if not path.startswith(".git/")}


def test_claude_code(run: Run, repo: Path) -> None:
    assert wire(run, "claude") == {".mcp.json", ".claude/settings.json", "CLAUDE.md"}

    settings = load(repo, ".claude/settings.json")
    assert load(repo, ".mcp.json") == {"mcpServers": {"gitcoord": SERVER}}
    assert settings["permissions"] == {"allow": ["mcp__gitcoord"]}
    assert commands(settings["hooks"]) == everywhere(
        "claude", "PreToolUse", "PostToolUse", "UserPromptSubmit", "SessionStart", "SessionEnd", "Stop"
    )
    assert settings["hooks"]["PreToolUse"][0]["matcher"] == "Edit|Write|MultiEdit|NotebookEdit|Bash"
    assert (repo / "CLAUDE.md").read_text().startswith("<!-- gitcoord:begin -->\n")


def test_codex(run: Run, repo: Path) -> None:
    assert wire(run, "codex") == {".codex/config.toml", ".codex/hooks.json", "AGENTS.md"}

    server = tomllib.loads((repo / ".codex/config.toml").read_text())["mcp_servers"]["gitcoord"]
    limits = {"startup_timeout_sec": 20, "tool_timeout_sec": 120}
    assert server == {**SERVER, **limits, "default_tools_approval_mode": "approve"}
    hooks = load(repo, ".codex/hooks.json")["hooks"]
    assert commands(hooks) == everywhere(
        "codex", "PreToolUse", "PostToolUse", "UserPromptSubmit", "SessionStart", "Stop", "SessionEnd"
    )


def test_cursor(run: Run, repo: Path) -> None:
    assert wire(run, "cursor") == {".cursor/mcp.json", ".cursor/hooks.json", ".cursor/rules/gitcoord.mdc"}

    hooks = load(repo, ".cursor/hooks.json")
    events = ("preToolUse", "postToolUse", "beforeShellExecution", "sessionStart", "sessionEnd", "stop")
    assert load(repo, ".cursor/mcp.json") == {"mcpServers": {"gitcoord": SERVER}}
    assert hooks["version"] == 1
    assert commands(hooks["hooks"]) == everywhere("cursor", *events)
    rule = (repo / ".cursor/rules/gitcoord.mdc").read_text()
    assert rule.startswith("---\ndescription: ")
    assert "alwaysApply: true\n---\n\n<!-- gitcoord:begin -->\n" in rule


def test_a_list_of_permissions_of_cursor_is_added_to_and_never_begun(run: Run, repo: Path) -> None:
    (repo / ".cursor").mkdir()
    file = repo / ".cursor/permissions.json"
    file.write_text('{"terminalAllowlist": ["ls"]}\n')
    wire(run, "cursor")
    without = load(repo, ".cursor/permissions.json")
    file.write_text('{"mcpAllowlist": ["x:*"]}\n')

    wire(run, "cursor")

    assert without == {"terminalAllowlist": ["ls"]}
    assert load(repo, ".cursor/permissions.json") == {"mcpAllowlist": ["x:*", "gitcoord:*"]}


def test_gemini(run: Run, repo: Path) -> None:
    assert wire(run, "gemini") == {".gemini/settings.json", "GEMINI.md"}

    settings = load(repo, ".gemini/settings.json")
    assert settings["mcpServers"]["gitcoord"] == {**SERVER, "trust": True, "timeout": 120_000}
    assert commands(settings["hooks"]) == everywhere(
        "gemini", "BeforeTool", "AfterTool", "BeforeAgent", "SessionStart", "SessionEnd", "AfterAgent"
    )
    assert settings["hooks"]["BeforeTool"][0]["matcher"] == "write_file|replace|run_shell_command"
    assert settings["hooks"]["BeforeTool"][0]["hooks"][0]["timeout"] == 10_000


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ('"AGENTS.md"', "AGENTS.md"),
        ('["GEMINI.md", "AGENTS.md"]', "AGENTS.md"),
        ('["X.md", "GEMINI.md"]', "GEMINI.md"),
        ('["X.md"]', "X.md"),
    ],
)
def test_gemini_reads_the_file_that_its_settings_name(run: Run, repo: Path, names: str, expected: str) -> None:
    (repo / ".gemini").mkdir()
    (repo / ".gemini/settings.json").write_text(f'{{\n  // mine\n  "context": {{"fileName": {names}}},\n}}\n')

    assert wire(run, "gemini") == {".gemini/settings.json", expected}
    assert "// mine" in (repo / ".gemini/settings.json").read_text()


def test_vscode(run: Run, repo: Path) -> None:
    assert wire(run, "vscode") == {".vscode/mcp.json", ".github/hooks/gitcoord.json", "AGENTS.md"}

    server = load(repo, ".vscode/mcp.json")["servers"]["gitcoord"]
    assert server == {"type": "stdio", **SERVER, "cwd": "${workspaceFolder}"}
    hooks = load(repo, ".github/hooks/gitcoord.json")["hooks"]
    assert commands(hooks) == everywhere("vscode", "PreToolUse", "SessionStart", "Stop")


def test_opencode(run: Run, repo: Path) -> None:
    assert wire(run, "opencode") == {"opencode.json", ".opencode/plugins/gitcoord.ts", "AGENTS.md"}

    server = {"type": "local", "command": ["gitcoord", *ARGS], "enabled": True}
    assert load(repo, "opencode.json")["mcp"]["gitcoord"] == server
    assert "tool.execute.before" in (repo / ".opencode/plugins/gitcoord.ts").read_text()


def test_what_opencode_restricts_is_allowed_for_our_tools(run: Run, repo: Path) -> None:
    (repo / "opencode.jsonc").write_text('{\n  "permission": {"*": "ask"}, // careful\n}\n')

    assert "opencode.jsonc" in wire(run, "opencode")
    assert '"permission": {"*": "ask", "gitcoord_*": "allow"}, // careful' in (repo / "opencode.jsonc").read_text()


def test_windsurf(run: Run, repo: Path) -> None:
    expected = {".devin/mcp_config.json", ".devin/config.json", ".windsurf/hooks.json", "AGENTS.md"}
    assert wire(run, "windsurf") == expected

    assert load(repo, ".devin/mcp_config.json") == {"mcpServers": {"gitcoord": SERVER}}
    hooks = load(repo, ".windsurf/hooks.json")["hooks"]
    assert commands(hooks) == everywhere("windsurf", "pre_write_code", "pre_run_command")


def test_zed(run: Run, repo: Path) -> None:
    assert wire(run, "zed") == {".zed/settings.json", "AGENTS.md"}

    server = load(repo, ".zed/settings.json")["context_servers"]["gitcoord"]
    assert server == {"source": "custom", **SERVER, "env": {}}


def test_zed_reads_the_first_of_its_files_only(run: Run, repo: Path) -> None:
    (repo / ".rules").write_text("Mine.\n")

    assert wire(run, "zed") == {".zed/settings.json", ".rules"}


@pytest.mark.parametrize("text", ["@AGENTS.md\n", "# Mine\r\n\r\n@./AGENTS.md\r\n"])
def test_instructions_that_include_others_get_the_block_there(run: Run, repo: Path, text: str) -> None:
    (repo / "CLAUDE.md").write_text(text, newline="")

    assert wire(run, "claude") == {".mcp.json", ".claude/settings.json", "AGENTS.md"}
    assert (repo / "CLAUDE.md").read_bytes() == text.encode()


def test_a_path_that_several_tools_read_is_written_once(run: Run, repo: Path) -> None:
    done = run("init", "--tool", "all", "--json")

    names = [row["path"] for row in done.json["changes"]]
    assert len(names) == len(set(names))
    assert {row["action"] for row in done.json["changes"]} == {"created"}


@pytest.mark.parametrize("tool", tools.EVERY)
def test_no_tool_gets_a_path_of_this_machine_or_a_hook_that_is_not_wanted(
    run: Run, repo: Path, hermetic: Path, tool: Tool
) -> None:
    done = run("init", "--tool", tool.value, "--no-hooks", "--json")

    texts = [(repo / path).read_text() for path in paths(done)]
    assert texts
    assert not any(str(part) in text for text in texts for part in (repo, hermetic, Path(__file__).parents[4]))
    assert not any("gitcoord hook edit" in text or "tool.execute" in text for text in texts)


# --- which tools are in use ---


@pytest.mark.parametrize(
    ("sign", "expected"),
    [
        (".cursor", Tool.CURSOR),
        ("GEMINI.md", Tool.GEMINI),
        (".vscode", Tool.VSCODE),
        ("opencode.jsonc", Tool.OPENCODE),
        (".windsurf", Tool.WINDSURF),
        (".devin", Tool.WINDSURF),
        (".zed", Tool.ZED),
    ],
)
def test_a_tool_is_in_use_where_its_files_are(tmp_path: Path, sign: str, expected: Tool) -> None:
    (tmp_path / sign).mkdir()

    assert tools.detect(tmp_path, {}) == (expected,)


def test_a_tool_is_in_use_where_a_home_has_its_folder(tmp_path: Path) -> None:
    (tmp_path / "home/.config/zed").mkdir(parents=True)

    assert tools.detect(tmp_path / "repo", {"HOME": str(tmp_path / "home")}) == (Tool.ZED,)


def test_where_nothing_tells_the_usual_ones_are_wired(tmp_path: Path) -> None:
    assert tools.detect(tmp_path, {}) == (Tool.CLAUDE, Tool.CODEX)


def test_tools_can_be_named_several_times() -> None:
    assert tools.named([Tool.ZED, Tool.CLAUDE, Tool.ZED]) == (Tool.CLAUDE, Tool.ZED)
    assert tools.named([Tool.ALL]) == tools.EVERY
    assert tools.named([Tool.NONE]) == ()


# --- what starts the server ---


def programs(folder: Path, *names: str) -> str:
    for name in names:
        (folder / "bin").mkdir(parents=True, exist_ok=True)
        (folder / "bin" / name).write_text("#!/bin/sh\n")
        (folder / "bin" / name).chmod(0o755)
    return str(folder / "bin")


def test_a_program_that_a_login_finds_is_started_by_its_name(tmp_path: Path) -> None:
    assert entry.command({"PATH": programs(tmp_path, "gitcoord", "uvx")}) == ["gitcoord", *ARGS]


@pytest.mark.parametrize("is_in_environment", [True, False])
def test_elsewhere_a_pinned_one_is_fetched(tmp_path: Path, is_in_environment: bool) -> None:
    path = programs(tmp_path / "uv", "uvx")
    if is_in_environment:
        path += os.pathsep + programs(tmp_path / "venv", "gitcoord")
        (tmp_path / "venv/pyvenv.cfg").write_text("")

    assert entry.command({"PATH": path}) == ["uvx", "--from", f"gitcoord=={__version__}", "gitcoord", *ARGS]


def test_an_entry_that_colleagues_share_decides_how_it_is_started(
    run: Run, repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git = shutil.which("git")
    assert git
    wire(run, "claude")
    (Path(programs(tmp_path, "uvx")) / "git").symlink_to(git)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))

    again = run("init", "--tool", "claude", "--json")

    assert {row["action"] for row in again.json["changes"]} == {"unchanged"}


def test_an_entry_of_another_server_decides_nothing(
    run: Run, repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git = shutil.which("git")
    assert git
    (repo / ".mcp.json").write_text('{"mcpServers": {"other": {"command": "x", "args": ["mcp", "work"]}}}')
    (Path(programs(tmp_path, "uvx")) / "git").symlink_to(git)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))

    wire(run, "claude")

    assert load(repo, ".mcp.json")["mcpServers"]["gitcoord"]["command"] == "uvx"


def test_a_first_ownership_file_is_valid(run: Run, repo: Path) -> None:
    run("init", "--tool", "none", "--owners")

    assert run("owners", "check", ".gitcoord/owners.yaml").status == 0


# --- the plugin of opencode ---

DRIVER = """\
import plugin from "./plugin.mjs"
const [tool, args] = [process.argv[2], JSON.parse(process.argv[3])]
const hooks = await plugin.server({ directory: process.cwd() })
const result = (promise) => promise.then(() => "passes", (error) => error.message)
const one = await result(hooks["tool.execute.before"]({ tool, sessionID: "s" }, { args }))
let registered
await plugin.setup({ location: { directory: process.cwd() }, tool: { hook: async (_, call) => (registered = call) } })
const two = await result(registered({ tool, sessionID: "s", input: args }))
await hooks.event({ event: { type: "session.created", properties: { info: { id: "s" } } } })
await hooks.event({ event: { type: "session.created", properties: { info: { id: "t", parentID: "s" } } } })
await hooks.dispose()
console.log(JSON.stringify([one, two]))
"""
HOOK = """\
#!/bin/sh
cat >>calls; echo >>calls
if grep -q held calls; then
  echo "ann has it" >&2; exit 2
fi
"""


@pytest.mark.skipif(shutil.which("node") is None, reason="needs node")
@pytest.mark.parametrize(
    ("tool", "args", "expected", "asked"),
    [
        ("edit", {"filePath": "/x/free.ts"}, "passes", [("Edit", {"file_path": "/x/free.ts"})]),
        ("write", {"filePath": "held.ts"}, "ann has it", [("Write", {"file_path": "held.ts"})]),
        ("bash", {"command": "rm held.ts"}, "ann has it", [("Bash", {"command": "rm held.ts"})]),
        ("read", {"filePath": "held.ts"}, "passes", []),
        (
            "apply_patch",
            {"patchText": "*** Begin Patch\n*** Add File: a.ts\n+x\n*** Update File: held b.ts\n*** End Patch"},
            "ann has it",
            [("Edit", {"file_path": "a.ts"}), ("Edit", {"file_path": "held b.ts"})],
        ),
    ],
)
def test_the_plugin_of_opencode_asks_before_an_edit(
    tmp_path: Path, tool: str, args: dict[str, str], expected: str, asked: list[tuple[str, dict[str, str]]]
) -> None:
    plugin = Path(__file__).parents[4] / "templates/opencode/gitcoord.ts"
    (tmp_path / "plugin.mjs").write_text(plugin.read_text())
    (tmp_path / "driver.mjs").write_text(DRIVER)
    folder = Path(programs(tmp_path, "gitcoord"))
    (folder / "gitcoord").write_text(HOOK)

    done = subprocess.run(
        ["node", "driver.mjs", tool, json.dumps(args)],
        cwd=tmp_path,
        env={**os.environ, "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        encoding="utf-8",
        timeout=NODE_WAIT_S,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [expected, expected]
    calls = [json.loads(line) for line in (tmp_path / "calls").read_text().splitlines() if line]
    *before, begins, ends = calls
    seen = [(call["tool_name"], call["tool_input"]) for call in before]
    assert all(one in seen for one in asked)
    assert {call["hook_event_name"] for call in before} <= {"PreToolUse"}
    assert (begins["hook_event_name"], ends["hook_event_name"]) == ("SessionStart", "SessionEnd")
    assert {call["session_id"] for call in calls} == {"s"}


WAKING_DRIVER = """\
import plugin from "./plugin.mjs"
const prompts = []
const client = { session: { promptAsync: async (options) => prompts.push(options) } }
const hooks = await plugin.server({ directory: process.cwd(), client })
const event = (type, properties) => hooks.event({ event: { type, properties } })
await event("session.created", { info: { id: "s" } })
await event("session.created", { info: { id: "t", parentID: "s" } })
const outputs = []
for (const tool of ["bash", "read"]) {
  const output = { output: "ran" }
  await hooks["tool.execute.after"]({ tool, sessionID: "s", args: { command: "true", filePath: "a" } }, output)
  outputs.push(output.output)
}
await event("session.idle", { sessionID: "t" })
await event("session.error", { sessionID: "s", error: { name: "MessageAbortedError" } })
await event("session.idle", { sessionID: "s" })
await event("session.idle", { sessionID: "s" })
console.log(JSON.stringify([outputs, prompts]))
"""
WAKING_HOOK = """\
#!/bin/sh
case $(cat) in
  *PostToolUse*) echo '{"hookSpecificOutput": {"additionalContext": "bob asks"}}' ;;
  *Stop*) echo '{"decision": "block", "reason": "answer bob"}' ;;
esac
"""


@pytest.mark.skipif(shutil.which("node") is None, reason="needs node")
def test_the_plugin_of_opencode_adds_to_results_and_goes_on_where_no_person_stopped_it(tmp_path: Path) -> None:
    plugin = Path(__file__).parents[4] / "templates/opencode/gitcoord.ts"
    (tmp_path / "plugin.mjs").write_text(plugin.read_text())
    (tmp_path / "driver.mjs").write_text(WAKING_DRIVER)
    folder = Path(programs(tmp_path, "gitcoord"))
    (folder / "gitcoord").write_text(WAKING_HOOK)

    done = subprocess.run(
        ["node", "driver.mjs"],
        cwd=tmp_path,
        env={**os.environ, "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        encoding="utf-8",
        timeout=NODE_WAIT_S,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    went_on = {"path": {"id": "s"}, "body": {"parts": [{"type": "text", "text": "answer bob"}]}}
    assert json.loads(done.stdout) == [["ran\n\nbob asks", "ran"], [went_on]]


def test_every_recipe_reads_back_what_it_wrote(tmp_path: Path) -> None:
    place = recipes.Place(tmp_path, {}, ("gitcoord", *ARGS))
    for tool in tools.EVERY:
        for file in recipes.files_of(tool, place):
            text = file.put(None).text
            assert text is not None
            assert file.put(text).text == text
            assert file.take(text).text is None
