"""Tools: which files an agent's tool reads, and what of ours goes into them.

    Claude Code   .mcp.json            the MCP server        CLAUDE.md   the managed block
    Codex         .codex/config.toml   the MCP server        AGENTS.md   the managed block

No secrets and no paths of this machine: the files are committed and shared.
"""

import shutil
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, cast

from gitcoord import __version__, assets
from gitcoord.faces.cli.wiring import block, json_text
from gitcoord.faces.cli.wiring.change import Action, Change, NotOursError
from gitcoord.faces.cli.wiring.change import plan as plan_change

if TYPE_CHECKING:
    from gitcoord.core.doc import Json

CLAUDE = "claude"
CODEX = "codex"
ALL = (CLAUDE, CODEX)
NAME = "gitcoord"
ARGUMENTS = ("mcp", "--tools", "work")
START_TIMEOUT_S = 20  # Codex gives up after 10 s; a busy machine has needed 4 s for the engine
CALL_TIMEOUT_S = 120  # Codex's default of 60 s is too near to our longest wait of 50 s

# What shows that a tool is used here: files in the repository, its program, a variable that it sets.
_SIGNS: Mapping[str, tuple[tuple[str, ...], str, str]] = {
    CLAUDE: ((".claude", ".mcp.json", "CLAUDE.md"), "claude", "CLAUDECODE"),
    CODEX: ((".codex", "AGENTS.md"), "codex", "CODEX_HOME"),
}


def named(word: str) -> tuple[str, ...]:
    """Return the tools that a word of the command line means."""
    if word == "all":
        return ALL
    return () if word == "none" else (word,)


def detect(top: Path, env: Mapping[str, str]) -> tuple[str, ...]:
    """Return the tools in use; all where nothing tells."""
    return tuple(tool for tool in ALL if _is_used(tool, top, env)) or ALL


def _is_used(tool: str, top: Path, env: Mapping[str, str]) -> bool:
    files, program, variable = _SIGNS[tool]
    found = shutil.which(program, path=env.get("PATH"))
    return bool(found or env.get(variable)) or any((top / file).exists() for file in files)


def plan(top: Path, env: Mapping[str, str], wanted: tuple[str, ...]) -> list[Change]:
    """Return what is to be written for these tools."""
    command = _command(env)
    changes: list[Change] = []
    if CLAUDE in wanted:
        changes.append(plan_change(top, ".mcp.json", partial(_mcp_json, command=command)))
    if CODEX in wanted:
        changes.append(plan_change(top, ".codex/config.toml", partial(_codex_toml, command=command)))
        changes.append(_block(top, "AGENTS.md"))
    if CLAUDE in wanted:
        changes += _claude_text(top, [change.path for change in changes])
    return changes


def _claude_text(top: Path, planned: list[str]) -> list[Change]:
    """Plan CLAUDE.md; where it is a link to AGENTS.md, as many keep it, that file is written instead."""
    claude = top / "CLAUDE.md"
    if not claude.is_symlink() or claude.resolve() != (top / "AGENTS.md").resolve():
        return [_block(top, "CLAUDE.md")]
    linked = Change("CLAUDE.md", Action.UNCHANGED, why="a link to AGENTS.md, which has the block")
    return [linked] if "AGENTS.md" in planned else [_block(top, "AGENTS.md"), linked]


def _block(top: Path, path: str) -> Change:
    body = (assets.templates() / "AGENTS.md").read_text(encoding="utf-8")
    return plan_change(top, path, lambda text: block.put(text, body))


def _command(env: Mapping[str, str]) -> list[str]:
    """Return what starts the server: the program on PATH, or a pinned one where there is only this environment."""
    found = shutil.which(NAME, path=env.get("PATH"))
    here = env.get("VIRTUAL_ENV")
    if found and not (here and Path(found).is_relative_to(here)):
        return [NAME, *ARGUMENTS]
    if shutil.which("uvx", path=env.get("PATH")):
        return ["uvx", "--from", f"{NAME}=={__version__}", NAME, *ARGUMENTS]
    return [NAME, *ARGUMENTS]


def _mcp_json(text: str | None, *, command: list[str]) -> str:
    entry: dict[str, Json] = {"command": command[0], "args": [*command[1:]]}
    if text is None or not text.strip():
        return json_text.add_member("{}\n", "mcpServers", NAME, entry)
    servers = json_text.load(text).get("mcpServers", {})
    if not isinstance(servers, dict):
        raise NotOursError("its mcpServers is not an object")
    if NAME not in servers:
        return json_text.add_member(text, "mcpServers", NAME, entry)
    _check_ours(servers[NAME])
    return text


def _codex_toml(text: str | None, *, command: list[str]) -> str:
    import tomllib

    try:
        known = cast("dict[str, object]", tomllib.loads(text or ""))
    except tomllib.TOMLDecodeError as error:
        raise NotOursError(f"it is not TOML ({error}); mend it, then run this again") from None
    servers = known.get("mcp_servers", {})
    if not isinstance(servers, dict):
        raise NotOursError("its mcp_servers is not a table")
    others = cast("dict[str, object]", servers)
    if NAME in others:
        _check_ours(others[NAME])
        return text or ""
    entry = {
        "command": command[0],
        "args": command[1:],
        "startup_timeout_sec": START_TIMEOUT_S,
        "tool_timeout_sec": CALL_TIMEOUT_S,
    }
    return _with_server(text or "", entry, {**known, "mcp_servers": {**others, NAME: entry}})


def _with_server(text: str, entry: Mapping[str, object], expected: Mapping[str, object]) -> str:
    """Add a table with everything else as it was; the result is read back, because TOML has many spellings."""
    import tomllib

    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    try:
        document = tomlkit.parse(text)
        servers = cast("dict[str, object]", document.setdefault("mcp_servers", tomlkit.table(is_super_table=True)))
        table = tomlkit.table()
        table.update(entry)  # pyright: ignore[reportUnknownMemberType]
        if text.strip():
            table.add(tomlkit.nl())  # so that what follows stands apart
        servers[NAME] = table
        after = tomlkit.dumps(document)
        after = after[:-1] if after.endswith("\n\n") else after
        if tomllib.loads(after) == expected:
            return after
    except (TOMLKitError, tomllib.TOMLDecodeError):
        pass
    raise NotOursError("its mcp_servers is written in a way that nothing can be added to; add gitcoord by hand")


def _check_ours(value: object) -> None:
    """Leave an entry that already starts gitcoord as it is; complain about one that starts something else."""
    entry = cast("dict[str, object]", value) if isinstance(value, dict) else {}
    arguments = entry.get("args")
    listed = cast("list[object]", arguments) if isinstance(arguments, list) else []
    words = [str(word) for word in (entry.get("command", ""), *listed)]
    if not any(NAME in word for word in words) or "mcp" not in words:
        raise NotOursError(f"its server {NAME!r} does not start gitcoord; rename or remove that entry first")
