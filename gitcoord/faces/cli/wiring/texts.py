"""Instructions: in which file a tool reads the instructions for agents, and the block that goes there.

Where a file is a link to AGENTS.md, or includes it, as many keep it, the block goes into AGENTS.md, once for all.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import cast

from gitcoord import assets
from gitcoord.faces.cli.wiring import jsonc
from gitcoord.faces.cli.wiring.block import Block
from gitcoord.source.checkout.checkout_file import NotOursError, read_small

AGENTS = "AGENTS.md"
_INCLUDES = re.compile(r"^@(?:\./)?AGENTS\.md[ \t]*\r?$", re.MULTILINE)
# Zed reads the first of these that exists and no other; AGENTS.md comes next.
_BEFORE_AGENTS = (
    ".rules",
    ".cursorrules",
    ".windsurfrules",
    ".clinerules",
    ".github/copilot-instructions.md",
    "AGENT.md",
)
EVERY = (AGENTS, "CLAUDE.md", "GEMINI.md", *_BEFORE_AGENTS)


def body() -> str:
    """Return the instructions for agents."""
    return (assets.templates() / AGENTS).read_text(encoding="utf-8")


def instructions(top: Path, path: str) -> list[Block]:
    """Return the block for a file that agents read."""
    return [Block(AGENTS if path != AGENTS and _leads_to_agents(top, path) else path, body())]


def gemini_file(top: Path, env: Mapping[str, str]) -> str:
    """Return which file Gemini reads: GEMINI.md unless its settings name others; AGENTS.md, as others do, if it can."""
    for folder in (top, *([Path(env["HOME"])] if env.get("HOME") else [])):
        names = _context_files(folder / ".gemini" / "settings.json")
        if names:
            return next((name for name in (AGENTS, "GEMINI.md") if name in names), names[0])
    return "GEMINI.md"


def zed_file(top: Path) -> str:
    """Return which file Zed reads."""
    return next((name for name in _BEFORE_AGENTS if (top / name).is_file()), AGENTS)


def _leads_to_agents(top: Path, path: str) -> bool:
    file = top / path
    if file.is_symlink():
        return file.resolve() == (top / AGENTS).resolve()
    try:
        return bool(_INCLUDES.search(read_small(file).decode()))
    except (OSError, UnicodeDecodeError):
        return False


def _context_files(settings: Path) -> list[str]:
    """Return the names in Gemini's `context.fileName`; what cannot be read, or leads out of the repository, is none."""
    try:
        value = jsonc.parse(read_small(settings).decode()).value
    except (OSError, UnicodeDecodeError, NotOursError):
        return []
    context = value.get("context") if isinstance(value, dict) else None
    names = context.get("fileName") if isinstance(context, dict) else None
    listed = cast("list[object]", names) if isinstance(names, list) else [names]
    return [name for name in listed if isinstance(name, str) and re.fullmatch(r"[\w.-]+", name)]
