"""Tools for asking a holder to let go of a claim, for answering, and for the line of waiters."""

from gitcoord.core.claims.claim_commands import Answer
from gitcoord.core.claims.release_request import RequestState
from gitcoord.faces.mcp.tools.arguments import Argument
from gitcoord.faces.mcp.tools.claim_tools import MINUTES, SECONDS, URGENCY
from gitcoord.faces.mcp.tools.step_tools import AGENT
from gitcoord.faces.mcp.tools.tool import Tool
from gitcoord.service.claims import requests

_REQUEST = Argument("request_id", "string", required=True, synonyms=("id", "request"))

TOOLS = (
    Tool(
        "request_release",
        "Request a release",
        "Ask the holder to release a claim; waits for the answer. Approved: you get it at once. Unanswered, it ends 5 "
        "minutes after the holder saw this.",
        requests.request_release,
        (
            Argument("claim_id", "string", required=True, synonyms=("id", "claim")),
            Argument("reason", "string", "The holder decides by it.", required=True),
            URGENCY,
            Argument(
                "requested_scope", "strings", "Only these patterns of it.", synonyms=("patterns", "files", "paths")
            ),
            Argument(
                "wait_seconds", "integer", "Default 45, at most 600.", minimum=0, synonyms=SECONDS, in_minutes=MINUTES
            ),
            AGENT,
        ),
        effect="idempotent",
        hint="negotiate, blocked by claim",
        smallest="work",
        waits=True,
    ),
    Tool(
        "wait_for_request",
        "Wait for an answer",
        "Wait for the answer to your request.",
        requests.wait_for_request,
        (
            _REQUEST,
            Argument(
                "timeout",
                "integer",
                "Default 45 s, at most 600.",
                minimum=0,
                synonyms=("wait_seconds", "wait", "timeout_seconds"),
                in_minutes=MINUTES,
            ),
            AGENT,
        ),
        effect="idempotent",
        hint="wait for release request",
        smallest="work",
        waits=True,
    ),
    Tool(
        "pending_requests",
        "Pending requests",
        "List the requests for your claims. Unanswered, a claim ends 5 minutes after you saw its request.",
        requests.pending_requests,
        (AGENT,),
        hint="who asks me to release",
        narrow="Answer the first ones.",
        smallest="work",
        looks=True,
    ),
    Tool(
        "respond_to_request",
        "Respond to a request",
        "Answer a request for your claim: approved gives it up, denied keeps it, narrowed keeps only pattern, coexist "
        "shares pattern or symbols.",
        requests.respond_to_request,
        (
            _REQUEST,
            Argument("decision", "string", required=True, choices=tuple(Answer), synonyms=("answer",)),
            Argument("note", "string", synonyms=("notes", "reason")),
            Argument("item", "string", "Which pattern, of several."),
            Argument("pattern", "string", "Within what you hold.", synonyms=("path", "file")),
            Argument("symbols", "strings"),
            AGENT,
        ),
        effect="ends",
        hint="approve, deny",
        smallest="work",
    ),
    Tool(
        "my_requests",
        "My requests",
        "List what you asked of others, and your calls that wait in line.",
        requests.my_requests,
        (
            Argument("decision", "string", choices=tuple(RequestState)),
            Argument("queued", "boolean", "false: leave out your waiting calls."),
            AGENT,
        ),
        effect="reads",
        hint="release requests I filed, queue",
        narrow="Narrow with decision.",
        smallest="all",
    ),
    Tool(
        "cancel_queue_request",
        "Stop waiting",
        "Cancel your waiting call.",
        requests.cancel_queue_request,
        (Argument("queue_id", "string", required=True, synonyms=("id",)), AGENT),
        hint="leave queue",
        smallest="work",
    ),
)
