"""Tools for claims: ask before editing, look, let go."""

from gitcoord.core.claims.claim import Mode
from gitcoord.core.claims.claim_commands import Urgency
from gitcoord.faces.mcp.tools.arguments import Argument
from gitcoord.faces.mcp.tools.step_tools import AGENT
from gitcoord.faces.mcp.tools.tool import Tool
from gitcoord.service.claims import claims

URGENCY = Argument("urgency", "string", choices=tuple(Urgency), others_as=Urgency.NORMAL)
_IDS = Argument("claim_ids", "strings", "Default: all of yours.", synonyms=("claim_id", "ids", "claims"))
SECONDS = ("timeout", "wait", "timeout_seconds")
MINUTES = ("timeout_minutes", "wait_minutes")
_HOURS = ("hours", "ttl")
_FILES = ("files", "file", "paths", "path", "pattern")
_SYMBOLS = Argument("symbols", "table", "Symbols instead of whole files: {file: ['f', 'Class::method']}.")

TOOLS = (
    Tool(
        "claim_files",
        "Claim files",
        "Claim files or symbols before you edit them: all of them, or nothing. Patterns as in .gitignore, "
        "from the root. Granted for 4 h; else conflicts[] name who holds what. With wait_seconds the call waits in "
        "line, at most 50 s a call: go on with queue_id alone.",
        claims.claim_files,
        (
            Argument("patterns", "strings", "Such as src/auth/** or /package.json.", synonyms=_FILES),
            _SYMBOLS,
            Argument("shared_files", "strings", "Files everyone changes, for 2 h."),
            Argument("description", "string", "What you do there; others see it."),
            Argument("branch", "string", "Default: the one checked out."),
            Argument("ttl_hours", "number", synonyms=_HOURS),
            Argument("narrowable", "boolean", "false: others may not claim symbols of it."),
            Argument("mode", "string", choices=tuple(Mode)),
            Argument("literal", "boolean", "Patterns are plain paths."),
            Argument("wait_seconds", "integer", "At most 600 in all.", minimum=0, synonyms=SECONDS, in_minutes=MINUTES),
            URGENCY,
            Argument("queue_id", "string", "Go on waiting."),
            AGENT,
        ),
        effect="idempotent",
        narrow="Claim fewer patterns in a call.",
        smallest="work",
        waits=True,
    ),
    Tool(
        "check_conflicts",
        "Check for conflicts",
        "Say who is in the way of these files or symbols, without claiming. Returns safe and conflicts[].",
        claims.check_conflicts,
        (
            Argument(
                "files", "strings", "Paths or patterns.", synonyms=("patterns", "pattern", "paths", "path", "file")
            ),
            Argument("symbols", "table", "As in claim_files."),
            AGENT,
        ),
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
        (_IDS, AGENT),
        smallest="work",
    ),
    Tool(
        "extend_claims",
        "Extend claims",
        "Extend your claims to end at least this long from now.",
        claims.extend_claims,
        (Argument("ttl_hours", "number", "At most 168.", required=True, synonyms=_HOURS), _IDS, AGENT),
        hint="renew claim",
        smallest="work",
    ),
    Tool(
        "list_claims",
        "List claims",
        "List who has claimed what, until when.",
        claims.list_claims,
        (
            Argument("active_only", "boolean", "false: include recently ended claims and why they ended."),
            Argument("agent", "string", "Only this agent and its sub-agents.", synonyms=("agent_id", "engineer")),
            Argument("pattern", "string", "Only what overlaps it.", synonyms=("file", "path")),
        ),
        effect="reads",
        hint="who holds which files",
        narrow="Narrow with agent or pattern.",
    ),
    Tool(
        "release_session",
        "Release the session",
        "Release everything that this session claimed, its sub-agents' too, and stop waiting.",
        claims.release_session,
        hint="end of session, release all claims",
        smallest="all",
    ),
)
