"""Tools: which agents' tools there are, and which of them are in use here."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class Tool(StrEnum):
    """The agents' tools that can be wired, and the words for all and none of them."""

    CLAUDE = "claude"
    CODEX = "codex"
    CURSOR = "cursor"
    GEMINI = "gemini"
    VSCODE = "vscode"
    OPENCODE = "opencode"
    WINDSURF = "windsurf"
    ZED = "zed"
    ALL = "all"
    NONE = "none"


EVERY = tuple(tool for tool in Tool if tool not in (Tool.ALL, Tool.NONE))
USUAL = (Tool.CLAUDE, Tool.CODEX)  # where nothing tells: most other tools read the files of one of these, too


@dataclass(frozen=True, slots=True)
class _Signs:
    """What shows that a tool is used: files of the repository, folders of the home, its program, its variable."""

    files: tuple[str, ...]
    homes: tuple[str, ...]
    program: str = ""
    variable: str = ""


_SIGNS: Mapping[Tool, _Signs] = {
    Tool.CLAUDE: _Signs((".claude", ".mcp.json", "CLAUDE.md"), (".claude",), "claude", "CLAUDECODE"),
    Tool.CODEX: _Signs((".codex", "AGENTS.md"), (".codex",), "codex", "CODEX_HOME"),
    Tool.CURSOR: _Signs((".cursor", ".cursorrules"), (".cursor",), "cursor", "CURSOR_TRACE_ID"),
    Tool.GEMINI: _Signs((".gemini", "GEMINI.md"), (".gemini",), "gemini", "GEMINI_CLI"),
    Tool.VSCODE: _Signs(
        (".vscode", ".github/copilot-instructions.md"),
        (".vscode", ".config/Code", "Library/Application Support/Code"),
        "code",
    ),
    Tool.OPENCODE: _Signs(
        (".opencode", "opencode.json", "opencode.jsonc"), (".config/opencode",), "opencode", "OPENCODE"
    ),
    Tool.WINDSURF: _Signs(
        (".windsurf", ".windsurfrules", ".devin"), (".codeium/windsurf", ".config/devin"), "windsurf"
    ),
    Tool.ZED: _Signs((".zed",), (".config/zed", "Library/Application Support/Zed"), "zed"),
}


def named(words: Sequence[Tool]) -> tuple[Tool, ...]:
    """Return the tools that words of the command line mean."""
    if Tool.ALL in words:
        return EVERY
    return tuple(tool for tool in EVERY if tool in words)


def detect(top: Path, env: Mapping[str, str]) -> tuple[Tool, ...]:
    """Return the tools in use; the usual ones where nothing tells."""
    return tuple(tool for tool in EVERY if _is_used(_SIGNS[tool], top, env)) or USUAL


def _is_used(signs: _Signs, top: Path, env: Mapping[str, str]) -> bool:
    home = env.get("HOME", "")
    return (
        any((top / file).exists() for file in signs.files)
        or bool(home and any((Path(home) / folder).is_dir() for folder in signs.homes))
        or bool(signs.program and shutil.which(signs.program, path=env.get("PATH")))
        or bool(signs.variable and env.get(signs.variable))
    )
