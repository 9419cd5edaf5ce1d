"""The channel: how an idle session of Claude Code is woken by its server, where a person asked for that.

    GITCOORD_CHANNEL=1 claude --dangerously-load-development-channels server:gitcoord

    ──> {"method": "notifications/claude/channel", "params": {"content": text, "meta": {"notice": word, "id": …}}}

Rules:
  * It is declared to Claude Code from 2.1.80 on, the first version that has channels (a research preview), and only if
    the variable is set: an ordinary session never hears of it.
  * Channels exist on connections of the handshake era alone. Claude Code asks for 2026-07-28 first, and goes on with
    the handshake where that is unknown; so it is then.
  * A message shows nothing for certain: Claude Code drops those of a server that it was not started with. What it says
    comes again with the next reply, or with a hook.

Looked up in November 2026: https://code.claude.com/docs/en/channels-reference, and in Claude Code 2.1.329 itself.
Standard library only, without `typing`: the front imports it.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from gitcoord.core.documents.json_text import Json

VARIABLE = "GITCOORD_CHANNEL"
_OFF = ("", "0")
_CLIENT, _SINCE = "claude-code", (2, 1, 80)
_CAPABILITY: "dict[str, Any]" = {"claude/channel": {}}
CHARS_MAX = 2_000


def is_open(env: "Mapping[str, str]", params: object) -> bool:
    """Whether who opens with these parameters gets channel messages: a Claude Code that has them, if it is wanted."""
    if env.get(VARIABLE, "") in _OFF:
        return False
    match params:
        case {"clientInfo": {"name": str(name), "version": str(version)}}:
            pass
        case {"_meta": {"io.modelcontextprotocol/clientInfo": {"name": str(name), "version": str(version)}}}:
            pass
        case _:
            return False
    numbers = version.partition("-")[0].split(".")
    is_new = all(number.isdecimal() for number in numbers) and tuple(int(number) for number in numbers) >= _SINCE
    return name == _CLIENT and is_new


def declared(result: "dict[str, Any]") -> "dict[str, Any]":
    """Return the answer to `initialize` with the capability in it."""
    capabilities: dict[str, Any] = result["capabilities"]
    experimental: dict[str, Any] = capabilities.get("experimental") or {}
    return {**result, "capabilities": {**capabilities, "experimental": {**experimental, **_CAPABILITY}}}


def message(notice: str, row_id: str, text: str) -> "dict[str, Json]":
    """Return the message that wakes a session."""
    meta: dict[str, Json] = {"notice": notice, "id": row_id}
    return {
        "jsonrpc": "2.0",
        "method": "notifications/claude/channel",
        "params": {"content": text[:CHARS_MAX], "meta": meta},
    }
