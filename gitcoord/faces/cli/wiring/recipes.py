"""Recipes: which files a tool reads, and what of ours goes into each.

The formats were looked up in the tools' documentation of November 2026; `docs/integrations/` says what was checked,
what users still have to do, and how to undo it. All files are the repository's, for every worktree and colleague.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from gitcoord import assets
from gitcoord.faces.cli.wiring import entry, texts
from gitcoord.faces.cli.wiring.block import Block
from gitcoord.faces.cli.wiring.change import Edited
from gitcoord.faces.cli.wiring.json_file import HOOK, Allowed, Default, Hook, Item, JsonFile, Server
from gitcoord.faces.cli.wiring.toml_text import Table
from gitcoord.faces.cli.wiring.tools import Tool
from gitcoord.faces.cli.wiring.whole_file import WholeFile

if TYPE_CHECKING:
    from gitcoord.core.documents.json_text import Json

START_TIMEOUT_S = 20  # Codex gives up after 10 s; a busy machine has needed 4 s for the engine
CALL_TIMEOUT_S = 120  # Codex's default of 60 s is too near to our longest wait of 50 s
HOOK_TIMEOUT_S = 10  # of an edit hook that reads a few small files; the tools' own defaults are up to 600 s
END_TIMEOUT_S = 3  # Codex cuts the hook of a session's end to this
# After these an agent has waited, perhaps for minutes. Before an edit and a command a hook runs in any case.
CLAUDE_WAITS, CODEX_WAITS = "Bash|Task|Agent|WebFetch|WebSearch", "Bash|apply_patch"
RULE_HEADER = "---\ndescription: Working with other agents on this repository\nalwaysApply: true\n---\n"


class File(Protocol):
    """A file that has something of ours."""

    @property
    def path(self) -> str: ...
    def put(self, text: str | None) -> Edited: ...
    def take(self, text: str) -> Edited: ...


@dataclass(frozen=True, slots=True)
class Place:
    """Where the files are, and what they start. `has_hooks`: the edit hooks are wanted as well."""

    top: Path
    env: Mapping[str, str]
    command: tuple[str, ...]
    has_hooks: bool = True

    @property
    def server(self) -> "dict[str, Json]":
        """The server's entry as most tools write it."""
        return {"command": self.command[0], "args": [*self.command[1:]]}


def files_of(tool: Tool, place: Place) -> list[File]:
    """Return the files of a tool."""
    return _RECIPES[tool](place)


def _claude(place: Place) -> list[File]:
    handlers = {
        "PreToolUse": {"matcher": "Edit|Write|MultiEdit|NotebookEdit|Bash"},
        "PostToolUse": {"matcher": CLAUDE_WAITS},
        "UserPromptSubmit": {},
        "SessionStart": {},
        "SessionEnd": {},
        "Stop": {},
    }
    allow = Item(("permissions", "allow"), "mcp__gitcoord")
    return [
        JsonFile(".mcp.json", (Server("mcpServers", place.server),)),
        JsonFile(".claude/settings.json", (allow, *_groups(place, "claude", handlers))),
        *texts.instructions(place.top, "CLAUDE.md"),
    ]


def _codex(place: Place) -> list[File]:
    server = {
        **place.server,
        "startup_timeout_sec": START_TIMEOUT_S,
        "tool_timeout_sec": CALL_TIMEOUT_S,
        "default_tools_approval_mode": "approve",
    }
    handlers: dict[str, dict[str, Json]] = {
        "PreToolUse": {},
        "PostToolUse": {"matcher": CODEX_WAITS},
        "UserPromptSubmit": {},
        "SessionStart": {},
        "Stop": {},
        "SessionEnd": {},
    }
    files: list[File] = [Table(".codex/config.toml", "mcp_servers", server)]
    if place.has_hooks:
        files.append(JsonFile(".codex/hooks.json", _groups(place, "codex", handlers)))
    return [*files, *texts.instructions(place.top, "AGENTS.md")]


def _cursor(place: Place) -> list[File]:
    hooks = [
        Hook(("hooks", event), {"command": f"{HOOK} --tool cursor", "timeout": HOOK_TIMEOUT_S})
        for event in ("preToolUse", "postToolUse", "beforeShellExecution", "sessionStart", "sessionEnd", "stop")
    ]
    files: list[File] = [JsonFile(".cursor/mcp.json", (Server("mcpServers", place.server),))]
    if place.has_hooks:
        files.append(JsonFile(".cursor/hooks.json", (Default(("version",), 1), *hooks)))
    # A list in this file replaces the one that a person keeps in Cursor, so none is begun.
    if (place.top / ".cursor/permissions.json").exists():
        files.append(JsonFile(".cursor/permissions.json", (Item(("mcpAllowlist",), "gitcoord:*", only_beside=True),)))
    return [*files, Block(".cursor/rules/gitcoord.mdc", texts.body(), header=RULE_HEADER)]


