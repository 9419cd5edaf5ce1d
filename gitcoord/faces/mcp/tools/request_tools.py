"""Tools for asking a holder to let go of a claim, for answering, and for the line of waiters."""

from gitcoord.core.claims.claim_commands import Answer
from gitcoord.core.claims.release_request import RequestState
from gitcoord.faces.mcp.tools.arguments import Boolean, Integer, Strings, Text, argument, choice
from gitcoord.faces.mcp.tools.claim_tools import SECONDS, URGENCY
from gitcoord.faces.mcp.tools.step_tools import AGENT
from gitcoord.faces.mcp.tools.tool import Tool
from gitcoord.service.claims import requests

_REQUEST = {"request_id": argument(Text, also=("id", "request"), required=True)}

TOOLS = (
    Tool(
        "request_release",
        "Request a release",
        "Ask the holder to release a claim; waits for the answer. Approved: you get it at once. Unanswered, it ends 5 "
        "minutes after the holder saw this.",
        requests.request_release,
        {
            "claim_id": argument(Text, also=("id", "claim"), required=True),
            "reason": argument(Text, "The holder decides by it.", required=True),
            **URGENCY,
            "requested_scope": argument(Strings, "Only these patterns of it.", also=("patterns", "files", "paths")),
            "wait_seconds": argument(Integer, "Default 45, at most 600.", also=SECONDS, minimum=0),
            **AGENT,
        },
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
        {
            **_REQUEST,
            "timeout": argument(Integer, "Default 45 s, at most 600.", also=("wait_seconds", *SECONDS[1:]), minimum=0),
            **AGENT,
        },
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
        {**AGENT},
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
        {
            **_REQUEST,
            "decision": argument(choice(Answer), also=("answer",), required=True),
            "note": argument(Text, also=("notes", "reason")),
            "item": argument(Text, "Which pattern, of several."),
            "pattern": argument(Text, "Within what you hold.", also=("path", "file")),
            "symbols": argument(Strings),
            **AGENT,
        },
        effect="ends",
        hint="approve, deny",
        smallest="work",
    ),
    Tool(
        "my_requests",
        "My requests",
        "List what you asked of others, and your calls that wait in line.",
        requests.my_requests,
        {
            "decision": argument(choice(RequestState)),
            "queued": argument(Boolean, "false: leave out your waiting calls."),
            **AGENT,
        },
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
        {"queue_id": argument(Text, also=("id",), required=True), **AGENT},
        hint="leave queue",
        smallest="work",
    ),
)
