"""Who is at the other end: the agent's tool, and the id that the tool gives its session.

The hooks of a session get the same id, which makes them and the server one identity.
"""

import re
from collections.abc import Mapping

from gitcoord.core.documents.json_text import Json
from gitcoord.service.session.identity import SESSION_VARIABLES

_CLIENT_INFO = "io.modelcontextprotocol/clientInfo"
# What clients call themselves -> what we call them; the first that begins the name.
_KNOWN = {
    "claude-ai": "claude",
    "claude-code": "claude-code",
    "codex": "codex",
    "copilot": "copilot",
    "cursor": "cursor",
    "gemini": "gemini",
    "github-copilot": "copilot",
    "opencode": "opencode",
    "visual-studio-code": "vscode",
    "vscode": "vscode",
    "windsurf": "windsurf",
    "zed": "zed",
}
UNKNOWN = "mcp"
_NAME_MAX = 32
_SESSION_KEYS = ("sessionId", "threadId")  # of Codex, which passes no environment


def tool_name(client: str) -> str:
    """Return one word for a client, whatever it calls itself."""
    name = re.sub(r"[^a-z0-9]+", "-", client.lower()).strip("-")
    known = next((ours for theirs, ours in _KNOWN.items() if name.startswith(theirs)), None)
    return known or name[:_NAME_MAX].strip("-") or UNKNOWN


def client_of(method: str, params: Mapping[str, Json]) -> str | None:
    """Return the client's name, if this message tells it."""
    info = params.get("clientInfo") if method == "initialize" else meta_of(params).get(_CLIENT_INFO)
    name = info.get("name") if isinstance(info, dict) else None
    return name if isinstance(name, str) else None


def session_of(env: Mapping[str, str]) -> str | None:
    """Return the tool's own session id, where the environment has it."""
    return next((env[name] for name in SESSION_VARIABLES if env.get(name)), None)


def alias_of(params: Mapping[str, Json]) -> str | None:
    """Return the tool's own session id, where a call carries it."""
    meta = meta_of(params)
    return next((value for name in _SESSION_KEYS if isinstance(value := meta.get(name), str) and value), None)


def meta_of(params: Mapping[str, Json]) -> Mapping[str, Json]:
    """Return what a request says about itself."""
    meta = params.get("_meta")
    return meta if isinstance(meta, dict) else {}