def _gemini(place: Place) -> list[File]:
    server = Server("mcpServers", {**place.server, "trust": True, "timeout": CALL_TIMEOUT_S * 1000})
    handler: dict[str, Json] = {
        "name": entry.NAME,
        "type": "command",
        "command": f"{HOOK} --tool gemini",
        "timeout": HOOK_TIMEOUT_S * 1000,
    }
    matchers: dict[str, dict[str, Json]] = {
        "BeforeTool": {"matcher": "write_file|replace|run_shell_command"},
        "AfterTool": {"matcher": "write_file|replace|run_shell_command"},
        "BeforeAgent": {},
        "SessionStart": {},
        "SessionEnd": {},
        "AfterAgent": {},
    }
    hooks = [Hook(("hooks", event), {**matcher, "hooks": [handler]}) for event, matcher in matchers.items()]
    parts = (server, *(hooks if place.has_hooks else ()))
    return [
        JsonFile(".gemini/settings.json", parts),
        *texts.instructions(place.top, texts.gemini_file(place.top, place.env)),
    ]


def _vscode(place: Place) -> list[File]:
    server: dict[str, Json] = {"type": "stdio", **place.server, "cwd": "${workspaceFolder}"}
    handler: dict[str, Json] = {"type": "command", "command": f"{HOOK} --tool vscode", "timeout": HOOK_TIMEOUT_S}
    hooks = tuple(Hook(("hooks", event), handler) for event in ("PreToolUse", "SessionStart", "Stop"))
    files: list[File] = [JsonFile(".vscode/mcp.json", (Server("servers", server),))]
    if place.has_hooks:
        files.append(JsonFile(".github/hooks/gitcoord.json", hooks))
    return [*files, *texts.instructions(place.top, "AGENTS.md")]


def _opencode(place: Place) -> list[File]:
    names = ("opencode.json", "opencode.jsonc", ".opencode/opencode.json", ".opencode/opencode.jsonc")
    path = next((name for name in names if (place.top / name).exists()), names[0])
    server: dict[str, Json] = {"type": "local", "command": [*place.command], "enabled": True}
    # opencode allows what nothing is said of, so this is needed only where something is.
    allow = Allowed(("permission", "gitcoord_*"), "allow")
    schema = Default(("$schema",), "https://opencode.ai/config.json")
    files: list[File] = [JsonFile(path, (schema, Server("mcp", server), allow))]
    if place.has_hooks:
        plugin = (assets.templates() / "opencode" / "gitcoord.ts").read_text(encoding="utf-8")
        files.append(WholeFile(".opencode/plugins/gitcoord.ts", plugin, comment="//"))
    return [*files, *texts.instructions(place.top, "AGENTS.md")]


def _windsurf(place: Place) -> list[File]:
    hooks = tuple(
        Hook(("hooks", event), {"command": f"{HOOK} --tool windsurf", "show_output": True})
        for event in ("pre_write_code", "pre_run_command")
    )
    files: list[File] = [
        JsonFile(".devin/mcp_config.json", (Server("mcpServers", place.server),)),
        JsonFile(".devin/config.json", (Item(("permissions", "allow"), "mcp__gitcoord__*"),)),
    ]
    if place.has_hooks:
        files.append(JsonFile(".windsurf/hooks.json", hooks))
    return [*files, *texts.instructions(place.top, "AGENTS.md")]


def _zed(place: Place) -> list[File]:
    server: dict[str, Json] = {"source": "custom", **place.server, "env": {}}
    return [
        JsonFile(".zed/settings.json", (Server("context_servers", server),)),
        *texts.instructions(place.top, texts.zed_file(place.top)),
    ]


def _groups(place: Place, tool: str, matchers: "Mapping[str, Mapping[str, Json]]") -> tuple[Hook, ...]:
    """Return the hooks of a tool that has Claude's groups of handlers."""
    if not place.has_hooks:
        return ()
    groups: list[Hook] = []
    for event, matcher in matchers.items():
        limit = END_TIMEOUT_S if event == "SessionEnd" else HOOK_TIMEOUT_S
        handler: dict[str, Json] = {"type": "command", "command": f"{HOOK} --tool {tool}", "timeout": limit}
        groups.append(Hook(("hooks", event), {**matcher, "hooks": [handler]}))
    return tuple(groups)


_RECIPES: Mapping[Tool, Callable[[Place], list[File]]] = {
    Tool.CLAUDE: _claude,
    Tool.CODEX: _codex,
    Tool.CURSOR: _cursor,
    Tool.GEMINI: _gemini,
    Tool.VSCODE: _vscode,
    Tool.OPENCODE: _opencode,
    Tool.WINDSURF: _windsurf,
    Tool.ZED: _zed,
}
