"""Rows of the line of waiters, as every face shows them."""

from gitcoord.core.doc import Json, time_text
from gitcoord.core.queue import QueueEntry
from gitcoord.core.register import Register
from gitcoord.service.workspace import Workspace

PATTERNS_SHOWN = 20


def queue_rows(workspace: Workspace, register: Register) -> list[Json]:
    """Return the calls of this repository that wait."""
    now = workspace.setting.host.now()
    here = [one for one in register.entries.values() if one.call.repo == workspace.repo and one.ends_at > now]
    return [waiting_view(one) for one in sorted(here, key=lambda one: (one.number, one.id))]


def waiting_view(one: QueueEntry) -> dict[str, Json]:
    """Return a call that waits as a caller sees it."""
    return {
        "queue_id": one.id,
        "agent": one.agent,
        "clone": one.clone,
        "patterns": [wish.pattern for wish in one.call.wishes[:PATTERNS_SHOWN]],
        "urgency": one.call.urgency,
        "description": one.call.description,
        "created_at": time_text(one.created_at),
        "expires_at": time_text(one.expires_at),
    }
