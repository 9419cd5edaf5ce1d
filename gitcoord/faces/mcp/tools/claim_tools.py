"""Tools for claims: ask before editing, look, let go."""

from gitcoord.core.claims.claim import Mode
from gitcoord.core.claims.claim_commands import Urgency
from gitcoord.faces.mcp.tools.arguments import Boolean, Integer, Number, Strings, Table, Text, argument, choice
from gitcoord.faces.mcp.tools.step_tools import AGENT
from gitcoord.faces.mcp.tools.tool import Tool
from gitcoord.service.claims import claims

URGENCY = {"urgency": argument(choice(Urgency, Urgency.NORMAL))}
_IDS = {"claim_ids": argument(Strings, "Default: all of yours.", also=("claim_id", "ids", "claims"))}
SECONDS = ("timeout", "wait", "timeout_seconds", "timeout_minutes", "wait_minutes")
_HOURS = ("hours", "ttl")
_FILES = ("files", "file", "paths", "path", "pattern")
_SYMBOLS = {"symbols": argument(Table, "Symbols instead of whole files: {file: ['f', 'Class::method']}.")}

TOOLS = (
    Tool(
        "claim_files",
        "Claim files",
        "Claim files or symbols before you edit them: all of them, or nothing. Patterns as in .gitignore, "
        "from the root. Granted for 4 h; else conflicts[] name who holds what. With wait_seconds the call waits in "
        "line, at most 50 s a call: go on with queue_id alone.",
        claims.claim_files,
        {
            "patterns": argument(Strings, "Such as src/auth/** or /package.json.", also=_FILES),
            **_SYMBOLS,
            "shared_files": argument(Strings, "Files everyone changes, for 2 h."),
            "description": argument(Text, "What you do there; others see it."),
            "branch": argument(Text, "Default: the one checked out."),
            "ttl_hours": argument(Number, also=_HOURS),
            "narrowable": argument(Boolean, "false: others may not claim symbols of it."),
            "mode": argument(choice(Mode)),
            "literal": argument(Boolean, "Patterns are plain paths."),
            "wait_seconds": argument(Integer, "At most 600 in all.", also=SECONDS, minimum=0),
            **URGENCY,
            "queue_id": argument(Text, "Go on waiting."),
            **AGENT,
        },
        effect="idempotent",
        narrow="Claim fewer patterns in a call.",
        smallest="work",
        waits=True,
    ),
    Tool(
        "check_conflicts",
        "Check for conflicts",
        "Say what is in the way of these files or symbols, without claiming. Returns safe and conflicts[].",
        claims.check_conflicts,
        {
            "files": argument(Strings, "Paths or patterns.", also=("patterns", "pattern", "paths", "path", "file")),
            "symbols": argument(Table, "As in claim_files."),
            **AGENT,
        },
        effect="reads",
        hint="is file free, who edits",
        narrow="Check fewer files in a call.",
        smallest="work",
    ),
    Tool(
        "release_claims",
        "Release claims",
        "Release your claims when the work is in; a waiter gets them at once. Returns released[].",
        claims.release_claims,
        {**_IDS, **AGENT},
        smallest="work",
    ),
    Tool(
        "extend_claims",
        "Extend claims",
        "Extend your claims to end at least this long from now.",
        claims.extend_claims,
        {"ttl_hours": argument(Number, "At most 168.", also=_HOURS, required=True), **_IDS, **AGENT},
        hint="renew claim",
        smallest="work",
    ),
    Tool(
        "list_claims",
        "List claims",
        "List who has claimed what, until when.",
        claims.list_claims,
        {
            "active_only": argument(Boolean, "false: include recently ended claims and why they ended."),
            "agent": argument(Text, "Only this agent and its sub-agents.", also=("agent_id", "engineer")),
            "pattern": argument(Text, "Only what overlaps it.", also=("file", "path")),
        },
        effect="reads",
        hint="who holds which files",
        narrow="Narrow with agent or pattern.",
    ),
    Tool(
        "release_session",
        "Release the session",
        "Release everything that this session claimed, its sub-agents' too, and stop waiting.",
        claims.release_session,
        {},
        hint="end of session, release all claims",
        smallest="all",
    ),
)
